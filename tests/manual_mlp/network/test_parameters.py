import contextlib
import errno
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manual_mlp import MLP, Dense, load_parameters, save_parameters

PARAMETERS = {"dense_1/kernel": np.array([[1.5, -0.0]]), "dense_1/bias": np.array([1e-320, np.pi])}


def assert_equal(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes(), name


# there and back


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64"])
def test_a_round_trip_is_exact(dtype: str, tmp_path: Path) -> None:
    given_arrays = {name: array.astype(dtype) for name, array in PARAMETERS.items()}
    assert_equal(load_parameters(save_parameters(tmp_path / "w.npz", given_arrays)), given_arrays)


@given(seed=st.integers(0, 2**32 - 1), dtype=st.sampled_from(["float32", "float64"]))
@settings(deadline=None, max_examples=20, derandomize=True)
def test_every_bit_pattern_survives(tmp_path_factory: pytest.TempPathFactory, seed: int, dtype: str) -> None:
    raw = np.frombuffer(np.random.default_rng(seed).bytes(240), dtype)  # NaN with payloads, Inf, subnormals
    path = save_parameters(tmp_path_factory.mktemp("bits") / "w", {"a/b": raw.reshape(2, -1)})
    assert_equal(load_parameters(path), {"a/b": raw.reshape(2, -1)})


def test_transposed_and_sliced_arrays_keep_their_values(tmp_path: Path) -> None:
    whole = np.arange(12.0).reshape(3, 4)
    found = load_parameters(save_parameters(tmp_path / "w", {"t": whole.T, "s": whole[:, ::2]}))
    np.testing.assert_array_equal(found["t"], whole.T)
    np.testing.assert_array_equal(found["s"], whole[:, ::2])


@pytest.mark.parametrize(("given_name", "written"), [("w", "w.npz"), ("w.npz", "w.npz"), ("w.v2", "w.v2.npz")])
def test_the_ending_is_added_where_it_is_missing(given_name: str, written: str, tmp_path: Path) -> None:
    assert save_parameters(str(tmp_path / given_name), PARAMETERS) == tmp_path / written
    assert [p.name for p in tmp_path.iterdir()] == [written]


def test_what_was_trained_can_be_used_again(tmp_path: Path) -> None:
    mlp = MLP(2, [Dense(3, "tanh"), Dense(1)])
    parameters, x = mlp.initialize(0), np.ones((2, 2))
    again = load_parameters(save_parameters(tmp_path / "w", parameters))
    np.testing.assert_array_equal(mlp.predict(again, x), mlp.predict(parameters, x))


# what cannot be saved


def test_objects_are_never_stored(tmp_path: Path) -> None:
    with pytest.raises(TypeError) as error:
        save_parameters(tmp_path / "w", {"a/kernel": np.array([None])})
    assert str(error.value) == "a/kernel is an array of Python objects, which is never stored. Convert it to numbers."
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    target = tmp_path / "missing" / "w.npz"
    with pytest.raises(FileNotFoundError) as error:
        save_parameters(target, PARAMETERS)
    assert f"{target} cannot be written: No such file or directory. Choose another folder" in str(error.value)


def test_a_folder_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)  # whoever runs the tests may be root, whom no bits hold back
    with pytest.raises(PermissionError) as error:
        save_parameters(tmp_path / "w", PARAMETERS)
    assert f"{tmp_path / 'w.npz'} cannot be written: Permission denied. Choose another folder" in str(error.value)


def full_disk(file: Any, **arrays: Any) -> None:
    file.write(b"half of it")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def interrupted(file: Any, **arrays: Any) -> None:
    file.write(b"half of it")
    raise KeyboardInterrupt


