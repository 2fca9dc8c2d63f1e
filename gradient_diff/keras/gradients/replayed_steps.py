"""The judge of a step: plain descent in words of gradients, any other by replaying it from the tape's gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import keras
import numpy as np

from gradient_diff.comparison import compare
from gradient_diff.judging.case import Case
from gradient_diff.judging.judgement import judge
from gradient_diff.keras.gradients.loss_arguments import KerasError
from gradient_diff.keras.gradients.optimizers import (
    Choice,
    MadeBy,
    every_optimizer,
    is_plain,
    made,
    rate_of,
    without_parts,
)
from gradient_diff.keras.gradients.reference import Reference
from gradient_diff.keras.gradients.request import Request
from gradient_diff.keras.gradients.steps import NO_STEP, SAME, Step
from gradient_diff.noise.network import Kind, Noise
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.findings import Cause
from gradient_diff.result.row import Row
from gradient_diff.result.status import Meaning, Status
from gradient_diff.sides import Pair, Side
from keras_mlp import named_weights
from manual_mlp import Array, Evaluation, gradient_node
from manual_mlp.extend import GATE, UNITS, Arrays

NEAR = 0.01  # relative: a replayed step farther off than this need not be judged
SIGNS = 4  # ways in which the gradient's rounding is sent through a step: all up, all down, and at random
ARITHMETIC = 16.0  # unit roundoffs of a move: the few operations of an optimizer, in another order or fused
_BOTH = GATE * np.sqrt(2)
_STILL = "the weights did not change"
_NOBODY = "no plain descent, and no optimizer of Keras from a fresh state, makes this step of the tape's gradient"
_NO_OTHER = (
    "No other state, setting or optimizer, and no simple factor of the gradients, explains these weights: the gradient "
    "that the step was made of is another one, or its equation is. Pass gradients=, to see which."
)
_WHO = 'optimizer= as it was before the step, or optimizer="sgd" of plain descent,'
_COPY_FIRST = "Copy the weights before the step; or pass optimizer=, if it only accumulates gradients."


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
    return _Judge(request, step, reference, made_by, otherwise).judged()


@dataclass(frozen=True, eq=False)
class _Judge:
    request: Request
    step: Step
    reference: Reference
    made_by: MadeBy
    otherwise: Callable[[GradientDiff], GradientDiff]

    def judged(self) -> GradientDiff:
        optimizer = self.made_by.optimizer
        if optimizer is None:
            return self._open()
        said = Choice(optimizer, f"the given {type(optimizer).__name__}")
        plain = is_plain(optimizer, self.weights)
        diff = self._plain(rate_of(optimizer)) if plain else self._replayed(said)
        return self._blamed(diff, said) if diff.verdict.bad else diff

    def _plain(self, rate: float | None) -> GradientDiff:
        assert rate is not None  # plain descent has one
        return replace(self.step, learning_rate=rate).judged(self.reference.compared)

    # an optimizer that was said

    def _replayed(self, said: Choice) -> GradientDiff:
        """As one step leaves the weights, or as `fit` does, which puts averaged ones in at its end."""
        diff = self._compared(said)
        if not diff.verdict.bad or not getattr(said.optimizer, "use_ema", False):
            return diff
        at_the_end = self._compared(replace(said, finalized=True, words=f"{said.words} with its averages put in"))
        return diff if at_the_end.verdict.bad else at_the_end

    def _blamed(self, diff: GradientDiff, said: Choice) -> GradientDiff:
        """What else leaves these weights, as the cause; an open rate convicts nobody."""
        if not self._moved:
            return replace(diff, causes=(NO_STEP,), unexplained="")
        if self.made_by.rate is None and (other := self._at_another_rate(said)):
            return _left_open(diff, f"a step of {other.words}", f"learning_rate={other.rate:.6g}")
        if is_plain(said.optimizer, self.weights) and _known(diff):
            return diff
        for words, choice in self._same_optimizer(said):
            if self._explains(choice):
                return replace(diff, causes=(_cause(said, words),), unexplained="")
        if factor := self._factor(said, diff):
            return replace(diff, causes=(factor,), unexplained="")
        if said.rate is not None and self._explains(made(keras.optimizers.SGD, said.rate)):
            words = f"a step of plain descent with lr = {said.rate:.6g}"
            return replace(diff, causes=(_cause(said, words),), unexplained="")
        if found := self._explaining(self._others(said.rate, solved=True)):
            return replace(diff, causes=(_cause(said, f"a step of {found[0].words}"),), unexplained="")
        if not diff.causes and (other := self._at_another_rate(said)):
            return replace(diff, causes=(_cause(said, f"a step of {other.words}"),), unexplained="")
        return diff

    def _same_optimizer(self, said: Choice) -> Iterator[tuple[str, Choice]]:
        """(what it is, the choice): from another state, or without one of its parts."""
        if said.optimizer.built:
            yield "a step from a fresh state, and not from the given one", replace(said, state="fresh")
            earlier = "a step that leads to the given state (hand over the optimizer as it was before the step)"
            yield earlier, replace(said, state="earlier")
        for part, choice in without_parts(said):
            yield f"a step without {part}", choice

    def _factor(self, said: Choice, diff: GradientDiff) -> Cause | None:
        """Where the step is that of some multiple of the gradients that are off: a sign, or a factor of the sizes."""
        off = [r.name for r in diff.rows if r.status.bad and r.name in self.used]
        n, k = self.reference.sizes or (self.request.data.batch, 1)
        for factor in dict.fromkeys((-1.0, 0.0, 2.0, 0.5, n, 1 / n, k, 1 / k, n * k, 1 / (n * k))):
            if (
                off
                and factor != 1
                and self._explains(said, {m: g * (factor if m in off else 1) for m, g in self.used.items()})
            ):
                return _factor_cause(factor, off if len(off) < len(self.used) else [])
        return None

    # an optimizer that was not said

    def _open(self) -> GradientDiff:
        rate = self.made_by.rate
        if not self._moved:
            still = _left_open(self._plain(rate or 1.0), _STILL, "")
            return replace(still, causes=(NO_STEP,))
        if rate is None:
            return self._without_a_rate()
        diff = self._plain(rate)
        if not diff.verdict.bad:
            return diff
        if found := self._explaining(self._others(rate, solved=not _known(diff))):
            return _left_open(diff, *_said(found))
        if not diff.causes and (found := self._explaining(self._at_other_rates(self._others(rate, solved=False)))):
            return replace(diff, causes=(_cause(None, f"a step of {found[0].words}"),), unexplained="")
        named = self.otherwise(diff)
        return named if named.causes or self._is_descent or self._plain_is_compiled else _left_open(diff, _NOBODY, _WHO)

    @property
    def _plain_is_compiled(self) -> bool:
        """Whether the model itself says that plain descent of this rate trains it."""
        compiled = getattr(self.request.model, "optimizer", None)
        plain = isinstance(compiled, keras.optimizers.Optimizer) and is_plain(compiled, self.weights)
        return plain and self._may_be(rate_of(compiled))

    def _without_a_rate(self) -> GradientDiff:
        """Plain descent with whatever rate fits; else each optimizer at its own, then at whatever fits."""
        for rate in self.step.rates(self.gradients):
            diff = self._plain(rate)
            if not diff.verdict.bad:
                words = f"a step of plain descent with lr = {rate:.6g}"
                return _left_open(diff, words, f"learning_rate={rate:.6g}", every=True)
        nearest = -_along(self.moves, self.gradients)
        diff = self._plain(nearest if 0 < nearest < np.inf else 1.0)
        others = list(self._others(None, solved=False))
        if found := self._explaining(others) or self._explaining(self._at_other_rates(others)):
            return _left_open(diff, *_said(found))
        return _left_open(diff, _NOBODY, _WHO)

    # what may have made the step

    def _others(self, rate: float | None, solved: bool) -> Iterator[Choice]:
        """The model's own optimizer, every one of Keras, and plain descent with more; clips only where `solved`."""
        compiled = getattr(self.request.model, "optimizer", None)
        if isinstance(compiled, keras.optimizers.Optimizer) and self._may_be(rate_of(compiled)):
            for state in ("given", "earlier", "fresh") if compiled.built else ("fresh",):
                words = f"the compiled {type(compiled).__name__}"
                yield Choice(compiled, words, "optimizer= as it was before the step", state)
        if any(v.constraint is not None for v in self.weights.values()):
            plain = made(keras.optimizers.SGD, rate)
            yield replace(plain, words=f"{plain.words} with the constraints of the weights")
        if self._is_descent:  # but for a velocity or a clip, which leave the direction
            yield made(keras.optimizers.SGD, rate, momentum=0.9, nesterov=True)
        else:
            yield from filter(self._may_explain, every_optimizer(rate))
        if rate is not None:
            yield from self._clipped(rate) if solved else ()
            yield from self._decayed(keras.optimizers.SGD, rate)
            yield from self._decayed(keras.optimizers.Adam, rate)

    def _may_be(self, rate: float | None) -> bool:
        """Whether a rate is that which was said."""
        return None in (rate, self.made_by.rate) or bool(np.isclose(rate, self.made_by.rate, rtol=SAME))  # type: ignore[arg-type]  # both are numbers

    def _clipped(self, rate: float) -> Iterator[Choice]:
        """Plain descent with a clip whose value, a short number, follows from the step."""
        free = _sizes(self.gradients)
        for key, size in _sizes(self.moves).items():
            if 0 < (value := size / rate) < (1 - SAME) * free[key]:
                yield made(keras.optimizers.SGD, rate, **{key: float(f"{value:.2g}")})

    def _decayed(self, kind: type, rate: float) -> Iterator[Choice]:
        """An optimizer with a decay of the weights whose λ, a short number, follows from the step."""
        plain = self._replay(made(kind, rate)) or self.moves
        left = {n: self.moves[n] - plain[n] for n in plain}
        decay = _along(left, {n: -rate * np.asarray(v.numpy(), np.float64) for n, v in self.weights.items()})
        if 0 < decay < np.inf:
            yield made(kind, rate, weight_decay=float(f"{decay:.2g}"))

    def _at_other_rates(self, choices: Iterable[Choice]) -> Iterator[Choice]:
        return (other for choice in choices if choice.state == "given" and (other := self._at_another_rate(choice)))

    def _at_another_rate(self, choice: Choice) -> Choice | None:
        """The same at the rate that fits, if one does: moves are in proportion to it, or nearly."""
        rate, right = choice.rate, self._replay(choice)
        factor = _along(self.moves, right) if right else np.nan
        if rate is None or not 0 < rate * factor < np.inf:
            return None
        found = dict.fromkeys((float(f"{rate * factor:.3g}"), rate * factor))
        return next((c for c in map(choice.at, found) if self._explains(c)), None)

    def _explaining(self, choices: Iterable[Choice]) -> list[Choice]:
        """All that leave these weights: some cannot be told apart by one step."""
        return [choice for choice in choices if self._explains(choice)]

    def _explains(self, choice: Choice, gradients: Arrays | None = None) -> bool:
        """Whether a step of these gradients, the tape's where no others are given, leaves the weights."""
        right = self._replay(choice, gradients)
        if right is None or not self._near(right):
            return False
        limits = self._limits_of_moves(choice, right, gradients)
        return all((np.abs(a - right[n]) <= limits[n]).all() for n, a in self.moves.items())

    def _replay(
        self, choice: Choice, gradients: Arrays | None = None, only: str | None = None
    ) -> dict[str, Array] | None:
        """How it moves the weights; None where it cannot, or leaves no numbers."""
        try:
            right = choice.moves({only: self.weights[only]} if only else self.weights, gradients or self.used)
        except KerasError:
            return None
        return right if all(np.isfinite(a).all() for a in right.values()) else None

    def _may_explain(self, choice: Choice) -> bool:
        """Whether it moves the one weight whose move is seen best as the hand does, but for a factor."""
        if self._clearest is None or (right := self._replay(choice, only=self._clearest)) is None:
            return False
        move = self.moves[self._clearest]
        off = np.abs(move - _along({self._clearest: move}, right) * right[self._clearest])
        return bool(np.mean(off > NEAR * np.abs(move).max() + self._hidden[self._clearest]) <= 0.1)

    @cached_property
    def _clearest(self) -> str | None:
        """The weight whose move stands out most from what storing it hides."""
        seen = {n: np.linalg.norm(self.moves[n]) / (np.linalg.norm(self._hidden[n]) or 1.0) for n in self.used}
        return max(seen, key=lambda n: seen[n], default=None)

    def _near(self, right: Arrays) -> bool:
        """Whether it is worth to judge: most weights move as far, but for what storing them hides."""
        most = {n: NEAR * np.abs(a).max(initial=0.0) + self._hidden[n] for n, a in right.items()}
        off = [np.abs(a - right[n]) > most[n] for n, a in self.moves.items()]
        return sum(int(a.sum()) for a in off) <= 0.1 * sum(a.size for a in off)

    # what is known

    @cached_property
    def weights(self) -> dict[str, Any]:
        return named_weights(self.request.model)

    @cached_property
    def moves(self) -> dict[str, Array]:
        """W_after − W_before as it was handed over."""
        return {n: -g for n, g in replace(self.step, learning_rate=1.0).gradients.items()}

    @cached_property
    def _hidden(self) -> dict[str, Array]:
        """What storing the weights hides of them."""
        return replace(self.step, learning_rate=1.0).hidden

    @property
    def _moved(self) -> bool:
        return any(np.any(a) for a in self.moves.values())

    @cached_property
    def gradients(self) -> dict[str, Array]:
        """The tape's, by weight."""
        given = self.reference.given
        found = given.gradients if isinstance(given, Evaluation) else given
        return {n: found[n] for n in self.moves}

    @cached_property
    def _is_descent(self) -> bool:
        """Whether some weight of several entries moved straight down its gradient: no state would have it so."""
        return any(self._straight(n) for n, g in self.gradients.items() if np.count_nonzero(g) > 1)

    def _straight(self, name: str) -> bool:
        g, move = np.asarray(self.gradients[name], np.float64), self.moves[name]
        factor = float(np.vdot(g, move)) / float(np.vdot(g, g))
        limit = SAME * np.abs(move).max() + self._hidden[name]
        return factor < 0 and bool((np.abs(move - factor * g) <= limit).all())

    @cached_property
    def used(self) -> dict[str, Array]:
        """Of weights that E does not use the tape has no gradient, and an optimizer leaves them as they are."""
        return {n: g for n, g in self.gradients.items() if np.any(g) or np.any(self.moves[n])}

    @cached_property
    def _limits(self) -> dict[str, Array]:
        """How far rounding may move each gradient."""
        noise = self.reference.noise
        if not isinstance(noise, Noise):
            return {n: np.zeros(g.shape) for n, g in self.used.items()}
        nodes = {n: gradient_node(n) if gradient_node(n) in noise.sigma else n for n in self.used}
        return {n: np.broadcast_to(noise.tolerance(nodes[n]), g.shape) for n, g in self.used.items()}

    def _limits_of_moves(self, choice: Choice, right: Arrays, gradients: Arrays | None = None) -> dict[str, Array]:
        """How far rounding may move each weight: the gradient's sent through the step, the step's own, and storing."""
        if (rtol := self.request.options.rtol) is not None:
            return {n: np.full(a.shape, rtol * np.abs(a).max(initial=0.0)) for n, a in right.items()}
        rng = np.random.default_rng(0)
        spread = {n: np.zeros(a.shape) for n, a in right.items()}
        for draw in range(SIGNS):
            ways = ((1.0,), (-1.0,))[draw] if draw < 2 else (-1.0, 1.0)
            used = gradients or self.used
            moved = {n: g + rng.choice(ways, g.shape) * self._limits[n] for n, g in used.items()}
            found = choice.moves(self.weights, moved)
            spread = {n: np.fmax(s, np.abs(found[n] - right[n])) for n, s in spread.items()}
        own = {n: ARITHMETIC * UNITS[str(v.dtype)] * np.abs(right[n]) for n, v in self.weights.items()}
        return {n: s + own[n] + self._hidden[n] for n, s in spread.items()}

    # replayed

    def _compared(self, choice: Choice) -> GradientDiff:
        """The moves of the weights against the replayed ones."""
        right = choice.moves(self.weights, self.used)
        given, rtol = self.reference.given, self.request.options.rtol
        diff = compare(self.moves, right, noise=None if rtol else self._noise(choice, right), rtol=rtol)
        origin = given.origin if isinstance(given, Evaluation) else self.reference.origin
        diff = replace(
            diff,
            hand_origin="W_after − W_before, as given",
            reference_origin=f"{origin}, a step of {choice.words}",
            causes=(),
            unexplained=_NO_OTHER if diff.verdict.bad else "",
        )
        return self._accused(diff) if diff.verdict.bad else self._with_what_shows(choice, diff, right)

    def _noise(self, choice: Choice, right: Arrays) -> Noise:
        sigma = {n: a / _BOTH for n, a in self._limits_of_moves(choice, right).items()}
        source = "the gradient's rounding sent through the step, and what storing the weights hides"
        return Noise("", right, sigma, dict.fromkeys(right, 0.0), 0, source=source, kind=Kind.DRAWN)

    def _with_what_shows(self, choice: Choice, diff: GradientDiff, right: Arrays) -> GradientDiff:
        """Some steps show little of the gradient that they are made of."""
        rng = np.random.default_rng(0)
        uneven = {n: g * rng.uniform(0.5, 2.0, g.shape) for n, g in self.used.items()}
        twice = {n: 2 * g for n, g in self.used.items()}
        for changed, words in ((uneven, "only the signs of"), (twice, "all but the scale of")):
            found = choice.moves(self.weights, changed)
            if not any(np.any(a) for a in (*right.values(), *found.values())):
                return _held(diff, choice)
            if all((np.abs(found[n] - a) <= NEAR * np.abs(a).max(initial=0.0)).all() for n, a in right.items()):
                note = f"A step of {choice.words} from this state shows {words} the gradient."
                return replace(diff, notes=(*diff.notes, note))
        return diff

    def _accused(self, diff: GradientDiff) -> GradientDiff:
        """Whether the hand or the tape is off is asked of the gradient's own witness, by a gradient that is off."""
        off = [r.name for r in diff.rows if r.status is Status.DIFFERENT and r.name in self.used]
        if not off:
            return diff
        planted = {n: self.used[n] + max(float(np.abs(self.used[n]).max(initial=0.0)), 1.0) for n in off}
        pair = Pair.of(Side.of("hand", planted), Side.of("reference", self.reference.given))
        said = judge(Case.of(pair, self.reference.noise, self.request.options.rtol, self.reference.witness))
        statuses = {n: said[m].status for n in off for m in (n, gradient_node(n)) if m in said}
        rows = tuple(replace(r, status=statuses.get(r.name, r.status)) for r in diff.rows)
        return replace(diff, rows=rows)


