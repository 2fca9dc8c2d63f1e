"""What can be said of operands and results that do not fit; `slips` says it of one shape alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from gradient_diff.ledger.symbols import PRIMES
from gradient_diff.shapes.expressions import Expression
from gradient_diff.shapes.operands import Lengths, Numbers, Operand, equal_parts
from gradient_diff.shapes.slips import ShapeSlip, slip
from gradient_diff.shapes.values import agrees
from manual_mlp.extend import show

_OF_MATRICES = ("product", "elementwise", "broadcast", "per sample")
_OF_VECTORS = ("sum", "broadcast")


def no_tuple(name: str, count: object) -> ShapeSlip:
    """Keras's `input_shape=(100)`."""
    text = (
        f"{name}=({count}) is the number {count}, not a shape: brackets alone make no tuple. "
        f"Write ({count},), with its comma."
    )
    return ShapeSlip("input_shape", text, "an int where a tuple belongs")


def at_operands(parts: Sequence[Operand], target: Numbers, named: Mapping[str, tuple[str, ...]]) -> Iterator[ShapeSlip]:
    """What can be seen at the operands themselves, before anything is computed."""
    columns = [o.shape for o in parts if len(o.shape) == 2 and o.shape[1] == 1 != o.shape[0]]
    yield from _against_a_column(parts, columns)
    if len(parts) > 1:
        yield from _flat(parts, columns, target)
        yield from _turned(parts, named)


def _against_a_column(parts: Sequence[Operand], columns: Sequence[Numbers]) -> Iterator[ShapeSlip]:
    for o in parts:
        n = o.shape[0] if len(o.shape) == 1 else 0
        if (n, 1) in columns:
            text = (
                f"{o.name} ({n},) against ({n}, 1) is broadcast to ({n}, {n}): every sample meets every other. "
                f"Give both the shape ({n}, 1): {o.name}[:, None]."
            )
            yield ShapeSlip("broadcast", text, "broadcast")


def _as_outer(parts: Sequence[Operand], target: Numbers) -> Iterator[ShapeSlip]:
    """The cure for np.dot of the two vectors of one sample."""
    for first, second in itertools.permutations(parts, 2):
        if len(first.shape) == len(second.shape) == 1 and (*first.shape, *second.shape) == target:
            dot = "gives one number" if first.shape == second.shape else "fails"
            product = f"np.outer({first.name}, {second.name})"
            text = f"np.dot of two vectors {dot}: {product} is their matrix, zᵀ δ of one sample."
            yield ShapeSlip("dot_of_vectors", text, "np.outer for np.dot")
            return


def _flat(parts: Sequence[Operand], columns: Sequence[Numbers], target: Numbers) -> Iterator[ShapeSlip]:
    flat = [o for o in parts if len(o.shape) == 1 and o.usual[:1] == ("batch",) and (o.shape[0], 1) not in columns]
    if flat and len(target) == 2:
        o, n = flat[0], flat[0].shape[0]
        names = " and ".join(o.name for o in flat)
        text = (
            f"{names} {'are' if flat[1:] else 'is'} 1-D, and .T leaves a 1-D array as it is. A single sample is "
            f"{o.name}[None, :], of shape (1, {n}); {n} samples of one feature are {o.name}[:, None], ({n}, 1)."
        )
        yield ShapeSlip("one_dimensional", text, "1-D")
        yield from _as_outer(parts, target)


def _turned(parts: Sequence[Operand], named: Mapping[str, tuple[str, ...]]) -> Iterator[ShapeSlip]:
    """Operands that lie the other way round than their name says."""
    for o in parts:
        if len(o.usual) != 2 or named[o.name] != o.usual[::-1]:
            continue
        if o.usual == ("inputs", "units"):
            shape = show(o.shape)
            text = f"{o.name} {shape} is (n_out, n_in), the transposed convention. Keras's kernels are (n_in, n_out)."
            yield ShapeSlip("transposed_convention", text, "the transposed convention (n_out, n_in)")
        else:
            text = f"{o.name} {show(o.shape)} has its samples in columns. Keras has them in rows: pass {o.name}.T."
            yield ShapeSlip("transposed", text, "samples in columns")


def at_result(
    parts: Sequence[Operand],
    given: Operand | None,
    found: Sequence[Expression],
    target: Numbers,
    lengths: Lengths,
) -> Iterator[ShapeSlip]:
    """What happened to what came out: by the expression that gave it, else by its shape alone."""
    came = given or (parts[0] if len(parts) == 1 else None)
    if came is None or came.shape == target:
        return
    made = [e for e in found if e.shape == came.shape and e.kind != "itself"] if given is not None else []
    same = [e for e in made if agrees(e, came.array)]
    likely = same or [e for e in made if came.array is None or not e.arrays]  # values that differ rule it out
    what = slip(came.shape, target, likely[0].kind if likely else "", lengths)
    if what is not None:
        how = f" It is {same[0].text}." if same else f" {likely[0].text} gives that." if likely else ""
        yield ShapeSlip(what.id, what.message + how, what.brief)


def of_other_values(
    given: Operand | None, fitting: Sequence[Expression], right: Expression | None
) -> Iterator[ShapeSlip]:
    """What came out has the wanted shape: which expression is it, and is it the right one?"""
    if given is None or given.array is None or len(fitting) < 2:
        return
    same = [(e, factor) for e in fitting if e.shape == given.shape and (factor := agrees(e, given.array))]
    if len(same) != 1 or same[0][0] is right:
        return
    made, factor = same[0]
    much = "" if factor == 1 else f" times {1 / factor:.6g}"
    instead = f": the right shape with the wrong values. Write {right.text}." if right else "."
    yield ShapeSlip(
        "another_expression", f"What came out is {made.text}{much}{instead}", "another expression of this shape"
    )


def what_else(found: Sequence[Expression], target: Numbers, lengths: Lengths) -> Iterator[tuple[Expression, str]]:
    """What people write instead, and what it gives."""
    for e in found:
        if e.shape is None:
            yield e, e.why
        elif e.shape not in (target, ()) and e.kind in (_OF_MATRICES if len(target) == 2 else _OF_VECTORS):
            what = slip(e.shape, target, e.kind, lengths)
            if what is not None:
                yield e, what.brief


def ambiguity(
    parts: Sequence[Operand], fitting: Sequence[Expression], lengths: Lengths, right: Expression | None
) -> Iterator[ShapeSlip]:
    """Where several functions of all operands fit, shapes prove nothing."""
    fitting = [e for e in fitting if e.operands == min(len(parts), 2) and e.kind != "reshape"]
    if len(fitting) < 2:
        return
    equal = equal_parts(lengths)
    why = f"{equal}: " if equal else ""
    texts = ", ".join(e.text for e in fitting[:4]) + (", …" if len(fitting) > 4 else "")
    decide = (
        f" The values decide: {right.text}." if right is not None else " Pass arrays and reference=, and values decide."
    )
    advice = f" {PRIMES}" if equal else ""
    text = f"{why}shapes prove nothing here, since {texts} all fit.{decide}{advice}"
    yield ShapeSlip("equal_dimensions", text[0].upper() + text[1:], "several expressions fit")
