from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.progress import Progress

from experiments.article_c_digits import study as study
from experiments.article_c_digits.autoencoders import CODE, Principal, linear_part, train_autoencoders
from experiments.article_c_digits.autoencoders import pictures as image_rows
from experiments.article_c_digits.numerical_costs import HIDDEN, numerical_gradient, problem_of
from experiments.article_c_digits.numerical_costs import picture as costs_picture
from experiments.frame.running import Outcome
from experiments.frame.study import Settings
from experiments.support.datasets import digits
from manual_mlp import load_parameters

STUDY = "digit_network"
Tables = Callable[[str], pd.DataFrame]


def test_all_is_as_expected(outcome: Outcome) -> None:
    assert outcome.failed == ()
    assert outcome.summary == "5 of 5 comparisons as expected, 8 of 8 claims hold"


def test_the_saved_weights_give_the_accuracy_of_the_table(folder: Path, table: Tables) -> None:
    data = digits()
    classes = (
        study.digit_network(64).predict(load_parameters(folder / "digits.npz"), data.images("test")).argmax(axis=1)
    )
    accuracy = table("accuracy_on_the_test_images_along_the_way").iloc[-1, 1]
    assert (classes == data.labels("test")).mean() == pytest.approx(accuracy, rel=1e-12)
    assert accuracy > 0.85


def test_updates_are_counted(table: Tables) -> None:
    rows = table("updates")
    assert rows["updates"].tolist() == [
        30 * 144,
        30 * 1437,
        30 * 1437,
    ]  # 1,437 images make 143 batches of 10 and one of 7
    assert set(rows["verdicts"]) == {"MATCH"}


def test_principal_directions_are_those_of_the_svd() -> None:
    x = digits().images("train")
    found = Principal.of(x)
    _, s, v = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    assert found.error == pytest.approx(float((s[CODE:] ** 2).sum()) / (2 * len(x)), rel=1e-10)
    assert found.angles(v[:CODE]).max() < 1e-3  # arccos near 1 turns 2⁻⁵³ into 1e-8 rad, 15 of them into a little more
    projected = 0.5 * np.square(found.through(x) - x).sum() / len(x)
    assert projected == pytest.approx(found.error, rel=1e-10)


def test_another_space_has_angles_and_a_larger_error() -> None:
    found = Principal.of(digits().images("train"))
    other = np.linalg.qr(np.random.default_rng(0).normal(size=(64, CODE)))[0].T
    assert found.angles(other).max() > 45


def test_the_linear_autoencoder_comes_near_the_svd_and_never_below(table: Tables) -> None:
    rows = table("the_linear_autoencoder_and_the_svd")
    ratio = rows["C of the linear autoencoder"] / rows["C of the SVD"]
    assert (ratio >= 1).all()
    assert ratio.iloc[-1] < 1.02
    assert rows["mean angle, °"].iloc[-1] < 5


def test_an_error_below_the_svd_s_would_be_seen(progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    found = train_autoencoders(digits(), Settings(epochs=1), progress)
    claim = "no linear autoencoder has a smaller C than the SVD"
    assert linear_part(found).claims[claim] is True
    assert "its C comes to within 2 % of the SVD's" not in linear_part(found).claims  # one epoch promises nothing
    monkeypatch.setattr("experiments.article_c_digits.autoencoders._cost", lambda *_: 0.9 * found.principal.error)
    assert linear_part(found).claims[claim] is False


def test_numerical_gradients_are_those_of_the_derivation() -> None:
    data = digits()
    problem = problem_of(3, data.images(), data.one_hot(), 0)
    derived = problem.mlp.backpropagate(problem.parameters, problem.x, problem.y, problem.loss).gradients
    before = {name: array.copy() for name, array in problem.parameters.items()}
    for name, array in derived.items():
        asked = [(name, k) for k in range(min(array.size, 40))]
        numerical = np.array(list(numerical_gradient(problem, asked)))
        np.testing.assert_allclose(numerical, array.ravel()[:40], atol=1e-9)
    assert all(np.array_equal(before[name], array) for name, array in problem.parameters.items())


def test_a_coarse_step_would_be_seen() -> None:
    data = digits()
    problem = problem_of(3, data.images(), data.one_hot(), 0)
    exact = problem.mlp.backpropagate(problem.parameters, problem.x, problem.y, problem.loss).gradients["dense_2/bias"]
    rough = np.array(list(numerical_gradient(problem, [("dense_2/bias", k) for k in range(10)], step=0.5)))
    assert np.linalg.norm(rough - exact) > 1e-3 * np.linalg.norm(exact)


def test_forward_passes_grow_with_the_parameters(table: Tables) -> None:
    rows = table("numerical_differentiation_against_backpropagation")
    assert rows["parameters"].tolist() == [64 * n + n + 10 * n + 10 for n in HIDDEN]
    assert rows["forward passes"].tolist() == (2 * rows["parameters"]).tolist()
    assert rows["numerical / backpropagation"].iloc[-1] > 20 * rows["numerical / backpropagation"].iloc[0]


def test_pictures_are_drawn_from_the_saved_tables(table: Tables) -> None:
    accuracy = table("accuracy_on_the_test_images_along_the_way")
    assert len(study.picture(table("c_over_the_epochs"), accuracy).axes[0].lines) == 3
    costs = table("numerical_differentiation_against_backpropagation")
    assert len(costs_picture(costs).axes[0].lines) == 2
    rows = image_rows(table("images_and_what_comes_back")).axes
    assert [axes.get_ylabel() for axes in rows[::10]] == ["input", "autoencoder", "linear", "SVD"]
    data = digits()
    zero = data.images("test")[np.flatnonzero(data.y_test == 0)[0]].reshape(8, 8)
    np.testing.assert_allclose(rows[0].images[0].get_array(), zero, atol=5e-4)
