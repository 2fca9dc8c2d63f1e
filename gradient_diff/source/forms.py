"""A piece of the right derivation in the shapes in which people hold it, and what a value was recognised as."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gradient_diff.names import node_words
from gradient_diff.source.piece import Piece
from manual_mlp import Array
from manual_mlp.extend import INPUT_GRADIENT, is_gradient


@dataclass(frozen=True, eq=False)
class Form:
    """A piece in a shape in which people hold it.

    Attributes:
        piece: what it is of.
        how: "" as it is, "ᵀ", "row", "column", "flat", "entry".
        rows: which samples, where not all.
        at: which entry, where it is one; of samples without the sample.
        array, tolerance: of that shape.
    """

    piece: Piece
    how: str
    array: Array
    tolerance: Array
    rows: tuple[int, ...] | None = None
    at: tuple[int, ...] = ()

    @property
    def node(self) -> str:
        return self.piece.node

    @property
    def role(self) -> str:
        """What it is in its layer: x is the z of the inputs, and dE/dx their dE/dz."""
        return {"x": "z", INPUT_GRADIENT: "dE_dz"}.get(self.node, self.node.partition("/")[2])

    @property
    def name(self) -> tuple[object, ...]:
        return (self.node, self.how, self.rows, self.at)

    @property
    def which(self) -> tuple[object, ...]:
        """Of its piece: the samples, and the entry."""
        return (self.rows, self.at)

    @property
    def layer(self) -> str:
        return self.node.partition("/")[0]


@dataclass(frozen=True, eq=False)
class Recognised:
    """What a value is: a form of a piece, times a factor; `also` are other nodes of the same value."""

    form: Form
    factor: str = "1"
    also: tuple[str, ...] = ()

    @property
    def node(self) -> str:
        return self.form.node

    @property
    def nodes(self) -> tuple[str, ...]:
        return (self.node, *self.also)

    @property
    def exact(self) -> bool:
        """Whether no convention factor stands before it."""
        return self.factor == "1"

    @property
    def words(self) -> str:
        """As a sentence says it: "N times δ of dense_2, transposed"."""
        turned = {"ᵀ": ", transposed", "entry": f"[{', '.join(map(str, self.form.at))}]"}.get(self.form.how, "")
        rows = self.form.rows
        if rows is not None:
            which = f"sample{'s' * (len(rows) > 1)} {', '.join(map(str, rows))}"
            turned = f" ({'summed over ' * is_gradient(self.node, 'kernel', 'bias')}{which}){turned}"
        return f"{self.of_all}{turned}"

    @property
    def of_all(self) -> str:
        """Of which node and with which factor, in words; not which part of it."""
        times = {"1": "", "−1": "minus "}.get(self.factor, f"{self.factor} times ")
        return f"{times}{node_words(self.node)}"


def forms_of(piece: Piece, batch: int) -> Iterator[Form]:
    """A piece in the shapes in which people hold it; of samples, also single ones."""
    array, allowed = piece.array, np.broadcast_to(piece.tolerance, piece.array.shape)
    yield Form(piece, "", array, allowed)
    if array.ndim == 2:
        yield Form(piece, "ᵀ", array.T, allowed.T)
        yield Form(piece, "flat", array.reshape(-1), allowed.reshape(-1))
    if array.ndim == 1:
        yield Form(piece, "row", array[None], allowed[None])
        yield Form(piece, "column", array[:, None], allowed[:, None])
    if piece.per_sample and array.ndim == 2 and batch > 1:
        for n in range(batch):
            row, own = array[n], allowed[n]
            for how, shape in (("", row.shape), ("row", (1, row.size)), ("column", (row.size, 1))):
                yield Form(piece, how, row.reshape(shape), own.reshape(shape), (n,))


def entries_of(piece: Piece, batch: int) -> Iterator[Form]:
    """Its numbers, one by one."""
    allowed = np.broadcast_to(piece.tolerance, piece.array.shape)
    for at in np.ndindex(piece.array.shape):
        rows, rest = ((at[0],), at[1:]) if piece.per_sample else (None, at)
        yield Form(piece, "entry" if at else "", np.asarray(piece.array[at]), np.asarray(allowed[at]), rows, rest)


def is_backward(form: Form) -> bool:
    """A gradient, or the error that it begins with: linear in what came down."""
    return is_gradient(form.node) or form.role == "z − y" or form.piece.linear


def says_nothing(value: Array) -> bool:
    """A single 0 or 1 is an entry of whatever one likes: of a mask, of targets, of f′."""
    return not value.ndim and abs(float(value)) in (0.0, 1.0)
