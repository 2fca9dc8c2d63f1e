"""The tables of `detection`, from one row per pair of gradients shown; `refused` says who said no."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import fields
from typing import TYPE_CHECKING

from experiments.benchmarks.detection.nets import DTYPES, SCALES
from experiments.benchmarks.detection.peers.table import PEERS
from experiments.benchmarks.detection.sharpness import NETWORK, TOOLS, median_of, power
from experiments.benchmarks.detection.sizes import MISSED, SHOWS, reason
from experiments.benchmarks.detection.trials import US, Asked, Tools
from gradient_diff import MISTAKES, Status

if TYPE_CHECKING:
    import pandas as pd

OUR_RULE = "none to choose: 16 σ, computed from the network"
AT_HOME, HOME = "float64, × 1, not saturated", ("float64", 1.0)
GROSS = 1e-3
"""‖effect‖ / ‖gradient‖ of a mistake that anybody would call one."""


def frame_of(trials: Iterable[Asked]) -> pd.DataFrame:
    """One row per trial, one column per tool: True where it refused, None where it was not asked."""
    import pandas as pd

    names = [field.name for field in fields(Asked) if field.name != "refused"]
    rows = [[*(getattr(t, name) for name in names), *(t.refused.get(tool) for tool in TOOLS)] for t in trials]
    return pd.DataFrame(rows, columns=[*names, *TOOLS]).astype(dict.fromkeys(TOOLS, object))


def rates(frame: pd.DataFrame, tools: Tools) -> pd.DataFrame:
    """The published table: one row per tool."""
    import pandas as pd

    rules = {US: OUR_RULE, **{peer.name: peer.rule for peer in PEERS}}
    shown = frame[(frame["what"] == "mistake") & (frame["sigma"] > SHOWS)]
    named = shown[(shown[US] == True) & ~shown["unproved"]]  # noqa: E712  (None is neither)
    rows = []
    for tool in TOOLS:
        counts = _counts(frame, tool)
        if tool in tools.absent:
            counts = dict.fromkeys(counts, "not installed")
        rightly = f"{named['first'].mean():.1%}" if tool == US and len(named) else "—"
        rows.append({"tool": tool, **counts, "named rightly": rightly, "rule": rules[tool]})
    return pd.DataFrame(rows)


def _counts(frame: pd.DataFrame, tool: str) -> dict[str, object]:
    asked = frame[frame[tool].notna()]
    shown = asked[(asked["what"] == "mistake") & (asked["sigma"] > SHOWS)]
    missed = shown[shown[tool] == False]  # noqa: E712  (None is neither)
    right = asked[asked["what"] == "correct"]
    alarms = int((right[tool] == True).sum())  # noqa: E712
    smallest = {f"smallest ε, {dtype}": power(median_of(frame, tool, dtype)) for dtype in DTYPES}
    return {
        "mistakes that show": len(shown),
        "missed": len(missed),
        "missed %": percent(len(missed), len(shown)),
        f"missed, off by > {GROSS:g}": int((missed["relative"] > GROSS).sum()),
        "not proved %": percent(int(shown["unproved"].sum()), len(shown)) if tool == US else "—",
        "correct pairs": len(right),
        "false alarms": alarms,
        "false alarms %": percent(alarms, len(right)),
        "right, not proved %": percent(int(right["unproved"].sum()), len(right)) if tool == US else "—",
        **smallest,
    }


def percent(part: int, whole: int) -> str:
    """Two digits, and never 0 or 100 by rounding."""
    if not whole:
        return "—"
    share = 100 * part / whole
    if 0 < share < 0.1:
        return "< 0.1"
    if 99.9 < share < 100:
        return "> 99.9"
    return f"{share:.1f}".removesuffix(".0")


def by_dtype_and_scale(frame: pd.DataFrame, tools: Tools) -> pd.DataFrame:
    """Missed | false alarms of each tool in each dtype at each loss scale, in per cent; first where all are at home."""
    import pandas as pd

    rows = []
    for tool in (t for t in TOOLS if t not in tools.absent):
        row: dict[str, object] = {"tool": tool, AT_HOME: _missed_and_alarmed(frame[~frame["saturated"]], tool, *HOME)}
        for dtype, scale in itertools.product(DTYPES, SCALES):
            row[f"{dtype}, × {scale:g}"] = _missed_and_alarmed(frame, tool, dtype, scale)
        rows.append(row)
    return pd.DataFrame(rows)


def _missed_and_alarmed(frame: pd.DataFrame, tool: str, dtype: str, scale: float) -> str:
    counts = _counts(frame[(frame["dtype"] == dtype) & (frame["scale"] == scale)], tool)
    return f"{counts['missed %']} | {counts['false alarms %']}"


def per_mistake(frame: pd.DataFrame) -> pd.DataFrame:
    """Ours, one line per mistake in the order of the catalogue, and one for all."""
    import pandas as pd

    planted = frame[frame["what"] == "mistake"]

    def line(name: str, group: pd.DataFrame) -> dict[str, object]:
        shown = group[group["sigma"] > SHOWS]
        seen = shown[shown[US].astype(bool)]
        return {
            "id": name,
            "planted": len(group),
            "shows": len(shown),
            "missed": len(shown) - len(seen),
            "not proved": int(seen["unproved"].sum()),
            "named first": int(seen["first"].sum()),
            "among the causes": int(seen["named"].sum()),
            "reference blamed": int((seen["verdict"] == Status.REFERENCE_OFF.name).sum()),
            "smaller, and seen all the same": int(group[US].astype(bool).sum()) - len(seen),
            "smaller, not seen": len(group) - len(shown) - int(group[US].astype(bool).sum()) + len(seen),
        }

    order = [name for name in (*MISTAKES, "convention_transposed") if (planted["id"] == name).any()]
    return pd.DataFrame([*(line(n, planted[planted["id"] == n]) for n in order), line("all", planted)])


def unseen(frame: pd.DataFrame) -> pd.DataFrame:
    """Per mistake and reason: how many are not refused by us, and how large they are at most."""
    import pandas as pd

    passed = frame[(frame["what"] == "mistake") & ~frame[US].astype(bool)]
    reasons = [reason(*row) for row in passed[["sigma", "relative", "verdict"]].itertuples(index=False)]
    rows = []
    for (name, why), group in passed.assign(why=reasons).groupby(["id", "why"], sort=False):
        rows.append(
            {
                "id": name,
                "why": why,
                "cases": len(group),
                "of one sample": int(group["one_sample"].sum()),
                "saturated": int(group["saturated"].sum()),
                "largest effect in σ": round(float(group["sigma"].max()), 2),
                "over the rounding that happened": float(f"{group['rounding'].max():.2g}"),
                "of which over ten times": int((group["rounding"] > 10).sum()),
            }
        )
    columns = ["id", "why", "cases", "of one sample", "saturated", "largest effect in σ"]
    table = pd.DataFrame(rows, columns=[*columns, "over the rounding that happened", "of which over ten times"])
    return table.sort_values(["why", "cases"], ascending=[True, False]).reset_index(drop=True)


def our_misses(frame: pd.DataFrame) -> pd.DataFrame:
    """What shows and we do not refuse, planted or scaled; units at a kink are no miss."""
    passed = frame[frame["what"].isin(["mistake", "scaled"]) & ~frame[US].astype(bool)]
    missed = [reason(*row) == MISSED for row in passed[["sigma", "relative", "verdict"]].itertuples(index=False)]
    return passed.loc[missed, ["id", "words", *NETWORK, "sigma", "relative", "verdict"]].reset_index(drop=True)


def not_named(frame: pd.DataFrame) -> pd.DataFrame:
    """Mistakes that show and that we call wrong, but name otherwise or not at all."""
    shown = frame[(frame["what"] == "mistake") & (frame["sigma"] > SHOWS) & frame[US].astype(bool) & ~frame["unproved"]]
    columns = ["words", *NETWORK, "sigma", "relative", "named", "said"]
    return shown.loc[~shown["first"].astype(bool), columns].reset_index(drop=True)


def wrongly_refused(frame: pd.DataFrame) -> pd.DataFrame:
    """Correct pairs that we refuse."""
    right = frame[frame["what"] == "correct"]
    return right.loc[right[US].astype(bool), ["id", *NETWORK, "verdict", "said"]].reset_index(drop=True)


def verdicts(frame: pd.DataFrame) -> pd.DataFrame:
    """What we said of correct pairs, by who derived them; VACUOUS and INCONCLUSIVE accuse nobody and prove nothing."""
    right = frame[frame["what"] == "correct"]
    counts = right.groupby(["id", "dtype", "verdict"], sort=False).size()
    return counts.rename("pairs").reset_index().rename(columns={"id": "who"})


def refusals(frame: pd.DataFrame) -> pd.DataFrame:
    """Misses and false alarms of each tool as shares, for the picture."""
    import pandas as pd

    rows = []
    for tool in TOOLS:
        counts = _counts(frame, tool)
        shown, right = int(str(counts["mistakes that show"])), int(str(counts["correct pairs"]))
        missed = int(str(counts["missed"])) / shown if shown else math.nan
        alarms = int(str(counts["false alarms"])) / right if right else math.nan
        rows.append([tool, missed, alarms])
    return pd.DataFrame(rows, columns=["tool", "missed", "false alarms"])


def unplanted(planted: pd.DataFrame) -> pd.DataFrame:
    """Mistakes of the list that no network here could be given."""
    import pandas as pd

    return pd.DataFrame({"id": [name for name in MISTAKES if not (planted["id"] == name).any()]})
