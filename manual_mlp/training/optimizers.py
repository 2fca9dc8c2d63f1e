"""Gradient descent with momentum, RMSprop and Adam by Keras's names and conventions, each formula beside its code.

In the formulas g is dE/dW and t the number of the step, from 1; everything else starts at 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.training.update_rule import Optimizer, Rule, through_float32


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent, with or without momentum.

    W ← W − lr g;  with momentum μ:  v ← μ v − lr g,  W ← W + v;  Nesterov's:  W ← W + μ v − lr g  with the new v.

    Args:
        learning_rate: lr, above 0.
        momentum: μ, 0 ≤ μ < 1.
        nesterov: whether W goes ahead by the momentum; without momentum it changes nothing.

    Raises:
        ValueError: a number out of range.
        TypeError: something that is no number.

    Source: Polyak, 1964; Sutskever, Martens, Dahl and Hinton, 2013, for Nesterov's; `keras.optimizers.SGD`, where lr is
    inside v.

    Example:
        >>> SGD(0.1, momentum=0.9).formula
        ('v ← μ v − lr g', 'W ← W + v')
    """

    learning_rate: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        self._check(momentum=self.momentum)

    @property
    def formula(self) -> tuple[str, ...]:
        """The step as a book writes it, line by line."""
        if not self.momentum:
            return ("W ← W − lr g",)
        return "v ← μ v − lr g", "W ← W + μ v − lr g" if self.nesterov else "W ← W + v"

    @property
    def slots(self) -> tuple[str, ...]:
        """v, which Keras calls momentum."""
        return ("momentum",) if self.momentum else ()

    def rule(self, step: int, dtype: np.dtype[Any]) -> Rule:
        """The step, the same for every t."""
        rate, keep = through_float32(self.learning_rate, dtype), through_float32(self.momentum, dtype)
        if not self.momentum:
            return partial(descend, rate)
        return partial(_nesterov if self.nesterov else _momentum, rate, keep)


def descend(rate: Any, w: Array, g: Array, a: Array, _: Array) -> None:
    """W ← W − lr g, in place."""
    np.multiply(g, rate, a)
    np.subtract(w, a, w)


def _momentum(rate: Any, keep: Any, w: Array, g: Array, v: Array, a: Array, _: Array) -> None:
    np.multiply(g, rate, a)
    np.multiply(v, keep, v)
    np.subtract(v, a, v)  # v ← μ v − lr g
    np.add(w, v, w)  # W ← W + v


def _nesterov(rate: Any, keep: Any, w: Array, g: Array, v: Array, a: Array, b: Array) -> None:
    np.multiply(g, rate, a)
    np.multiply(v, keep, v)
    np.subtract(v, a, v)  # v ← μ v − lr g
    np.multiply(v, keep, b)
    np.subtract(b, a, b)
    np.add(w, b, w)  # W ← W + (μ v − lr g)


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """Gradient descent by g over the root of its mean square.

    v ← ρ v + (1 − ρ) g²,  W ← W − lr g / √(v + ε).  Here ε is inside the root, as Keras has it.
    Centered: ā ← ρ ā + (1 − ρ) g, and √(v − ā² + ε).  With momentum: p ← μ p + lr g / √(v + ε), W ← W − p.

    Args:
        learning_rate: lr, above 0.
        rho: ρ, 0 ≤ ρ < 1.
        momentum: μ, 0 ≤ μ < 1.
        epsilon: ε, above 0.
        centered: whether v is made a variance by the mean ā. Where g is nearly constant and large, v − ā² is lost in
            rounding and may come out below −ε: then the root is NaN, here as in Keras.

    Raises:
        ValueError: a number out of range.
        TypeError: something that is no number.

    Source: Hinton, Neural Networks for Machine Learning, lecture 6, 2012; Graves, 2013, for the centered one;
    `keras.optimizers.RMSprop`.

    Example:
        >>> RMSprop().formula
        ('v ← ρ v + (1 − ρ) g²', 'W ← W − lr g / √(v + ε)')
    """

    learning_rate: float = 1e-3
    rho: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-7
    centered: bool = False

    def __post_init__(self) -> None:
        self._check(rho=self.rho, momentum=self.momentum)

    @property
    def formula(self) -> tuple[str, ...]:
        """The step as a book writes it, line by line."""
        mean = ("ā ← ρ ā + (1 − ρ) g",) if self.centered else ()
        increment = "lr g / √(v − ā² + ε)" if self.centered else "lr g / √(v + ε)"
        end = (f"p ← μ p + {increment}", "W ← W − p") if self.momentum else (f"W ← W − {increment}",)
        return ("v ← ρ v + (1 − ρ) g²", *mean, *end)

    @property
    def slots(self) -> tuple[str, ...]:
        """v, and p and ā where there are any."""
        return (
            "velocity",
            *(("momentum",) if self.momentum else ()),
            *(("average_gradient",) if self.centered else ()),
        )

    def rule(self, step: int, dtype: np.dtype[Any]) -> Rule:
        """The step, the same for every t."""
        rate, number = through_float32(self.learning_rate, dtype), dtype.type
        numbers = rate, number(self.rho), number(1 - self.rho), number(self.epsilon), number(self.momentum)
        return partial(self._update, *numbers)

    def _update(
        self, rate: Any, rho: Any, rest: Any, epsilon: Any, keep: Any, w: Array, g: Array, *more: Array
    ) -> None:
        *state, a, b = more
        kept = dict(zip(self.slots, state, strict=True))
        v = kept["velocity"]
        np.square(g, a)
        _average(v, rho, rest, a)  # v ← ρ v + (1 − ρ) g²
        if self.centered:
            mean = kept["average_gradient"]
            np.copyto(a, g)
            _average(mean, rho, rest, a)  # ā ← ρ ā + (1 − ρ) g
            np.square(mean, b)
            np.subtract(v, b, b)
            np.add(b, epsilon, b)
        else:
            np.add(v, epsilon, b)
        np.sqrt(b, b)
        np.multiply(g, rate, a)
        np.divide(a, b, a)  # lr g / √(v + ε)
        if self.momentum:
            p = kept["momentum"]
            np.multiply(p, keep, p)
            np.add(p, a, p)
            a = p
        np.subtract(w, a, w)


