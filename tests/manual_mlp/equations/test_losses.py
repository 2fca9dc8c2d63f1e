import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradient_diff.noise.network import local_distance
from manual_mlp import LOSSES, Array, Equation, Loss, sigmoid, softmax
from manual_mlp.equations.local_rounding import GATE, Precision
from manual_mlp.equations.loss_operations import LossGradient, LossValue
from manual_mlp.equations.loss_record import EPSILON, Form

SQUARED = ["half_sum_squared_error", "sum_squared_error", "quadratic_cost", "mean_squared_error"]
CROSS_ENTROPIES = ["binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"]
CASES = [*((name, False) for name in [*SQUARED, *CROSS_ENTROPIES]), *((name, True) for name in CROSS_ENTROPIES)]
DTYPES = ["float32", "float64", "longdouble"]
N, K = 3, 4  # N, K and N·K differ, so that no scaling passes for another
H = 1e-30


def unit(dtype: str) -> float:
    return float(np.finfo(dtype).eps) / 2


def example(name: str, logits: bool, dtype: str) -> tuple[Array, Array]:
    """Predictions, and targets in (0, 1) whose rows do not sum to 1."""
    rng = np.random.default_rng(7)
    p = rng.normal(0, 3, (N, K)) if logits or name in SQUARED else rng.uniform(0.05, 0.9, (N, K))
    y = np.array([2, 0, 3]) if LOSSES[name].class_indices else rng.random((N, K)).astype(dtype)
    return p.astype(dtype), y


# E


def terms(name: str, logits: bool, p: Array, y: Array) -> list[Any]:
    """The terms that E sums, as a textbook writes them, one sample and one unit at a time."""
    log, exp = np.log, np.exp
    if name in SQUARED:
        return [(p[n, k] - y[n, k]) ** 2 for n in range(N) for k in range(K)]
    if name == "binary_crossentropy":
        q = 1 / (1 + exp(-p)) if logits else p
        both = [(y[n, k] * log(q[n, k]), (1 - y[n, k]) * log(1 - q[n, k])) for n in range(N) for k in range(K)]
        return [-term for pair in both for term in pair]
    total = [sum(exp(p[n, k]) if logits else p[n, k] for k in range(K)) for n in range(N)]
    q = np.array([[(exp(p[n, k]) if logits else p[n, k]) / total[n] for k in range(K)] for n in range(N)])
    if name == "categorical_crossentropy":
        return [-y[n, k] * log(q[n, k]) for n in range(N) for k in range(K)]
    return [-log(q[n, y[n]]) for n in range(N)]


C = {
    "half_sum_squared_error": 1 / 2,
    "sum_squared_error": 1,
    "quadratic_cost": 1 / (2 * N),
    "mean_squared_error": 1 / (N * K),
    "binary_crossentropy": 1 / (N * K),
    "categorical_crossentropy": 1 / N,
    "sparse_categorical_crossentropy": 1 / N,
}


def functions(name: str, logits: bool) -> tuple[Callable[..., Any], Callable[..., Array], float]:
    form = LOSSES[name].form(logits)
    return form.value, form.gradient, LOSSES[name].factor(N, K)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "logits"), CASES)
def test_the_value_is_the_textbook_sum(name: str, logits: bool, dtype: str) -> None:
    value, _, c = functions(name, logits)
    p, y = example(name, logits, dtype)
    listed = terms(name, logits, p.astype(np.longdouble), y if y.dtype.kind == "i" else y.astype(np.longdouble))
    found = value(p, y, c)
    # Each term takes fewer than 20 roundings (a softmax over 4, a logarithm to 4 ulp, products), summing 2 N K terms
    # at most 24; 1 − p costs another factor of 1/(1 − 0.9) = 10, and p of up to 8 beside log-sum-exp one of 8.
    assert abs(found - C[name] * sum(listed)) <= 500 * unit(dtype) * C[name] * sum(map(abs, listed))
    assert found.dtype == p.dtype


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "logits"), CASES)
def test_a_weighted_value_is_the_sum_of_its_samples_each_times_its_weight(name: str, logits: bool, dtype: str) -> None:
    value, _, c = functions(name, logits)
    p, y = example(name, logits, dtype)
    w = np.array([2.0, 0.0, 0.375], dtype)
    alone = [value(p[n : n + 1], y[n : n + 1], c) for n in range(N)]
    assert value(p, y, c, w) == pytest.approx(2 * alone[0] + 0.375 * alone[2], rel=50 * unit(dtype))
    assert value(p, y, c, w).dtype == p.dtype
    assert value(p, y, c, np.ones(N, dtype)) == value(p, y, c)  # to the bit


