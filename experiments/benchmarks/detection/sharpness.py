"""The smallest error that each tool of `detection` sees, where it accepts the gradient as it was."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from experiments.benchmarks.detection.cases import TARGETS, UNCHANGED
from experiments.benchmarks.detection.nets import DTYPES
from experiments.benchmarks.detection.peers.table import PEERS
from experiments.benchmarks.detection.trials import US

if TYPE_CHECKING:
    import pandas as pd

TOOLS = (US, *(peer.name for peer in PEERS))
NETWORK = ["number", "dtype", "scale"]
"""What tells one network from another in a frame of trials."""


def power(epsilon: float) -> str:
    """An ε as text; one that is not among those tried was not seen."""
    if math.isnan(epsilon):
        return "—"
    return f"{epsilon:.0e}" if math.isfinite(epsilon) else "none"


def median_of(frame: pd.DataFrame, tool: str, dtype: str, target: str | None = None) -> float:
    """The median over networks and targets of the smallest ε seen; nan where the tool accepts no right gradient."""
    found = smallest_of(frame, tool)
    found = found[(found["dtype"] == dtype) & ((found["id"] == target) | (target is None))]
    return float(found["smallest"].quantile(0.5, interpolation="higher")) if len(found) else math.nan


def smallest_of(frame: pd.DataFrame, tool: str) -> pd.DataFrame:
    """Per network and target the smallest ε refused together with all larger ones, where ε = 0 is accepted."""
    import pandas as pd

    asked = frame[(frame["what"] == "scaled") & frame[tool].notna()]
    rows = []
    for key, network in asked.groupby(NETWORK, sort=False):
        if network.loc[network["id"] == UNCHANGED, tool].any():  # it refuses this gradient as it is
            continue
        for target in TARGETS:
            group = network[network["id"] == target].sort_values("epsilon", ascending=False)
            unbroken = group[tool].astype(bool).cummin()
            smallest = group.loc[unbroken, "epsilon"].min() if unbroken.any() else math.inf
            rows.append([*key, target, smallest])
    return pd.DataFrame(rows, columns=[*NETWORK, "id", "smallest"])


def smallest_seen(frame: pd.DataFrame) -> pd.DataFrame:
    """Median of the smallest ε seen, per tool, dtype and target, and on how many networks it could be asked."""
    import pandas as pd

    rows = []
    for tool in TOOLS:
        found = smallest_of(frame, tool)
        for dtype in DTYPES:
            networks = found[found["dtype"] == dtype].groupby(NETWORK).ngroups
            all_networks = frame[(frame["what"] == "scaled") & (frame["dtype"] == dtype)].groupby(NETWORK).ngroups
            medians = {target: power(median_of(frame, tool, dtype, target)) for target in TARGETS}
            accepted = f"{networks} of {all_networks}"
            rows.append({"tool": tool, "dtype": dtype, "accepts the right gradient": accepted, **medians})
    return pd.DataFrame(rows)


def sharpness(frame: pd.DataFrame) -> pd.DataFrame:
    """Refused and tried per tool, dtype and ε, on networks whose right gradient the tool accepts."""
    import pandas as pd

    rows = []
    for tool in TOOLS:
        accepted = smallest_of(frame, tool)[NETWORK].drop_duplicates()
        tried = frame[(frame["what"] == "scaled") & (frame["id"] != UNCHANGED)].merge(accepted, on=NETWORK)
        for (dtype, epsilon), group in tried.groupby(["dtype", "epsilon"]):
            rows.append([tool, dtype, epsilon, len(group), int(group[tool].astype(bool).sum())])
    return pd.DataFrame(rows, columns=["tool", "dtype", "epsilon", "tried", "refused"])
