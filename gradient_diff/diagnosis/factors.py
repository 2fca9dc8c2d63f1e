"""What a factor in every gradient may be: N, K, N·K/2, 2, −1, a rate; where the network's sizes are known, which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple, TypeAlias, TypeGuard

import numpy as np

from gradient_diff.diagnosis.mistake import BATCH, WIDTH, makes
from manual_mlp import Array, Loss
from manual_mlp.extend import Arrays, LossFunction

Found = tuple[str, str, str]
Scaled: TypeAlias = Loss | LossFunction
"""What has a c in front of its sum; of a `Loss` the reduction counts, too."""


class Guess(NamedTuple):
    """What can only be asked: see `Found`."""

    id: str
    layer: str
    sentence: str


CLOSE = 1e-5  # relative: as float32 gives a factor
SAME = 1e-3  # relative: a fitted factor this near another may be it
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
        guessing: whether sizes that nobody knows are asked for.
    """

    batch: int | None = None
    outputs: int | None = None
    weights: Mapping[str, Array] = field(default_factory=dict)
    rates: tuple[float, ...] | None = None
    guessing: bool = True


NOTHING = Known()


@dataclass(frozen=True)
class Factor:
    """What somebody's gradients may be times the right ones.

    Attributes:
        id: of the mistake.
        value: the factor.
        sentence: where the loss is known.
        words: where it is not, what follows "times the reference's".
    """

    id: str
    value: float
    sentence: str
    words: str = ""


def fit(hand: Arrays, other: Arrays, nodes: Iterable[str]) -> float | None:
    """The factor of the other arrays that fits the hand's best; None where there is nothing to fit."""
    usable = [n for n in nodes if np.shape(hand[n]) == np.shape(other[n])]
    size = sum(float(np.vdot(other[n], other[n])) for n in usable)
    return sum(float(np.vdot(other[n], hand[n])) for n in usable) / size if size > 0 else None


def is_close(factor: float, other: float) -> bool:
    """Whether two factors that were fitted, or one of them, may be the same."""
    return abs(factor / other - 1) < SAME


def nearest_whole(quotient: float) -> int:
    """0 where there is none: the quotient of an absurd factor overflows, or is NaN."""
    return round(quotient) if np.isfinite(quotient) else 0


def whole(factor: float) -> bool:
    """Whether it is a whole number from 3 on."""
    return 2.5 < factor < 1e9 and abs(factor - round(factor)) < CLOSE * factor


def may_be_a_rate(factor: float | None) -> TypeGuard[float]:
    """Whether ±factor is a learning rate that somebody would take."""
    return factor is not None and 0 < abs(factor) <= LARGEST_RATE * (1 + CLOSE)


def list_factors(n: int | None, k: int | None, loss: Scaled | None = None) -> Iterator[Factor]:
    """The table of (N, K, loss): whatever factor follows from them; of an unknown loss, from any."""
    yield from _list_twos()
    if n and k:
        yield from _list_outputs(n, k, loss)
    if n and n > 1:
        yield from _list_batch(n, loss)


@makes(
    "factor_two",
    "scale",
    title="a 2 or a ½ of the squared loss",
    equation="d(½e²)/de = e, d(e²)/de = 2e",
    cure="d(½e²) is e, d(e²) is 2e: use the E that you write down.",
    alike=("accumulated", "missing_output_mean", "other_loss"),
)
def _list_twos() -> Iterator[Factor]:
    yield Factor("factor_two", 2, "your gradients are twice the reference's")
    yield Factor("accumulated", 2, "your gradients are twice the reference's, as on a second call")
    yield Factor("factor_two", 0.5, "your gradients are half the reference's")


@makes(
    "missing_batch_mean",
    "scale",
    title="the mean over the batch is missing",
    equation="E = 1/N Σ_N E_n",
    cure="Divide δ of the output by N, once.",
    alike=("missing_output_mean", "mini_batch_dropped", "other_loss"),
    tell_apart=BATCH,
)
@makes(
    "batch_mean_twice",
    "scale",
    title="the mean over the batch is taken twice",
    equation="E = 1/N Σ_N E_n",
    cure="1/N in δ is enough.",
    alike=("missing_output_mean",),
    tell_apart=BATCH,
)
@makes(
    "mean_for_sum",
    "differentiated",
    title="a mean where E is a sum",
    equation="E = Σ_N E_n",
    cure="This E has no 1/N: leave the division out.",
    alike=("missing_output_mean",),
    tell_apart=BATCH,
)
def _list_batch(n: int, loss: Scaled | None) -> Iterator[Factor]:
    mean, size = loss is None or mean_over_batch(loss), f"; {n} is the batch size"
    if mean:
        yield Factor("missing_batch_mean", n, f"your gradients are {n} times the reference's{size}", size)
    name = "batch_mean_twice" if mean else "mean_for_sum"
    yield Factor(name, 1 / n, f"your gradients are 1/{n} of the reference's{size}", size)