@pytest.mark.parametrize(("savez", "error"), [(full_disk, OSError), (interrupted, KeyboardInterrupt)])
@pytest.mark.parametrize("before", [True, False])
def test_what_fails_halfway_leaves_the_older_file_and_nothing_else(
    savez: Callable[..., None],
    error: type[BaseException],
    before: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if before:
        save_parameters(tmp_path / "w", PARAMETERS)
    monkeypatch.setattr(np, "savez", savez)
    with pytest.raises(error):
        save_parameters(tmp_path / "w", {"other": np.zeros(1)})
    assert [p.name for p in tmp_path.iterdir()] == ["w.npz"] * before
    if before:
        assert_equal(load_parameters(tmp_path / "w.npz"), PARAMETERS)


def test_a_full_disk_is_said_with_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(OSError, match="No space left on device") as error:
        save_parameters(tmp_path / "w", PARAMETERS)
    assert error.value.errno == errno.ENOSPC
    assert f"{tmp_path / 'w.npz'} cannot be written: No space left on device." in str(error.value)


def test_saving_again_replaces_the_file(tmp_path: Path) -> None:
    save_parameters(tmp_path / "w", PARAMETERS)
    save_parameters(tmp_path / "w", {"other": np.ones(1)})
    assert_equal(load_parameters(tmp_path / "w.npz"), {"other": np.ones(1)})


# what cannot be read


def rejected(path: Path) -> str:
    with pytest.raises(ValueError, match=r"\.npz") as error:
        load_parameters(path)
    assert str(error.value).startswith(str(path))
    return str(error.value).removeprefix(str(path))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "w.npz", tmp_path):
        with pytest.raises(FileNotFoundError) as error:
            load_parameters(path)
        assert str(error.value) == f"{path}: no such file. Expected an .npz written by save_parameters."


NOT_WHOLE = " is not a whole .npz archive. Write it with save_parameters or np.savez."


def test_a_text_file_renamed(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    path.write_text("kernel,bias\n1,2\n")
    assert rejected(path) == NOT_WHOLE


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    path.touch()
    assert rejected(path) == NOT_WHOLE


def test_a_single_array(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    with path.open("wb") as file:
        np.save(file, np.ones(3))
    assert rejected(path) == NOT_WHOLE


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file(share: float, tmp_path: Path) -> None:
    path = save_parameters(tmp_path / "w", PARAMETERS)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    assert rejected(path) == NOT_WHOLE


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_file(save: Callable[..., None], tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    save(path, a=np.random.default_rng(0).normal(size=1000))
    damaged = bytearray(path.read_bytes())
    damaged[1000:1100] = bytes(100)
    path.write_bytes(damaged)
    text = rejected(path)
    assert text.startswith(" cannot be read as arrays of numbers: ")
    assert text.endswith(". Objects are never unpickled.")


def test_object_arrays_are_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    np.savez(path, a=np.array([{"a": 1}], object), allow_pickle=True)
    text = rejected(path)
    assert text.startswith(" cannot be read as arrays of numbers: ")
    assert text.endswith(". Objects are never unpickled.")


def test_an_archive_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "no array")
    assert rejected(path).startswith(" cannot be read as arrays of numbers: ")


def test_an_archive_with_a_broken_header(tmp_path: Path) -> None:
    path, whole = tmp_path / "w.npz", io.BytesIO()
    np.save(whole, np.ones(3))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", whole.getvalue()[:-4])
    assert rejected(path).startswith(" cannot be read as arrays of numbers: ")


def test_whatever_bit_is_flipped_no_wrong_number_is_read(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    np.savez_compressed(path, **PARAMETERS)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for _ in range(500):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        found = {}
        with contextlib.suppress(ValueError):
            found = load_parameters(path)
        # Checksums guard the arrays; names and the list of them are the archive's own, and nothing guards those.
        assert {array.tobytes() for array in found.values()} <= {array.tobytes() for array in PARAMETERS.values()}


@pytest.mark.parametrize("name", ["a.npy", "a\0b"])
def test_a_name_that_would_be_read_as_another_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="would be read as another"):
        save_parameters(tmp_path / "w", {"a": np.ones(1), name: np.zeros(1)})
    assert not list(tmp_path.iterdir())
