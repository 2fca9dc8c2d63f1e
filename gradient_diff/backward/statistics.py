"""A normalisation whose gradient takes its mean or variance for constants: the missing terms are put back."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from gradient_diff.backward.at_dtype import AtDtype
from gradient_diff.backward.causes import cause
from gradient_diff.result.findings import Cause
from manual_mlp import Array

EPSILONS = (0.0, 1e-3, 1e-5, 1e-6, 1e-7, 1e-8, 1e-12, 1e-4, 1e-2)
"""What is usually added to the variance; another one is solved for."""
MOST_AXES = 4
ITERATIONS = 8
LARGEST = 1e6  # ε beyond which nothing is left of the term
TERMS = {
    (True, True): "mean and variance are taken for constants",
    (True, False): "the mean is taken for a constant",
    (False, True): "the variance is taken for a constant",
}


def statistics_causes(names: Sequence[str], at: AtDtype) -> tuple[Cause, ...]:
    """At most one per array."""
    found = (_of(name, at) for name in names if name in at.names)
    return tuple(c for c in found if c is not None)


def _of(name: str, at: AtDtype) -> Cause | None:
    h, x = (np.asarray(a, np.float64) for a in (at.hand[name], at.subject.point[name]))
    if h.shape != x.shape or x.ndim > MOST_AXES:
        return None
    for axes in _axes(x):
        for terms, gradient in _mended(name, h, x, axes, at):
            if at.fits(name, gradient):
                return _told(name, axes, terms)
    return None


def _axes(x: Array) -> Iterator[tuple[int, ...]]:
    """Over which a mean may have been taken: the batch first."""
    for count in range(1, x.ndim + 1):
        yield from (a for a in itertools.combinations(range(x.ndim), count) if np.prod([x.shape[i] for i in a]) > 1)


def _mended(
    name: str, h: Array, x: Array, axes: tuple[int, ...], at: AtDtype
) -> Iterator[tuple[tuple[bool, bool], Array]]:
    """dx = g − mean(g) − x̂ mean(g x̂), where g = dE/dx̂ / √(v + ε) is all that was returned."""
    centred = x - x.mean(axes, keepdims=True)
    variance = np.square(centred).mean(axes, keepdims=True)
    if not variance.all():
        return
    inner = centred * (h * centred).mean(axes, keepdims=True)
    yield (True, False), h - h.mean(axes, keepdims=True)
    for mean in (False, True):
        start = h - h.mean(axes, keepdims=True) if mean else h
        for epsilon in (*EPSILONS, *_solved(name, start, inner, variance, at)):
            yield (mean, True), start - inner / (variance + epsilon)


def _solved(name: str, start: Array, inner: Array, variance: Array, at: AtDtype) -> Iterator[float]:
    """The one ε by which all that is known of the reference comes nearest, by Gauss and Newton."""
    reference, epsilon = np.asarray(at.reference[name], np.float64), EPSILONS[1]
    for _ in range(ITERATIONS):
        off = at.read(name, start - inner / (variance + epsilon))
        slope = at.read(name, inner / np.square(variance + epsilon))
        square = 0.0 if slope is None else float(np.vdot(slope, slope))
        if off is None or slope is None or not square:
            return
        epsilon -= float(np.vdot(slope, off - reference)) / square
        if not 0 < epsilon < LARGEST:
            return
    yield epsilon


def _told(name: str, axes: tuple[int, ...], terms: tuple[bool, bool]) -> Cause:
    what = TERMS[terms]
    over = f"axis {axes[0]}" if len(axes) == 1 else f"axes {axes}"
    message = f"{what}: x moves them, too. With g for what you return, dx = g − mean(g) − x̂ mean(g x̂), over {over}"
    equations = ("dx = γ dE/dz / √(v + ε)" if all(terms) else "", "dx = g − mean(g) − x̂ mean(g x̂)")
    return cause("batch_norm_partial" if 0 in axes else "layer_norm_partial", name, message, what, equations)
