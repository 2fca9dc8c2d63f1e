"""Recognition: which piece of the right derivation a value is, in whatever form and with whatever convention factor."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from gradient_diff.source.factors import Order, factors_of, of_its_batch, order_of
from gradient_diff.source.forms import Form, Recognised, is_backward
from gradient_diff.source.ladder import Ladder
from gradient_diff.source.normalised import numbers_of
from gradient_diff.source.piece import UNIT, Piece
from gradient_diff.source.stock import Stock
from manual_mlp import Array, Problem
from manual_mlp.extend import UNITS, Shape


class Known:
    """All pieces of one problem, to be asked what a value is; its `ladder` says what is made of what."""

    def __init__(self, problem: Problem, rate: float | None = None) -> None:
        self.problem, self.batch = problem, problem.batch
        self.ladder = Ladder(problem)
        self.factors = factors_of(problem.batch, problem.mlp.units[-1], rate)
        self._stock = Stock(problem, rate)
        self._order = order_of(self.factors)
        self._labels, self._values = list(self.factors), np.array(list(self.factors.values()))
        self._memo: dict[tuple[Shape, str, bytes], tuple[float, Recognised | None]] = {}

    @property
    def pieces(self) -> list[Piece]:
        """The commonest first."""
        return self._stock.pieces

    @property
    def by_node(self) -> dict[str, Piece]:
        """Of several forms of one node, the first."""
        return self._stock.by_node

    @cached_property
    def numbers(self) -> dict[str, float]:
        """How many numbers a statistic is of, and what keeps it off 0: `layer/n`, `layer/ε`."""
        return numbers_of(self.ladder.equations, {n: p.array for n, p in self.by_node.items()})

    def summed(self, node: str, rows: tuple[int, ...]) -> Array | None:
        """dE/dW or dE/db of some samples; None where its equation is another one."""
        return self._stock.summed(node, rows)

    def scale(self, factor: str, form: Form) -> float:
        """A factor as a number, before these samples."""
        label, own = self._order[factor][1:]
        return self.factors[label] * (self.batch / len(form.rows) if own and form.rows else 1.0)

    def forms(self, shape: Shape) -> list[Form]:
        """Every piece that can stand in this shape."""
        return self._stock.of_shape(shape)[0]

    def forms_of_samples(self, shape: Shape, rows: tuple[int, ...] | None) -> list[Form]:
        """Of all samples, or of these; several at once as a mini-batch holds them."""
        if rows is not None and len(rows) > 1:
            self._meet(rows)
        return [f for f in self.forms(shape) if f.rows is None or f.rows == rows]

    def recognise(self, value: Array, magnitude: float = 0.0) -> Recognised | None:
        """What a value is; None for what is unknown, and for zeros and infinities. `magnitude` is of its operands."""
        value = np.asarray(value)
        if not value.size or value.dtype.kind not in "fb":
            return None
        key = (value.shape, value.dtype.str, value.tobytes())
        asked, found = self._memo.get(key, (-1.0, None))
        if found is None and magnitude > asked:  # what was refused may be within the rounding of larger operands
            found = self._recognise(value, magnitude)
            self._memo[key] = magnitude, found
        return found

    def _recognise(self, value: Array, magnitude: float) -> Recognised | None:
        flat = value.astype(float).reshape(-1)
        if not np.isfinite(flat).all() or not flat.any():
            return None
        coarse = UNITS.get(value.dtype.name, UNIT) / UNIT
        found = list(self._matching(value.shape, flat, coarse, magnitude))
        if found:
            return _best(found, self._order)
        return self._of_rows(value, coarse) if value.ndim == 2 else None

    def _matching(self, shape: Shape, flat: Array, coarse: float, magnitude: float) -> Iterator[tuple[str, Form]]:
        forms, arrays, squares = self._stock.of_shape(shape)
        if not forms:
            return
        ratios = arrays @ flat / squares
        for label, number in ((str, np.ones(len(forms))), (of_its_batch, self._shares(forms))):
            near = np.abs((ratios / number)[:, None] - self._values) <= 1e-4 * np.abs(self._values)
            for i, j in np.argwhere(near):
                c = self._values[j] * number[i]
                limit = abs(c) * forms[i].tolerance.reshape(-1) * coarse + 4 * UNIT * coarse * magnitude
                if (np.abs(flat - c * arrays[i]) <= limit).all():
                    yield label(self._labels[j]), forms[i]

    def _shares(self, forms: Sequence[Form]) -> Array:
        """N/n of mini-batches, before what is a mean over them; of others nothing that a value could be."""
        sizes = [len(f.rows) if f.rows is not None and is_backward(f) else 0 for f in forms]
        return np.array([self.batch / n if 1 < n < self.batch else math.nan for n in sizes])

    def _of_rows(self, value: Array, coarse: float) -> Recognised | None:
        """Several samples' rows, in any order, or their columns."""
        for turned, array in (("", value), ("ᵀ", value.T)):
            if not 1 < len(array) <= self.batch:
                continue
            found = [self._rows(array, turned, own) for own in (False, True)]
            ranked = sorted((f for f in found if f is not None), key=lambda f: self._order[f.factor][0])
            if ranked:
                self._meet(ranked[0].form.rows or ())
                return ranked[0]
        return None

    def _rows(self, array: Array, turned: str, of_a_batch: bool) -> Recognised | None:
        """Of one node and with one factor, that of a mean over themselves included."""
        rows = self._single(array * len(array) / self.batch if of_a_batch else array)
        if rows is None or (of_a_batch and not is_backward(rows[0].form)):
            return None
        first, which = rows[0], tuple(r.form.rows[0] for r in rows if r.form.rows)
        if _says_little(first, array) and which != tuple(range(which[0], which[0] + len(which))):
            return None
        value = array.T if turned else array
        form = Form(first.form.piece, turned, value, np.zeros(value.shape), which)
        return Recognised(form, of_its_batch(first.factor) if of_a_batch else first.factor, first.also)

    def _single(self, array: Array) -> list[Recognised] | None:
        """Rows of one sample each, all of one node and with one factor."""
        rows: list[Recognised] = []
        for row in array:
            name = self.recognise(row)
            if name is None or name.form.rows is None or len(name.form.rows) != 1:
                return None
            if rows and (name.node, name.factor) != (rows[0].node, rows[0].factor):
                return None
            rows.append(name)
        return rows

    def _meet(self, rows: tuple[int, ...]) -> None:
        """What was unknown before these samples were at work together is asked anew."""
        if self._stock.meet(rows):
            self._memo = {key: asked for key, asked in self._memo.items() if asked[1] is not None}


def _says_little(name: Recognised, rows: Array) -> bool:
    """Rows of a relu's f′ are noughts and ones: those of u <= 0 are, by chance, rows of other samples."""
    return name.form.role == "f′" and bool(np.isin(rows, (0, 1)).all())


def _best(found: list[tuple[str, Form]], order: Order) -> Recognised:
    """Factor 1 before others, all samples before some, then the commonest piece."""
    ranked = sorted(found, key=lambda f: (order[f[0]], f[1].rows is not None))
    factor, form = ranked[0]
    also = [f.node for c, f in ranked[1:] if (c, f.rows) == (factor, form.rows) and f.node != form.node]
    return Recognised(form, factor, tuple(dict.fromkeys(also)))
