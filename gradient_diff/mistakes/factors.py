"""What a factor in every gradient may be: N, K, N·K/2, 2, −1, a rate; where the network's sizes are known, which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy.typing as npt

Found = tuple[str, str, str]
CLOSE = 1e-5  # relative: as float32 gives a factor
MOST = 64  # of samples in a batch whose ragged rest is guessed from a fraction


@dataclass(frozen=True)
class Known:
    """Sizes and weights of a network, as far as they are known.

    Attributes:
        batch: N.
        outputs: K.
        weights: node of a kernel's gradient → W.
        rates: of its Dropout layers.

    Example:
        >>> Known(batch=7).batch
        7
    """

    batch: int | None = None
    outputs: int | None = None
    weights: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    rates: tuple[float, ...] = ()


NOTHING = Known()


def whole(factor: float) -> bool:
    """Whether it is a whole number from 3 on.

    Example:
        >>> whole(7.0), whole(7.5), whole(2.0)
        (True, False, False)
    """
    return 2.5 < factor < 1e9 and abs(factor - round(factor)) < CLOSE * factor


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
    sure = [*_of_sizes(abs(factor), said, known)]
    found = [*sure, *_twos(abs(factor), said)] or [*_guessed(abs(factor), said)]
    if factor < 0:
        found.append(("sign", "", f"{said}: the sign is another, and so is the size"))
    yield from found
    if abs(factor) < 1 and not sure:
        yield "learning_rate_inside", "", f"{said}: is {abs(factor):.6g} the learning rate?"


def _is(factor: float, value: float) -> bool:
    return abs(factor - value) < CLOSE * abs(value)


def _of_sizes(factor: float, said: str, known: Known) -> Iterator[Found]:
    n, k = known.batch, known.outputs
    if n and n > 1 and _is(factor, n):
        yield "missing_batch_mean", "", f"{said}; {n} is the batch size"
    if n and n > 1 and _is(factor, 1 / n):
        yield "batch_mean_twice", "", f"{said}; {n} is the batch size"
    if n and k:
        for words, value in (("K", k), ("K/2", k / 2), ("N·K", n * k), ("N·K/2", n * k / 2)):
            if value != 1 and _is(factor, value):
                yield "missing_output_mean", "", f"{said}; that is {words}, with N = {n} and K = {k}"
    for rate in known.rates:
        if any(_is(factor, value) for value in (1 - rate, 1 / (1 - rate))):
            yield "dropout_scale_missing", "", f"{said}; that is 1 − {rate:g} or its inverse, and {rate:g} is dropped"


def _twos(factor: float, said: str) -> Iterator[Found]:
    if _is(factor, 2) or _is(factor, 0.5):
        yield "factor_two", "", said
    if _is(factor, 2):
        yield "accumulated", "", said


def _guessed(factor: float, said: str) -> Iterator[Found]:
    if whole(factor):
        yield "missing_batch_mean", "", f"{said}: is {round(factor)} the batch size?"
        yield "missing_output_mean", "", f"{said}: or the number of outputs, or half of both multiplied?"
    elif whole(2 * factor):
        yield "missing_output_mean", "", f"{said}: is that half the number of outputs, or half of N·K?"
    elif whole(1 / factor):
        yield "batch_mean_twice", "", f"{said}: is {round(1 / factor)} the batch size?"
    else:
        yield from _fractions(factor, said)


def _fractions(factor: float, said: str) -> Iterator[Found]:
    """1 − p or 1/(1 − p) of a rate in steps of 0.05; n/n′ of a batch whose last part was dropped."""
    kept = min(factor, 1 / factor)
    if abs(20 * kept - round(20 * kept)) < CLOSE and 0.1 <= kept < 1:
        yield "dropout_scale_missing", "", f"{said}: is {1 - kept:.3g} the rate of a Dropout?"
    part = Fraction(factor).limit_denominator(MOST)
    if 0.5 < factor < 2 and part.numerator <= MOST and _is(factor, float(part)):
        yield (
            "mini_batch_dropped",
            "",
            f"{said}, {part.numerator}/{part.denominator}: was a part of the batch left out?",
        )
