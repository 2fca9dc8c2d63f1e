"""The pictures of `detection`, drawn from its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from experiments.support.drawing import panels

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def draw_errors(refused: pd.DataFrame) -> Figure:
    """Per tool two bars: mistakes missed, and right gradients refused."""
    table = refused.iloc[::-1]
    figure, (axes,) = panels(9, 6, boxed=True)
    places = np.arange(len(table))
    for offset, column, color in ((0.2, "missed", "tab:orange"), (-0.2, "false alarms", "tab:blue")):
        shares = 100 * table[column]
        axes.barh(places + offset, shares, height=0.38, color=color, label=column)
        for place, share in zip(places, shares, strict=True):
            text = "not installed" if np.isnan(share) else f"{share:.2g} %"
            axes.text(0.8 if np.isnan(share) else share + 0.8, place + offset, text, va="center", fontsize=8)
    axes.set(
        yticks=places, yticklabels=table["tool"], xlim=(0, 112), xlabel="% of mistakes that show, % of right gradients"
    )
    axes.set_title("Mistakes missed and right gradients refused, everybody's own defaults")
    axes.legend(loc="lower right")
    return figure


def draw_sharpness(table: pd.DataFrame, refused: pd.DataFrame) -> Figure:
    """A heatmap per dtype: tools down, ε across; dark is refused always, white never, grey was not to be had."""
    tools = list(refused["tool"])
    figure, both = panels(12, 6, columns=2, share="y", boxed=True)
    for axes, dtype in zip(both, ("float64", "float32"), strict=True):
        part = table[table["dtype"] == dtype]
        share = (part["refused"] / part["tried"]).groupby([part["tool"], part["epsilon"]]).mean().unstack()
        columns = sorted(table["epsilon"].unique(), reverse=True)
        grid = share.reindex(index=tools, columns=columns)
        axes.set_facecolor("0.85")
        image = axes.imshow(np.ma.masked_invalid(grid.to_numpy(float)), cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.set(yticks=range(len(tools)), yticklabels=tools, xlabel="ε", title=dtype)
        axes.set_xticks(range(len(columns)), [f"{e:.0e}" for e in columns], rotation=60, fontsize=8)
    figure.colorbar(image, ax=both, label="share refused", shrink=0.8)
    figure.suptitle("A right gradient with a part of it × (1 + ε): who refuses it? (grey: no right gradient accepted)")
    return figure
