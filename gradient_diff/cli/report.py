"""The command `report`: a page from saved data alone, or two runs held against each other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from gradient_diff.cli.telling import blame, count, say, show
from gradient_diff.render.folder import redraw
from gradient_diff.render.runs import Change, Kind, changes, changes_data, changes_sheet, counted, read_run
from gradient_diff.render.sheet import to_csv, to_markdown, to_records, to_table


def report(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Of a report, or of several.", file_okay=False, exists=True)
    ],
    against: Annotated[
        Path | None,
        typer.Option(metavar="OTHER", help="An earlier run, held against this one.", file_okay=False, exists=True),
    ] = None,
    form: Annotated[
        Literal["text", "csv", "json", "markdown"], typer.Option("--format", help="Of what --against prints.")
    ] = "text",
) -> None:
    """Draw the page of a report again, from its folder alone; or hold two runs against each other.

    FOLDER holds diff.json, panels.npz and manifest.json, as `check --out` and write_report leave them, or folders with
    them, as `compare --out` does. Nothing is computed anew, and no model is loaded.

    With --against nothing is written: each array of both runs is better, worse, new, gone or the same. Both may be
    results of `gradient-diff run`, too. An array that is off in both is better at half the relative L2, worse at twice.

    Example: gradient-diff report marks/ann --against last_week/ann

    Exit code: with --against 1 if anything is worse; else 0.
    """
    if against is None:
        if form != "text":
            raise typer.BadParameter("nothing is printed without --against.", param_hint="--format")
        _redraw(folder)
        return
    with blame("--against"):
        before = read_run(against)
    with blame("FOLDER"):
        found = changes(before, read_run(folder))
    _print(found, form)
    raise typer.Exit(any(change.kind is Kind.WORSE for change in found))


def _redraw(folder: Path) -> None:
    with blame("FOLDER"):
        places = [path.parent for path in sorted([*folder.glob("diff.json"), *folder.glob("*/diff.json")])]
        if not places:
            raise ValueError(f"{folder} holds no diff.json: expected a folder of a report, or of several.")
        pages = [redraw(place) for place in places]
    say(f"Wrote {pages[0] if len(pages) == 1 else count(pages, 'page')}")


def _print(found: Sequence[Change], form: str) -> None:
    if form == "json":
        show(json.dumps(to_records(changes_data(found)), ensure_ascii=True, indent=1))
    elif form == "csv":
        show(to_csv(changes_data(found)), "")
    elif form == "markdown":
        show("\n".join([*to_markdown(changes_sheet(found)), "", counted(found)]))
    else:
        from rich.console import Console

        told = changes_sheet(found)
        if told.cells:
            Console().print(to_table(told), highlight=False)
        show(counted(found))
