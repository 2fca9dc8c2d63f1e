"""The picture of `logic_gates`: what trained networks give over the plane, drawn from the saved weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from experiments.support.drawing import panels
from manual_mlp import MLP, Dense
from manual_mlp.extend import Arrays

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FROM, TO, POINTS = -0.5, 1.5, 101


def surfaces(*networks: Arrays, titles: Sequence[str]) -> Figure:
    """The output of each network over the plane, the line where it is ½, and XOR's four points."""
    count = max(1, len(networks))  # with none, an empty plane
    figure, planes = panels(3.2 * count, 3.6, columns=count, boxed=True)
    for axes, parameters, title in zip(planes, networks, titles, strict=False):
        _surface(axes, parameters)
        axes.set_title(title, size=10)
    return figure


def _surface(axes: Axes, parameters: Arrays) -> None:
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
