"""What a row or a whole diff can come to: an enum whose members carry message, advice, gravity and exit code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from html import escape


class _InACell:
    """What a notebook shows of a member; Enum takes such a name from a class above alone."""

    def _repr_html_(self) -> str:
        assert isinstance(self, Status)
        return f"<p><strong>{self.name}</strong>: {escape(self.message)}. {escape(self.advice)}</p>"


class Status(_InACell, Enum):
    """The outcome of a comparison, gravest first; VACUOUS decides only where nothing is MATCH.

    Attributes:
        message: what it means.
        advice: what to do about it.
        exit_code: 0 proved right, 1 something is wrong or different, 2 nothing could be proved.
        ok: MATCH, proved right.
        bad: something is wrong or different.

    Example:
        >>> Status.MATCH.exit_code, Status.SHAPE.message
        (0, 'the two sides have different shapes')
    """

    SHAPE = ("the two sides have different shapes", "Its row says what came, what was expected, and what would fit.", 1)
    MISSING = ("one side has no array of this name", "Rename it, or compute what is missing.", 1)
    NONFINITE = ("one side holds NaN or Inf", "Look for an overflow at the first such row.", 1)
    MISMATCH = ("the hand derivation is wrong", "Check the equation of the first row that is off.", 1)
    REFERENCE_OFF = (
        "the reference is the one that is off",
        "Check the reference's dtype, loss object and clipping.",
        1,
    )
    DIFFERENT = ("more than rounding explains", "Check the equation of the first row that is off.", 1)
    INCONCLUSIVE = (
        "nothing says how much rounding to expect",
        "Name the noise: a float64 set, a second run, or rtol=.",
        2,
    )
    KINK = ("they differ only through units at a kink", "Any subgradient is right there; move the data a little.", 0)
    MATCH = ("the difference is no larger than rounding explains", "Nothing to do.", 0)
    VACUOUS = (
        "both are zero or lost in rounding noise: proves nothing",
        "Each row says why: other data or weights, or float64, would prove it.",
        2,
    )

    def __init__(self, message: str, advice: str, exit_code: int) -> None:
        self.message = message
        self.advice = advice
        self.exit_code = exit_code
        self.bad = exit_code == 1
        self.ok = self._name_ == "MATCH"

    def __repr__(self) -> str:
        return f"<{type(self).__name__}.{self.name}: {self.message}>"


@dataclass(frozen=True)
class Meaning:
    """What a status means in a comparison in which its own words do not fit.

    Attributes:
        message: what it means.
        advice: what to do about it.
    """

    message: str
    advice: str


def gravest(statuses: Iterable[Status]) -> Status:
    """The verdict over rows: the gravest status; with no rows at all, nothing was proved.

    Example:
        >>> gravest([Status.VACUOUS, Status.MATCH, Status.KINK]).name
        'KINK'
    """
    order = list(Status)
    return min(statuses, key=order.index, default=Status.VACUOUS)
