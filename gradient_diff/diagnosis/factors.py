"""What a factor in every gradient may be: N, K, N·K/2, 2, −1, a rate; where the network's sizes are known, which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeGuard

from manual_mlp import Array

Found = tuple[str, str, str]
CLOSE = 1e-5  # relative: as float32 gives a factor
LARGEST_RATE = 0.5  # of steps that are taken; a constant nearer to 1, or beyond, is no learning rate
MOST = 64  # of samples in a batch whose ragged rest is guessed from a fraction


@dataclass(frozen=True)
class Known:
    """Sizes and weights of a network, as far as they are known.

    Attributes:
        batch: N.
        outputs: K.
        weights: node of a kernel's gradient → W.
        rates: of its Dropout layers; None where nobody knows.

    Example:
        >>> Known(batch=7).batch
        7
    """

    batch: int | None = None
    outputs: int | None = None
    weights: Mapping[str, Array] = field(default_factory=dict)
    rates: tuple[float, ...] | None = None


NOTHING = Known()


def whole(factor: float) -> bool:
    """Whether it is a whole number from 3 on.

    Example:
        >>> whole(7.0), whole(7.5), whole(2.0)
        (True, False, False)
    """
    return 2.5 < factor < 1e9 and abs(factor - round(factor)) < CLOSE * factor


def may_be_a_rate(factor: float | None) -> TypeGuard[float]:
    """Whether ±factor is a learning rate that somebody would take.

    Example:
        >>> [may_be_a_rate(f) for f in (-0.05, 0.5, 0.999, 1.0001, 7.3, 0.0, None)]
        [True, True, False, False, False, False, False]
    """
    return factor is not None and 0 < abs(factor) <= LARGEST_RATE * (1 + CLOSE)


def named_factor(factor: float, known: Known = NOTHING) -> Iterator[Found]:
    """(id, "", sentence) for everything that the factor may be.

    Args:
        factor: of all gradients; not 1.
        known: sizes of the network.

    Returns:
        What is known first, then what can only be asked.

    Example:
        >>> [name for name, _, _ in named_factor(-1.0)]
        ['sign']
        >>> next(named_factor(10.5, Known(batch=7, outputs=3)))[2]
        "your gradients are 10.5 times the reference's; that is N·K/2, with N = 7 and K = 3"
    """
    said = f"your gradients are {factor:.6g} times the reference's"
    if _is(factor, -1):
        yield "sign", "", said
        return
    size = abs(factor)
    found = [*_of_sizes(size, said, known), *_twos(size, said)] or [*_guessed(size, said, known)]
    if factor < 0 and found:
        found.append(("sign", "", f"{said}: the sign is another, and so is the size"))
    yield from found
    if may_be_a_rate(factor):
        yield "learning_rate_inside", "", f"{said}: is {size:.6g} the learning rate?"


def _is(factor: float, value: float) -> bool:
    return abs(factor - value) < CLOSE * abs(value)


def _of_sizes(factor: float, said: str, known: Known) -> Iterator[Found]:
    n, k = known.batch, known.outputs
    if n and n > 1 and _is(factor, n):
        yield "missing_batch_mean", "", f"{said}; {n} is the batch size"
    if n and n > 1 and _is(factor, 1 / n):
        yield "batch_mean_twice", "", f"{said}; {n} is the batch size"
    if n and k:
        ways = [("K", k), ("K/2", k / 2), ("N·K", n * k), ("N·K/2", n * k / 2), ("1/K", 1 / k), ("N/K", n / k)]
        for words, value in ways if k > 1 else ways[:-2]:
            if value != 1 and _is(factor, value):
                yield "missing_output_mean", "", f"{said}; that is {words}, with N = {n} and K = {k}"
    if n and factor > 0 and 1 < (m := round(n / factor)) < n and _is(factor, n / m):
        yield "mini_batch_dropped", "", f"{said}: divided by {m} samples, not {n}"
    for rate in known.rates or ():
        if any(_is(factor, value) for value in (1 - rate, 1 / (1 - rate))):
            yield "dropout_scale_missing", "", f"{said}; that is 1 − {rate:g} or its inverse, and {rate:g} is dropped"


def _twos(factor: float, said: str) -> Iterator[Found]:
    if _is(factor, 2) or _is(factor, 0.5):
        yield "factor_two", "", said
    if _is(factor, 2):
        yield "accumulated", "", said


def _guessed(factor: float, said: str, known: Known) -> Iterator[Found]:
    """What can only be asked: a size that is known is not asked for."""
    if known.batch is None and known.outputs is None:
        yield from _guessed_sizes(factor, said)
    kept = min(factor, 1 / factor)
    in_steps = abs(20 * kept - round(20 * kept)) < CLOSE and 2 <= round(20 * kept) < 20
    if known.rates is None and in_steps and not any(map(whole, (factor, 1 / factor, 2 * factor))):
        yield "dropout_scale_missing", "", f"{said}: is {1 - kept:.3g} the rate of a Dropout?"


def _guessed_sizes(factor: float, said: str) -> Iterator[Found]:
    """N, K, N·K/2; n/n′ of a batch whose last part was dropped."""
    part = Fraction(factor).limit_denominator(MOST)
    if whole(factor):
        yield "missing_batch_mean", "", f"{said}: is {round(factor)} the batch size?"
        yield "missing_output_mean", "", f"{said}: or the number of outputs, or half of both multiplied?"
    elif whole(2 * factor):
        yield "missing_output_mean", "", f"{said}: is that half the number of outputs, or half of N·K?"
    elif whole(1 / factor):
        yield "batch_mean_twice", "", f"{said}: is {round(1 / factor)} the batch size?"
        yield "missing_output_mean", "", f"{said}: or the number of outputs, whose mean was also taken?"
    elif 0.5 < factor < 2 and part != 1 and part.numerator <= MOST and _is(factor, float(part)):
        fraction = f"{part.numerator}/{part.denominator}"
        yield "mini_batch_dropped", "", f"{said}, {fraction}: was a part of the batch left out?"
