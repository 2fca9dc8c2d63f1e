"""What a report page is made of, as data; a page's template reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.status import Status

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Section:
    """One section of a page; everything but the heading may be left out.

    Attributes:
        heading: its title.
        paragraphs: plain text; line breaks are kept.
        tables: caption → DataFrame.
        diffs: caption → GradientDiff.
        figures: caption → SVG, as `svg_of` gives it; the caption is its text for those who cannot see it, too.
        claims: statement → whether it holds.
        expected: caption → the verdict that a diff must come to; where any section has one, the page says first how
            many came out so.

    Example:
        >>> Section("Method", ["Both sides start from the same parameters."]).figures
        {}
    """

    heading: str
    paragraphs: Sequence[str] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    diffs: Mapping[str, GradientDiff] = field(default_factory=dict)
    figures: Mapping[str, str] = field(default_factory=dict)
    claims: Mapping[str, bool] = field(default_factory=dict)
    expected: Mapping[str, Status] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Shown:
    """One diff in its place on a page.

    Attributes:
        diff: itself.
        section: the number of its section.
        number: its own number there.
        heading, caption: of the section, and its own.
        expected: the verdict that it must come to, by name; empty where nothing is said.
    """

    diff: GradientDiff
    section: int
    number: int
    heading: str
    caption: str
    expected: str

    @property
    def name(self) -> str:
        """What the table of verdicts calls it."""
        return " · ".join(filter(None, (self.heading, self.caption)))

    @property
    def anchor(self) -> str:
        """The end of a link to it."""
        return f"diff-{self.section}-{self.number}"

    @property
    def prefix(self) -> str:
        """What the anchors of its rows begin with."""
        return f"row-{self.section}-{self.number}-"

    @property
    def unexpected(self) -> bool:
        """Whether it should have come to another verdict."""
        return bool(self.expected) and self.expected != self.diff.verdict.name


def shown_diffs(sections: Sequence[Section]) -> list[Shown]:
    """Every diff of a page, in order."""
    return [
        Shown(diff, i, j, section.heading, caption, getattr(section.expected.get(caption), "name", ""))
        for i, section in enumerate(sections, 1)
        for j, (caption, diff) in enumerate(section.diffs.items(), 1)
    ]
