import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from manual_mlp import (
    MLP,
    Dense,
    Dropout,
    Evaluation,
    Loss,
    evaluation_of,
    load_parameters,
    save_parameters,
)

Edit = dict[str, Any]


def sparse(dtype: str = "float64") -> Evaluation:
    mlp = MLP(3, [Dense(4, "relu", use_bias=False, name="erste"), Dense(3, "softmax")])
    x = np.random.default_rng(0).normal(size=(5, 3))
    loss = Loss("sparse_categorical_crossentropy", scale=0.1)
    return mlp.backpropagate(mlp.initialize(0, dtype=dtype), x, np.array([0, 2, 1, 1, 0]), loss)


def dense(dtype: str = "float64") -> Evaluation:
    mlp = MLP(2, [Dense(3, "tanh"), Dense(2)])
    rng = np.random.default_rng(1)
    loss = Loss("categorical_crossentropy", from_logits=True)
    return mlp.backpropagate(mlp.initialize(0, dtype=dtype), rng.normal(size=(4, 2)), rng.random((4, 2)), loss)


def dropped(dtype: str = "float64") -> Evaluation:
    mlp = MLP(2, [Dense(3, "tanh", kernel_l2=0.5), Dropout(0.3), Dense(1)])
    x, y = np.ones((4, 2)), np.ones((4, 1))
    return mlp.backpropagate(mlp.initialize(0, dtype=dtype), x, y, "mse", mlp.draws(0, 4))


def weighted(dtype: str = "float64") -> Evaluation:
    before = dense(dtype).problem
    weights = np.array([0.5, 0, 2, 1])
    return before.mlp.backpropagate(before.parameters, before.x, before.y, before.loss, sample_weight=weights)


# save and load


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make", [sparse, dense, weighted])
def test_a_round_trip_is_exact(make: Any, dtype: str, tmp_path: Path) -> None:
    before = make(dtype)
    path = before.save(tmp_path / "evaluation")
    after = Evaluation.load(path)
    assert path == tmp_path / "evaluation.npz"
    assert after.problem.to_dict() == before.problem.to_dict()
    assert (after.problem.mlp, after.problem.loss) == (before.problem.mlp, before.problem.loss)
    assert (after.problem.fused, after.origin, after.loss) == (before.problem.fused, before.origin, before.loss)
    for old, new in [
        (before.nodes, after.nodes),
        (before.problem.parameters, after.problem.parameters),
        ({"x": before.problem.x, "y": before.problem.y}, {"x": after.problem.x, "y": after.problem.y}),
        (before.gradients, after.gradients),
    ]:
        assert list(old) == list(new)
        for name, array in old.items():
            assert (array.dtype, array.shape, array.tobytes()) == (
                new[name].dtype,
                new[name].shape,
                new[name].tobytes(),
            )


def test_what_was_loaded_can_be_evaluated_again(tmp_path: Path) -> None:
    before = sparse("float32")
    again = evaluation_of(Evaluation.load(before.save(tmp_path / "e")).problem)
    for name, array in before.nodes.items():
        np.testing.assert_array_equal(again.nodes[name], array)


def test_the_description_is_text_that_anyone_can_read(tmp_path: Path) -> None:
    arrays = load_parameters(sparse().save(tmp_path / "e"))
    layer = {"kind": "dense", "kernel_l2": 0.0}
    assert json.loads(str(arrays["description"])) == {
        "format": 1,
        "origin": "manual_mlp",
        "inputs": 3,
        "layers": [
            {**layer, "units": 4, "activation": "relu", "use_bias": False, "name": "erste"},
            {**layer, "units": 3, "activation": "softmax", "use_bias": True, "name": "dense_2"},
        ],
        "loss": {"name": "sparse_categorical_crossentropy", "from_logits": False, "scale": 0.1},
        "fused": True,
    }


def test_a_full_disk_leaves_the_older_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: Any, **arrays: Any) -> None:
        file.write(b"half of it")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = sparse().save(tmp_path / "e")
    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left on device"):
        dense().save(path)
    monkeypatch.undo()
    assert [p.name for p in tmp_path.iterdir()] == ["e.npz"]
    assert Evaluation.load(path).loss == sparse().loss


# wrong files


def edited(tmp_path: Path, changes: Edit) -> Path:
    """A saved file with arrays replaced, or left out where None; under "description" go fields of the text."""
    path = sparse().save(tmp_path / "e")
    arrays: Edit = dict(load_parameters(path))
    description = json.loads(str(arrays["description"])) | changes.pop("description", {})
    arrays["description"] = np.array(json.dumps({k: v for k, v in description.items() if v is not None}))
    arrays |= changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def rejected(path: Path) -> str:
    with pytest.raises(ValueError, match=r"\.npz") as error:
        Evaluation.load(path)
    assert str(error.value).startswith(str(path))
    return str(error.value).removeprefix(str(path))


def test_an_edit_of_nothing_is_read(tmp_path: Path) -> None:
    assert Evaluation.load(edited(tmp_path, {})).loss == sparse().loss


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error:
        Evaluation.load(tmp_path / "e.npz")
    assert str(error.value) == f"{tmp_path / 'e.npz'}: no such file. Expected an .npz written by save_parameters."


