"""Where the forward passes part: then no gradient below is a wrong derivation, only one of another E."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gradient_diff.result.row import Row
from gradient_diff.result.status import Meaning, Status
from gradient_diff.sides import Pair
from manual_mlp import Array
from manual_mlp.extend import LOSS, is_gradient


@dataclass(frozen=True)
class Parting:
    """The rows of two forward passes that differ, and the words for it."""

    rows: tuple[Row, ...]
    meaning: Meaning


def parting(pair: Pair, rows: tuple[Row, ...]) -> Parting | None:
    """Of a hand that brings E or outputs beside its gradients, if these are off."""
    known = {row.name for row in rows if _is_forward(row.name, pair)}
    first = next((row for row in rows if row.name in known and row.status.bad and row.metrics), None)
    if pair.runs[0] is not None or first is None:
        return None
    words = _of_e(pair) + f"the forward passes part at {first.name}"
    told = tuple(_told(row, first, words) if row.status.bad and row.metrics else row for row in rows)
    return Parting(told, Meaning(words, f"Look at what {first.name} is computed from; the gradients come after."))


def _is_forward(name: str, pair: Pair) -> bool:
    """E, or a node that is no gradient; of arrays by name alone only E is known to be none."""
    return name == LOSS or (pair.problem is not None and not is_gradient(name))


def _told(row: Row, first: Row, words: str) -> Row:
    below = row.name != first.name
    reason = f"{row.reason}; {words}" if below else row.reason
    return replace(row, status=Status.DIFFERENT, reason=reason, downstream=below, by_sigma=row.by_sigma and not below)


def _of_e(pair: Pair) -> str:
    sides = (pair.hand.get(LOSS), pair.reference.get(LOSS))
    if any(e is None or np.size(e) != 1 for e in sides):
        return ""
    mine, right = (_number(e) for e in sides)
    return f"your E is {mine}, the reference's {right}: " if mine != right else ""


def _number(e: Array | None) -> str:
    return f"{float(np.asarray(e).reshape(())):.6g}"
