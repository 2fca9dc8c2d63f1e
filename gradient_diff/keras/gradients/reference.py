"""The reference of a check: the model's gradients, with all that is known of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradient_diff.comparison import compare
from gradient_diff.diagnosis.idle import NO_PATH, without_effect
from gradient_diff.judging.zeros import BY_STRUCTURE
from gradient_diff.keras.gradients.options import Options
from gradient_diff.layouts.undoing import AS_GIVEN
from gradient_diff.noise.given import wider
from gradient_diff.noise.network import Noise
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.status import Meaning, Status
from gradient_diff.witnesses.complex_step import Asked
from manual_mlp import Array, Evaluation, gradient_node
from manual_mlp.extend import Arrays

MOST_TOLD = 4  # constants that a row names


@dataclass(frozen=True, eq=False)
class Rounded:
    """Constants that Keras holds in float32, and the gradients with the other of the two: exact or rounded."""

    held: tuple[float, ...]
    others: Arrays


def nearest_of(mine: Arrays, candidates: Sequence[Arrays]) -> int:
    """Which of several references most of a hand's arrays are nearest to; of equals the first."""
    votes = [0] * len(candidates)
    for name, array in mine.items():
        alike = [i for i, c in enumerate(candidates) if name in c and c[name].shape == array.shape]
        offs = {i: float(np.abs(array - candidates[i][name]).max(initial=0.0)) for i in alike}
        for i in offs:
            votes[i] += offs[i] == min(offs.values())
    return votes.index(max(votes))


@dataclass(frozen=True, eq=False)
class Reference:
    """The model's gradients, with the noise and the witness that are known of them.

    `origin` is who computed bare arrays; `doubt` says why they are no reference at all. `always_zero` tells which of
    some weights have a gradient of zero for any data, `unreached` are those that the tape has no path to, `off` names
    layers that give nothing but zeros.
    """

    given: Evaluation | Arrays
    noise: Noise | Arrays | None
    options: Options
    origin: str = ""
    witness: Asked | None = None
    sizes: tuple[int, int] | None = None
    rounded: Rounded | None = None
    doubt: str = ""
    always_zero: Callable[[set[str]], set[str]] | None = None
    unreached: frozenset[str] = frozenset()
    off: Callable[[], list[str]] = list

    def compared(self, mine: Evaluation | Arrays, hidden: Mapping[str, Array | float] | None = None) -> GradientDiff:
        """Against these; `hidden`, by weight, is what storing the weights hides of gradients inferred from a step."""
        noise, sizes = self.noise, self.options.sizes or self.sizes
        if hidden and isinstance(noise, Noise):
            by_node = isinstance(self.given, Evaluation)
            noise = wider(noise, {gradient_node(n) if by_node else n: b for n, b in hidden.items()})
        rtol, read = self.options.rtol, AS_GIVEN  # the layout was undone at the door
        diff = compare(mine, self.given, noise=noise, rtol=rtol, witness=self.witness, sizes=sizes, layout=read)
        if self.origin:
            diff = replace(diff, reference_origin=self.origin)
        if self.doubt:
            return _doubted(diff, self.doubt)
        diff = self._with_zeros(diff)
        return self._with_constants(diff) if self.rounded else diff

    def _with_zeros(self, diff: GradientDiff) -> GradientDiff:
        """Rows that prove nothing, looked at again: a zero may be one of structure, or of a weight without effect."""
        lost = set(diff.unproved) - self.unreached
        if self.always_zero is None or not diff.unproved:
            return diff
        always = self.always_zero(lost) if lost else set()
        off = ", ".join(self.off()[:1]) if lost - always else ""
        place = f"all outputs of {off} are 0 in every sample" if off else "E has no slope here"
        words = f"zero on these data, so that zeros would pass: {place}. Give other weights, or another x or y"
        said = {n: self._said(n, always, words if not np.any(diff.reference[n]) else "") for n in diff.unproved}
        rows = tuple(replace(row, **said.get(row.name, {})) for row in diff.rows)
        idle = [n for n in diff.unproved if n in self.unreached]
        return replace(diff, rows=rows, causes=(*diff.causes, *without_effect(idle)))

    def _said(self, name: str, always: set[str], of_these_data: str) -> dict[str, Any]:
        """What is said of a row that proves nothing, in place of what was."""
        if name in self.unreached:
            return {"reason": NO_PATH}
        if name in always:
            return {"status": Status.MATCH, "reason": BY_STRUCTURE, "by_sigma": False}
        return {"reason": of_these_data} if of_these_data else {}

    def _with_constants(self, diff: GradientDiff) -> GradientDiff:
        """Where float64 tells the rounded constants from the exact ones, the row says what Keras holds."""
        assert self.rounded is not None
        held = [*map(repr, self.rounded.held[:MOST_TOLD]), *["…"] * (len(self.rounded.held) > MOST_TOLD)]
        words = f"; Keras holds this constant as {', '.join(held)}"
        others = {gradient_node(n) if diff.problem else n: a for n, a in self.rounded.others.items()}
        apart = {n for n, a in others.items() if n in diff.reference and self._tells_apart(n, a, diff.reference[n])}
        rows = (replace(r, reason=r.reason + words) if r.name in apart and r.metrics else r for r in diff.rows)
        return replace(diff, rows=tuple(rows))

    def _tells_apart(self, name: str, a: Array, b: Array) -> bool:
        noise = self.noise if isinstance(self.noise, Noise) and name in self.noise.sigma else None
        return bool((np.abs(a - b) > (0.0 if noise is None else noise.tolerance(name))).any())


def _doubted(diff: GradientDiff, doubt: str) -> GradientDiff:
    """Values held against what is no reference prove nothing, in either direction."""
    rows = tuple(replace(r, status=Status.INCONCLUSIVE, reason=doubt) if r.metrics else r for r in diff.rows)
    meaning = Meaning("the model gives another answer each time", "Draw from a seed of the model's own, or freeze it.")
    return replace(diff, rows=rows, causes=(), unexplained="", meanings={Status.INCONCLUSIVE: meaning})
