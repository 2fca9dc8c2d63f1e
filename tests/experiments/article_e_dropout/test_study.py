from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.progress import Progress

from experiments.article_e_dropout import study as mnist_dropout
from experiments.article_e_dropout.study import (
    EXPECTED,
    OWN_ROWS,
    OWN_TEST,
    Images,
    Mode,
    _accuracies,
    _points,
    _train,
    dropout_network,
    rates_part,
    run,
    splits_parts,
    trained_on,
)
from experiments.frame.running import Outcome
from experiments.frame.study import Settings
from experiments.support.datasets import dataset_of, digits
from manual_mlp import Dropout

STUDY = "mnist_dropout"
Tables = Callable[[str], pd.DataFrame]

USUAL = "x_train[:5000]"


def test_everything_is_as_expected(outcome: Outcome) -> None:
    assert outcome.failed == ()


def test_the_layers_are_the_articles() -> None:
    assert dropout_network(784).outline == "784-28-sigmoid-dropout 0.3-28-sigmoid-10"
    assert not any(isinstance(layer, Dropout) for layer in dropout_network(784, 0.0).layers)


def test_the_gradients_are_compared_in_every_epoch(table: Tables) -> None:
    looks = table("the_gradients_along_the_way")
    assert looks["epoch"].tolist() == list(range(1, 11))
    assert set(looks["verdict"]) == {"MATCH"}
    assert looks["drift of the weights"].iloc[0] == 0
    # 290 steps of rounding in float64, u = 1.1e-16, that add up at most linearly at these sizes of step
    assert looks["drift of the weights"].max() < 290 * 1.2e-16


def test_the_three_trainings_are_one(table: Tables) -> None:
    curves = table("loss_and_accuracy")
    for side in ("Keras, step by step", "Keras, model.fit"):
        np.testing.assert_allclose(curves[f"loss, {side}"], curves["loss, by hand"], rtol=1e-9)
        assert curves[f"accuracy, {side}"].tolist() == curves["accuracy, by hand"].tolist()
    assert curves["loss, by hand"].is_monotonic_decreasing


def test_dropout_is_on_and_the_masks_are_fresh(table: Tables) -> None:
    masks = table("one_image_s_first_layer_under_three_masks")[["mask 1", "mask 2", "mask 3"]]
    assert set(np.unique(masks.round(9))) == {0.0, round(1 / 0.7, 9)}
    assert (masks["mask 1"] != masks["mask 2"]).any()


def test_five_seeds_are_counted_for_each_rate(progress: Progress) -> None:
    rows = _accuracies(digits(), trained_on(digits(), "float32"), 1, Settings(), progress)
    assert rows.groupby("rate").size().to_dict() == {0.0: 5, 0.3: 5, 0.5: 5}
    assert rows["accuracy"].between(0, 1).all()


def test_the_run_says_which_data_it_had(folder: Path) -> None:
    assert json.loads((folder / "manifest.json").read_text())["data"]["name"] == "digits"


@pytest.fixture
def on_mnist() -> pd.DataFrame:
    """Accuracies as on MNIST, of two rates."""
    accuracy = {(USUAL, "x_test[:1000]"): 0.9, (USUAL, OWN_TEST): 0.95, (OWN_ROWS, OWN_TEST): 0.94}
    return pd.DataFrame(
        {"trained on": a, "tested on": b, "rate": rate, "seed": seed, "accuracy": value - rate / 10 + seed / 100}
        for (a, b), value in accuracy.items()
        for rate in (0.3, 0.5)
        for seed in (0, 2)
    )


def test_the_article_s_figure_stands_beside_ours(on_mnist: pd.DataFrame) -> None:
    part = rates_part(on_mnist, USUAL)
    rows = part.tables["Accuracy by dropout rate on the library's own split"].frame.set_index("rate")
    assert rows.loc[0.5, "the article's figure"] == 0.938
    assert np.isnan(rows.loc[0.3, "the article's figure"])
    assert rows.loc[0.5, "mean"] == pytest.approx(0.94 - 0.05 + 0.01)
    assert "93.8 %" in part.paragraphs[0]


def test_digits_have_no_library_split(progress: Progress) -> None:
    rows = _accuracies(digits(), trained_on(digits(), "float32"), 1, Settings(), progress)
    assert list(rates_part(rows, "the training images").tables) == ["Accuracy by dropout rate"]


def test_the_library_s_rows_are_trained_on_at_both_rates(progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist_dropout, "_train", lambda data, images, rate, seed, epochs: [{images.name: rate}])
    data = digits()
    chosen = [Images(name, data.images(), data.labels()) for name in (USUAL, OWN_ROWS)]
    rows = _accuracies(data, chosen, 1, Settings(), progress)
    assert rows[USUAL].value_counts().to_dict() == {0.0: 5, 0.3: 5, 0.5: 5}
    assert rows[OWN_ROWS].value_counts().to_dict() == {0.3: 5, 0.5: 5}


def test_the_text_of_the_splits_is_plain(on_mnist: pd.DataFrame) -> None:
    data = digits()
    named = type(data)("mnist", *(getattr(data, f) for f in ("x_train", "y_train", "x_test", "y_test")), 16, "")
    text = " ".join(splits_parts(on_mnist, named, 10)[0].paragraphs)
    assert "come out −1.0 points" in text
    assert not set("*`") & set(text)


@pytest.mark.matrix(most=1)
@pytest.mark.parametrize(("asked", "trained"), [("eager", "graph"), ("graph", "graph"), ("xla", "xla")])
def test_the_page_says_which_mode_trained(
    asked: Mode, trained: str, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    right = mnist_dropout.train_together

    def watched(*args: Any, **how: Any) -> Any:
        seen.append(how["mode"])
        return right(*args, **how)

    monkeypatch.setattr(mnist_dropout, "train_together", watched)
    monkeypatch.setattr(mnist_dropout, "SEEDS", 1)
    result = run(Settings(epochs=1, mode=asked), progress)
    assert seen == [trained]
    assert f"ran in the mode {trained};" in " ".join(result.parts[0].paragraphs)


def test_a_shorter_training_makes_no_claim_about_ten_epochs() -> None:
    rows = pd.DataFrame(
        {"trained on": a, "tested on": b, "rate": 0.3, "seed": 0, "accuracy": 0.5}
        for a in ("x_train[:5000]", "x_test[:5000], the library's")
        for b in ("x_test[:1000]", "x_test[8001:9001], the library's")
    )
    data = digits()
    named = type(data)("mnist", *(getattr(data, f) for f in ("x_train", "y_train", "x_test", "y_test")), 16, "")
    assert list(splits_parts(rows, named, 2)[0].claims.values()) == []
    assert list(splits_parts(rows, named, 10)[0].claims.values()) == [False]  # half is not enough


def test_on_the_librarys_own_split_two_seeds_reach_93_percent(mnist_folder: Path) -> None:
    data = dataset_of(Settings(dataset="mnist", data=mnist_folder))
    images = trained_on(data, "float32")[1]
    found = [
        row["accuracy"]
        for seed in (0, 1)
        for row in _train(data, images, 0.3, seed, 10)
        if row["tested on"] == "x_test[8001:9001], the library's"
    ]
    # one standard error of a single run on 1,000 images is 0.8 %
    assert np.mean(found) > EXPECTED - 0.008


@pytest.mark.slow
def test_epochs_can_be_chosen(progress: Progress) -> None:
    assert len(run(Settings(epochs=1), progress).tables["Loss and accuracy"].frame) == 1


def test_a_difference_of_shares_in_points() -> None:
    assert (_points(-0.027), _points(0.004)) == ("−2.7", "+0.4")
