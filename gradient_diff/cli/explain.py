"""The command `explain`: a mistake of the catalogue, its equation on an example, its cure and its look-alikes."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated

import typer

from gradient_diff.cli.telling import show
from gradient_diff.diagnosis.catalogue import CONVENTIONS, MISTAKES
from gradient_diff.diagnosis.examples import Example, example_of
from gradient_diff.diagnosis.mistake import Mistake
from gradient_diff.diagnosis.settings import SETTINGS
from gradient_diff.render.causes import equations_of, sentence
from gradient_diff.wording import printable

RECORDS = {**MISTAKES, **SETTINGS, **CONVENTIONS}


def _complete(beginning: str) -> list[tuple[str, str]]:
    return [(name, record.title) for name, record in RECORDS.items() if name.startswith(beginning)]


def explain(
    mistake: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="Of a mistake; all are listed if not given.", autocompletion=_complete),
    ] = None,
) -> None:
    """Explain a mistake that a report names: what was done, the equation, the cure, and what looks like it.

    Example: gradient-diff explain derivative_wrong
    """
    lines = _list() if mistake is None else _explanation(_record(mistake))
    for line in lines:
        show(line)


def _record(name: str) -> Mistake:
    """An unknown name is an error with the nearest suggestion."""
    if name in RECORDS:
        return RECORDS[name]
    wanted = name.lower().replace("-", "_").removeprefix("#")
    nearest = [n for n in RECORDS if n.startswith(wanted)] or get_close_matches(wanted, RECORDS)
    hint = f" Did you mean {nearest[0]!r}?" if wanted and nearest else ""
    text = f"There is no mistake {printable(name)!r}.{hint} `gradient-diff explain` lists all."
    raise typer.BadParameter(text, param_hint="ID")


def _list() -> Iterator[str]:
    width = max(map(len, RECORDS))
    for name, record in RECORDS.items():
        yield f"{name:<{width}}  {record.title}{' (a convention, no mistake)' if record.convention else ''}"


def _explanation(record: Mistake) -> Iterator[str]:
    kind = "a convention, no mistake" if record.convention else f"family: {record.family}"
    yield f"{sentence(record.title)} ({record.id}; {kind})"
    yield f"Equation: {record.equation}"
    example = None if record.id in SETTINGS else example_of(record.id)
    if example is not None:
        yield from _equations(example)
    yield f"Cure: {record.cure}"
    alike = f"On some data it looks like {', '.join(record.alike)}" if record.alike else "Where something looks like it"
    yield f"{alike}{';' if record.alike else ','} {record.tell_apart} may tell them apart."


def _equations(example: Example) -> Iterator[str]:
    cause = example.cause
    yield f"For example in {example.net}{f', {cause.layer}' if cause.layer else ''}:"
    for label, equation in equations_of(cause):
        yield f"  {label:<8} {equation}"
