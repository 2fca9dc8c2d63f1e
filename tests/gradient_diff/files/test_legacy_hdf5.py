"""Legacy `.h5`: as Keras 3 still writes it, as Keras 2 did, and files that only look like it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest

from gradient_diff import read_gradients


# Keras itself calls NumPy in a way that NumPy 2 deprecates, and warns of its own format.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
def test_a_model_that_keras_saves_has_the_layers_own_names_in_its_order(tmp_path: Path) -> None:
    import keras_mlp  # before Keras itself, since it starts TensorFlow quietly

    # isort: split
    import keras

    layers = [keras.layers.Dense(4, name="second"), keras.layers.Dense(3, name="first", use_bias=False)]
    model = keras.Sequential([keras.Input((5,)), *layers])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "old.h5")
    found, wanted = read_gradients(tmp_path / "old.h5"), keras_mlp.parameters_of(model)
    assert isinstance(found, dict)
    assert list(found) == list(wanted) == ["second/kernel", "second/bias", "first/kernel"]
    assert all(np.array_equal(found[name], wanted[name]) for name in wanted)


def write(path: Path, layers: Mapping[str, Sequence[str]]) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = np.array([n.encode() for n in layers])
        for layer, weights in layers.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = np.array([n.encode() for n in weights])
            for i, weight in enumerate(weights):
                group.create_dataset(weight, data=np.full(2, float(i)))


def test_weights_that_keras_2_saved_are_read_without_its_zero(tmp_path: Path) -> None:
    write(tmp_path / "old.h5", {"dense": ["dense/kernel:0", "dense/bias:0"], "inner": ["inner/in_1/kernel:0"]})
    assert list(read_gradients(tmp_path / "old.h5")) == ["dense/kernel", "dense/bias", "inner/in_1/kernel"]  # type: ignore[arg-type]  # a dict


def test_a_list_of_layers_that_are_not_there_names_nothing(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "odd.h5", "w") as file:
        file.attrs["layer_names"] = "nothing"
        file["a"] = np.ones(2)
    assert list(read_gradients(tmp_path / "odd.h5")) == ["a"]  # type: ignore[arg-type]  # a dict


def test_two_weights_of_one_name_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "old.h5", {"dense": ["dense/kernel:0", "dense/kernel:1"]})
    with pytest.raises(ValueError, match="Two layers of this file have one name: dense/kernel"):
        read_gradients(tmp_path / "old.h5")
