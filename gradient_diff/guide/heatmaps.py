"""Arrays side by side on one scale as SVG: rectangles that follow the page's colours, sharp on any screen."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np

from gradient_diff.wording import entry
from manual_mlp import Array

_CELL = 20  # pixels
_GAP = 26
_HEAD = 34


def to_svg(arrays: Mapping[str, Array]) -> str:
    """Each array below its title and shape.

    All share one scale, whose end is the largest magnitude in any of them. Blue is below zero and has a minus in it,
    orange is above: the sign does not hang on colour alone.
    """
    shown = {title: np.atleast_2d(array) for title, array in arrays.items()}
    limit = max(float(np.abs(a).max()) for a in shown.values()) or 1.0
    x, parts = 0, []
    for (title, array), given in zip(shown.items(), arrays.values(), strict=True):
        parts.append(f'<g transform="translate({x} 0)">{_panel(title, np.shape(given), array, limit)}</g>')
        x += max(array.shape[1] * _CELL, 92) + _GAP
    height = _HEAD + _CELL * max(a.shape[0] for a in shown.values())
    width = x - _GAP
    label = f"{', '.join(shown)}; the scale ends at ±{entry(limit, 3)}"
    return (
        f'<svg class="map" role="img" aria-label="{escape(label)}" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">{"".join(parts)}</svg>'
    )


def _panel(title: str, shape: tuple[int, ...], array: Array, limit: float) -> str:
    head = f'<text x="0" y="12">{escape(title)}</text><text class="shape" x="0" y="26">{escape(str(shape))}</text>'
    rows = enumerate(array)
    return head + "".join(_cell(i, j, float(v), limit) for i, row in rows for j, v in enumerate(row))


def _cell(i: int, j: int, value: float, limit: float) -> str:
    x, y, size = j * _CELL, _HEAD + i * _CELL, _CELL - 1
    kind = "below" if value < 0 else "above"
    weight = f"{abs(value) / limit:.2f}".rstrip("0").rstrip(".")
    box = f'<rect class="{kind}" x="{x}" y="{y}" width="{size}" height="{size}" fill-opacity="{weight}"/>'
    minus = f'<path d="M{x + 6} {y + 9.5}h7"/>' if value < 0 and abs(value) > 0.005 * limit else ""
    frame = f'<rect class="frame" x="{x}" y="{y}" width="{size}" height="{size}"/>'
    return f"<g><title>[{i}, {j}] {entry(value, 4)}</title>{frame}{box}{minus}</g>"
