"""What `gradient-diff compare` prints: text, CSV, JSON or Markdown."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any, Literal

from gradient_diff.cli.marking import Marked
from gradient_diff.cli.telling import show
from gradient_diff.render.entries import entries_to_data, entries_to_markdown, print_entries
from gradient_diff.render.summary import print_summary, summary_to_csv, summary_to_markdown
from gradient_diff.render.tables import to_csv, to_json, to_markdown
from gradient_diff.render.terminal import print_diff
from gradient_diff.wording import printable

_PIPED = 200  # columns where no terminal says how many it has: a line per file then stays one

Form = Literal["text", "csv", "json", "markdown"]


def print_marked(marked: Sequence[Marked], form: Form, reference: str, code: int) -> None:
    """Print what came of the files: one in full, several as a summary."""
    if form == "json":
        show(_json(marked, reference, code))
    elif form == "csv":
        alone = marked[0].diff if len(marked) == 1 else None
        show(to_csv(alone) if alone is not None else summary_to_csv([one.line for one in marked]), "")
    elif form == "markdown":
        show(_markdown(marked), "")
    else:
        _print_text(marked)


def _print_text(marked: Sequence[Marked]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console()
    if len(marked) > 1 or marked[0].diff is None:
        piped = not console.is_terminal and "COLUMNS" not in os.environ
        print_summary([one.line for one in marked], Console(width=_PIPED) if piped else console)
    else:
        print_diff(marked[0].diff, console, ledger=False)
    for one in marked:
        if one.entries:
            title = f"\nWorst entries{f' of {printable(one.line.file)}' if len(marked) > 1 else ''}"
            console.print(Text(title, "bold"))
            print_entries(one.entries, console)


def _markdown(marked: Sequence[Marked]) -> str:
    if len(marked) == 1 and marked[0].diff is not None:
        return to_markdown(marked[0].diff) + entries_to_markdown(marked[0].entries)
    parts = [summary_to_markdown([one.line for one in marked])]
    for one in marked:
        if one.entries:
            own = summary_to_markdown([one.line])
            parts.append(f"\n{own}{entries_to_markdown(one.entries)}")
    return "".join(parts)


def _json(marked: Sequence[Marked], reference: str, code: int) -> str:
    files = [_record(one) for one in marked]
    data = {"reference": printable(reference), "exit_code": code, "files": files}
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    return json.dumps(data, allow_nan=False, ensure_ascii=not unicode, indent=1)  # else signs would be replaced


def _record(one: Marked) -> dict[str, Any]:
    line = one.line
    return {
        "file": printable(line.file),
        "verdict": line.verdict,
        "culprit": line.culprit or None,
        "line": line.line or None,
        "cause": line.cause,
        "message": line.message,
        "report": line.report or None,
        "unproved": list(one.diff.unproved) if one.diff is not None else [],
        "worst": entries_to_data(one.entries),
        "diff": None if one.diff is None else json.loads(to_json(one.diff)),
    }
