"""A letter to whoever handed something in: what is wrong, on which line, and what to do; in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from gradient_diff.guide.words import RECORDS, Language, said
from gradient_diff.names import node_words
from gradient_diff.render import code_words as words
from gradient_diff.render.causes import equations_of, sentence, shown
from gradient_diff.render.code_markdown import fenced
from gradient_diff.render.folder import GUIDE
from gradient_diff.render.sheet import escape, ticked
from gradient_diff.render.summary import SummaryLine
from gradient_diff.result.code import Finding
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.findings import Cause
from gradient_diff.result.status import Status
from gradient_diff.wording import printable
from manual_mlp.extend import variable_of

WORDS: dict[str, tuple[str, str]] = {
    "right": (
        "All of your gradients are right: every difference is no larger than rounding explains.",
        "기울기가 모두 맞습니다. 차이는 모두 반올림 오차 안에 있습니다.",
    ),
    "kink": (
        "Your gradients are right. They differ only at a kink, where any slope between the two sides is right.",
        "기울기가 맞습니다. 꺾이는 점에서만 다르고, 거기서는 양쪽 기울기 사이의 어떤 값도 맞습니다.",
    ),
    "unproved": (
        "On these data some rows prove nothing, so that nobody can say more of them: {}.",
        "이 데이터로는 판단할 수 없는 행이 있습니다: {}.",
    ),
    "open": ("It cannot be said whether your gradients are right.", "기울기가 맞는지 판단할 수 없습니다."),
    "convention": (
        "Your gradients follow another convention, which is no mistake:",
        "다른 관례를 따랐을 뿐, 실수는 아닙니다:",
    ),
    "one": ("One thing is wrong:", "틀린 곳이 하나 있습니다:"),
    "more": ("{} things are wrong, and show at the same time:", "틀린 곳이 {}군데 있고, 동시에 나타납니다:"),
    "unknown": (
        "Something is wrong from {} on, and it is none of the mistakes that are known.",
        "{}부터 틀렸습니다. 알려진 실수 가운데 어느 것도 아닙니다.",
    ),
    "missing": ("A gradient is missing, or has another name: {}.", "빠졌거나 이름이 다른 기울기가 있습니다: {}."),
    "rename": (
        "By their shapes these are the same: {}. Rename yours.",
        "모양으로 보면 서로 같은 배열입니다: {}. 이름을 바꾸세요.",
    ),
    "shape": ("A shape does not fit, in {}:", "모양이 맞지 않습니다, {}:"),
    "nonfinite": ("There are values that are NaN or Inf, in {}:", "NaN이나 Inf가 있습니다, {}:"),
    "unread": ("What you handed in could not be compared.", "제출한 파일을 비교할 수 없었습니다."),
    "where": ("Where", "어디서"),
    "do": ("What to do", "고치는 법"),
    "change": (
        "This change was tried, and makes every gradient match:",
        "이렇게 고치면 모든 기울기가 맞습니다(실행해 봄):",
    ),
    "look": ("Look it up", "더 보기"),
    "guide": ("the field guide", "현장 안내서"),
    "report": ("The report with all numbers", "모든 숫자가 있는 보고서"),
}
"""Part of a letter → its words in English and in Korean."""


def letter(line: SummaryLine, diff: GradientDiff | None, language: Language = "en") -> str:
    """The letter about one file, as Markdown; without a diff it says why the file could not be compared."""
    parts = [f"# {escape(printable(line.file.replace(chr(92), '/').rpartition('/')[2]))}"]
    if diff is None:
        parts += [_words("unread", language), ticked(line.message)]
    else:
        parts += _body(diff, language)
    if line.report:
        parts.append(f"{_words('report', language)}: [{escape(line.report)}](../{line.report})")
    return "\n\n".join(parts) + "\n"


def _words(part: str, language: Language, *values: object) -> str:
    return WORDS[part][language == "ko"].format(*values)


def _body(diff: GradientDiff, language: Language) -> Iterator[str]:
    causes = shown(diff)
    if diff.verdict.bad and causes:
        yield _heading(diff, causes, language)
        for cause in causes:
            yield "\n".join(_cause(cause, language))
    elif diff.verdict in _AT_ONCE:
        yield from _at_once(diff, language)
    elif diff.verdict.bad:
        yield _words("unknown", language, escape(node_words(diff.culprit or diff.rows[0].name)))
        yield escape(diff.unexplained or diff.meaning(diff.verdict).advice)
    else:
        part = {Status.INCONCLUSIVE: "open", Status.VACUOUS: "open", Status.KINK: "kink"}.get(diff.verdict, "right")
        yield _words(part, language)
        if part == "open":
            yield escape(diff.meaning(diff.verdict).advice)
    if diff.unproved:
        yield _words("unproved", language, escape(", ".join(diff.unproved)))
    for finding in words.findings_of(diff):
        yield from _finding(finding, language)


_AT_ONCE = {Status.MISSING: "missing", Status.SHAPE: "shape", Status.NONFINITE: "nonfinite"}


def _at_once(diff: GradientDiff, language: Language) -> Iterator[str]:
    """What is seen before any value is: of missing arrays, under which name they may be there."""
    off = [row for row in diff.rows if row.status is diff.verdict]
    if diff.verdict is Status.MISSING:
        lost = [variable_of(row.name) for row in off if row.shape_hand is None]
        yield _words("missing", language, escape(", ".join(lost or [row.name for row in off])))
        if pairs := renames(diff):
            yield _words("rename", language, escape(", ".join(f"{his} → {ours}" for his, ours in pairs)))
        return
    yield _words(_AT_ONCE[diff.verdict], language, escape(node_words(off[0].name)))
    yield escape(off[0].reason)


def renames(diff: GradientDiff) -> list[tuple[str, str]]:
    """(a name that only the hand has, the one of that shape that it lacks), where the shapes leave no choice."""
    missing = [row for row in diff.rows if row.status is Status.MISSING]
    lost = {variable_of(row.name): row.shape_reference for row in missing if row.shape_hand is None}
    extra = {row.name: row.shape_hand for row in missing if row.shape_reference is None}
    shapes = [*lost.values(), *extra.values()]
    return [(his, ours) for his, a in extra.items() for ours, b in lost.items() if a == b and shapes.count(a) == 2]


def _heading(diff: GradientDiff, causes: list[Cause], language: Language) -> str:
    if all(cause.convention for cause in diff.causes):
        return _words("convention", language)
    return _words("one", language) if len(causes) == 1 else _words("more", language, len(causes))


def _cause(cause: Cause, language: Language) -> Iterator[str]:
    """Title, equations and cure; the sentence of the diagnosis where the guide has no words."""
    known = RECORDS.get(cause.id)
    title = said(cause.id, language).title if known else sentence(cause.message)
    where = f" ({cause.layer})" if cause.layer else ""
    yield f"**{escape(sentence(title))}**{escape(where)}"
    for label, text in equations_of(cause):
        yield f"- {label}: `{printable(text)}`" if "`" not in text else f"- {label}: {escape(text)}"
    fact = sentence(cause.message.removesuffix(cause.cure).strip())
    if known and fact and language == "en":
        yield f"- {ticked(fact)}"
    if known:
        yield f"- **{_words('do', language)}**: {escape(said(cause.id, language).cure)}"
        page = f"[{_words('guide', language)}](../{GUIDE}/{cause.id}.html)"
        yield f"- {_words('look', language)}: {page}, `gradient-diff explain {cause.id}`"


def _finding(finding: Finding, language: Language) -> Iterator[str]:
    yield f"**{_words('where', language)}**: {escape(words.where(finding))}"
    if language == "en":
        yield ticked(words.says(finding))
    if finding.fix:
        yield _words("change", language)
        yield "\n".join(fenced((f"{sign}{printable(text)}" for _, sign, text in words.fix_lines(finding)), "diff"))