def test_article_scalings_by_pencil() -> None:
    p, y = np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]]), np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    # Σ (p − y)² = 1 + 4 + 4 + 9 + 0 + 0 = 18
    values = {name: LOSSES[name].plain.value(p, y, LOSSES[name].factor(3, 2)) for name in SQUARED}
    assert values == {
        "half_sum_squared_error": 9,
        "sum_squared_error": 18,
        "quadratic_cost": 3,
        "mean_squared_error": 3,
    }
    gradients = {name: LOSSES[name].plain.gradient(p, y, LOSSES[name].factor(3, 2))[1, 1] for name in SQUARED}
    assert gradients == {
        "half_sum_squared_error": 3,
        "sum_squared_error": 6,
        "quadratic_cost": 1,
        "mean_squared_error": 1,
    }


@pytest.mark.parametrize("name", SQUARED)
def test_the_letters_of_a_scaling_are_its_numbers(name: str) -> None:
    written = {
        "half_sum_squared_error": ("½ Σ_n Σ_k (z − y)²", "(z − y)"),
        "sum_squared_error": ("Σ_n Σ_k (z − y)²", "2(z − y)"),
        "quadratic_cost": ("1/(2N) Σ_n Σ_k (z − y)²", "1/N (z − y)"),
        "mean_squared_error": ("1/(N·K) Σ_n Σ_k (z − y)²", "2/(N·K) (z − y)"),
    }
    loss = Loss(name)
    assert (loss.write(True, False, "z"), loss.write(False, False, "z")) == written[name]
    assert LOSSES[name].factor(N, K) == C[name]


def test_cross_entropy_by_pencil() -> None:
    # labels that do not sum to 1: E = −(2·log ½ + 1·log ¼)/1 = log 16; in probabilities and in logits
    p, y = np.array([[0.5, 0.25, 0.25]]), np.array([[2.0, 1.0, 0.0]])
    f, from_logits = (LOSSES["categorical_crossentropy"].form(logits) for logits in (False, True))
    assert f.value(p, y, 1) == pytest.approx(math.log(16), rel=1e-15)
    assert from_logits.value(np.log(p), y, 1) == pytest.approx(math.log(16), rel=1e-15)
    # dE/du = softmax(u) Σ_k y_k − y = 3p − y
    np.testing.assert_allclose(from_logits.gradient(np.log(p), y, 1), [[-0.5, -0.25, 0.75]], rtol=1e-15)
    # dE/dp = Σ_k y_k / Σ_k p_k − y/p = 3 − (4, 4, 0)
    np.testing.assert_allclose(f.gradient(p, y, 1), [[-1, -1, 3]], rtol=1e-15)


@pytest.mark.parametrize(
    ("name", "activation"),
    [
        ("binary_crossentropy", sigmoid),
        ("categorical_crossentropy", softmax),
        ("sparse_categorical_crossentropy", softmax),
    ],
)
def test_from_logits_is_the_same_e(name: str, activation: Callable[[Array], Array]) -> None:
    u, y = example(name, True, "longdouble")
    values = LOSSES[name].form(True).value(u, y, 1), LOSSES[name].plain.value(activation(u), y, 1)
    # 1e5 u: 1 − p and log p amplify u's rounding by at most e^|u|, and |u| < 10
    assert abs(values[0] / values[1] - 1) <= 1e5 * unit("longdouble")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_far_out_logits_give_finite_values_and_no_warning(dtype: str) -> None:
    u, y = np.array([[-1000, 0, 1000]], dtype), np.array([[1, 0, 0]], dtype)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        forms = [(LOSSES[name].form(True), y if "sparse" not in name else np.array([0])) for name in CROSS_ENTROPIES]
        values = [form.value(u, target, 1) for form, target in forms]
        gradients = [form.gradient(u, target, 1).tolist() for form, target in forms]
    assert values == [pytest.approx(2000 + math.log(2), rel=2 * unit(dtype)), 2000, 2000]
    assert gradients == [[[-1, 0.5, 1]], [[-1, 0, 1]], [[-1, 0, 1]]]


# the gradient


def complex_gradient(value: Callable[..., Any], p: Array, y: Array, c: float) -> Array:
    result = np.empty_like(p)
    for index in np.ndindex(p.shape):
        moved = p.astype(np.result_type(p, np.complex64))
        moved[index] += 1j * H
        result[index] = value(moved, y, c).imag / H
    return result


def assert_gradient_holds(name: str, logits: bool) -> None:
    value, gradient, c = functions(name, logits)
    p, y = example(name, logits, "float64")
    exact = complex_gradient(value, p.astype(np.longdouble), y if y.dtype.kind == "i" else y.astype(np.longdouble), c)
    # Fewer than 40 roundings of u = 1.1e-16; p ≥ 0.05 and 1 − p ≥ 0.1 amplify by at most 20, and the two parts of a
    # gradient cancel by less than 10 here: 9e-13.
    assert np.linalg.norm((gradient(p, y, c) - exact).astype(float)) <= 1e-12 * np.linalg.norm(exact.astype(float))


