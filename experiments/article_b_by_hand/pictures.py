"""The 2-3-2-2 network as a drawing, with the numbers of both passes where they belong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.support.drawing import panels
from manual_mlp import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORWARD, BACKWARD = "#1a4a7a", "#a33b1f"
GAP, RADIUS = 3.0, 0.46
ALONG = (0.74, 0.26, 0.5)  # where on an edge its label stands, by the unit it ends at: labels do not meet


def network_with_numbers(evaluation: Evaluation) -> Figure:
    """Draw the network: u and z in the units, W on the edges, and below each what the tape calls its gradient."""
    figure, (axes,) = panels(10.5, 6)
    axes.set_aspect("equal")
    axes.axis("off")
    for index in range(len(evaluation.problem.mlp.layers)):
        _edges(axes, evaluation, index)
    for index in range(len(evaluation.problem.mlp.layers) + 1):
        _units(axes, evaluation, index)
    axes.set(xlim=(-0.6, GAP * 3 + 0.6), ylim=(-2.4, 2.75))
    words = f"target {evaluation.problem.y[0].tolist()}, E = {evaluation.loss:.6g}"
    axes.set_title(
        f"blue: u, z, W, b of the forward pass    red: δ, dE/dW, dE/db of the backward pass    {words}", size=10
    )
    return figure


def _places(evaluation: Evaluation, index: int) -> list[tuple[float, float]]:
    """Centres of the units of layer `index`; 0 is the input."""
    mlp = evaluation.problem.mlp
    n = (*mlp.input_shape, *mlp.units)[index]
    return [(GAP * index, 1.75 * ((n - 1) / 2 - k)) for k in range(n)]


def _edges(axes: Axes, evaluation: Evaluation, index: int) -> None:
    name = evaluation.problem.mlp.layers[index].name
    kernel, gradient = evaluation.problem.parameters[f"{name}/kernel"], evaluation.gradients[f"{name}/kernel"]
    for i, (x0, y0) in enumerate(_places(evaluation, index)):
        for j, (x1, y1) in enumerate(_places(evaluation, index + 1)):
            axes.plot([x0, x1], [y0, y1], color="0.82", linewidth=1, zorder=0)
            t = ALONG[j]
            place = x0 + t * (x1 - x0), y0 + t * (y1 - y0)
            _two_lines(axes, place, f"{kernel[i, j]:.4g}", f"{gradient[i, j]:.4f}", 7.5)


def _units(axes: Axes, evaluation: Evaluation, index: int) -> None:
    from matplotlib.patches import Circle

    nodes, problem = evaluation.nodes, evaluation.problem
    name = problem.mlp.layers[index - 1].name
    for k, place in enumerate(_places(evaluation, index)):
        axes.add_patch(Circle(place, RADIUS, facecolor="white", edgecolor="0.4", zorder=2))
        if index == 0:
            _two_lines(axes, place, f"x = {problem.x[0, k]:g}", f"dE/dx {nodes['inputs/dE_dx'][0, k]:.4f}", 8)
            continue
        value, delta = nodes[f"{name}/z"][0, k], nodes[f"{name}/dE_du"][0, k]
        _two_lines(axes, place, f"u {nodes[f'{name}/u'][0, k]:.4f}\nz {value:.4f}", f"δ {delta:.4f}", 8)
        bias, gradient = problem.parameters[f"{name}/bias"][k], evaluation.gradients[f"{name}/bias"][k]
        above = place[0], place[1] + RADIUS + 0.17
        _two_lines(axes, above, f"b {bias:.4g}", f"{gradient:.4f}", 7.5)


def _two_lines(axes: Axes, place: tuple[float, float], upper: str, lower: str, size: float) -> None:
    """What the forward pass has above, what the backward pass has below."""
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85}
    x, y = place
    axes.text(x, y, upper, color=FORWARD, fontsize=size, ha="center", va="bottom", zorder=3, bbox=box)
    axes.text(x, y, lower, color=BACKWARD, fontsize=size, ha="center", va="top", zorder=3, bbox=box)
