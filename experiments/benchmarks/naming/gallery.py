"""Every known mistake, committed on purpose by an independent derivation, and what it is named: a table.

The pages to read about a mistake are the field guide's, `gradient-diff explain`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from experiments.benchmarks.naming.trials import derive, named_first
from experiments.frame.study import Part, Result, Settings, Table
from experiments.students.deriving import student_of
from experiments.students.slips import Slip
from experiments.students.wrong_derivations import with_decay
from gradient_diff import MISTAKES, GradientDiff, compare
from manual_mlp import MLP, Dense, Dropout, Evaluation, Loss
from manual_mlp.extend import draw_parameters
from manual_mlp.layers import BatchNormalization, LayerNormalization

if TYPE_CHECKING:
    from rich.progress import Progress

NETS: tuple[tuple[MLP, int, str], ...] = (
    (MLP(7, [Dense(5, "sigmoid"), Dense(3)]), 11, "mean_squared_error"),
    (MLP(7, [Dense(5, "sigmoid"), Dense(3)]), 11, "sum_squared_error"),
    (MLP(5, [Dense(5, "relu"), Dense(5, "tanh"), Dense(5, "tanh"), Dense(3, "sigmoid")]), 11, "quadratic_cost"),
    (MLP(7, [Dense(5, "tanh"), Dense(3, "softmax")]), 11, "categorical_crossentropy"),
    (MLP(7, [Dense(5, "tanh"), Dense(1, "sigmoid")]), 11, "binary_crossentropy"),
    (MLP(7, [Dense(5, "tanh"), Dense(1)]), 11, "mean_squared_error"),
    (MLP(5, [Dense(5, "tanh"), Dense(5, "tanh"), Dense(3)]), 5, "mean_squared_error"),
    (MLP(7, [Dense(5, "tanh"), Dense(1, "sigmoid")]), 11, "saturated binary_crossentropy"),
    (MLP(7, [Dense(5, "tanh"), Dropout(0.3), Dense(3)]), 11, "mean_squared_error"),
    (MLP(7, [Dense(5, "tanh"), BatchNormalization(), Dense(3, "softmax")]), 11, "categorical_crossentropy"),
    (MLP(7, [Dense(5, "tanh"), LayerNormalization(), Dense(3, "softmax")]), 11, "categorical_crossentropy"),
    (MLP(7, [Dense(5, "tanh", kernel_l1=0.03), Dense(3, kernel_l1=0.03)]), 11, "mean_squared_error"),
    (MLP(7, [Dense(5, "tanh", bias_l2=0.03), Dense(3, bias_l2=0.03)]), 11, "mean_squared_error"),
    (MLP(7, [Dense(5, "tanh", activity_l2=0.03), Dense(3)]), 11, "mean_squared_error"),
)
"""Widths and batch are different primes where that is possible, so that every slip shows in the shapes, too."""

Shown: TypeAlias = tuple[Slip, GradientDiff]


def run(settings: Settings, progress: Progress) -> Result:
    """Commit each mistake on the first of a few nets on which it can be made and seen."""
    evaluations = [evaluation(i, settings) for i in range(len(NETS))]
    names = progress.track(MISTAKES, description="mistakes")
    shown = {name: found for name in names if (found := _first_shown(name, evaluations, settings.seed)) is not None}
    claims = {f"each of the {len(MISTAKES)} mistakes of the list is shown": shown.keys() == MISTAKES.keys()}
    claims |= {
        "each is named first, or tied with the first": all(n in named_first(d.causes) for n, (_, d) in shown.items())
    }
    text = (
        "Each line commits one mistake in plain NumPy, not by the diagnosis's own means, and tells what a comparison "
        "names it. Distance is the relative L2 of the first gradient that is off; where its shape is another one, the "
        "two shapes. What each mistake is, with code: gradient-diff explain ID."
    )
    part = Part("All mistakes", (text,), tables={"Named": _table(shown)}, claims=claims)
    return Result("A gallery of mistakes", (part,))


def evaluation(net: int, settings: Settings) -> Evaluation:
    """The right derivation on one of the nets."""
    mlp, batch, loss = NETS[net]
    rng = np.random.default_rng(settings.seed)
    saturated = 40.0 if loss.startswith("saturated ") else 1.5
    parameters = draw_parameters(rng, mlp, "normal(0.3)")
    parameters = {n: (saturated * a if a.ndim == 2 else a).astype(settings.dtype) for n, a in parameters.items()}
    x, k, name = rng.normal(size=(batch, *mlp.input_shape)), mlp.units[-1], loss.removeprefix("saturated ")
    hot = np.eye(k)[np.arange(batch) % k] if k > 1 else (np.arange(batch)[:, None] % 2).astype(float)
    y = hot if name.endswith("crossentropy") else rng.normal(size=(batch, k))
    return mlp.backpropagate(parameters, x, y, Loss(name), mlp.draws(rng, batch, settings.dtype))


def _first_shown(name: str, evaluations: list[Evaluation], seed: int) -> Shown | None:
    """The first slip that is seen and named; else the first that is seen."""
    seen: Shown | None = None
    for slip, diff in _attempts(name, evaluations, seed):
        if name in named_first(diff.causes):
            return slip, diff
        seen = seen or (slip, diff)
    return seen


def _attempts(name: str, evaluations: list[Evaluation], seed: int) -> Iterator[Shown]:
    for reference in evaluations:
        for slip in student_of(reference.problem).slips(reference.problem, seed):
            hand = derive(reference.problem, slip) if slip.id == name else None
            if hand is not None:
                truth = with_decay(reference, slip.value) if name.startswith("l2_") else reference
                diff = compare(hand, truth)
                if diff.verdict.bad:
                    yield slip, diff


def _table(shown: dict[str, Shown]) -> Table:
    import pandas as pd

    rows = [(name, *_line(name, *shown[name])) for name in MISTAKES if name in shown]
    columns = ["mistake", "what was done", "planted", "on", "named", "tied with", "distance"]
    return Table(pd.DataFrame(rows, columns=columns), ("mistake", "planted", "on", "named", "tied with"))


def _line(name: str, slip: Slip, diff: GradientDiff) -> tuple[str, ...]:
    """What is said of one; tied are mistakes that these data cannot tell apart."""
    net, first = diff.problem, diff.causes[0] if diff.causes else None
    assert net is not None
    where = f"{net.mlp.outline}, {net.loss.name}, batch {net.batch}"
    named, tied = (first.id, ", ".join(first.same_as)) if first else ("", "")
    return MISTAKES[name].title, str(slip), where, named, tied, _distance(diff)


def _distance(diff: GradientDiff) -> str:
    row = next(row for row in diff.rows if row.status.bad)
    if row.metrics is None:
        return f"{row.shape_hand} for {row.shape_reference}"
    return f"{row.metrics.relative_l2:.2e}"
