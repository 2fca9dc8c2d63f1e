"""summary.csv and index.html: what all studies in a folder came to, read from the files that each of them has saved."""

from __future__ import annotations

import csv
import errno
import html
import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments import STUDIES
from experiments.frame.study import slug

Facts = dict[str, Any]
Lines = list[tuple[Any, ...]]

SUMMARY, INDEX = "summary.csv", "index.html"
COLUMNS = ("experiment", "comparison", "layer", "array", "max |hand − tape|", "σ", "status", "verdict", "expected")
"""A line for each array of each comparison; the status is its own, verdict and expected are the comparison's."""

MARK = "<!-- written by gradient-diff run, which replaces it -->"
STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
html { background: #ffffff; color: #1b2330; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
td, th { padding: 0.4rem 0.8rem 0.4rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #8884; }
td, th { overflow-wrap: anywhere; }
a { color: inherit; }
.off { color: #a84300; font-weight: 600; }
@media (prefers-color-scheme: dark) { html { background: #12161c; color: #e4e8ee; } .off { color: #ffb27a; } }
"""


def check_free(out: Path) -> None:
    """Refuse a folder whose summary.csv or index.html is somebody else's: it would be replaced."""
    ours = {SUMMARY: ",".join(COLUMNS), INDEX: MARK}
    for name, first in ours.items():
        path = out / name
        if path.exists() and not (path.is_file() and _starts_with(path, first)):
            text = f"{path} was not written by gradient-diff, and would be replaced. Choose another folder"
            raise FileExistsError(errno.EEXIST, f"{text}, or move it away.")


def write_summary(out: Path) -> None:
    """Write both files anew from the studies that lie in the folder: whole, or not at all."""
    check_free(out)
    found = {name: facts for name in STUDIES if (facts := _facts(out / name)) is not None}
    texts = {SUMMARY: summary_of(found), INDEX: index_of({name: facts for name, (facts, _) in found.items()})}
    with tempfile.TemporaryDirectory(prefix=".summary-", dir=out) as beside:
        for name, text in texts.items():
            (Path(beside) / name).write_text(text, "utf-8", newline="\n")
        for name in texts:
            (Path(beside) / name).replace(out / name)


def summary_of(found: dict[str, tuple[Facts, Lines]]) -> str:
    """The lines of all comparisons, in the order of the studies."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerows([COLUMNS, *((name, *line) for name, (_, lines) in found.items() for line in lines)])
    return text.getvalue()


def index_of(found: dict[str, Facts]) -> str:
    """A page with a link to each report, what the study is about, and what came out."""
    rows = "\n".join(_index_row(name, facts) for name, facts in found.items())
    right = sum(not facts["failed"] for facts in found.values())
    return f"""{MARK}
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>gradient-diff: all experiments</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>All experiments</h1>
<p>{right} of {len(found)} as expected. <a href="{SUMMARY}">{SUMMARY}</a> holds every array of every comparison.</p>
<table>
<thead><tr><th scope="col">report</th><th scope="col">about</th><th scope="col">what came out</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</main>
</body>
</html>
"""


def outcome_words(verdicts: dict[str, str], expected: dict[str, str], claims: dict[str, bool]) -> str:
    """How many comparisons came to the verdict that was expected of them, and how many claims hold."""
    words = []
    if verdicts:
        right = sum(verdict == expected[caption] for caption, verdict in verdicts.items())
        words.append(f"{right} of {_counted(len(verdicts), 'comparison')} as expected")
    if claims:
        words.append(f"{sum(claims.values())} of {_counted(len(claims), 'claim')} hold{'s' * (len(claims) == 1)}")
    return ", ".join(words) or "nothing to judge"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def _index_row(name: str, facts: Facts) -> str:
    words = [outcome_words(facts["verdicts"], facts["expected"], facts["claims"]), *facts["failed"]]
    style = ' class="off"' if facts["failed"] else ""
    cells = "<br>".join(html.escape(text) for text in [f"{'✗' if facts['failed'] else '✓'} {words[0]}", *words[1:]])
    link = f'<a href="{name}/report.html">{name}</a>'
    return f'<tr><th scope="row">{link}</th><td>{html.escape(STUDIES[name].line)}</td><td{style}>{cells}</td></tr>'


def _facts(folder: Path) -> tuple[Facts, Lines] | None:
    """The manifest of a study's folder, and the lines of its comparisons; None where this version cannot read them."""
    try:
        facts: Facts = json.loads((folder / "manifest.json").read_text("utf-8"))
        lines = [
            (caption, *row, verdict, facts["expected"][caption])
            for caption, verdict in facts["verdicts"].items()
            for row in _rows(folder / "diffs" / f"{slug(caption)}.csv")
        ]
        return (facts, lines) if {"claims", "failed"} <= facts.keys() else None
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return None


def _rows(path: Path) -> Iterator[tuple[str, ...]]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            layer, array = row["layer"], row["name"].removeprefix(f"{row['layer']}/")
            yield layer, array, row["max_abs_difference"], row["distance"], row["status"]


def _starts_with(path: Path, first: str) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline().rstrip("\n") == first
