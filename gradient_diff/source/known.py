"""Recognition: which piece of the right derivation a value is, in whatever form and with whatever convention factor."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradient_diff.names import node_words
from gradient_diff.source.pieces import BETWEEN, UNIT, Piece, all_equations, pieces_of
from manual_mlp import Array, Equation, Problem
from manual_mlp.extend import INPUT_GRADIENT, UNITS, Shape, is_gradient, kind_of, layer_of, variable_of

MOST_SUBSETS = 6  # samples whose partial sums are known in any order; of more, only those that are met together
MOST_MET = 64
OF_ITS_BATCH = "N/n"
"""Behind a factor: the mean is over the n samples of the mini-batch, not over all N."""


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


class Known:
    """All pieces of one problem, to be asked what a value is."""

    def __init__(self, problem: Problem, rate: float | None = None) -> None:
        self.problem, self.rate = problem, rate
        self.batch = problem.batch
        self._forms: dict[Shape, tuple[list[Form], Array, Array]] = {}
        self._met: list[tuple[int, ...]] = list(_subsets(self.batch))
        self._together: list[tuple[int, ...]] = []
        self._memo: dict[tuple[Shape, str, bytes], tuple[float, Recognised | None]] = {}

    @cached_property
    def pieces(self) -> list[Piece]:
        return pieces_of(self.problem, self.rate)

    @cached_property
    def by_node(self) -> dict[str, Piece]:
        """Of several forms of one node, the first."""
        return {p.node: p for p in reversed(self.pieces)}

    @cached_property
    def factors(self) -> dict[str, float]:
        """Convention factors by name, 1 first: N, K, 2, their products and inverses, both signs, and the rate."""
        n, k = self.batch, self.problem.mlp.units[-1]
        named = {"1": 1.0, "N": n, "1/N": 1 / n, "N·K": n * k, "1/(N·K)": 1 / (n * k), "N·K/2": n * k / 2}
        named |= {"2/(N·K)": 2 / (n * k), "2": 2.0, "½": 0.5, "K": k, "1/K": 1 / k, "N/2": n / 2, "2/N": 2 / n}
        named |= {"K/2": k / 2, "2/K": 2 / k, "2N": 2 * n, "1/(2N)": 1 / (2 * n), "4": 4.0, "¼": 0.25}
        if self.rate is not None:
            named |= {"η": self.rate, "η N": self.rate * n, "η/N": self.rate / n}
        signed = {**named, **{f"−{name}": -value for name, value in named.items()}}
        found: dict[float, str] = {}
        for name, value in signed.items():
            found.setdefault(round(value, 12), name)
        return {name: signed[name] for name in found.values()}

    def scale(self, factor: str, form: Form) -> float:
        """A factor as a number, before these samples."""
        label, own = self._order[factor][1:]
        return self.factors[label] * (self.batch / len(form.rows) if own and form.rows else 1.0)

    @cached_property
    def _order(self) -> dict[str, tuple[int, str, bool]]:
        """Factor → (how far from the commonest, what of it is no N/n, whether it has that)."""
        each = [(label, label, False) for label in self.factors]
        each += [(_of_its_batch(label), label, True) for label in self.factors]
        each.sort(key=lambda e: e[1] not in ("1", "−1"))  # before what may be an accident
        return {label: (i, own, batch) for i, (label, own, batch) in enumerate(each)}

    @cached_property
    def equations(self) -> dict[str, Equation]:
        """node → its equation."""
        return all_equations(self.problem)

    @cached_property
    def activations(self) -> dict[str, str]:
        """Layer → the name of its activation."""
        return {str(layer.name): layer.activation for layer in self.problem.mlp.layers if hasattr(layer, "activation")}

    @cached_property
    def named(self) -> set[str]:
        """Nodes, parameters and data, without what stands between them."""
        return {*self.problem.environment, *self.equations}

    def is_computed(self, node: str) -> bool:
        """Whether it is the result of an equation, or on the way to one: not data, nor a parameter."""
        return node in self.equations or node.partition("/")[2] in BETWEEN

    def roles_into(self, node: str) -> frozenset[str]:
        """What kinds of values its equation takes."""
        equation = self.equations.get(node)
        names = equation.operands if equation is not None else ()
        return frozenset({"x": "z", INPUT_GRADIENT: "dE_dz"}.get(n, n.partition("/")[2] or n) for n in names)

    def leads_to(self, name: Recognised, node: str) -> bool:
        """Whether a value is an operand of a node's equation, or what that passes through."""
        if any(" with " in n or n.startswith(("θ", "dE/dθ")) for n in name.nodes):
            return True
        layer, _, kind = node.partition("/")
        own = [n.partition("/")[2] if n.startswith(f"{layer}/") else n for n in name.nodes]
        if (equation := self.equations.get(node)) is None:  # it stands between nodes itself
            made_of = BETWEEN[kind][0] if kind in BETWEEN else ()
            if not made_of and (above := self.equations.get(f"{layer}/u")) is not None:
                return any(n in above.operands for n in name.nodes)
            return not made_of or any(n in (kind, *made_of) for n in own)
        operands = {*equation.operands, node}
        return any(n in operands for n in name.nodes) or any(n in BETWEEN and kind in BETWEEN[n][1] for n in own)

    def forms(self, shape: Shape) -> list[Form]:
        """Every piece that can stand in this shape."""
        return self._of_shape(shape)[0]

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
        forms, arrays, squares = self._of_shape(shape)
        if not forms:
            return
        ratios = arrays @ flat / squares
        for label, number in ((str, np.ones(len(forms))), (_of_its_batch, self._shares(forms))):
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

    @cached_property
    def _values(self) -> Array:
        return np.array(list(self.factors.values()))

    @cached_property
    def _labels(self) -> list[str]:
        return list(self.factors)

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

    def _rows(self, array: Array, turned: str, of_its_batch: bool) -> Recognised | None:
        """Of one node and with one factor, that of a mean over themselves included."""
        rows = self._single(array * len(array) / self.batch if of_its_batch else array)
        if rows is None or (of_its_batch and not is_backward(rows[0].form)):
            return None
        first, which = rows[0], tuple(r.form.rows[0] for r in rows if r.form.rows)
        if _says_little(first, array) and which != tuple(range(which[0], which[0] + len(which))):
            return None
        value = array.T if turned else array
        form = Form(first.form.piece, turned, value, np.zeros(value.shape), which)
        return Recognised(form, _of_its_batch(first.factor) if of_its_batch else first.factor, first.also)

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
        """Samples that are at work together: sums over them are known from now on, and over all up to them."""
        if rows in self._together or len(self._together) == MOST_MET or len(rows) == self.batch:
            return
        self._together.append(rows)
        sums = dict.fromkeys((tuple(sorted(rows)), tuple(range(max(rows) + 1))))
        self._met += [r for r in sums if r not in self._met and len(r) < self.batch]
        self._forms.clear()
        self._memo = {key: asked for key, asked in self._memo.items() if asked[1] is not None}
        for made in ("_partial_sums", "_blocks"):
            self.__dict__.pop(made, None)

    def _of_shape(self, shape: Shape) -> tuple[list[Form], Array, Array]:
        if shape not in self._forms:
            each = forms_of if shape else entries_of
            forms = [f for piece in self.pieces for f in each(piece, self.batch) if f.array.shape == shape]
            forms += [f for f in (*self._partial_sums, *self._blocks) if f.array.shape == shape]
            size = math.prod(map(int, shape))
            arrays = np.array([f.array.reshape(-1) for f in forms]).reshape(len(forms), size)
            self._forms[shape] = forms, arrays, np.maximum(np.square(arrays).sum(1), 1e-300)
        return self._forms[shape]

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
                        found += [Form(part, f.how, f.array, f.tolerance, rows) for f in forms_of(part, self.batch)]
        return found

    def summed(self, node: str, rows: tuple[int, ...]) -> Array | None:
        """dE/dW or dE/db of some samples; None where its equation is another one."""
        layer, which = layer_of(node), list(rows)
        delta = self.by_node.get(f"{layer}/dE_du")
        below = next((e.operands[0] for e in self.problem.mlp.forward_equations if e.node == f"{layer}/u"), None)
        if delta is None or below not in self.by_node:
            return None
        if kind_of(variable_of(node)) == "bias":
            return delta.array[which].sum(0)
        return self.by_node[below].array[which].T @ delta.array[which]


