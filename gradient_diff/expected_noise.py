"""How much rounding to expect where no network says so: named by the caller, never guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from manual_mlp import Noise

Array = npt.NDArray[Any]


def measured_noise(reference: Mapping[str, Array], repeat: Mapping[str, Array]) -> Noise:
    """Rounding measured from a second set of the same gradients: computed in float64, or by a repeated run.

    reference − repeat is one draw of it: see `drawn_noise`.

    Args:
        reference: name → array.
        repeat: the same names and shapes.

    Returns:
        A `Noise` with bound 0.

    Raises:
        ValueError: names or shapes differ.

    Example:
        >>> import numpy as np
        >>> noise = measured_noise({"w": np.array([1.0, 2.0])}, {"w": np.array([1.0, 2.0])})
        >>> noise.sigma["w"]
        array([0., 0.])
    """
    odd = [n for n in reference if n not in repeat or np.shape(repeat[n]) != np.shape(reference[n])]
    if odd:
        raise ValueError(f"noise= has no array of the right shape for {', '.join(odd)}. Give one per reference array.")
    values = {n: np.asarray(repeat[n], np.float64) for n in reference}
    error = {n: np.asarray(a, np.float64) - values[n] for n, a in reference.items()}
    return drawn_noise(values, [error], "the second set of gradients")


def drawn_noise(values: Mapping[str, Array], errors: Sequence[Mapping[str, Array]], source: str) -> Noise:
    """Rounding measured from draws of it.

    Few draws scatter, so each entry gets the mean of its own squares, the product of its row's and its column's mean
    over the whole mean, and half the mean of the array.

    Args:
        values: name → the gradient, as exact as it can be had.
        errors: one or more times name → what one evaluation of it was off by.
        source: who says so, in words.

    Returns:
        A `Noise` with bound 0.

    Example:
        >>> import numpy as np
        >>> drawn_noise({"w": np.array([5.0])}, [{"w": np.array([1.0])}, {"w": np.array([3.0])}], "two runs").sigma["w"]
        array([2.73861279])
    """
    squares = {n: np.mean([np.square(error[n]) for error in errors], axis=0) for n in values}
    sigma = {n: np.sqrt(_spread(square)) for n, square in squares.items()}
    return Noise("", values, sigma, dict.fromkeys(values, 0.0), 0, source=source)


def _spread(square: Array) -> Array:
    mean = square.mean()
    if square.ndim < 2 or mean == 0:
        return square + mean / 2
    axes = tuple(range(1, square.ndim))
    rows, columns = square.mean(axis=axes, keepdims=True), square.mean(axis=0, keepdims=True)
    return np.asarray(square + rows * columns / mean + mean / 2)


def relative_noise(reference: Mapping[str, Array], rtol: float) -> Noise:
    """A relative tolerance of the caller's own choice: |hand − reference| ≤ rtol · max |reference|.

    Args:
        reference: name → array.
        rtol: above 0.

    Returns:
        A `Noise` whose tolerance is just that.

    Raises:
        ValueError: rtol is not a finite number above 0.

    Example:
        >>> import numpy as np
        >>> relative_noise({"w": np.array([1.0, -8.0])}, 0.25).tolerance("w")
        array([2., 2.])
    """
    if not 0 < rtol < float("inf"):
        raise ValueError(f"rtol={rtol}: expected a finite number above 0, such as 1e-6.")
    values = {n: np.asarray(a, np.float64) for n, a in reference.items()}
    limit = {n: np.full(a.shape, rtol * np.abs(a).max(initial=0.0) / np.sqrt(2)) for n, a in values.items()}
    sigma = {n: np.zeros(a.shape) for n, a in values.items()}
    return Noise("", values, sigma, limit, 0, source=f"rtol={rtol:g}, chosen by the caller")
