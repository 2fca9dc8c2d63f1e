"""The matrix ledger as a drawing: one box per operand, and the inner dimensions that must meet side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradient_diff.ledger.boxes import Box
from gradient_diff.ledger.ledger import Ledger, LedgerLine
from gradient_diff.render.figures import canvas
from manual_mlp.extend import is_gradient

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# In inches, as all the drawing is.
_COLUMN = 5.6
_MARGIN = 0.25
_TITLE = 0.95
_GAP = 0.62  # between boxes: room for a sign and the height of the next one
_FOOT = 0.4
_INK, _QUIET, _PAPER, _MEETS = "#1d2430", "#5b6675", "#eef2f7", "#1f5fa8"
_SIGNS = {"@": "·", "⊙": "⊙", "+": "+", ",": ","}


@canvas.in_house_style
def draw_ledger(ledger: Ledger) -> Figure:
    """Every equation as boxes: as high as its operand has rows, as wide as it has columns, on a logarithmic scale.

    Of a product the two inner sides are blue: they are one dimension. What clashes is red.
    """
    if not ledger:
        return canvas.nothing("This ledger has no lines.")
    backward = [line for line in ledger if is_gradient(line.node)]
    forward = [line for line in ledger if line not in backward]
    columns = [lines for lines in (forward, backward) if lines]
    height = max(sum(map(_height, lines)) for lines in columns) + _TITLE + _MARGIN
    width = len(columns) * _COLUMN + _MARGIN
    drawn = canvas.figure(width, height)
    drawn.set_layout_engine("none")  # one unit is one inch
    axes = drawn.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    _write(
        axes, _MARGIN, 0.3, f"Matrix ledger: {ledger.title}", size=11, weight="bold", longest=90 if columns[1:] else 50
    )
    _write(
        axes,
        _MARGIN,
        0.55,
        "blue: the inner dimension of a product; red: a clash; sides on a log scale",
        _QUIET,
        8,
        longest=90,
    )
    for i, lines in enumerate(columns):
        top = _TITLE
        for line in lines:
            _draw_line(axes, line, _MARGIN + i * _COLUMN, top)
            top += _height(line)
    return drawn


@dataclass(frozen=True)
class _Size:
    width: float
    height: float


def _size(box: Box) -> _Size:
    """A row vector is one row high, a number is a dot; a letter is drawn as if it were 100."""
    shape = box.shape if box.shape is not None else ()
    sides = [0.3 + 0.17 * math.log10(n if isinstance(n, int) and n > 0 else 100) for n in shape[-2:]]
    return _Size(sides[-1] if sides else 0.16, sides[0] if len(sides) == 2 else 0.16)


def _height(line: LedgerLine) -> float:
    return _head(line) + _tallest(line) + _FOOT


def _head(line: LedgerLine) -> float:
    """The formula, what clashes, and the width labels of the boxes."""
    return 0.36 if line.fits else 0.54


def _tallest(line: LedgerLine) -> float:
    return max((_size(box).height for box in line.boxes), default=0.2)


def _draw_line(axes: Axes, line: LedgerLine, left: float, top: float) -> None:
    _write(axes, left, top, line.symbolic, longest=60)
    _write(axes, left + _COLUMN - 0.4, top, line.layer, _QUIET, 8, ha="right", longest=20)
    if not line.fits:
        _write(axes, left, top + 0.19, f"✗ {line.clash}", canvas.INK["bad"], 8, longest=80)
    middle = top + _head(line) + _tallest(line) / 2
    signs = [*[_SIGNS.get(s, s) for s in line.signs[: len(line.boxes) - 2]], "="]
    x = left + 0.35
    for place, box in enumerate(line.boxes):
        x = _draw_box(axes, box, x, middle, _inner(line, place))
        if place < len(signs):
            _write(axes, x + _GAP * 0.35, middle, signs[place], size=16 if signs[place] == "·" else 11, ha="center")
            x += _GAP


def _inner(line: LedgerLine, place: int) -> Sequence[int]:
    """The axes at which a product's operand meets the other one."""
    product = bool(line.signs) and line.signs[0] == "@"
    return {0: (1,), 1: (0,)}.get(place, ()) if product else ()


def _draw_box(axes: Axes, box: Box, x: float, middle: float, inner: Sequence[int]) -> float:
    """Draw a box whose left side is at x; return where its right side is."""
    from matplotlib.patches import Rectangle

    if box.shape is None:
        _write(axes, x + 0.1, middle, "✗", canvas.INK["bad"], 13, ha="center")
        return x + 0.2
    size = _size(box)
    top = middle - size.height / 2
    axes.add_patch(Rectangle((x, top), size.width, size.height, facecolor=_PAPER, edgecolor=_QUIET, linewidth=0.8))
    sides = [((x, x + size.width), (top, top)), ((x, x), (top, top + size.height))]
    places = [(x + size.width / 2, top - 0.09, 0.0), (x - 0.09, middle, 90.0)]
    labels = _labels(box)
    for axis, (xs, ys), (at, y, angle) in zip(reversed(range(len(labels))), sides, places, strict=False):
        colour = canvas.INK["bad"] if axis in box.clash else _MEETS if axis in inner else _QUIET
        strong = colour != _QUIET
        _write(axes, at, y, labels[axis], colour, 7, "bold" if strong else "normal", "center", angle)
        if strong:
            axes.plot(xs, ys, color=colour, linewidth=2.5, solid_capstyle="butt")
    inside = size.width > 0.07 * len(box.symbol) and size.height > 0.2
    _write(axes, x + size.width / 2, middle if inside else top + size.height + 0.1, box.symbol, size=8, ha="center")
    return x + size.width


def _write(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    colour: str = _INK,
    size: float = 9,
    weight: str = "normal",
    ha: str = "left",
    angle: float = 0.0,
    longest: int = 20,
) -> None:
    shown = canvas.label(text, longest)
    axes.text(
        x,
        y,
        shown,
        color=colour,
        fontsize=size,
        fontweight=weight,
        ha=ha,
        va="center",
        rotation=angle,
        parse_math=False,
    )


def _labels(box: Box) -> list[str]:
    """Each dimension in letters and in numbers."""
    shape = box.shape or ()
    if len(shape) != len(box.letters):
        return [str(n) for n in shape]
    return [
        str(n) if str(n) == str(letter) else f"{letter} = {n}" for letter, n in zip(box.letters, shape, strict=True)
    ]