@makes(
    "missing_output_mean",
    "scale",
    title="the mean over the outputs is missing, or stands where none belongs",
    equation="E = 1/(N·K) Σ_N Σ_K e²",
    cure="Divide δ of the output once, by what E divides by: "
    "squared error and binary cross-entropy by N·K, other cross-entropies by N (in Keras).",
    alike=(
        "missing_batch_mean",
        "factor_two",
        "accumulated",
        "batch_mean_twice",
        "mean_for_sum",
        "mini_batch_dropped",
        "other_loss",
    ),
    tell_apart=WIDTH,
)
def _list_outputs(n: int, k: int, loss: Scaled | None) -> Iterator[Factor]:
    """A mean over K that E has and the hand has not, or the other way round."""
    values = {"K": k, "K/2": k / 2, "N·K": n * k, "N·K/2": n * k / 2, "1/K": 1 / k, "N/K": n / k}
    for way in _ways(loss, k):
        if values[way] != 1:
            said = f"your gradients are {values[way]:.6g} = {way} times the reference's{_why(way, n, k, loss)}"
            yield Factor("missing_output_mean", values[way], said, f"; that is {way}, with N = {n} and K = {k}")


def _ways(loss: Scaled | None, k: int) -> tuple[str, ...]:
    if loss is None:
        return ("K", "K/2", "N·K", "N·K/2", *(("1/K", "N/K") if k > 1 else ()))
    if mean_over_outputs(loss):
        return "K", "K/2", "N·K", "N·K/2", "1/K"
    return ("K", "N·K", "1/K", *(("N/K",) if mean_over_batch(loss) else ())) if k > 1 else ()


def _why(way: str, n: int, k: int, loss: Scaled | None) -> str:
    if loss is None:
        return ""
    if way == "N/K":
        return f": divided by the {k} outputs, not by the {n} samples"
    if way == "1/K":
        twice = "the mean over them was taken twice"
        also = f"the mean was also taken over the outputs; {loss.name} sums over them"
        return f"; {k} is the number of outputs: {twice if mean_over_outputs(loss) else also}"
    sums = "" if mean_over_outputs(loss) else f"; {loss.name} sums over the outputs, so that no K belongs there"
    return f", with N = {n} samples and K = {k} outputs{sums}"


def is_squared(loss: LossFunction) -> bool:
    """Whether it is a squared error."""
    return loss.squared


def mean_over_batch(loss: Scaled) -> bool:
    """Whether its E has a 1/N."""
    return loss.factor(2, 1) != loss.factor(1, 1)


def mean_over_outputs(loss: Scaled) -> bool:
    """Whether its E has a 1/K."""
    return loss.factor(1, 2) != loss.factor(1, 1)


def name_factor(factor: float, known: Known = NOTHING) -> Iterator[Found]:
    """(id, "", sentence) for everything that a factor of all gradients may be: what is known, else questions."""
    said = f"your gradients are {factor:.6g} times the reference's"
    if _is(factor, -1):
        yield "sign", "", said
        return
    size = abs(factor)
    listed = [f for f in list_factors(known.batch, known.outputs) if _is(size, f.value)]
    found = [*((f.id, "", f"{said}{f.words}") for f in listed), *_parts(size, said, known)]
    found = found or [*_guess(size, said, known)]
    if factor < 0 and found:
        found.append(("sign", "", f"{said}: the sign is another, and so is the size"))
    yield from found
    if may_be_a_rate(factor):
        yield Guess("learning_rate_inside", "", f"{said}: is {size:.6g} the learning rate?")


def _is(factor: float, value: float) -> bool:
    return abs(factor - value) < CLOSE * abs(value)


def _parts(factor: float, said: str, known: Known) -> Iterator[Found]:
    """What is left of a batch, or of the units."""
    n = known.batch
    if n and 1 < (m := nearest_whole(n / factor)) < n and _is(factor, n / m):
        yield "mini_batch_dropped", "", f"{said}: divided by {m} samples, not {n}"
    for rate in known.rates or ():
        if any(_is(factor, value) for value in (1 - rate, 1 / (1 - rate))):
            yield "dropout_scale_missing", "", f"{said}; that is 1 − {rate:g} or its inverse, and {rate:g} is dropped"


def _guess(factor: float, said: str, known: Known) -> Iterator[Found]:
    """What can only be asked: a size that is known is not asked for."""
    if known.guessing and known.batch is None and known.outputs is None:
        yield from _guess_sizes(factor, said)
    kept = min(factor, 1 / factor)
    in_steps = abs(20 * kept - round(20 * kept)) < CLOSE and 2 <= round(20 * kept) < 20
    if known.rates is None and in_steps and not any(map(whole, (factor, 1 / factor, 2 * factor))):
        yield Guess("dropout_scale_missing", "", f"{said}: is {1 - kept:.3g} the rate of a Dropout?")


def _guess_sizes(factor: float, said: str) -> Iterator[Found]:
    """N, K, N·K/2; n/n′ of a batch whose last part was dropped."""
    part = Fraction(factor).limit_denominator(MOST)
    if whole(factor):
        yield Guess("missing_batch_mean", "", f"{said}: is {round(factor)} the batch size?")
        yield Guess("missing_output_mean", "", f"{said}: or the number of outputs, or half of both multiplied?")
    elif whole(2 * factor):
        yield Guess("missing_output_mean", "", f"{said}: is that half the number of outputs, or half of N·K?")
    elif whole(1 / factor):
        yield Guess("batch_mean_twice", "", f"{said}: is {round(1 / factor)} the batch size?")
        yield Guess("missing_output_mean", "", f"{said}: or the number of outputs, whose mean was also taken?")
    elif 0.5 < factor < 2 and part != 1 and part.numerator <= MOST and _is(factor, float(part)):
        fraction = f"{part.numerator}/{part.denominator}"
        yield Guess("mini_batch_dropped", "", f"{said}, {fraction}: was a part of the batch left out?")
