from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.progress import Progress

from experiments.article_b_images import batch_costs
from experiments.article_b_images import study as study
from experiments.article_b_images.batch_costs import BY_HAND, IMAGES, READING, SIZES, gains, turns
from experiments.article_b_images.batch_costs import picture as times_picture
from experiments.article_b_images.given_weights import weights_from
from experiments.article_b_images.pictures import gallery, training_curves, wrong_images
from experiments.frame.running import Outcome
from experiments.frame.study import Settings
from experiments.support.datasets import DataError, dataset_of, digits
from manual_mlp import MLP, Dense, load_parameters, save_parameters
from manual_mlp.extend import Arrays

STUDY = "mnist_batches"
Tables = Callable[[str], pd.DataFrame]


@pytest.fixture
def few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """The times are measured once, in the run of `folder`; elsewhere two sizes are enough."""
    monkeypatch.setattr("experiments.article_b_images.batch_costs.SIZES", (1, 100))


def test_all_is_as_expected(outcome: Outcome) -> None:
    assert outcome.failed == ()
    assert outcome.summary == "3 of 3 comparisons as expected, 6 of 6 claims hold"


def test_the_saved_weights_give_the_accuracy_of_the_table(folder: Path, table: Tables) -> None:
    data = digits()
    mlp, parameters = study.image_network(64), load_parameters(folder / "weights.npz")
    right = int((mlp.predict(parameters, data.images("test")).argmax(axis=1) == data.labels("test")).sum())
    assert table("accuracy")["right"].tolist() == [right, right]
    assert right / 360 > 0.8  # a logistic regression gets 0.88 there; chance is 0.1


def test_the_text_has_no_marks_of_markdown(folder: Path) -> None:
    page = (folder / "report.html").read_text("utf-8")
    assert "(The option --weights FILE.npz takes a file instead.)" in page


@pytest.mark.usefixtures("few_times")
def test_the_saved_weights_can_be_given_to_the_next_run(folder: Path, progress: Progress, table: Tables) -> None:
    result = study.run(Settings(weights=folder / "weights.npz"), progress)
    assert result.failed == []
    assert list(result.comparisons) == [study.GIVEN, study.LOGITS]
    assert result.tables["Accuracy"].frame["right"].tolist() == table("accuracy")["right"].tolist()


def test_weights_for_other_images_are_refused(tmp_path: Path, progress: Progress) -> None:
    path = save_parameters(tmp_path / "w", study.image_network(784).initialize(0))
    with pytest.raises(DataError, match="does not fit 64-50-100-10"):
        study.run(Settings(weights=path), progress)


@pytest.mark.usefixtures("few_times")
def test_epochs_are_those_of_the_settings(progress: Progress) -> None:
    result = study.run(Settings("float32", epochs=2), progress)
    assert result.tables["Checks of the gradient along the way"].frame["epoch"].tolist() == [0, 1, 2]
    assert set(result.tables["Checks of the gradient along the way"].frame["verdict"]) == {"MATCH"}


def test_a_wrong_count_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    data, mlp = digits(), study.image_network(64)
    parameters = mlp.initialize(0)
    assert all(study.accuracy_part(mlp, parameters, data, Settings()).claims.values())
    right = study.classes_by_keras
    monkeypatch.setattr(study, "classes_by_keras", lambda *a: (right(*a) + 1) % 10)
    assert study.accuracy_part(mlp, parameters, data, Settings()).claims == {
        "what was saved is loaded bit for bit": True,
        "both sides find the same class for every image": False,
    }


def test_a_softmax_that_changes_a_class_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = study.classes_by_hand

    def changed(mlp: MLP, parameters: Arrays, x: np.ndarray) -> np.ndarray:
        classes = right(mlp, parameters, x)
        classes[3] += mlp.layers[-1].activation == "softmax"
        return classes

    monkeypatch.setattr(study, "classes_by_hand", changed)
    part = study.softmax_part(study.image_network(64), study.image_network(64).initialize(0), digits(), Settings())
    assert part.claims == {"argmax without softmax finds the same classes": False}
    assert part.tables["Classes with and without softmax"].frame["another class without softmax"].tolist() == [1, 0]


def test_the_article_s_weights_give_its_accuracy(mnist_folder: Path) -> None:
    """0.9352 on the 10,000 test images of MNIST, by both sides."""
    mlp, data = study.image_network(784), dataset_of(Settings(data=mnist_folder))
    for dtype in ("float64", "float32"):
        weights = weights_from(mnist_folder / "three_layer_784_50_100_10.npz", mlp, dtype)
        part = study.accuracy_part(mlp, weights, data, Settings(dtype))
        assert part.tables["Accuracy"].frame["accuracy"].tolist() == [0.9352, 0.9352]
        assert all(part.claims.values())


def test_every_size_is_read_whole_and_several_times() -> None:
    for size in SIZES:
        starts = turns(size)
        assert len(starts) >= 5
        assert all(0 <= start <= IMAGES - size for start in starts)


def test_batches_gain_in_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes faster and faster, as on a machine that gets busy: both of a pair are slowed down alike."""
    seconds = iter(range(1, 10_000))
    monkeypatch.setattr(batch_costs.time, "perf_counter", lambda: float(next(seconds)) ** 2)
    found = gains(digits(), "float64", lambda x: x)
    assert found.keys() == {READING, BY_HAND}
    assert all(80 < gain <= 100 for gain in found.values())  # the same time a call, 100 images in it


def test_batches_start_one_after_the_other_and_again_from_the_first() -> None:
    assert turns(3_000) == [0, 3000, 6000, 0, 3000]
    assert turns(10_000) == [0] * 5


def test_both_sides_take_the_largest_output() -> None:
    mlp = MLP(1, [Dense(2)])
    w, x = {"dense_1/kernel": np.array([[1.0, -1.0]]), "dense_1/bias": np.zeros(2)}, np.array([[3.0], [-3.0]])
    assert study.classes_by_hand(mlp, w, x).tolist() == study.classes_by_keras(mlp, w, x).tolist() == [0, 1]


def test_times_are_positive_and_of_every_size(table: Tables) -> None:
    times = table("time_per_image_against_batch_size")
    assert times["batch size"].tolist() == list(SIZES)
    assert (times.drop(columns="batch size") > 0).all(axis=None)


def test_pictures_are_drawn_from_the_saved_files(table: Tables) -> None:
    assert len(times_picture(table("time_per_image_against_batch_size")).axes[0].lines) == 3
    curves = training_curves(table("e_over_the_epochs"), table("accuracy_along_the_way"))
    assert [len(axes.lines) for axes in curves.axes] == [1, 1]
    images = table("images_taken_for_another_class")
    shown, first = wrong_images(images).axes, images.iloc[0]
    assert shown[0].get_title() == f"{first['class']:.0f} as {first['taken for']:.0f}"


def test_no_wrong_image_is_a_picture_that_says_so() -> None:
    figure = gallery(np.empty((0, 64)), [])
    assert [text.get_text() for text in figure.texts] == ["none"]


def test_the_manifest_names_the_data_and_no_path(folder: Path) -> None:
    text = (folder / "manifest.json").read_text("utf-8")
    assert digits().facts["sha256"] in text  # type: ignore[operator]  # a fact is any plain value
    assert str(folder) not in text
