"""What a report page is made of, as data; a page's template reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from gradient_diff.result.diff import GradientDiff

if TYPE_CHECKING:
    import pandas as pd

Figure: TypeAlias = Path | str | bytes  # the place of a PNG file, or its content


@dataclass(frozen=True, eq=False)
class Section:
    """One section of a page; everything but the heading may be left out.

    Attributes:
        heading: its title.
        paragraphs: plain text; line breaks are kept.
        tables: caption → DataFrame.
        diffs: caption → GradientDiff.
        figures: caption → PNG; the caption is its text for those who cannot see it, too.

    Example:
        >>> Section("Method", ["Both sides start from the same parameters."]).figures
        {}
    """

    heading: str
    paragraphs: Sequence[str] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    diffs: Mapping[str, GradientDiff] = field(default_factory=dict)
    figures: Mapping[str, Figure] = field(default_factory=dict)
