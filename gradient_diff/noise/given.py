"""How much rounding to expect where no network says so: named by the caller, never guessed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from gradient_diff.noise.network import Kind, Noise
from manual_mlp import Array
from manual_mlp.extend import GATE, LOST, UNITS


def measured_noise(reference: Mapping[str, Array], repeat: Mapping[str, Array]) -> Noise:
    """Rounding measured from a second set of the same gradients: computed in float64, or by a repeated run.

    reference − repeat is one draw of it: see `drawn_noise`.
    """
    odd = [n for n in reference if n not in repeat or np.shape(repeat[n]) != np.shape(reference[n])]
    if odd:
        raise ValueError(
            f"The second set has no array of the right shape for {', '.join(odd)}. Give one per reference array."
        )
    for name, array in reference.items():
        _check_not_coarser(name, array, repeat[name])
    values = {n: np.asarray(repeat[n], np.float64) for n in reference}
    with np.errstate(over="ignore", invalid="ignore"):
        error = {n: np.asarray(a, np.float64) - values[n] for n, a in reference.items()}
    return drawn_noise(values, [error], "the second set of gradients")


def _check_not_coarser(name: str, reference: Array, repeat: Array) -> None:
    if unit(repeat) > unit(reference):
        raise ValueError(
            f"{name} is {repeat.dtype} in the second set, but {reference.dtype} in the reference: the difference is "
            "the second set's own rounding, and not the reference's. "
            f"Repeat the run in {' or in '.join(dict.fromkeys((reference.dtype.name, 'float64')))}."
        )


def unit(array: Array) -> float:
    """The unit roundoff of an array's dtype; 0 where none is known, as of whole numbers, which are exact."""
    return UNITS.get(np.asarray(array).dtype.name, 0.0)


def check_independent(noise: Noise, hand: Mapping[str, Array], reference: Mapping[str, Array]) -> None:
    """Refuse a second set that is the hand side itself: every difference would count as its own rounding.

    A set finer than the reference may be: it is the truth as well as it can be had.
    """
    differing = [n for n in hand if n in noise.values and not np.array_equal(hand[n], reference[n])]
    own = [n for n in differing if np.array_equal(hand[n], noise.values[n]) and unit(hand[n]) >= unit(reference[n])]
    if own and own == differing:
        raise ValueError(
            "All that differs from the reference is bit-equal to the second set, so that every difference would count "
            "as its own rounding. The second set has to be the reference's: repeat its run, or compute it in float64."
        )


def widened(noise: Noise, hand: Mapping[str, Array], reference: Mapping[str, Array]) -> Noise:
    """The noise measured of a reference, where the hand side is coarser and its rounding therefore larger.

    σ is as much larger as the unit roundoff u is; storing the result in the coarser dtype adds u²·value²/3 + η².
    """
    coarse = [n for n in noise.sigma if n in hand and unit(hand[n]) > unit(reference[n]) > 0]
    if not coarse:
        return noise
    sigma = {n: _widened(noise, n, hand[n], reference[n]) for n in coarse}
    dtypes = ", ".join(sorted({hand[n].dtype.name for n in coarse}))
    return replace(noise, sigma={**noise.sigma, **sigma}, source=f"{noise.source}, widened to {dtypes}")


def _widened(noise: Noise, node: str, hand: Array, reference: Array) -> Array:
    u = unit(hand)
    computed = noise.sigma[node] * (u / unit(reference))
    stored = np.hypot(u * np.abs(noise.values[node]) / np.sqrt(3), LOST[hand.dtype.name])
    return np.where(computed > 0, np.hypot(computed, stored), 0.0)  # nothing is known of what never rounded


def drawn_noise(
    values: Mapping[str, Array], errors: Sequence[Mapping[str, Array]], source: str, kind: Kind = Kind.REPEATED
) -> Noise:
    """Rounding measured from draws of it.

    Few draws scatter, so each entry gets the mean of its own squares, the product of its row's and its column's mean
    over the whole mean, and half the mean of the array.

    Args:
        values: name → the gradient, as exact as it can be had.
        errors: one or more times name → what one evaluation of it was off by.
        source: who says so, in words.
        kind: REPEATED for runs that may themselves be off, so that a spread of half the digits is no rounding;
            DRAWN where the last digits of one computation were moved.

    Returns:
        A `Noise` with bound 0.

    Raises:
        TypeError: values or an error is no dict of arrays.
        ValueError: there is no error, or one of them has no array of that name and shape.

    Example:
        >>> import numpy as np
        >>> drawn_noise({"w": np.array([5.0])}, [{"w": np.array([1.0])}, {"w": np.array([3.0])}], "two runs").sigma["w"]
        array([2.73861279])
    """
    errors = _checked_draws(values, errors)
    values = {n: np.asarray(a) for n, a in values.items()}
    sigma = {n: _sigma([np.asarray(error[n]) for error in errors]) for n in values}
    return Noise("", values, sigma, dict.fromkeys(values, 0.0), 0, source=source, kind=kind)


