"""What is known of a step, and whether a choice of optimizer, replayed from the tape's gradient, explains it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from gradient_diff.keras.gradients.loss.resolved import KerasError
from gradient_diff.keras.gradients.reference import Reference
from gradient_diff.keras.gradients.request import Request
from gradient_diff.keras.gradients.steps.choice import Choice
from gradient_diff.noise.network import Noise
from gradient_diff.stepping.step import SAME, Step
from keras_mlp import named_weights
from manual_mlp import Array, Evaluation, gradient_node
from manual_mlp.extend import UNITS, Arrays

NEAR = 0.01  # relative: a replayed step farther off than this need not be judged
SIGNS = 4  # ways in which the gradient's rounding is sent through a step: all up, all down, and at random
ARITHMETIC = 16.0  # unit roundoffs of a move: the few operations of an optimizer, in another order or fused


@dataclass(frozen=True, eq=False)
class Replays:
    """A step beside the tape's gradients, from which any optimizer's step is replayed."""

    request: Request
    step: Step
    reference: Reference

    @cached_property
    def weights(self) -> dict[str, Any]:
        return named_weights(self.request.model)

    @cached_property
    def moves(self) -> dict[str, Array]:
        """W_after − W_before as it was handed over."""
        return {n: -g for n, g in replace(self.step, learning_rate=1.0).gradients.items()}

    @cached_property
    def hidden(self) -> dict[str, Array]:
        """What storing the weights hides of them."""
        return replace(self.step, learning_rate=1.0).hidden

    @property
    def moved(self) -> bool:
        return any(np.any(a) for a in self.moves.values())

    @cached_property
    def gradients(self) -> dict[str, Array]:
        """The tape's, by weight."""
        given = self.reference.given
        found = given.gradients if isinstance(given, Evaluation) else given
        return {n: found[n] for n in self.moves}

    @cached_property
    def used(self) -> dict[str, Array]:
        """Of weights that E does not use the tape has no gradient, and an optimizer leaves them as they are."""
        return {n: g for n, g in self.gradients.items() if np.any(g) or np.any(self.moves[n])}

    @cached_property
    def is_descent(self) -> bool:
        """Whether some weight of several entries moved straight down its gradient: no state would have it so."""
        return any(self._straight(n) for n, g in self.gradients.items() if np.count_nonzero(g) > 1)

    def _straight(self, name: str) -> bool:
        g, move = np.asarray(self.gradients[name], np.float64), self.moves[name]
        factor = along({name: move}, {name: g})
        limit = SAME * np.abs(move).max() + self.hidden[name]
        return factor < 0 and bool((np.abs(move - factor * g) <= limit).all())

    # replayed

    def explaining(self, choices: Iterable[Choice]) -> list[Choice]:
        """All that leave these weights: some cannot be told apart by one step."""
        return [choice for choice in choices if self.explains(choice)]

    def explains(self, choice: Choice, gradients: Arrays | None = None) -> bool:
        """Whether a step of these gradients, the tape's where no others are given, leaves the weights."""
        right = self.replayed(choice, gradients)
        if right is None or not self._near(right):
            return False
        return self.is_near(right, self.limits_of_moves(choice, right, gradients))

    def is_near(self, right: Arrays, limits: Arrays) -> bool:
        """Whether the weights moved so, within these limits."""
        return all((np.abs(a - right[n]) <= limits[n]).all() for n, a in self.moves.items())

    def replayed(
        self, choice: Choice, gradients: Arrays | None = None, only: str | None = None
    ) -> dict[str, Array] | None:
        """How it moves the weights; None where it cannot, or leaves no numbers."""
        try:
            right = choice.moves({only: self.weights[only]} if only else self.weights, gradients or self.used)
        except KerasError:
            return None
        return right if all(np.isfinite(a).all() for a in right.values()) else None

    def may_explain(self, choice: Choice) -> bool:
        """Whether it moves the one weight whose move is seen best as the hand does, but for a factor."""
        if self._clearest is None or (right := self.replayed(choice, only=self._clearest)) is None:
            return False
        move = self.moves[self._clearest]
        off = np.abs(move - along({self._clearest: move}, right) * right[self._clearest])
        return bool(np.mean(off > NEAR * np.abs(move).max() + self.hidden[self._clearest]) <= 0.1)

    @cached_property
    def _clearest(self) -> str | None:
        """The weight whose move stands out most from what storing it hides."""
        seen = {n: np.linalg.norm(self.moves[n]) / (np.linalg.norm(self.hidden[n]) or 1.0) for n in self.used}
        return max(seen, key=lambda n: seen[n], default=None)

    def _near(self, right: Arrays) -> bool:
        """Whether it is worth to judge: most weights move as far, but for what storing them hides."""
        most = {n: NEAR * np.abs(a).max(initial=0.0) + self.hidden[n] for n, a in right.items()}
        off = [np.abs(a - right[n]) > most[n] for n, a in self.moves.items()]
        return sum(int(a.sum()) for a in off) <= 0.1 * sum(a.size for a in off)

    # rounding

    def limits_of_moves(self, choice: Choice, right: Arrays, gradients: Arrays | None = None) -> dict[str, Array]:
        """How far rounding may move each weight: the gradient's sent through the step, the step's own, and storing.

        An own state is made of earlier gradients, each as far off as this one, by constants that Keras holds in
        float32, each of which enters at every step. The step's own rounding is that of its operations, and what these
        constants take it from that of exact ones.
        """
        if (rtol := self.request.options.rtol) is not None:
            return {n: np.full(a.shape, rtol * np.abs(a).max(initial=0.0)) for n, a in right.items()}
        rng = np.random.default_rng(0)
        spread = {n: np.zeros(a.shape) for n, a in right.items()}
        used = gradients or self.used
        constants_of = choice.steps * UNITS["float32"]
        for draw in range(SIGNS):
            ways = ((1.0,), (-1.0,))[draw] if draw < 2 else (-1.0, 1.0)
            moved = {n: g + rng.choice(ways, g.shape) * self._limits[n] for n, g in used.items()}
            swayed = {n: rng.choice(ways, g.shape) * (self._shares[n] + constants_of) for n, g in used.items()}
            found = choice.moves(self.weights, moved, swayed)
            spread = {n: np.fmax(s, np.abs(found[n] - right[n])) for n, s in spread.items()}
        own = {n: ARITHMETIC * UNITS[str(v.dtype)] * np.abs(right[n]) for n, v in self.weights.items()}
        exact = self.replayed(replace(choice, exact=True), gradients) or right
        constants = {n: np.abs(exact[n] - a) for n, a in right.items()}
        return {n: s + own[n] + constants[n] + self.hidden[n] for n, s in spread.items()}

    @cached_property
    def _limits(self) -> dict[str, Array]:
        """How far rounding may move each gradient."""
        noise = self.reference.noise
        if not isinstance(noise, Noise):
            return {n: np.zeros(g.shape) for n, g in self.used.items()}
        nodes = {n: gradient_node(n) if gradient_node(n) in noise.sigma else n for n in self.used}
        return {n: np.broadcast_to(noise.tolerance(nodes[n]), g.shape) for n, g in self.used.items()}

    @cached_property
    def _shares(self) -> dict[str, float]:
        """The largest of these limits, as a part of the largest gradient: of E as fit computes it."""
        largest = {n: float(np.abs(g).max(initial=0.0)) for n, g in self.used.items()}
        coarser = 1.0 if self.request.coarsely else self.request.coarser_loss
        limits = {n: float(a.max(initial=0.0)) * coarser for n, a in self._limits.items()}
        return {n: limits[n] / size if size else 0.0 for n, size in largest.items()}


def along(moves: Arrays, right: Arrays) -> float:
    """The factor of `right` that comes nearest to `moves`."""
    size = sum(float(np.vdot(right[n], right[n])) for n in moves)
    return sum(float(np.vdot(right[n], moves[n])) for n in moves) / size if size > 0 else float("nan")
