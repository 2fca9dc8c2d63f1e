"""One step of somebody's training code: the gradient that it tells of, and what is wrong in words of a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gradient_diff.noise.network import update_bound
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.findings import Cause
from manual_mlp import Array, ShapeError, gradient_node
from manual_mlp.extend import GATE, UNITS, Arrays

Judge = Callable[[Arrays, Arrays], GradientDiff]
"""(gradients, name → what storing the weights hides of them) → the comparison."""

SAME = 1e-3  # relative: how well a fitted rate must fit
SHORT = 4  # digits of a rate that is said, or as many as tell it from the given one
TINY = float(np.finfo(float).tiny)
_OF_A_RATE = "learning_rate_inside"  # lr has been divided out: it cannot be the mistake here


@dataclass(frozen=True, eq=False)
class Step:
    """W_after = W_before − lr dE/dW, name → weights around it."""

    before: Arrays
    after: Arrays
    learning_rate: float

    @cached_property
    def gradients(self) -> dict[str, Array]:
        """(before − after)/lr, in float64."""
        return inferred_gradients(self.before, self.after, self.learning_rate)

    @cached_property
    def hidden(self) -> dict[str, Array]:
        """What storing the weights hides of them."""
        return {n: update_bound(a, self.after[n], self.learning_rate) for n, a in self.before.items()}

    def judged(self, judge: Judge) -> GradientDiff:
        """The comparison, with its causes in words of a step.

        It is made at lr in float32 where only that explains the step; where every gradient matches at another learning
        rate, that rate is named.
        """
        diff = judge(self.gradients, self.hidden)
        if not diff.verdict.bad:
            return diff
        if (by_keras := self._by_keras(judge)) is not None:
            return by_keras
        if not any(np.any(g) for g in self.gradients.values()):
            return replace(diff, causes=(NO_STEP,), unexplained="")
        for rate in self._other_rates(diff):
            other = replace(self, learning_rate=rate)
            if judge(other.gradients, other.hidden).verdict.ok:
                known = tuple(c for c in diff.causes if _OF_A_RATE not in (c.id, *c.together))
                return replace(diff, causes=(*known, _other_rate(self.learning_rate, rate)), unexplained="")
        return diff

    def _by_keras(self, judge: Judge) -> GradientDiff | None:
        """Keras's optimizers hold lr in float32: the comparison at that rate, if it explains the step."""
        with np.errstate(all="ignore"):  # it may be none in float32
            rate = float(np.float32(self.learning_rate))
        if rate in (self.learning_rate, 0.0, np.inf):
            return None
        other = replace(self, learning_rate=rate)
        diff = judge(other.gradients, other.hidden)
        words = f"{diff.hand_origin}, a step of lr = {rate!r}: {self.learning_rate:g} in float32, as Keras holds it"
        return replace(diff, hand_origin=words) if not diff.verdict.bad else None

    def _other_rates(self, diff: GradientDiff) -> list[float]:
        """Where the step is some multiple of the right one: its rate, if it is another."""
        right = {n: diff.reference[gradient_node(n) if gradient_node(n) in diff.reference else n] for n in self.before}
        return [rate for rate in self.rates(right) if rate != self.learning_rate]

    def rates(self, right: Arrays) -> list[float]:
        """The rate at which these gradients make the step, first as a short number; none where no rate does."""
        unsure = {n: self.hidden[n] + UNITS[r.dtype.name] * np.abs(np.asarray(r, np.float64)) for n, r in right.items()}
        factor = _fitted(self.gradients, right, unsure)
        rate = self.learning_rate * factor
        limit = {n: SAME * np.abs(g).max(initial=0.0) + GATE * unsure[n] for n, g in self.gradients.items()}
        near = all((np.abs(g - factor * right[n]) <= limit[n]).all() for n, g in self.gradients.items())
        return list(dict.fromkeys((float(f"{rate:.3g}"), rate))) if near and 0 < rate < np.inf else []


def _fitted(gradients: Arrays, right: Arrays, unsure: Arrays) -> float:
    """The factor of the right gradients that comes nearest; arrays count for as much as they are sure."""
    weights = {n: 1 / max(float(np.square(a).mean()), TINY) for n, a in unsure.items() if a.size}
    exact = {n: np.asarray(right[n], np.float64) for n in weights}
    size = sum(w * float(np.vdot(exact[n], exact[n])) for n, w in weights.items())
    return sum(w * float(np.vdot(exact[n], gradients[n])) for n, w in weights.items()) / (size or 1.0)


NO_STEP = Cause(
    "missing_gradient",
    "",
    "the weights did not change: every one is the same before and after. Copy the weights before the step, for code "
    "that updates them in place: before = [w.copy() for w in weights].",
    "W_after = W_before",
    "W_after = W_before − lr dE/dW",
    float("nan"),
)


def _other_rate(given: float, found: float) -> Cause:
    used = next(said for digits in range(SHORT, 18) if float(said := f"{found:.{digits}g}") != given)
    message = (
        f"your step is {_times(found / given)} the one of learning_rate={given:g}: did it use {used}? "
        "At that rate every gradient matches."
    )
    equations = f"W_after = W_before − {used} dE/dW", f"W_after = W_before − {given:g} dE/dW"
    return Cause("other_learning_rate", "", message, *equations, float("nan"))


def _times(factor: float) -> str:
    """A factor, as a percentage of its distance from 1 where that is small."""
    off = 100 * (factor - 1)
    if abs(off) > 0.01:
        return f"{factor:.5g} times" if abs(off) < 1 else f"{factor:.4g} times"
    return f"{abs(off):.2g} % {'longer' if off > 0 else 'shorter'} than"


@np.errstate(over="ignore", invalid="ignore")  # weights that ran away have no gradient: ∞ or NaN, which is told
def inferred_gradients(
    before: Mapping[str, Array], after: Mapping[str, Array], learning_rate: float
) -> dict[str, Array]:
    """(W_before − W_after) / lr, in float64: what a step of gradient descent says of its gradient."""
    rate = checked_rate(learning_rate)
    missing = before.keys() ^ after.keys()
    if missing:
        raise ValueError(f"before and after must hold the same weights; only one has {', '.join(sorted(missing))}.")
    for name in before:
        if before[name].shape != after[name].shape:
            shape, other = before[name].shape, after[name].shape
            line = f"W_after = W_before − lr dE/dW   {shape} − {shape} → {shape}"
            raise ShapeError(f"{name}: {line}, but it has shape {other} after the step. Pass the weights of one model.")
    return {n: (before[n].astype(np.float64) - after[n].astype(np.float64)) / rate for n in before}


def checked_rate(learning_rate: object) -> float:
    """lr as a plain number, the variable of an optimizer included."""
    rate = np.asarray(learning_rate)
    if rate.ndim or rate.dtype.kind not in "fiu":
        kind = type(learning_rate).__name__
        raise TypeError(f"learning_rate={learning_rate!r} is {kind}: expected a number, the lr of that step.")
    if not 0 < rate < np.inf:
        raise ValueError(f"learning_rate={learning_rate}: expected the lr of that step, a finite number above 0.")
    return float(rate)
