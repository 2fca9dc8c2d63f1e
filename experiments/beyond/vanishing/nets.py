"""The deep networks of `vanishing_gradients`, and ‖dE/dW‖ of each of their layers."""

from __future__ import annotations

import numpy as np

from experiments.frame.study import Settings
from experiments.support.datasets import Dataset
from gradient_diff import GradientDiff, compare
from keras_mlp import backpropagate, to_keras
from manual_mlp import MLP, Dense, Evaluation

LOSS = "categorical_crossentropy"
WIDTH, BATCH = 16, 50


def deep_network(inputs: int, depth: int, activation: str) -> MLP:
    """Hidden layers of equal width, and softmax over ten classes."""
    return MLP(inputs, [*(Dense(WIDTH, activation) for _ in range(depth)), Dense(10, "softmax")])


def untrained(data: Dataset, depth: int, activation: str, initial: str, seed: int) -> Evaluation:
    """The derivation's gradients on the fixed batch, at initial weights."""
    mlp = deep_network(data.inputs, depth, activation)
    x, y = data.images("train", BATCH), data.one_hot("train", BATCH)
    return mlp.backpropagate(mlp.initialize(seed, initial), x, y, LOSS)


def norms(evaluation: Evaluation) -> list[float]:
    """‖dE/dW‖ of each layer, from the lowest up."""
    kernels = [g for name, g in evaluation.gradients.items() if name.endswith("/kernel")]
    return [float(np.linalg.norm(g.astype(np.float64))) for g in kernels]


def by_tape(hand: Evaluation, settings: Settings) -> GradientDiff:
    """The same gradients from the tape, compared."""
    problem = hand.problem
    model = to_keras(problem.mlp, problem.parameters)
    return compare(hand, backpropagate(model, problem.x, problem.y, problem.loss, settings.mode).gradients)
