"""A page of the guide for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from gradient_diff.guide.page import Page
from gradient_diff.guide.skeletons import LAYOUTS
from gradient_diff.guide.words import Language, label, said
from gradient_diff.render.causes import equations_of, sentence
from gradient_diff.render.sheet import to_rich
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.row import Row
from gradient_diff.wording import entry, shape

if TYPE_CHECKING:
    from rich.console import Console

Line = tuple[str, str]  # text, style
_SIGNS = {"−": "red", "+": "green", "…": "dim"}
_MOST = 4  # rows and columns of an array that are printed


def print_page(page: Page, console: Console, language: Language = "en") -> None:
    """Print all that the guide has, no wider than the console."""
    for text, style in _lines(page, console.width, language):
        console.print(to_rich(text, style), soft_wrap=True, highlight=False)


def _lines(page: Page, width: int, language: Language) -> Iterator[Line]:
    record, words = page.record, said(page.record.id, language)
    yield sentence(words.title), "bold"
    yield f"{record.id} · {page.kind}", "dim"
    yield from _part("what to do", language)
    yield from _folded(words.cure, width)
    yield from _part("why", language)
    yield from _folded(page.why, width)
    yield from _part("formula", language)
    yield from _formula(page)
    for layout in LAYOUTS if page.entry else ():
        yield from _part("code", language, f", samples in {layout}")
        yield from ((f"  {line.sign} {line.text}".rstrip(), _SIGNS.get(line.sign, "")) for line in page.change(layout))
    if page.no_code:
        yield from _part("code", language)
        yield from _folded(page.no_code, width)
    if page.diff is not None:
        yield from _part("numbers", language)
        yield from _numbers(page, page.diff, width)
    yield from _part("alike", language)
    yield from _alike(page, width)
    if page.entry and page.entry.met:
        yield from _part("met", language)
        yield from _folded("; ".join(page.entry.met), width)


def _part(name: str, language: Language, more: str = "") -> Iterator[Line]:
    yield "", ""
    yield f"{label(name, language)}{more}", "bold"


def _folded(text: str, width: int) -> Iterator[Line]:
    yield from ((f"  {line}", "") for line in textwrap.wrap(text, max(width - 2, 20)) or [""])


def _formula(page: Page) -> Iterator[Line]:
    yield f"  {page.record.equation}", "green"
    for step in page.derivation:
        yield f"    {step.formula}", ""
        yield f"      {' · '.join(filter(None, (step.shapes, step.words)))}", "dim"
    if page.cause is not None:
        for name, equation in equations_of(page.cause):
            yield f"  {name:<8} {equation}", {"written": "red", "right": "green"}.get(name, "")


def _numbers(page: Page, diff: GradientDiff, width: int) -> Iterator[Line]:
    """What is seen on a small net, and a corner of the first array that is off."""
    if page.entry:
        yield f"  On {page.entry.shown_on.words}:", ""
    for symptom in page.symptoms:
        yield from _folded(f"{symptom.heading}: {symptom.words}", width)
    if page.cause is not None:
        yield from _folded(f"A comparison says: {page.cause.message}", width)
    row = next((row for row in diff.rows if row.status.bad), None)
    if row is not None:
        yield from _corner(diff, row)


def _corner(diff: GradientDiff, row: Row) -> Iterator[Line]:
    for side, arrays in (("hand", diff.hand), ("reference", diff.reference)):
        array = np.asarray(arrays[row.name])
        yield f"  {row.name}, {side} {shape(array.shape)}", "dim"
        part = np.atleast_2d(array)[:_MOST, :_MOST]
        more = " …" if np.atleast_2d(array).shape[1] > _MOST else ""
        yield from (("    " + "".join(f"{entry(float(v), 3):>11}" for v in line) + more, "") for line in part)


def _alike(page: Page, width: int) -> Iterator[Line]:
    for other in page.alike:
        yield f"  {other.id}: {other.title}", ""
        more = filter(None, (other.written, other.looks, "" if other.told else "not told apart on this example"))
        yield from ((f"    {line}", "dim") for line in textwrap.wrap("; ".join(more), max(width - 4, 20)))
    before = "What may tell them apart" if page.alike else "Where something looks like it, what may tell them apart"
    yield from _folded(f"{before}: {page.record.tell_apart}.", width)
