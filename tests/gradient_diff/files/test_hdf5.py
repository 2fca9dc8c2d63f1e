"""`.h5`: what Keras really writes, plain datasets at any depth, and files that point elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from gradient_diff import read_gradients


def read(path: Path) -> dict[str, np.ndarray]:
    content = read_gradients(path)
    assert isinstance(content, dict)
    return content


# Keras itself calls NumPy in a way that NumPy 2 deprecates.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
def test_the_weights_that_keras_saves_have_the_layers_own_names(tmp_path: Path) -> None:
    import keras_mlp  # before Keras itself, since it starts TensorFlow quietly

    # isort: split
    import keras

    layers = [keras.layers.Dense(4, name="first"), keras.layers.Dropout(0.1)]
    layers += [keras.layers.Dense(2, use_bias=False, name=f"layer{i}") for i in range(11)]
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    model.save_weights(tmp_path / "g.weights.h5")
    wanted = keras_mlp.parameters_of(model)
    found = read(tmp_path / "g.weights.h5")
    assert list(found) == list(wanted)  # no optimizer state, kernel before bias, layer10 behind layer9
    assert all(np.array_equal(found[name], wanted[name]) for name in wanted)


def test_layers_inside_layers_are_named_with_both(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "g.weights.h5", "w") as file:
        file["layers/sequential/layers/dense/vars/0"] = np.eye(2)
        file["layers/sequential/layers/dense/vars"].attrs["name"] = "in"
        file.create_group("layers/sequential/vars").attrs["name"] = "inner"
        file["layers/batch_normalization/vars/0"] = np.ones(2)
    assert list(read(tmp_path / "g.weights.h5")) == ["batch_normalization/vars/0", "inner/in/kernel"]


def test_two_layers_of_one_name_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "g.weights.h5", "w") as file:
        for layer in ("dense", "dense_1"):
            file[f"layers/{layer}/vars/0"] = np.eye(2)
            file[f"layers/{layer}/vars"].attrs["name"] = "same"
    with pytest.raises(ValueError, match="Two layers of this file have one name: same/kernel"):
        read(tmp_path / "g.weights.h5")


def test_datasets_at_any_depth_are_named_by_their_path(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "g.h5", "w") as file:
        file["w"] = 1.5
        file["a/b/c/dense_1/kernel"] = np.eye(2, dtype="float32")
    found = read(tmp_path / "g.h5")
    assert {name: (a.shape, a.dtype.name) for name, a in found.items()} == {
        "w": ((), "float64"),
        "a/b/c/dense_1/kernel": ((2, 2), "float32"),
    }


def test_no_other_file_is_ever_opened(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["w"] = np.ones(3)
    (tmp_path / "raw").write_bytes(np.ones(3).tobytes())
    with h5py.File(tmp_path / "linked.h5", "w") as file:
        file["w"] = h5py.ExternalLink("secret.h5", "w")
        file["v"] = np.zeros(1)
    text = f"{tmp_path / 'linked.h5'}: w: a link, which is not followed. Copy what it points to in its place."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        read(tmp_path / "linked.h5")
    with h5py.File(tmp_path / "raw.h5", "w") as file:
        file.create_dataset("w", shape=(3,), dtype="f8", external=[(str(tmp_path / "raw"), 0, 24)])
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        layout = h5py.VirtualLayout(shape=(3,), dtype="f8")
        layout[:] = h5py.VirtualSource(tmp_path / "secret.h5", "w", shape=(3,))
        file.create_virtual_dataset("w", layout)
    for name in ("raw", "virtual"):
        with pytest.raises(ValueError, match="w lies in another file, which is not opened"):
            read(tmp_path / f"{name}.h5")


@pytest.mark.parametrize("array", [np.array([b"words"]), np.array([True]), np.array([1j])])
def test_what_are_no_numbers_is_named(array: np.ndarray, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "g.h5", "w") as file:
        file["deep/w"] = array
    with pytest.raises(ValueError, match=r"deep/w is .*expected an array of numbers"):
        read(tmp_path / "g.h5")
