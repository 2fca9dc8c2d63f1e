"""Steps between the nodes of a derivation: what each is made of, its value, and its spelling in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from gradient_diff.source.piece import UNIT, Piece
from manual_mlp import Array
from manual_mlp.extend import is_gradient

_DRAWS = 4
_MARGIN = 2.0  # over the largest of so few draws


@dataclass(frozen=True)
class Written:
    """An operation with its spelling, in which {0}, {1}, … are the operands; a sum or a mean along an axis reduces."""

    function: Callable[..., Array]
    spelling: str
    reduces: bool = False


@dataclass(frozen=True)
class Step:
    """A value on the way to a node, or the node; there may be several of one node, for people go several ways.

    Attributes:
        node: the name of the result.
        written: the operation.
        operands: nodes, or results of other steps.
    """

    node: str
    written: Written
    operands: tuple[str, ...]

    def of(self, values: Mapping[str, Array]) -> Array:
        """The result of these operands."""
        return np.asarray(self.written.function(*(values[o] for o in self.operands)))


def pieces_of_steps(
    steps: Iterable[Step], values: Mapping[str, Array], tolerances: Mapping[str, Array]
) -> Iterator[Piece]:
    """What is no node yet, of each the first step; what is no vector has samples for rows.

    How far a right value may be off is drawn: the nodes moved by all that they may be off, each step rounded anew.
    """
    known, rng, steps = dict(values), np.random.default_rng(0), list(steps)
    limits = {o: tolerances.get(o, 4 * UNIT * np.abs(known[o])) for s in steps for o in s.operands if o in known}
    drawn = [{n: _moved(rng, known[n], limit) for n, limit in limits.items()} for _ in range(_DRAWS)]
    linear: set[str] = set()
    for step in steps:
        if any(is_gradient(o) or o in linear for o in step.operands):
            linear.add(step.node)
        if step.node in known:
            continue
        value = known[step.node] = step.of(known)
        for moved in drawn:
            moved[step.node] = _moved(rng, step.of(moved), 4 * UNIT * np.abs(value))
        off = max(float(np.abs(moved[step.node] - value).max(initial=0.0)) for moved in drawn)
        allowed = 8 * UNIT * (np.abs(value) + np.abs(value).max(initial=0.0)) + _MARGIN * off
        yield Piece(step.node, value, allowed, value.ndim > 1, step.node in linear)


def _moved(rng: np.random.Generator, array: Array, by: Array) -> Array:
    return np.asarray(array + by * rng.choice((-1.0, 1.0), np.shape(array)))
