from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

import keras_mlp
from experiments.article_d_pitfalls import usage
from experiments.article_d_pitfalls.bench import LOSS, RATE, SHOWN, Bench, against_tape, bench
from experiments.article_d_pitfalls.pictures import delta_ratio, losses_while_training, overview
from experiments.frame.running import Outcome
from experiments.frame.study import Part, Result, Settings, slug
from gradient_diff import compare
from manual_mlp import Evaluation, train

# isort: split
import tensorflow as tf

STUDY = "tape_pitfalls"

Table = Callable[[str], pd.DataFrame]


@pytest.fixture(scope="module")
def table(folder: Path) -> Table:
    return lambda name: pd.read_csv(folder / "tables" / f"{name}.csv", keep_default_na=False)


@pytest.fixture(scope="module")
def article() -> Bench:
    return bench(Settings())


def norm(array: npt.ArrayLike) -> float:
    return float(np.linalg.norm(array))


def test_all_is_as_expected(outcome: Outcome) -> None:
    assert outcome.failed == ()
    assert outcome.summary == "6 of 6 comparisons as expected, 13 of 13 claims hold"


def test_the_data_are_the_articles(article: Bench) -> None:
    assert (article.x.shape, article.y.shape) == ((100, 10), (100, 1))
    assert set(np.unique(article.y)) == {0, 1}
    assert [(layer.units, layer.activation) for layer in article.mlp.layers] == [(10, "linear"), (1, "sigmoid")]


def test_the_seed_draws_data_and_weights(article: Bench) -> None:
    again, other = bench(Settings()), bench(Settings(seed=1))
    assert again.hand.loss == article.hand.loss
    assert not np.array_equal(other.x, article.x)
    assert not np.array_equal(other.parameters["dense_1/kernel"], article.parameters["dense_1/kernel"])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_right_gradient_would_fail_where_a_mistake_is_to_be_shown(dtype: str) -> None:
    right = bench(Settings(dtype))
    comparison = against_tape(right, right.hand.gradients, "the right one")
    result = Result("A study", (Part("A part", comparisons={"no mistake": comparison}),))
    assert result.failed == [f"no mistake: MATCH, expected {SHOWN.name}"]


def test_keras_says_what_the_table_says(table: Table) -> None:
    rows = table("input_shapes_and_what_is_said_to_them").set_index("written")
    assert rows.loc["InputLayer(input_shape=(100))", "built"] == "ValueError: Cannot convert '100' to a shape."
    assert rows.loc["InputLayer(input_shape=(100,))", "built"] == "no error"
    assert (
        "expected axis -1 of input shape to have value 100, but received input with shape (None, 10)"
        in rows.loc["InputLayer(input_shape=(100,))", "given data"]
    )
    assert set(rows.loc["InputLayer(shape=(10,))"]) == {"no error"}
    assert "u = x W + b" in rows.loc["MLP(100, layers), of this project", "given data"]


def test_the_gradient_of_the_output_is_measured_right(article: Bench, table: Table) -> None:
    weights = article.model.trainable_weights
    with tf.GradientTape() as tape:
        ys = article.model(article.x)
    expected = [norm(g) for g in tape.gradient(ys, weights)]  # kernel, bias of dense_1, then of dense_2
    rows = table("de_dw_beside_what_tape_gradient_ys_w_gives")
    assert list(rows["layer"]) == ["dense_2", "dense_2", "dense_1", "dense_1"]
    np.testing.assert_allclose(rows["norm, wrong"], expected[2:] + expected[:2], rtol=1e-12)
    assert (rows["relative L2"] > 100).all()


def test_targets_overwritten_before_the_tape_teach_nothing(table: Table) -> None:
    rows = table("what_becomes_of_e_and_its_gradient").set_index("E computed with")
    norms = [column for column in rows if "‖" in column]
    assert (rows.loc["ys, made before the tape", norms].astype(float) < 1e-16).all()
    assert (rows.loc["ys, made inside it", norms].astype(float) > 0.01).all()


def test_the_loss_of_overwritten_targets_is_the_entropy_of_the_predictions(article: Bench, table: Table) -> None:
    p = article.hand.nodes["dense_2/z"]
    entropy = -(p * np.log(p) + (1 - p) * np.log(1 - p)).mean()
    losses = table("what_becomes_of_e_and_its_gradient")["E"]
    np.testing.assert_allclose(losses, [article.hand.loss, entropy, entropy], rtol=1e-12)