def says_nothing(value: Array) -> bool:
    """A single 0 or 1 is an entry of whatever one likes: of a mask, of targets, of f′."""
    return not value.ndim and abs(float(value)) in (0.0, 1.0)


def _says_little(name: Recognised, rows: Array) -> bool:
    """Rows of a relu's f′ are noughts and ones: those of u <= 0 are, by chance, rows of other samples."""
    return name.form.role == "f′" and bool(np.isin(rows, (0, 1)).all())


def _subsets(batch: int) -> Iterator[tuple[int, ...]]:
    """All but the whole; of many samples, each alone and those from the first on."""
    if batch <= MOST_SUBSETS:
        for size in range(1, batch):
            yield from itertools.combinations(range(batch), size)
        return
    yield from ((i,) for i in range(batch))
    yield from (tuple(range(i)) for i in range(2, batch))


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
    return is_gradient(form.node) or form.role == "z − y"


def _of_its_batch(label: str) -> str:
    return {"1": OF_ITS_BATCH, "−1": f"−{OF_ITS_BATCH}"}.get(label, f"{label}·{OF_ITS_BATCH}")


def _best(found: list[tuple[str, Form]], order: Mapping[str, tuple[int, str, bool]]) -> Recognised:
    """Factor 1 before others, all samples before some, then the commonest piece."""
    ranked = sorted(found, key=lambda f: (order[f[0]], f[1].rows is not None))
    factor, form = ranked[0]
    also = [f.node for c, f in ranked[1:] if (c, f.rows) == (factor, form.rows) and f.node != form.node]
    return Recognised(form, factor, tuple(dict.fromkeys(also)))


def same_nodes(a: Mapping[str, Array], b: Mapping[str, Array]) -> bool:
    """Whether two dicts hold arrays of the same names and shapes."""
    return {n: np.shape(v) for n, v in a.items()} == {n: np.shape(v) for n, v in b.items()}
