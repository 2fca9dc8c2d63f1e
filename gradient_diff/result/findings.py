"""What is wrong, as data: the mistakes that explain a comparison, and the smallest case that still shows it."""

from __future__ import annotations

from dataclasses import dataclass

from gradient_diff.result.code import Finding
from manual_mlp import Evaluation, Problem, evaluation_of


@dataclass(frozen=True)
class Cause:
    """A mistake that explains the hand's arrays.

    Attributes:
        id: a key of `MISTAKES` or `CONVENTIONS`.
        layer: where; "" for everywhere.
        message: one sentence with the numbers, and the cure.
        written, right: the equation as it was written and as it should be.
        residual: what is left after undoing the mistake, in σ; 16 is what rounding explains.
        same_as: ids that the data cannot tell apart from it.
        together: ids of the mistakes that act at the same time; empty if this one alone explains the hand.
        tell_apart: the change of data that would.
        convention: it is no mistake, but another convention.
        title: what was done, in a few words; empty for that of its record in `MISTAKES`.
        cure: what to do; empty where only the message tells.
        asked: the message asks whether it is so.
        finding: the line in the user's code, where code was handed over and it was found.

    Example:
        >>> print(Cause("sign", "", "every gradient has the opposite sign", "", "", 0.5))
        sign: every gradient has the opposite sign
    """

    id: str
    layer: str
    message: str
    written: str
    right: str
    residual: float
    same_as: tuple[str, ...] = ()
    tell_apart: str = ""
    convention: bool = False
    together: tuple[str, ...] = ()
    title: str = ""
    cure: str = ""
    asked: bool = False
    finding: Finding | None = None

    @property
    def place(self) -> str:
        """What was done and where, in a few words."""
        return f"{self.title}, in {self.layer}" if self.title and self.layer else self.title

    def __str__(self) -> str:
        place = f"{self.id} in {self.layer}" if self.layer else self.id
        place = f"{place}, together with {', '.join(self.together)}" if self.together else place
        alike = ", ".join(self.same_as)
        more = f" (the data cannot tell it from {alike}; {self.tell_apart} may)" if alike else ""
        return f"{place}: {self.message}{more}"


@dataclass(frozen=True, eq=False)
class Smallest:
    """The smallest case found.

    Attributes:
        problem: network, parameters, x, y and loss of it.
        samples: which of the batch are left.
        whole: the problem it was cut from.
        tries: how often the derivation was called.
    """

    problem: Problem
    samples: tuple[int, ...]
    whole: Problem
    tries: int

    @property
    def evaluation(self) -> Evaluation:
        """Its right values and gradients, by hand: what a file of it holds."""
        return evaluation_of(self.problem)

    def __str__(self) -> str:
        which = f"sample{'s' * (len(self.samples) > 1)} {', '.join(map(str, self.samples))}"
        few = f" ({which})" if len(self.samples) <= 5 else ""
        small, large = (p.mlp.outline for p in (self.problem, self.whole))
        return f"Still wrong on batch {self.problem.batch}{few} and {small}, cut from {self.whole.batch} and {large}."


@dataclass(frozen=True)
class Findings:
    """What `explain` has to say of a comparison.

    Attributes:
        causes: the mistakes found, best first.
        unexplained: what can be seen, and where it sits, if rows are off and no known mistake explains them.
        smallest: the smallest case that still shows it, where the derivation could be called again.
    """

    causes: tuple[Cause, ...] = ()
    unexplained: str = ""
    smallest: Smallest | None = None