def _checked_draws(values: object, errors: object) -> list[Mapping[str, Array]]:
    """What was drawn, each with an array of the right shape for each value."""
    if not isinstance(values, Mapping):
        raise TypeError(f"values is {type(values).__name__}: expected a dict, name → array.")
    if isinstance(errors, Mapping | str) or not isinstance(errors, Iterable):
        raise TypeError(f"errors is {type(errors).__name__}: expected a list of dicts, one per draw: [errors].")
    drawn = list(errors)
    if not drawn:
        raise ValueError("errors is empty: without a draw nothing is known of rounding. Give one dict or more.")
    for place, draw in enumerate(drawn):
        if not isinstance(draw, Mapping):
            raise TypeError(f"errors[{place}] is {type(draw).__name__}: expected a dict, name → array.")
        odd = [n for n, a in values.items() if n not in draw or np.shape(draw[n]) != np.shape(a)]
        if odd:
            raise ValueError(f"errors[{place}] has no array of the right shape for {', '.join(map(str, odd))}.")
    return drawn


@np.errstate(over="ignore", invalid="ignore")  # of errors that are no numbers σ is ∞ or NaN, and excuses nothing
def _sigma(errors: Sequence[Array]) -> Array:
    """Of one array, at its own scale: the squares of 1e-200 would vanish, and those of 1e200 overflow.

    A power of 2, which changes no digit.
    """
    largest = max(float(np.abs(error).max(initial=0.0)) for error in errors)
    scale = math.ldexp(1.0, math.frexp(largest)[1] - 1) if 0 < largest < np.inf else 1.0
    squares = np.mean([np.square(error / scale) for error in errors], axis=0)
    return np.asarray(scale * np.sqrt(_spread(squares)))


def _spread(square: Array) -> Array:
    mean = square.mean()
    if square.ndim < 2 or mean == 0:
        return square + mean / 2
    axes = tuple(range(1, square.ndim))
    rows, columns = square.mean(axis=axes, keepdims=True), square.mean(axis=0, keepdims=True)
    return np.asarray(square + rows * columns / mean + mean / 2)


def relative_noise(reference: Mapping[str, Array], rtol: float, hand: Mapping[str, Array] | None = None) -> Noise:
    """A relative tolerance of the caller's own choice: |hand − reference| ≤ rtol · max |reference|."""
    if isinstance(rtol, bool) or not isinstance(rtol, int | float | np.integer | np.floating):
        kind = "a bool" if isinstance(rtol, bool) else type(rtol).__name__
        raise TypeError(f"rtol={rtol!r} is {kind}: expected one number, such as 1e-6.")
    if not 0 < rtol < float("inf"):
        raise ValueError(f"rtol={rtol}: expected a finite number above 0, such as 1e-6.")
    values = {n: np.asarray(a, np.float64) for n, a in reference.items()}
    pairs = {n: (a, a if hand is None else hand.get(n, a)) for n, a in reference.items()}
    sides = {n: 1 + (unit(r) == unit(h)) for n, (r, h) in pairs.items()}
    most = {n: rtol * np.abs(a).max(initial=0.0) / np.sqrt(sides[n]) for n, a in values.items()}
    sigma = {n: np.full(a.shape, most[n] / GATE) for n, a in values.items()}
    return Noise(
        "", values, sigma, dict.fromkeys(values, 0.0), 0, source=f"rtol={rtol:g}, chosen by the caller", rtol=rtol
    )


def wider(noise: Noise, hidden: Mapping[str, Array | float]) -> Noise:
    """A noise that grants what storing the weights hides, too; both by name as in `noise`."""
    bound = {node: b + hidden.get(node, 0.0) for node, b in noise.bound.items()}
    return replace(noise, bound=bound, of_step=True, source=f"{noise.source}, and what storing the weights hides")
