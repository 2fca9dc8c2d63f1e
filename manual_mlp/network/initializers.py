"""Initial weights, by Keras's names and variances, from NumPy's generators."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.errors import unknown_name

Seed: TypeAlias = int | np.random.Generator | np.random.RandomState
Draw: TypeAlias = Callable[["np.random.Generator | np.random.RandomState", tuple[int, ...]], Array]


def _uniform(variance: Callable[[int, int], float]) -> Draw:
    return lambda rng, shape: rng.uniform(-1, 1, shape) * math.sqrt(3 * variance(*_fans(shape)))


def _truncated_normal(variance: Callable[[int, int], float]) -> Draw:
    # Cut at two deviations, then widened so that the variance is the stated one, as Keras does.
    return lambda rng, shape: _cut_normal(rng, shape) * (math.sqrt(variance(*_fans(shape))) / 0.87962566103423978)


def _cut_normal(rng: np.random.Generator | np.random.RandomState, shape: tuple[int, ...]) -> Array:
    values = np.asarray(rng.normal(size=shape))
    while (outside := np.abs(values) > 2).any():
        values[outside] = rng.normal(size=int(outside.sum()))
    return values


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """n_in and n_out; a vector counts as both, as in Keras."""
    return (shape[0], shape[-1])


INITIALIZERS: dict[str, Draw] = {
    "zeros": lambda rng, shape: np.zeros(shape),
    "glorot_uniform": _uniform(lambda n_in, n_out: 2 / (n_in + n_out)),
    "glorot_normal": _truncated_normal(lambda n_in, n_out: 2 / (n_in + n_out)),
    "he_uniform": _uniform(lambda n_in, n_out: 2 / n_in),
    "he_normal": _truncated_normal(lambda n_in, n_out: 2 / n_in),
}


def initializer(name: str) -> Draw:
    """The drawing function of an initializer, a key of `INITIALIZERS` or `normal(σ)` for N(0, σ²).

    Variances, with n_in and n_out the two sizes of the array: Glorot 2/(n_in + n_out), He 2/n_in. Source: Glorot and
    Bengio, 2010; He et al., 2015; the truncation at two deviations is Keras's.
    """
    if match := re.fullmatch(r"normal\(\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*\)", name):
        sigma = float(match[1])
        if not (0 <= sigma < math.inf):
            raise ValueError(f"{name}: expected a standard deviation of 0 or more.")
        # The draw comes first, so that the legacy stream gives article A's weights to the last bit.
        return lambda rng, shape: np.asarray(rng.normal(0.0, sigma, shape))
    if name not in INITIALIZERS:
        raise unknown_name("initializer", name, [*INITIALIZERS, "normal(0.5)"])
    return INITIALIZERS[name]


def generator(seed: Seed) -> np.random.Generator | np.random.RandomState:
    """A generator from an int; a Generator or RandomState passes through and keeps its place.

    Example:
        >>> import numpy as np
        >>> generator(0).normal() == np.random.default_rng(0).normal()
        True
    """
    if isinstance(seed, (np.random.Generator, np.random.RandomState)):
        return seed
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TypeError(f"seed is {type(seed).__name__}: expected an int, a numpy Generator or a RandomState.")
    if seed < 0:
        raise ValueError(f"seed={seed}: expected 0 or more.")
    return np.random.default_rng(int(seed))
