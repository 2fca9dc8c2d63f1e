"""The network as it is computed: a box per layer, forward above backward, the culprit lit, what follows paler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from gradient_diff.names import node_words
from gradient_diff.render.figures.svg import drawing, placed, tag, text
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.row import Row
from gradient_diff.wording import mark, tone
from manual_mlp.extend import is_gradient

_NODE, _GAP, _HEAD, _HIGH = 56, 5, 36, 20
_MOST = 4  # nodes of one direction in a box
_NARROWEST = 110
_LONGEST = 20


@dataclass(frozen=True)
class _Box:
    name: str
    words: str
    forward: tuple[Row, ...]
    backward: tuple[Row, ...]

    @property
    def wide(self) -> float:
        """As wide as its nodes, and as its words."""
        nodes = min(max(len(self.forward), len(self.backward)), _MOST + 1)
        return max(_NARROWEST, 16 + nodes * (_NODE + _GAP) - _GAP, 14 + 6.6 * max(len(self.name), len(self.words)))


def network_figures(diff: GradientDiff) -> list[Markup]:
    """A drawing per layer, in order, for a page that breaks lines between them; none where no network is known."""
    return [_drawn(box, diff.culprit) for box in _boxes(diff)]


def network_figure(diff: GradientDiff) -> Markup | None:
    """All of it as one drawing, for a file; None where no network is known."""
    parts, x, y, widest, high = [], 0.0, 0.0, 0.0, _HEAD + 2 * (_HIGH + _GAP) + 10
    for box in _boxes(diff):
        if x and x + box.wide > 900:
            x, y = 0.0, y + high + 12
        parts.append(placed(_drawn(box, diff.culprit), x, y))
        x += box.wide + 12
        widest = max(widest, x)
    return drawing(widest, y + high, "The network, forward above backward", *parts) if parts else None


def _boxes(diff: GradientDiff) -> list[_Box]:
    if diff.problem is None:
        return []
    boxes = []
    for layer in diff.problem.mlp.layers:
        rows = [row for row in diff.rows if row.layer == layer.name]
        forward = tuple(row for row in rows if not is_gradient(row.name) and row.name.startswith(f"{layer.name}/"))
        backward = tuple(row for row in rows if is_gradient(row.name))
        name = str(layer.name)
        name = name if len(name) <= _LONGEST else f"…{name[1 - _LONGEST :]}"
        activation = getattr(layer, "activation", "")
        boxes.append(_Box(name, f"{layer.word} {activation}".strip()[:_LONGEST], forward, backward))
    return boxes


def _drawn(box: _Box, culprit: str | None) -> Markup:
    rows = (*box.forward, *box.backward)
    off = [row for row in rows if row.status.bad]
    kind = "bad" if any(row.name == culprit for row in rows) else "after" if off else "good" if rows else "none"
    high = _HEAD + 2 * (_HIGH + _GAP) + 10
    frame = tag("rect", x=1, y=1, width=box.wide - 2, height=high - 2, rx=6, class_=f"gd-box gd-box-{kind}")
    words = [text(box.name, 8, 15, "gd-strong"), text(box.words, 8, 28, "gd-faint")]
    lanes = [*_lane(box.forward, _HEAD, culprit), *_lane(box.backward, _HEAD + _HIGH + _GAP, culprit)]
    said = {
        "bad": "here it is wrong",
        "after": "off only because of an earlier one",
        "good": "right",
        "none": "not compared",
    }
    return drawing(
        box.wide, high, f"{box.name}, {box.words}: {said[kind]}", frame, *words, *lanes, class_="gd-drawing gd-layer"
    )


def _lane(rows: Sequence[Row], y: float, culprit: str | None) -> list[Markup]:
    parts: list[Markup] = []
    for place, row in enumerate(rows[:_MOST]):
        x, lit = 8 + place * (_NODE + _GAP), row.name == culprit
        kind = "lit" if lit else f"{tone(row.status)}{' gd-pale' * row.downstream}"
        parts.append(tag("rect", x=x, y=y, width=_NODE, height=_HIGH, rx=4, class_=f"gd-node-box gd-node-{kind}"))
        words = node_words(row.name).partition(" of ")[0][:5]
        sign = "" if row.status.ok else f"{mark(row.status)} "
        parts.append(text(f"{sign}{words}", x + _NODE / 2, y + 14, f"gd-node-text{' gd-node-on' * lit}", "middle"))
    if len(rows) > _MOST:
        parts.append(text(f"+{len(rows) - _MOST}", 8 + _MOST * (_NODE + _GAP), y + 14, "gd-faint"))
    return parts
