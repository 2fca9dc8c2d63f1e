"""Why batches: time per image against batch size, reading and arithmetic apart. Article B's two arguments, measured."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pandas as pd

from experiments.frame.study import Part, Picture, Settings, Table, paragraphs
from experiments.support.datasets import Dataset
from experiments.support.drawing import BLUE, GREEN, RED, panels
from keras_mlp import to_keras
from manual_mlp import MLP, Array
from manual_mlp.extend import Arrays

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.progress import Progress


SIZES = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000)
IMAGES = 10_000  # in the file that is read
PAIRS = 25
TURNS = 50  # batches of each size, fewer of large ones
CAPTION = "Time per image against batch size"
READING, BY_HAND, BY_KERAS = "reading, µs per image", "arithmetic by hand, µs per image", "by Keras, µs per image"


def batches_part(mlp: MLP, parameters: Arrays, data: Dataset, settings: Settings, progress: Progress) -> Part:
    """The table and the plot of the times, and what the article says of them."""
    frame = times(mlp, parameters, data, settings.dtype, progress)
    gain = gains(data, settings.dtype, lambda x: mlp.predict(parameters, x).argmax(axis=1))
    return Part(
        "Why batches",
        paragraphs(f"""
            The article gives two reasons why batches are faster than single images: libraries are made for large
            arrays, and there are fewer reads. Here each has its own column.

            Reading is what brings a batch from a file into an array of numbers: one read call for the rows of the
            batch, from a file of {IMAGES:,} images of one byte a pixel, and the division that makes them
            {settings.dtype} in [0, 1]. The file is fresh, so the operating system still holds it in memory: a disk
            would make each call dearer, and batches pay still more. Arithmetic is the forward pass up to the classes,
            by hand and as a call of the Keras model.

            Each number is a median over up to {TURNS} batches. Times are of this machine and of this run. What is
            claimed below is measured in {PAIRS} pairs, an image alone and then 100 at once: other work on the machine
            slows both down.
        """),
        tables={CAPTION: Table(frame, ("batch size",))},
        claims={
            "read 100 at a time, an image takes less than half of the time that it takes alone": gain[READING] > 2,
            "computed 100 at a time, an image takes less than half of the time that it takes alone": gain[BY_HAND] > 2,
        },
        pictures={"Time per image, reading and arithmetic apart": Picture((CAPTION,), picture)},
    )


def times(mlp: MLP, parameters: Arrays, data: Dataset, dtype: str, progress: Progress) -> pd.DataFrame:
    """Medians per batch size; each engine goes through all sizes before the next one starts.

    Thread pools of BLAS and TensorFlow disturb each other where they take turns.
    """
    model = to_keras(mlp, parameters, dtype)
    engines: dict[str, Callable[[Array], object]] = {
        BY_HAND: lambda x: mlp.predict(parameters, x).argmax(axis=1),
        BY_KERAS: lambda x: np.asarray(model(x)).argmax(axis=1),
    }
    columns: dict[str, list[float]] = {name: [] for name in (READING, *engines)}
    with _file_of(data) as file:
        read = _reader(file, data, dtype)
        for name, engine in (("", None), *engines.items()):
            for size in progress.track(SIZES, description=f"batch sizes: {name or READING}"):
                columns[name or READING].append(_per_image(read, engine, size))
    return pd.DataFrame({"batch size": SIZES, **columns})


def _per_image(read: Callable[[int, int], Array], engine: Callable[[Array], object] | None, size: int) -> float:
    """Median of reading a batch, or of the arithmetic on it, in µs per image; one turn goes before to warm up."""
    seconds = [_seconds(read, engine, start, size) for start in (0, *turns(size))]
    return float(np.median(seconds[1:])) / size * 1e6


def _seconds(
    read: Callable[[int, int], Array], engine: Callable[[Array], object] | None, start: int, size: int
) -> float:
    """Of reading a batch, or of the arithmetic on it."""
    begun = time.perf_counter()
    x = read(start, size)
    if engine is not None:
        begun = time.perf_counter()
        engine(x)
    return time.perf_counter() - begun


def gains(data: Dataset, dtype: str, by_hand: Callable[[Array], object]) -> dict[str, float]:
    """How many times as long an image takes alone as among 100: the median over pairs that are measured in turn."""
    found = {}
    with _file_of(data) as file:
        read = _reader(file, data, dtype)
        for name, engine in ((READING, None), (BY_HAND, by_hand)):
            pairs = [[_seconds(read, engine, start, size) / size for size in (1, 100)] for start in range(PAIRS + 1)]
            found[name] = float(np.median([alone / among for alone, among in pairs[1:]]))  # the first warms up
    return found


def turns(size: int) -> list[int]:
    """Where in the file the batches of a size start."""
    places = range(0, IMAGES - size + 1, size)
    count = max(5, min(TURNS, len(places)))
    return [places[i % len(places)] for i in range(count)]


@contextmanager
def _file_of(data: Dataset) -> Iterator[BinaryIO]:
    """10,000 images in a file, one byte a pixel, opened without Python's own buffer."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images"
        np.resize(data.x_test, (IMAGES, data.inputs)).tofile(path)
        with path.open("rb", buffering=0) as file:
            yield file


def _reader(file: BinaryIO, data: Dataset, dtype: str) -> Callable[[int, int], Array]:
    def read(start: int, size: int) -> Array:
        pixels = np.empty((size, data.inputs), np.uint8)
        file.seek(start * data.inputs)
        file.readinto(pixels)  # type: ignore[attr-defined]  # of a file without a buffer
        return np.divide(pixels, data.brightest, dtype=dtype)

    return read


def picture(frame: pd.DataFrame) -> Figure:
    """The table, on two log axes."""
    figure, (axes,) = panels(6.4, 3.8)
    styles = {READING: (GREEN, "s"), BY_HAND: (BLUE, "o"), BY_KERAS: (RED, "^")}
    for name, (colour, marker) in styles.items():
        label = name.removesuffix(", µs per image")
        axes.loglog(frame["batch size"], frame[name], color=colour, marker=marker, markersize=4, label=label)
    axes.set(xlabel="batch size", ylabel="µs per image")
    axes.legend(frameon=False)
    return figure
