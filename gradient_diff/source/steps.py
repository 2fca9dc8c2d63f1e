"""Steps between the nodes of a derivation: what each is made of, its value, and its spelling in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from gradient_diff.source.piece import UNIT, Piece
from manual_mlp import Array
from manual_mlp.extend import is_gradient

_DRAWS = 3


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


def pieces_of_steps(
    steps: Iterable[Step], values: Mapping[str, Array], tolerances: Mapping[str, Array]
) -> Iterator[Piece]:
    """What is no node yet, of each the first step; what is no vector has samples for rows."""
    known, allowed = dict(values), dict(tolerances)
    linear: set[str] = set()
    for step in steps:
        if any(is_gradient(o) or o in linear for o in step.operands):
            linear.add(step.node)
        if step.node in known:
            continue
        operands = [known[o] for o in step.operands]
        limits = [np.broadcast_to(allowed.get(o, 4 * UNIT * np.abs(known[o])), known[o].shape) for o in step.operands]
        value = np.asarray(step.written.function(*operands))
        known[step.node], allowed[step.node] = value, _tolerance(step.written.function, operands, limits, value)
        if value.ndim:
            yield Piece(step.node, value, allowed[step.node], value.ndim > 1, step.node in linear)


def _tolerance(function: Callable[..., Array], operands: list[Array], limits: list[Array], value: Array) -> Array:
    """What its own rounding and that of its operands may do."""
    rng, off = np.random.default_rng(0), 0.0
    for _ in range(_DRAWS):
        moved = [o + limit * rng.choice((-1.0, 1.0), o.shape) for o, limit in zip(operands, limits, strict=True)]
        off = max(off, float(np.abs(function(*moved) - value).max(initial=0.0)))
    return np.asarray(8 * UNIT * (np.abs(value) + np.abs(value).max(initial=0.0)) + 4 * off)
