"""A penalty's gradient in the user's own words: λ by the number that he has of it, N by his batch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from gradient_diff.source.frames import Own
from gradient_diff.source.known import Known
from gradient_diff.source.scaling import sizes
from manual_mlp.extend import Penalty

SAME = 1e-12  # of a number that was typed twice, perhaps once as its double


def spelled_penalty(penalty: Penalty, arrays: Sequence[str], own: Sequence[Own], known: Known) -> Iterator[str]:
    """Its gradient by each of these names of what is penalised."""
    batches: list[str | None] = (
        [text for text, value in sizes(own, known) if value == known.batch] if penalty.mean else []
    )
    for array in arrays:
        for batch in dict.fromkeys([*batches, None]):
            yield penalty.numpy(array, lambda value: _number(value, own), batch)


def _number(value: float, own: Sequence[Own]) -> str:
    """A name of his that holds it, or half of it; else its digits."""
    held = [(name.text, float(name.value)) for name in own if name.value.ndim == 0 and name.value.dtype.kind == "f"]
    whole = [text for text, number in held if math.isclose(number, value, rel_tol=SAME)]
    half = [f"2 * {text}" for text, number in held if math.isclose(2 * number, value, rel_tol=SAME)]
    return next(iter((*whole, *half)), repr(value))
