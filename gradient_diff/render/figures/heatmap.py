"""A matrix as rectangles: blue below zero, orange above, the shade by the square root of the magnitude."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby

import numpy as np
from markupsafe import Markup

from gradient_diff.render.figures.canvas import over
from gradient_diff.render.figures.panels import Panels
from gradient_diff.render.figures.svg import drawing, placed, tag, text
from gradient_diff.wording import number
from manual_mlp import Array

LEVELS = 5
_WIDEST, _CELL = 220, 18
_NAN = LEVELS + 1
_MARGIN = 54  # beside the shades of a legend, for their numbers


def heatmap(values: Array, scale: float, name: str) -> Markup:
    """One matrix; `scale` has the darkest shade."""
    rows, columns = values.shape
    if not values.size:
        return Markup("")
    cell = min(_CELL, _WIDEST / max(rows, columns))
    inside = [
        tag("path", d=d, class_=f"gd-nan{' gd-minus' * (level < 0)}" if abs(level) == _NAN else _shade(level))
        for level, d in sorted(_paths(_levels(values, scale)).items())
    ]
    size = {"width": round(columns * cell), "height": max(round(rows * cell), 4), "viewBox": f"0 0 {columns} {rows}"}
    shape = {"preserveAspectRatio": "none", "role": "img", "aria_label": name}
    return tag("svg", *inside, **size, **shape, class_="gd-map")


def _shade(level: int) -> str:
    return f"gd-{'plus' if level > 0 else 'minus'} gd-{abs(level)}"


def _levels(values: Array, scale: float) -> Array:
    """−5 to 5 by cell; what is not finite is 6, or −6 for −∞."""
    with np.errstate(all="ignore"):
        shades = np.rint(LEVELS * np.sqrt(np.abs(over(values, scale))))
    finite = np.isfinite(values)
    shades = np.where(finite, np.minimum(np.where(finite, shades, 0), LEVELS), _NAN)
    result: Array = (np.where(values < 0, -1, 1) * shades).astype(int)
    return result


def _paths(levels: Array) -> dict[int, str]:
    """Shade → its cells, those beside each other as one rectangle."""
    found: dict[int, list[str]] = defaultdict(list)
    for y, row in enumerate(levels.tolist()):
        x = 0
        for level, run in groupby(row):
            wide = len(list(run))
            if level:
                found[level].append(f"M{x} {y}h{wide}v1h-{wide}z")
            x += wide
    return {level: "".join(parts) for level, parts in found.items()}


def legend(scale: float) -> Markup:
    """The shades with their numbers."""
    shades = range(-LEVELS, LEVELS + 1)
    boxes = [
        tag("rect", x=_MARGIN + 12 * i, y=0, width=12, height=10, class_=_shade(k) if k else None)
        for i, k in enumerate(shades)
    ]
    frame = tag("rect", x=_MARGIN, y=0, width=12 * len(boxes), height=10, class_="gd-frame")
    words = [
        text(f"−{number(scale)}", _MARGIN - 4, 9, "", "end"),
        text(number(scale), _MARGIN + 4 + 12 * len(boxes), 9),
    ]
    return drawing(
        2 * _MARGIN + 12 * len(boxes),
        11,
        f"colours from −{number(scale)} (blue) over 0 to {number(scale)} (orange)",
        *boxes,
        frame,
        *words,
        class_="gd-legend",
    )


def three(panels: Panels, name: str) -> Markup:
    """Hand, reference and difference beside each other, as one drawing for a file."""
    parts, x, high = [], 10.0, 0.0
    for words, values in (
        ("hand", panels.hand),
        ("reference", panels.reference),
        ("hand − reference", panels.difference),
    ):
        rows, columns = values.shape
        cell = min(_CELL, _WIDEST / max(rows, columns, 1))
        inner = heatmap(values, panels.scale, words)
        parts += [text(words, x, 16), placed(inner, x, 24)]
        x, high = x + max(columns * cell, 110) + 18, max(high, rows * cell)
    return drawing(x, high + 52, name, *parts, placed(legend(panels.scale), 10, high + 34))
