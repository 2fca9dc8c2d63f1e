"""float64 arrays of float32 numbers: nobody is convicted on what they were stored as."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from gradient_diff import Status, compare
from gradient_diff.judging import judgement
from gradient_diff.judging.stored import WORDS
from gradient_diff.keras import check_gradients
from keras_mlp import to_keras
from manual_mlp import MLP, Array, Dense, Evaluation, gradient_node

MLP_SMALL = MLP(3, [Dense(5, "tanh"), Dense(2, "sigmoid")])
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(8, 3)), RNG.random((8, 2))
W = MLP_SMALL.initialize(0, bias_initializer="normal(0.3)")


def _evaluation() -> Evaluation:
    return MLP_SMALL.backpropagate(W, X, Y, "mse")


def _in_float32() -> dict[str, Array]:
    """Right, computed in float32, and read from a list."""
    coarse = {n: a.astype("float32") for n, a in W.items()}
    found = MLP_SMALL.backpropagate(coarse, X.astype("float32"), Y.astype("float32"), "mse").gradients
    return {n: np.array(g.tolist()) for n, g in found.items()}


def test_right_in_float32_and_stored_as_float64_is_left_open() -> None:
    diff = compare(_in_float32(), _evaluation())
    assert diff.verdict is Status.INCONCLUSIVE
    assert {row.reason for row in diff if not row.status.ok} == {WORDS}
    assert "float32" in diff.meaning(diff.verdict).advice
    assert diff.causes == ()
    assert compare({n: g.astype("float32") for n, g in _in_float32().items()}, _evaluation()).ok


@pytest.mark.parametrize("kind", ["described", "functional"])
def test_the_same_against_a_model(kind: str) -> None:
    model = to_keras(MLP_SMALL, W, "float64")
    if kind == "functional":
        x = keras.Input((3,), dtype="float64")
        model = keras.Model(x, model(x))
    mine = [*_in_float32().values()]
    diff = check_gradients(model, X, Y, mine, loss="mse")
    assert diff.verdict is Status.INCONCLUSIVE
    assert not diff.causes


def test_a_mistake_that_float32_does_not_explain_stays_one() -> None:
    wrong = _in_float32()
    wrong["dense_2/kernel"] = np.float64(np.float32(1.0001) * wrong["dense_2/kernel"].astype("float32"))
    assert compare(wrong, _evaluation()).verdict is Status.MISMATCH


def test_what_float32_cannot_hold_was_not_computed_in_it() -> None:
    off = {n: g * (1 + 1e-8) for n, g in _evaluation().gradients.items()}
    assert compare(off, _evaluation()).verdict is Status.MISMATCH


def test_a_rounding_that_the_caller_named_is_his() -> None:
    right = _evaluation().gradients
    assert compare(_in_float32(), right, rtol=1e-12).verdict is Status.DIFFERENT
    assert compare(_in_float32(), right, noise={n: g * (1 + 1e-15) for n, g in right.items()}).verdict.bad


def test_without_the_rule_a_right_hand_would_be_convicted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judgement, "as_float32", lambda case, judged: {})
    assert compare(_in_float32(), _evaluation()).verdict is Status.MISMATCH


def test_zeros_are_float32_numbers_and_no_excuse() -> None:
    e = _evaluation()
    assert compare({n: 0 * g for n, g in e.gradients.items()}, e).verdict is Status.MISMATCH
    met = MLP_SMALL.backpropagate(W, X, e.nodes["dense_2/z"] * (1 + 1e-12), "mse")  # gradients that float32 loses
    assert compare({n: 0 * g for n, g in met.gradients.items()}, met).verdict is Status.MISMATCH


def test_a_reference_that_is_off_is_off_whatever_the_hand_is_stored_as() -> None:
    net = MLP(2, [Dense(1)])
    w = {"dense_1/kernel": np.array([[0.5], [0.25]]), "dense_1/bias": np.array([1.0])}
    e = net.backpropagate(w, np.array([[1.0, 2.0], [3.0, 4.0]]), np.zeros((2, 1)), "mse")  # float32 holds them all
    off = {n: g * (1 + 1e-8) for n, g in e.gradients.items()}
    nodes = {**e.nodes, **{gradient_node(n): g for n, g in off.items()}}
    diff = compare(dict(e.gradients), Evaluation(nodes, e.problem, "off"))
    assert diff.verdict is Status.REFERENCE_OFF
