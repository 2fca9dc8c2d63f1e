"""How large the differences are: per row, and over all entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gradient_diff.render.figures import canvas
from gradient_diff.render.figures.selection import comparable, pair
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.row import Row
from gradient_diff.wording import tone
from manual_mlp.extend import GATE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DISTANCES = {
    "distance": ("", "as it ran"),
    "isolated_hand": (">", "hand, isolated"),
    "isolated_reference": ("<", "reference, isolated"),
}
WIDE = 0.11  # of the axis: half of the words at its left end and half of a number beside them
_MARKERS = {"good": "o", "bad": "X", "open": "s"}


@canvas.in_house_style
def difference_per_layer(diff: GradientDiff) -> Figure:
    r"""Relative L2 of every row on a log axis, in the order of the computation.

    What is exactly equal stands on a floor of its own left of the axis, an infinite relative L2 right of it; a row
    without values says why.
    """
    values = [row.metrics.relative_l2 if row.metrics else np.nan for row in diff.rows]
    logs = np.log10([v for v in values if np.isfinite(v) and v > 0] or [1e-16, 1.0])
    low, high = float(np.floor(logs.min() - 0.2)), float(np.ceil(logs.max() + 0.2))
    high = max(high, low + 4)
    floor, ceiling = low - 0.1 * (high - low), high + 0.05 * (high - low)
    drawn = canvas.figure(7.2, min(max(0.2 * len(diff.rows) + 1.3, 2.2), 30.0))
    axes = drawn.subplots()
    for place, (row, value) in enumerate(zip(diff.rows, values, strict=True)):
        _mark_row(axes, place, row, value, floor, ceiling)
    canvas.decades(axes, low, high)
    _ends(axes, values, floor, ceiling, low)
    axes.set_yticks(range(len(diff.rows)), [canvas.label(row.name) for row in diff.rows], parse_math=False)
    axes.set(ylim=(len(diff.rows) - 0.4, -0.6), xlabel="relative L2:  ‖hand − reference‖ / ‖reference‖")
    axes.set_title("difference per row, in the order of the computation")
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    _legend(axes, diff)
    return drawn


def _mark_row(axes: Axes, place: int, row: Row, value: float, floor: float, ceiling: float) -> None:
    kind = tone(row.status)
    if row.metrics is None or np.isnan(value):
        axes.text(floor, place, row.status.name, color=canvas.INK[kind], va="center", fontweight="bold", fontsize=8)
        return
    x = floor if value == 0 else ceiling if np.isinf(value) else np.log10(value)
    ink, inside = canvas.INK[kind], "none" if value == 0 else canvas.INK[kind]
    axes.scatter([x], [place], s=34, marker=_MARKERS[kind], facecolors=inside, edgecolors=ink, clip_on=False, zorder=3)


def _ends(
    axes: Axes, values: list[float], floor: float, ceiling: float, low: float, zero: str = "exactly\nequal"
) -> None:
    """The places beyond the axis: exactly equal on the left, infinitely different on the right."""
    ticks, texts = list(axes.get_xticks()), [t.get_text() for t in axes.get_xticklabels()]
    wide = WIDE * (ceiling - floor) if len(zero) > 1 else 0.0
    texts = [text if tick - floor > wide else "" for tick, text in zip(ticks, texts, strict=True)]
    infinite = any(np.isinf(v) for v in values)
    places, texts = [floor, *ticks, *[ceiling] * infinite], [zero, *texts, *["∞"] * infinite]
    axes.set_xticks(places, texts, parse_math=False)
    axes.axvspan(2 * floor - low, (floor + low) / 2, color="0.95", zorder=0)
    axes.set_xlim(2 * floor - low, ceiling)


def _legend(axes: Axes, diff: GradientDiff) -> None:
    from matplotlib.lines import Line2D

    present = sorted({row.status for row in diff.rows if row.metrics}, key=lambda s: s.name)
    marks = [(_MARKERS[tone(s)], canvas.INK[tone(s)], s.name) for s in present]
    handles = [Line2D([], [], linestyle="", marker=m, color=c, label=name) for m, c, name in marks]
    if handles:
        axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)


@canvas.in_house_style
def difference_histogram(diff: GradientDiff) -> Figure:
    """How large the differences of single entries are: a histogram of log10 |hand − reference| over all rows.

    Exact zeros have no logarithm: their number stands in the title, and so does that of entries that are not finite.
    """
    from matplotlib.ticker import MaxNLocator

    parts = [np.abs(canvas.difference(*pair(diff, row.name))) for row in diff.rows if comparable(row)]
    if not parts:
        return canvas.nothing("No row has values of one shape on both sides.")
    values = np.concatenate(parts)
    finite = values[np.isfinite(values)]
    zeros, bad = int(np.count_nonzero(finite == 0)), values.size - finite.size
    logs = np.log10(finite[finite > 0])
    drawn = canvas.figure(6.2, 3.2)
    axes = drawn.subplots()
    low, high = (float(np.floor(logs.min())), float(np.floor(logs.max()) + 1)) if logs.size else (-17.0, 0.0)
    per_decade = 4 if high - low <= 40 else 1
    axes.hist(logs, bins=np.linspace(low, high, round(high - low) * per_decade + 1).tolist(), color="#3b6ea5")
    canvas.decades(axes, low, high)
    words = f"{zeros:,} of {values.size:,} entries are exactly equal" + (f", {bad:,} are not finite" if bad else "")
    axes.set(xlim=(low, high), xlabel="|hand − reference| of an entry", ylabel="entries", title=words)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    return drawn


@canvas.in_house_style
def sigma_distances(diff: GradientDiff) -> Figure:
    """Each row's difference in σ on a log axis, in the order of the computation: as it ran, and each side in isolation.

    The line is the gate: up to 16 σ are rounding. What is 0 stands on a floor of its own left of the axis, an
    infinite distance right of it; a row of which nothing says how large σ is stays empty.
    """
    series = {name: [getattr(row, name) for row in diff.rows] for name in _DISTANCES}
    found = [v for values in series.values() for v in values if v is not None and np.isfinite(v) and v > 0]
    if not any(v is not None for values in series.values() for v in values):
        return canvas.nothing("Nothing says how much rounding to expect: there is no distance in σ.")
    low = min(-2.0, float(np.floor(np.log10(min(found, default=1.0)))))
    high = max(3.0, float(np.ceil(np.log10(max(found, default=1.0)))))
    floor, ceiling = low - 0.1 * (high - low), high + 0.05 * (high - low)
    drawn = canvas.figure(7.2, min(max(0.2 * len(diff.rows) + 1.5, 2.4), 30.0))
    axes = drawn.subplots()
    for place, row in enumerate(diff.rows):
        _bar(axes, place, row, floor, ceiling)
    for name, (marker, _) in list(_DISTANCES.items())[1:]:
        points = [(p, _at(v, floor, ceiling)) for p, v in enumerate(series[name]) if v is not None]
        xs, ys = [x for _, x in points], [p for p, _ in points]
        axes.scatter(xs, ys, s=26, marker=marker, facecolors="none", edgecolors="0.2", clip_on=False, zorder=3)
    axes.axvline(np.log10(GATE), color="0.2", linewidth=1, linestyle="--", zorder=2)
    canvas.decades(axes, low, high)
    _ends(axes, [v for v in series["distance"] if v is not None], floor, ceiling, low, zero="0")
    axes.set_yticks(range(len(diff.rows)), [canvas.label(row.name) for row in diff.rows], parse_math=False)
    axes.set(ylim=(len(diff.rows) - 0.4, -0.6), xlabel=f"distance in σ; the dashed line is the gate, {GATE:g} σ")
    axes.set_title("difference in units of its rounding, in the order of the computation")
    axes.grid(color="0.9", linewidth=0.6, axis="x")
    axes.set_axisbelow(True)
    _distance_legend(axes, diff)
    return drawn


def _at(value: float, floor: float, ceiling: float) -> float:
    return floor if value == 0 else ceiling if np.isinf(value) else float(np.log10(value))


def _bar(axes: Axes, place: int, row: Row, floor: float, ceiling: float) -> None:
    if row.distance is None:
        return
    ink, length = canvas.INK[tone(row.status)], _at(row.distance, floor, ceiling) - floor
    axes.barh(place, length, left=floor, height=0.6, color=ink, alpha=0.35 if row.downstream else 0.75, zorder=1)


def _distance_legend(axes: Axes, diff: GradientDiff) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    tones = {tone(row.status): row.status.name for row in diff.rows if row.distance is not None}
    bars = [Patch(color=canvas.INK[t], alpha=0.75, label=f"as it ran: {name}") for t, name in tones.items()]
    own = [name for name in list(_DISTANCES)[1:] if any(getattr(row, name) is not None for row in diff.rows)]
    marks = []
    for marker, words in (_DISTANCES[name] for name in own):
        marks.append(Line2D([], [], linestyle="", marker=marker, markerfacecolor="none", color="0.2", label=words))
    axes.legend(handles=[*bars, *marks], loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)