@pytest.mark.parametrize(("name", "logits"), CASES)
def test_the_gradient_is_the_complex_step_of_the_value(name: str, logits: bool) -> None:
    assert_gradient_holds(name, logits)


@pytest.mark.parametrize(("name", "logits"), CASES)
def test_a_gradient_off_by_a_thousandth_is_seen(name: str, logits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    form = LOSSES[name].form(logits)
    wrong = dataclasses.replace(form, gradient=lambda *args: 1.001 * form.gradient(*args))
    changed: Any = {"logits" if logits else "plain": wrong}
    monkeypatch.setitem(LOSSES, name, dataclasses.replace(LOSSES[name], **changed))
    with pytest.raises(AssertionError):
        assert_gradient_holds(name, logits)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "logits"), CASES)
def test_a_buffer_receives_the_same_gradient(name: str, logits: bool, dtype: str) -> None:
    _, gradient, c = functions(name, logits)
    p, y = example(name, logits, dtype)
    before, buffer = p.copy(), np.full_like(p, np.nan)
    assert gradient(p, y, c, out=buffer) is buffer
    np.testing.assert_array_equal(buffer, gradient(p, y, c))
    np.testing.assert_array_equal(p, before)
    assert buffer.dtype == dtype


# clipping


def clipping(name: str) -> tuple[Form, Array, Array]:
    """Probabilities 0, ε/2 and 1 lie outside, 0.3 inside."""
    p = np.array([[0.0, 0.3, EPSILON / 2, 1.0]])
    return LOSSES[name].plain, p, np.array([0]) if "sparse" in name else np.array([[1.0, 0.5, 0.25, 0.75]])


def test_binary_crossentropy_is_clipped_as_keras_clips() -> None:
    f, p, y = clipping("binary_crossentropy")
    q = [EPSILON, 0.3, EPSILON, 1 - EPSILON]
    expected = -sum(t * math.log(a) + (1 - t) * math.log(1 - a) for a, t in zip(q, y[0], strict=True))
    assert f.value(p, y, 1) == pytest.approx(expected, rel=1e-8)  # 1 − (1 − ε) has 9 digits left
    assert (f.gradient(p, y, 1) != 0).tolist() == [[False, True, False, False]]


def test_categorical_crossentropy_is_normalised_then_clipped() -> None:
    f, p, y = clipping("categorical_crossentropy")
    q = [EPSILON, 0.3 / 1.3, EPSILON, 1 / 1.3]  # ε/2/1.3 is below ε; 1/1.3 is inside
    expected = -sum(t * math.log(a) for a, t in zip(q, y[0], strict=True))
    assert f.value(p, y, 1) == pytest.approx(expected, rel=1e-6)  # the sum is 1.3 + ε/2
    # What is clipped passes nothing of its own; Σ_k p passes the rest to all alike.
    gradient = f.gradient(p, y, 1)[0]
    assert gradient[0] == gradient[2] == pytest.approx((0.5 + 0.75) / 1.3, rel=1e-6)
    assert gradient[1] == pytest.approx(gradient[0] - 0.5 / 0.3, rel=1e-6)


def test_sparse_categorical_crossentropy_is_clipped_then_normalised() -> None:
    f, p, labels = clipping("sparse_categorical_crossentropy")
    assert f.value(p, labels, 1) == pytest.approx(math.log(1.3 + EPSILON) - math.log(EPSILON), rel=1e-15)
    gradient = f.gradient(p, labels, 1)[0]
    assert gradient.tolist() == [0, pytest.approx(1 / 1.3, rel=1e-6), 0, 0]


@pytest.mark.parametrize("name", CROSS_ENTROPIES)
def test_the_gradient_is_that_of_the_clipped_value(name: str) -> None:
    f, p, y = clipping(name)
    exact = complex_gradient(f.value, p.astype(np.longdouble), y, 1.0)
    # 20 roundings; at p = 0.3 nothing amplifies them by more than 4, and what is clipped is exactly 0.
    np.testing.assert_allclose(f.gradient(p, y, 1), exact.astype(float), rtol=100 * unit("float64"), atol=0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CROSS_ENTROPIES)
def test_zeros_and_ones_give_finite_values_and_no_warning(name: str, dtype: str) -> None:
    p = np.array([[0, 1], [1, 0]], dtype)
    y = np.array([0, 0]) if "sparse" in name else np.array([[1, 0], [1, 0]], dtype)
    with np.errstate(all="raise"):
        value, gradient = LOSSES[name].plain.value(p, y, 1), LOSSES[name].plain.gradient(p, y, 1)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", CROSS_ENTROPIES)