def _average(mean: Array, keep: Any, rest: Any, value: Array) -> None:
    """mean ← keep · mean + rest · value, in place; the value is spent."""
    np.multiply(value, rest, value)
    np.multiply(mean, keep, mean)
    np.add(mean, value, mean)


@dataclass(frozen=True)
class Adam(Optimizer):
    """Gradient descent by the mean of g over the root of its mean square, both freed of their start at 0.

    m ← m + (1 − β₁)(g − m),  v ← v + (1 − β₂)(g² − v),  α = lr √(1 − β₂ᵗ) / (1 − β₁ᵗ),  W ← W − α m / (√v + ε).
    Here ε is outside the root and beside the uncorrected v: the ε̂ of the paper's section 2, as Keras has it.

    Args:
        learning_rate: lr, above 0.
        beta_1: β₁, 0 ≤ β₁ < 1.
        beta_2: β₂, 0 ≤ β₂ < 1.
        epsilon: ε, above 0.

    Raises:
        ValueError: a number out of range.
        TypeError: something that is no number.

    Source: Kingma and Ba, 2015; `keras.optimizers.Adam`.

    Example:
        >>> print(*Adam().formula, sep="; ")
        m ← m + (1 − β₁)(g − m); v ← v + (1 − β₂)(g² − v); α = lr √(1 − β₂ᵗ) / (1 − β₁ᵗ); W ← W − α m / (√v + ε)
    """

    learning_rate: float = 1e-3
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        self._check(beta_1=self.beta_1, beta_2=self.beta_2)

    @property
    def formula(self) -> tuple[str, ...]:
        """The step as a book writes it, line by line."""
        averages = "m ← m + (1 − β₁)(g − m)", "v ← v + (1 − β₂)(g² − v)"
        return (*averages, "α = lr √(1 − β₂ᵗ) / (1 − β₁ᵗ)", "W ← W − α m / (√v + ε)")

    @property
    def slots(self) -> tuple[str, ...]:
        """The means m and v, which Keras calls momentum and velocity."""
        return "momentum", "velocity"

    def rule(self, step: int, dtype: np.dtype[Any]) -> Rule:
        """The step number t."""
        rate, beta_1, beta_2 = (through_float32(v, dtype) for v in (self.learning_rate, self.beta_1, self.beta_2))
        t, number = dtype.type(step), dtype.type
        alpha = rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        return partial(_adam, alpha, number(1 - self.beta_1), number(1 - self.beta_2), number(self.epsilon))


def _adam(
    alpha: Any, rest_1: Any, rest_2: Any, epsilon: Any, w: Array, g: Array, m: Array, v: Array, a: Array, b: Array
) -> None:
    np.subtract(g, m, a)
    np.multiply(a, rest_1, a)
    np.add(m, a, m)  # m ← m + (1 − β₁)(g − m)
    np.square(g, a)
    np.subtract(a, v, a)
    np.multiply(a, rest_2, a)
    np.add(v, a, v)  # v ← v + (1 − β₂)(g² − v)
    np.sqrt(v, b)
    np.add(b, epsilon, b)
    np.multiply(m, alpha, a)
    np.divide(a, b, a)
    np.subtract(w, a, w)  # W ← W − α m / (√v + ε)
