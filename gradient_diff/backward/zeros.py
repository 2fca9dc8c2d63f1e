"""Which rows are zero for any point: the values do not move there, wherever the function is looked at."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradient_diff.backward.subject import Subject
from gradient_diff.judging.zeros import OTHERS, SCALES, always_zero
from gradient_diff.noise.draws import further_than_order
from manual_mlp.extend import Arrays

STEP = 2.0**-20  # moves a slope of 1 a billion roundings of float64 far, and a stair hardly ever


def constant_in(subject: Subject, names: set[str]) -> set[str]:
    """Those of the inputs and weights that no value depends on, at any point; `subject` is in float64."""
    return always_zero(names, _at_points(subject, names))


def _at_points(subject: Subject, names: set[str]) -> Iterator[set[str]]:
    for seed in range(OTHERS):
        rng = np.random.default_rng(seed)
        scale = SCALES[seed % len(SCALES)]
        point = {n: (scale * rng.normal(size=a.shape)).astype(a.dtype) for n, a in subject.point.items()}
        try:
            finite = all(np.isfinite(a).all() for a in subject.fast(point).values())
            far = scale > 1 and not finite  # numbers so large overflow in some functions: that says nothing
            yield names if far else {n for n in names if not _moves(subject, point, n, rng)}
        except Exception:  # noqa: BLE001  # a function may refuse other inputs with any error of its own
            yield set()


def _moves(subject: Subject, point: Arrays, name: str, rng: np.random.Generator) -> bool:
    """Whether an array has a slope there, or nothing can be said."""
    aside = {**point, name: point[name] + STEP * rng.choice([-1.0, 1.0], point[name].shape)}
    start, end = subject.fast(point), subject.fast(aside)
    pairs = [(start[n], end[n]) for n in start]
    return any(not np.isfinite(a).all() or further_than_order(a, b, subject.terms) for a, b in pairs)