def test_inside_or_outside_may_be_decided_elsewhere(name: str) -> None:
    f, p, y = clipping(name)
    inside, outside = np.full_like(p, 0.25), np.array([[0.5, 0, 0.5, 0.5]])
    p = np.array([[0.1, 0.3, 0.2, 0.4]])
    np.testing.assert_array_equal(f.gradient(p, y, 1, anchor=inside), f.gradient(p, y, 1))
    own = f.gradient(p, y, 1, anchor=outside)[0, 1]
    # No term of its own passes: nothing, or for the quotient what Σ_k p passes to all (y's other terms, over 1).
    assert own == (pytest.approx(1 + 0.25 + 0.75) if name == "categorical_crossentropy" else 0)


# the table


def test_what_is_fused_and_what_reads_classes() -> None:
    assert {name: f.fused_activation for name, f in LOSSES.items() if f.fused_activation} == {
        "binary_crossentropy": "sigmoid",
        "categorical_crossentropy": "softmax",
        "sparse_categorical_crossentropy": "softmax",
    }
    assert [name for name, f in LOSSES.items() if f.class_indices] == ["sparse_categorical_crossentropy"]


# rounding: in float32, against that of the one operation


def _data(name: str, logits: bool, scale: float, batch: int) -> dict[str, Array]:
    rng = np.random.default_rng(3)
    u = scale * rng.normal(size=(batch, 5))
    labels = rng.integers(0, 5, batch)
    function = {"binary_crossentropy": sigmoid}.get(name, softmax if LOSSES[name].logits else np.copy)
    y = labels if LOSSES[name].class_indices else (0.9 * np.eye(5)[labels] + 0.02).astype(np.float32)
    return {"p": (u if logits else function(u)).astype(np.float32), "y": y}


def _weights(batch: int) -> Array:
    """From a thousandth to a thousand, and zeros among them."""
    rng = np.random.default_rng(4)
    return (10 ** rng.uniform(-3, 3, batch) * (rng.random(batch) < 0.8)).astype(np.float32)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scale", [0.1, 1, 6])
@pytest.mark.parametrize(("name", "logits"), CASES)
def test_gradients_stay_within_their_rounding_and_a_thousandth_does_not(
    name: str, logits: bool, scale: float, weighted: bool
) -> None:
    data = _data(name, logits, scale, 60) | {"w": _weights(60)}
    for factor in (1.0, 1e-5, 1e5):
        operands = ("p", "y", *["w"] * weighted)
        equation = Equation("a", "a/dE_dz", LossGradient(Loss(name, scale=factor), logits), operands)
        gradient = equation.evaluate(data)
        assert gradient.dtype == np.float32
        assert local_distance(equation, data, gradient, "float32").max() < GATE / 2
        seen = local_distance(equation, data, gradient * np.float32(1.001), "float32") > GATE
        plain = np.abs(equation.operation.evaluate(data["p"], data["y"]))
        clear = (plain > 0.1 * plain.max()) & (gradient != 0)
        assert clear.any()
        assert seen[clear].all()


@pytest.mark.parametrize(("name", "logits"), CASES)
def test_weights_multiplied_into_c_first_are_within_the_rounding(name: str, logits: bool) -> None:
    """As TensorFlow does it: its gradient by e_n is w_n/N before anything of the row is known."""
    data = _data(name, logits, 1, 60) | {"w": _weights(60)}
    equation = Equation("a", "a/dE_dz", LossGradient(Loss(name), logits), ("p", "y", "w"))
    plain = LOSSES[name].form(logits).gradient(data["p"], data["y"], 1.0)
    c = (data["w"] * np.float32(LOSSES[name].factor(60, 5)))[:, None]
    assert local_distance(equation, data, c * plain, "float32").max() < GATE / 2


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("batch", [1, 50, 3000])
@pytest.mark.parametrize(("name", "logits"), CASES)
def test_values_stay_within_their_rounding_and_a_hundredth_does_not(
    name: str, logits: bool, batch: int, weighted: bool
) -> None:
    data = _data(name, logits, 1, batch) | {"w": _weights(batch)}
    equation = Equation("a", "loss", LossValue(Loss(name), logits), ("p", "y", *["w"] * weighted))
    value = np.asarray(equation.evaluate(data), np.float32)
    assert local_distance(equation, data, value, "float32").max() < GATE / 2
    assert local_distance(equation, data, value * np.float32(1.01), "float32").max() > GATE


def test_a_clipped_probability_passes_no_gradient_and_no_rounding() -> None:
    data = {"p": np.array([[0.0, 1.0, 0.5]]), "y": np.array([[0.0, 1.0, 1.0]])}
    operation = LossGradient(Loss("binary_crossentropy"), False)
    rounding = operation.rounding(
        operation.evaluate(data["p"], data["y"]), data["p"], data["y"], at=Precision.plain(1.0)
    )
    assert rounding.variance[0, :2].tolist() == [0, 0]
    assert rounding.variance[0, 2] > 0
