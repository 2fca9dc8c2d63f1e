"""How far each layer is off, beside what rounding explains: a dot per layer, and the band in which it would pass."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from gradient_diff.names import raised
from gradient_diff.render.figures.scale import Scale
from gradient_diff.render.figures.svg import drawing, tag, text
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.row import Row
from gradient_diff.wording import mark, number, tone
from manual_mlp.extend import GATE

_LEFT, _WIDE, _LINE, _RIGHT = 150, 420, 22, 90
_LONGEST = 21  # of a name, in characters


def layers_figure(diff: GradientDiff) -> Markup:
    """Relative L2 of the row of each layer that is furthest off; what is exactly equal stands at the left end."""
    rows = list(_furthest(diff.rows).values())
    values = [(_size(row), explained(row)) for row in rows]
    scale = Scale.of([v for both in values for v in both], -16, 0)
    foot = len(rows) * _LINE + 8
    ticks = [_tick(scale, k, foot) for k in scale.ticks]
    lines = [part for i, row in enumerate(rows) for part in _line(row, i * _LINE + 4, scale)]
    name = "Relative difference of each layer, and what rounding explains of it"
    legend = text("relative L2 · shaded: what rounding explains", _LEFT + _WIDE / 2, foot + 30, "gd-faint", "middle")
    return drawing(_LEFT + _WIDE + _RIGHT, foot + 38, name, *ticks, *lines, legend)


def explained(row: Row) -> float | None:
    """The relative L2 at which this very difference, made smaller or larger, would be just explained by rounding."""
    size = _size(row)
    return size * GATE / row.distance if size and row.distance else None


def _size(row: Row) -> float | None:
    return row.metrics.relative_l2 if row.metrics else None


def _furthest(rows: Sequence[Row]) -> dict[str, Row]:
    """Layer → its row that is furthest off: one that is bad before all others, then by σ, then by relative L2."""
    found: dict[str, Row] = {}
    for row in rows:
        key = row.layer or row.name.rpartition("/")[0] or row.name
        if key not in found or _rank(row) > _rank(found[key]):
            found[key] = row
    return found


def _rank(row: Row) -> tuple[bool, bool, float, float]:
    return row.status.bad and not row.downstream, row.status.bad, row.distance or 0.0, _size(row) or 0.0


def _line(row: Row, y: float, scale: Scale) -> list[Markup]:
    middle, kind, size, most = y + _LINE / 2, tone(row.status), _size(row), explained(row)
    words = row.layer or row.name
    parts = [text(words if len(words) <= _LONGEST else f"…{words[1 - _LONGEST :]}", _LEFT - 10, middle + 4, "", "end")]
    if most is not None:
        parts.append(tag("rect", x=_LEFT, y=y + 5, width=_WIDE * scale.at(most), height=_LINE - 10, class_="gd-band"))
    said = f"{mark(row.status)} {'equal' if size == 0 else number(size) if size is not None else row.status.name}"
    parts.append(text(said, _LEFT + _WIDE + 10, middle + 4, f"gd-ink-{kind}"))
    if size is not None:
        parts.append(_dot(_LEFT + _WIDE * scale.at(size), middle, kind, row.downstream, size == 0))
    return parts


def _dot(x: float, y: float, kind: str, pale: bool, hollow: bool) -> Markup:
    """A disc where it is right, a cross where it is wrong, a square where neither is proved: not by colour alone."""
    classes = f"gd-dot gd-{kind}{' gd-pale' * pale}{' gd-hollow' * hollow}"
    if kind == "bad":
        return tag("path", d=f"M{x - 5:.5g} {y - 5:.5g}l10 10m0 -10l-10 10", class_=classes)
    if kind == "open":
        return tag("rect", x=x - 4, y=y - 4, width=8, height=8, class_=classes)
    return tag("circle", cx=x, cy=y, r=4.5, class_=classes)


def _tick(scale: Scale, exponent: int, foot: float) -> Markup:
    x = _LEFT + _WIDE * scale.at(10.0**exponent)
    words = "1" if not exponent else f"10{raised(exponent)}"
    return tag("path", d=f"M{x:.5g} 2V{foot:.5g}", class_="gd-grid") + text(words, x, foot + 14, "gd-faint", "middle")
