"""Every orientation, order, product and sum of one or two operands, with the shape that it gives."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from gradient_diff.shapes.operands import Lengths, Numbers, Operand, axes, letter
from manual_mlp import Array
from manual_mlp.extend import show

LARGEST = 2**26  # entries; a larger result is judged by its shape alone


@dataclass(frozen=True, eq=False)
class Expression:
    """One way to combine the operands.

    Attributes:
        text: as a book writes it, `zᵀ δ`.
        code: as NumPy does, `z.T @ delta`.
        shape: of the result; None where the operands do not meet.
        kind: product, elementwise, broadcast, per sample, sum, transpose, reshape or itself.
        shapes: of its parts as they meet, `(784, 100)(100, 50)`.
        same: other notations of the same function.
        operands: how many it combines.
        why: it gives nothing.
    """

    text: str
    code: str
    shape: Numbers | None
    kind: str
    shapes: str = ""
    same: tuple[str, ...] = ()
    operands: int = 1
    why: str = ""
    arrays: tuple[Array, ...] = field(default=(), repr=False)
    function: Callable[..., Array] | None = field(default=None, repr=False)

    def values(self, magnitudes: bool = False) -> Array | None:
        """Its value in float64, or with magnitudes that of the operands' magnitudes; None where it is not known."""
        if self.function is None or not self.arrays or self.shape is None or np.prod(self.shape, dtype=float) > LARGEST:
            return None
        given = [np.asarray(a, np.float64) for a in self.arrays]
        if not all(np.isfinite(a).all() for a in given):
            return None
        with np.errstate(all="ignore"):
            return np.asarray(self.function(*(np.abs(a) for a in given) if magnitudes else given))


def expressions(operands: Sequence[Operand], lengths: Lengths) -> list[Expression]:
    """All of them, one operand at a time and then by pairs; plain products that do not multiply have the shape None."""
    pairs = [e for a, b in itertools.combinations(operands, 2) for e in _pair(a, b, lengths)]
    return [*pairs, *(e for o in operands for e in _alone(o, lengths))]


def _make(
    text: str,
    code: str,
    shape: Numbers | None,
    kind: str,
    of: Sequence[Operand],
    function: Callable[..., Array],
    shapes: str = "",
    same: tuple[str, ...] = (),
    why: str = "",
) -> Expression:
    arrays = tuple(o.array for o in of if o.array is not None)
    known = arrays if len(arrays) == len(of) else ()
    return Expression(text, code, shape, kind, shapes, same, len(of), why, known, function)


def _alone(a: Operand, lengths: Lengths) -> Iterator[Expression]:
    s, shape = a.symbol, a.shape
    yield _make(s, a.name, shape, "itself", [a], lambda x: x, show(shape))
    if len(shape) == 2:
        yield _make(f"{s}ᵀ", f"{a.name}.T", shape[::-1], "transpose", [a], np.transpose, f"{show(shape)}ᵀ")
    parts = axes(a, lengths)
    for axis in range(len(shape) if len(shape) > 1 else 0):
        yield from _sums(a, axis, f"Σ_{letter(parts[axis], axis)} {s}", s, [a], lambda x: x, shape)
    if shape:
        yield _make(f"Σ {s}", f"{a.name}.sum()", (), "sum", [a], np.sum, f"Σ {show(shape)}")
    if len(shape) == 1:
        for text, new in (("[:, None]", (shape[0], 1)), ("[None, :]", (1, shape[0]))):
            yield _make(s + text, a.name + text, new, "reshape", [a], lambda x, n=new: x.reshape(n), show(shape))
    if 1 in shape:
        less = tuple(n for n in shape if n != 1)
        yield _make(f"{s} squeezed", f"{a.name}.squeeze()", less, "reshape", [a], np.squeeze, show(shape))


def _sums(
    a: Operand, axis: int, text: str, code: str, of: Sequence[Operand], before: Callable[..., Array], shape: Numbers
) -> Iterator[Expression]:
    """Over one axis, and of three axes also transposed; with the axis kept as one of length 1."""
    left = tuple(n for i, n in enumerate(shape) if i != axis)
    kept = tuple(1 if i == axis else n for i, n in enumerate(shape))
    called = code if code.isidentifier() else f"({code})"
    called = a.name if called == a.symbol else called
    summed = f"{text.split(' ')[0]} {show(shape)}"
    yield _make(text, f"{called}.sum(axis={axis})", left, "sum", of, lambda *x: before(*x).sum(axis=axis), summed)
    keep = f"{called}.sum(axis={axis}, keepdims=True)"
    yield _make(f"{text}, kept", keep, kept, "sum", of, lambda *x: before(*x).sum(axis=axis, keepdims=True), summed)
    if len(left) == 2:
        turned = f"{called}.sum(axis={axis}).T"
        yield _make(f"({text})ᵀ", turned, left[::-1], "sum", of, lambda *x: before(*x).sum(axis=axis).T, summed)


