"""The optimizers of Keras: which one was said, which ones there are, and which parts make a step no plain descent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import keras
import numpy as np

from gradient_diff.keras.gradients.steps.choice import Choice, Weights, config_of, rate_of, spelled
from gradient_diff.stepping.step import checked_rate

PARTS = {
    "clipnorm": ("clipping", None),
    "clipvalue": ("clipping", None),
    "global_clipnorm": ("clipping", None),
    "weight_decay": ("weight decay", 0.0),
    "momentum": ("momentum", 0.0),
}
"""Settings of an optimizer that make its step another than plain descent: what they are called, and what is none."""
_OTHER_THAN_PLAIN = (*PARTS, "use_ema", "gradient_accumulation_steps")


@dataclass(frozen=True, eq=False)
class MadeBy:
    """Who made a step, as far as it was said: an optimizer, and whether its rate is the caller's word."""

    optimizer: Any = None
    rate: float | None = None
    by_name: bool = False

    @classmethod
    def of(cls, optimizer: object, learning_rate: object) -> MadeBy:
        """What the caller said."""
        rate = None if learning_rate is None else checked_rate(learning_rate)
        if optimizer is None:
            return cls(None, rate)
        if isinstance(optimizer, keras.optimizers.Optimizer):
            if rate is not None:
                raise ValueError(
                    "learning_rate= beside an optimizer object, which has its rate: leave learning_rate= out, or name "
                    f"the optimizer, optimizer={type(optimizer).__name__.lower()!r}."
                )
            return cls(optimizer, rate_of(optimizer))
        if not isinstance(optimizer, str):
            kind = type(optimizer).__name__
            raise TypeError(
                f"optimizer is {kind}: expected a Keras optimizer as it was before the step, or a name such as 'adam'."
            )
        return cls(_named(optimizer, rate), rate, by_name=True)


def _named(name: str, rate: float | None) -> Any:
    try:
        made = keras.optimizers.get(name)
        return made if rate is None else type(made)(learning_rate=rate)
    except (KeyError, TypeError, ValueError) as error:
        known = ", ".join(sorted(c.__name__.lower() for c in _classes()))
        raise ValueError(f"optimizer={name!r} is no name that Keras makes an optimizer of. It has {known}.") from error


def is_plain(optimizer: Any, weights: Weights) -> bool:
    """Whether a step of it is plain descent."""
    config = config_of(optimizer) if type(optimizer) is keras.optimizers.SGD else {}
    free = all(v.constraint is None for v in weights.values())
    return bool(config) and free and not any(config.get(key) for key in _OTHER_THAN_PLAIN)


@cache
def _classes() -> list[Any]:
    """Every optimizer that Keras exports and that needs nothing but a learning rate."""
    exported = (getattr(keras.optimizers, name) for name in sorted(dir(keras.optimizers)))
    base = keras.optimizers.Optimizer
    return [c for c in exported if isinstance(c, type) and issubclass(c, base) and c is not base and _makes(c)]


def _makes(kind: Callable[..., Any]) -> bool:
    try:
        return bool(kind(learning_rate=0.5))
    except TypeError:
        return False


def every_optimizer(rate: float | None) -> Iterator[Choice]:
    """Each one of Keras in its default settings, from a fresh state, at a rate or its own, but for plain descent."""
    for kind in _classes():
        if kind is not keras.optimizers.SGD:
            yield made(kind, rate)


def made(kind: Any, rate: float | None, **settings: Any) -> Choice:
    """A fresh optimizer, as a caller would write it."""
    optimizer = kind(**({} if rate is None else {"learning_rate": rate}), **settings)
    words = spelled(optimizer, settings)
    return Choice(optimizer, words, f"optimizer={words}")


def other_forms(choice: Choice) -> Iterator[tuple[str, Choice]]:
    """Of one that corrects its averages, r₁ = 1 − β₁ᵗ and r₂ = √(1 − β₂ᵗ): ε at another place, or no correction.

    Keras steps by lr r₂/r₁ m/(√v + ε). The paper's m̂/(√v̂ + ε) is that of ε r₂, and m/(√v + ε) that of lr r₁/r₂.
    Source: Kingma and Ba 2015, algorithm 1, and the line below it.
    """
    config, rate = config_of(choice.optimizer), rate_of(choice.optimizer)
    betas = [b for key in ("beta_1", "beta_2") if isinstance(b := config.get(key), float) and 0 < b < 1]
    if len(betas) != 2 or not config.get("epsilon") or rate is None:
        return
    step = 1 + (int(np.asarray(choice.optimizer.iterations)) if choice.optimizer.built else 0)
    first, second = 1 - betas[0] ** step, float(np.sqrt(1 - betas[1] ** step))
    forms = {
        "with ε beside √v̂ (Keras adds it to √v, before the bias correction)": {"epsilon": config["epsilon"] * second},
        "without the bias correction of m and v": {"learning_rate": rate * first / second},
        "without the bias correction of m": {"learning_rate": rate * first},
        "without the bias correction of v": {"learning_rate": rate / second},
    }
    for words, settings in forms.items():
        yield f"a step {words}", replace(choice, settings={**choice.settings, **settings})


def without_parts(choice: Choice, weights: Weights) -> Iterator[tuple[str, Choice]]:
    """The same optimizer with one of its settings left out, and what that is called."""
    config = config_of(choice.optimizer)
    for key, (part, none) in PARTS.items():
        if config.get(key):
            yield part, replace(choice, settings={key: none})
    if any(v.constraint is not None for v in weights.values()):
        yield "the constraints of its weights", replace(choice, constrained=False)
