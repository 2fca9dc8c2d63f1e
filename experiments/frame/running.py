"""Run a study, save what it found, draw from what was saved, write the report; all of it appears, or nothing."""

from __future__ import annotations

import importlib
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments import STUDIES
from experiments.frame.articles import origin_of
from experiments.frame.kept import Kept
from experiments.frame.manifest import JUDGED, manifest
from experiments.frame.study import Part, Result, Settings, slug
from experiments.frame.summary import Facts, check_free, outcome_words, write_summary
from manual_mlp import Evaluation, load_parameters, save_parameters

if TYPE_CHECKING:
    from rich.progress import Progress

    from gradient_diff.extend import Section


@dataclass(frozen=True)
class Outcome:
    """One line of the table at the end of a run."""

    name: str  # of the study
    summary: str  # how many comparisons came out as expected, and how many claims hold
    failed: tuple[str, ...]  # what was not as expected; empty is good
    report: Path  # path of the HTML page


def run_study(name: str, settings: Settings, out: Path, progress: Progress) -> Outcome:
    """Run one study into `out/<name>/`."""
    from gradient_diff.extend import whole_folder

    started = time.perf_counter()
    check_free(out)
    with whole_folder(out / name) as folder:  # from the start: a folder that cannot be written is no news after an hour
        kept = Kept(out / f".{name}.unfinished")
        asked = replace(settings, kept=kept.folder)
        result: Result = importlib.import_module(f"experiments.{STUDIES[name].module}").run(asked, progress)
        save(result, folder)
        figures = draw(result, folder)
        facts = manifest(name, settings, result, time.perf_counter() - started)
        write_report(result, facts, STUDIES[name].module, folder, figures)
    kept.clear()
    write_summary(out)
    words = outcome_words(facts["verdicts"], facts["expected"], facts["claims"])
    return Outcome(name, words, tuple(result.failed), out / name / "report.html")


def save(result: Result, folder: Path) -> None:
    """Evaluations, weights, tables and diffs, as files."""
    from gradient_diff.extend import to_csv

    for stem, evaluation in result.evaluations.items():
        evaluation.save(folder / f"{stem}.npz")
    for stem, parameters in result.parameters.items():
        save_parameters(folder / f"{stem}.npz", parameters)
    for caption, table in result.tables.items():
        _text(folder / "tables" / f"{slug(caption)}.csv", table.frame.to_csv(index=False, lineterminator="\n"))
    for caption, comparison in result.comparisons.items():
        _text(folder / "diffs" / f"{slug(caption)}.csv", to_csv(comparison.diff))


def draw(result: Result, folder: Path) -> dict[str, str]:
    """Pictures from the saved files, as PNG beside them; caption → SVG, for the page."""
    from gradient_diff.extend import svg_of, write_png

    drawn: dict[str, str] = {}
    for caption, picture in result.pictures.items():
        path = folder / "figures" / f"{slug(caption)}.png"
        path.parent.mkdir(exist_ok=True)
        figure = picture.draw(*(_read_again(source, result, folder) for source in picture.sources))
        figure.set_dpi(100)
        write_png(figure, path)
        drawn[caption] = svg_of(figure, caption)
    return drawn


def _read_again(source: str, result: Result, folder: Path) -> Any:
    import pandas as pd

    for kind, captions in (("tables", result.tables), ("diffs", result.comparisons)):
        if source in captions:
            return pd.read_csv(folder / kind / f"{slug(source)}.csv")
    path = folder / f"{source}.npz"
    return Evaluation.load(path) if source in result.evaluations else load_parameters(path)


def write_report(result: Result, facts: Facts, module: str, folder: Path, figures: dict[str, str]) -> None:
    """manifest.json, report.html, and the field guide's pages of the mistakes that it names."""
    from gradient_diff.extend import Section, guide_beside, report_page

    _text(folder / "manifest.json", json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    origin = origin_of(module)
    sections = [*([Section("", origin)] if origin else []), *(_section(part, figures) for part in result.parts)]
    about = {name: fact for name, fact in facts.items() if name not in JUDGED}
    guide = guide_beside((diff for section in sections for diff in section.diffs.values()), folder)
    page = report_page(result.title, sections, about, guide)
    _text(folder / "report.html", page)


def _section(part: Part, figures: dict[str, str]) -> Section:
    from gradient_diff.extend import Section

    return Section(
        part.heading,
        paragraphs=part.paragraphs,
        tables={caption: table.frame for caption, table in part.tables.items() if table.in_report},
        diffs={caption: comparison.diff for caption, comparison in part.comparisons.items()},
        figures={caption: figures[caption] for caption in part.pictures},
        claims=part.claims,
        expected={caption: comparison.expected for caption, comparison in part.comparisons.items()},
    )


def _text(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
