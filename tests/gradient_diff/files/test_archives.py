"""Files that would fill the memory or never end are told at once: headers are read before anything else."""

from __future__ import annotations

import os
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from safetensors.numpy import save_file

from gradient_diff.files.reading import read_within

LARGE = np.zeros((1000, 1000))


def _hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("w", data=LARGE, compression="gzip")


WRITERS: dict[str, Callable[[Path], object]] = {
    ".npz": lambda path: np.savez_compressed(path, w=LARGE),
    ".safetensors": lambda path: save_file({"w": LARGE}, path),
    ".h5": _hdf5,
}


@pytest.mark.parametrize("ending", WRITERS)
def test_more_than_may_be_is_not_unpacked(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"bomb{ending}"
    WRITERS[ending](path)
    assert isinstance(read_within(path, 2 * LARGE.nbytes), dict)
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"holds 8,000,\d+ bytes of arrays, where 1,000,000 are the most"):
        read_within(path, 1_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < LARGE.nbytes // 2


@pytest.mark.parametrize("second", ["w", "w.npy"])
def test_two_arrays_of_one_name_are_not_one(second: str, tmp_path: Path) -> None:
    path = tmp_path / "twice.npz"
    np.savez(path, w=np.ones(2))
    with zipfile.ZipFile(path) as archive:
        member = archive.read("w.npy")
    with zipfile.ZipFile(path, "a") as archive, pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)  # the archive says so, too
        archive.writestr("w.npy" if second == "w" else second.removesuffix(".npy"), member)
    with pytest.raises(ValueError, match="holds two arrays called w"):
        read_within(path, 10**9)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.npz")
    with pytest.raises(ValueError, match="is no ordinary file, but a pipe or a device"):
        read_within(tmp_path / "x.npz", 10**9)


def test_groups_within_groups_end_somewhere(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "deep.h5", "w") as file:
        group = file
        for _ in range(1000):
            group = group.create_group("g")
        group["w"] = np.ones(2)
    with pytest.raises(ValueError, match="its groups are more than 32 deep"):
        read_within(tmp_path / "deep.h5", 10**9)


def test_a_group_within_itself_is_read_once(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "circle.h5", "w") as file:
        group = file.create_group("g")
        group["w"] = np.ones(2)
        group["again"] = group
        group["once more"] = group
        group["up"] = file["/"]
    assert list(read_within(tmp_path / "circle.h5", 10**9)) == ["g/w"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "error", [SystemError("a flipped byte"), RecursionError("too deep"), UnicodeDecodeError("utf-8", b"x", 0, 1, "no")]
)
def test_whatever_a_reader_raises_is_said_of_the_file(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, w=np.ones(2))

    def broken(_: object) -> None:
        raise error

    monkeypatch.setattr("gradient_diff.files.reading.load_parameters", broken)
    with pytest.raises(ValueError, match=str(path) if not isinstance(error, UnicodeDecodeError) else "no"):
        read_within(path, 10**9)


def test_a_description_of_any_depth_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "nested.npz"
    np.savez(path, description=np.array("[" * 100_000), x=np.ones((1, 1)), y=np.ones((1, 1)))
    with pytest.raises(ValueError, match=r"nested\.npz"):
        read_within(path, 10**9)