def test_a_text_file_renamed(tmp_path: Path) -> None:
    (tmp_path / "e.npz").write_text("loss 0.5")
    assert rejected(tmp_path / "e.npz") == (" is not a whole .npz archive. Write it with save_parameters or np.savez.")


def test_a_truncated_file(tmp_path: Path) -> None:
    path = sparse().save(tmp_path / "e")
    path.write_bytes(path.read_bytes()[:-100])
    assert rejected(path) == " is not a whole .npz archive. Write it with save_parameters or np.savez."


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    text = rejected(edited(tmp_path, {"nodes/loss": np.array([{}], object)}))
    assert text.startswith(" cannot be read as arrays of numbers: ")


@pytest.mark.parametrize("key", ["x", "y", "description"])
def test_arrays_that_are_no_evaluation(key: str, tmp_path: Path) -> None:
    path = edited(tmp_path, {})
    arrays = {name: array for name, array in load_parameters(path).items() if name != key}
    np.savez(path, **arrays)
    assert rejected(path) == " holds arrays, but no Evaluation: expected a file written by Evaluation.save."


def test_weights_are_kept_and_only_then_is_the_file_one_that_older_readers_refuse(tmp_path: Path) -> None:
    for make, version in ((dense, 1), (weighted, 2)):
        before = make()
        path = before.save(tmp_path / make.__name__)
        after = Evaluation.load(path)
        assert json.loads(str(load_parameters(path)["description"]))["format"] == version
        assert np.array_equal(after.problem.sample_weight, before.problem.sample_weight)
        assert after.problem.to_dict().get("sample_weight", False) is (make is weighted)
        again = evaluation_of(after.problem).nodes
        assert all(np.array_equal(again[n], a) for n, a in before.nodes.items())


@pytest.mark.parametrize("version", [3, "1", None])
def test_a_file_of_another_version(version: Any, tmp_path: Path) -> None:
    assert rejected(edited(tmp_path, {"description": {"format": version}})) == (
        f" has format {version!r}; this version reads up to 2. Update gradient-diff."
    )


@pytest.mark.parametrize(
    "description",
    [{"loss": None}, {"layers": None}, {"fused": None}, {"origin": None}, {"loss": {"title": "mse"}}, {"layers": [7]}],
)
def test_a_description_that_is_not_complete(description: Edit, tmp_path: Path) -> None:
    text = rejected(edited(tmp_path, {"description": description}))
    assert text.startswith(
        " holds arrays, but no Evaluation: expected a file written by Evaluation.save. Its description "
    )


@pytest.mark.parametrize("text", ["no JSON", "3", "[]"])
def test_a_description_that_is_none(text: str, tmp_path: Path) -> None:
    path = edited(tmp_path, {})
    np.savez(path, **{**load_parameters(path), "description": np.array(text)})
    assert rejected(path) == " holds arrays, but no Evaluation: expected a file written by Evaluation.save."


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"description": {"inputs": 5}}, "erste/kernel has shape (3, 4)"),
        ({"x": np.ones((3, 9))}, "features per sample"),
        ({"x": np.full((4, 2), np.nan)}, "NaN or Inf"),
        ({"y": np.array([0])}, "one class index per sample"),
        ({"parameters/erste/kernel": None}, "missing"),
        ({"parameters/dense_9/bias": np.ones(2)}, "unknown"),
        ({"nodes/erste/u": np.ones((1, 1))}, "nodes/erste/u is float64 (1, 1); expected numbers of shape"),
        ({"nodes/loss": np.ones(2)}, "nodes/loss is float64 (2,); expected numbers of shape ()"),
        ({"nodes/loss": np.array("x")}, "nodes/loss is <U1 ()"),
        ({"nodes/dense_9/u": np.ones(2)}, "nodes/dense_9/u is no node of this network."),
    ],
)
def test_a_description_that_does_not_fit_its_arrays(changes: Edit, text: str, tmp_path: Path) -> None:
    told = rejected(edited(tmp_path, changes))
    assert told.startswith(": its description and its arrays do not fit. ")
    assert text in told


def test_an_evaluation_without_its_loss(tmp_path: Path) -> None:
    assert "does not fit 'nodes/loss'" in rejected(edited(tmp_path, {"nodes/loss": None}))


def test_draws_are_saved_and_loaded(tmp_path: Path) -> None:
    e = dropped()
    back = Evaluation.load(e.save(tmp_path / "e"))
    assert back.problem.mlp == e.problem.mlp
    assert list(back.problem.draws) == ["dropout_1/mask"]
    assert np.array_equal(back.problem.draws["dropout_1/mask"], e.problem.draws["dropout_1/mask"])
    assert np.array_equal(evaluation_of(back.problem).nodes["loss"], e.nodes["loss"])


@pytest.mark.parametrize("edit", [{}, {"draws/dropout_1/mask": np.zeros((3, 3))}, {"draws/other": np.zeros((4, 3))}])
def test_a_file_whose_draws_are_not_those_of_its_network_is_refused(tmp_path: Path, edit: Edit) -> None:
    arrays = load_parameters(dropped().save(tmp_path / "e"))
    del arrays["draws/dropout_1/mask"]
    save_parameters(tmp_path / "e.npz", {**arrays, **edit})
    with pytest.raises(ValueError, match="dropout_1"):
        Evaluation.load(tmp_path / "e.npz")
