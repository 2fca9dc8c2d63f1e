"""What a page says first: its title, which is the cause, and what is wrong, where, and what to change."""

from __future__ import annotations

import re

from gradient_diff.names import node_words
from gradient_diff.render.causes import sentence, title_of
from gradient_diff.result.code import Finding
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.findings import Cause
from gradient_diff.result.row import Row
from gradient_diff.result.status import Status
from gradient_diff.wording import printable, shape

_LONGEST = 110  # of a title
_MOST = 8  # rows that a page names first
_TOLD_BY_ROW = (Status.SHAPE, Status.MISSING, Status.NONFINITE, Status.REFERENCE_OFF)  # whatever the cause is

MOST_SAID = 240  # letters of a remark above what is wrong, where and what to change


def headline(diff: GradientDiff) -> str:
    """The cause in one line, as a title; without control characters, and cut where it is very long."""
    words = printable(_headline(diff))
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"


def _headline(diff: GradientDiff) -> str:
    count = len(diff.rows)
    if diff.outcome is Status.MATCH:
        return f"Right: all {count} arrays match" if count > 1 else "Right: the array matches"
    if diff.outcome is Status.VACUOUS:
        return f"Not proved: {len(diff.unproved)} of {count} arrays prove nothing" if count else "Not proved: no arrays"
    row = diff[diff.culprit] if diff.culprit else None
    if diff.verdict.bad and diff.causes and diff.verdict not in _TOLD_BY_ROW:
        return _of_cause(diff.causes[0])
    if diff.verdict.bad and row is not None:
        return _of_row(diff, next(r for r in diff.rows if r.status is diff.verdict))
    return {
        Status.KINK: "At a kink: any subgradient is right there",
        Status.INCONCLUSIVE: "Not judged: nothing says how much is rounding",
    }.get(diff.verdict, diff.verdict.name)


def _of_cause(cause: Cause) -> str:
    """What was written and what must be, where both are known; else the title of the mistake."""
    if cause.convention:
        return f"No mistake: {title_of(cause) or cause.id.replace('_', ' ')}"
    where = f"Wrong in {cause.layer}" if cause.layer else "Wrong"
    if cause.written and cause.right and len(cause.written) + len(cause.right) < 70:
        right = cause.right
        left, sign, rest = cause.right.partition(" = ")
        if sign and cause.written.startswith(f"{left} = "):
            right = rest
        return f"{where}: {cause.written}, must be {right}"
    return f"{where}: {title_of(cause) or cause.message}"


def _of_row(diff: GradientDiff, row: Row) -> str:
    what = node_words(row.name)
    if diff.verdict is Status.SHAPE:
        return f"Wrong shape: {what} is {shape(row.shape_hand)}, must be {shape(row.shape_reference)}"
    if diff.verdict is Status.MISSING:
        side = "the hand" if row.shape_hand is None else "the reference"
        return f"Missing: {side} has no {what}"
    if diff.verdict is Status.NONFINITE:
        return f"NaN or Inf in {what}"
    if diff.verdict is Status.REFERENCE_OFF:
        return f"The reference is off, first at {what}"
    line = _first_finding(diff)
    if line is not None:
        return f"Wrong at {line.place}: {line.what} belongs there"
    verb = "Wrong" if diff.verdict is Status.MISMATCH else "Different"
    return f"{verb} from {what} on: no known mistake explains it"


def what_is_wrong(diff: GradientDiff) -> str:
    """One sentence."""
    if diff.causes:
        return sentence(diff.causes[0].message)
    if diff.unexplained:
        return sentence(diff.unexplained)
    row = diff[diff.culprit] if diff.culprit else None
    return sentence(f"{row.reason}." if row else f"{diff.meaning(diff.outcome).message}.")


def finding_of(diff: GradientDiff) -> Finding | None:
    """The line to look at: that of the first cause, else the first that is to blame."""
    own = [cause.finding for cause in diff.causes[:1] if cause.finding]
    return own[0] if own else _first_finding(diff)


def _first_finding(diff: GradientDiff) -> Finding | None:
    return diff.code.findings[0] if diff.code and diff.code.findings else None


def where(diff: GradientDiff) -> list[Row]:
    """The rows to look at: the first that is off in the cause's layer, or of the verdict, and the first of all."""
    off = [row for row in diff.rows if row.status.bad]
    layer = diff.causes[0].layer if diff.causes else ""
    there = [row for row in off if row.layer == layer] if layer else [r for r in off if r.status is diff.verdict]
    both = [*there[:1], *(row for row in off if row.name == diff.culprit)]
    return list(dict.fromkeys(both)) if off else [row for row in diff.rows if not row.status.ok][:_MOST]


def what_to_change(diff: GradientDiff) -> list[str]:
    """The advice that the verdict brings, and the cure of the first cause where that is another; with N and K of it."""
    cures = [cause.cure for cause in diff.causes[:1] if cause.cure]
    advice = diff.meaning(diff.outcome).advice
    texts = list(dict.fromkeys(sentence(text) for text in [*(c for c in cures if c not in advice), advice]))
    told = [what_is_wrong(diff), *(text for cause in diff.causes for text in (cause.written, cause.right)), *texts]
    return [*texts, *_sizes(diff, told)]


def remarks(diff: GradientDiff) -> tuple[str, list[list[str]]]:
    """The remark as it is where it is short; else its first sentence, and the others, each as the items of its list."""
    if len(diff.remark) <= MOST_SAID:
        return diff.remark, []
    first, *rest = re.split(r"(?<=\.) (?=[A-Z])", diff.remark)
    return first, [sentence.split("; ") for sentence in rest]


def _sizes(diff: GradientDiff, texts: list[str]) -> list[str]:
    """What the letters N and K are here, if these texts have them and the network is known."""
    if diff.problem is None:
        return []
    known = {"N": ("samples", diff.problem.batch), "K": ("outputs", diff.problem.mlp.units[-1])}
    used = [n for n in known if any(re.search(rf"(?<![^\W_]){n}(?![^\W_])", text) for text in texts)]
    said = " and ".join(f"{name} = {known[name][1]} {known[name][0]}" for name in used)
    return [f"In this run {said}."] if said else []
