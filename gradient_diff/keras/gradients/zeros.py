"""Which gradients of a model are zero for any data, weights and draws: its float64 run is asked on other problems."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import keras
import numpy as np

from gradient_diff.judging.zeros import LEAST_BATCH, OTHERS, SCALES, always_zero
from gradient_diff.keras.gradients.objective import Objective
from gradient_diff.keras.gradients.runs import Case, Draws, Outcome, Runs
from gradient_diff.noise.draws import moved
from gradient_diff.noise.given import drawn_noise
from keras_mlp.extend import copied, holding, is_float, layer_weights
from manual_mlp import Array
from manual_mlp.extend import UNITS

PASSES = 3  # whose rounding says how much zero may be
FEWER = 4  # problems where a batch is large enough that some sample meets some unit that is on


def zeros_of(objective: Objective, names: set[str], draws: bool) -> set[str]:
    """Those of the weights whose gradient float64 gives as zero, up to its rounding, here and on other problems.

    Of an E that is known to run in float64; `draws`: whether its layers draw.
    """
    count = FEWER if objective.data.batch >= LEAST_BATCH else OTHERS
    return always_zero(names, (_small_if_it_runs(objective, names, seed, draws) for seed in (*range(1, count + 1), 0)))


def _small_if_it_runs(objective: Objective, names: set[str], seed: int, draws: bool) -> set[str]:
    """Nothing is proved on a problem that the model or its loss refuses, with any error of its own."""
    try:
        return _small(objective, names, seed, draws)
    except Exception:  # noqa: BLE001  # as said
        return set()


def layers_off(objective: Objective) -> list[str]:
    """The layers that give zero for every unit and sample, where a model tells what its layers give."""
    model = objective.model
    try:
        layers = {z.name: z.output for z in model.layers if not isinstance(z, keras.layers.InputLayer)}
        inputs = model.inputs if isinstance(model, keras.Sequential) else model.input
        within = keras.Model(inputs, layers, name="layers_off")  # a name of its own: others are counted
        with copied(model):
            found = within(objective.data.tensors(objective.stored)[0], training=objective.training)
    except Exception:  # noqa: BLE001  # a subclass has no such outputs, a shared layer has several; it is but a word more
        return []
    return [name for name, outputs in found.items() if not any(np.any(a) for a in keras.tree.flatten(outputs))]


def _small(objective: Objective, names: set[str], seed: int, draws: bool) -> set[str]:
    """With seed 0 on the problem itself, else on one with weights, data and draws of its own."""
    rng, wanted = np.random.default_rng(seed), sorted(names)
    scale = SCALES[seed % len(SCALES)]
    if seed:
        data = objective.data.drawn(rng, scale)
        if data is None:
            return set()
        objective = replace(objective, data=data)
    with holding(_drawn(objective, rng) if seed else []):
        tried = _Problem(objective, wanted, rng, draws)
        return tried.flat() if scale > 1 else tried.small()


@dataclass(frozen=True, eq=False)
class _Problem:
    """One problem, run in float32 and float64 on the same numbers; no pass is made before it is asked for."""

    objective: Objective
    wanted: list[str]
    rng: np.random.Generator
    draws: bool

    def small(self) -> set[str]:
        """What float64 gives as no more than its own rounding; by one draw of it, or else by all."""
        fine, coarse = self._fine.each(self._cases[:1]), self._coarse.each(self._cases[:1])
        found = _within(self.wanted, fine, coarse)
        if len(found) < len(self.wanted):  # one draw may be a small one
            fine += self._fine.each(self._cases[1:])
            coarse += self._coarse.each(self._cases[1:])
            found |= _within(self.wanted, fine, coarse)
        return found

    def flat(self) -> set[str]:
        """Where large numbers saturate, rounding is in no proportion; a slope shows in the digits of E."""
        fine = self._fine.each(self._cases[:1])[0]
        seen = UNITS["float32"] * abs(fine.loss)
        found = {n for n in self.wanted if (np.abs(fine.gradients[n]) <= seen).all()}
        if len(found) == len(self.wanted):
            return found
        runs = fine, *self._coarse.each(self._cases[:1])
        finite = all(np.isfinite(run.gradients[n]).all() for run in runs for n in self.wanted)
        return found if finite else set(self.wanted)  # numbers so large overflow in some models: that says nothing

    @cached_property
    def _cases(self) -> list[Case]:
        start = [w.numpy() for w in layer_weights(self.objective.model).values()]
        cases = []
        for draw in range(PASSES):
            change = partial(moved, dtype="float32", rng=self.rng, draw=draw, stored="float32")
            cases.append(Case(self.objective.data.mapped(change), [change(a) for a in start]))
        return cases

    @property
    def _coarse(self) -> Runs:
        return Runs(self.objective, self.wanted, "float32", draws=self._draws)

    @property
    def _fine(self) -> Runs:
        return Runs(self.objective, self.wanted, "float64", draws=self._draws)

    @cached_property
    def _draws(self) -> Draws:
        return Runs(self.objective, self.wanted).gradients().draws if self.draws else ()


def _within(names: list[str], fine: list[Outcome], coarse: list[Outcome]) -> set[str]:
    return {n for n in names if _is_small([f.gradients[n] for f in fine], [c.gradients[n] for c in coarse])}


def _is_small(fine: list[Array], coarse: list[Array]) -> bool:
    """Whether float64 gives no more than its own rounding: that of float32 in proportion."""
    finer = UNITS["float64"] / UNITS["float32"]
    errors = [{"": finer * (c.astype(np.float64) - f)} for c, f in zip(coarse, fine, strict=True)]
    noise = drawn_noise({"": fine[0]}, errors, "float64")
    return bool((np.abs(fine[0]) <= noise.tolerance("", 1)).all())


def _drawn(objective: Objective, rng: np.random.Generator) -> list[tuple[Any, Array]]:
    """Other weights, and seeds that stand elsewhere; statistics and what else is not trained stay positive."""
    model = objective.model
    trained = {id(w) for w in model.trainable_weights}
    found = []
    for weight in model.variables:
        shape = tuple(weight.shape)
        if is_float(weight.dtype):
            array = rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))
            found.append((weight, array if id(weight) in trained else 0.1 + np.abs(array)))
        elif "seed" in weight.name:
            found.append((weight, weight.numpy() + rng.integers(1, 1000)))
    return found
