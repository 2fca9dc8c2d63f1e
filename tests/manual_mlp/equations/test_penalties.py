"""Penalties: value, gradient, kink, rounding and notation; and the sum of two operations."""

from __future__ import annotations

import numpy as np
import pytest

from gradient_diff.noise.network import local_distance
from manual_mlp import Array, Equation, Loss, ShapeError
from manual_mlp.equations.local_rounding import GATE, Precision
from manual_mlp.equations.loss_operations import LossValue
from manual_mlp.equations.operations import Product, SumOverBatch
from manual_mlp.equations.penalties import Penalty, PenaltyGradient, Plus

A, B = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0, -6.0], [0.0, 8.0]])
KINDS = [Penalty(l1=0.3), Penalty(l2=0.2), Penalty(0.3, 0.2), Penalty(0.3, 0.2, mean=True), Penalty(l1=0.3, mean=True)]


def test_by_pencil() -> None:
    """|5| + |−6| + |8| = 19, 25 + 36 + 64 = 125, N = 2."""
    assert Penalty(l1=0.5).value(B) == 9.5
    assert Penalty(l2=2.0).value(B) == 250
    assert Penalty(0.5, 2.0, mean=True).value(B) == (9.5 + 250) / 2
    assert Penalty(0.5, 2.0).gradient(B).tolist() == [[20.5, -24.5], [0, 32.5]]
    assert Penalty(0.5, 2.0, mean=True).gradient(B).tolist() == [[10.25, -12.25], [0, 16.25]]


@pytest.mark.parametrize("penalty", KINDS)
def test_the_gradient_is_the_complex_step_of_the_value_at_0_too(penalty: Penalty) -> None:
    found = np.empty(B.shape)
    for index in np.ndindex(*B.shape):
        moved = B.astype(complex)
        moved[index] += 1e-30j
        found[index] = penalty.value(moved).imag / 1e-30
    np.testing.assert_allclose(found, penalty.gradient(B), rtol=1e-15)


