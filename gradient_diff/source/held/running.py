"""Run somebody's step once on copies, note what it leaves behind and returns, and put everything back."""

from __future__ import annotations

import contextlib
import inspect
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gradient_diff.calling import copied
from gradient_diff.source.held.places import MOST_NUMBERS, Place, differs, gathered, places_in, places_of
from gradient_diff.source.held.reach import own_packages
from gradient_diff.source.held.slots import name_of
from gradient_diff.source.held.snapshot import Large, Snapshot
from manual_mlp import Array

Prepare = Callable[[], None]


@dataclass(frozen=True, eq=False)
class Run:
    """What one step did; arrays are copies.

    Attributes:
        before, after: path → array of all that is held.
        returned: path → array of all that was returned, by paths such as `net.step(x, y)[0]`.
        result: what was returned, as it is.
        unseen: what was not looked into, and is not put back.
    """

    before: Mapping[str, Array]
    after: Mapping[str, Array]
    returned: Mapping[str, Array]
    result: Any
    unseen: tuple[str, ...]

    def repeats(self, other: Run) -> bool:
        """Whether another run from the same state left the same."""
        return all(n in other.after and not differs(a, other.after[n]) for n, a in self.after.items())

    @property
    def left(self) -> dict[str, Array]:
        """All that is there afterwards, what was returned first."""
        return {**self.returned, **self.after}


@dataclass(frozen=True, eq=False)
class Stepper:
    """Somebody's step, and how it is run.

    Attributes:
        step: is called as step(x, y).
        spread: whether numbers that are spread over lists of objects are noted, too.
        columns: whether samples are the columns of what it takes.
        quiet: whether what it prints is kept back, as of all runs but the first.
        large: copies of data sets that it holds, made once.
    """

    step: Callable[..., Any]
    spread: bool = False
    columns: bool = False
    quiet: bool = False
    large: Large = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How it is written: `net.back_propagate`."""
        owner, name = name_of(self.step), getattr(self.step, "__name__", "")
        return f"{owner}.{name}" if name and hasattr(self.step, "__self__") else owner

    def places(self) -> tuple[Place, ...]:
        """Where numbers are held now."""
        found = places_of(self.step)
        return (*found, *gathered(found)) if self.spread else found

    def run(self, x: Array, y: Array, prepare: Iterable[Prepare] = ()) -> Run:
        """One run; what `prepare` changes before it is put back, too."""
        snapshot = Snapshot.of(self.step, self.large)
        try:
            for change in prepare:
                change()
            before = _values(self.places())
            result = self._called(x, y)
            found = places_in(result, f"{self.name}(x, y)", own_packages(self.step))
            returned = _values((*found, *(gathered(found) if self.spread else ())))
            return Run(before, _values(self.places()), returned, copied(result), snapshot.unseen)
        except Exception as error:
            error.add_note(
                f"It was raised in {self.name}(x, y) with x {x.shape}, y {y.shape}. What it holds was put back."
            )
            raise
        finally:
            snapshot.restore()

    def _called(self, x: Array, y: Array) -> Any:
        given = (x.T.copy(), y.T.copy()) if self.columns else (x.copy(), y.copy())
        with contextlib.redirect_stdout(io.StringIO()) if self.quiet else contextlib.nullcontext():
            return self.step(*given)


def stepper_of(step: Callable[..., Any], x: Array, y: Array) -> tuple[Stepper, Run]:
    """Samples are rows, or columns where it takes no rows; found by the first run, which is handed back."""
    _check_takes(step)
    rows = Stepper(step)
    try:
        return rows, rows.run(x, y)
    except (ValueError, IndexError) as error:
        columns = replace(rows, columns=True)
        try:
            return columns, columns.run(x, y)
        except Exception:  # noqa: BLE001  # it takes columns no more than rows, and the first error is the one to see
            raise error from None


def _values(places: Iterable[Place]) -> dict[str, Array]:
    return {p.path: np.array(value) for p in places if (value := p.value).size <= MOST_NUMBERS}


def _check_takes(step: object) -> None:
    if not callable(step):
        kind = type(step).__name__
        raise TypeError(f"step is {kind}: expected a function or method that is called as step(x, y).")
    try:
        signature = inspect.signature(step)
    except (TypeError, ValueError):  # one that tells nobody what it takes
        return
    try:
        signature.bind(0, 1)
    except TypeError as error:
        raise TypeError(
            f"{Stepper(step).name}{signature} cannot be called with (x, y): {error}. Expected one training step, of a "
            "batch; wrap another call: lambda x, y: net.train(x, y, epochs=1)."
        ) from None
