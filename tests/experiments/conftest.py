"""Each study runs once, for all tests of this folder; and a small study to try the runner on."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from rich.progress import Progress

from experiments import STUDIES, Entry
from experiments.frame.running import Outcome, run_study
from experiments.frame.study import Comparison, Part, Picture, Result, Settings, Table
from gradient_diff import Status, compare
from manual_mlp import MLP, Dense

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@pytest.fixture(scope="session")
def fresh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Outcome]:
    """name → the outcome of a run with the usual settings; a second call runs nothing."""
    out = tmp_path_factory.mktemp("results")
    shared = tmp_path_factory.getbasetemp().parent if request.config.getoption("loadgroup", False) else None

    @cache
    def run(name: str) -> Outcome:
        if shared is not None:
            _claim(shared / f"{name}.claimed", name)
        with Progress(disable=True) as progress:
            return run_study(name, Settings(), out, progress)

    return run


def _claim(mark: Path, name: str) -> None:
    """All workers see the mark of the one that runs a study; runs cost most of the suite's time."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        pytest.fail(f"{name} runs in a second worker: tools/sharing.py is to give both tests one group.")


@pytest.fixture(scope="module")
def outcome(request: pytest.FixtureRequest, fresh: Callable[[str], Outcome]) -> Outcome:
    """Of the study that the test file names as its STUDY."""
    return fresh(request.module.STUDY)


@pytest.fixture(scope="module")
def folder(outcome: Outcome) -> Path:
    """Where its files are."""
    return outcome.report.parent


@pytest.fixture(scope="module")
def table(folder: Path) -> Callable[[str], pd.DataFrame]:
    """Name of a file → the table that was saved."""
    return lambda name: pd.read_csv(folder / "tables" / f"{name}.csv")


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """The folder with the real MNIST; without it the tests that need it are skipped, and say so."""
    folder = Path(os.environ.get("GRADIENT_DIFF_DATA", "nowhere"))
    for name in ("mnist.npz", "three_layer_784_50_100_10.npz"):
        if not (folder / name).is_file():
            pytest.skip(f"the variable GRADIENT_DIFF_DATA names no folder with {name}")
    return folder


@pytest.fixture
def progress() -> Iterator[Progress]:
    with Progress(disable=True) as bars:
        yield bars


def demo_result(settings: Settings) -> Result:
    """A match, a mistake on purpose, a table, a claim, a picture and an Evaluation."""
    mlp = MLP(2, [Dense(1)])
    hand = mlp.backpropagate(mlp.initialize(settings.seed), np.ones((3, 2)), np.zeros((3, 1)), "mse")
    double = {name: 2 * gradient for name, gradient in hand.gradients.items()}
    part = Part(
        "A part",
        ("Some text.",),
        tables={"The numbers": Table(pd.DataFrame({"name": ["a", "b"], "value": [0.1, 2.0]}), ("name",))},
        comparisons={
            "hand: itself": Comparison(compare(hand, hand)),
            "hand: doubled": Comparison(compare(double, hand), Status.MISMATCH),
        },
        claims={"one is one": True},
        pictures={"The picture": Picture(("The numbers",), demo_picture)},
    )
    return Result("A demo", (part,), {"evaluation": hand})


def demo_picture(numbers: pd.DataFrame) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 2))
    figure.subplots().plot(numbers["value"])
    return figure


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The study `demo`; a test may put another function in place of its `run`."""
    study = SimpleNamespace(run=lambda settings, progress: demo_result(settings))
    monkeypatch.setitem(sys.modules, "experiments.demo", study)
    monkeypatch.setitem(STUDIES, "demo", Entry("demo", "a study to try the runner on"))
    return study
