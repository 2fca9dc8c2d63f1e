"""Numbers of E that are solved for: how often the loss or a penalty counts, how much labels are smoothed."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import keras
import numpy as np

from gradient_diff.diagnosis.catalogue import MISTAKES
from gradient_diff.diagnosis.factors import list_factors
from gradient_diff.keras.gradients.another.hidden_weights import hidden_weights
from gradient_diff.keras.gradients.another.losses import cross_entropy, of_function
from gradient_diff.keras.gradients.another.variations import Hand, ratio, told
from gradient_diff.keras.gradients.loss.compiled import compiled_weights
from gradient_diff.keras.gradients.objective import Objective
from gradient_diff.result.findings import Cause
from manual_mlp import Array
from manual_mlp.extend import Arrays

AXES = 5  # of outputs, sums over whose axes are told apart
SMALLEST_SCALE = 32.0  # of a power of two that is taken for a loss scale: below it are sizes of batches and outputs
SMALLEST = 1e-3  # a number that is solved for and is nearer to what it should be is none

NEAR = 1e-4  # relative: a number that is solved for and is this near another one is that


def weighs(e: Objective) -> bool:
    """Whether what was handed over gives the whole of the gradients a factor."""
    return any(True for _ in _handed_over(e))


def constant_factor(hand: Hand, e: Objective) -> Cause | None:
    """A factor of all gradients that has a reason: what was handed over, the axes of the outputs, a loss scale."""
    for id, factor, words, cure in (*_handed_over(e), *_of_axes(hand), *_of_a_scale(hand)):  # noqa: A001  (as above)
        if hand.fits(hand.right, factor):
            return told(id, f"{words}: {factor:.6g} times E", cure)
    return None


def _handed_over(e: Objective) -> Iterator[tuple[str, float, str, str]]:
    weights, of_samples = compiled_weights(e.model) if e.loss.compiled else None, e.data.sample_weight
    only = keras.tree.flatten(weights)
    if len(only) == 1 and isinstance(only[0], int | float) and only[0] not in (0, 1):
        yield "loss_weights", 1 / only[0], f"E without the weight {only[0]:g} of its loss", WEIGH
    if isinstance(of_samples, np.ndarray) and (total := float(of_samples.sum())) not in (0.0, of_samples.size):
        yield _of_the_sum(of_samples.size / total)
    if (hidden := hidden_weights(e)) is not None:
        yield _of_the_sum(1 / float(hidden[1].mean()))


def _of_the_sum(factor: float) -> tuple[str, float, str, str]:
    cure = "Keras divides by N, and not by the sum of the weights."
    return "sample_weight_mean", factor, "a mean over the weights, 1/Σw", cure


def _of_axes(hand: Hand) -> Iterator[tuple[str, float, str, str]]:
    """Sums over some axes of outputs (N, T, …, K), where E has their means."""
    shapes = [tuple(spec.shape) for spec in hand.measured.first.outputs]
    if len(shapes) != 1 or not 3 <= len(shapes[0]) <= AXES:
        return
    axes = [(i, size) for i, size in enumerate(shapes[0]) if size > 1]
    for count in range(1, len(axes) + 1):
        for chosen in combinations(axes, count):
            sizes, size = " · ".join(str(s) for _, s in chosen), math.prod(s for _, s in chosen)
            plural = "axes" if count > 1 else "axis"
            where = f"{plural} {', '.join(str(i) for i, _ in chosen)} of the outputs {shapes[0]}"
            cure = "Divide by the number of all entries over which E is a mean."
            yield "missing_output_mean", size, f"a sum over {where}, in place of the mean ({sizes})", cure
            yield "missing_output_mean", 1 / size, f"a mean over {where}, taken once more ({sizes})", cure


def _of_a_scale(hand: Hand) -> Iterator[tuple[str, float, str, str]]:
    """A power of two: LossScaleOptimizer starts at 2¹⁵, and doubles or halves it."""
    factor = ratio(hand.mine, hand.right)
    if np.isfinite(factor) and factor >= SMALLEST_SCALE and _is(factor, scale := 2.0 ** round(math.log2(factor))):
        words = f"E times a loss scale, 2^{round(math.log2(factor))}, that was not taken out"
        yield "loss_scale", scale, words, "Divide the gradients by the scale before they are used or compared."


WEIGH = "Weigh each output's loss as loss_weights says."


def solved(hand: Hand, e: Objective) -> Cause | None:
    """The first number of E that is another than it should be."""
    return _penalty(hand, e) or _loss(hand, e) or _outputs(hand, e) or _smoothing(hand, e)


def _penalty(hand: Hand, e: Objective) -> Cause | None:
    """One of the penalties another number of times than once, or all of them together."""
    count = e.penalties
    each = [(f"the {_ordinal(i)} penalty", {i}) for i in range(count)]
    for which, chosen in [*each, *([("every penalty", set(range(count)))] if count > 1 else [])]:
        times = _between(hand, hand.gradients(_parts(e, 1.0, *(float(i not in chosen) for i in range(count)))))
        if times is not None:
            return _penalty_counted(which, times, e.data.batch)
    return None


def _penalty_counted(which: str, times: float, n: int) -> Cause:
    if abs(times) < SMALLEST:
        words = f"E without one of its penalties, {which} of model.losses"
        return told("penalty_missing", words, "Add what model.losses holds: compute_loss does.")
    reason = next((f" = {r}" for r, value in {"1/N": 1 / n, "N": n}.items() if _is(times, value)), "")
    words = f"E with {which} of model.losses {times:.4g}{reason} times"
    return told("penalty_factor", words, "E has each penalty once.")


def _loss(hand: Hand, e: Objective) -> Cause | None:
    """The loss another number of times than once, beside penalties; without these it is a plain factor."""
    if not (count := e.penalties):
        return None
    times = _between(hand, hand.gradients(_parts(e, 0.0, *[1.0] * count)))
    if times is None:
        return None
    id, reason = _reason(hand, e, times)  # noqa: A001  (as the record calls it)
    words = f"E with the loss {times:.6g} times and its penalties once{reason}"
    return told(id, words, "Take the loss as often as it was given, reduction and weight included.")


def _reason(hand: Hand, e: Objective, times: float) -> tuple[str, str]:
    """(id, words) of a factor of the loss; of several reasons the one that is met most often has the id."""
    for id, factor, words, _ in _handed_over(e):  # noqa: A001  (as the record calls it)
        if _is(times, factor):
            return id, f": {words}"
    known = [f for f in list_factors(*(hand.measured.sizes or (e.data.batch, None))) if _is(times, f.value)]
    first = min(known, key=lambda f: list(MISTAKES).index(f.id), default=None)
    return (first.id, "".join(f.words for f in known)) if first else ("loss_factor", "")


def _outputs(hand: Hand, e: Objective) -> Cause | None:
    """The losses of several outputs, each another number of times than it was given."""
    names = _output_names(e)
    each = [hand.gradients(_of_output(e, i)) for i in range(len(names))]
    rest = hand.gradients(_parts(e, 0.0, *[1.0] * e.penalties)) if e.penalties else {}
    if not names or rest is None or any(g is None for g in each):
        return None
    times = _least_squares(hand, [g for g in each if g is not None], rest)
    if times is None:
        return None
    wrong = [(n, t) for n, t in zip(names, times, strict=True) if abs(t - 1) > SMALLEST]
    words = "E with " + " and ".join(f"the loss of output {n} {t:.4g} times" for n, t in wrong)
    return told("loss_weights", words, WEIGH) if wrong else None


def _output_names(e: Objective) -> list[str]:
    names = list(getattr(e.model, "output_names", None) or ())
    arrays = isinstance(e.data.y, dict | list | tuple) and len(keras.tree.flatten(e.data.y)) == len(names)
    return names if len(names) > 1 and arrays else []


def _of_output(e: Objective, i: int) -> Objective:
    """The loss of one output alone: the samples of the others weigh nothing."""
    given = e.data.sample_weight
    flat = [np.ones(len(y)) for y in keras.tree.flatten(e.data.y)] if given is None else keras.tree.flatten(given)
    alone = keras.tree.pack_sequence_as(e.data.y, [w * float(k == i) for k, w in enumerate(flat)])
    return replace(_parts(e, 1.0, *[0.0] * e.penalties), data=replace(e.data, sample_weight=alone))


def _least_squares(hand: Hand, each: Sequence[Arrays], rest: Arrays) -> list[float] | None:
    """How many times each counts in the hand, if that explains it; entries count by how sure they are."""

    def flat(arrays: Arrays) -> Array:
        parts = [np.asarray(arrays[n], np.float64) / np.maximum(hand.limit[n], TINY) for n in hand.mine]
        return np.concatenate([np.ravel(p) for p in parts])

    matrix, off = np.stack([flat(g) for g in each], 1), flat(hand.mine) - (flat(rest) if rest else 0.0)
    seen = np.abs(matrix).max(0) > 1
    if not seen.all() or np.linalg.matrix_rank(matrix) < len(each) or len(off) < 3 * len(each):
        return None
    times = [float(t) for t in np.linalg.lstsq(matrix, off, rcond=None)[0]]
    parts = [*zip(times, each, strict=True), *([(1.0, rest)] if rest else [])]
    found = {n: np.sum([t * g[n] for t, g in parts], axis=0) for n in hand.mine}
    return times if hand.fits(found) else None


TINY = float(np.finfo(float).tiny)


def _smoothing(hand: Hand, e: Objective) -> Cause | None:
    """Labels smoothed by some α, where E has others: E is linear in the labels."""
    found = cross_entropy(e)
    if found is None or "label_smoothing" not in inspect.signature(found[0]).parameters:
        return None
    ends = [of_function(found[0], e, from_logits=found[1], label_smoothing=alpha) for alpha in (0.0, 1.0)]
    plain, smooth = (hand.gradients(replace(e, loss=end)) for end in ends)
    alpha = None if smooth is None else _between(hand, plain, smooth)
    if alpha is None or not -SMALLEST < alpha < 1:
        return None
    words = f"labels smoothed by {alpha:.4g}" if alpha > SMALLEST else "labels that are not smoothed"
    return told("label_smoothing", words, "Use the labels of the loss that was given.")


def _between(hand: Hand, start: Arrays | None, end: Arrays | None = None) -> float | None:
    """The t of hand = start + t (end − start), from the array that tells it best, if it fits all of them."""
    if start is None or any(hand.mine[n].shape != start[n].shape for n in hand.mine):
        return None
    end = hand.right if end is None else end
    ways = {n: np.asarray(end[n], np.float64) - start[n] for n in hand.mine}
    moved = [n for n, way in ways.items() if (np.abs(way) > hand.limit[n]).any()]
    if sum(ways[n].size for n in moved) < 3:  # one number fits one entry, whatever it is
        return None
    best = max(moved, key=lambda n: float(np.square(ways[n]).sum() / max(np.square(hand.limit[n]).sum(), TINY)))
    off = np.asarray(hand.mine[best], np.float64) - start[best]
    t = float(np.vdot(ways[best], off) / np.vdot(ways[best], ways[best]))
    fits = hand.fits({n: start[n] + t * way for n, way in ways.items()})
    return t if abs(t - 1) > SMALLEST and fits else None


def _parts(e: Objective, *parts: float) -> Objective:
    return replace(e, parts=parts)


def _is(value: float, other: float) -> bool:
    return abs(value - other) < NEAR * abs(other)


def _ordinal(i: int) -> str:
    return ("first", "second", "third", "fourth")[i] if i < 4 else f"{i + 1}th"
