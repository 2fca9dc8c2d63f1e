"""Our equations, which are plain text everywhere else, as MathML.

`dE/dz_prev = δ Wᵀ` stays readable as text and becomes fractions, indices and roots here; there is no second spelling
of a formula.
"""

from __future__ import annotations

import re
from html import escape

_NAME = re.compile(r"(?:[^\W\d_ᵀ²]\u0302?)+")
_NUMBER = re.compile(r"½|\d+(?:\.\d+)?(?:e-?\d+)?")
_FOOT = re.compile(r"_([^\Wᵀ²]+)")
_RAISED = {"ᵀ": "⊤", "²": "2", "′": "′"}
_CLOSING = {"(": ")", "[": "]", "|": "|"}


def to_mathml(equation: str) -> str:
    """The equation as a `<math>` element; ValueError of brackets that do not close."""
    return f'<math display="block">{_Reader(equation).row(until="")}</math>'


class _Reader:
    """A reader of one equation, from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def row(self, until: str) -> str:
        """All up to a closing bracket, which is taken, or up to the end."""
        parts: list[str] = []
        while self.place < len(self.text):
            if until and self._take(until):
                return f"<mrow>{''.join(parts)}</mrow>"
            part = self._thing()
            if self._take("/"):
                part = f"<mfrac>{_bare(part)}{_bare(self._denominator())}</mfrac>"
            parts.append(part)
        if until:
            raise ValueError(f"{self.text}: a bracket is not closed, {until} is missing.")
        return f"<mrow>{''.join(parts)}</mrow>"

    def _take(self, sign: str) -> bool:
        taken = self.text.startswith(sign, self.place)
        self.place += len(sign) * taken
        return taken

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.place)
        self.place = found.end() if found else self.place
        return found

    def _denominator(self) -> str:
        """One thing; of a sum also what is summed."""
        is_sum = self.text.startswith("Σ", self.place)
        first = self._thing()
        return f"<mrow>{first}{self._thing()}{self._thing()}</mrow>" if is_sum else first

    def _thing(self) -> str:
        """A name with foot, head and arguments, a number, a bracket, a root or a sign."""
        if self._take(" "):
            return '<mspace width="0.2em"></mspace>'
        if found := self._match(_NUMBER):
            return self._ended(f"<mn>{found[0]}</mn>")
        if self._take("√("):
            return f"<msqrt>{self.row(until=')')}</msqrt>"
        if found := self._match(_NAME):
            return self._named(found[0])
        sign = self.text[self.place]
        self.place += 1
        if sign in _CLOSING:
            inside, closing = self.row(until=_CLOSING[sign]), _CLOSING[sign]
            bracket = f'<mrow><mo stretchy="false">{sign}</mo>{inside}<mo stretchy="false">{closing}</mo></mrow>'
            return self._ended(bracket)
        return self._ended(f"<mo>{escape(sign)}</mo>") if sign == "Σ" else f"<mo>{escape(sign)}</mo>"

    def _named(self, name: str) -> str:
        """`dz` is d and z; what stands in brackets right behind a name is its argument."""
        bare = name.replace("\u0302", "")
        differential = len(bare) == 2 and name.startswith("d")
        made = self._ended(_letters(name[1:] if differential else name))
        if len(bare) > 2:
            made += '<mspace width="0.2em"></mspace>' * (not self.text.startswith("(", self.place))
        if differential:
            made = f"<mrow><mi>d</mi>{made}</mrow>"
        if self.text.startswith("(", self.place) or (name == "d" and self.text.startswith("|", self.place)):
            made = f"<mrow>{made}{self._thing()}</mrow>"
        return made

    def _ended(self, base: str) -> str:
        """With `_prev` and `[n, i]` at its foot, and ᵀ, ² or ′ at its head."""
        feet = []
        if found := self._match(_FOOT):
            feet.append(_letters(found[1]))
        head = self._head()
        if not base.endswith("</mrow>") and self._take("["):
            feet.append(self.row(until="]"))
        head += self._head()
        foot = f"<mrow>{'<mo>,</mo>'.join(feet)}</mrow>" if feet else ""
        if foot and head:
            return f"<msubsup>{base}{foot}<mrow>{head}</mrow></msubsup>"
        return f"<msub>{base}{foot}</msub>" if foot else f"<msup>{base}<mrow>{head}</mrow></msup>" if head else base

    def _head(self) -> str:
        signs = ""
        while (sign := self.text[self.place : self.place + 1]) in _RAISED:
            signs += f"<mo>{_RAISED[sign]}</mo>"
            self.place += 1
        return signs


def _letters(name: str) -> str:
    """A letter, one with a hat, or a word."""
    if name.endswith("\u0302") or name == "ĝ":
        letter = name.removesuffix("\u0302").replace("ĝ", "g")
        return f'<mover accent="true"><mi>{letter}</mi><mo>^</mo></mover>'
    return f"<mi>{name}</mi>"


def _bare(part: str) -> str:
    """What stands in a fraction needs no brackets round all of it."""
    opening, closing = '<mrow><mo stretchy="false">(</mo>', '<mo stretchy="false">)</mo></mrow>'
    inside = part.removeprefix(opening).removesuffix(closing)
    whole = part.startswith(opening) and part.endswith(closing) and opening not in inside
    return inside if whole else f"<mrow>{part}</mrow>"
