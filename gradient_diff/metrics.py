"""How far two arrays are apart, in numbers; no judgement here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Metrics:
    """Distances between a hand array h and a reference array r of one shape, computed in float64.

    Attributes:
        shape: of both.
        norm_hand, norm_reference: ‖h‖₂, ‖r‖₂.
        relative_l2: ‖h − r‖₂ / ‖r‖₂; 0 where both are zero, inf where only r is.
        max_abs_difference: max |h − r|.
        needed_rtol: max |h − r| / max |r|, the smallest relative tolerance that would have passed; 0 where both are
            zero, inf where only r is.
        worst_index: where that is.
        worst_hand, worst_reference: the two values there.
        cosine: ⟨h, r⟩ / (‖h‖ ‖r‖); nan where one is zero.
        scale: ⟨h, r⟩ / ⟨r, r⟩, the factor of r that fits h best; nan where r is zero.
        sign_disagreements: entries of opposite sign, zeros not counted.
        differing: entries that are not bit-equal in value.
        size: entries.

    Example:
        >>> import numpy as np
        >>> m = measure(np.array([2.0, 4.0]), np.array([1.0, 2.0]))
        >>> m.scale, m.cosine, m.worst_index
        (2.0, 1.0, (1,))
    """

    shape: tuple[int, ...]
    norm_hand: float
    norm_reference: float
    relative_l2: float
    max_abs_difference: float
    needed_rtol: float
    worst_index: tuple[int, ...]
    worst_hand: float
    worst_reference: float
    cosine: float
    scale: float
    sign_disagreements: int
    differing: int
    size: int


def measure(hand: npt.ArrayLike, reference: npt.ArrayLike) -> Metrics:
    """All metrics of one pair of finite arrays.

    Args:
        hand: any shape.
        reference: the same shape; nothing is broadcast.

    Returns:
        The `Metrics`.

    Raises:
        ValueError: shapes differ, or the arrays are empty.

    Example: see `Metrics`.
    """
    h, r = np.asarray(hand, np.float64), np.asarray(reference, np.float64)
    if h.shape != r.shape or not h.size:
        raise ValueError(f"measure() of shapes {h.shape} and {r.shape}: expected two arrays of one shape, not empty.")
    with np.errstate(over="ignore"):  # 1e308 − (−1e308) is inf, and says so
        difference = np.abs(h - r)
    worst = tuple(int(i) for i in np.unravel_index(int(difference.argmax()), h.shape))
    norm_h, norm_r, norm_d = _norm(h), _norm(r), _norm(difference)
    return Metrics(
        shape=h.shape,
        norm_hand=norm_h,
        norm_reference=norm_r,
        relative_l2=_ratio(norm_d, norm_r),
        max_abs_difference=float(difference[worst]),
        needed_rtol=_ratio(float(difference[worst]), float(np.abs(r).max())),
        worst_index=worst,
        worst_hand=float(h[worst]),
        worst_reference=float(r[worst]),
        cosine=_cosine(h, r),
        scale=_scale(h, r),
        sign_disagreements=int(np.count_nonzero(np.sign(h) * np.sign(r) < 0)),
        differing=int(np.count_nonzero(h != r)),
        size=h.size,
    )


def _norm(a: npt.NDArray[Any]) -> float:
    scaled, exponent = _scaled(a)
    return _ldexp(float(np.linalg.norm(scaled)), exponent)


def _scaled(a: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], int]:
    """a · 2⁻ᵉ with its largest entry below 1: exact, and its squares neither overflow nor all vanish."""
    exponent = math.frexp(float(np.abs(a).max()))[1]
    return np.ldexp(a, -exponent), exponent


def _cosine(h: npt.NDArray[Any], r: npt.NDArray[Any]) -> float:
    (hs, _), (rs, _) = _scaled(h), _scaled(r)
    norms = math.sqrt(float(np.vdot(hs, hs)) * float(np.vdot(rs, rs)))
    return float(np.vdot(hs, rs)) / norms if norms else math.nan


def _scale(h: npt.NDArray[Any], r: npt.NDArray[Any]) -> float:
    (hs, eh), (rs, er) = _scaled(h), _scaled(r)
    square = float(np.vdot(rs, rs))
    return _ldexp(float(np.vdot(hs, rs)) / square, eh - er) if square else math.nan


def _ldexp(value: float, exponent: int) -> float:
    """value · 2ᵉ, inf where that is no float; math.ldexp raises there."""
    with np.errstate(over="ignore", under="ignore"):
        return float(np.ldexp(value, exponent))


def _ratio(difference: float, reference: float) -> float:
    if reference:
        return difference / reference
    return math.inf if difference else 0.0
