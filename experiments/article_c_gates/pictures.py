"""The picture of `logic_gates`: what trained networks give over the plane, drawn from the saved weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from manual_mlp import MLP, Dense, load_parameters

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES = {
    "2_2_1_learned": "2-2-1, learned",
    "2_2_1_stuck": "2-2-1, stuck",
    "2_4_1": "2-4-1, learned",
}
FROM, TO, POINTS = -0.5, 1.5, 101


def surfaces(folder: Path) -> Figure:
    """The output of each saved network over the plane, the line where it is ½, and XOR's four points.

    Args:
        folder: of the run, with the weights.

    Returns:
        The figure.
    """
    from matplotlib.figure import Figure

    names = [name for name in TITLES if (folder / f"{name}.npz").is_file()]
    figure = Figure(figsize=(3.2 * max(1, len(names)), 3.6), layout="constrained")
    for axes, name in zip(figure.subplots(1, max(1, len(names)), squeeze=False)[0], names, strict=False):
        _surface(axes, folder / f"{name}.npz")
        axes.set_title(TITLES[name], size=10)
    return figure


def _surface(axes: Axes, path: Path) -> None:
    parameters = load_parameters(path)
    hidden = parameters["dense_1/kernel"].shape[1]
    mlp = MLP(2, [Dense(hidden, "sigmoid"), Dense(1, "sigmoid")])
    line = np.linspace(FROM, TO, POINTS, dtype=parameters["dense_1/kernel"].dtype)
    a, b = np.meshgrid(line, line)
    z = mlp.predict(parameters, np.stack([a.ravel(), b.ravel()], axis=1)).reshape(a.shape)
    axes.imshow(z, extent=(FROM, TO, FROM, TO), origin="lower", cmap="RdBu_r", vmin=0, vmax=1, alpha=0.75)
    axes.contour(a, b, z, levels=[0.5], colors="0.2", linewidths=1)
    for x, y, xor in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)):
        axes.plot(x, y, "o", color="#b2182b" if xor else "#2166ac", markeredgecolor="white", markersize=9)
    axes.set(xlabel="a", ylabel="b", xticks=[0, 1], yticks=[0, 1])