@pytest.mark.parametrize("penalty", KINDS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_the_dtype_stays(penalty: Penalty, dtype: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    kind = np.dtype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    assert penalty.gradient(B.astype(kind)).dtype == penalty.value(B.astype(kind)).dtype == kind


def test_the_branch_at_0_is_that_of_the_anchor() -> None:
    operation, zero = PenaltyGradient(Penalty(l1=0.3)), np.zeros(3)
    assert operation.frozen((zero,), (np.array([-1e-300, 0.0, 1e-300]),)).tolist() == [-0.3, 0.0, 0.3]


@pytest.mark.parametrize("penalty", KINDS)
def test_numpy_spells_the_gradient(penalty: Penalty) -> None:
    np.testing.assert_allclose(eval(penalty.numpy("W"), {"np": np, "W": B}), penalty.gradient(B), rtol=1e-15)


@pytest.mark.parametrize("penalty", KINDS)
@pytest.mark.parametrize("seed", range(10))
def test_rounding_is_expected_and_a_mistake_is_not(penalty: Penalty, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, w = (rng.normal(size=(int(rng.integers(1, 200)), 4)).astype(np.float32) for _ in range(3))
    b = np.resize(b, a.shape)
    w = w if penalty.mean else np.resize(w, (4, 4))
    wide = a if penalty.mean else np.resize(a, (4, 4))
    for operation, arrays in (
        (Plus(Product(transpose_left=True), PenaltyGradient(penalty), 2), (a, b, np.resize(w, (4, 4)))),
        (Plus(SumOverBatch(), PenaltyGradient(penalty), 1), (a, np.resize(w, 4))),
        (PenaltyGradient(penalty), (w,)),
        (LossValue(Loss("mse"), False, (penalty,)), (wide, np.resize(b, wide.shape), w)),
    ):
        names = tuple("abcd"[: len(arrays)])
        equation, known = Equation("", "node", operation, names), dict(zip(names, arrays, strict=True))
        found = operation.evaluate(*arrays)
        assert local_distance(equation, known, found, "float32").max() < GATE / 2
        assert local_distance(equation, known, found * np.float32(1 + 1e-4), "float32").max() > GATE


@pytest.mark.parametrize("penalty", KINDS)
def test_float64_meets_a_sum_of_decimals(penalty: Penalty) -> None:
    """Σ in another order, of exact terms: within 16 times the local rounding that it states."""
    import math

    rng = np.random.default_rng(1)
    a = rng.normal(size=(50, 7))
    n = len(a) if penalty.mean else 1
    exact = (penalty.l1 * math.fsum(np.abs(a).ravel()) + penalty.l2 * math.fsum(np.square(a).ravel())) / n
    variance, bound = penalty.value_rounding(a, 2.0**-53)
    assert abs(penalty.value(a) - exact) <= 16 * np.sqrt(variance) + bound
    assert 16 * np.sqrt(variance) + bound < 1e-12 * exact


def test_a_decay_adds_its_own_rounding() -> None:
    """At u = 1, per entry of 2λW = 2: (2λW)² for λ itself, a third of it for the product and for what is stored."""
    none, w = np.zeros((1, 2)), np.full((2, 2), 4.0)
    decayed = Plus(Product(transpose_left=True), PenaltyGradient(Penalty(l2=0.25)), 2)
    local = decayed.rounding(0.5 * w, none, none, w, at=Precision.plain(1.0))
    np.testing.assert_allclose(local.variance, 4 + 4 / 3 + 4 / 3)


def test_what_a_running_sum_may_begin_with_is_counted() -> None:
    """XLA adds the third operand first where a matrix meets a vector."""
    a, w, at = np.full((5, 1), 1e-3), np.full((1, 2), 1000.0), Precision.plain(1e-7)
    decayed = Plus(Product(transpose_left=True), PenaltyGradient(Penalty(l2=0.5)), 2)
    operands = a, np.repeat(a, 2, axis=1), w
    started = decayed.rounding(decayed.evaluate(*operands), *operands, at=at).variance
    assert (started > 3 * (4 / 3 + 1 / 3) * (1e-7 * 1000) ** 2 / 1.7).all()


# sums


def test_a_sum_adds_its_parts() -> None:
    decayed = Plus(Product(), PenaltyGradient(Penalty(l2=1.0)), 2)
    assert decayed.evaluate(A, B, A).tolist() == (A @ B + 2 * A).tolist()
    buffer = np.full((2, 2), np.nan)
    assert decayed.evaluate(A, B, A, out=buffer) is buffer
    assert buffer.tolist() == (A @ B + 2 * A).tolist()
    assert A.tolist() == [[1, 2], [3, 4]]


def test_shapes_and_notation() -> None:
    both = Plus(Product(transpose_left=True), PenaltyGradient(Penalty(0.1, 0.25)), 2)
    assert both.shape(("N", 3), ("N", 2), (3, 2)) == (3, 2)
    assert both.render("x", "δ", "W") == "xᵀ δ + 0.1 sign W + 0.5 W"
    assert both.render_shapes((100, 3), (100, 2), (3, 2)) == "(100, 3)ᵀ @ (100, 2) + (3, 2)"
    assert both.render_meeting((100, 3), (100, 2), (3, 2)) == "(3, 100)(100, 2) + (3, 2)"
    assert both.meeting((100, 3), (100, 2), (3, 2)) == ((3, 100), (100, 2), (3, 2))
    assert (both.signs, both.marked("x", "δ", "W")) == (("@", "+"), ("xᵀ", "δ", "W"))
    minus = Plus(Product(transpose_left=True), PenaltyGradient(Penalty(l2=-0.01)), 2)
    assert minus.render("x", "δ", "W") == "xᵀ δ − 0.02 W"
    assert PenaltyGradient(Penalty(0.1, 0.5, mean=True)).render("z") == "0.1/N sign z + 1/N z"


def test_shapes_that_cannot_be_added_are_told() -> None:
    both = Plus(SumOverBatch(), PenaltyGradient(Penalty(0.1)), 1)
    with pytest.raises(ShapeError) as caught:
        both.shape((5, 3), (2,))
    assert str(caught.value) == "Σ_N (5, 3) + (2,): (2,) cannot be added to (3,)"


def test_E_says_each_penalty() -> None:
    operation = LossValue(Loss("mse"), False, (Penalty(l1=0.5), Penalty(0.1, 0.2, mean=True)))
    assert operation.render("z", "y", "W", "z") == ("1/(N·K) Σ_n Σ_k (z − y)² + 0.5 Σ |W| + 0.1/N Σ |z| + 0.2/N Σ z²")
    assert operation.render_shapes((4, 2), (4, 2), (3, 2), (4, 2)) == (
        "(4, 2), (4, 2) + Σ |(3, 2)| + Σ |(4, 2)| + Σ (4, 2)²"
    )


@pytest.mark.parametrize("factor", [2.0, 0.999])
def test_a_planted_factor_is_seen(factor: float) -> None:
    penalty = Penalty(0.3, 0.2)
    found: Array = factor * penalty.gradient(B)
    equation = Equation("", "node", PenaltyGradient(penalty), ("a",))
    assert local_distance(equation, {"a": B}, found, "float64").max() > GATE
