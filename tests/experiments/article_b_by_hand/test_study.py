from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from rich.progress import Progress

from experiments.article_b_by_hand import study as study
from experiments.article_b_by_hand.pictures import network_with_numbers
from experiments.article_b_by_hand.softmax_parts import naive_softmax
from experiments.frame.running import Outcome
from experiments.frame.study import Settings
from gradient_diff import Status
from manual_mlp import Evaluation, softmax

STUDY = "three_layer_network"


def table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / "tables" / f"{name}.csv", keep_default_na=False)


def test_all_is_as_expected(outcome: Outcome) -> None:
    assert outcome.failed == ()
    assert outcome.summary == "3 of 3 comparisons as expected, 8 of 8 claims hold"


def test_every_printed_number_of_the_article_is_reproduced(folder: Path) -> None:
    printed = table(folder, "printed_numbers")
    assert printed["ours"].tolist() == [
        "[0.3 0.7 1.1]",
        "[0.57444252 0.66818777 0.75026011]",
        "[0.62624937 0.7710107 ]",
        "[0.31682708 0.69627909]",
        "[0.01821127 0.24519181 0.73659691]",
        "[9.99954600e-01 4.53978686e-05 2.06106005e-09]",
    ]
    assert set(printed["equal"]) == {"yes"}


def test_one_wrong_digit_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(study.PARAMETERS, "dense_3/bias", np.array([0.1, 0.2 + 1e-8]))
    part = study.digits_part()
    assert part.claims == {study.DIGITS: False}
    frame = part.tables["printed numbers"].frame
    assert frame.loc[frame["equal"] == "no", "quantity"].tolist() == ["y"]


def test_the_gradient_is_that_of_a_derivation_on_paper(folder: Path) -> None:
    """δ = y − t; dE/dW₃ = z₂ᵀ δ; δ₂ = δ W₃ᵀ ⊙ z₂(1 − z₂); dE/dW₂ = z₁ᵀ δ₂: with the article's digits."""
    gradients = Evaluation.load(folder / "evaluation.npz").gradients
    z1, z2 = np.array([0.57444252, 0.66818777, 0.75026011]), np.array([0.62624937, 0.7710107])
    delta = np.array([0.31682708, 0.69627909]) - [0, 1]
    below = np.array([0.1 * delta[0] + 0.3 * delta[1], 0.2 * delta[0] + 0.4 * delta[1]]) * z2 * (1 - z2)
    np.testing.assert_allclose(gradients["dense_3/bias"], delta, atol=1e-8)
    np.testing.assert_allclose(gradients["dense_3/kernel"], np.outer(z2, delta), atol=1e-8)
    np.testing.assert_allclose(gradients["dense_2/bias"], below, atol=1e-8)
    np.testing.assert_allclose(gradients["dense_2/kernel"], np.outer(z1, below), atol=1e-8)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
@pytest.mark.parametrize(("output", "loss"), [("linear", "mse"), ("softmax", "categorical_crossentropy")])
def test_keras_agrees_in_every_dtype_and_mode(dtype: str, mode: str, output: str, loss: str) -> None:
    from gradient_diff import compare

    settings = Settings(dtype, mode)  # type: ignore[arg-type]
    assert compare(*study.evaluations(output, loss, settings)).verdict is Status.MATCH


def test_a_wrong_derivative_would_be_seen() -> None:
    from gradient_diff import compare

    hand, tape = study.evaluations("linear", "half_sum_squared_error", Settings())
    off = {name: 1.001 * gradient for name, gradient in hand.gradients.items()}
    assert compare(off, tape).verdict is Status.MISMATCH


def test_a_1d_x_gets_an_error_that_names_the_cure(folder: Path) -> None:
    ours, theirs = table(folder, "x_of_shape_2")["what it says"]
    assert ours.startswith("ShapeError: dense_1: x is 1-D, (2,), a single sample. A batch of one is x[None, :]")
    assert "Expected shape (None, 2), but input has incompatible shape (2,)" in theirs


def test_the_plain_softmax_overflows_in_the_table_and_ours_does_not(folder: Path) -> None:
    rows = table(folder, "softmax_as_the_formula_stands_and_with_the_maximum_subtracted")
    assert rows["exp(u)"].tolist()[3:] == [np.inf] * 3
    assert rows["plain softmax"].astype(str).tolist() == ["0.0182113", "0.245192", "0.736597", "nan", "nan", "nan"]
    np.testing.assert_allclose(rows["maximum subtracted"][3:].sum(), 1, rtol=1e-15)


def test_the_plain_softmax_is_softmax_where_it_does_not_overflow() -> None:
    u = np.random.default_rng(0).normal(size=10)
    np.testing.assert_allclose(naive_softmax(u), softmax(u), rtol=1e-14)


def test_mean_squared_error_is_half_the_sum_only_by_chance() -> None:
    hand, _ = study.evaluations("linear", "half_sum_squared_error", Settings())
    x, y = np.repeat(hand.problem.x, 2, axis=0), np.repeat(hand.problem.y, 2, axis=0)
    half, mean = (
        hand.problem.mlp.backpropagate(study.PARAMETERS, x, y, loss) for loss in ("half_sum_squared_error", "mse")
    )
    assert half.loss == pytest.approx(2 * mean.loss)


def test_nothing_is_compiled(monkeypatch: pytest.MonkeyPatch, progress: Progress) -> None:
    """Tracing a graph would cost more than the whole study: it must take at most 1.6 times TensorFlow's import."""

    def compiled(*_: object, **__: object) -> NoReturn:
        raise AssertionError("tf.function was called")

    monkeypatch.setattr(tf, "function", compiled)
    assert study.run(Settings(), progress).failed == []


def test_the_picture_is_drawn_from_the_saved_file_and_shows_its_numbers(folder: Path) -> None:
    axes = network_with_numbers(Evaluation.load(folder / "evaluation.npz")).axes[0]
    words = " ".join(text.get_text() for text in axes.texts)
    for number in ("u 0.3000\nz 0.5744", "z 0.6963", "b 0.3", "δ 0.3168", "x = 0.5"):
        assert number in words
    assert len(axes.texts) == 2 * (16 + 2 + 2 * 7)  # edges, inputs, units with their biases
