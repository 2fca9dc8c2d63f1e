"""The pictures of `vanishing_gradients`, each drawn from the saved tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.support.drawing import BLUE, GREEN, RED, panels

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"sigmoid": RED, "tanh": BLUE, "relu": GREEN}
STYLES = {"glorot_uniform": "-", "he_normal": "--", "normal(0.05)": ":"}
RUNS = {
    "sigmoid, gradient descent": (RED, ":"),
    "sigmoid, Adam": (RED, "-"),
    "sigmoid, Adam with ε = 1e-30": ("#8a6d1a", "--"),
    "tanh, Adam": (BLUE, "-"),
    "relu, Adam": (GREEN, "-"),
}
DTYPES = {"float32": BLUE, "float16": RED, "bfloat16": GREEN}


def by_layer(frame: pd.DataFrame) -> Figure:
    """‖dE/dW‖ of each layer, a line for each activation and initialisation."""
    figure, (axes,) = panels(8, 3.8)
    _lines(axes, frame, "layer")
    axes.set(xlabel="layer, 1 is the lowest", ylabel="‖dE/dW‖")
    return figure


def by_depth(frame: pd.DataFrame) -> Figure:
    """The lowest layer's norm over the highest's, against the number of hidden layers."""
    figure, (axes,) = panels(8, 3.8)
    _lines(axes, frame, "hidden layers", "o")
    axes.set(xlabel="hidden layers", ylabel="‖dE/dW‖, lowest / highest")
    return figure


def by_dtype(frame: pd.DataFrame) -> Figure:
    """Relative error of dE/dW of each layer in each dtype, hollow where the comparison is VACUOUS; 1 is all lost."""
    figure, (axes,) = panels(8, 3.8)
    for dtype, colour in DTYPES.items():
        error = frame[f"{dtype}: relative L2"]
        axes.semilogy(frame["layer"], error, color=colour, linewidth=1, label=dtype)
        hollow = frame[f"{dtype}: status"] == "VACUOUS"
        for rows, face in ((~hollow, colour), (hollow, "white")):
            axes.semilogy(frame["layer"][rows], error[rows], "o", color=colour, markerfacecolor=face, markersize=5)
    axes.set(xlabel="layer, 1 is the lowest", ylabel="‖error of dE/dW‖ / ‖dE/dW‖")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def by_training(frame: pd.DataFrame) -> Figure:
    """‖dE/dW‖ of each layer before, halfway and after training, and how far each kernel has moved at the end."""
    epochs = sorted(frame["epoch"].unique())
    figure, (*gradients, moved) = panels(9.6, 6.2, 2, 2)
    for axes in gradients[len(epochs) :]:  # one epoch has no middle
        axes.set_axis_off()
    for axes in gradients[1 : len(epochs)]:
        axes.sharey(gradients[0])  # before anything is drawn, so that the limits hold for all
    for axes, epoch in zip(gradients, epochs, strict=False):
        _runs(axes, frame[frame["epoch"] == epoch], "‖dE/dW‖")
        axes.set_title(f"after epoch {epoch}" if epoch else "before training", fontsize=10)
    _runs(moved, frame[frame["epoch"] == epochs[-1]], "moved")
    moved.set_ylabel("‖W − W₀‖ / ‖W₀‖")
    moved.set_title(f"after epoch {epochs[-1]}", fontsize=10)
    figure.legend(*moved.get_legend_handles_labels(), frameon=False, loc="outside lower center", ncols=3, fontsize=8)
    return figure


def _runs(axes: Axes, frame: pd.DataFrame, column: str) -> None:
    for name, (colour, line) in RUNS.items():
        rows = frame[frame["network"] == name]
        axes.semilogy(rows["layer"], rows[column], color=colour, linestyle=line, linewidth=1.5, label=name)
    axes.set(xlabel="layer, 1 is the lowest", ylabel=column, xticks=range(1, frame["layer"].max() + 1, 4))


def _lines(axes: Axes, frame: pd.DataFrame, along: str, marker: str = "") -> None:
    for name in frame.columns.drop(along):
        activation, initial = name.split(", ")
        axes.semilogy(
            frame[along],
            frame[name],
            color=COLOURS[activation],
            linestyle=STYLES[initial],
            marker=marker,
            markersize=3,
            label=name,
        )
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8)
