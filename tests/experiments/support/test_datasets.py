from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from experiments.frame.study import Settings
from experiments.support import datasets
from experiments.support.datasets import DIGITS_TRAINING, VARIABLE, DataError, dataset_of, digits, from_file
from manual_mlp import Array, save_parameters

SMALL = {"train": 40, "test": 20}


def images(rows: int) -> Array:
    x = np.random.default_rng(rows).integers(0, 256, (rows, 28, 28), np.uint8)
    x[0, 0, :2] = 0, 255
    return x


@pytest.fixture
def arrays(monkeypatch: pytest.MonkeyPatch) -> dict[str, Array]:
    """A small archive of MNIST's layout, and the loader told that it is as large as MNIST."""
    shapes = {f"x_{p}": (n, 28, 28) for p, n in SMALL.items()} | {f"y_{p}": (n,) for p, n in SMALL.items()}
    monkeypatch.setattr("experiments.support.datasets._PARTS", SMALL)
    monkeypatch.setattr("experiments.support.datasets._KEYS", shapes)
    monkeypatch.delenv(VARIABLE, raising=False)
    found: dict[str, Array] = {f"x_{part}": images(rows) for part, rows in SMALL.items()}
    return found | {f"y_{part}": (np.arange(rows) % 10).astype(np.uint8) for part, rows in SMALL.items()}


@pytest.fixture
def archive(arrays: dict[str, Array], tmp_path: Path) -> Path:
    return save_parameters(tmp_path / "mnist.npz", arrays)


def away(*_: object) -> NoReturn:
    raise Exception("URL fetch failure on https://…: None -- [Errno -2] Name or service not known")  # noqa: TRY002  (Keras's own)


def test_digits_are_those_of_scikit_learn_in_a_fixed_split() -> None:
    from sklearn.datasets import load_digits  # type: ignore[import-untyped]  # it ships no types

    data, bunch = digits(), load_digits()
    np.testing.assert_array_equal(np.vstack([data.x_train, data.x_test]), bunch.data)
    np.testing.assert_array_equal(np.hstack([data.y_train, data.y_test]), bunch.target)
    assert (len(data.x_train), len(data.x_test)) == (DIGITS_TRAINING, 360)
    assert data.facts["sha256"] == "adbedc90ca53bba766d95f51152881946c85767fcaa14d6722d36d9dd86d8e3d"


def test_images_are_scaled_and_labels_one_hot() -> None:
    data = digits()
    for dtype in ("float64", "float32"):
        x = data.images("test", 7, dtype)
        assert (x.dtype.name, x.shape, x.min() >= 0, x.max()) == (dtype, (7, 64), True, 1)
        hot = data.one_hot("test", 7, dtype)
        assert hot.dtype.name == dtype
        np.testing.assert_array_equal(hot.argmax(axis=1), data.labels("test", 7))
    assert (data.inputs, data.side) == (64, 8)


def test_an_archive_is_read(archive: Path, arrays: dict[str, Array]) -> None:
    data = from_file("mnist", archive)
    np.testing.assert_array_equal(data.x_train, arrays["x_train"].reshape(40, 784))
    np.testing.assert_array_equal(data.y_test, arrays["y_test"])
    assert (data.brightest, data.origin, data.side) == (255, "file mnist.npz", 28)


def test_the_hash_is_of_the_data_and_not_of_the_file(archive: Path, arrays: dict[str, Array], tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "packed.npz", **arrays)  # type: ignore[arg-type]  # the stubs take a keyword for a flag
    facts = [from_file("mnist", path).facts["sha256"] for path in (archive, tmp_path / "packed.npz")]
    assert facts[0] == facts[1]
    arrays["x_test"][3, 3, 3] ^= 1
    other = save_parameters(tmp_path / "other.npz", arrays)
    assert from_file("mnist", other).facts["sha256"] != facts[0]


def test_a_file_that_changed_is_read_again(archive: Path, arrays: dict[str, Array]) -> None:
    before = from_file("mnist", archive).facts["sha256"]
    arrays["y_test"] = arrays["y_test"][::-1].copy()
    save_parameters(archive, arrays)
    assert from_file("mnist", archive).facts["sha256"] != before


def drop(arrays: dict[str, Array]) -> None:
    del arrays["y_test"]


def rename(arrays: dict[str, Array]) -> None:
    arrays["images"] = arrays.pop("x_train")


def flatten(arrays: dict[str, Array]) -> None:
    arrays["x_test"] = arrays["x_test"].reshape(20, 784)


def shorten(arrays: dict[str, Array]) -> None:
    arrays["y_train"] = arrays["y_train"][:-1]


def scaled(arrays: dict[str, Array]) -> None:
    arrays["x_train"] = (arrays["x_train"] / 255).astype(np.float32)


def eleven(arrays: dict[str, Array]) -> None:
    arrays["y_train"][5] = 10


def no_nine(arrays: dict[str, Array]) -> None:
    arrays["y_test"][arrays["y_test"] == 9] = 0


