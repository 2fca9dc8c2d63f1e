"""The usual ways in which a shape goes wrong, told from the shape alone; each with a name and a cure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gradient_diff.shapes.operands import Lengths, Numbers
from manual_mlp.extend import show


@dataclass(frozen=True)
class ShapeSlip:
    """What happened to a shape.

    Attributes:
        id: transposed_convention, transposed, per_sample, batch_not_summed, wrong_axis, wrong_length, summed_over_all,
            keepdims, elementwise, broadcast, one_dimensional, dot_of_vectors, input_shape or equal_dimensions.
        message: in words, with the cure.
        brief: in a few words, for a table.
    """

    id: str
    message: str
    brief: str = ""

    def __str__(self) -> str:
        return self.message


def slip(given: Numbers, target: Numbers, kind: str = "", lengths: Lengths | None = None) -> ShapeSlip | None:
    """What happened on the way to a shape that is not the target's."""
    if given == target:
        return None
    found = (rule(given, target, kind, lengths or {}) for rule in _RULES)
    return next((s for s in found if s is not None), None)


def _broadcast(given: Numbers, target: Numbers, kind: str, lengths: Lengths) -> ShapeSlip | None:
    n = given[0] if given else 0
    column = target == (n, 1) or (target == (n,) and kind == "broadcast")  # else it may be Σ_N that lacks
    if given != (n, n) or n == 1 or not column:
        return None
    return ShapeSlip(
        "broadcast",
        f"({n}, {n}) is what ({n},) against ({n}, 1) is broadcast to: every sample meets every other. "
        f"Give both the shape ({n}, 1), e.g. y[:, None].",
        f"({n},) against ({n}, 1) is broadcast",
    )


def _extra_axis(given: Numbers, target: Numbers, kind: str, lengths: Lengths) -> ShapeSlip | None:
    if len(given) != len(target) + 1 or given[0] == 1 or not target:
        return None
    if len(target) == 2 and given[1:] in (target, target[::-1]):
        return ShapeSlip(
            "per_sample",
            f"{show(given)} is a per-sample gradient: {given[0]} matrices, one for each sample. E is one number for "
            "the whole batch: sum over axis 0, or let a product zᵀ δ do it.",
            "a per-sample gradient: sum over axis 0",
        )
    if given[1:] != target:
        return None
    return ShapeSlip(
        "batch_not_summed",
        f"{show(given)} still has its batch axis of {given[0]} samples. The bias is added to every sample, so its "
        "gradient is summed over them: δ.sum(axis=0).",
        "the batch axis is not summed",
    )


def _transposed(given: Numbers, target: Numbers, kind: str, lengths: Lengths) -> ShapeSlip | None:
    if len(given) != 2 or given != target[::-1]:
        return None
    kernel = (lengths.get("inputs", target[0]), lengths.get("units", target[1]))
    if target != kernel or ("inputs" not in lengths and "batch" in lengths):
        text = f"{show(given)} is the transpose of {show(target)}: samples run along the first axis."
        return ShapeSlip("transposed", text, "the transpose")
    return ShapeSlip(
        "transposed_convention",
        f"{show(given)} is (n_out, n_in), the transposed convention. Keras's kernels are (n_in, n_out): transpose it.",
        "the transposed convention (n_out, n_in)",
    )


def _keepdims(given: Numbers, target: Numbers, kind: str, lengths: Lengths) -> ShapeSlip | None:
    if [n for n in given if n != 1] != [n for n in target if n != 1]:
        return None
    if len(given) < len(target):
        text = f"{show(given)} lacks the axis of length 1 of {show(target)}: keepdims=True keeps it, [:, None] adds it."
        return ShapeSlip("keepdims", text, "keepdims=True is missing")
    text = f"{show(given)} has an axis of length 1 too many for {show(target)}: leave out keepdims=True, or squeeze it."
    return ShapeSlip("keepdims", text, "an axis of length 1 too many")


def _elementwise(given: Numbers, target: Numbers, kind: str, lengths: Lengths) -> ShapeSlip | None:
    if kind not in ("elementwise", "broadcast"):
        return None
    text = f"{show(given)} is what * gives, entry by entry. A product of matrices, which sums, is @."
    return ShapeSlip("elementwise", text, "* for @")


def _wrong_axis(given: Numbers, target: Numbers, kind: str, lengths: Lengths) -> ShapeSlip | None:
    if len(given) != 1 or not target or len(target) > 2:
        return None
    if len(target) == 1:
        batch = lengths.get("batch")
        if batch not in (None, given[0]):  # no sum of δ has so many entries
            text = (
                f"{show(given)} has {given[0]} entries, and not one for each of the {target[0]} units: it is of "
                "another layer, or units are left out. Sum δ of this layer over the batch: δ.sum(axis=0)."
            )
            return ShapeSlip("wrong_length", text, "not one entry for each unit")
        has = f"has kept the batch of {batch}" if batch else f"has {given[0]} entries, not {target[0]}"
        text = f"{show(given)} {has}: it is summed over the wrong axis. Sum over the batch: δ.sum(axis=0)."
        return ShapeSlip("wrong_axis", text, "summed over the wrong axis")
    if given[0] not in target:
        return None
    text = (
        f"{show(given)} has an axis less than {show(target)}: it is summed over the wrong axis, or over one too many."
    )
    return ShapeSlip("wrong_axis", text, "summed over one axis too many")


def _everything(given: Numbers, target: Numbers, kind: str, lengths: Lengths) -> ShapeSlip | None:
    if given or not target:
        return None
    text = f"It is one number, but {show(target)} is wanted: it is summed over every axis."
    return ShapeSlip("summed_over_all", text, "summed over every axis")


_RULES: tuple[Callable[[Numbers, Numbers, str, Lengths], ShapeSlip | None], ...] = (
    _broadcast,
    _extra_axis,
    _transposed,
    _keepdims,
    _elementwise,
    _wrong_axis,
    _everything,
)
