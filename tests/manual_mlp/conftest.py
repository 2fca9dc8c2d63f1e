"""What the tests of the derivation share: the complex step, random problems, and one small evaluation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import strategies as st

from manual_mlp import MLP, Activation, Array, Dense, Dropout, Evaluation, Loss, Problem, evaluation_of, gradient_node
from manual_mlp.equations.equations import evaluate
from manual_mlp.layers import ActivityRegularization
from manual_mlp.network.layers.layer import Layer

H = 1e-30  # of the complex step: h² vanishes beside 1, so the step has no truncation error

# An extended-precision derivation rounds by u = 2⁻⁶⁴. On nets of up to 4 layers of 5 units and 6 samples a path from
# a weight through E to its gradient has fewer than 8 products of 6 terms and 8 functions of 10 roundings: 130 u =
# 7e-18. What is left up to 1e-12, a factor of 1e5, is for sums that cancel. A mistake is a thousandth or more.
TOLERANCE = 1e7 * float(np.finfo(np.longdouble).eps)


def _complex_step(problem: Problem) -> dict[str, Array]:
    equations = problem.equations[: len(problem.forward_nodes)]
    leaves = {"x": problem.x, **problem.parameters}
    still = {leaf: a.astype(np.result_type(a, np.complex64)) for leaf, a in leaves.items()}
    still |= {n: a for n, a in problem.environment.items() if n not in still}
    result = {}
    for leaf, values in leaves.items():
        node = gradient_node(leaf)
        result[node] = np.empty(values.shape, values.dtype)
        for index in np.ndindex(values.shape):
            moved = still[leaf].copy()
            moved[index] += 1j * H
            result[node][index] = evaluate(equations, still | {leaf: moved})["loss"].imag / H
    return result


def _relative(found: Array, expected: Array) -> float:
    """‖found − expected‖ / ‖expected‖; 0 where both vanish."""
    assert found.shape == expected.shape
    difference = np.linalg.norm((found - expected).astype(np.float64))
    return float(difference / np.linalg.norm(expected.astype(np.float64))) if difference else 0.0


def _gradients_hold(evaluation: Evaluation, tolerance: float = TOLERANCE) -> None:
    for node, expected in _complex_step(evaluation.problem).items():
        found = evaluation.nodes[node]
        assert _relative(found, expected) <= tolerance, f"{node}: {found} is not {expected}"


@pytest.fixture(scope="session")
def complex_step() -> Callable[[Problem], dict[str, Array]]:
    """problem → node → gradient, from E alone."""
    return _complex_step


@pytest.fixture(scope="session")
def relative() -> Callable[[Array, Array], float]:
    return _relative


@pytest.fixture(scope="session")
def gradients_hold() -> Callable[..., None]:
    """Asserts that an evaluation's gradients are the complex step of its E."""
    return _gradients_hold


# (loss, from_logits, output activation, fused): every way in which E and the last layer meet
ENDINGS = [
    *((name, False, z, False) for name in ("half_sum_squared_error", "sum_squared_error") for z in ("linear", "relu")),
    *((name, False, z, False) for name in ("quadratic_cost", "mean_squared_error") for z in ("tanh", "softmax")),
    ("binary_crossentropy", False, "sigmoid", True),
    ("binary_crossentropy", False, "sigmoid", False),
    ("binary_crossentropy", True, "linear", False),
    *(
        ending
        for name in ("categorical_crossentropy", "sparse_categorical_crossentropy")
        for ending in (
            (name, False, "softmax", True),
            (name, False, "softmax", False),
            (name, False, "sigmoid", False),
            (name, True, "linear", False),
            (name, True, "tanh", False),
        )
    ),
]


@st.composite
def _problems(
    draw: st.DrawFn,
    dtype: type = np.longdouble,
    biases: bool = False,
    varied: bool = False,
    weighted: bool = False,
) -> Problem:
    name, from_logits, output, fused = draw(st.sampled_from(ENDINGS))
    hidden = st.builds(
        Dense,
        st.integers(1, 5),
        st.sampled_from(["linear", "sigmoid", "tanh", "relu", "softmax"]),
        st.just(True) if biases else st.booleans(),
    )
    layers = [*draw(st.lists(hidden, max_size=3)), Dense(draw(st.integers(1, 5)), output, draw(st.booleans()))]
    mlp = MLP(draw(st.integers(1, 5)), draw(_taken_apart(layers)) if varied else layers)
    loss = Loss(name, from_logits, scale=draw(st.sampled_from([1.0, 0.25])))
    batch, rng = draw(st.integers(1, 6)), np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    parameters = mlp.initialize(rng, "normal(0.5)", "normal(0.5)", dtype=np.dtype(dtype).name)
    x = rng.normal(size=(batch, mlp.inputs))
    # Targets in (0, 1) that do not sum to 1: labels of a distribution would hide a missing Σ_k y.
    y = rng.random((batch, mlp.units[-1]))
    labels = rng.integers(0, mlp.units[-1], batch)
    masks = mlp.draws(rng, batch, np.dtype(dtype).name)
    weights = draw(_weights(rng, batch)) if varied or weighted else None
    return mlp.problem(parameters, x, labels if loss.function.class_indices else y, loss, fused, masks, weights)


def _weights(rng: np.random.Generator, batch: int) -> st.SearchStrategy[Array | None]:
    """None, some that do not sum to N, and the same with zeros among them."""
    drawn = 3 * rng.random(batch)
    return st.sampled_from([None, drawn, drawn * (rng.random(batch) < 0.6)])


PENALTIES = ("kernel_l1", "kernel_l2", "bias_l1", "bias_l2", "activity_l1", "activity_l2")


@st.composite
def _taken_apart(draw: st.DrawFn, layers: list[Dense]) -> list[Layer]:
    """Activations as layers of their own, penalties, and a dropout before any layer."""
    result: list[Layer] = []
    for layer in layers:
        result += [Dropout(0.4)] * draw(st.integers(0, 1))
        some = st.sampled_from([0.0, 0.0, 0.25])
        told = {name: draw(some) for name in PENALTIES if layer.use_bias or not name.startswith("bias")}
        decayed = replace(layer, **told)
        apart = draw(st.booleans())
        result += [replace(decayed, activation="linear"), Activation(layer.activation)] if apart else [decayed]
        result += [ActivityRegularization(0.5, 0.25)] * draw(st.sampled_from([0, 0, 1]))
    return result


@pytest.fixture(scope="session")
def problems() -> Callable[..., st.SearchStrategy[Problem]]:
    """(dtype, biases in every hidden layer, with all kinds of layers, with weights) → random problems."""
    return _problems


@pytest.fixture
def evaluation() -> Evaluation:
    mlp = MLP(3, [Dense(4, "tanh"), Dense(2)])
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    return evaluation_of(mlp.problem(mlp.initialize(0), x, y, "mean_squared_error"))