def test_rebinding_changes_nothing_and_updating_is_gradient_descent(article: Bench, table: Table) -> None:
    changes = table("weights_before_and_after").set_index("weights")
    assert (changes["largest change by rebinding"] == 0).all()
    start = dict(article.parameters)
    trained, _ = train(article.mlp, start, article.x, article.y, LOSS, learning_rate=RATE, epochs=usage.STEPS)
    for name, weights in trained.items():
        expected = np.abs(weights - start[name]).max()
        assert changes.loc[name, "largest change by updating"] == pytest.approx(expected, rel=1e-10)


def test_rebinding_leaves_e_as_it_is(table: Table) -> None:
    curves = table("e_while_training")
    assert curves["rebinding"].nunique() == 1
    assert (curves["updating"].diff()[1:] < 0).all()
    assert list(curves["step"]) == list(range(0, usage.STEPS + 1, 5))


def test_the_default_optimizer_is_rmsprop_and_steps_as_its_formula_says(article: Bench, table: Table) -> None:
    """Its first step is lr g / √(0.1 g² + ε)."""
    rows = table("the_first_step").set_index("compiled with")
    assert list(rows["the optimizer"]) == ["RMSprop", "SGD"]
    g = article.hand.gradients["dense_1/kernel"]
    for name, change in (("none named", 1e-3 * g / np.sqrt(0.1 * g**2 + 1e-7)), ("SGD", 1e-3 * g)):
        expected = [np.abs(change).min(), np.abs(change).max(), (change * g).sum() / norm(change) / norm(g)]
        measured = rows.loc[name, ["smallest change", "largest change", "cosine with −dE/dW"]].astype(float)
        np.testing.assert_allclose(measured, expected, rtol=1e-4)


def test_the_mean_squared_error_has_another_gradient(article: Bench, table: Table) -> None:
    rows = table("cross_entropy_s_gradient_beside_mse_s")
    p, n = article.hand.nodes["dense_2/z"], len(article.x)
    below = article.hand.nodes["dense_1/z"]
    for column, delta in (("norm, right", p - article.y), ("norm, wrong", 2 * (p - article.y) * p * (1 - p))):
        assert rows[column][0] == pytest.approx(norm(below.T @ delta / n), rel=1e-10)


def test_an_updated_kernel_spoils_only_what_is_below_it(folder: Path, table: Table) -> None:
    rows = pd.read_csv(folder / "diffs" / "sent_through_updated_weights.csv").set_index("name")
    assert list(rows.loc[["dense_2/dE_dkernel", "dense_2/dE_dbias"], "status"]) == ["MATCH", "MATCH"]
    assert list(rows.loc[["dense_1/dE_dkernel", "dense_1/dE_dbias"], "status"]) == [SHOWN.name] * 2
    off = table("how_far_off_dense_1_is")
    np.testing.assert_allclose(off["relative L2 of dE/dW of dense_1"] / off["lr"], 0.332314, rtol=1e-5)


def test_every_mistake_is_found_out_by_name(folder: Path) -> None:
    diffs = {path.stem: set(pd.read_csv(path)["status"]) for path in (folder / "diffs").iterdir()}
    assert diffs.pop("the_derivation_against_the_tape") == {"MATCH"}
    assert len(diffs) == 5
    assert all(SHOWN.name in statuses for statuses in diffs.values())


def test_no_weight_of_the_bench_is_changed(article: Bench) -> None:
    usage.rebinding(article)
    usage.no_optimizer(article)
    keras_mlp.prove_same_weights(article.model, article.parameters)
    assert compare(article.hand, article.tape).ok


def test_pictures_are_drawn_from_the_saved_files(folder: Path, table: Table) -> None:
    ratio = delta_ratio(*(Evaluation.load(folder / f"{n}.npz") for n in ("evaluation", "mean_squared_error"))).axes[0]
    assert ratio.get_ylabel() == "δ of MSE / δ of cross-entropy"
    assert len(ratio.lines[1].get_xdata()) == 100
    assert losses_while_training(table("e_while_training")).axes[0].get_legend() is not None
    captions = ("δ sent through updated weights", "targets overwritten inside the tape")
    axes = overview(*(pd.read_csv(folder / "diffs" / f"{slug(c)}.csv") for c in captions), captions=captions).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [
        "δ sent through updated weights",
        "targets overwritten inside the tape",
    ]
    assert len(axes.lines) == 1 + 2 + 4  # the tolerance; of the first only what is off
