"""Pictures of `tape_pitfalls`, drawn from the files of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from experiments.support.drawing import panels
from manual_mlp import Evaluation
from manual_mlp.extend import kind_of, layer_of, variable_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RIGHT, WRONG = "#14713d", "#b3202a"
MARKERS = {"dense_1/dE_dkernel": "s", "dense_1/dE_dbias": "D", "dense_2/dE_dkernel": "o", "dense_2/dE_dbias": "^"}


def delta_ratio(cross_entropy: Evaluation, squared_error: Evaluation) -> Figure:
    """δ of MSE over δ of cross-entropy, against the prediction."""
    right, wrong = cross_entropy.nodes, squared_error.nodes
    figure, (axes,) = panels(6.4, 3.4)
    p = np.linspace(0, 1, 201)
    axes.plot(p, 2 * p * (1 - p), color="0.6", label="2p(1 − p)")
    ratio = wrong["dense_2/dE_du"] / right["dense_2/dE_du"]
    axes.plot(right["dense_2/z"][:, 0], ratio[:, 0], ".", color=WRONG, label="the 100 samples")
    axes.axhline(1, color=RIGHT, linewidth=1, label="right")
    axes.set(xlabel="p, the prediction", ylabel="δ of MSE / δ of cross-entropy", xlim=(0, 1), ylim=(0, 1.08))
    axes.set_title("With MSE's derivative each sample counts half at most")
    axes.legend(frameon=False, loc="center right", bbox_to_anchor=(1, 0.75))
    return figure


def losses_while_training(curves: pd.DataFrame) -> Figure:
    """E over the steps, by rebinding and by updating."""
    figure, (axes,) = panels(6.4, 3.2)
    axes.plot(curves["step"], curves["rebinding"], ".-", color=WRONG, label="W = W − lr · grad")
    axes.plot(curves["step"], curves["updating"], ".-", color=RIGHT, label="W.assign_sub(lr · grad)")
    axes.set(xlabel="step", ylabel="E, binary cross-entropy", xlim=(0, curves["step"].max()))
    axes.set_title("A rebound name trains nothing")
    axes.legend(frameon=False)
    return figure


def overview(*rows: pd.DataFrame, captions: tuple[str, ...]) -> Figure:
    """How far off each wrong gradient is: the rows of its comparison, one line of the picture each."""
    figure, (axes,) = panels(7.6, 3.8)
    for place, frame in enumerate(rows):
        _row(axes, place, frame)
    axes.set_yticks(range(len(captions)), captions)
    axes.set(xscale="log", xlabel="relative L2 against the tape's gradient of E", ylim=(len(captions) - 0.5, -0.7))
    axes.axvline(1e-2, color="0.5", linestyle=":", linewidth=1)
    axes.text(1e-2, 0, " a tolerance\n of 1e-2", color="0.4", fontsize=8, va="center")
    axes.set_xlim(3e-3, 1e3)
    axes.set_title("How far off each wrong gradient is")
    axes.grid(axis="x", color="0.92")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figure


def _row(axes: Axes, place: int, rows: pd.DataFrame) -> None:
    for (name, marker), offset in zip(MARKERS.items(), (-0.21, -0.07, 0.07, 0.21), strict=True):
        relative = float(rows.loc[rows["name"] == name, "relative_l2"].item())
        if relative > 1e-6:  # what is right in spite of the mistake has no place on this axis
            label = f"{layer_of(name)} dE/d{kind_of(variable_of(name))}" if place == 0 else None
            axes.plot([relative], [place + offset], marker, color=WRONG, fillstyle="none", markersize=5, label=label)
