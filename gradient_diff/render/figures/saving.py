"""The drawings of a page as files of their own, which follow light and dark, too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gradient_diff.names import plain_name
from gradient_diff.render.figures.heatmap import three
from gradient_diff.render.figures.layers import layers_figure
from gradient_diff.render.figures.network import network_figure
from gradient_diff.render.figures.panels import Drawn
from gradient_diff.render.figures.svg import standing_alone
from gradient_diff.result.diff import GradientDiff

if TYPE_CHECKING:
    import os

_MOST = 40  # arrays with a file of their own


def save_figures(diff: GradientDiff, drawn: Drawn, folder: str | os.PathLike[str]) -> list[Path]:
    """Write everything there is to draw as SVG."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    paths = []
    for stem, drawing in _all(diff, drawn):
        paths.append(place / f"{stem}.svg")
        paths[-1].write_text(standing_alone(drawing), "utf-8", newline="\n")
    return paths


def _all(diff: GradientDiff, drawn: Drawn) -> Iterator[tuple[str, str]]:
    if diff.rows:
        yield "difference_per_layer", layers_figure(diff)
    if network := network_figure(diff):
        yield "network", network
    for place, (name, panels) in enumerate([*drawn.items()][:_MOST], 1):
        yield f"array_{place}_{plain_name(name, keep='_-')[:40]}", three(panels, name)