def _held(diff: GradientDiff, choice: Choice) -> GradientDiff:
    """A step that leaves the weights whatever the gradient, as one that only accumulates."""
    reason = f"a step of {choice.words} from this state leaves the weights as they are, whatever the gradient"
    rows = tuple(replace(r, status=Status.MATCH, reason=reason, by_sigma=False) for r in diff.rows)
    return replace(diff, rows=rows, notes=(*diff.notes, f"{reason[0].upper()}{reason[1:]}."))


def _sizes(arrays: Arrays) -> dict[str, float]:
    """What each of Keras's ways to clip limits."""
    norms = [float(np.linalg.norm(a)) for a in arrays.values()]
    largest = max(float(np.abs(a).max(initial=0.0)) for a in arrays.values())
    return {"clipvalue": largest, "clipnorm": max(norms), "global_clipnorm": float(np.hypot.reduce(norms))}


def _along(moves: Arrays, right: Arrays) -> float:
    """The factor of `right` that comes nearest to `moves`."""
    size = sum(float(np.vdot(right[n], right[n])) for n in moves)
    return sum(float(np.vdot(right[n], moves[n])) for n in moves) / size if size > 0 else float("nan")


def _known(diff: GradientDiff) -> tuple[Cause, ...]:
    """The causes in words of gradients, but for another rate, which a clip may be, too."""
    return tuple(c for c in diff.causes if c.id != "other_learning_rate")


