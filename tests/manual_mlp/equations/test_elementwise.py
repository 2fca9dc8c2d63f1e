"""Every loss of one output and one target against 500 digits, its kinks, and what a Loss is told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from manual_mlp import LOSSES, MLP, Array, Dense, Loss
from manual_mlp.dtypes import LOST, UNITS
from manual_mlp.equations.elementwise import signs
from manual_mlp.equations.local_rounding import GATE, Local, Precision
from manual_mlp.equations.loss_operations import LossGradient, LossValue
from tests.manual_mlp.equations.functions import decimals

D = Decimal
EPS = D(1e-7)
ONE = D(1)


def _huber(delta: Decimal) -> Callable[[Decimal, Decimal], Decimal]:
    return lambda p, y: (p - y) ** 2 / 2 if abs(p - y) <= delta else delta * abs(p - y) - delta * delta / 2


def _share(x: Decimal) -> Decimal:
    return min(max(x, EPS), ONE)


def _log_cosh(p: Decimal, y: Decimal) -> Decimal:
    e = abs(p - y)
    return e + (1 + (-2 * e).exp()).ln() - D(2).ln()


CASES: dict[str, tuple[Loss, Callable[[Decimal, Decimal], Decimal]]] = {
    "mae": (Loss("mae"), lambda p, y: abs(p - y)),
    "mape": (Loss("mape"), lambda p, y: 100 * abs(p - y) / max(abs(y), EPS)),
    "msle": (Loss("msle"), lambda p, y: ((1 + max(p, EPS)).ln() - (1 + max(y, EPS)).ln()) ** 2),
    "huber": (Loss("huber"), _huber(ONE)),
    "huber of 0.3": (Loss("huber", delta=0.3), _huber(D(0.3))),
    "log_cosh": (Loss("log_cosh"), _log_cosh),
    "hinge": (Loss("hinge"), lambda p, y: max(1 - y * p, D(0))),
    "squared_hinge": (Loss("squared_hinge"), lambda p, y: max(1 - y * p, D(0)) ** 2),
    "poisson": (Loss("poisson"), lambda p, y: p - y * (p + EPS).ln()),
    "kld": (Loss("kld"), lambda p, y: _share(y) * (_share(y) / _share(p)).ln()),
}
ANYWHERE = (0.0, 1e-30, -1e-30, 0.25, -0.7, 1.5, 20.0, -20.0, 1e3, -1e3)
ABOVE_0 = (1e-30, 1e-8, 1e-7, 1e-3, 0.4, 1.0, 20.0, 1e3)
ONLY_ABOVE_0 = {"poisson", "kld", "msle"}


def _pairs(name: str, dtype: str) -> tuple[Array, Array]:
    """Every p with every y; where a kink is at p, it is among them."""
    p = ABOVE_0 if name in ONLY_ABOVE_0 else ANYWHERE
    y = (0.0, 0.3, 1.0) if name == "kld" else (-1.0, 1.0) if "hinge" in name else (0.25, 1.0, 20.0)
    first, second = np.meshgrid(np.array(p, dtype), np.array(y, dtype))
    return first.reshape(1, -1), second.reshape(1, -1)


def _sigma(local: Local, exact: Array, dtype: str) -> Array:
    stored = UNITS[dtype] / np.sqrt(3) * np.abs(exact)
    return np.sqrt(local.variance + stored**2 + LOST[dtype] ** 2 * local.lost_variance)


def _slope(ell: Callable[[Decimal, Decimal], Decimal], p: float, y: float, found: float) -> float:
    """dℓ/dp by a difference of 1e-120; at a kink that of the side that was taken, or their mean."""
    with localcontext(prec=decimals.DIGITS):
        left, right = (
            (ell(D(p) + decimals.H * (2 * side + 1), D(y)) - ell(D(p) + decimals.H * (2 * side - 1), D(y)))
            / (2 * decimals.H)
            for side in (-1, 1)
        )
    return min(map(float, (left, right, (left + right) / 2)), key=lambda slope: abs(slope - found))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", CASES)
def test_value_and_slope_are_right_wherever_they_are_asked_for(name: str, dtype: str) -> None:
    loss, ell = CASES[name]
    p, y = _pairs(name, dtype)
    at = Precision.of(dtype)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        found = LossGradient(loss, False).evaluate(p, y).astype(float)
        values = [
            LossValue(loss, False).evaluate(a[None, None], b[None, None]) for a, b in zip(p[0], y[0], strict=True)
        ]
    n = p.size if loss.function.plain.formula.startswith("E = 1/(N·K)") else 1
    pairs = [(float(a), float(b)) for a, b in zip(p[0], y[0], strict=True)]
    exact = np.array([[_slope(ell, a, b, n * f) / n for (a, b), f in zip(pairs, found[0], strict=True)]])
    local = LossGradient(loss, False).rounding(exact, p.astype(float), y.astype(float), at=at)
    assert (np.abs(found - exact) <= GATE * _sigma(local, exact, dtype)).all()
    for value, (a, b) in zip(values, pairs, strict=True):
        with localcontext(prec=decimals.DIGITS):
            right = np.asarray(float(ell(D(a), D(b))))
        own = LossValue(loss, False).rounding(right, np.array([[a]]), np.array([[b]]), at=at)
        assert abs(float(value) - right) <= GATE * _sigma(own, right, dtype) + own.bound


@pytest.mark.parametrize("name", CASES)
def test_the_slope_of_e_is_its_complex_step(name: str) -> None:
    loss, _ = CASES[name]
    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.95, (3, 4)) if name in ONLY_ABOVE_0 else rng.normal(size=(3, 4))
    y = (
        np.eye(4)[[0, 2, 3]]
        if name == "kld"
        else np.sign(rng.normal(size=(3, 4)))
        if "hinge" in name
        else p[::-1] + 0.1
    )
    w = np.array([1.0, 0.5, 2.0])
    found = LossGradient(loss, False).evaluate(p, y, w)
    for index in np.ndindex(p.shape):
        moved = p.astype(complex)
        moved[index] += 1e-30j
        step = LossValue(loss, False).evaluate(moved, y.astype(complex), w.astype(complex)).imag / 1e-30
        assert step == pytest.approx(found[index], rel=1e-12, abs=1e-15)
        assert found[index] == 0 or step != pytest.approx(1.001 * found[index], rel=1e-5)


def test_categorical_hinge_is_that_of_the_best_of_the_others() -> None:
    p = np.array([[2.0, 1.5, -1.0], [3.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    y = np.array([[1.0, 0, 0], [1, 0, 0], [1, 0, 0]])
    loss = Loss("CategoricalHinge")
    assert LossValue(loss, False).evaluate(p, y) == pytest.approx((0.5 + 0 + 2) / 3)
    right = np.array([[-1, 1, 0], [0, 0, 0], [-1, 0.5, 0.5]]) / 3
    np.testing.assert_allclose(LossGradient(loss, False).evaluate(p, y), right, rtol=1e-15)


def test_labels_of_0_and_1_become_signs_only_where_there_are_no_others() -> None:
    assert signs(np.array([[0.0, 1.0]])).tolist() == [[-1, 1]]
    assert signs(np.array([[0.0, 1.0, -1.0]])).tolist() == [[0, 1, -1]]
    assert signs(np.array([[1.0, 1.0]])).tolist() == [[1, 1]]


@pytest.mark.parametrize(
    ("name", "y", "edges"),
    [
        ("mae", [[0.5, 2.0]], [[[0.5, 2.0]]]),
        ("mape", [[0.5, 2.0]], [[[0.5, 2.0]]]),
        ("hinge", [[-1.0, 1.0]], [[[-1.0, 1.0]]]),
        ("hinge", [[-2.0, 0.5]], [[[-0.5, 2.0]]]),
        ("kld", [[1.0, 0.0]], [[[1e-7, 1e-7]], [[1.0, 1.0]]]),
        ("msle", [[1.0]], [[[1e-7]]]),
        ("huber", [[1.0]], []),
        ("bce", [[1.0]], [1e-7, 1 - 1e-7]),
    ],
)
def test_where_the_slope_jumps(name: str, y: list[list[float]], edges: list[Any]) -> None:
    found = LossGradient(Loss(name), False).edges(np.zeros_like(y), np.array(y))
    assert [np.asarray(e).tolist() for e in found] == edges


@pytest.mark.parametrize(
    ("p", "y", "meets", "keeps"),
    [
        ([[3.0, 1.0, 2.0]], [[0.0, 0.0, 1.0]], [[1.0, 3.0, np.nan]], [[1.0, np.nan, 4.0]]),  # the best has its rival
        ([[0.0, 0.0, 0.0]], [[0.0, 0.0, 1.0]], [[0.0, 0.0, np.nan]], [[-1.0, -1.0, 1.0]]),  # a tie
        ([[0.0, 9.0]], [[0.0, 1.0]], [[np.nan, np.nan]], [[8.0, 1.0]]),  # kept with room: only the margin is left
    ],
)
def test_where_outputs_of_a_categorical_hinge_meet(p: Any, y: Any, meets: Any, keeps: Any) -> None:
    found = LossGradient(Loss("categorical_hinge"), False).edges(np.array(p), np.array(y))
    np.testing.assert_array_equal(found, (meets, keeps))


@pytest.mark.parametrize("name", ["mae", "mape", "hinge"])
def test_beside_a_kink_the_anchor_decides(name: str) -> None:
    p, y = np.array([[0.5, -0.5]]), np.array([[1.0, -1.0]])
    (edge,) = LossGradient(Loss(name), False).edges(p, y)
    for side in (-1, 1):
        operation, anchor = LossGradient(Loss(name), False), np.asarray(edge) + side * 1e-9
        np.testing.assert_array_equal(operation.frozen((p, y), (anchor, y)), operation.evaluate(anchor, y))


def test_smoothed_labels_are_those_of_keras() -> None:
    y = np.array([[0.0, 1.0, 0.0]])
    np.testing.assert_allclose(Loss("bce", label_smoothing=0.2).targets(y, 3), [[0.1, 0.9, 0.1]])
    smoothed = Loss("categorical_crossentropy", label_smoothing=0.3).targets(y, 3)
    np.testing.assert_allclose(smoothed, [[0.1, 0.8, 0.1]])
    assert Loss("mse").targets(y, 3) is y


def test_a_sum_is_n_times_the_mean() -> None:
    p, y = np.array([[0.5, 2.0], [1.0, -1.0]]), np.zeros((2, 2))
    mean, total = (LossGradient(Loss("huber", reduction=r), False).evaluate(p, y) for r in ("mean", "sum"))
    np.testing.assert_allclose(total, 2 * mean, rtol=1e-15)
    assert Loss("mae", reduction="none") == Loss("mae", reduction=None) == Loss("mae", reduction="sum")
    assert Loss("mae", reduction="mean") == Loss("mae")
    assert Loss("kld", reduction="sum").formula == "E = Σ_n Σ_k y log(y/ŷ)"


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"name": "mse", "delta": 1.0}, "delta=1.0 of mean_squared_error: only huber has a delta. Leave it out."),
        ({"name": "huber", "delta": 0}, "delta=0.0 of huber: expected a finite number above 0, such as 1."),
        ({"name": "bce", "label_smoothing": 1.5}, "expected a share from 0 to 1."),
        ({"name": "mse", "label_smoothing": 0.1}, "only binary_crossentropy and categorical_crossentropy smooth"),
        ({"name": "sparse_categorical_crossentropy", "label_smoothing": 0.1}, "smooth their labels. Leave it out."),
        ({"name": "mse", "reduction": "mean_with_sample_weight"}, "One that divides by Σ w is not understood so far."),
        ({"name": "quadratic_cost", "reduction": "sum"}, "its c says how it is scaled; give another by scale."),
        ({"name": "mae", "from_logits": True}, "mean_absolute_error takes outputs, not logits"),
        ({"name": "hubert"}, "Did you mean 'huber'?"),
    ],
)
def test_what_a_loss_has_not_is_refused(told: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Loss(**told)


def test_labels_outside_0_and_1_are_not_smoothed() -> None:
    mlp = MLP(1, [Dense(1, "sigmoid")])
    with pytest.raises(
        ValueError, match=re.escape("smooths labels by 0.1, but y runs from -1 to 2: labels are numbers from 0 to 1")
    ):
        mlp.problem(mlp.initialize(0), np.ones((2, 1)), np.array([[-1.0], [2.0]]), Loss("bce", label_smoothing=0.1))


@pytest.mark.parametrize(
    "loss", [Loss("huber", delta=0.5), Loss("bce", label_smoothing=0.1, reduction="sum"), Loss("mse")]
)
def test_a_file_keeps_what_a_loss_was_told_and_an_old_one_has_the_defaults(loss: Loss) -> None:
    assert Loss(**json.loads(json.dumps(loss.to_dict()))) == loss
    assert Loss("mse").to_dict() == {"name": "mean_squared_error", "from_logits": False, "scale": 1.0}


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("name", LOSSES)
def test_e_and_its_gradient_keep_the_dtype(name: str, dtype: str) -> None:
    p = np.array([[0.25, 0.75], [0.5, 0.5]]).astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    y = np.array([0, 1]) if LOSSES[name].class_indices else np.eye(2).astype(p.dtype)
    assert LossValue(Loss(name), False).evaluate(p, y).dtype == p.dtype
    assert LossGradient(Loss(name), False).evaluate(p, y).dtype == p.dtype


def test_every_loss_of_one_output_is_asked() -> None:
    asked = {loss.name for loss, _ in CASES.values()}
    others = {name for name, f in LOSSES.items() if f.squared or f.logits is not None}
    assert asked | others | {"categorical_hinge", "cosine_similarity"} == set(LOSSES)
