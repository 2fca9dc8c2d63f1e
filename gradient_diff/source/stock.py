"""All forms of all pieces of one problem by shape: also sums over samples, and samples that are at work together."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cached_property

import numpy as np

from gradient_diff.source.forms import Form, entries_of, forms_of
from gradient_diff.source.piece import Piece
from gradient_diff.source.pieces import pieces_of
from manual_mlp import Array, Problem
from manual_mlp.extend import Shape, is_gradient, kind_of, layer_of, variable_of

MOST_SUBSETS = 6  # samples whose partial sums are known in any order; of more, only those that are met together
MOST_MET = 64


class Stock:
    """What a value is held against."""

    def __init__(self, problem: Problem, rate: float | None = None) -> None:
        self._problem, self._rate = problem, rate
        self._forms: dict[Shape, tuple[list[Form], Array, Array]] = {}
        self._met: list[tuple[int, ...]] = list(_subsets(problem.batch))
        self._together: list[tuple[int, ...]] = []

    @cached_property
    def pieces(self) -> list[Piece]:
        return pieces_of(self._problem, self._rate)

    @cached_property
    def by_node(self) -> dict[str, Piece]:
        """Of several forms of one node, the first."""
        return {p.node: p for p in reversed(self.pieces)}

    def of_shape(self, shape: Shape) -> tuple[list[Form], Array, Array]:
        """(forms, each as a row, the sum of squares of each)."""
        if shape not in self._forms:
            each = forms_of if shape else entries_of
            forms = [f for piece in self.pieces for f in each(piece, self._problem.batch) if f.array.shape == shape]
            forms += [f for f in (*self._partial_sums, *self._blocks) if f.array.shape == shape]
            size = math.prod(map(int, shape))
            arrays = np.array([f.array.reshape(-1) for f in forms]).reshape(len(forms), size)
            self._forms[shape] = forms, arrays, np.maximum(np.square(arrays).sum(1), 1e-300)
        return self._forms[shape]

    def meet(self, rows: tuple[int, ...]) -> bool:
        """Samples that are at work together: sums over them are known from now on, and over all up to them.

        Whether that is anything new.
        """
        if rows in self._together or len(self._together) == MOST_MET or len(rows) == self._problem.batch:
            return False
        self._together.append(rows)
        sums = dict.fromkeys((tuple(sorted(rows)), tuple(range(max(rows) + 1))))
        self._met += [r for r in sums if r not in self._met and len(r) < self._problem.batch]
        self._forms.clear()
        for made in ("_partial_sums", "_blocks"):
            self.__dict__.pop(made, None)
        return True

    @cached_property
    def _blocks(self) -> list[Form]:
        """Samples that have been at work together, as a mini-batch holds them: also where a row is naught."""
        found = []
        for rows in self._together:
            for piece in self.pieces:
                if piece.per_sample and piece.array.ndim == 2:
                    allowed = np.broadcast_to(piece.tolerance, piece.array.shape)[list(rows)]
                    array = piece.array[list(rows)]
                    found.append(Form(piece, "", array, allowed, rows))
                    found.append(Form(piece, "ᵀ", array.T, allowed.T, rows))
        return found

    @cached_property
    def _partial_sums(self) -> list[Form]:
        """dE/dW and dE/db of some of the samples."""
        found = []
        for piece in self.pieces:
            if is_gradient(piece.node, "kernel", "bias"):
                for rows in self._met:
                    array = self.summed(piece.node, rows)
                    if array is not None:
                        part = Piece(piece.node, array, np.broadcast_to(piece.tolerance, array.shape))
                        every = forms_of(part, self._problem.batch)
                        found += [Form(part, f.how, f.array, f.tolerance, rows) for f in every]
        return found

    def summed(self, node: str, rows: tuple[int, ...]) -> Array | None:
        """dE/dW or dE/db of some samples; None where its equation is another one."""
        layer, which = layer_of(node), list(rows)
        delta = self.by_node.get(f"{layer}/dE_du")
        below = next((e.operands[0] for e in self._problem.mlp.forward_equations if e.node == f"{layer}/u"), None)
        if delta is None or below not in self.by_node:
            return None
        if kind_of(variable_of(node)) == "bias":
            return delta.array[which].sum(0)
        return self.by_node[below].array[which].T @ delta.array[which]


def _subsets(batch: int) -> Iterator[tuple[int, ...]]:
    """All but the whole; of many samples, each alone and those from the first on."""
    if batch <= MOST_SUBSETS:
        for size in range(1, batch):
            yield from itertools.combinations(range(batch), size)
        return
    yield from ((i,) for i in range(batch))
    yield from (tuple(range(i)) for i in range(2, batch))
