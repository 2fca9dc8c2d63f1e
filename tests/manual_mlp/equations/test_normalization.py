"""Normalisation: worked by hand, differentiated by the complex step, and rounded as it is rounded."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
import pytest

from manual_mlp import MLP, Dense, ShapeError
from manual_mlp.equations.local_rounding import GATE, Local, Precision
from manual_mlp.equations.normalization import Mean, Normalize, NormalizedSum, NormalizePullback, Variance
from manual_mlp.layers import BatchNormalization, Flatten, LayerNormalization, RMSNormalization

Over = Literal["batch", "row"]
OVER: tuple[Over, ...] = ("batch", "row")


def test_two_samples_of_one_unit_by_hand() -> None:
    # z_prev = (1, 3): μ = 2, v = 1; with ε = 3 the root is 2, x̂ = (−½, ½); γ = 4, β = 5.
    a, gamma, beta = np.array([[1.0], [3.0]]), np.array([4.0]), np.array([5.0])
    mean = Mean("batch").evaluate(a)
    variance = Variance("batch").evaluate(a, mean)
    assert (mean.item(), variance.item()) == (2, 1)
    z = Normalize("batch", 3.0).evaluate(a, mean, variance, gamma, beta)
    assert z.ravel().tolist() == [3, 7]
    g = np.array([[1.0], [2.0]])
    assert NormalizedSum("batch", 3.0).evaluate(g, a, mean, variance).item() == 0.5
    # ĝ = (4, 8): mean 6, mean of ĝ x̂ = (−2 + 4)/2 = 1; (ĝ − 6 − x̂ · 1)/2 = (−0.75, 0.75)
    down = NormalizePullback("batch", 3.0).evaluate(g, a, mean, variance, gamma)
    assert down.ravel().tolist() == [-0.75, 0.75]
    fixed = NormalizePullback("batch", 3.0, fixed=True).evaluate(g, variance, gamma)
    assert fixed.ravel().tolist() == [2, 4]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("inputs", [4, (3, 4)])
@pytest.mark.parametrize("layer", [BatchNormalization, LayerNormalization, RMSNormalization])
def test_every_gradient_is_that_of_the_complex_step(
    layer: type[BatchNormalization | LayerNormalization | RMSNormalization],
    inputs: int | tuple[int, ...],
    training: bool,
) -> None:
    rng = np.random.default_rng(0)
    mlp = MLP(inputs, [Dense(3, "tanh"), layer(), Flatten(), Dense(2)])
    w = {n: a + 0.2 * rng.uniform(size=a.shape) for n, a in mlp.initialize(0).items()}
    x, y = rng.normal(size=(5, *mlp.input_shape)), rng.normal(size=(5, 2))
    found = mlp.backpropagate(w, x, y, "mse", training=training)
    assert set(found.gradients) == set(w) - mlp.untrained
    for name, gradient in found.gradients.items():
        direction = rng.normal(size=gradient.shape)
        moved = {n: a.astype(complex) for n, a in w.items()}
        moved[name] = moved[name] + 1e-30j * direction
        equations = found.problem.equations
        values = {**found.problem.environment, **moved}
        for equation in equations[: [e.node for e in equations].index("loss") + 1]:
            values[equation.node] = equation.evaluate(values)
        exact = float(values["loss"].imag) / 1e-30
        assert np.vdot(gradient, direction) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("offset", [0.0, 30.0])
@pytest.mark.parametrize("over", OVER)
def test_what_is_rounded_is_what_the_records_say(over: Over, offset: float) -> None:
    """In the order in which Keras computes, z = z_prev k + (β − μ k), too, where |μ| is large beside √v."""
    rng = np.random.default_rng(3)
    kind, axis = np.float32, 0 if over == "batch" else 1
    worst: list[float] = []
    for _ in range(50):
        a = (rng.normal(size=(40, 30)) + offset).astype(kind)
        gamma, beta = rng.normal(size=30).astype(kind), rng.normal(size=30).astype(kind)
        mean = a.mean(axis, keepdims=over == "row")
        variance = np.square(a - mean).mean(axis, keepdims=over == "row")
        operands = a, mean, variance, gamma, beta
        fine = [o.astype(np.float64) for o in operands]
        operation = Normalize(over, 1e-3)
        exact = operation.evaluate(*fine)
        sigma = np.sqrt(operation.rounding(exact, *fine, at=Precision.of("float32")).variance)
        k = gamma / np.sqrt(variance + kind(1e-3))
        both = operation.evaluate(*operands), a * k + (beta - mean * k)
        worst += [float((np.abs(z - exact) / sigma).max()) for z in both]
    assert max(worst) < GATE / 2
    assert max(worst) > 1


@pytest.mark.parametrize("operation", [Normalize("batch", 1e-3), NormalizedSum("batch", 1e-3)])
def test_statistics_of_another_width_are_told(operation: Normalize | NormalizedSum) -> None:
    shapes = [(7, 3), (2,), (3,), (3,), (3,)]
    if isinstance(operation, NormalizedSum):
        shapes = [(7, 3), *shapes[:3]]
    with pytest.raises(ShapeError, match=re.escape("statistics are (3,), γ and β (3,)")):
        operation.shape(*shapes)


@pytest.mark.parametrize(
    ("build", "kind", "text"),
    [
        (lambda: BatchNormalization(epsilon=0), ValueError, "BatchNormalization(epsilon=0): expected a number above 0"),
        (lambda: LayerNormalization(epsilon=-1.0), ValueError, "LayerNormalization(epsilon=-1.0): expected a number"),
        (lambda: RMSNormalization(epsilon="small"), TypeError, "RMSNormalization(epsilon=…) is str: expected a number"),
        (lambda: BatchNormalization(momentum=1.5), ValueError, "BatchNormalization(momentum=1.5): expected a share"),
        (lambda: BatchNormalization(name="a/b"), ValueError, "Layer name 'a/b': expected text without '/'"),
    ],
)
def test_bad_settings_are_told(build, kind, text) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(kind, match=re.escape(text)):
        build()


def test_a_batch_of_one_has_no_statistics_in_training() -> None:
    mlp = MLP(2, [Dense(3), BatchNormalization(), Dense(1)])
    w = mlp.initialize(0)
    with pytest.raises(ValueError, match=r"^batch_normalization_1: .* one sample .* training=False"):
        mlp.backpropagate(w, np.ones((1, 2)), np.ones((1, 1)), "mse")
    assert np.isfinite(mlp.backpropagate(w, np.ones((1, 2)), np.ones((1, 1)), "mse", training=False).loss)


def test_the_moving_statistics_after_a_batch() -> None:
    mlp = MLP(1, [Dense(1, use_bias=False), BatchNormalization(momentum=0.75)])
    w = {**mlp.initialize(0), "dense_1/kernel": np.array([[1.0]])}
    found = mlp.backpropagate(w, np.array([[1.0], [3.0]]), np.zeros((2, 1)), "mse")
    moved = {n: a.item() for n, a in found.updates.items()}
    assert moved == {"batch_normalization_1/moving_mean": 0.5, "batch_normalization_1/moving_variance": 1.0}
    still = mlp.backpropagate(w, np.array([[1.0], [3.0]]), np.zeros((2, 1)), "mse", training=False)
    assert still.updates == {}


def test_what_a_unit_shares_its_timesteps_share_too() -> None:
    result = np.zeros((2, 3, 4))
    Local(((np.ones((2, 3, 4)), "unit"),), lost=()).add_draw(result, np.random.default_rng(0), 0.0)
    assert np.array_equal(result, np.broadcast_to(result[0, 0], result.shape))
    assert len(np.unique(result)) == 4
