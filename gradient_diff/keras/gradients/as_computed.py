"""Float64 gradients of a model in mixed precision: its layers round their inputs and their weights to 16 bits."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np

from gradient_diff.keras.gradients.as_stored import is_open
from gradient_diff.keras.gradients.data import Data
from gradient_diff.keras.gradients.kept import Held
from gradient_diff.keras.gradients.measured import with_loss
from gradient_diff.keras.gradients.readings import Judge, Reading, undecided
from gradient_diff.keras.gradients.reference import nearest_of
from gradient_diff.keras.gradients.request import Request
from gradient_diff.keras.gradients.runs import Case
from gradient_diff.result.diff import GradientDiff
from keras_mlp.extend import is_float, layer_weights, layers_of
from manual_mlp import Array
from manual_mlp.extend import UNITS, Arrays

CAST = 2  # of the forms of an array: as given, as stored, as cast
MOST_WAYS = 27  # of the arrays of a check to be rounded: three forms of three


@dataclass(frozen=True, eq=False)
class _Way:
    """What somebody rounded: `words` say it, `taken` is whether the model's layers round just that."""

    words: str
    data: Data
    held: Held
    taken: bool

    def case(self, request: Request) -> Case:
        held = {id(w): a for w, a in self.held}
        return Case(self.data, [held.get(id(w), w.numpy()) for w in layer_weights(request.model).values()])


def on_computed_numbers(request: Request, diff: GradientDiff, judge: Judge, mine: Arrays) -> GradientDiff:
    """A diff that accuses, or that inputs and weights in the dtype in which layers compute explain the hand.

    Targets stay in the dtype of the loss: who rounds them, too, differentiates another E, of which nothing was said.
    """
    dtype = request.objective.computed
    if UNITS.get(dtype, 0.0) <= UNITS[request.stored] or not is_open(request, diff, mine):
        return diff
    ways = list(_ways(request, dtype))
    outcomes = request.measured(tuple(mine)).plain.each([way.case(request) for way in ways])
    way = ways[nearest_of(mine, [with_loss(outcome) for outcome in outcomes])]
    explained = Reading(replace(request, data=way.data), states=way.held).explained(judge, mine)
    if explained is None:
        return diff
    words = f"{way.words} in {dtype}"
    if way.taken:
        told = f"; of {words}, as the layers compute with {'them' if ' ' in way.words else 'it'}"
        return replace(
            explained, rows=tuple(replace(r, reason=r.reason + told) if r.metrics else r for r in explained.rows)
        )
    words = f"these are the gradients of {words}"
    reason = f"{words}; the model rounds its inputs and weights so, and no targets"
    return undecided(diff, words, reason, "Leave the targets as they are, or pass them as y= rounded as you take them.")


@np.errstate(over="ignore")  # float16 ends at 65504
def _ways(request: Request, dtype: str) -> Iterator[_Way]:
    """Each array as given, as stored, or as the layers cast it, and the weights as these cast them, or not."""
    data, weights = request.data, tuple(_cast(request.model))
    forms = [(a, _rounded(a, request.stored), _rounded(a, dtype)) for a in data.leaves]
    inputs = len(keras.tree.flatten(data.x))
    for levels, held in itertools.product(_levels(forms), ((), weights)):
        chosen = [i for i, level in enumerate(levels) if level == CAST]
        words = [data.titles[i] for i in chosen] + ["the weights"] * bool(held)
        if words:
            leaves = [form[level] for form, level in zip(forms, levels, strict=True)]
            yield _Way(
                ", ".join([*words[:-2], " and ".join(words[-2:])]),
                data.with_leaves(leaves),
                held,
                all(i < inputs for i in chosen),
            )


def _levels(forms: Sequence[tuple[Array, ...]]) -> list[tuple[int, ...]]:
    """Which form of each array; where these are many ways, the same of all."""
    distinct = [[i for i, a in enumerate(f) if not any(_equal(a, b) for b in f[:i])] for f in forms]
    if math.prod(map(len, distinct)) <= MOST_WAYS:
        return list(itertools.product(*distinct))
    return [tuple(i if i in d else 0 for d in distinct) for i in range(CAST + 1)]


def _equal(a: Array, b: Array) -> bool:
    return a.dtype.kind != "f" or bool(np.array_equal(a, b, equal_nan=True))


def _cast(model: keras.Model) -> Iterator[tuple[keras.Variable, Array]]:
    """Each weight, and what its layer computes with."""
    layers = [z for z in layers_of(model) if not isinstance(z, keras.Model)]
    dtypes = {id(w): str(z.compute_dtype) for z in layers for w in z.weights}
    for w in layer_weights(model).values():
        if is_float(w.dtype) and id(w) in dtypes:
            yield w, _rounded(w.numpy(), dtypes[id(w)])


def _rounded(a: Array, dtype: str) -> Array:
    return a.astype(dtype).astype(a.dtype) if is_float(a.dtype.name) else a
