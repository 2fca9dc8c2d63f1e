"""Run somebody's step once on copies, note what it leaves behind and returns, and put everything back."""

from __future__ import annotations

import contextlib
import inspect
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradient_diff.source.held.places import Place, gathered, places_in, places_of
from gradient_diff.source.held.reach import own_packages
from gradient_diff.source.held.slots import name_of
from gradient_diff.source.held.snapshot import Snapshot
from manual_mlp import Array

Prepare = Callable[[], None]


@dataclass(frozen=True, eq=False)
class Run:
    """What one step did; arrays are copies.

    Attributes:
        before, after: path → array of all that is held.
        returned: path → array of all that was returned, by paths such as `step(x, y)[0]`.
        unseen: what was not looked into, and is not put back.
    """

    before: Mapping[str, Array]
    after: Mapping[str, Array]
    returned: Mapping[str, Array]
    unseen: tuple[str, ...]


def run_step(
    step: Callable[..., Any], x: Array, y: Array, prepare: Iterable[Prepare] = (), quiet: bool = False, spread: bool = False
) -> Run:
    """One run; with `spread` also numbers that are spread over lists of objects are noted."""
    _check_takes(step)
    snapshot = Snapshot.of(step)
    try:
        for change in prepare:
            change()
        before = _values(places_of(step), spread)
        with contextlib.redirect_stdout(io.StringIO()) if quiet else contextlib.nullcontext():
            result = step(x.copy(), y.copy())
        returned = _values(places_in(result, f"{called(step)}(x, y)", own_packages(step)), spread)
        return Run(before, _values(places_of(step), spread), returned, snapshot.unseen)
    except Exception as error:
        error.add_note(
            f"It was raised by {called(step)}(x, y) with x {x.shape}, y {y.shape}; all that it holds was put back as it was."
        )
        raise
    finally:
        snapshot.restore()


def _values(places: Iterable[Place], spread: bool) -> dict[str, Array]:
    every = tuple(places)
    return {p.path: np.array(p.value) for p in (*every, *(gathered(every) if spread else ()))}


def called(step: Any) -> str:
    """How a step is written: `net.back_propagate`."""
    owner, name = name_of(step), getattr(step, "__name__", "")
    return f"{owner}.{name}" if name and hasattr(step, "__self__") else owner


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
            f"{called(step)}{signature} cannot be called with (x, y): {error}. Expected one training step, of a batch; "
            "wrap another call: lambda x, y: net.train(x, y, epochs=1)."
        ) from None
