"""Which optimizers may have made a step of which nobody said who made it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import keras
import numpy as np

from gradient_diff.keras.gradients.steps.choice import Choice, rate_of
from gradient_diff.keras.gradients.steps.optimizers import every_optimizer, is_plain, made
from gradient_diff.keras.gradients.steps.replays import Replays, along
from gradient_diff.stepping.step import SAME
from manual_mlp.extend import Arrays


@dataclass(frozen=True, eq=False)
class Candidates:
    """What may have made the step; `said` is the rate that the caller said, if one was."""

    replays: Replays
    said: float | None

    def others(self, rate: float | None, solved: bool) -> Iterator[Choice]:
        """The model's own optimizer, every one of Keras, and plain descent with more; clips only where `solved`."""
        compiled = getattr(self.replays.request.model, "optimizer", None)
        if isinstance(compiled, keras.optimizers.Optimizer) and self._may_be(rate_of(compiled)):
            for state in ("given", "earlier", "fresh") if compiled.built else ("fresh",):
                words = f"the compiled {type(compiled).__name__}"
                yield Choice(compiled, words, "optimizer= as it was before the step", state)
        if any(v.constraint is not None for v in self.replays.weights.values()):
            plain = made(keras.optimizers.SGD, rate)
            yield replace(plain, words=f"{plain.words} with the constraints of the weights")
        if self.replays.is_descent:  # but for a velocity or a clip, which leave the direction
            yield made(keras.optimizers.SGD, rate, momentum=0.9, nesterov=True)
        else:
            yield from filter(self.replays.may_explain, every_optimizer(rate))
        if rate is not None:
            yield from self._clipped(rate) if solved else ()
            yield from self._decayed(keras.optimizers.SGD, rate)
            yield from self._decayed(keras.optimizers.Adam, rate)

    @property
    def plain_is_compiled(self) -> bool:
        """Whether the model itself says that plain descent of this rate trains it."""
        compiled = getattr(self.replays.request.model, "optimizer", None)
        plain = isinstance(compiled, keras.optimizers.Optimizer) and is_plain(compiled, self.replays.weights)
        return plain and self._may_be(rate_of(compiled))

    def _may_be(self, rate: float | None) -> bool:
        """Whether a rate is that which was said."""
        return None in (rate, self.said) or bool(np.isclose(rate, self.said, rtol=SAME))  # type: ignore[arg-type]  # both are numbers

    def _clipped(self, rate: float) -> Iterator[Choice]:
        """Plain descent with a clip whose value, a short number, follows from the step."""
        free = _sizes(self.replays.gradients)
        for key, size in _sizes(self.replays.moves).items():
            if 0 < (value := size / rate) < (1 - SAME) * free[key]:
                yield made(keras.optimizers.SGD, rate, **{key: float(f"{value:.2g}")})

    def _decayed(self, kind: type, rate: float) -> Iterator[Choice]:
        """An optimizer with a decay of the weights whose λ, a short number, follows from the step."""
        moves = self.replays.moves
        plain = self.replays.replayed(made(kind, rate)) or moves
        left = {n: moves[n] - plain[n] for n in plain}
        weights = {n: np.asarray(v.numpy(), np.float64) for n, v in self.replays.weights.items()}
        decay = along(left, {n: -rate * w for n, w in weights.items()})
        if 0 < decay < np.inf:
            yield made(kind, rate, weight_decay=float(f"{decay:.2g}"))

    def at_other_rates(self, choices: Iterable[Choice]) -> Iterator[Choice]:
        return (other for choice in choices if choice.state == "given" and (other := self.at_another_rate(choice)))

    def at_another_rate(self, choice: Choice) -> Choice | None:
        """The same at the rate that fits, if one does: moves are in proportion to it, or nearly."""
        rate, right = choice.rate, self.replays.replayed(choice)
        factor = along(self.replays.moves, right) if right else np.nan
        if rate is None or not 0 < rate * factor < np.inf:
            return None
        found = dict.fromkeys((float(f"{rate * factor:.3g}"), rate * factor))
        return next((c for c in map(choice.at, found) if self.replays.explains(c)), None)


def _sizes(arrays: Arrays) -> dict[str, float]:
    """What each of Keras's ways to clip limits."""
    norms = [float(np.linalg.norm(a)) for a in arrays.values()]
    largest = max(float(np.abs(a).max(initial=0.0)) for a in arrays.values())
    return {"clipvalue": largest, "clipnorm": max(norms), "global_clipnorm": float(np.hypot.reduce(norms))}
