"""Numbers, shapes and names as short text; every rendering words them the same way."""

from __future__ import annotations

import math

from gradient_diff.result.status import Status

_MARKS = {"good": "✓", "bad": "✗", "open": "?"}


def number(value: float | None, digits: int = 1) -> str:
    """A distance: `3.2e-17`; an exact zero is `0`.

    Args:
        value: any float; None where there is none.
        digits: after the point.

    Returns:
        The text.

    Example:
        >>> number(3.21e-17), number(0.0), number(float("inf")), number(float("nan")), number(None)
        ('3.2e-17', '0', '∞', 'NaN', '–')
    """
    if value is None:
        return "–"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.{digits}e}" if value else "0"


def sigmas(value: float) -> str:
    """A distance in σ, where a tenth is precise enough.

    Args:
        value: 0 or more.

    Returns:
        The text.

    Example:
        >>> sigmas(0.0), sigmas(0.53), sigmas(15.94), sigmas(123456.0), sigmas(float("inf"))
        ('0', '0.5', '15.9', '1.2e+05', '∞')
    """
    if not value or not math.isfinite(value) or value >= 1e4:
        return number(value)
    return f"{value:.1f}"


def entry(value: float | None, digits: int = 5) -> str:
    """One entry of an array: `-0.25`, `1.2346e-08`.

    Args:
        value: any float; None where there is none.
        digits: that count.

    Returns:
        The text.

    Example:
        >>> entry(-0.25), entry(1.23456789e-8), entry(None)
        ('-0.25', '1.2346e-08', '–')
    """
    return number(value) if value is None or not math.isfinite(value) else f"{value:.{digits}g}"


def apart(hand: float, reference: float) -> tuple[str, str]:
    """Two values with as many digits as it takes to tell them apart, at least 6.

    Args:
        hand: any float.
        reference: any float.

    Returns:
        Both texts.

    Example:
        >>> apart(0.5, 0.25), apart(1.0, 1.0000000001)
        (('0.5', '0.25'), ('1', '1.0000000001'))
    """
    texts = [(entry(hand, d), entry(reference, d)) for d in range(6, 18)]
    return next((t for t in texts if t[0] != t[1]), texts[0])


def near_one(value: float | None) -> str:
    """A cosine or a factor, which is read by how far it is from 1: `1 − 3e-14`, `64`.

    Args:
        value: any float; None where there is none.

    Returns:
        The text; what a float64 sum rounds off a 1, up to 1e-15, is not shown.

    Example:
        >>> near_one(1 - 3e-14), near_one(64.0), near_one(1.0 + 2e-16), near_one(-1.0), near_one(0.98765)
        ('1 − 3e-14', '64', '1', '-1', '0.9877')
    """
    if value is None or not math.isfinite(value):
        return number(value)
    off = abs(value) - 1
    if abs(off) >= 5e-4:
        return f"{value:.4g}"
    sign = "-" if value < 0 else ""
    return f"{sign}1" if abs(off) <= 1e-15 else f"{sign}1 {'+' if off > 0 else '−'} {abs(off):.0e}"


def shape(value: tuple[int, ...] | None) -> str:
    """`(5, 5)`; a dash where there is no array.

    Args:
        value: a shape.

    Returns:
        The text.

    Example:
        >>> shape((5, 5)), shape(()), shape(None)
        ('(5, 5)', '()', '–')
    """
    return "–" if value is None else str(value)


def shapes(hand: tuple[int, ...] | None, reference: tuple[int, ...] | None) -> str:
    """One shape where both are equal, else both.

    Args:
        hand: None where that side has no such array.
        reference: likewise.

    Returns:
        The text.

    Example:
        >>> shapes((5, 5), (5, 5)), shapes((4, 1), (4,)), shapes(None, (2,))
        ('(5, 5)', '(4, 1) ≠ (4,)', '– ≠ (2,)')
    """
    return shape(hand) if hand == reference else f"{shape(hand)} ≠ {shape(reference)}"


def index(value: tuple[int, ...] | None) -> str:
    """`[3, 2]`, as one would write it behind the array's name; nothing for a scalar.

    Args:
        value: an index.

    Returns:
        The text.

    Example:
        >>> index((3, 2)), index(()), index(None)
        ('[3, 2]', '', '')
    """
    return f"[{', '.join(map(str, value))}]" if value else ""


def printable(text: str) -> str:
    r"""Text with its control characters spelled out, so that a name can neither break a line nor colour a terminal.

    Args:
        text: any.

    Returns:
        The text.

    Example:
        >>> printable("dense_1\n\x1b[31m")
        'dense_1\\n\\x1b[31m'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def tone(status: Status) -> str:
    """good: proved right; bad: something is wrong or different; open: neither is proved.

    Args:
        status: of a row or of a diff.

    Returns:
        One of the three words; renderings choose their colours by it.

    Example:
        >>> tone(Status.MATCH), tone(Status.SHAPE), tone(Status.VACUOUS)
        ('good', 'bad', 'open')
    """
    return "good" if status.ok else "bad" if status.bad else "open"


def mark(status: Status) -> str:
    """A sign that stands beside the colour.

    Args:
        status: of a row or of a diff.

    Returns:
        ✓, ✗ or ?.

    Example:
        >>> mark(Status.MATCH), mark(Status.DIFFERENT), mark(Status.INCONCLUSIVE)
        ('✓', '✗', '?')
    """
    return _MARKS[tone(status)]
