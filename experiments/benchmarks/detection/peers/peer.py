"""What a peer is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np

from experiments.benchmarks.detection.peers.energy import Energy
from manual_mlp import Array

REFUSALS = (AssertionError, ValueError, TypeError, RuntimeError)
"""What libraries raise at a gradient that they will not have: a wrong value, a wrong shape."""


@dataclass(frozen=True, eq=False)
class Question:
    """Is this the gradient of that E?

    Attributes:
        hand: parameter name → the gradient under test; its shape may be wrong, too.
        reference: parameter name → the tape's gradient.
        energy: E itself.

    Example:
        >>> from manual_mlp import MLP, Dense
        >>> mlp = MLP(1, [Dense(1)])
        >>> e = mlp.backpropagate(mlp.initialize(0), np.ones((2, 1)), np.ones((2, 1)), "mse")
        >>> [h.shape for h, _ in Question(e.gradients, e.gradients, Energy(e.problem)).pairs]
        [(1, 1), (1,)]
    """

    hand: Mapping[str, Array]
    reference: Mapping[str, Array]
    energy: Energy

    @cached_property
    def pairs(self) -> list[tuple[Array, Array]]:
        """(hand, reference) of each parameter."""
        return [(np.array(self.hand[n]), np.array(self.reference[n])) for n in self.energy.names]

    @cached_property
    def gradients(self) -> list[Array]:
        """The gradients under test, in the order of E's parameters."""
        return [hand for hand, _ in self.pairs]


Check: TypeAlias = Callable[[Question], bool]
"""Whether this tool accepts it."""


@dataclass(frozen=True)
class Peer:
    """One tool.

    Attributes:
        name: of the function, as its library has it, or of the rule.
        rule: its own defaults; where it gives a number and no verdict, the cut-off used.
        looks_at: the tape's arrays, or E itself.
        load: imports the library and gives the check; raises ImportError where it is not installed.

    Example:
        >>> Peer("np.allclose", "rtol 1e-5, atol 1e-8", "arrays", lambda: lambda question: True).looks_at
        'arrays'
    """

    name: str
    rule: str
    looks_at: Literal["arrays", "E"]
    load: Callable[[], Check]


def accepts(check: Check, question: Question) -> bool:
    """Whether a tool accepts a gradient; one that raises does not.

    Example:
        >>> accepts(lambda question: 1 / len([]) > 0, None)
        Traceback (most recent call last):
        ZeroDivisionError: division by zero
    """
    try:
        return check(question)
    except REFUSALS:
        return False
