"""explain_shapes: which expression gives a shape, which one also the values, and what happened instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gradient_diff.shapes.expressions import Expression, expressions
from gradient_diff.shapes.findings import ambiguity, at_operands, at_result, no_tuple, of_other_values, what_else
from gradient_diff.shapes.operands import Lengths, Numbers, Operand, axes, operand, sizes
from gradient_diff.shapes.slips import ShapeSlip
from gradient_diff.shapes.values import by_values
from gradient_diff.shown import printed
from manual_mlp import Array
from manual_mlp.extend import show


@dataclass(frozen=True, eq=False)
class ShapeExplanation:
    """Why a shape does not fit, and what would; it prints itself.

    Attributes:
        operands: what there is.
        target: the shape that is wanted.
        axes: name → the part that each axis plays: batch, inputs, units, "batch or units", 1 or ?; also "target".
        fitting: every expression that gives the target shape.
        others: what the usual other expressions give.
        slips: what happened, as far as it can be told.
        right: the single fitting expression that also has the reference's values.
        factor: right = factor · reference.
        given: the shape that came out, where it was told.
        values: what the values say; empty where none were given.
    """

    operands: tuple[Operand, ...]
    target: Numbers
    axes: Mapping[str, tuple[str, ...]]
    fitting: tuple[Expression, ...]
    others: tuple[tuple[Expression, str], ...] = field(repr=False)
    slips: tuple[ShapeSlip, ...]
    right: Expression | None = None
    factor: float = 1.0
    given: Numbers | None = None
    values: str = ""

    def __str__(self) -> str:
        return printed(self)


def explain_shapes(
    operands: Mapping[str, object], target: object, reference: object = None, *, given: object = None
) -> ShapeExplanation:
    """Say which expressions of the operands have the shape that is wanted, and what went wrong where none was used.

    Args:
        operands: name → array, or its shape as a tuple: those of a product, or a gradient of the wrong shape alone.
        target: the shape that is wanted, e.g. the kernel's.
        reference: the right array, of that shape; then values decide between expressions that shapes cannot tell apart.
        given: what came out instead, array or shape.

    Returns:
        A `ShapeExplanation`.

    Raises:
        TypeError: an operand that is neither an array of numbers nor a shape, a target that is no shape.
        ValueError: no operands, a negative length, a reference of another shape than the target's.

    Example:
        >>> print(explain_shapes({"db": (100, 50)}, target=(50,)))  # doctest: +NORMALIZE_WHITESPACE
        db (100, 50), target (50,)
        <BLANKLINE>
          db      (100, 50)  batch, units
          target  (50,)      units
        <BLANKLINE>
        What gives (50,)
          Σ_N db  db.sum(axis=0)
        <BLANKLINE>
        What else comes out
          Σ_N db, kept  (1, 50)  an axis of length 1 too many
          Σ_n_out db    (100,)   summed over the wrong axis
        <BLANKLINE>
        What is wrong
          (100, 50) still has its batch axis of 100 samples. The bias is added to every sample, so its
          gradient is summed over them: δ.sum(axis=0).
    """
    if not isinstance(operands, Mapping) or not operands:
        raise ValueError('explain_shapes: no operands. Pass a dict, name → array or shape: {"z": z, "delta": delta}.')
    counts = [no_tuple(name, n) for name, n in (*operands.items(), ("target", target)) if _is_count(n)]
    parts = tuple(operand(n, (a,) if _is_count(a) else a) for n, a in operands.items())
    wanted = _shape("target", target)
    right = None if reference is None else operand("reference", reference)
    if right is not None and right.shape != wanted:
        raise ValueError(f"The reference has the shape {show(right.shape)}, but the target is {show(wanted)}.")
    came = None if given is None else operand("given", given)
    return explain_parts(parts, wanted, None if right is None else right.array, came, counts)


def explain_parts(
    parts: tuple[Operand, ...],
    target: Numbers,
    reference: Array | None = None,
    given: Operand | None = None,
    first: Sequence[ShapeSlip] = (),
) -> ShapeExplanation:
    """`explain_shapes` for operands that are known to be sound."""
    lengths = sizes(parts, target)
    found = expressions(parts, lengths)
    fitting = _fitting(found, target)
    agreeing, verdict = by_values(fitting, reference, lengths)
    right, factor = agreeing or (None, 1.0)
    named = {o.name: axes(o, lengths) for o in parts}
    named["target"] = axes(Operand("target", target), _of_target(lengths, target))
    slips = [*first, *at_operands(parts, target, named), *at_result(parts, given, found, target, lengths)]
    slips.extend(of_other_values(given, fitting, right))
    slips.extend(ambiguity(parts, fitting, lengths, right))
    slips = list({s.id: s for s in reversed(slips)}.values())[::-1]  # the first of a kind
    others = tuple(what_else(found, target, lengths))
    came = None if given is None else given.shape
    return ShapeExplanation(parts, target, named, tuple(fitting), others, tuple(slips), right, factor, came, verdict)


def _fitting(found: Sequence[Expression], target: Numbers) -> list[Expression]:
    """What gives the target's shape; one operand alone is of interest only where no two together give a matrix."""
    fitting = [e for e in found if e.shape == target]
    together = [e for e in fitting if e.operands > 1]
    return together if together and len(target) == 2 else fitting


def _of_target(lengths: Lengths, target: Numbers) -> Mapping[str, int]:
    """A gradient of a parameter has no batch axis, whatever lengths are equal."""
    parameter = {part: n for part, n in lengths.items() if part != "batch"}
    return parameter if all(n in parameter.values() for n in target) else lengths


def _shape(name: str, value: object) -> Numbers:
    if _is_count(value):
        return (int(value),)  # type: ignore[call-overload]  # it is a whole number
    if not isinstance(value, tuple | list):
        raise TypeError(f"{name}={value!r}: expected a shape, a tuple such as (784, 50).")
    return operand(name, tuple(value)).shape


def _is_count(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
