"""The judge of a step: plain descent in words of gradients, any other by replaying it from the tape's gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import keras
import numpy as np

from gradient_diff.keras.gradients.reference import Reference
from gradient_diff.keras.gradients.request import Request
from gradient_diff.keras.gradients.steps.candidates import Candidates
from gradient_diff.keras.gradients.steps.choice import Choice, config_of, said_rate
from gradient_diff.keras.gradients.steps.comparing import compared
from gradient_diff.keras.gradients.steps.optimizers import MadeBy, is_plain, made, other_forms, without_parts
from gradient_diff.keras.gradients.steps.replays import Replays, along
from gradient_diff.keras.gradients.steps.telling import NOBODY, STILL, WHO, factor_cause, left_open, other_step, said
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.findings import Cause
from gradient_diff.stepping.step import NO_STEP, Step


@np.errstate(over="ignore", invalid="ignore")  # a step may have gone anywhere; what overflows explains nothing
def judged_step(
    request: Request,
    step: Step,
    reference: Reference,
    made_by: MadeBy,
    otherwise: Callable[[GradientDiff], GradientDiff],
) -> GradientDiff:
    """The comparison of a step with the one that follows from the tape's gradient.

    `otherwise` names another E of which a step of plain descent may be, where nothing that was left open explains it.
    """
    return _Judge(Replays(request, step, reference), made_by, otherwise).judged()


@dataclass(frozen=True, eq=False)
class _Judge:
    replays: Replays
    made_by: MadeBy
    otherwise: Callable[[GradientDiff], GradientDiff]

    @cached_property
    def candidates(self) -> Candidates:
        return Candidates(self.replays, self.made_by.rate)

    def judged(self) -> GradientDiff:
        optimizer = self.made_by.optimizer
        if optimizer is None:
            return self._open()
        asked = Choice(optimizer, f"the given {type(optimizer).__name__}")
        plain = is_plain(optimizer, self.replays.weights)
        diff = self._plain(self._said_rate) if plain else self._replayed(asked)
        return self._blamed(diff, asked) if diff.verdict.bad else diff

    @property
    def _said_rate(self) -> float | None:
        """The caller's own number, where it was one beside a name."""
        given = self.made_by.rate if self.made_by.by_name else None
        return said_rate(self.made_by.optimizer) if given is None else given

    def _plain(self, rate: float | None) -> GradientDiff:
        assert rate is not None  # plain descent has one
        return replace(self.replays.step, learning_rate=rate).judged(self.replays.reference.compared)

    # an optimizer that was said

    def _replayed(self, asked: Choice) -> GradientDiff:
        """As one step leaves the weights, or as `fit` does, which puts averaged ones in at its end."""
        diff = compared(self.replays, asked)
        if not diff.verdict.bad or not getattr(asked.optimizer, "use_ema", False):
            return diff
        finalized = replace(asked, finalized=True, words=f"{asked.words} with its averages put in")
        at_the_end = compared(self.replays, finalized)
        return diff if at_the_end.verdict.bad else at_the_end

    def _blamed(self, diff: GradientDiff, asked: Choice) -> GradientDiff:
        """What else leaves these weights, as the cause; an open rate convicts nobody."""
        replays, candidates = self.replays, self.candidates
        if not replays.moved:
            return replace(diff, causes=(NO_STEP,), unexplained="")
        if self.made_by.rate is None and (other := candidates.at_another_rate(asked)):
            return left_open(diff, f"a step of {other.words}", f"learning_rate={other.rate:.6g}")
        if is_plain(asked.optimizer, replays.weights) and _known(diff):
            return diff
        for words, choice in _same_optimizer(asked, replays):
            if replays.explains(choice):
                return replace(diff, causes=(other_step(asked, words),), unexplained="")
        if decay := self._other_decay(asked):
            return replace(diff, causes=(decay,), unexplained="")
        if factor := self._factor(asked, diff):
            return replace(diff, causes=(factor,), unexplained="")
        if asked.rate is not None and replays.explains(made(keras.optimizers.SGD, asked.rate)):
            words = f"a step of plain descent with lr = {asked.rate:.6g}"
            return replace(diff, causes=(other_step(asked, words),), unexplained="")
        if found := replays.explaining(candidates.others(asked.rate, solved=True)):
            return replace(diff, causes=(other_step(asked, f"a step of {found[0].words}"),), unexplained="")
        if not diff.causes and (other := candidates.at_another_rate(asked)):
            return replace(diff, causes=(other_step(asked, f"a step of {other.words}"),), unexplained="")
        return diff

    def _factor(self, asked: Choice, diff: GradientDiff) -> Cause | None:
        """Where the step is that of some multiple of the gradients that are off: a sign, or a factor of the sizes."""
        used = self.replays.used
        off = [r.name for r in diff.rows if r.status.bad and r.name in used]
        n, k = self.replays.reference.sizes or (self.replays.request.data.batch, 1)
        for factor in dict.fromkeys((-1.0, 0.0, 2.0, 0.5, n, 1 / n, k, 1 / k, n * k, 1 / (n * k))):
            scaled = {m: g * (factor if m in off else 1) for m, g in used.items()}
            if off and factor != 1 and self.replays.explains(asked, scaled):
                return factor_cause(factor, off if len(off) < len(used) else [])
        return None

    def _other_decay(self, asked: Choice) -> Cause | None:
        """λW or 2λW added to the gradient, or W_after decayed, where Keras decays the weights before the step."""
        replays = self.replays
        decay = config_of(asked.optimizer).get("weight_decay")
        if not isinstance(decay, float):
            return None
        plain = replace(asked, settings={**asked.settings, "weight_decay": 0.0})
        weights = {n: np.asarray(v.numpy(), np.float64) for n, v in replays.weights.items()}
        for times, words in ((1.0, "λW"), (2.0, "2λW")):
            if replays.explains(plain, {n: g + times * decay * weights[n] for n, g in replays.used.items()}):
                return other_step(asked, f"a step of the gradient plus {words}, and not of a decay beside it")
        kept, alone = 1 - (asked.rate or 0.0) * decay, replays.replayed(plain)
        after = {n: kept * a + (kept - 1) * weights[n] for n, a in (alone or {}).items()}
        if alone and replays.is_near(after, replays.limits_of_moves(plain, alone)):
            return other_step(asked, "a step whose decay is taken of the weights after it, and not before")
        return None

    # an optimizer that was not said

    def _open(self) -> GradientDiff:
        rate, replays, candidates = self.made_by.rate, self.replays, self.candidates
        if not replays.moved:
            still = left_open(self._plain(rate or 1.0), STILL, "")
            return replace(still, causes=(NO_STEP,))
        if rate is None:
            return self._without_a_rate()
        diff = self._plain(rate)
        if not diff.verdict.bad:
            return diff
        if found := replays.explaining(candidates.others(rate, solved=not _known(diff))):
            return left_open(diff, *said(found))
        others = candidates.others(rate, solved=False)
        if not diff.causes and (found := replays.explaining(candidates.at_other_rates(others))):
            return replace(diff, causes=(other_step(None, f"a step of {found[0].words}"),), unexplained="")
        named = self.otherwise(diff)
        is_plain_descent = replays.is_descent or candidates.plain_is_compiled
        return named if named.causes or is_plain_descent else left_open(diff, NOBODY, WHO)

    def _without_a_rate(self) -> GradientDiff:
        """Plain descent with whatever rate fits; else each optimizer at its own, then at whatever fits."""
        replays, candidates = self.replays, self.candidates
        for rate in replays.step.rates(replays.gradients):
            diff = self._plain(rate)
            if not diff.verdict.bad:
                words = f"a step of plain descent with lr = {rate:.6g}"
                return left_open(diff, words, f"learning_rate={rate:.6g}", every=True)
        nearest = -along(replays.moves, replays.gradients)
        diff = self._plain(nearest if 0 < nearest < np.inf else 1.0)
        others = list(candidates.others(None, solved=False))
        if found := replays.explaining(others) or replays.explaining(candidates.at_other_rates(others)):
            return left_open(diff, *said(found))
        return left_open(diff, NOBODY, WHO)


def _same_optimizer(asked: Choice, replays: Replays) -> Iterator[tuple[str, Choice]]:
    """(what it is, the choice): from another state, or without one of its parts."""
    if asked.optimizer.built:
        yield "a step from a fresh state, and not from the given one", replace(asked, state="fresh")
        earlier = "a step that leads to the given state (hand over the optimizer as it was before the step)"
        yield earlier, replace(asked, state="earlier")
    yield from other_forms(asked)
    for part, choice in without_parts(asked, replays.weights):
        yield f"a step without {part}", choice


def _known(diff: GradientDiff) -> tuple[Cause, ...]:
    """The causes in words of gradients, but for another rate, which a clip may be, too."""
    return tuple(c for c in diff.causes if c.id != "other_learning_rate")
