"""What was broadcast forwards is summed backwards: over which axes the upstream was, and over which it should be."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from gradient_diff.backward.at_dtype import AtDtype
from gradient_diff.backward.causes import cause
from gradient_diff.result.findings import Cause
from manual_mlp import Array
from manual_mlp.extend import UNITS

Axes = tuple[int, ...]
MOST_AXES = 6  # 63 sums; no upstream of more is seen


def along_another_axis(name: str, hand: Array, upstream: Array, at: AtDtype) -> Cause | None:
    """The upstream summed along some axes, where along others it is right; or its mean taken, or its axes left in.

    In a square array no shape tells, and where a shape does, it does not tell why.
    """
    fitting = [axes for axes in _axes(upstream) if _is_right(name, axes, upstream, at)]
    if not fitting:
        return None
    unit = UNITS[at.subject.dtype]
    taken = [
        (axes, mean) for mean in (False, True) for axes in _axes(upstream) if _is(hand, upstream, axes, mean, unit)
    ]
    if not taken or _is_a_part(taken, fitting[0]):
        return None
    axes, mean = next((t for t in taken if t[0] in fitting), taken[0])
    how = f"the {'mean of the upstream' if mean else 'upstream summed'} over {_words(axes)}"
    cure = f"Sum it over {_words(fitting[0])}"
    if axes not in fitting:
        message = f"your gradient is {how}. {cure}"
        return cause("bias_summed_over_all", name, message, "the upstream is summed over another axis")
    if mean:
        return cause("bias_mean", name, f"your gradient is {how}. {cure}", "the upstream is averaged, not summed")
    return _axes_left_in(name, hand, how, at)


def _axes_left_in(name: str, hand: Array, how: str, at: AtDtype) -> Cause | None:
    shape = at.subject.point[name].shape
    if hand.shape == shape:
        return None
    message = f"your gradient is {how}, as it should be, but of shape {hand.shape} for an input of {shape}"
    return cause("bias_column", name, f"{message}. Reshape it", "the gradient has its numbers in another shape")


def _axes(upstream: Array) -> Iterator[Axes]:
    """One axis, then two, and so on."""
    if upstream.ndim <= MOST_AXES:
        for count in range(1, upstream.ndim + 1):
            yield from itertools.combinations(range(upstream.ndim), count)


def _is_right(name: str, axes: Axes, upstream: Array, at: AtDtype) -> bool:
    total, shape = np.asarray(upstream.sum(axis=axes), np.float64), at.subject.point[name].shape
    return _solid(total) == _solid(at.subject.point[name]) and at.fits(
        name, total.reshape(shape).astype(at.hand[name].dtype)
    )


def _is(hand: Array, upstream: Array, axes: Axes, mean: bool, unit: float) -> bool:
    """Whether this is that sum or mean, with its axes left in or not, up to γ_n of its n terms; of one, it is none."""
    total, size = (np.asarray(a.sum(axis=axes), np.float64) for a in (upstream, np.abs(upstream)))
    terms = upstream.size // max(total.size, 1)
    if _solid(hand) != _solid(total) or terms == 1:
        return False
    divisor = terms if mean else 1
    off = np.abs(hand.reshape(total.shape) - total / divisor)
    return bool((off <= (terms + mean) * unit * size / divisor).all())


def _is_a_part(taken: Sequence[tuple[Axes, bool]], right: Axes) -> bool:
    """Whether some of the right axes have been summed over, and others are still there: that is told by the shape."""
    return all(not mean and set(axes) < set(right) for axes, mean in taken)


def _solid(array: Array) -> Axes:
    """Its shape without axes of one entry."""
    return tuple(n for n in array.shape if n != 1)


def _words(axes: Axes) -> str:
    """An axis, or several."""
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {', '.join(map(str, axes[:-1]))} and {axes[-1]}"
