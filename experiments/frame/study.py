"""What a study is: settings in, a Result of parts out. Running, saving and drawing are three steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from gradient_diff import GradientDiff, Status
from gradient_diff.extend import gravest, plain_name
from manual_mlp import Evaluation
from manual_mlp.extend import Arrays

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Mode: TypeAlias = Literal["eager", "graph", "xla"]


@dataclass(frozen=True)
class Settings:
    """What the command line sets."""

    dtype: str = "float64"  # "float64" or "float32", of both twins
    mode: Mode = "eager"  # of the tape: "eager", "graph" or "xla"
    seed: int = 0  # of everything that is drawn
    full: bool = False  # the real sizes instead of the short ones
    # digits, mnist or fashion_mnist; None for the usual one, see `experiments.support.datasets.dataset_of`
    dataset: str | None = None
    epochs: int | None = None  # of training; None for the study's own
    # a file of the dataset, or the folder that holds it; None for `$GRADIENT_DIFF_DATA` or Keras's loader
    data: Path | None = None
    weights: Path | None = None  # an `.npz` of trained weights to use in place of training
    jobs: int | None = None  # processes at a time where many seeds are swept; None for one a core
    kept: Path | None = None  # folder for what a sweep has done, so that it can go on; None for none


@dataclass(frozen=True, eq=False)
class Table:
    """A table that a study saves."""

    frame: pd.DataFrame  # the numbers
    # columns that a second run must give again to 6 digits; times and rounding noise are not
    reproducible: tuple[str, ...] = ()
    in_report: bool = True  # whether the page shows it; a long one is only saved, for the pictures


@dataclass(frozen=True, eq=False)
class Comparison:
    """A GradientDiff, and the verdict that it must come to: a mistake shown on purpose is expected to be found."""

    diff: GradientDiff
    expected: Status = Status.MATCH

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the expected one."""
        return self.diff.verdict is self.expected


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of what a run has saved; `draw` gets each of the sources, read again, in their order.

    A source is the caption of a table or of a comparison (a DataFrame), or the stem of an Evaluation or of weights.
    """

    sources: tuple[str, ...]
    draw: Callable[..., Figure]


@dataclass(frozen=True, eq=False)
class Part:
    """One section of a report; every mapping is caption → content."""

    heading: str  # of the section
    paragraphs: tuple[str, ...] = ()  # plain text
    tables: Mapping[str, Table] = field(default_factory=dict)  # saved as `tables/<slug of the caption>.csv`
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)  # saved as `diffs/<slug>.csv`
    # statements that were checked, e.g. "every printed digit of the article is reproduced" → True
    claims: Mapping[str, bool] = field(default_factory=dict)
    pictures: Mapping[str, Picture] = field(default_factory=dict)  # saved as `figures/<slug>.png`


@dataclass(frozen=True, eq=False)
class Result:
    """What a study found."""

    title: str  # of the report
    parts: tuple[Part, ...]  # its sections; captions differ across all of them, since they name the files
    # file stem → Evaluation, saved as `<stem>.npz`; "evaluation" is the hand side
    evaluations: Mapping[str, Evaluation] = field(default_factory=dict)
    # file stem → name → array, saved as `<stem>.npz`: weights that a later run can take
    parameters: Mapping[str, Arrays] = field(default_factory=dict)
    # facts of the dataset that was used, for the manifest: `experiments.support.datasets.Dataset.facts`
    data: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind in ("tables", "comparisons", "claims", "pictures"):
            names = [slug(caption) for part in self.parts for caption in getattr(part, kind)]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"Two {kind} of {self.title!r} would share a name, {twice[0]}: reword a caption.")
        saved = [*self.tables, *self.comparisons, *self.evaluations, *self.parameters]
        for caption, picture in self.pictures.items():
            for source in picture.sources:
                if saved.count(source) != 1:
                    found = "nothing" if source not in saved else "more than one thing"
                    raise ValueError(
                        f"The picture {caption!r} is drawn from {source!r}, which names {found} that {self.title!r} "
                        f"saves. It saves {', '.join(map(repr, saved)) or 'nothing'}."
                    )

    @property
    def tables(self) -> dict[str, Table]:
        """All of them, caption → table."""
        return {caption: table for part in self.parts for caption, table in part.tables.items()}

    @property
    def comparisons(self) -> dict[str, Comparison]:
        """All of them, caption → comparison."""
        return {caption: c for part in self.parts for caption, c in part.comparisons.items()}

    @property
    def claims(self) -> dict[str, bool]:
        """All of them, statement → whether it holds."""
        return {text: holds for part in self.parts for text, holds in part.claims.items()}

    @property
    def pictures(self) -> dict[str, Picture]:
        """All of them, caption → picture."""
        return {caption: picture for part in self.parts for caption, picture in part.pictures.items()}

    @property
    def failed(self) -> list[str]:
        """Captions of comparisons with an unexpected verdict, and claims that do not hold."""
        verdicts = [
            f"{caption}: {c.diff.verdict.name}, expected {c.expected.name}"
            for caption, c in self.comparisons.items()
            if not c.as_expected
        ]
        return verdicts + [f"does not hold: {text}" for text, holds in self.claims.items() if not holds]

    @property
    def verdict(self) -> Status:
        """The gravest verdict among the comparisons that are expected to match."""
        return gravest(c.diff.verdict for c in self.comparisons.values() if c.expected is Status.MATCH)


def paragraphs(text: str) -> tuple[str, ...]:
    r"""The paragraphs of a text, divided by blank lines; within one, line breaks are spaces."""
    return tuple(" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip()))


def slug(caption: str) -> str:
    """A file name from a caption."""
    return plain_name(caption.lower()).strip("_") or "untitled"
