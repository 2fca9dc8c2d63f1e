"""The lines to blame as Markdown: excerpts in fences that no line of the source can close, the fix as a diff."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from gradient_diff.render import code_words as words
from gradient_diff.render.annotated import annotated
from gradient_diff.render.code_lines import source_of
from gradient_diff.render.excerpts import excerpt
from gradient_diff.render.sheet import escape, titled
from gradient_diff.result.code import Code, Finding
from gradient_diff.result.diff import GradientDiff
from gradient_diff.wording import printable

_ROOM = 120  # of an excerpt: a fence does not break lines


def code_markdown(diff: GradientDiff) -> list[str]:
    """Every finding in full, and the listing of the functions; or why no line is named."""
    code = diff.code
    if code is None:
        return []
    if words.silence(diff):
        return ["", escape(words.silence(diff))]
    found = [line for finding in code.findings for line in _finding(code, finding)]
    listing = fenced(annotated(code, _ROOM, "utf-8").split("\n")) if code.listing and code.lines else []
    return [*titled(words.HEADING, found[:-1]), *titled(words.LISTING, listing)]


def _finding(code: Code, finding: Finding) -> Iterator[str]:
    yield f"**{escape(words.where(finding))}**: {escape(words.should_be(finding))}"
    yield from ("", *fenced(_carets(code, finding)), "")
    said = [words.says(finding), *(f"{words.one_line(text)} is {what}" for text, what in finding.operands)]
    for text in [*said, words.healed(finding), *words.called_from(finding)]:
        if text:
            yield f"- {escape(text)}"
    if finding.fix:
        yield from ("", escape(words.fix_title(finding)), "")
        yield from fenced((f"{sign}{printable(text)}" for _, sign, text in words.fix_lines(finding)), "diff")
    yield ""


def _carets(code: Code, finding: Finding) -> Iterator[str]:
    lines, span = source_of(code, finding)
    digits = len(str(lines[-1][0]))
    for line in excerpt(lines, span, _ROOM):
        yield f"{line.number:>{digits}} | {line.text}"
        if line.marked:
            yield f"{'':{digits}} | {' ' * line.before}{'^' * line.marked}"


def fenced(lines: Iterable[str], language: str = "") -> list[str]:
    """A block of code whose fence is longer than any in it."""
    inside = list(lines)
    longest = max((len(run) for line in inside for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *inside, fence]
