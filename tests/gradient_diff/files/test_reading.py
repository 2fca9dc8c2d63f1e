"""Every kind of file, and files that are not what their name says."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from gradient_diff import read_gradients
from gradient_diff.files.reading import ENDINGS
from manual_mlp import MLP, Dense, Evaluation, save_parameters

ARRAYS = {"dense_1/kernel": np.arange(6.0).reshape(2, 3), "dense_1/bias": np.float32([1, 2, 3])}


def _hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        for name, array in ARRAYS.items():
            file[name] = array


WRITERS: dict[str, Callable[[Path], object]] = {
    ".npz": lambda path: np.savez(path, **ARRAYS),
    ".safetensors": lambda path: save_file(ARRAYS, path),
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".weights.h5": _hdf5,
}


def test_every_ending_is_tested() -> None:
    assert set(WRITERS) == set(ENDINGS)


@pytest.mark.parametrize("ending", ENDINGS)
def test_names_values_and_dtypes_come_back(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"mine{ending.upper()}"
    WRITERS[ending](tmp_path / f"mine{ending}")
    (tmp_path / f"mine{ending}").rename(path)
    read = read_gradients(path)
    assert isinstance(read, dict)
    assert read.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert read[name].dtype == array.dtype
        assert np.array_equal(read[name], array)


def test_an_evaluation_comes_back_with_its_problem(tmp_path: Path, evaluation: Evaluation) -> None:
    read = read_gradients(evaluation.save(tmp_path / "reference.npz"))
    assert isinstance(read, Evaluation)
    assert read.problem.mlp == evaluation.problem.mlp


@pytest.mark.parametrize("name", ["g.npy", "g.pkl", "g.pt", "g.keras", "g.txt", "g", "npz"])
def test_other_endings_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(ValueError, match=r"expected a file that ends in \.npz, \.safetensors, \.weights\.h5, \.h5"):
        read_gradients(tmp_path / name)


@pytest.mark.parametrize(
    ("true", "said"),
    [(t, s) for t in (".npz", ".safetensors", ".h5") for s in ENDINGS if ENDINGS[t][0] != ENDINGS[s][0]],
)
def test_a_wrong_ending_is_told_apart_from_damage(true: str, said: str, tmp_path: Path) -> None:
    WRITERS[true](tmp_path / f"g{true}")
    (tmp_path / f"g{true}").rename(tmp_path / f"g{said}")
    with pytest.raises(ValueError, match=rf"should be .*, by its name, but is {ENDINGS[true][0]}.* Name it \*\{true},"):
        read_gradients(tmp_path / f"g{said}")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
def test_a_truncated_file_is_refused(ending: str, share: float, tmp_path: Path) -> None:
    path = tmp_path / f"g{ending}"
    WRITERS[ending](path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=r"g\..*(cannot be read|is not a whole)"):
        read_gradients(path)


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_empty_file_a_folder_and_none_at_all(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"g{ending}"
    with pytest.raises(FileNotFoundError):
        read_gradients(path)
    path.touch()
    with pytest.raises(ValueError, match="is empty, 0 bytes"):
        read_gradients(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(ValueError, match="is a folder"):
        read_gradients(path)


def test_a_file_without_arrays_is_refused(tmp_path: Path) -> None:
    save_parameters(tmp_path / "g.npz", {})
    h5py.File(tmp_path / "g.h5", "w").close()
    save_file({}, tmp_path / "g.safetensors")
    for ending in (".npz", ".h5", ".safetensors"):
        with pytest.raises(ValueError, match="holds no arrays"):
            read_gradients(tmp_path / f"g{ending}")


class Bomb:
    """Its unpickling leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def test_nothing_is_ever_unpickled(tmp_path: Path) -> None:
    bomb = tmp_path / "exploded"
    np.savez(tmp_path / "objects.npz", np.array([Bomb(bomb)], dtype=object))
    (tmp_path / "pickle.npz").write_bytes(pickle.dumps(Bomb(bomb)))
    for name, text in (("objects", "Objects are never unpickled"), ("pickle", "a pickle, and those are never read")):
        with pytest.raises(ValueError, match=text):
            read_gradients(tmp_path / f"{name}.npz")
    assert not bomb.exists()
    pickle.loads(pickle.dumps(Bomb(bomb)))
    assert bomb.exists()  # it would have gone off


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.array("words"), "<U5; expected an array of numbers"),
        (np.array([True]), "bool; expected"),
        (np.array([1j]), "complex128; expected"),
        (np.array([1], dtype="datetime64[s]"), "datetime64"),
        (np.ones(2, ml_dtypes.bfloat16), r"V2; .* forget what bfloat16 is: save it as float32"),
    ],
)
def test_what_are_no_numbers_is_named(array: np.ndarray, text: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "g.npz", w=array)
    with pytest.raises(ValueError, match=rf"g\.npz: w is .*{text}"):
        read_gradients(tmp_path / "g.npz")


def test_an_array_larger_than_memory_is_refused(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (1 << 55,)})
    np.savez(tmp_path / "g.npz", w=np.zeros(1))
    with zipfile.ZipFile(tmp_path / "g.npz", "w") as archive:
        archive.writestr("w.npy", header.getvalue())
    with pytest.raises(ValueError, match=r"too large for this machine's memory|cannot be read"):
        read_gradients(tmp_path / "g.npz")


def test_hostile_names_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31m\n.npz"
    np.savez(path, **{"\x1b[2J": np.array("x")})
    with pytest.raises(ValueError, match="expected an array of numbers") as raised:
        read_gradients(path)
    assert str(raised.value).isprintable()
    assert r"\x1b[2J" in str(raised.value)


def test_an_edited_description_is_refused(tmp_path: Path) -> None:
    mlp = MLP(2, [Dense(3)])
    e = mlp.backpropagate(mlp.initialize(0), np.ones((4, 2)), np.ones((4, 3)), "mse")
    path = e.save(tmp_path / "r.npz")
    with np.load(path) as archive:
        arrays = dict(archive)
    arrays["description"] = np.array(str(arrays["description"]).replace('"units": 3', '"units": 4'))
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match="description and its arrays do not fit"):
        read_gradients(path)


@pytest.mark.parametrize("ending", [".npz", ".h5", ".safetensors"])
def test_only_the_library_of_the_format_is_loaded(ending: str, tmp_path: Path) -> None:
    WRITERS[ending](tmp_path / f"g{ending}")
    watched = {".h5": "h5py", ".safetensors": "safetensors"}
    others = ("tensorflow", "keras", "pandas", "matplotlib", "rich", "h5py", "safetensors")
    code = f"""
import sys
from gradient_diff import read_gradients
read_gradients(sys.argv[1])
print(*(name for name in {others!r} if name in sys.modules))
"""
    command = [sys.executable, "-c", code, os.fspath(tmp_path / f"g{ending}")]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert loaded == ([watched[ending]] if ending in watched else [])
