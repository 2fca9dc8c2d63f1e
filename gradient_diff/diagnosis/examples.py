"""One example of each mistake: made on a small net, and what the diagnosis says of it there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradient_diff.diagnosis.diagnosis import find_causes
from gradient_diff.diagnosis.reenactment.enact import enact
from gradient_diff.diagnosis.reenactment.scene import Scene
from gradient_diff.diagnosis.search import all_mistakes
from gradient_diff.noise.network import rounding_noise
from gradient_diff.result.findings import Cause
from manual_mlp import MLP, Array, Dense, Dropout, Evaluation, evaluation_of, gradient_node
from manual_mlp.extend import draw_data, draw_parameters
from manual_mlp.layers import BatchNormalization

NETS = (
    (MLP(7, [Dense(5, "sigmoid"), Dense(3)]), 11, "mean_squared_error"),
    (MLP(7, [Dense(5, "relu"), Dense(3)]), 11, "sum_squared_error"),
    (MLP(7, [Dense(5, "tanh"), Dense(3, "softmax")]), 11, "categorical_crossentropy"),
    (MLP(7, [Dense(5, "tanh"), Dense(1, "sigmoid")]), 11, "binary_crossentropy"),
    (MLP(7, [Dense(5, "tanh"), Dense(1)]), 11, "mean_squared_error"),
    (MLP(5, [Dense(5, "relu"), Dense(5, "tanh"), Dense(5, "tanh"), Dense(3, "sigmoid")]), 11, "quadratic_cost"),
    (MLP(7, [Dense(5, "tanh"), Dropout(0.3), Dense(3)]), 11, "mean_squared_error"),
    (MLP(7, [Dense(5, "sigmoid", kernel_l2=0.1), Dense(3, kernel_l2=0.1)]), 11, "mean_squared_error"),
    (MLP(5, [Dense(5, "tanh"), Dense(5, "tanh"), Dense(3)]), 5, "mean_squared_error"),
    (MLP(7, [Dense(5, "tanh"), BatchNormalization(), Dense(3)]), 11, "mean_squared_error"),
    (MLP(7, [Dense(5, "tanh", kernel_l1=0.1, activity_l2=0.3), Dense(3, kernel_l1=0.1)]), 11, "mean_squared_error"),
)
"""Widths and batch are different primes where that is possible, so that few mistakes look alike."""

Hand = dict[str, Array]


@dataclass(frozen=True)
class Example:
    """A mistake made on a net.

    Attributes:
        net: in words.
        cause: what the diagnosis says, with the equation as written and as it should be.
    """

    net: str
    cause: Cause


def example_of(name: str) -> Example | None:
    """On the first net on which the mistake can be made and is named; None if there is none."""
    for mlp, batch, loss in NETS:
        case = _Case(mlp, batch, loss)
        for hand in case.hands(name):
            for cause in find_causes(hand, case.right, case.reference.problem):
                if cause.id == name:
                    return Example(f"{mlp.outline}, {loss}, batch {batch}", cause)
    return None


@dataclass(frozen=True, eq=False)
class _Case:
    mlp: MLP
    batch: int
    loss: str

    @cached_property
    def reference(self) -> Evaluation:
        rng = np.random.default_rng(0)
        parameters = draw_parameters(rng, self.mlp, "normal(0.3)")
        data = draw_data(rng, self.batch, self.mlp, self.loss)
        draws = self.mlp.draws(rng, self.batch, "float64")
        return evaluation_of(self.mlp.problem(parameters, *data, self.loss, draws=draws))

    @cached_property
    def right(self) -> Hand:
        return {gradient_node(name): array for name, array in self.reference.gradients.items()}

    def hands(self, name: str) -> Iterator[Hand]:
        """Gradients with the mistake in them."""
        if name in _READ_OFF:
            yield {**self.right, **_READ_OFF[name](self.reference)}
            return
        problem = self.reference.problem
        scene = Scene(problem, rounding_noise(problem, "float64"), self.right)
        for mistake in all_mistakes(scene):
            made = enact(scene, (mistake,), near_only=False) if mistake.id == name else None
            if made is not None:
                yield made


def _updated_kernel(e: Evaluation) -> Hand:
    delta, kernel, step = e.nodes["dense_2/dE_du"], e.problem.parameters["dense_2/kernel"], 0.1
    sent = delta @ (kernel - step * e.gradients["dense_2/kernel"]).T
    below = e.nodes["dense_1/dE_du"] / e.nodes["dense_1/dE_dz"] * sent
    return {"dense_1/dE_dkernel": e.problem.x.T @ below, "dense_1/dE_dbias": below.sum(axis=0)}


# The diagnosis reads a number, or which rows are empty, off the hand: these it cannot make by itself.
_READ_OFF: dict[str, Callable[[Evaluation], Hand]] = {
    "learning_rate_inside": lambda e: {gradient_node(n): -0.01 * a for n, a in e.gradients.items()},
    "stray_constant": lambda e: {"dense_1/dE_dkernel": 1.7 * e.gradients["dense_1/kernel"]},
    "stale_or_updated_kernel": _updated_kernel,
    "bias_missing": lambda e: {"dense_1/dE_dbias": np.zeros_like(e.gradients["dense_1/bias"])},
    "row_missing": lambda e: {
        "dense_1/dE_dkernel": np.vstack([e.gradients["dense_1/kernel"][:-1], 0 * e.gradients["dense_1/kernel"][-1:]])
    },
}
