"""The cases of `detection`: mistakes planted in real derivations, right gradients scaled in part, and correct pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np

from experiments.benchmarks.detection.nets import KINDS, Kind
from experiments.students.deriving import Student, student_of
from experiments.students.wrong_derivations import with_decay
from gradient_diff import Noise, rounding_noise
from manual_mlp import Array, Evaluation, Problem, evaluation_of
from manual_mlp.extend import Arrays

Place: TypeAlias = tuple[int | slice, int | slice]

EPSILONS = tuple(10.0**-k for k in range(1, 15))
TARGETS = ("one entry", "one row", "one column", "a whole tensor")
UNCHANGED = "unchanged"
WIDE = np.longdouble
"""What counts as exact: 64 bits of mantissa on x86; elsewhere it may be float64 itself."""


@dataclass(frozen=True, eq=False)
class DrawnNet:
    """A network, and everything that is the same for all that is planted in it."""

    number: int  # of the draw
    drawn: Problem  # network, parameters, data, loss, and masks that Keras's own take the place of

    @property
    def kind(self) -> Kind:
        """What the network is like."""
        return KINDS[self.number % len(KINDS)]

    @property
    def student(self) -> Student:
        """Who derives its gradients, rightly and wrongly."""
        return student_of(self.drawn)

    @cached_property
    def tape(self) -> Evaluation:
        """The reference, by tf.GradientTape."""
        from keras_mlp import backpropagate, to_keras

        p = self.drawn
        return backpropagate(to_keras(p.mlp, p.parameters, p.dtype.name, seed=self.number), p.x, p.y, p.loss)

    @cached_property
    def problem(self) -> Problem:
        """What is differentiated, with the masks that Keras drew."""
        return replace(self.drawn, draws=self.tape.problem.draws) if self.drawn.draws else self.drawn

    @cached_property
    def noise(self) -> Noise:
        """The rounding to expect."""
        return rounding_noise(self.problem)

    @cached_property
    def right(self) -> Arrays:
        """What a student computes who makes no mistake, in the problem's dtype."""
        return self.student.gradients(self.problem)

    @cached_property
    def wide(self) -> Problem:
        """The same numbers, to be computed exactly, or nearly so."""
        p = self.problem
        y = p.y if p.y.dtype.kind == "i" else p.y.astype(WIDE)
        arrays = {n: a.astype(WIDE) for n, a in p.parameters.items()}
        masks = {n: a.astype(WIDE) for n, a in p.draws.items()}
        return replace(p, parameters=arrays, x=p.x.astype(WIDE), y=y, draws=masks)

    @cached_property
    def exact(self) -> Arrays:
        """The right gradients, exact."""
        return self.student.gradients(self.wide)

    @cached_property
    def rounding(self) -> Arrays:
        """What rounding really did, the larger of the tape's and the student's in each entry."""
        return {
            n: np.maximum(np.abs(self.tape.gradients[n] - g), np.abs(self.right[n] - g)) for n, g in self.exact.items()
        }

    def reference(self, decay: float) -> Evaluation:
        """The tape's, of an E with this decay."""
        return with_decay(self.tape, decay) if decay else self.tape


@dataclass(frozen=True, eq=False)
class Fault:
    """Arrays that are wrong."""

    id: str  # of the mistake, or what was scaled
    words: str  # it in words
    hand: Arrays  # parameter name → the wrong gradient
    effect: Arrays | None  # parameter name → exactly what the mistake adds; None where it changes a shape
    decay: float = 0.0  # λ of E += λ Σ W²
    epsilon: float = 0.0  # what was scaled was multiplied by 1 + ε; 0 for a mistake of the list


def mistakes(setting: DrawnNet) -> Iterator[Fault]:
    """Every mistake of the list that this network allows, in every way it can be made."""
    problem, student = setting.problem, setting.student
    for slip in setting.student.slips(problem, setting.number):
        decay = slip.value * problem.loss.scale if slip.id.startswith("l2_") else 0.0  # the scale is that of all of E
        try:
            hand = student.gradients(problem, slip, decay=decay)
            wide = student.gradients(setting.wide, slip, decay=decay)
        except (ValueError, IndexError):
            continue
        if all(np.isfinite(g).all() for g in hand.values()):
            right = student.gradients(setting.wide, decay=decay) if decay else setting.exact
            yield Fault(slip.id, str(slip), hand, _difference(wide, right), decay)


def _difference(wrong: Arrays, right: Arrays) -> Arrays | None:
    if any(wrong[n].shape != g.shape for n, g in right.items()):
        return None
    return {n: wrong[n] - g for n, g in right.items()}


def scale_right(setting: DrawnNet) -> Iterator[Fault]:
    """Right gradients as they are, then with one entry, row, column or tensor multiplied by 1 + ε, for every ε.

    One kernel is chosen for all of them, among those that are not zero.
    """
    rng = np.random.default_rng(setting.number)
    kernels = [n for n, g in setting.right.items() if g.ndim == 2 and np.any(g)]
    if not kernels:
        return
    name = str(rng.choice(kernels))
    i, j = (int(k) for k in rng.choice(np.argwhere(setting.right[name])))
    none = {n: np.zeros_like(g) for n, g in setting.exact.items()}
    yield Fault(UNCHANGED, UNCHANGED, setting.right, none)
    whole = slice(None)
    places: list[Place] = [(i, j), (i, whole), (whole, j), (whole, whole)]
    for target, place in zip(TARGETS, places, strict=True):
        for epsilon in EPSILONS:
            hand = {**setting.right, name: _times(setting.right[name], place, 1 + epsilon)}
            effect = _times(setting.exact[name], place, 1 + WIDE(epsilon)) - setting.exact[name]
            words = f"{target} of {name} × (1 + {epsilon:g})"
            yield Fault(target, words, hand, {**none, name: effect}, epsilon=epsilon)


def _times(array: Array, place: Place, factor: float | np.longdouble) -> Array:
    changed = array.copy()
    changed[place] *= array.dtype.type(factor)
    return changed


def correct(setting: DrawnNet) -> Iterator[tuple[str, Evaluation | Arrays]]:
    """Everyone who derives the gradients rightly: who, and what they hand over."""
    problem = setting.problem
    yield "engine", evaluation_of(problem)
    yield "student", setting.right
    order = np.random.default_rng(setting.number).permutation(problem.batch)
    masks = {n: mask[order] for n, mask in problem.draws.items()}
    permuted = replace(problem, x=problem.x[order], y=problem.y[order], draws=masks)
    yield "batch in another order", setting.student.gradients(permuted)
    if setting.student.sample_by_sample:
        yield "sample by sample", setting.student.sample_by_sample(problem)
