"""What arrays alone give away, where no network is known: factors, transpositions, zeros, lost axes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Found = tuple[str, str, str]

ROUNDINGS = 64  # what two derivations of one tensor may differ by, in units of u of its largest entry


def signatures(hand: Mapping[str, Array], reference: Mapping[str, Array]) -> Iterator[Found]:
    """(id, layer, sentence) for every signature that fits.

    Args:
        hand, reference: name → array.

    Returns:
        In no order; nothing if the arrays agree.

    Example:
        >>> import numpy as np
        >>> [name for name, _, _ in signatures({"w": -np.ones(3)}, {"w": np.ones(3)})]
        ['sign']
    """
    common = [n for n in hand if n in reference and np.any(reference[n])]
    shapes = {n: (hand[n].shape, reference[n].shape) for n in common}
    same = [n for n in common if shapes[n][0] == shapes[n][1]]
    off = [n for n in common if n not in same or not _equal(hand[n], reference[n])]
    if not off:
        return
    yield from _factors(hand, reference, same, off)
    yield from _orientation(hand, reference, common, off)
    for node in off:
        yield from _one(node, hand[node], reference[node])


def _equal(h: Array, r: Array, factor: float = 1.0) -> bool:
    """Whether h = factor · r to within the rounding of their dtype."""
    kind = np.result_type(h, r)
    unit = np.finfo(kind).eps / 2 if kind.kind == "f" else 2.0**-53
    wanted = factor * np.asarray(r, np.float64)
    return h.shape == r.shape and bool(
        np.abs(h - wanted).max(initial=0.0) <= ROUNDINGS * unit * np.abs(wanted).max(initial=0.0)
    )


def _fit(h: Array, r: Array) -> float:
    return float(
        np.vdot(r.astype(np.float64), h.astype(np.float64)) / np.vdot(r.astype(np.float64), r.astype(np.float64))
    )


def _factors(
    hand: Mapping[str, Array], reference: Mapping[str, Array], same: list[str], off: list[str]
) -> Iterator[Found]:
    if not same or set(off) - set(same):
        return
    factor = _fit(hand[off[0]], reference[off[0]])
    if factor == 0 or not all(_equal(hand[n], reference[n], factor) for n in off):
        return
    everywhere = len(off) == len(same)
    where = "" if everywhere else off[0].rsplit("/", 1)[0]
    if not everywhere and all(n.endswith("bias") for n in off) and _whole(1 / factor):
        yield (
            "bias_mean",
            where,
            f"your bias gradient is 1/{round(1 / factor)} of the reference's: is that the batch size?",
        )
    if not everywhere:
        yield "stray_constant", where, f"your gradient is {factor:.6g} times the reference's, the others agree"
        return
    yield from _named_factor(factor)


def _named_factor(factor: float) -> Iterator[Found]:
    sentence = f"your gradients are {factor:.6g} times the reference's"
    if abs(factor + 1) < 1e-6:
        yield "sign", "", sentence
    elif abs(factor - 2) < 1e-6 or abs(factor - 0.5) < 1e-6:
        yield "factor_two", "", sentence
        if factor > 1:
            yield "accumulated", "", sentence
    elif _whole(factor):
        yield "missing_batch_mean", "", f"{sentence}: is {round(factor)} the batch size?"
        yield "missing_output_mean", "", f"{sentence}: or the number of outputs, or half of both multiplied?"
    elif _whole(1 / factor):
        yield "batch_mean_twice", "", f"{sentence}: is {round(1 / factor)} the batch size?"
    if abs(factor) < 1 and abs(factor + 1) > 1e-6:
        yield "learning_rate_inside", "", f"{sentence}: is {abs(factor):.6g} the learning rate?"


def _whole(factor: float) -> bool:
    return 2.5 < factor < 1e9 and abs(factor - round(factor)) < 1e-5 * factor


def _orientation(
    hand: Mapping[str, Array], reference: Mapping[str, Array], common: list[str], off: list[str]
) -> Iterator[Found]:
    matrices = [n for n in common if reference[n].ndim == 2]
    turned = [n for n in matrices if hand[n].shape == reference[n].shape[::-1] and _equal(hand[n].T, reference[n])]
    if turned and set(turned) >= set(matrices) and len(matrices) > 1:
        yield "convention_transposed", "", "all your matrices are the transposes of the reference's"
    else:
        for node in turned:
            if node in off:
                yield "transposed", node.rsplit("/", 1)[0], "your gradient is the transpose of the reference's"
    names = list(common)
    if len(names) > 1 and all(_equal(hand[a], reference[b]) for a, b in zip(names, reversed(names), strict=True)):
        yield "layers_reversed", "", "your list of gradients begins at the output"


def _one(node: str, h: Array, r: Array) -> Iterator[Found]:
    layer = node.rsplit("/", 1)[0]
    if h.ndim == r.ndim + 1 and h.shape[1:] == r.shape and _equal(h.sum(axis=0), r):
        yield (
            "bias_not_summed",
            layer,
            f"your gradient of shape {h.shape} keeps the batch axis; summed over it, it is the reference's",
        )
    if h.shape != r.shape:
        return
    if r.ndim == 1 and not np.any(h):
        yield "bias_missing", layer, "your bias gradient is all zero"
    if r.ndim == 1 and len(r) > 1 and np.ptp(h) == 0 and np.any(h) and _equal(h, np.full(r.shape, r.sum())):
        yield "bias_summed_over_all", layer, "your bias gradient is one number, the sum over everything"
    if r.ndim == 2:
        for axis, words in ((1, "rows"), (0, "columns")):
            empty = ~np.any(h, axis=axis) & np.any(r, axis=axis)
            filled = np.take(h, np.flatnonzero(~empty), axis=1 - axis)
            if empty.any() and _equal(filled, np.take(r, np.flatnonzero(~empty), axis=1 - axis)):
                yield (
                    "row_missing",
                    layer,
                    f"{words} {', '.join(map(str, np.flatnonzero(empty)[:5]))} of your gradient are all zero",
                )