def _pair(a: Operand, b: Operand, lengths: Lengths) -> Iterator[Expression]:
    if len(a.shape) == len(b.shape) == 2:
        yield from _products(a, b)
        yield from _per_sample(a, b)
    elif {len(a.shape), len(b.shape)} <= {1, 2}:
        yield from _with_vector(a, b)
    yield from _elementwise(a, b, lengths)


def _products(a: Operand, b: Operand) -> Iterator[Expression]:
    """Both orders, every orientation."""
    for (left, right), flip_left, flip_right in itertools.product(((a, b), (b, a)), (True, False), (False, True)):
        m, n = left.shape[::-1] if flip_left else left.shape, right.shape[::-1] if flip_right else right.shape
        meets = m[1] == n[0]
        if not meets and (flip_left or flip_right):
            continue  # only of the plain product people wonder why it does not multiply
        text = f"{left.symbol}{'ᵀ' * flip_left} {right.symbol}{'ᵀ' * flip_right}"
        turned = f"({right.symbol}{'ᵀ' * (not flip_right)} {left.symbol}{'ᵀ' * (not flip_left)})ᵀ"
        code = f"{left.name}{'.T' * flip_left} @ {right.name}{'.T' * flip_right}"
        outer = (f"Σ_n {left.symbol}_n ⊗ {right.symbol}_n",) if flip_left and not flip_right else ()
        shape, why = ((m[0], n[1]), "") if meets else (None, f"does not multiply: {m[1]} and {n[0]} differ")
        function = _product(flip_left, flip_right)
        yield _make(text, code, shape, "product", [left, right], function, show(m) + show(n), (turned, *outer), why)


def _product(flip_left: bool, flip_right: bool) -> Callable[..., Array]:
    return lambda x, y: (x.T if flip_left else x) @ (y.T if flip_right else y)


def _per_sample(a: Operand, b: Operand) -> Iterator[Expression]:
    if a.shape[0] == b.shape[0]:
        code = f'np.einsum("ni,nj->nij", {a.name}, {b.name})'
        shape = (a.shape[0], a.shape[1], b.shape[1])
        text = f"{a.symbol}_n ⊗ {b.symbol}_n for each n"
        yield _make(text, code, shape, "per sample", [a, b], lambda x, y: np.einsum("ni,nj->nij", x, y), show(shape))


def _with_vector(a: Operand, b: Operand) -> Iterator[Expression]:
    """Outer and inner products of vectors, and of a vector with a matrix."""
    for left, right in ((a, b), (b, a)):
        if _flat(left.shape) and _flat(right.shape):
            shape = (int(np.prod(left.shape)), int(np.prod(right.shape)))
            text, code = f"{left.symbol} ⊗ {right.symbol}", f"np.outer({left.name}, {right.name})"
            shapes = f"{show(left.shape)} ⊗ {show(right.shape)}"
            yield _make(text, code, shape, "product", [left, right], np.outer, shapes)
    vector, matrix = (a, b) if len(a.shape) == 1 else (b, a)
    if vector.shape[0] == matrix.shape[0]:
        text, turned = f"{vector.symbol} {matrix.symbol}", f"{matrix.symbol}ᵀ {vector.symbol}"
        shapes, code = show(vector.shape) + show(matrix.shape), f"{vector.name} @ {matrix.name}"
        yield _make(text, code, matrix.shape[1:], "product", [vector, matrix], np.matmul, shapes, (turned,))
    if len(matrix.shape) == 2 and vector.shape[0] == matrix.shape[1]:
        text, turned = f"{matrix.symbol} {vector.symbol}", f"{vector.symbol} {matrix.symbol}ᵀ"
        shapes, code = show(matrix.shape) + show(vector.shape), f"{matrix.name} @ {vector.name}"
        yield _make(text, code, matrix.shape[:1], "product", [matrix, vector], np.matmul, shapes, (turned,))


def _flat(shape: Numbers) -> bool:
    return len(shape) == 1 or (len(shape) == 2 and 1 in shape)


def _elementwise(a: Operand, b: Operand, lengths: Lengths) -> Iterator[Expression]:
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        return
    text, code = f"{a.symbol} ⊙ {b.symbol}", f"{a.name} * {b.name}"
    kind = "elementwise" if a.shape == b.shape else "broadcast"
    shapes = f"{show(a.shape)} ⊙ {show(b.shape)}"
    yield _make(text, code, shape, kind, [a, b], np.multiply, shapes)
    if kind == "elementwise" and len(shape) == 2:
        parts = axes(a, lengths)
        for axis in range(2):
            summed = f"Σ_{letter(parts[axis], axis)} ({text})"
            yield from _sums(a, axis, summed, code, [a, b], np.multiply, shape)
        if shape[0] == shape[1]:
            turned = f"{a.symbol} ⊙ {b.symbol}ᵀ"
            yield _make(turned, f"{a.name} * {b.name}.T", shape, kind, [a, b], lambda x, y: x * y.T, shapes)
