"""Every known mistake, committed on purpose by an independent derivation: its picture and its diagnosis on one page."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from experiments.benchmarks.naming.trials import derive, named_first
from experiments.frame.study import Comparison, Part, Picture, Result, Settings, Table
from experiments.students.deriving import student_of
from experiments.students.slips import Slip
from experiments.students.wrong_derivations import with_decay
from experiments.support.drawing import panels
from gradient_diff import MISTAKES, GradientDiff, Mistake, compare
from manual_mlp import MLP, Dense, Dropout, Evaluation, Loss
from manual_mlp.extend import draw_parameters
from manual_mlp.layers import BatchNormalization, LayerNormalization

if TYPE_CHECKING:
    from matplotlib.figure import Figure
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
    (MLP(7, [Dense(5, "tanh", kernel_l1=0.05, activity_l2=0.3), Dense(3, kernel_l1=0.05)]), 11, "mean_squared_error"),
    (MLP(7, [Dense(5, "tanh", bias_l2=0.1), Dense(3, bias_l2=0.1)]), 11, "mean_squared_error"),
)
"""Widths and batch are different primes where that is possible, so that every slip shows in the shapes, too."""


def run(settings: Settings, progress: Progress) -> Result:
    """Show each mistake on the first of a few nets on which it can be made and seen."""
    evaluations = [evaluation(i, settings) for i in range(len(NETS))]
    parts, named = [], {}
    for name in progress.track(MISTAKES, description="mistakes"):
        found = _first_shown(name, evaluations, settings.seed)
        if found is not None:
            slip, diff = found
            parts.append(_part(MISTAKES[name], slip, diff))
            named[name] = name in named_first(diff.causes)
    claims = {f"each of the {len(MISTAKES)} mistakes of the list is shown": len(named) == len(MISTAKES)}
    claims |= {"each is named first, or tied with the first": all(named.values())}
    text = "Each section commits one mistake in plain NumPy, not by the diagnosis's own means, and shows what it says."
    return Result(
        "A gallery of mistakes", (Part("All mistakes", (text,), tables={"Named": _table(named)}, claims=claims), *parts)
    )


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


def _first_shown(name: str, evaluations: list[Evaluation], seed: int) -> tuple[Slip, GradientDiff] | None:
    """The first slip that is seen and named; else the first that is seen."""
    seen: tuple[Slip, GradientDiff] | None = None
    for slip, diff in _attempts(name, evaluations, seed):
        if name in named_first(diff.causes):
            return slip, diff
        seen = seen or (slip, diff)
    return seen


def _attempts(name: str, evaluations: list[Evaluation], seed: int) -> Iterator[tuple[Slip, GradientDiff]]:
    for reference in evaluations:
        for slip in student_of(reference.problem).slips(reference.problem, seed):
            hand = derive(reference.problem, slip) if slip.id == name else None
            if hand is not None:
                truth = with_decay(reference, slip.value) if name.startswith("l2_") else reference
                diff = compare(hand, truth)
                if diff.verdict.bad:
                    yield slip, diff


def _part(mistake: Mistake, slip: Slip, diff: GradientDiff) -> Part:
    net = diff.problem
    assert net is not None
    where = f"on a {net.mlp.outline} network with {net.loss.name}, batch {net.batch}"
    text = (
        f"What was done: {mistake.title}. Here: {slip}, {where}.",
        f"The cure: {mistake.cure}",
    )
    caption = f"{mistake.id} committed"
    pictures = {f"{mistake.id}, hand and reference": Picture((), partial(_draw, diff))}
    return Part(mistake.id, text, comparisons={caption: Comparison(diff, diff.verdict)}, pictures=pictures)


def _draw(diff: GradientDiff) -> Figure:
    """Hand, reference and difference of the first row that is off and has values on both sides."""
    row = next((r for r in diff.rows if r.status.bad and r.metrics is not None), diff.rows[0])
    hand, reference = np.atleast_2d(diff.hand[row.name]), np.atleast_2d(diff.reference[row.name])
    shown = {"hand": hand, "reference": reference}
    if hand.shape == reference.shape:
        shown["difference"] = hand - reference
    figure, places = panels(7, 1.9, columns=len(shown), boxed=True)
    for axes, (title, values) in zip(places, shown.items(), strict=True):
        limit = float(np.abs(values).max()) or 1.0
        image = axes.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
        axes.set(title=f"{title} {values.shape}", xticks=[], yticks=[])
        figure.colorbar(image, ax=axes)
    figure.suptitle(row.name, fontsize=9)
    return figure


def _table(named: dict[str, bool]) -> Table:
    import pandas as pd

    rows = [(m.id, m.family, m.title, "yes" if named.get(m.id) else "no") for m in MISTAKES.values()]
    return Table(pd.DataFrame(rows, columns=["mistake", "family", "what was done", "named"]), ("mistake", "named"))
