"""Causes in words; terminal, Markdown and HTML show the same."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence

from gradient_diff.diagnosis.catalogue import CONVENTIONS, MISTAKES
from gradient_diff.diagnosis.settings import SETTINGS
from gradient_diff.render.sheet import escape
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.findings import Cause
from gradient_diff.wording import printable, sigmas
from manual_mlp.extend import GATE

_KNOWN = {**MISTAKES, **SETTINGS, **CONVENTIONS}  # what the field guide has a page of


def heading(diff: GradientDiff) -> str:
    """What stands above the causes; empty where there are none."""
    if diff.causes and all(cause.convention for cause in diff.causes):
        return "Another convention, not a mistake"
    return "What is wrong" if diff.causes or diff.unexplained else ""


def title_of(cause: Cause) -> str:
    """What was done, in a few words; empty where neither it nor the list of mistakes says."""
    record = _KNOWN.get(cause.id)
    return cause.title or (record.title if record else "")


def name(cause: Cause) -> str:
    """What was done and where, in a few words."""
    title = title_of(cause)
    where = f", in {cause.layer}" if cause.layer else ""
    if not title:
        return f"{sentence(cause.id.replace('_', ' '))}{where}"
    return f"{sentence(title)}{where} ({cause.id}{', a convention' if cause.convention else ''})"


def located(cause: Cause) -> str:
    """What was done and where, with the line in the user's code where it is known."""
    return f"{name(cause)} · {cause.finding.place}" if cause.finding else name(cause)


def shown(diff: GradientDiff) -> list[Cause]:
    """The causes but for look-alikes, which fold under the one that they cannot be told from."""
    kept: list[Cause] = []
    for cause in diff.causes:
        if cause.together or not any(cause.id in other.same_as and not other.together for other in kept):
            kept.append(cause)
    return kept


def named(causes: Iterable[Cause]) -> list[str]:
    """The mistakes that the field guide has a page of: those that are named, what acts with them, what looks alike."""
    names = (name for cause in causes for name in (cause.id, *cause.together, *cause.same_as))
    return [name for name in dict.fromkeys(names) if name in _KNOWN]


def notes(cause: Cause, linked: Collection[str] = ()) -> list[str]:
    """How sure it is, what it may be taken for, and where to look it up unless a link to its page says so."""
    both = "it" if not cause.together else f"it and {', '.join(cause.together)}, which acts at the same time,"
    undone = f"With {both} undone {sigmas(cause.residual)} σ are left; up to {GATE:g} σ are rounding."
    alike = f"These data cannot tell it from {', '.join(cause.same_as)}; {cause.tell_apart} may."
    more = f"Example and look-alikes: gradient-diff explain {cause.id}"
    shown = (not math.isnan(cause.residual), bool(cause.same_as), cause.id in _KNOWN and cause.id not in linked)
    return [text for text, show in zip((undone, alike, more), shown, strict=True) if show]


def to_lines(diff: GradientDiff) -> list[str]:
    """The causes as a numbered list in Markdown."""
    lines = []
    for place, cause in enumerate(shown(diff), 1):
        lines.append(f"{place}. **{escape(located(cause))}**: {escape(sentence(cause.message))}")
        lines.extend(f"   - {label}: {_code(text)}" for label, text in equations_of(cause))
        lines.extend(f"   - {escape(note)}" for note in notes(cause))
    return [*lines, *([escape(diff.unexplained)] if diff.unexplained else [])]


def equations_of(cause: Cause) -> Sequence[tuple[str, str]]:
    """The equation as it was written and as it should be, as far as they are known."""
    labels = ("yours", "the reference's") if cause.convention else ("written", "right")
    return [(label, text) for label, text in zip(labels, (cause.written, cause.right), strict=True) if text]


def sentence(text: str) -> str:
    """With a capital, unless it begins with a formula or a layer's name."""
    word, _, rest = text.partition(" ")
    plain = word.isascii() and word.isalpha() and (len(word) > 1 or word == "a") and not rest.startswith("=")
    return text[0].upper() + text[1:] if plain else text


def _code(text: str) -> str:
    """An equation as code; one with a backtick in it, which no equation of ours has, as text."""
    return escape(text) if "`" in text else f"`{printable(text)}`"