def dark(arrays: dict[str, Array]) -> None:
    arrays["x_test"] //= 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (drop, "it holds x_train, x_test, y_train"),
        (rename, "it holds x_test, y_train, y_test, images"),
        (flatten, "x_test is uint8 (20, 784), expected uint8 (20, 28, 28)"),
        (shorten, "y_train is uint8 (39,), expected uint8 (40,)"),
        (scaled, "x_train is float32 (40, 28, 28), expected uint8 (40, 28, 28)"),
        (eleven, "y_train should hold each of the classes 0 to 9 and nothing else"),
        (no_nine, "y_test should hold each of the classes 0 to 9 and nothing else"),
        (dark, "pixels of x_test go from 0 to 63, expected 0 to 255"),
    ],
)
def test_another_archive_is_refused_and_named(
    change: Callable[[dict[str, Array]], None], words: str, arrays: dict[str, Array], tmp_path: Path
) -> None:
    change(arrays)
    path = save_parameters(tmp_path / "some.npz", arrays)
    with pytest.raises(DataError, match=re.escape(words)) as error:
        from_file("mnist", path)
    assert str(error.value).startswith("some.npz is not mnist: expected x_train, y_train, x_test, y_test")


def test_a_truncated_file_is_named(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-1000])
    words = r"mnist\.npz cannot be read as arrays of numbers.*\. Expected mnist\.npz as keras\.datasets writes it\.$"
    with pytest.raises(DataError, match=words):
        from_file("mnist", archive)
    archive.write_text("no archive")
    with pytest.raises(DataError, match=words):
        from_file("mnist", archive)


def test_the_data_of_another_known_set_are_refused(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = str(from_file("mnist", archive).facts["sha256"])
    monkeypatch.setitem(datasets._KNOWN, digest, "mnist")  # noqa: SLF001  (a small archive stands for the real one)
    words = "mnist.npz is not fashion_mnist: its images are those of mnist. Say --dataset mnist."
    with pytest.raises(DataError, match=re.escape(words)):
        from_file("fashion_mnist", archive)
    assert from_file("mnist", archive).name == "mnist"


def test_a_pickle_is_never_opened(arrays: dict[str, Array], tmp_path: Path) -> None:
    class Boom:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (pytest.fail, ("it was unpickled",))

    objects = arrays | {"x_train": np.array([Boom()], object)}
    np.savez(tmp_path / "mnist.npz", **objects)  # type: ignore[arg-type]  # the stubs take a keyword for a flag
    with pytest.raises(DataError, match="or holds objects"):
        from_file("mnist", tmp_path / "mnist.npz")


def test_the_usual_data_are_digits_and_for_the_full_sizes_mnist_if_at_hand(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dataset_of(Settings(full=True)).name == "digits"
    monkeypatch.setenv(VARIABLE, str(archive.parent))
    assert dataset_of(Settings(full=True)).name == "mnist"
    assert dataset_of(Settings()).name == "digits"
    assert dataset_of(Settings(dataset="digits", full=True)).name == "digits"


@pytest.mark.parametrize("whole", [True, False])
def test_data_names_a_file_or_its_folder(whole: bool, archive: Path) -> None:
    assert dataset_of(Settings(data=archive if whole else archive.parent)).name == "mnist"


def test_a_file_of_clothes_is_fashion_mnist(archive: Path) -> None:
    clothes = archive.rename(archive.parent / "fashion_mnist.npz")
    assert dataset_of(Settings(data=clothes)).name == "fashion_mnist"
    with pytest.raises(DataError, match=r"--data .*: there is no mnist\.npz in it\. Expected a folder that holds"):
        dataset_of(Settings(data=clothes.parent))


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_offline_and_absent_the_error_tells_three_ways(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(getattr(keras.datasets, name), "load_data", away)
    with pytest.raises(DataError, match="Name or service not known") as error:
        dataset_of(Settings(dataset=name))
    for words in ("connect to the network", f"--data PATH, a {name}.npz or its folder", f"the variable {VARIABLE}"):
        assert words in str(error.value)


def test_a_silent_network_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    seen: list[float | None] = []

    def load() -> NoReturn:
        seen.append(socket.getdefaulttimeout())
        raise TimeoutError("timed out")

    before = socket.getdefaulttimeout()
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", load)
    with pytest.raises(DataError, match="timed out"):
        dataset_of(Settings(dataset="mnist"))
    assert seen == [datasets.TIMEOUT]
    assert socket.getdefaulttimeout() == before


def test_by_keras_it_is_the_same_data(archive: Path, arrays: dict[str, Array], monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    pairs = tuple((arrays[f"x_{part}"], arrays[f"y_{part}"]) for part in ("train", "test"))
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: pairs)
    try:
        data = dataset_of(Settings(dataset="mnist"))
    finally:
        datasets._from_keras.cache_clear()  # noqa: SLF001  (what a later test loads is not this)
    assert data.origin.startswith("keras.datasets, Keras ")
    assert data.facts["sha256"] == from_file("mnist", archive).facts["sha256"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(dataset="letters"), "There is no dataset 'letters'. Known: digits, mnist, fashion_mnist."),
        (Settings(dataset="digits", data=Path("mnist.npz")), "--data mnist.npz goes with --dataset mnist"),
        (Settings(data=Path("no/mnist.npz")), "--data no/mnist.npz: there is no such file or folder."),
    ],
)
def test_what_cannot_be_is_told(settings: Settings, words: str) -> None:
    with pytest.raises(DataError, match=re.escape(words)):
        dataset_of(settings)


def test_the_real_mnist(mnist_folder: Path) -> None:
    data = from_file("mnist", mnist_folder / "mnist.npz")
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(data.y_train).tolist() == counts
    with pytest.raises(DataError, match="its images are those of mnist"):
        from_file("fashion_mnist", mnist_folder / "mnist.npz")
    assert data.facts["sha256"] == "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"
