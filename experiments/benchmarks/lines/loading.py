"""A user's file on disk and in memory, as a module of his own, and the product called on it as its users call it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from linecache import checkcache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import gradient_diff
from experiments.benchmarks.lines.cases import Case
from experiments.benchmarks.lines.plant import Style
from experiments.benchmarks.lines.problems import called, evaluation_of
from gradient_diff import GradientDiff
from manual_mlp import Evaluation
from manual_mlp.extend import Arrays


@dataclass(frozen=True, eq=False)
class Loaded:
    """A user's file on disk and in memory, and what it is to be held against."""

    case: Case
    file: str
    entry: Any  # its function or step, or the script as a function
    evaluation: Evaluation

    def diff(self, trace: bool | None = None) -> GradientDiff:
        """What the product says, called as its users call it."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of what mistakes make overflow
            return _compared(self.case.style, self.entry, self.evaluation, trace)

    def call(self) -> object:
        """The user's code alone, once."""
        problem = self.evaluation.problem
        given = [problem.x.copy(), problem.y.copy()]
        if self.case.style.call == "step":
            return self.entry(*given)
        return self.entry({n: a.copy() for n, a in problem.parameters.items()}, *given)


@contextmanager
def loaded(case: Case, text: str, seed: int = 0, square: bool = False) -> Iterator[Loaded]:
    """A text as a module of its own, in a real file, so that its source can be read."""
    style = case.style
    with TemporaryDirectory() as folder:
        path = Path(folder) / style.file
        path.write_text(text, encoding="utf-8")
        entry: Any = called(style, text, square, seed, str(path))
        own = weights_of(entry.__self__) if style.call == "step" else None
        yield Loaded(case, str(path), entry, evaluation_of(style, case.variant, seed, square, own))
    checkcache(str(path))  # forgets a file that is gone


def weights_of(net: Any) -> Arrays:
    """The weights of a style's object, under the house's names: lists of weights and biases, or of layers by name."""
    if hasattr(net, "layers"):
        pairs = [(layer["kernel"], layer["bias"]) for layer in net.layers]
    else:
        pairs = list(zip(net.weights, net.biases, strict=True))
    each = ((i, n, a) for i, pair in enumerate(pairs, 1) for n, a in zip(("kernel", "bias"), pair, strict=True))
    return {f"dense_{i}/{n}": np.array(a if n == "kernel" else a.ravel()) for i, n, a in each}


def _compared(style: Style, entry: Any, evaluation: Evaluation, trace: bool | None) -> GradientDiff:
    if style.call != "step":
        return gradient_diff.compare(entry, evaluation, trace=trace)
    return gradient_diff.compare_step(entry, evaluation)
