from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradient_diff import Status, compare
from manual_mlp import MLP, Array, Dense, Evaluation

Arrays = dict[str, Array]
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(7, 4)), RNG.normal(size=(7, 3))
NO_MISTAKE = "No known mistake explains this. "


def _evaluation(dtype: str = "float64") -> Evaluation:
    mlp = MLP(4, [Dense(5, "tanh"), Dense(3)])
    w = mlp.initialize(0, dtype=dtype)
    return mlp.backpropagate(w, X.astype(dtype), Y.astype(dtype), "mean_squared_error")


def _said(hand: Arrays, reference: Evaluation | Arrays, **options: Any) -> str:
    diff = compare(hand, reference, **options)
    assert diff.verdict in (Status.MISMATCH, Status.DIFFERENT)
    assert diff.causes == ()
    return diff.unexplained


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_weights_are_no_gradients(dtype: str) -> None:
    e = _evaluation(dtype)
    w = e.problem.parameters
    text = "These are the network's own weights, and not gradients. Hand over dE/dW under their names."
    assert _said(dict(w), e) == text
    after = {n: a - a.dtype.type(0.1) * e.gradients[n] for n, a in w.items()}
    assert _said(after, e).startswith("These are the weights after a step, W − lr dE/dW with lr = 0.1, and not")
    spoilt = {**after, "dense_1/bias": after["dense_1/bias"] + a_little(dtype)}
    assert "after a step" not in _said(spoilt, e)


def a_little(dtype: str) -> Any:
    return np.dtype(dtype).type(1e-3)


def test_float64_that_was_float32_on_the_way() -> None:
    e = _evaluation()
    words = NO_MISTAKE + "The difference is no larger than the rounding of float32, but both sides are float64"
    single = {n: g.astype("float32").astype("float64") for n, g in e.gradients.items()}
    through = {n: g * (1 + 1e-9 * RNG.normal(size=g.shape)) for n, g in single.items()}  # float32 holds it no more
    assert _said(through, e).startswith(words)
    worse = {n: g * (1 + 1e-3 * RNG.normal(size=g.shape)) for n, g in e.gradients.items()}
    assert "float32" not in _said(worse, e)
    assert "float32" not in _said(through, dict(e.gradients), rtol=1e-12)  # a tolerance says nothing of any dtype
    coarse = _evaluation("float32")
    assert "float32" not in _said(
        {n: g * np.float32(1.01) + np.float32(1e-3) for n, g in coarse.gradients.items()}, coarse
    )


@pytest.mark.parametrize("decimals", [3, 6])
def test_numbers_that_were_rounded_for_the_file(decimals: int) -> None:
    e = _evaluation()
    rounded = {n: np.round(g, decimals) for n, g in e.gradients.items()}
    assert _said(rounded, e).startswith(
        f"{NO_MISTAKE}Every entry is rounded to {decimals} decimals, and no further off"
    )
    off = {n: g + 2 * 10.0**-decimals for n, g in rounded.items()}
    assert "decimals" not in _said(off, e)


def test_a_step_of_one_size() -> None:
    e = _evaluation()
    signs = {n: np.sign(g) * (1 - 1e-3 * RNG.random(g.shape)) for n, g in e.gradients.items()}
    assert _said(signs, e).startswith(f"{NO_MISTAKE}Every entry is ±1 or 0, however large the gradient is, as after a")
    sizes = {n: np.sign(g) * RNG.uniform(0.9, 1, g.shape) for n, g in e.gradients.items()}
    assert "±" not in _said(sizes, e)


def test_one_factor_that_nobody_knows() -> None:
    e = _evaluation()
    reference = dict(e.gradients)
    assert _said({n: 7.3 * g for n, g in reference.items()}, reference, rtol=1e-9) == (
        f"{NO_MISTAKE}All of it is 7.3 times the reference: one constant, as of a weight of the loss or of clipping by "
        "the norm."
    )
    several = {n: (7.3 + i) * g for i, (n, g) in enumerate(reference.items())}
    assert "one constant" not in _said(several, reference, rtol=1e-9)


def test_where_a_shape_is_off_too_nothing_is_said_of_the_rest() -> None:
    e = _evaluation()
    hand = {n: 7.3 * g for n, g in e.gradients.items()} | {"dense_1/bias": np.ones((2, 2))}
    assert "one constant" not in compare(hand, dict(e.gradients), rtol=1e-9).unexplained