def _said(found: Sequence[Choice]) -> tuple[str, str]:
    """Words and argument of the first that explains a step; the others are named beside it."""
    first, *more = found
    alike = ", ".join(dict.fromkeys(c.words for c in more if c.words != first.words))
    words = f"a step of {first.words}"
    return (f"{words} ({alike} would leave the same)" if alike else words), first.argument


def _left_open(diff: GradientDiff, words: str, argument: str, every: bool = False) -> GradientDiff:
    """A choice that was left open convicts nobody."""
    step = words if words in (_NOBODY, _STILL) else f"these are the weights after {words}"
    cure = f"Pass {argument} if that is what made the step." if argument else _COPY_FIRST

    def left_open(row: Row) -> Row:
        unproved = row.status.bad or (every and row.status is Status.MATCH)
        return replace(row, status=Status.INCONCLUSIVE, reason=step, by_sigma=False) if unproved else row

    meanings = {Status.INCONCLUSIVE: Meaning(step, cure)}
    rows = tuple(map(left_open, diff.rows))
    return replace(diff, rows=rows, causes=(), unexplained="", smallest=None, meanings=meanings)


def _factor_cause(factor: float, names: Sequence[str]) -> Cause:
    where = f" of {', '.join(names)}" if names else ""
    words = (
        "the opposite gradient"
        if factor == -1
        else "no gradient"
        if factor == 0
        else f"{factor:.4g} times the gradient"
    )
    message = f"these are the weights after a step of {words}{where}; asked for was a step of the gradient."
    name = "sign" if factor == -1 else "missing_gradient" if factor == 0 else "other_factor"
    return Cause(name, "", message, f"a step of {factor:.4g} dE/dW", "a step of dE/dW", float("nan"), title=words)


def _cause(said: Choice | None, words: str) -> Cause:
    asked = "plain descent" if said is None else said.words
    message = f"these are the weights after {words}; asked for was a step of {asked}."
    return Cause("other_step", "", message, f"W_after by {words}", f"W_after by {asked}", float("nan"), title=words)
