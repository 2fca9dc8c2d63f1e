"""The ladder's bars: how far a row is off, in units of its rounding, on one logarithmic scale with the line at 16 σ."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from gradient_diff.names import raised
from gradient_diff.render.figures.scale import Scale
from gradient_diff.render.figures.svg import tag
from gradient_diff.result.row import Row
from manual_mlp.extend import GATE

_WIDE, _HIGH = 100.0, 10.0  # of a bar's own coordinates; the page stretches them


def ladder_scale(rows: Sequence[Row]) -> Scale:
    """One for all bars of a ladder."""
    return Scale.of([d for r in rows for d in (r.distance, r.isolated_hand, r.isolated_reference)], -1, 3)


def accumulated_bar(row: Row, scale: Scale) -> Markup:
    """As it ran."""
    return _bars([(row.distance, 1, 8)], scale)


def own_bar(row: Row, scale: Scale) -> Markup:
    """Each side by its own equation: the hand above, the reference below it, thinner."""
    return _bars([(row.isolated_hand, 0.5, 5), (row.isolated_reference, 6.5, 3)], scale)


def _bars(bars: Sequence[tuple[float | None, float, float]], scale: Scale) -> Markup:
    drawn = [
        tag("rect", x=0, y=y, width=max(_WIDE * scale.at(value), 0.6), height=high, class_=None if y < 6 else "gd-thin")
        for value, y, high in bars
        if value is not None
    ]
    gate = _WIDE * scale.at(GATE)
    line = tag("path", d=f"M{gate:.4g} -2V12", class_="gd-gate")
    size = {"viewBox": f"0 0 {_WIDE:g} {_HIGH:g}", "preserveAspectRatio": "none"}
    return tag("svg", *drawn, line, **size, class_="gd-bars", aria_hidden="true")


def axis(scale: Scale) -> Markup:
    """The scale's own numbers, for the head of a column of bars."""
    marks = [(scale.at(10.0**k), f"10{raised(k)}" if k else "1") for k in scale.ticks]
    shown = [(at, words) for at, words in marks if abs(at - scale.at(GATE)) > 0.13]
    texts = [
        tag("text", words, x=f"{100 * at:.4g}%", y="1em", text_anchor="middle") for at, words in shown if at < 0.97
    ]
    gate = tag(
        "text", f"{GATE:g} σ", x=f"{100 * scale.at(GATE):.4g}%", y="1em", text_anchor="middle", class_="gd-strong"
    )
    return tag("svg", *texts, gate, class_="gd-axis", aria_hidden="true")
