"""One page about a class: how many are right, which mistakes they share, who could not be read and why."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from gradient_diff.guide.words import RECORDS, Language, said
from gradient_diff.render.causes import sentence
from gradient_diff.render.environment import environment_of
from gradient_diff.render.summary import SummaryLine
from gradient_diff.result.status import Status
from gradient_diff.wording import mark, printable, tone

if TYPE_CHECKING:
    import jinja2

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Shared:
    """A mistake, or another outcome, and how many of the class have it."""

    id: str
    title: str
    count: int


def marks_page(lines: Sequence[SummaryLine], reference: str, language: Language = "en") -> str:
    """The page of a folder of marks: it works from disk, without a network, and without its script as a plain table."""
    unreadable = [line for line in lines if line.status is None]
    text: str = _template().render(
        lines=lines,
        unreadable=unreadable,
        counts=_counts(lines),
        shared=shared_of(lines, language),
        reference=printable(reference),
        title_of=lambda line: _title(line, language),
        known=RECORDS,
    )
    return text.strip() + "\n"


def shared_of(lines: Sequence[SummaryLine], language: Language = "en") -> list[Shared]:
    """The mistakes of the class, the commonest first."""
    found = Counter(line.mistake for line in lines if line.mistake)
    return [
        Shared(name, sentence(said(name, language).title) if name in RECORDS else sentence(name.replace("_", " ")), n)
        for name, n in sorted(found.items(), key=lambda item: (-item[1], item[0]))
    ]


def _title(line: SummaryLine, language: Language) -> str:
    """What the last column says."""
    if line.mistake in RECORDS:
        return sentence(said(line.mistake, language).title)
    return printable(line.cause or line.message)


def _counts(lines: Sequence[SummaryLine]) -> list[tuple[str, str, int]]:
    """(tone, words, how many), the right ones first."""
    kinds = Counter(_kind(line) for line in lines)
    words = {"good": "right", "bad": "wrong", "open": "not proved", "none": "not readable"}
    return [(kind, text, kinds[kind]) for kind, text in words.items() if kinds[kind]]


def _kind(line: SummaryLine) -> str:
    return tone(line.outcome) if line.outcome else "none"


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    from markupsafe import Markup

    environment = environment_of(_TEMPLATES)
    style, script = ((_TEMPLATES / name).read_text("utf-8").strip() for name in ("marks.css", "marks.js"))
    policy = f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    environment.globals |= {"style": Markup(style), "script": Markup(script), "policy": policy}
    environment.globals |= {"kind_of": _kind, "sign_of": _sign}
    environment.filters["printable"] = printable
    return environment.get_template("marks.html.j2")


def _sign(line: SummaryLine) -> str:
    status: Status | None = line.outcome
    return mark(status) if status else "?"


def _digest(text: str) -> str:
    """What the page's policy lets run, and nothing else."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
