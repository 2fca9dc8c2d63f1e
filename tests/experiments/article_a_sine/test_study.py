from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.progress import Progress

from experiments.article_a_sine import article as article_a
from experiments.article_a_sine import study as study
from experiments.article_a_sine.training import LOSS, SineTraining, common_digits, sine_network
from experiments.frame.running import Outcome
from experiments.frame.study import Result, Settings, Table
from gradient_diff import Status, compare
from manual_mlp import Evaluation

STUDY = "sine_regression"
Tables = Callable[[str], pd.DataFrame]


def small(settings: Settings, steps: int = 40, every: int = 20) -> Result:
    return study.run(settings, Progress(disable=True), steps, every)


def claim(result: Result, words: str) -> bool:
    (holds,) = [holds for text, holds in result.claims.items() if words in text]
    return holds


# The full run, 50,000 steps.


def test_all_is_as_expected(outcome: Outcome) -> None:
    assert outcome.failed == ()
    assert outcome.summary == "5 of 5 comparisons as expected, 8 of 8 claims hold"


def test_the_articles_errors_to_six_digits(table: Tables) -> None:
    early = table("on_the_plateau")
    assert early["steps"].tolist() == [1_000, 2_000]
    assert [f"{error:.6f}" for error in early["MAE, published"]] == ["0.657938", "0.615867"]


def test_ten_rows_with_both_errors(table: Tables) -> None:
    ten = table("every_5_000_steps")
    assert ten["steps"].tolist() == list(range(5_000, 50_001, 5_000))
    assert (ten["MAE, published"] < ten["RMSE, published"]).all()
    assert (ten["MAE, derived"] < ten["RMSE, derived"]).all()
    assert ten["RMSE, published"].iloc[-1] == pytest.approx(0.0283, abs=5e-4)
    assert 0.0205 < ten["MAE, published"].iloc[-1] < 0.022


def test_one_ulp_decides_after_the_plateau(table: Tables) -> None:
    assert (table("on_the_plateau")["digits kept, one ulp beside"] >= 13).all()
    assert (table("every_5_000_steps")["digits kept, one ulp beside"] < 8).all()


def test_every_gradient_that_was_checked_agrees(table: Tables) -> None:
    checks = table("checks_of_the_gradient")
    assert checks["steps"].tolist() == list(range(0, 50_001, 5_000))
    assert set(checks["verdict"]) == {"MATCH"}
    assert (checks["largest relative L2 of a gradient"] < 1e-12).all()


def test_the_articles_step_is_right_in_the_last_layer_alone(table: Tables) -> None:
    step = table("how_far_each_array_s_first_update_is_from_the_gradient").set_index("array")
    assert step["published"].tolist() == ["MISMATCH"] * 6 + ["MATCH"] * 2
    assert set(step["derived"]) == {"MATCH"}
    kernels = [step.loc[f"dense_{i}/kernel", "published: relative L2"] for i in (1, 2, 3)]
    assert kernels == pytest.approx([0.0051, 0.0066, 0.0097], abs=5e-5)
    assert (step["published: relative L2"].iloc[-2:] < 1e-14).all()


def test_both_evaluations_of_the_first_step_are_saved(folder: Path) -> None:
    hand, tape = (Evaluation.load(folder / f"{name}.npz") for name in ("evaluation", "keras"))
    assert compare(hand, tape).ok
    assert hand.problem.x.shape == (100, 1)


def test_the_loss_curve_is_saved_but_not_listed(folder: Path, table: Tables) -> None:
    assert len(table("e_over_the_steps")) == 500
    assert "E over the steps</figcaption>" not in (folder / "report.html").read_text("utf-8").replace(
        "(y − d)² over", ""
    )


def test_the_pictures_are_drawn(folder: Path) -> None:
    assert len(list((folder / "figures").glob("*.png"))) == 4


# Small runs.


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_every_dtype_and_mode(dtype: str, mode: Any) -> None:
    result = small(Settings(dtype, mode))
    assert result.failed == []
    assert result.verdict is Status.MATCH
    assert result.evaluations["evaluation"].problem.dtype == dtype
    assert result.comparisons[study.PUBLISHED_STEP].diff.verdict is Status.MISMATCH


def test_another_seed_draws_other_weights_and_claims_nothing_of_the_article() -> None:
    zero, one = small(Settings()), small(Settings(seed=1))
    assert one.failed == []
    assert zero.evaluations["evaluation"].loss != one.evaluations["evaluation"].loss
    assert not any("0.6" in text for text in one.claims)


