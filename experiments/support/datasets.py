"""Images of digits: scikit-learn's, which are always there, and MNIST's, from a file or by Keras's own loader."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from manual_mlp import Array, load_parameters

if TYPE_CHECKING:
    from experiments.frame.study import Settings


VARIABLE = "GRADIENT_DIFF_DATA"
NAMES = ("digits", "mnist", "fashion_mnist")
CLASSES = 10
TIMEOUT = 10.0  # seconds that the network may stay silent; Keras's own download would wait for ever

DIGITS_TRAINING = 1437
"""The first 1,437 of scikit-learn's 1,797 digits are for training, the last 360 for testing, in the file's order.

The file goes writer by writer, so the digits of the test come from hands that the network has not seen.
"""

_PARTS = {"train": 60_000, "test": 10_000}
_KEYS = {f"x_{part}": (rows, 28, 28) for part, rows in _PARTS.items()} | {
    f"y_{part}": (rows,) for part, rows in _PARTS.items()
}
"""Names and shapes in an archive of MNIST's layout."""

_KNOWN = {"06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16": "mnist"}
"""SHA-256 of a set's data, as in `Dataset.facts` → whose they are; the layout of MNIST and its like is the same."""


_WANTED = "Expected {0}.npz as keras.datasets writes it."


class DataError(ValueError):
    """Data or weights that an experiment was told to use, and cannot; the text says why and how to mend it."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and their classes, in two parts, as whole numbers."""

    name: str  # one of `NAMES`
    x_train: Array  # x_train, x_test: (N, n_0), uint8, one image a row
    y_train: Array  # y_train, y_test: (N,), uint8, the class of each
    x_test: Array
    y_test: Array
    brightest: int  # the largest pixel; x / brightest is in [0, 1]
    origin: str  # where it came from, in words, without a path

    @property
    def inputs(self) -> int:
        """n_0: pixels of an image."""
        return int(self.x_train.shape[1])

    @property
    def side(self) -> int:
        """Pixels along one edge."""
        return int(np.sqrt(self.inputs))

    def images(self, part: str = "train", count: int | None = None, dtype: str = "float64") -> Array:
        """The first images of a part, in [0, 1]."""
        chosen = (self.x_train if part == "train" else self.x_test)[:count]
        return chosen.astype(dtype) / np.dtype(dtype).type(self.brightest)

    def labels(self, part: str = "train", count: int | None = None) -> Array:
        """The classes of the same images, (count,), as integers."""
        return (self.y_train if part == "train" else self.y_test)[:count].astype(np.int64)

    def one_hot(self, part: str = "train", count: int | None = None, dtype: str = "float64") -> Array:
        """The same as rows with a single 1."""
        return np.eye(CLASSES, dtype=dtype)[self.labels(part, count)]

    @property
    def facts(self) -> dict[str, object]:
        """For the manifest: name, origin, rows, and SHA-256 of the arrays, which no repacking of a file changes."""
        rows = {"training": len(self.x_train), "test": len(self.x_test)}
        return {"name": self.name, "origin": self.origin, **rows, "sha256": _sha256(self)}


@lru_cache(maxsize=4)
def _sha256(data: Dataset) -> str:
    digest = hashlib.sha256()
    for array in (data.x_train, data.y_train, data.x_test, data.y_test):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def dataset_of(settings: Settings) -> Dataset:
    """The data that the settings ask for.

    Without a name: digits; for the full sizes MNIST, where a file of it is at hand.
    """
    given = None if settings.data is None else Path(settings.data)
    name = settings.dataset or _usual(given, settings.full)
    if name not in NAMES:
        raise DataError(f"There is no dataset {name!r}. Known: {', '.join(NAMES)}.")
    if name == "digits":
        if given is not None:
            raise DataError(
                f"--data {given.name} goes with --dataset mnist or fashion_mnist: digits come with scikit-learn."
            )
        return digits()
    path = _file(name, given)
    return _from_keras(name) if path is None else from_file(name, path)


def _usual(given: Path | None, full: bool) -> str:
    """Who points at a file wants its data; the real sizes want MNIST, if that costs no download."""
    if given is not None:
        return "fashion_mnist" if given.name == "fashion_mnist.npz" else "mnist"
    return "mnist" if full and _in_folder("mnist") is not None else "digits"


