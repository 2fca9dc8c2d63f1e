"""All that the guide says of one mistake, gathered once; terminal and page read the same."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from gradient_diff.diagnosis.mistake import Mistake
from gradient_diff.diagnosis.settings import SETTINGS
from gradient_diff.guide.book import ENTRIES
from gradient_diff.guide.derivations import DERIVATIONS, Step
from gradient_diff.guide.entries.settings import NO_CODE, WHY
from gradient_diff.guide.entry import Entry
from gradient_diff.guide.planting import planted
from gradient_diff.guide.skeletons import Layout
from gradient_diff.guide.symptoms import Symptom, symptoms_of
from gradient_diff.guide.words import RECORDS
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.findings import Cause

ONLY_KERAS = "What a check against a Keras model finds by trying it: `check_gradients`, `check_step`."
NO_MISTAKE = "A convention, no mistake: a comparison undoes it, and says so."
SHOWN_IN: dict[Layout, str] = {
    "rows": "samples in rows, W (n_in, n_out)",
    "columns": "samples in columns, W (n_out, n_in)",
}
_CONTEXT = 2  # lines of code above and below a change


@dataclass(frozen=True)
class CodeLine:
    """A line of the change from wrong to right code: its sign is −, +, a space, or … where lines are left out."""

    sign: str
    text: str


@dataclass(frozen=True)
class Alike:
    """A look-alike.

    Attributes:
        id, title: which, and what was done.
        looks: how its own example looks in the numbers.
        written: the equation as it comes out wrong there.
        told: whether a comparison tells the two apart on this page's example.
    """

    id: str
    title: str
    looks: str
    written: str
    told: bool


@dataclass(frozen=True)
class Page:
    """One mistake of the guide.

    Attributes:
        record: title, equation, cure, look-alikes.
        entry: why, derivation and code; None where no code makes it.
    """

    record: Mistake
    entry: Entry | None

    @cached_property
    def diff(self) -> GradientDiff | None:
        """Its code in rows, run and compared."""
        return planted(self.entry) if self.entry else None

    @cached_property
    def cause(self) -> Cause | None:
        """What the comparison names it, with the equation as written and as it should be."""
        causes = self.diff.causes if self.diff is not None else ()
        return next((cause for cause in causes if cause.id == self.record.id), None)

    @cached_property
    def symptoms(self) -> Sequence[Symptom]:
        """What its example shows."""
        return symptoms_of(self.diff) if self.diff is not None else ()

    @property
    def looks(self) -> str:
        """The most telling of them, in a few words."""
        return self.symptoms[0].words if self.symptoms else ""

    @property
    def derivation(self) -> Sequence[Step]:
        """The right formula, step by step."""
        return DERIVATIONS[self.entry.derivation] if self.entry else ()

    @property
    def kind(self) -> str:
        """What is said of those that no code makes."""
        if self.record.convention:
            return NO_MISTAKE
        return ONLY_KERAS if self.record.id in SETTINGS else f"Family: {self.record.family}."

    @property
    def why(self) -> str:
        """Why people make it."""
        return self.entry.why if self.entry else WHY[self.record.id]

    @property
    def no_code(self) -> str:
        """Why no code stands here; empty where some does."""
        return "" if self.entry else NO_CODE[self.record.id]

    @cached_property
    def alike(self) -> Sequence[Alike]:
        """Those of the record, those that its own example cannot be told from, and what breaks the same formula so."""
        same = self.cause.same_as if self.cause else ()
        names = dict.fromkeys((*self.record.alike, *same, *self._kin()))
        return [self._compared_with(page_of(name), name not in same) for name in names if name != self.record.id]

    def _kin(self) -> Iterator[str]:
        if self.entry is None or not self.symptoms:
            return
        for other in ENTRIES.values():
            near = other.derivation == self.entry.derivation and other is not self.entry
            if near and self.symptoms[0].heading in {s.heading for s in page_of(other.id).symptoms}:
                yield other.id

    def _compared_with(self, other: Page, told: bool) -> Alike:
        written = other.cause.written if other.cause else ""
        return Alike(other.record.id, other.record.title, other.looks, written, told)

    def change(self, layout: Layout) -> list[CodeLine]:
        """From the code that makes it to the code that does not, with the lines around."""
        if self.entry is None:
            return []
        wrong, right = (self.entry.code(layout, wrong=is_wrong).splitlines() for is_wrong in (True, False))
        lines = difflib.unified_diff(wrong, right, n=_CONTEXT, lineterm="")
        return [_line(line) for line in lines if not line.startswith(("---", "+++"))][1:]

    def program(self, layout: Layout) -> str:
        """The whole right code."""
        return self.entry.code(layout, wrong=False) if self.entry else ""


def _line(line: str) -> CodeLine:
    if line.startswith("@@"):
        return CodeLine("…", "")
    return CodeLine({"-": "−"}.get(line[0], line[0]), line[1:])


@cache
def page_of(name: str) -> Page:
    """The page of a mistake; KeyError of a name that is none."""
    return Page(RECORDS[name], ENTRIES.get(name))
