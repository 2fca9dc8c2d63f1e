"""What arrays alone give away, where no network is known: factors, transpositions, zeros, lost axes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations, permutations

import numpy as np

from gradient_diff.diagnosis.factors import NOTHING, Found, Guess, Known, name_factor, whole
from manual_mlp import Array
from manual_mlp.extend import UNITS

MOST_AXES = 5  # of a kernel: 5! orders are tried
ROUNDINGS = 64  # what two derivations of one tensor may differ by, in units of u of its largest entry


def signatures(hand: Mapping[str, Array], reference: Mapping[str, Array], known: Known = NOTHING) -> Iterator[Found]:
    """(id, layer, sentence) for every signature that fits.

    Args:
        hand, reference: name → array.
        known: sizes and weights of the network, as far as they are.

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
    yield from _factors(hand, reference, same, off, known)
    yield from _decay(hand, reference, [n for n in off if n in same], known)
    yield from _orientation(hand, reference, common, off)
    for node in off:
        yield from _one(node, hand[node], reference[node])
    if len(off) == 1 and reference[off[0]].ndim == 2 and off[0] in same:
        yield from _ratios(off[0].rsplit("/", 1)[0], hand[off[0]], reference[off[0]])


def _equal(h: Array, r: Array, factor: float = 1.0) -> bool:
    """Whether h = factor · r to within the rounding of the coarser dtype."""
    wanted = factor * np.asarray(r, np.float64)
    return h.shape == r.shape and bool(
        np.abs(h - wanted).max(initial=0.0) <= ROUNDINGS * _unit(h, r) * np.abs(wanted).max(initial=0.0)
    )


def _unit(*arrays: Array) -> float:
    """Of the coarsest: what one side has rounded away, no finer dtype of the other brings back."""
    return max((UNITS[a.dtype.name] for a in arrays if a.dtype.name in UNITS), default=UNITS["float64"])


def _fit(h: Array, r: Array) -> float:
    """Least squares of h = factor · r."""
    size = float(np.abs(r).max())
    unit = r.astype(np.float64) / size
    with np.errstate(over="ignore"):
        return float(np.vdot(unit, h.astype(np.float64)) / np.vdot(unit, unit) / np.float64(size))


def _factors(
    hand: Mapping[str, Array], reference: Mapping[str, Array], same: list[str], off: list[str], known: Known
) -> Iterator[Found]:
    if not same or set(off) - set(same):
        return
    factor = _fit(hand[off[0]], reference[off[0]])
    if factor == 0 or not np.isfinite(factor) or not all(_equal(hand[n], reference[n], factor) for n in off):
        return
    everywhere = len(off) == len(same)
    where = "" if everywhere else off[0].rsplit("/", 1)[0]
    if not everywhere and all(n.endswith("bias") for n in off) and whole(1 / factor):
        n = round(1 / factor)
        said = f"your bias gradient is 1/{n} of the reference's"
        if known.batch == n:
            yield "bias_mean", where, f"{said}; {n} is the batch size"
        elif known.batch is None and known.guessing:
            yield Guess("bias_mean", where, f"{said}: is that the batch size?")
    if not everywhere:
        yield "stray_constant", where, f"your gradient is {factor:.6g} times the reference's, the others agree"
        return
    yield from name_factor(factor, known)


def _decay(hand: Mapping[str, Array], reference: Mapping[str, Array], off: list[str], known: Known) -> Iterator[Found]:
    """λW: all that is off differs by one multiple of its own weights."""
    kernels = [n for n in off if n in known.weights and np.any(known.weights[n])]
    if not kernels or len(kernels) < len(off):
        return
    apart = {n: np.asarray(hand[n], np.float64) - reference[n] for n in kernels}
    share = _fit(apart[kernels[0]], known.weights[kernels[0]])
    size = max(float(np.abs(hand[n]).max() + np.abs(reference[n]).max()) for n in kernels)
    left = max(float(np.abs(a - share * known.weights[n]).max()) for n, a in apart.items())
    unit = _unit(*(a[n] for a in (hand, reference) for n in kernels))
    if share and np.isfinite(share) and left <= ROUNDINGS * unit * size:
        name = "l2_missing" if share < 0 else "l2_factor"
        more = "less" if share < 0 else "more"
        yield name, "", f"your kernel gradients are {abs(share):.6g} W {more} than the reference's: a decay of E, 2λW"


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
    for node in off:
        yield from _turned(node, hand[node], reference[node])
    names = list(common)
    if len(names) > 1 and all(_equal(hand[a], reference[b]) for a, b in zip(names, reversed(names), strict=True)):
        yield "layers_reversed", "", "your list of gradients begins at the output"


def _turned(node: str, h: Array, r: Array) -> Iterator[Found]:
    """Of more than two axes: in another order, or flipped, as a convolution's kernel; the last two are channels."""
    if not 3 <= r.ndim <= MOST_AXES or sorted(h.shape) != sorted(r.shape):
        return
    layer, same = node.rsplit("/", 1)[0], tuple(range(r.ndim))
    flips = [f for n in range(r.ndim - 1) for f in combinations(same[:-2], n)]
    orders = [p for p in permutations(same) if tuple(h.shape[i] for i in p) == r.shape]
    fitting = ((p, f) for p in orders for f in flips if (p, f) != (same, ()) and _equal(np.flip(h.transpose(p), f), r))
    if (found := next(fitting, None)) is None:
        return
    order, flipped = found
    turned = f"flipped along {'axes' if len(flipped) > 1 else 'axis'} {', '.join(map(str, flipped))}"
    if order == same:
        yield "kernel_flipped", layer, f"your gradient is the reference's, {turned}"
    else:
        also = f", and {turned}" if flipped else ""
        yield "axes_exchanged", layer, f"your gradient, np.transpose(…, {order}), is the reference's{also}"


def _one(node: str, h: Array, r: Array) -> Iterator[Found]:
    layer = node.rsplit("/", 1)[0]
    if h.ndim == r.ndim + 1 and h.shape[1:] == r.shape and _equal(h.sum(axis=0), r):
        yield (
            "bias_not_summed",
            layer,
            f"your gradient of shape {h.shape} keeps the batch axis; summed over it, it is the reference's",
        )
    if (
        r.ndim == 1
        and h.shape == 2 * r.shape
        and len(r) > 1
        and (_equal(h, np.tile(r, (len(r), 1))) or _equal(h.T, np.tile(r, (len(r), 1))))
    ):
        yield "bias_column", layer, f"your bias gradient is {h.shape}, the right one in every row or every column"
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


def _ratios(layer: str, h: Array, r: Array) -> Iterator[Found]:
    """Some rows, or columns, are a multiple of the reference's, each its own; the others agree."""
    for axis, words in ((0, "row"), (1, "column")):
        lines = [(np.take(h, i, axis), np.take(r, i, axis)) for i in range(r.shape[axis])]
        factors = [_fit(a, b) if np.any(b) else 1.0 for a, b in lines]
        changed = [i for i, (a, b) in enumerate(lines) if not _equal(a, b)]
        some = len(lines[0][0]) > 1 and 0 < len(changed) < len(lines) and all(factors[i] for i in changed)
        if some and all(_equal(a, b, f) for (a, b), f in zip(lines, factors, strict=True)):
            said = ", ".join(f"{words} {i} is {factors[i]:.6g} times" for i in changed[:5])
            yield "stray_constant", layer, f"in your gradient {said} the reference's, the others agree"
