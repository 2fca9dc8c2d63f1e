"""Numbers, shapes and names as short text; every rendering words them the same way."""

from __future__ import annotations

import math

from gradient_diff.result.status import Status

_MARKS = {"good": "✓", "bad": "✗", "open": "?"}


def number(value: float | None, digits: int = 1) -> str:
    """A distance: `3.2e-17`; an exact zero is `0`."""
    if value is None:
        return "–"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.{digits}e}" if value else "0"


def sigmas(value: float) -> str:
    """A distance in σ, where a tenth is precise enough."""
    if not value or not math.isfinite(value) or value >= 1e4:
        return number(value)
    return f"{value:.1f}"


def entry(value: float | None, digits: int = 5) -> str:
    """One entry of an array: `-0.25`, `1.2346e-08`."""
    return number(value) if value is None or not math.isfinite(value) else f"{value:.{digits}g}"


def apart(hand: float, reference: float) -> tuple[str, str]:
    """Two values with as many digits as it takes to tell them apart, at least 6."""
    texts = [(entry(hand, d), entry(reference, d)) for d in range(6, 18)]
    return next((t for t in texts if t[0] != t[1]), texts[0])


def near_one(value: float | None) -> str:
    """A cosine or a factor, which is read by how far it is from 1: `1 − 3e-14`, `64`.

    What a float64 sum rounds off a 1, up to 1e-15, is not shown.
    """
    if value is None or not math.isfinite(value):
        return number(value)
    off = abs(value) - 1
    if abs(off) >= 5e-4:
        return f"{value:.4g}"
    sign = "-" if value < 0 else ""
    return f"{sign}1" if abs(off) <= 1e-15 else f"{sign}1 {'+' if off > 0 else '−'} {abs(off):.0e}"


def shape(value: tuple[int, ...] | None) -> str:
    """`(5, 5)`; a dash where there is no array."""
    return "–" if value is None else str(value)


def shapes(hand: tuple[int, ...] | None, reference: tuple[int, ...] | None) -> str:
    """One shape where both are equal, else both."""
    return shape(hand) if hand == reference else f"{shape(hand)} ≠ {shape(reference)}"


def index(value: tuple[int, ...] | None) -> str:
    """`[3, 2]`, as one would write it behind the array's name; nothing for a scalar."""
    return f"[{', '.join(map(str, value))}]" if value else ""


def printable(text: str) -> str:
    r"""Text with its control characters spelled out, so that a name can neither break a line nor colour a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def tone(status: Status) -> str:
    """good: proved right; bad: something is wrong or different; open: neither is proved."""
    return "good" if status.ok else "bad" if status.bad else "open"


def mark(status: Status) -> str:
    """A sign that stands beside the colour."""
    return _MARKS[tone(status)]
