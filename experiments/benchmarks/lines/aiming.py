"""How near to the mistake a finding is: its line, its call chain, another line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Set
from enum import Enum
from types import FrameType
from typing import Any

from experiments.benchmarks.lines.plant import Plant
from experiments.benchmarks.lines.planting import Planted
from gradient_diff import Finding


class Aim(Enum):
    """Where a finding points; the value is for eyes."""

    EXACT = "exact line"
    CHAIN = "call chain"
    OTHER = "another line"
    SILENT = "silent"


def wanted_lines(planted: Planted, plants: tuple[Plant, ...], which: int = 0) -> set[int]:
    """The line of a mistake, and of what a fair judge accepts, too: where that stands twice, the nearest."""
    line = planted.line(which)
    return {line, *(_nearest(planted.text, text, line) for text in plants[which].also)}


def _nearest(text: str, part: str, line: int) -> int:
    starts = [i for i in range(len(text)) if text.startswith(part, i)]
    if not starts:
        raise ValueError(f"{part!r}, which is accepted beside the mistake, does not stand in the text.")
    return min((text.count("\n", 0, i) + 1 for i in starts), key=lambda found: abs(found - line))


def aim_of(finding: Finding, wanted: Set[int], call: Callable[[], object]) -> Aim:
    """Of one finding; `call` runs the user's code, in case it takes that to know who calls the guilty line."""
    if finding.line in wanted:
        return Aim.EXACT
    if any(caller.line in wanted for caller in finding.callers if caller.file == finding.file):
        return Aim.CHAIN
    return Aim.CHAIN if finding.line in lines_above(call, finding.file, wanted) else Aim.OTHER


def lines_above(call: Callable[[], object], file: str, wanted: Set[int]) -> set[int]:
    """The lines of a file that are being called from while one of the wanted lines runs."""
    above: set[int] = set()

    def note(frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename != file:
            return None
        outer = frame.f_back
        while event == "line" and frame.f_lineno in wanted and outer is not None:
            above.update([outer.f_lineno] if outer.f_code.co_filename == file else [])
            outer = outer.f_back
        return note

    before = sys.gettrace()
    sys.settrace(note)
    try:
        call()
    except Exception:  # noqa: BLE001  # what was called until then is known
        pass
    finally:
        sys.settrace(before)
    return above
