"""The words of the guide in either language: titles and cures of the records, and what stands above its parts."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from gradient_diff.diagnosis.catalogue import CONVENTIONS, MISTAKES
from gradient_diff.diagnosis.mistake import Mistake
from gradient_diff.diagnosis.settings import SETTINGS
from gradient_diff.guide.korean import KOREAN

Language: TypeAlias = Literal["en", "ko"]

RECORDS: dict[str, Mistake] = {**MISTAKES, **SETTINGS, **CONVENTIONS}
"""All that `explain` knows, in the order of the list."""


class Said(NamedTuple):
    """What was done, and what to do."""

    title: str
    cure: str


LABELS: dict[str, tuple[str, str]] = {
    "what to do": ("What to do", "고치는 법"),
    "why": ("Why people make it", "왜 이렇게 하게 되나"),
    "formula": ("The right formula", "올바른 식"),
    "code": ("In NumPy", "NumPy로 쓰면"),
    "numbers": ("How it looks in the numbers", "숫자에서 보이는 모습"),
    "alike": ("What looks like it", "비슷해 보이는 것"),
    "met": ("Where it was met", "실제로 나온 곳"),
}
"""Part of a page → its heading in English and in Korean."""


def said(name: str, language: Language = "en") -> Said:
    """Title and cure of a record."""
    record = RECORDS[name]
    return Said(*KOREAN[name]) if language == "ko" else Said(record.title, record.cure)


def label(part: str, language: Language = "en") -> str:
    """What stands above a part."""
    return LABELS[part][language == "ko"]
