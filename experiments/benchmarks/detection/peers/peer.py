"""What a peer is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np

from experiments.benchmarks.detection.peers.energy import Energy
from manual_mlp import Array
from manual_mlp.extend import Arrays

REFUSALS = (AssertionError, ValueError, TypeError, RuntimeError)
"""What libraries raise at a gradient that they will not have: a wrong value, a wrong shape."""


@dataclass(frozen=True, eq=False)
class HandAndTape:
    """Is this the gradient of that E?"""

    hand: Arrays  # parameter name → the gradient under test; its shape may be wrong, too
    reference: Arrays  # parameter name → the tape's gradient
    energy: Energy  # E itself

    @cached_property
    def pairs(self) -> list[tuple[Array, Array]]:
        """(hand, reference) of each parameter."""
        return [(np.array(self.hand[n]), np.array(self.reference[n])) for n in self.energy.names]

    @cached_property
    def gradients(self) -> list[Array]:
        """The gradients under test, in the order of E's parameters."""
        return [hand for hand, _ in self.pairs]


Check: TypeAlias = Callable[[HandAndTape], bool]
"""Whether this tool accepts it."""


@dataclass(frozen=True)
class Peer:
    """One tool."""

    name: str  # of the function, as its library has it, or of the rule
    rule: str  # its own defaults; where it gives a number and no verdict, the cut-off used
    looks_at: Literal["arrays", "E"]  # the tape's arrays, or E itself
    load: Callable[[], Check]  # imports the library and gives the check; raises ImportError where it is not installed


def accepts(check: Check, question: HandAndTape) -> bool:
    """Whether a tool accepts a gradient; one that raises does not."""
    try:
        return check(question)
    except REFUSALS:
        return False
