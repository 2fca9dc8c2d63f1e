"""A framework's own gradient that counts values which were overwritten, and so changed nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gradient_diff.backward.causes import cause
from gradient_diff.noise.draws import further_than_order
from gradient_diff.result.findings import Cause
from manual_mlp import Array
from manual_mlp.extend import Arrays

MOST_NAMED = 3  # places that are written more than once


@dataclass(frozen=True)
class Overwritten:
    """An operation that writes to places, those that it writes to more than once, with how often, and what it reads."""

    what: str
    places: tuple[tuple[str, int], ...]
    read: frozenset[str]


@dataclass(frozen=True, eq=False)
class Overwriting:
    """Such operations of a function, and what its gradients were if they counted only what was written last."""

    operations: tuple[Overwritten, ...]
    gradients: Arrays


def overwritten_causes(
    names: Sequence[str], hand: Arrays, found: Overwriting, near: Callable[[str, Array], bool], terms: int
) -> tuple[Cause, ...]:
    """Of each array that is made good by counting only what was written last."""
    known = [n for n in names if n in found.gradients and n in hand]
    cured = [n for n in known if further_than_order(hand[n], found.gradients[n], terms) and near(n, found.gradients[n])]
    return tuple(
        cause("overwritten_counted", n, _message(o), _title(o)) for n in cured for o in found.operations if n in o.read
    )


def _title(operation: Overwritten) -> str:
    return f"the gradient of {operation.what} counts what was overwritten"


def _message(operation: Overwritten) -> str:
    listed = ", ".join(f"{place} {_times(count)}" for place, count in operation.places[:MOST_NAMED])
    more = ", …" if len(operation.places) > MOST_NAMED else ""
    return (
        f"TensorFlow's own gradient of {operation.what} counts values that were overwritten: its indices hold "
        f"duplicates ({listed}{more}), of which only the last one counts. Make the indices unique"
    )


def _times(count: int) -> str:
    return {2: "twice", 3: "three times"}.get(count, f"{count} times")
