"""One picture per stage of article C's network: what is computed lit up, its equation, shapes and numbers beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from experiments.article_c_stages.stages import Stage, stages
from experiments.support.drawing import panels
from gradient_diff import ledger
from manual_mlp import Array, Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


FORWARD, BACKWARD, DIM = "#1a4a7a", "#a33b1f", "0.8"
GAP, RADIUS, PITCH = 2.6, 0.42, 1.15
ALONG = (0.66, 0.27, 0.55)  # where on an edge its number stands, by the unit it ends at


def draw_stage(evaluation: Evaluation, number: int) -> Figure:
    """One stage, counted from 0."""
    all_stages = stages(evaluation.problem.mlp)
    stage, known = all_stages[number], {n for s in all_stages[: number + 1] for n in s.nodes}
    figure, (left, right) = panels(10.4, 3.2, columns=2, widths=(1.15, 1))
    for axes in (left, right):
        axes.axis("off")
    left.set_aspect("equal")
    for layer in range(1, len(evaluation.problem.mlp.layers) + 1):
        _edges(left, evaluation, layer, stage)
    for layer in range(len(evaluation.problem.mlp.layers) + 1):
        _units(left, evaluation, layer, stage, known)
    left.set(xlim=(-0.7, GAP * 3 + 0.7), ylim=(-1.85, 1.85))
    right.text(0, 1, _words(evaluation, stage), family="monospace", size=8, va="top", linespacing=1.35)
    right.set(xlim=(0, 1), ylim=(0, 1))
    figure.suptitle(f"{number + 1} of {len(all_stages)}: {stage.title}", size=11, x=0.02, ha="left")
    return figure


def _places(evaluation: Evaluation, layer: int) -> list[tuple[float, float]]:
    mlp = evaluation.problem.mlp
    n = (*mlp.input_shape, *mlp.units)[layer]
    return [(GAP * layer, PITCH * 1.1 * ((n - 1) / 2 - k)) for k in range(n)]


def _colour(stage: Stage) -> str:
    return FORWARD if stage.kind == "forward" else BACKWARD


def lit_edges(stage: Stage) -> int:
    """The layer whose edges a stage uses; 0 for none."""
    if stage.kind in ("forward", "gradient"):
        return stage.layer
    return stage.layer + 1 if len(stage.nodes) == 2 and stage.kind == "delta" else 0


def _edges(axes: Axes, evaluation: Evaluation, layer: int, stage: Stage) -> None:
    lit = lit_edges(stage) == layer
    source = evaluation.gradients if stage.kind == "gradient" else evaluation.problem.parameters
    numbers = source[f"dense_{layer}/kernel"]
    for i, (x0, y0) in enumerate(_places(evaluation, layer - 1)):
        for j, (x1, y1) in enumerate(_places(evaluation, layer)):
            axes.plot([x0, x1], [y0, y1], color=_colour(stage) if lit else DIM, linewidth=1.1 if lit else 0.7, zorder=0)
            if lit:
                t = ALONG[j % 3]
                _label(axes, (x0 + t * (x1 - x0), y0 + t * (y1 - y0)), f"{numbers[i, j]:.2g}", _colour(stage))


def _units(axes: Axes, evaluation: Evaluation, layer: int, stage: Stage, known: set[str]) -> None:
    from matplotlib.patches import Circle

    lit = {f"dense_{layer}/{name}" for name in ("u", "z", "dE_du", "dE_dz")} & set(stage.nodes)
    for k, (x, y) in enumerate(_places(evaluation, layer)):
        edge = _colour(stage) if lit else "0.55"
        axes.add_patch(Circle((x, y), RADIUS, facecolor="white", edgecolor=edge, linewidth=2 if lit else 1, zorder=2))
        for dy, text, colour in _inside(evaluation, layer, k, known):
            axes.text(x, y + dy, text, size=7.5, color=colour, ha="center", va="center", zorder=3)


def _inside(evaluation: Evaluation, layer: int, k: int, known: set[str]) -> list[tuple[float, str, str]]:
    """z above and δ below, as far as they are known at this stage."""
    if layer == 0:
        return [(0, f"z {evaluation.problem.x[0, k]:g}", FORWARD)]
    found = []
    if f"dense_{layer}/z" in known:
        found.append((0.13, f"z {evaluation.nodes[f'dense_{layer}/z'][0, k]:.4f}", FORWARD))
    if f"dense_{layer}/dE_du" in known:
        found.append((-0.13, f"δ {evaluation.nodes[f'dense_{layer}/dE_du'][0, k]:.4f}", BACKWARD))
    return found


def _label(axes: Axes, place: tuple[float, float], text: str, colour: str) -> None:
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.9}
    axes.text(*place, text, size=6.5, color=colour, ha="center", va="center", zorder=1, bbox=box)


def _words(evaluation: Evaluation, stage: Stage) -> str:
    """The article's formulas, then ours with shapes and numbers."""
    problem = evaluation.problem
    book = {line.node: line for line in ledger(problem.mlp, problem.loss, problem.batch)}
    lines = ["the article", *(f"  {text}" for text in stage.article), "", "ours"]
    for node in stage.nodes:
        lines += [f"  {book[node].symbolic}", f"    {book[node].shapes}"]
        lines += [f"      {row}" for row in numbers(evaluation.nodes[node]).splitlines()]
    return "\n".join(lines)


def numbers(array: Array) -> str:
    """An array with few digits, a row a line."""
    with np.printoptions(precision=4, suppress=True, floatmode="fixed"):
        return np.array2string(np.asarray(array), separator=", ").replace("],\n", "]\n")
