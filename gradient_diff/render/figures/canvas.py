"""Figures without pyplot: house style, labels that cannot fail, the same bytes every time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import numpy as np

from gradient_diff.names import raised
from manual_mlp import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")
T = TypeVar("T")

DPI = 110
INK = {"good": "#14713d", "bad": "#b3202a", "open": "#b07500"}
_HOUSE = {
    "font.size": 9.0,
    "axes.titlesize": 9.0,
    "figure.titlesize": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "0.4",
}


def in_house_style(function: Callable[P, T]) -> Callable[P, T]:
    """Whatever the user has set in his matplotlibrc, our figures look the same, and his settings come back."""

    @wraps(function)
    def styled(*args: P.args, **kwargs: P.kwargs) -> T:
        import matplotlib.style

        with matplotlib.style.context(["default", _HOUSE]):
            return function(*args, **kwargs)

    return styled


def figure(width: float, height: float) -> Figure:
    """An empty figure on an Agg canvas, in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    empty = Figure(figsize=(width, height), layout="constrained", dpi=DPI)
    FigureCanvasAgg(empty)
    return empty


def nothing(reason: str) -> Figure:
    """A figure that says why there is none."""
    empty = figure(5, 1)
    empty.text(0.5, 0.5, label(reason, 80), ha="center", va="center", parse_math=False, color="0.3")
    return empty


def write_png(drawn: Figure, path: Path, dpi: int | None = None) -> Path:
    """A small PNG with the same bytes every time: no date, no version inside; 256 colours take a third of the place.

    `dpi` is what the file says of its size, None for nothing.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas = FigureCanvasAgg(drawn)
    canvas.draw()  # type: ignore[no-untyped-call]  # matplotlib's
    buffer = canvas.buffer_rgba()  # type: ignore[no-untyped-call]  # matplotlib's
    pixels = Image.fromarray(np.asarray(buffer)).convert("RGB")
    few = pixels.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(path, format="png", optimize=True, **({"dpi": (dpi, dpi)} if dpi else {}))
    return path


@in_house_style
def save_figure(drawn: Figure, path: Path) -> Path:
    """In the house style, since matplotlib makes some of the ticks only now."""
    return write_png(drawn, path, DPI)


def label(text: str, longest: int = 40) -> str:
    """A name that the font has signs for, and short enough to leave room for the drawing."""
    plain = "".join(c if c.isprintable() and _drawable(c) else c.encode("unicode_escape").decode() for c in text)
    return plain if len(plain) <= longest else f"{plain[: longest // 2]}…{plain[-(longest // 2 - 1) :]}"


def _drawable(character: str) -> bool:
    from matplotlib.font_manager import findfont, get_font

    return ord(character) in get_font(findfont("DejaVu Sans")).get_charmap()


def power_of_ten(exponent: float) -> str:
    """`10⁻⁷`."""
    return f"10{raised(round(exponent))}"


def decades(axes: Axes, low: float, high: float) -> None:
    """An x axis of logarithms from low to high, its ticks powers of ten. matplotlib's own log axis fails on zeros."""
    step = max(1, math.ceil((high - low) / 8))
    ticks = np.arange(math.floor(low), math.ceil(high) + 1, step)
    axes.set_xticks(ticks, [power_of_ten(t) for t in ticks.tolist()], parse_math=False)


def largest(arrays: Iterable[Array]) -> float:
    """The largest finite magnitude, 0 where there is none."""
    finite = [np.abs(a[np.isfinite(a)]) for a in arrays]
    return max((float(a.max()) for a in finite if a.size), default=0.0)


def over(array: Array, scale: float) -> Array:
    """array / scale; a scale of 0 leaves it as it is. Axes then run to 1 however extreme the numbers are."""
    return array / scale if scale else array


def difference(hand: Array, reference: Array) -> Array:
    """hand − reference in float64; NaN and overflow are values here, not warnings."""
    with np.errstate(all="ignore"):
        return np.asarray(hand, np.float64) - np.asarray(reference, np.float64)
