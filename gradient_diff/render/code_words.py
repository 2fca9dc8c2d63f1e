"""What a finding says, in words; terminal, Markdown and HTML say the same."""

from __future__ import annotations

from gradient_diff.render.causes import sentence
from gradient_diff.render.code_lines import Mark
from gradient_diff.result.blaming import in_short
from gradient_diff.result.code import Caller, Code, Finding
from gradient_diff.result.diff import GradientDiff

HEADING = "Where it is wrong"
LISTING = "What each line is"
LEGEND = ", ".join(f"{mark.sign or 'no sign'}: {mark.meaning}" for mark in Mark)
MOST_OTHERS = 8  # findings after the first, in short
_MOST_CALLERS = 5


def findings_of(diff: GradientDiff) -> tuple[Finding, ...]:
    """The expressions to blame, the first one first; none where no code was handed over."""
    return diff.code.findings if diff.code else ()


def silence(diff: GradientDiff) -> str:
    """Why no line is named, in one sentence, where rows are off; else empty."""
    code = diff.code
    if code is None or code.findings or not code.silent or not any(row.status.bad for row in diff.rows):
        return ""
    return f"{sentence(code.silent).rstrip('.')}."


def one_line(expression: str) -> str:
    """An expression that may stand on several lines."""
    return " ".join(expression.split())


def where(finding: Finding) -> str:
    """`net.py:33, in gradients`."""
    return f"{finding.place}, in {finding.function}" if finding.function else finding.place


def should_be(finding: Finding) -> str:
    """What belongs there, in a few words; beside the carets."""
    return f"should be {finding.what}"


def says(finding: Finding) -> str:
    """What the expression is and should be, in a sentence, with code between backticks."""
    return finding.message or f"{in_short(finding.text)} {should_be(finding)}."


def in_a_line(finding: Finding) -> str:
    """A finding after the first."""
    return f"{finding.place}: {in_short(finding.text)} {should_be(finding)}"


def more_others(code: Code) -> str:
    """How many findings are not told in short; empty where all are."""
    left = len(code.findings) - 1 - MOST_OTHERS
    return f"and {left} more" if left > 0 else ""


def healed(finding: Finding) -> str:
    """What becomes right with the right value there; empty where nothing is known of it."""
    return f"With the right value there, these gradients are right: {', '.join(finding.healed)}." * bool(finding.healed)


def fix_title(finding: Finding) -> str:
    """What stands above the fix; empty where none was proved."""
    if not finding.fix:
        return ""
    return f"fix ({finding.tried}):" if finding.tried else "fix:"


def fix_lines(finding: Finding) -> list[tuple[str, str, str]]:
    """The fix, line by line: what kind it is (old, new, head or same), its sign, and its text."""
    lines = finding.fix.split("\n")
    lines = lines[:-1] if lines[-1] == "" else lines
    begin = next((place for place, line in enumerate(lines) if line.startswith("@@")), 0)
    return [("head" if place < begin else _kind(line), line[:1], line[1:]) for place, line in enumerate(lines)]


def _kind(line: str) -> str:
    """Behind the names of the files, where a line that was removed may begin with dashes itself."""
    return {"-": "old", "+": "new", "@": "head"}.get(line[:1], "same")


def called_from(finding: Finding) -> list[str]:
    """Whoever called the function, the innermost first; of very many the first."""
    texts = [_caller(caller) for caller in finding.callers[:_MOST_CALLERS]]
    left = len(finding.callers) - _MOST_CALLERS
    return [*texts, *([f"and {left} more"] if left > 0 else [])]


def _caller(caller: Caller) -> str:
    inside = f", in {caller.function}" if caller.function else ""
    return f"called from {caller.place}{inside}{f': {in_short(caller.text)}' if caller.text else ''}"
