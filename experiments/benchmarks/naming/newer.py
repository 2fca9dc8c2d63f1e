"""Mistakes beside the list of 0.1, by students on random nets: normalisations, penalties, activations and losses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from experiments.benchmarks.naming.trials import DTYPES, Naming, derive, trial
from experiments.students.deriving import student_of
from experiments.students.normalised import Over
from experiments.students.slips import Slip
from experiments.students.wrong_activations import NEWER, wrong_derivatives
from experiments.students.wrong_outputs import OTHERS
from manual_mlp import LOSSES, MLP, Dense, Loss, Problem, evaluation_of
from manual_mlp.extend import draw_data, draw_parameters
from manual_mlp.layers import BatchNormalization, LayerNormalization

POSITIVE = ("poisson", "kl_divergence", "mean_squared_logarithmic_error")
KINKED = ("leaky_relu", "hard_tanh")  # f′(z) is f′(u) there
LOSSES_PER_NET = 3
PENALTIES = ("kernel_l1", "bias_l1", "bias_l2", "activity_l1", "activity_l2")
NORMALISATIONS: dict[Over, BatchNormalization | LayerNormalization] = {
    "batch": BatchNormalization(),
    "row": LayerNormalization(),
}


def newer_trials_on(seed: int) -> Iterator[Naming]:
    """What one draw of sizes, weights and data allows, in float64 and float32."""
    for dtype in DTYPES:
        for over in NORMALISATIONS:
            yield from _normalised(seed, dtype, over)
        yield from _penalised(seed, dtype)
        yield from _activated(seed, dtype)
        for number in range(LOSSES_PER_NET):
            yield from _of_losses(seed, number, dtype)


def _normalised(seed: int, dtype: str, over: Over) -> Iterator[Naming]:
    rng = np.random.default_rng([seed, 0])
    inputs, units, outputs = (int(n) for n in rng.integers(2, 10, 3))
    mlp = MLP(inputs, [Dense(units, "tanh"), NORMALISATIONS[over], Dense(outputs, "softmax")])
    problem = _problem(rng, mlp, Loss("categorical_crossentropy"), int(rng.integers(3, 24)), dtype)
    for asked in (problem, replace(problem, training=False)) if over == "batch" else (problem,):
        yield from _planted(seed, asked, list(student_of(asked).slips(asked, seed)))


def _penalised(seed: int, dtype: str) -> Iterator[Naming]:
    rng = np.random.default_rng([seed, 3])
    for kind in PENALTIES:
        strength: dict[str, Any] = {kind: float(np.exp(rng.uniform(np.log(1e-3), np.log(0.3))))}
        own = {} if kind.startswith("activity") else strength
        inputs, units, outputs = (int(n) for n in rng.integers(2, 10, 3))
        mlp = MLP(inputs, [Dense(units, "tanh", **strength), Dense(outputs, **own)])
        problem = _problem(rng, mlp, Loss("mse"), int(rng.integers(3, 24)), dtype)
        yield from _planted(seed, problem, list(student_of(problem).slips(problem, seed)))


def _problem(rng: np.random.Generator, mlp: MLP, loss: Loss, batch: int, dtype: str) -> Problem:
    x, y = draw_data(rng, batch, mlp, loss)
    y = np.abs(y) + 0.1 if loss.name in (*POSITIVE, "mean_absolute_percentage_error") else y
    weights = {n: a.astype(dtype) for n, a in draw_parameters(rng, mlp, "normal(0.5)").items()}
    return mlp.problem(weights, x.astype(dtype), y if y.dtype.kind == "i" else y.astype(dtype), loss)


def _activated(seed: int, dtype: str) -> Iterator[Naming]:
    rng = np.random.default_rng([seed, 1])
    for name in NEWER:
        widths = [int(n) for n in rng.integers(2, 10, 4)]
        layers = [Dense(widths[1], name), Dense(widths[2], name), Dense(widths[3])]
        problem = _problem(rng, MLP(widths[0], layers), Loss("mse"), int(rng.integers(3, 24)), dtype)
        layer = int(rng.integers(2))
        slips = [Slip("derivative_wrong", layer, form) for form in wrong_derivatives(name)]
        slips += [] if name.startswith(KINKED) else [Slip("derivative_at_output", layer)]
        yield from _planted(seed, problem, [*slips, Slip("missing_derivative", layer)])


def _of_losses(seed: int, number: int, dtype: str) -> Iterator[Naming]:
    rng = np.random.default_rng([seed, 2, number])
    loss, output = _loss(rng)
    widths = [int(n) for n in rng.integers(2, 10, 3)]
    mlp = MLP(widths[0], [Dense(widths[1], "tanh"), Dense(widths[2], output)])
    problem = _problem(rng, mlp, loss, int(rng.integers(3, 24)), dtype)
    if loss.label_smoothing:
        hand = derive(problem, Slip("other_loss", form="labels as they are"))
        assert hand is not None
        yield trial(seed, Slip("label_smoothing", form=loss.name), hand, evaluation_of(problem))
        return
    fitting = (n for n in OTHERS if n != loss.name and "hinge" not in n and (n in POSITIVE) <= (output == "softplus"))
    yield from _planted(seed, problem, [Slip("other_loss", form=n) for n in fitting])


def _loss(rng: np.random.Generator) -> tuple[Loss, str]:
    """One of the newer, or a cross-entropy of smoothed labels; with its output."""
    plain = [
        n for n in (*OTHERS, "huber") if LOSSES[n].logits is None and "hinge" not in n and n != "mean_squared_error"
    ]
    name = str(rng.choice([*plain, "binary_crossentropy", "categorical_crossentropy"]))
    if name in plain:
        loss = Loss(name, delta=float(rng.uniform(0.3, 1))) if name == "huber" else Loss(name)
        return loss, "softplus" if name in POSITIVE else "linear"
    logits, alpha = bool(rng.integers(2)), float(rng.uniform(0.05, 0.4))
    own = str(LOSSES[name].fused_activation)
    return Loss(name, logits, label_smoothing=alpha), "linear" if logits else own


def _planted(seed: int, problem: Problem, slips: list[Slip]) -> Iterator[Naming]:
    reference = evaluation_of(problem)
    for slip in slips:
        hand = derive(problem, slip)
        if hand is not None:
            yield trial(seed, slip, hand, reference)
