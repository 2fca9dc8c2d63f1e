"""The command `explain`: a mistake of the catalogue in full, the list of all, or all of them as a folder of pages."""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

import typer

from gradient_diff.cli.telling import blame, show
from gradient_diff.guide.folder import write_guide
from gradient_diff.guide.page import page_of
from gradient_diff.guide.terminal import print_page
from gradient_diff.guide.words import RECORDS, Language, said
from gradient_diff.wording import printable


def _complete(beginning: str) -> list[tuple[str, str]]:
    return [(name, record.title) for name, record in RECORDS.items() if name.startswith(beginning)]


def explain(
    mistake: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="Of a mistake; all are listed if not given.", autocompletion=_complete),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Write the field guide into --out.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for the field guide.")] = None,
    lang: Annotated[Literal["en", "ko"], typer.Option(help="Of titles and cures.")] = "en",
    form: Annotated[Literal["text", "json"], typer.Option("--format", help="Of the list.")] = "text",
) -> None:
    """Explain a mistake that a report names: why it is made, the formula derived, code, and what looks like it.

    Example: gradient-diff explain derivative_wrong
    """
    if everything or out is not None:
        _write(mistake, everything, out)
    elif mistake is None:
        show(_listed_as_json(lang) if form == "json" else _listed(lang))
    elif form == "json":
        show(json.dumps(_data(_known(mistake), lang), ensure_ascii=True, indent=1))
    else:
        from rich.console import Console

        print_page(page_of(_known(mistake)), Console(), lang)


def _write(mistake: str | None, everything: bool, out: Path | None) -> None:
    if mistake is not None or not everything or out is None:
        text = "The field guide is written by `gradient-diff explain --all --out FOLDER`, without an ID."
        raise typer.BadParameter(text, param_hint="--all, --out")
    with blame("--out", (OSError,)):
        show(str(write_guide(out)))


def _known(name: str) -> str:
    """An unknown name is an error with the nearest suggestion."""
    if name in RECORDS:
        return name
    wanted = name.lower().replace("-", "_").removeprefix("#")
    nearest = [n for n in RECORDS if n.startswith(wanted)] or get_close_matches(wanted, RECORDS)
    hint = f" Did you mean {nearest[0]!r}?" if wanted and nearest else ""
    text = f"There is no mistake {printable(name)!r}.{hint} `gradient-diff explain` lists all."
    raise typer.BadParameter(text, param_hint="ID")


def _listed(lang: Language) -> str:
    width = max(map(len, RECORDS))
    mark = {"en": " (a convention, no mistake)", "ko": " (실수가 아니라 관례)"}[lang]
    lines = (f"{n:<{width}}  {said(n, lang).title}{mark if r.convention else ''}" for n, r in RECORDS.items())
    return "\n".join(lines)


def _listed_as_json(lang: Language) -> str:
    return json.dumps([_data(name, lang) for name in RECORDS], ensure_ascii=True, indent=1)


def _data(name: str, lang: Language) -> dict[str, object]:
    record = RECORDS[name]
    return {
        "id": name,
        "family": record.family,
        **said(name, lang)._asdict(),
        "equation": record.equation,
        "alike": list(record.alike),
        "tell_apart": record.tell_apart,
        "convention": record.convention,
    }
