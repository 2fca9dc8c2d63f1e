"""E with decays, its rounding, and its notation; `test_operations` has E without."""

from __future__ import annotations

import numpy as np
import pytest

from gradient_diff.noise.network import local_distance
from manual_mlp import Equation, Loss, ShapeError
from manual_mlp.arrays import Shape
from manual_mlp.equations.local_rounding import GATE, Precision
from manual_mlp.equations.loss_operations import LossGradient, LossValue
from manual_mlp.equations.operations import Operation
from manual_mlp.equations.penalties import Penalty

MSE = Loss("mse")


def test_E_is_the_loss_and_every_decay() -> None:
    z, y = np.array([[3.0]]), np.array([[1.0]])
    w, v = np.array([[1.0, 2.0]]), np.array([[3.0]])
    assert LossValue(MSE, False, (Penalty(l2=0.5), Penalty(l2=2.0))).evaluate(z, y, w, v) == 4 + 0.5 * 5 + 2 * 9


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_E_keeps_its_dtype(dtype: str) -> None:
    arrays = [np.ones((2, 1), dtype), np.zeros((2, 1), dtype), np.ones((3, 1), dtype)]
    assert LossValue(MSE, False, (Penalty(l2=0.1),)).evaluate(*arrays).dtype.name == dtype


def test_shapes_and_notation() -> None:
    operation = LossValue(MSE, False, (Penalty(l2=0.5),))
    assert operation.shape(("N", "K"), ("N", "K"), ("n", "K")) == ()
    assert operation.render("z", "y", "W") == "1/(N·K) Σ_n Σ_k (z − y)² + 0.5 Σ W²"
    assert operation.render_shapes(("N", 2), ("N", 2), (3, 2)) == "(N, 2), (N, 2) + Σ (3, 2)²"
    assert operation.signs == (",", "+", ",")


def test_the_weights_come_last_and_are_shown_beside_the_targets() -> None:
    operation = LossValue(MSE, False, (Penalty(l2=0.5),))
    shapes = ("N", "K"), ("N", "K"), ("n", "K"), ("N",)
    assert operation.shape(*shapes) == ()
    assert operation.render("z", "y", "W", "w") == "1/(N·K) Σ_n w_n Σ_k (z − y)² + 0.5 Σ W²"
    assert operation.render_shapes(*shapes) == "(N, K), (N, K), (N,) + Σ (n, K)²"
    assert LossGradient(MSE, False).render("z", "y", "w") == "w_n · 2/(N·K) (z − y)"


def test_E_of_weighted_samples_by_pencil() -> None:
    """(4 · 2² + 0 · 7² + ½ · 3²)/3 + 0.5 · 2²; its gradient is w_n · 2 (z − y)/3. The c is 1/3, not 1/4.5."""
    z, y, w = np.array([[3.0], [9.0], [4.0]]), np.array([[1.0], [2.0], [1.0]]), np.array([4.0, 0.0, 0.5])
    decayed = LossValue(MSE, False, (Penalty(l2=0.5),)).evaluate(z, y, np.array([[2.0]]), w)
    assert float(decayed) == pytest.approx(20.5 / 3 + 2, rel=1e-15)
    np.testing.assert_allclose(LossGradient(MSE, False).evaluate(z, y, w), [[16 / 3], [0], [1]], rtol=1e-15)


@pytest.mark.parametrize("operation", [LossValue(MSE, False), LossGradient(MSE, False)])
@pytest.mark.parametrize("shape", [(4,), (5, 1), ()])
def test_there_is_one_weight_per_sample(operation: Operation, shape: Shape) -> None:
    with pytest.raises(ShapeError, match=r"\(5, 2\), \(5, 2\), .*: one weight per sample is \(5,\)$"):
        operation.shape((5, 2), (5, 2), shape)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_where_probabilities_are_clipped_the_weights_change_no_branch(value: float) -> None:
    operation, w = LossGradient(Loss("bce"), False), np.array([3.0])
    p, y, inside = np.array([[value]]), np.array([[0.25]]), np.array([[0.5]])
    assert operation.frozen((p, y, w), (p, y, w)).item() == 0
    assert operation.frozen((inside, y, w), (p, y, w)).item() == 0
    assert operation.frozen((inside, y, w), (inside, y, w)) == 3 * operation.evaluate(inside, y)


@pytest.mark.parametrize("seed", range(20))
def test_the_rounding_of_a_decay_is_expected_and_a_mistake_is_not(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shapes = [(7, 3), (7, 3), (int(rng.integers(1, 400)), 3), (3, int(rng.integers(1, 50)))]
    arrays = [rng.normal(size=s).astype(np.float32) for s in shapes]
    names = ("z", "y", "W", "V")
    operation = LossValue(MSE, False, tuple(Penalty(l2=float(rng.uniform(0, 1))) for _ in range(2)))
    equation, known = Equation("", "loss", operation, names), dict(zip(names, arrays, strict=True))
    found = operation.evaluate(*arrays)
    assert local_distance(equation, known, found, "float32").max() < GATE / 2
    assert local_distance(equation, known, found * np.float32(1 + 1e-4), "float32").max() > GATE


def test_the_rounding_of_E_counts_each_sample_as_it_is_weighed() -> None:
    rng = np.random.default_rng(0)
    z, y, operation = rng.normal(size=(40, 3)), rng.normal(size=(40, 3)), LossValue(MSE, False)
    plain, weighed, none = (
        operation.rounding(operation.evaluate(z, y, *w), z, y, *w, at=Precision.plain(1e-7))
        for w in ([], [np.full(40, 1000.0)], [np.zeros(40)])
    )
    assert 1000 < np.sqrt(weighed.variance / plain.variance) < 1100  # and one rounding more of each
    assert weighed.bound == pytest.approx(1000 * plain.bound)
    assert none.variance == none.bound == 0
