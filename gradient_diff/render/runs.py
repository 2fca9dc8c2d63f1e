"""Two runs held against each other, array by array: what is better, worse, new or gone."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TypeAlias

from gradient_diff.files.diff_json import read_diff
from gradient_diff.render.sheet import Sheet
from gradient_diff.result.status import Status
from gradient_diff.wording import mark, number, printable, tone

_ORDER = ("good", "open", "bad")
_FACTOR = 2.0  # of relative L2, by which what is off in both runs must change to be told


class Kind(Enum):
    """What became of an array from the earlier run to this one."""

    WORSE = "worse"
    GONE = "gone"
    NEW = "new"
    BETTER = "better"
    SAME = "same"

    @property
    def tone(self) -> str:
        """Of its line."""
        return {"worse": "bad", "gone": "open", "new": "open"}.get(self.value, "good")


@dataclass(frozen=True)
class State:
    """What came of one array in one run."""

    status: Status
    relative_l2: float = math.nan


Key: TypeAlias = tuple[str, str]
"""The comparison, empty where there is one alone, and the array."""


@dataclass(frozen=True)
class Change:
    """One array in both runs; None for the run that has none of it."""

    key: Key
    before: State | None
    after: State | None

    @property
    def kind(self) -> Kind:
        """By status first; what is off in both, by how far."""
        if self.before is None:
            return Kind.NEW
        if self.after is None:
            return Kind.GONE
        old, new = (_ORDER.index(tone(state.status)) for state in (self.before, self.after))
        if old != new:
            return Kind.WORSE if new > old else Kind.BETTER
        return self._by_size(self.before.relative_l2, self.after.relative_l2) if self.after.status.bad else Kind.SAME

    def _by_size(self, old: float, new: float) -> Kind:
        """NaN, where nothing was measured, is neither."""
        if old == new:
            return Kind.SAME
        return Kind.WORSE if new >= _FACTOR * old else Kind.BETTER if _FACTOR * new <= old else Kind.SAME


def read_run(folder: Path) -> dict[Key, State]:
    """All arrays of a report, of a folder of reports, of a study or of several; ValueError where there are none."""
    found = dict(_states(folder))
    if not found:
        raise ValueError(
            f"{printable(str(folder))} holds no diff.json and no diffs/*.csv: expected a folder of a report."
        )
    return found


def _states(folder: Path) -> Iterator[tuple[Key, State]]:
    for path in sorted([*folder.glob("diff.json"), *folder.glob("*/diff.json")]):
        for row in read_diff(path).rows:
            size = row.metrics.relative_l2 if row.metrics else math.nan
            yield (_name(path.parent, folder), row.name), State(row.status, size)
    for path in sorted([*folder.glob("diffs/*.csv"), *folder.glob("*/diffs/*.csv")]):
        with path.open(encoding="utf-8", newline="") as file:
            for record in csv.DictReader(file):
                yield (_name(path.with_suffix(""), folder), record["name"]), _state(record, path)


def _name(path: Path, folder: Path) -> str:
    return "/".join(part for part in path.relative_to(folder).parts if part != "diffs")


def _state(record: Mapping[str, str], path: Path) -> State:
    try:
        return State(Status[record["status"]], float(record["relative_l2"] or "nan"))
    except (KeyError, ValueError):
        raise ValueError(f"{path.name} is no table of a comparison. Run it again.") from None


def changes(before: Mapping[Key, State], after: Mapping[Key, State]) -> list[Change]:
    """Every array of either run: what is worse first, then by name as this run has it."""
    every = [Change(key, before.get(key), after.get(key)) for key in dict.fromkeys([*after, *before])]
    return sorted(every, key=lambda change: list(Kind).index(change.kind))


def counted(found: Sequence[Change]) -> str:
    """How many came to what: "1 worse, 3 better, 20 same"."""
    counts = Counter(change.kind for change in found)
    return ", ".join(f"{counts[kind]} {kind.value}" for kind in Kind if counts[kind])


def changes_sheet(found: Sequence[Change]) -> Sheet:
    """For eyes: without those that are the same, and without a column that is empty in all."""
    shown = [change for change in found if change.kind is not Kind.SAME]
    cells = tuple((c.kind.value, *c.key, _words(c.before), _words(c.after)) for c in shown)
    titles, kept = (
        ("", "comparison", "array", "before", "now"),
        [i for i in range(5) if i != 1 or any(c.key[0] for c in shown)],
    )
    picked = tuple(tuple(line[i] for i in kept) for line in cells)
    return Sheet(tuple(titles[i] for i in kept), picked, (), tuple(c.kind.tone for c in shown), "")


def _words(state: State | None) -> str:
    if state is None:
        return "–"
    size = "" if math.isnan(state.relative_l2) else f", {number(state.relative_l2)}"
    return f"{mark(state.status)} {state.status.name}{size}"


def changes_data(found: Sequence[Change]) -> Sheet:
    """For files: all of them, as they are."""

    def cells(state: State | None) -> tuple[str | None, float | None]:
        if state is None:
            return None, None
        return state.status.name, None if math.isnan(state.relative_l2) else state.relative_l2

    titles = ("change", "comparison", "array", "before", "relative_l2_before", "now", "relative_l2_now")
    return Sheet(titles, tuple((c.kind.value, *c.key, *cells(c.before), *cells(c.after)) for c in found))
