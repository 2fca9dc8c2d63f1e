"""Several parameters in one array: the bias as a row or column of Θ, or all of θ as one vector."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gradient_diff.layouts.forms import Numbers
from manual_mlp import Array


@dataclass(frozen=True)
class Theta:
    """A kernel and its bias in one matrix; the shape is that of the kernel."""

    words: str
    comes: Callable[[Numbers], Numbers]
    undo: Callable[[Array], tuple[Array, Array]]


THETAS = (
    Theta("Θ with the bias as the first row", lambda s: (s[0] + 1, s[1]), lambda a: (a[1:], a[0])),
    Theta("Θ with the bias as the last row", lambda s: (s[0] + 1, s[1]), lambda a: (a[:-1], a[-1])),
    Theta(
        "Θ as (n_out, 1 + n_in), the bias as the first column",
        lambda s: (s[1], s[0] + 1),
        lambda a: (a[:, 1:].T, a[:, 0]),
    ),
    Theta(
        "Θ as (n_out, n_in + 1), the bias as the last column",
        lambda s: (s[1], s[0] + 1),
        lambda a: (a[:, :-1].T, a[:, -1]),
    ),
)


@dataclass(frozen=True)
class InThetas:
    """Given name → the kernel and the bias that are in it."""

    theta: Theta
    holds: Mapping[str, tuple[str, str]]

    def __str__(self) -> str:
        return self.theta.words

    def fits(self, given: Mapping[str, Array], shapes: Mapping[str, Numbers]) -> bool:
        """Whether every array has that shape."""
        return all(given[n].shape == self.theta.comes(shapes[kernel]) for n, (kernel, _) in self.holds.items())

    def unpacked(self, given: Mapping[str, Array], shapes: Mapping[str, Numbers]) -> dict[str, Array]:
        """Kernels and biases by name, other arrays as they are."""
        found = {n: a for n, a in given.items() if n not in self.holds}
        for name, both in self.holds.items():
            found |= zip(both, self.theta.undo(given[name]), strict=True)
        return found


@dataclass(frozen=True)
class InVector:
    """One vector: `pieces` are the names in its order, `turned` whether kernels stand in it column by column.

    With a `theta` a piece is a kernel and its bias, in this form.
    """

    name: str
    pieces: tuple[tuple[str, ...], ...]
    words: str
    turned: bool = False
    theta: Theta | None = None

    def __str__(self) -> str:
        how = self.theta.words if self.theta else f"kernels {'column by column' if self.turned else 'row by row'}"
        return f"one vector, {self.words}, {how}"

    def fits(self, given: Mapping[str, Array], shapes: Mapping[str, Numbers]) -> bool:
        """Whether it has as many entries as the parameters."""
        array = given[self.name]
        size = sum(int(np.prod(shapes[n])) for piece in self.pieces for n in piece)
        return array.size == size == max(array.shape, default=0)

    def unpacked(self, given: Mapping[str, Array], shapes: Mapping[str, Numbers]) -> dict[str, Array]:
        """The pieces by name, other arrays as they are."""
        found = {n: a for n, a in given.items() if n != self.name}
        rest = given[self.name].ravel()
        for piece in self.pieces:
            size = sum(int(np.prod(shapes[n])) for n in piece)
            found |= self._cut(piece, rest[:size], shapes)
            rest = rest[size:]
        return found

    def _cut(self, piece: Sequence[str], part: Array, shapes: Mapping[str, Numbers]) -> dict[str, Array]:
        shape = shapes[piece[0]]
        if self.theta:
            return dict(zip(piece, self.theta.undo(part.reshape(self.theta.comes(shape))), strict=True))
        if self.turned and len(shape) == 2:
            return {piece[0]: part.reshape(shape[::-1]).T}
        return {piece[0]: part.reshape(shape)}


def in_thetas(names: Sequence[str], blocks: Sequence[tuple[str, str]]) -> Iterator[InThetas]:
    """The given names, one per kernel and its bias, read as Θ in each form."""
    if names and len(names) == len(blocks):
        holds = dict(zip(names, blocks, strict=True))
        yield from (InThetas(theta, holds) for theta in THETAS)
