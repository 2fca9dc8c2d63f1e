"""What `explain_shapes` is asked about: named arrays, or their shapes alone, and the part that each axis plays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from manual_mlp import Array
from manual_mlp.extend import refuse_masked

Numbers: TypeAlias = tuple[int, ...]
Lengths: TypeAlias = Mapping[str, int]  # part → length

_GREEK = {"delta": "δ", "dE_du": "δ"}
# By name, an operand's axes as the house writes them; a digit, `_prev` or a layer's name in front means nothing.
_USUAL = {
    ("batch", "inputs"): "z x a h input inputs activation activations",
    ("batch", "units"): "delta δ d error err de_du de_dz dz du u y t y_true y_pred p",
    ("inputs", "units"): "w kernel weight weights dw de_dw de_dkernel dkernel",
    ("units",): "b bias db de_db de_dbias dbias",
}
_LETTERS = {"batch": "N", "inputs": "n_in", "units": "n_out"}


@dataclass(frozen=True, eq=False)
class Operand:
    """An array or its shape.

    Attributes:
        name: as it was given.
        shape: its shape.
        array: None where only the shape is known.
    """

    name: str
    shape: Numbers
    array: Array | None = field(default=None, repr=False)

    @property
    def symbol(self) -> str:
        """In formulas."""
        return _GREEK.get(self.name, self.name)

    @property
    def usual(self) -> tuple[str, ...]:
        """The parts that its axes play where its name means what it usually means; else nothing."""
        plain = re.sub(r"(_prev|[\d_]+)$", "", self.name.rpartition("/")[2].lower())
        return next((axes for axes, names in _USUAL.items() if plain in names.split()), ())


def operand(name: str, given: object) -> Operand:
    """An operand from an array, a list of numbers, or a tuple that is its shape."""
    if isinstance(given, tuple) and all(_whole(n) for n in given):
        if any(n < 0 for n in given):
            raise ValueError(f"{name}={given}: a shape has no negative lengths.")
        return Operand(name, tuple(map(int, given)))
    refuse_masked(name, given)
    try:
        array = np.asarray(given)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} is no array: {error}. Expected an array, or its shape as a tuple.") from None
    if array.dtype.kind not in "fiub" and array.dtype.name != "bfloat16":
        raise TypeError(f"{name} is {type(given).__name__}: expected an array of numbers, or its shape as a tuple.")
    return Operand(name, array.shape, array)


def _whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def sizes(operands: Sequence[Operand], target: Numbers) -> dict[str, int]:
    """batch, inputs and units, as far as they can be told from the shapes, and where those are mute from the names."""
    kernels = [o for o in operands if o.usual == ("inputs", "units") and len(operands) > 1]
    others = [o for o in operands if o not in kernels]
    if kernels and len(target) == 2:
        return _through_kernel(kernels[0], others, target)
    if len(target) == 2 and _per_sample(operands, target):
        return dict(zip(("batch", "units"), target, strict=True))
    found = dict(zip(("inputs", "units"), target, strict=True)) if len(target) == 2 else {}
    if len(target) == 1:
        found = {"units": target[0]}
    batch = _batch(others, target)
    return ({"batch": batch} if batch is not None else {}) | found


def _per_sample(operands: Sequence[Operand], target: Numbers) -> bool:
    """Whether the target is an array of samples like the operands: δ = dE/dz ⊙ f′, y_pred − y."""
    alike = all(o.shape == target for o in operands) and target[0] != target[1]
    return alike or all(
        o.usual == ("batch", "units") or (o.usual[:1] == ("batch",) and not operands[1:]) for o in operands
    )


def _through_kernel(kernel: Operand, others: Sequence[Operand], target: Numbers) -> dict[str, int]:
    """u = z W + b and dE/dz = δ Wᵀ: the target is (batch, …), and the kernel says the rest."""
    backward = any(o.usual == ("batch", "units") for o in others)
    there = "inputs" if backward else "units"
    rest = [n for n in kernel.shape if n != target[1]] or [target[1]]
    contracted = {("units" if backward else "inputs"): rest[0]} if len(kernel.shape) == 2 else {}
    return {"batch": target[0]} | dict(sorted((contracted | {there: target[1]}).items()))


def _batch(operands: Iterable[Operand], target: Numbers) -> int | None:
    """A length that the operands share and the target has not; else the one that is left over; else by name."""
    shapes = [o.shape for o in operands if o.shape]
    shared = [n for n in shapes[0] if n > 1 and n not in target and all(n in s for s in shapes[1:])] if shapes else []
    if shared and (len(shapes) > 1 or len(shapes[0]) > 1):
        return shared[0]
    named = [o.shape[0] for o in operands if o.usual[:1] == ("batch",) and len(o.shape) > 1]
    if named:
        return named[0]
    longer = [s[0] for s in shapes if len(s) > len(target) and s[0] > 1]
    return longer[0] if longer else None


def axes(one: Operand, lengths: Lengths) -> tuple[str, ...]:
    """The part that each axis plays: by its length, or by its place where several have it and the name is known."""
    usual = one.usual if len(one.usual) == len(one.shape) else ("",) * len(one.shape)
    return tuple(_part(n, place, lengths) for n, place in zip(one.shape, usual, strict=True))


def _part(length: int, place: str, lengths: Lengths) -> str:
    found = [part for part, n in lengths.items() if n == length]
    if place in found:
        return place
    return " or ".join(found) or ("1" if length == 1 else "?")


def equal_parts(lengths: Lengths) -> str:
    """Which parts are of one length, in words; empty if all differ."""
    by_length: dict[int, list[str]] = {}
    for part, n in lengths.items():
        by_length.setdefault(n, []).append(part)
    groups = [(n, parts) for n, parts in by_length.items() if len(parts) > 1]
    return "; ".join(
        f"{', '.join(parts[:-1])} and {parts[-1]} are {'both' if len(parts) == 2 else 'all'} {n}" for n, parts in groups
    )


def letter(part: str, axis: int) -> str:
    """What a sum over an axis is written with: Σ_N."""
    return _LETTERS.get(part, f"axis {axis}")
