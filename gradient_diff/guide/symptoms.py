"""What can be seen of a mistake in the numbers, by which people who do not know its name look it up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.row import Row
from gradient_diff.result.status import Status
from manual_mlp import Array
from manual_mlp.extend import kind_of, layer_of, variable_of

_SAME = 1e-9  # relative, of float64 gradients on a small net


@dataclass(frozen=True)
class Symptom:
    """What is seen.

    Attributes:
        heading: as somebody would say it who has it before him.
        words: the same with the numbers of one case.
    """

    heading: str
    words: str


def symptoms_of(diff: GradientDiff) -> list[Symptom]:
    """All that a comparison of parameter gradients shows, the most telling first."""
    return [symptom for look in (_shapes, _zeros, _factor, _places, _moved, _weights) for symptom in look(diff)]


def _off(diff: GradientDiff) -> list[Row]:
    return [row for row in diff.rows if row.status.bad]


def _pair(diff: GradientDiff, row: Row) -> tuple[Array, Array]:
    return np.asarray(diff.hand[row.name]), np.asarray(diff.reference[row.name])


def _shapes(diff: GradientDiff) -> Iterator[Symptom]:
    bad = [row for row in diff.rows if row.status is Status.SHAPE]
    if bad:
        words = "; ".join(f"{r.name} is {r.shape_hand} where {r.shape_reference} is right" for r in bad)
        more = any(len(r.shape_hand or ()) > len(r.shape_reference or ()) for r in bad)
        kind = "an axis too many, such as (5, 7) for (7,)" if more else "another shape, such as (5, 7) for (7, 5)"
        yield Symptom(f"A gradient has {kind}", words)


def _zeros(diff: GradientDiff) -> Iterator[Symptom]:
    for row in _off(diff):
        hand, right = _pair(diff, row)
        empty = [i for i in range(len(hand)) if hand.shape == right.shape and not hand[i].any() and right[i].any()]
        if empty:
            words = f"{row.name} is zero" + (f" in {len(empty)} of {len(hand)} rows" if len(empty) < len(hand) else "")
            yield Symptom("Zeros where there should be none", words)


def _factor(diff: GradientDiff) -> Iterator[Symptom]:
    """One number times the right gradient, in all arrays, or in those that are off."""
    off = _off(diff)
    factors = [_ratio(*_pair(diff, row)) for row in off]
    known = [f for f in factors if f is not None]
    if not known or len(known) < len(factors) or max(known) - min(known) > _SAME * abs(known[0]):
        return
    problem = diff.problem
    sizes = (problem.batch, diff.reference[diff.rows[0].name].shape[-1]) if problem else (0, 0)
    heading, times = _words(known[0], *sizes)
    if len(off) == len(diff.rows):
        yield Symptom(heading, f"every gradient is {times} times the right one")
    else:
        names = ", ".join(row.name for row in off)
        yield Symptom("Some gradients are off by a factor, the others are right", f"{names}: {times} times the right")


def _ratio(hand: Array, right: Array) -> float | None:
    if hand.shape != right.shape or not right.any():
        return None
    factor = float(np.vdot(hand, right) / np.vdot(right, right))
    return factor if np.allclose(hand, factor * right, rtol=_SAME, atol=_SAME * np.abs(hand).max()) else None


def _words(factor: float, n: int, k: int) -> tuple[str, str]:
    """(heading, the factor in words)."""
    every = "Every gradient is"
    named: dict[str, float] = {"N": n, "K": k, "1/N": 1 / max(n, 1), "1/K": 1 / max(k, 1), "N K": n * k}
    for name, value in named.items():
        if abs(factor / value - 1) < _SAME:
            small = name.startswith("1/")
            return (
                f"{every} {name.removeprefix('1/')} times too {'small' if small else 'large'}",
                f"{name} = {value:.4g}",
            )
    if abs(factor + 1) < _SAME:
        return "Every gradient has the wrong sign", "−1"
    if factor > 0 and abs(np.log2(factor) - round(np.log2(factor))) < _SAME:
        return f"{every} twice as large as it should be, or half as large", f"{factor:g}"
    return "Every gradient is off by one and the same factor", f"{factor:.4g}".replace("-", "−")


def _places(diff: GradientDiff) -> Iterator[Symptom]:
    """Which arrays are off."""
    off, right = ([variable_of(r.name) for r in diff.rows if r.status.bad is bad] for bad in (True, False))
    if not off:
        return
    top = layer_of(variable_of(diff.rows[0].name))  # rows stand in the order of the backward pass
    wrong = {layer_of(name) for name in off}
    kinds = {kind_of(name) for name in off}
    listed = ", ".join(off)
    if not right and any(_factor(diff)):
        return  # that says more
    if not right:
        yield Symptom("Every gradient is off, the output's too", "nothing is right: look at the output's δ, and at E")
    elif kinds == {"bias"}:
        yield Symptom("Only biases are off", listed)
    elif len(off) == 1:
        yield Symptom("Only one array is off", listed)
    elif top not in wrong:
        yield Symptom("The last layer is right, what lies below it is off", listed)
    elif kinds == {"kernel"}:
        yield Symptom("Only kernels are off", listed)
    else:
        yield Symptom("Some arrays are off, in the last layer and below", listed)


def _moved(diff: GradientDiff) -> Iterator[Symptom]:
    """The right numbers in other places."""
    everything = np.sort(np.concatenate([np.ravel(a) for a in diff.reference.values()]))
    for row in _off(diff):
        hand, right = _pair(diff, row)
        own = hand.size == right.size and np.allclose(np.sort(hand.ravel()), np.sort(right.ravel()), rtol=_SAME, atol=0)
        near = np.searchsorted(everything, hand.ravel()).clip(0, everything.size - 1)
        elsewhere = not own and hand.size > 1 and np.array_equal(everything[near], hand.ravel())
        if (own or elsewhere) and hand.any():
            where = "in another order" if own else "which belong to another array"
            yield Symptom("The right numbers stand in other places", f"{row.name} has the right numbers, {where}")
            return


def _weights(diff: GradientDiff) -> Iterator[Symptom]:
    """What is off is a multiple of the parameters, or of their signs."""
    if diff.problem is None:
        return
    kinds: dict[str, Callable[[Array], Array]] = {"the weights": np.asarray, "the signs of the weights": np.sign}
    for row in _off(diff):
        hand, right = _pair(diff, row)
        weights = diff.problem.parameters[variable_of(row.name)]
        for words, function in kinds.items():
            c = _ratio(hand - right, function(weights)) if hand.shape == right.shape and right.size > 1 else None
            if c is not None:
                text = f"{row.name} is the right one {'−' if c < 0 else '+'} {abs(c):.4g} times {words}"
                yield Symptom("What is off is a multiple of the weights, or of their signs", text)
                return
