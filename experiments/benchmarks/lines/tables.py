"""What was said of planted mistakes and of right code, counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeVar

from experiments.benchmarks.lines.aiming import Aim
from experiments.benchmarks.lines.harness import Pointed, PointedPair, RightRun

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Row = TypeVar("Row", Pointed, PointedPair, RightRun)

AIMS = [aim.value for aim in Aim]
ALL = "all"
TOLD = "tuned"  # of the part kept aside nothing is listed: who reads a miss of it begins to tune on it


def share(part: int, whole: int) -> float:
    """As a number from 0 to 1; of nothing it is 0."""
    return part / whole if whole else 0.0


def aimed(singles: Iterable[Pointed], *aims: Aim) -> int:
    """How many point there."""
    return sum(one.aim in aims for one in singles)


def per_style(singles: Sequence[Pointed]) -> pd.DataFrame:
    """One line per style, and one for all of each part."""
    return _frame({"part": part, "style": style, **_counts(group)} for part, style, group in _groups(singles, "style"))


def per_kind(singles: Sequence[Pointed]) -> pd.DataFrame:
    """One line per kind of mistake, of each part."""
    kinds = ((part, kind, group) for part, kind, group in _groups(singles, "kind") if kind != ALL)
    return _frame({"part": part, "kind": kind, **_counts(group)} for part, kind, group in kinds)


def pairs_per_style(pairs: Sequence[PointedPair]) -> pd.DataFrame:
    """Of how many pairs both lines, one or none were named."""
    return _frame(
        {
            "part": part,
            "style": style,
            "pairs": len(group),
            **{words: sum(p.found == n for p in group) for n, words in ((2, "both"), (1, "one"), (0, "none"))},
            **_fixes(group),
        }
        for part, style, group in _groups(pairs, "style")
    )


def right_code(runs: Sequence[RightRun]) -> pd.DataFrame:
    """Of how many runs something was said against right code."""
    return _frame(
        {"part": part, "style": style, "runs": len(group), "accused": sum(bool(r.accused) for r in group)}
        for part, style, group in _groups(runs, "style")
    )


def misses(singles: Sequence[Pointed]) -> pd.DataFrame:
    """Mistakes of the tuned part whose line was not named."""
    return _listed(one for one in singles if one.aim is not Aim.EXACT)


def wrong_fixes(found: Sequence[Pointed | PointedPair]) -> pd.DataFrame:
    """Fixes of the tuned part that were offered and do not mend."""
    return _listed(one for one in found if one.fix and not one.mends)


def pairs_not_found(pairs: Sequence[PointedPair]) -> pd.DataFrame:
    """Pairs of the tuned part of which a line was not named."""
    return _listed(one for one in pairs if one.found < 2)


def costs(singles: Sequence[Pointed]) -> pd.DataFrame:
    """What a comparison takes, in hand evaluations of the same network; of those alone that came to an end."""
    import pandas as pd

    frame = pd.DataFrame([{"part": s.part, "style": s.style, "hands": s.hands} for s in singles]).dropna()
    groups = frame.groupby(["part", "style"], sort=False)["hands"]
    table = groups.agg(["count", "median", "max"]).round(0).astype(int).reset_index()
    return table.rename(columns={"count": "comparisons", "max": "largest"})


def bars(frame: pd.DataFrame) -> Figure:
    """A bar per style, divided by where the first finding points."""
    from experiments.support.drawing import BLUE, GREEN, RED, panels

    colours = dict(zip(AIMS, (GREEN, BLUE, RED, "#c8c8c8"), strict=True))
    rows = frame[frame["style"] != ALL].iloc[::-1]
    names = [f"{style} ({part}, {n})" for part, style, n in rows[["part", "style", "mistakes"]].to_numpy()]
    figure, (axes,) = panels(7, 1.2 + 0.26 * len(rows))
    left = [0.0] * len(rows)
    for aim in AIMS:
        widths = [100 * share(k, n) for k, n in zip(rows[aim], rows["mistakes"], strict=True)]
        axes.barh(names, widths, left=left, color=colours[aim], label=aim)
        left = [at + width for at, width in zip(left, widths, strict=True)]
    axes.set(xlim=(0, 100), xlabel="% of the mistakes planted in a style (part, number)")
    figure.legend(loc="outside upper center", ncols=len(AIMS), frameon=False)
    return figure


def _counts(group: Sequence[Pointed]) -> dict[str, object]:
    return {"mistakes": len(group), **{aim.value: aimed(group, aim) for aim in Aim}, **_fixes(group)}


def _fixes(group: Sequence[Pointed | PointedPair]) -> dict[str, object]:
    offered = [one for one in group if one.fix]
    return {"fix offered": len(offered), "fix wrong": sum(not one.mends for one in offered)}


def _groups(rows: Sequence[Row], by: str) -> Iterator[tuple[str, str, list[Row]]]:
    """(part, value, rows) in the order in which they come, and after each part all of it."""
    for part in dict.fromkeys(row.part for row in rows):
        own = [row for row in rows if row.part == part]
        for value in dict.fromkeys(getattr(row, by) for row in own):
            yield part, value, [row for row in own if getattr(row, by) == value]
        yield part, ALL, own


def _listed(found: Iterable[Pointed | PointedPair]) -> pd.DataFrame:
    told = [asdict(one) for one in found if one.part == TOLD]
    return _frame({k: getattr(v, "value", v) for k, v in row.items() if k not in ("part", "hands")} for row in told)


def _frame(rows: Iterable[dict[str, object]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(list(rows))
