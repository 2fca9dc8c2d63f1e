"""A value that is made step by step, spelled in the user's own words: his names where he has them, else their steps."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gradient_diff.source.frames import Own
from gradient_diff.source.ladder import Ladder
from gradient_diff.source.steps import Step

MOST_SPELLINGS = 3  # of one operand
MOST_DEPTH = 6


def spelled(node: str, own: Sequence[Own], ladder: Ladder, numbers: dict[str, float]) -> Iterator[str]:
    """Every way that is not too long, by the steps of the node."""
    words = _Words(own, ladder, numbers)
    for step in ladder.steps.get(node, ()):
        yield from words.of_step(step, 0)


@dataclass(frozen=True, eq=False)
class _Words:
    """What the user has, and what is made of what."""

    own: Sequence[Own]
    ladder: Ladder
    numbers: dict[str, float]

    def of_step(self, step: Step, depth: int) -> Iterator[str]:
        """Its spelling with each spelling of its operands."""
        operands = [list(itertools.islice(self.of(o, depth), MOST_SPELLINGS)) for o in step.operands]
        for texts in itertools.product(*operands):
            yield ast.unparse(ast.parse(step.written.spelling.format(*(f"({t})" for t in texts)), mode="eval"))

    def of(self, node: str, depth: int) -> Iterator[str]:
        """The user's names for it; if he has none, its steps."""
        if node in self.numbers:
            yield from self._of_number(self.numbers[node])
            return
        names = [o.text for o in self.own if o.name is not None and o.name.exact and node in o.name.nodes]
        yield from names
        if not names and depth < MOST_DEPTH:
            for step in self.ladder.steps.get(node, ()):
                yield from self.of_step(step, depth + 1)

    def _of_number(self, number: float) -> Iterator[str]:
        """His name for it, else the number, where it is none that a size explains."""
        yield from (
            o.text for o in self.own if not o.value.ndim and float(o.value) == number and not o.text[0].isdigit()
        )
        if number != int(number):
            yield f"{number:g}"