def test_a_step_with_all_deltas_first_is_not_taken_for_the_articles(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test of the test: if the loop were gradient descent, the study would say that nothing is wrong with it."""

    def mended(x: Any, d: Any, weights: list[Any], biases: list[Any]) -> Any:
        before = article_a.as_parameters(weights, biases)
        hand = sine_network().backpropagate(before, x, d, "half_sum_squared_error")
        for i in range(len(weights)):
            weights[i] = weights[i] - article_a.LEARNING_RATE * hand.gradients[f"dense_{i + 1}/kernel"]
            biases[i] = biases[i] - article_a.LEARNING_RATE * hand.gradients[f"dense_{i + 1}/bias"]
        return hand.nodes["dense_4/z"]

    monkeypatch.setattr(article_a, "iterate", mended)
    result = small(Settings())
    assert not claim(result, "in every layer below it is not")
    assert any(study.PUBLISHED_STEP in text for text in result.failed)


@pytest.mark.slow
def test_a_wrong_derivative_in_the_loop_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(article_a, "inv_sig", lambda u: 1.001 * article_a.sigmoid(u) * (1 - article_a.sigmoid(u)))
    settings = Settings()
    training = SineTraining(settings, Progress(disable=True), 2, 1)
    part = study.step_part(training)
    assert isinstance(part.tables[study.PER_LAYER], Table)
    off = part.tables[study.PER_LAYER].frame["published: off by %"]
    assert off[4] == pytest.approx(0.968, abs=0.2)
    assert off[4] != pytest.approx(0.968, abs=5e-3)


def test_a_wrong_derivation_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = SineTraining.by_hand

    def wrong(self: SineTraining, parameters: Any, loss: str = LOSS) -> Evaluation:
        evaluation = right(self, parameters, loss)
        evaluation.nodes["dense_2/dE_dkernel"] *= 1.001
        return evaluation

    monkeypatch.setattr(SineTraining, "by_hand", wrong)
    result = small(Settings())
    assert result.comparisons[study.FIRST].diff.culprit == "dense_2/dE_dkernel"
    assert not claim(result, "the tape agrees")


# Article A.


def test_the_networks_draws_are_the_legacy_streams() -> None:
    weights, biases = article_a.draw(0)
    flat = np.concatenate([a.ravel() for pair in zip(weights, biases, strict=True) for a in pair])
    assert flat.tolist() == np.random.RandomState(0).normal(0, 0.5, 76).tolist()


def test_one_iteration_by_hand() -> None:
    """One hidden unit, one sample: y = z w₂ + b₂, and the δ of the layer below goes through the new w₂."""
    w1, b1, w2, b2 = 0.5, 0.1, 2.0, -0.3
    weights, biases = [np.array([[w1]]), np.array([[w2]])], [np.array([[b1]]), np.array([[b2]])]
    y = article_a.iterate(np.array([[1.0]]), np.array([[0.4]]), weights, biases)
    z = 1 / (1 + math.exp(-0.6))
    assert y[0, 0] == pytest.approx(2 * z - 0.3)
    delta = 2 * z - 0.3 - 0.4
    new_w2 = w2 - 0.002 * z * delta
    assert weights[1][0, 0] == pytest.approx(new_w2, rel=1e-15)
    assert biases[1][0, 0] == pytest.approx(b2 - 0.002 * delta, rel=1e-15)
    below = z * (1 - z) * delta * new_w2
    assert weights[0][0, 0] == pytest.approx(w1 - 0.002 * below, rel=1e-15)
    assert weights[0][0, 0] != pytest.approx(w1 - 0.002 * z * (1 - z) * delta * w2, rel=1e-9)
    assert biases[0][0, 0] == pytest.approx(b1 - 0.002 * below, rel=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_loop_stays_in_its_dtype(dtype: str) -> None:
    weights, biases = article_a.draw(0, dtype)
    y = article_a.iterate(*article_a.data(dtype), weights, biases)
    assert {a.dtype.name for a in [y, *weights, *biases]} == {dtype}


@pytest.mark.parametrize(("a", "b", "digits"), [(1.0, 1.0, 15), (2.0, 2.002, 3), (1.0, 1.5, 0), (1.0, 9.0, 0)])
def test_common_digits(a: float, b: float, digits: int) -> None:
    assert common_digits(a, b) == digits
