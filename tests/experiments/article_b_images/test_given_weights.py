from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from experiments.article_b_images.given_weights import weights_from
from experiments.article_b_images.study import image_network, run
from experiments.frame.study import Settings
from experiments.support.datasets import DataError
from manual_mlp import MLP, Dense, save_parameters

NET = MLP(3, [Dense(2, "sigmoid"), Dense(1)])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_both_ways_to_name_them_give_the_same(dtype: str, tmp_path: Path) -> None:
    ours = NET.initialize(0, bias_initializer="normal(1)", dtype="float32")
    theirs = dict(zip(("W1", "b1", "W2", "b2"), ours.values(), strict=True))
    for name, arrays in (("ours", ours), ("theirs", theirs)):
        found = weights_from(save_parameters(tmp_path / name, arrays), NET, dtype)
        assert list(found) == list(ours)
        for key, array in ours.items():
            assert found[key].dtype.name == dtype
            np.testing.assert_array_equal(found[key], array)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"W1": np.ones((3, 2))}, "it holds dense_1/kernel (3, 2)."),
        ({}, "it holds nothing."),
        (
            {"W1": np.ones((4, 2)), "b1": np.ones(2), "W2": np.ones((2, 1)), "b2": np.ones(1)},
            "dense_1/kernel (4, 2), dense_1/bias (2,)",
        ),
        (
            {"W1": np.ones((3, 2)), "b1": np.ones(2), "W2": np.ones((2, 1)), "b2": np.ones(1), "W3": np.ones((1, 1))},
            "W3 (1, 1)",
        ),
        (
            {"W1": np.ones((3, 2)), "b1": np.ones(2), "W2": np.full((2, 1), np.nan), "b2": np.ones(1, int)},
            "dense_2/kernel, dense_2/bias should be finite floating-point numbers",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_what_is_expected(
    arrays: dict[str, np.ndarray], words: str, tmp_path: Path
) -> None:
    path = save_parameters(tmp_path / "w", arrays)
    with pytest.raises(DataError, match=re.escape(words)) as error:
        weights_from(path, NET, "float64")
    start = f"--weights {path} does not fit 3-2-1, whose parameters are dense_1/kernel (3, 2)"
    assert str(error.value).startswith(start)


def test_no_file_and_a_damaged_one_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"--weights .*w\.npz: no such file"):
        weights_from(tmp_path / "w.npz", NET, "float64")
    (tmp_path / "w.npz").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"--weights .*w\.npz is not a whole \.npz archive"):
        weights_from(tmp_path / "w.npz", NET, "float64")


def test_weights_for_other_images_tell_the_dataset(tmp_path: Path) -> None:
    path = save_parameters(tmp_path / "w", image_network(784).initialize(0))
    with pytest.raises(DataError, match=r"These weights are for 784 inputs: add --dataset mnist\.$"):
        weights_from(path, image_network(64), "float64")
    path = save_parameters(tmp_path / "w", image_network(64).initialize(0))
    with pytest.raises(DataError, match=r"These weights are for 64 inputs: add --dataset digits\.$"):
        weights_from(path, image_network(784), "float64")


def test_a_parameter_under_both_names_is_refused(tmp_path: Path) -> None:
    ours = NET.initialize(0)
    path = save_parameters(tmp_path / "w", {"W1": np.ones((3, 2)), **ours})
    with pytest.raises(DataError, match="dense_1/kernel is there twice, as W1 and by its own name"):
        weights_from(path, NET, "float64")


def test_weights_must_be_finite_in_the_dtype_that_they_are_wanted_in(tmp_path: Path) -> None:
    arrays = {**NET.initialize(0), "dense_2/bias": np.array([1e300])}
    path = save_parameters(tmp_path / "w", arrays)
    assert weights_from(path, NET, "float64")["dense_2/bias"] == 1e300
    with pytest.raises(DataError, match=r"dense_2/bias should be finite floating-point numbers in float32"):
        weights_from(path, NET, "float32")


def test_epochs_beside_weights_are_refused() -> None:
    settings = Settings(epochs=3, weights=Path("w.npz"))
    with pytest.raises(DataError, match=r"--epochs 3 beside --weights w\.npz: nothing is trained"):
        run(settings, None)  # type: ignore[arg-type]  # it is refused before a bar is needed