@lru_cache(maxsize=1)
def digits() -> Dataset:
    """The 8×8 digits of scikit-learn; see `DIGITS_TRAINING` for the split.

    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998: its test file.
    """
    try:
        from sklearn.datasets import load_digits  # type: ignore[import-untyped]  # it ships no types
    except ImportError:
        text = "The digits come with scikit-learn, which is not installed: pip install 'gradient-diff[experiments]'."
        raise DataError(text) from None
    from importlib.metadata import version

    bunch = load_digits()
    x, y = bunch.data.astype(np.uint8), bunch.target.astype(np.uint8)
    at = DIGITS_TRAINING
    return Dataset("digits", x[:at], y[:at], x[at:], y[at:], 16, f"scikit-learn {version('scikit-learn')}")


def _file(name: str, given: Path | None) -> Path | None:
    """The archive that --data or the variable names; None if neither does."""
    if given is None:
        return _in_folder(name)
    path = given / f"{name}.npz" if given.is_dir() else given
    if not path.is_file():
        lacking = f"there is no {path.name} in it" if given.is_dir() else "there is no such file or folder"
        raise DataError(f"--data {given}: {lacking}. Expected a folder that holds {name}.npz, or the file itself.")
    return path


def _in_folder(name: str) -> Path | None:
    folder = os.environ.get(VARIABLE)
    path = Path(folder) / f"{name}.npz" if folder else None
    return path if path is not None and path.is_file() else None


def from_file(name: str, path: Path) -> Dataset:
    """Read and check an archive of MNIST's layout; it is never unpickled."""
    stat = path.stat() if path.is_file() else None
    return _read(name, path, (stat.st_mtime_ns, stat.st_size) if stat else None)


@lru_cache(maxsize=2)
def _read(name: str, path: Path, _: object) -> Dataset:
    try:
        arrays = load_parameters(path)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file. {_WANTED.format(name)}") from None
    except (OSError, ValueError) as error:
        text = f"{path} cannot be read as arrays of numbers: it is damaged, no .npz, or holds objects"
        reason = f" ({error.__cause__ or error.__context__})" if error.__context__ else ""
        raise DataError(f"{text}{reason}. {_WANTED.format(name)}") from None
    return _check(name, arrays, path.name, f"file {path.name}")


def _check(name: str, arrays: dict[str, Array], source: str, origin: str) -> Dataset:
    expected = f"{source} is not {name}: expected x_train, y_train, x_test, y_test as in keras.datasets.{name}"
    if arrays.keys() != _KEYS.keys():
        raise DataError(f"{expected}; it holds {', '.join(arrays) or 'nothing'}.")
    for key, shape in _KEYS.items():
        found = arrays[key]
        if found.shape != shape or found.dtype != np.uint8:
            raise DataError(f"{expected}; {key} is {found.dtype} {found.shape}, expected uint8 {shape}.")
        if key.startswith("y") and set(np.unique(found)) != set(range(CLASSES)):
            raise DataError(f"{expected}; {key} should hold each of the classes 0 to 9 and nothing else.")
        if key.startswith("x") and (found.min(), found.max()) != (0, 255):
            raise DataError(f"{expected}; pixels of {key} go from {found.min()} to {found.max()}, expected 0 to 255.")
    x, xt = (arrays[f"x_{part}"].reshape(rows, -1) for part, rows in _PARTS.items())
    data = Dataset(name, x, arrays["y_train"], xt, arrays["y_test"], 255, origin)
    actual = _KNOWN.get(_sha256(data), name)
    if actual != name:
        raise DataError(f"{source} is not {name}: its images are those of {actual}. Say --dataset {actual}.")
    return data


@lru_cache(maxsize=2)
def _from_keras(name: str) -> Dataset:
    """By keras.datasets: from its cache, or downloaded; it verifies what it downloads."""
    import keras_mlp  # noqa: F401  (starts TensorFlow quietly)

    # isort: split
    import keras

    try:
        with _impatient():
            train, test = getattr(keras.datasets, name).load_data()
    except Exception as error:  # noqa: BLE001 - get_file raises a bare Exception when the network is away
        raise DataError(
            f"{name} cannot be had: keras.datasets.{name} failed ({str(error).splitlines()[0]}). "
            f"Three ways to give it: connect to the network, so that Keras downloads it; --data PATH, a {name}.npz or "
            f"its folder; or the variable {VARIABLE}, a folder that holds {name}.npz."
        ) from None
    arrays = {"x_train": train[0], "y_train": train[1], "x_test": test[0], "y_test": test[1]}
    return _check(name, arrays, f"keras.datasets.{name}", f"keras.datasets, Keras {keras.__version__}")


@contextmanager
def _impatient() -> Iterator[None]:
    """Sockets that are silent for long give up."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
