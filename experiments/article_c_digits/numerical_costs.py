"""Why backpropagation: the forward passes and the seconds that a numerical gradient takes as parameters grow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd

from experiments.frame.study import Part, Picture, Table, paragraphs
from experiments.support.drawing import BLUE, RED, panels
from manual_mlp import MLP, Array, Dense, Problem
from manual_mlp.extend import evaluate

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.progress import Progress


T = TypeVar("T")

HIDDEN = (1, 2, 5, 15, 50, 150)
SAMPLES = 10
ASKED = 500  # parameters that are really nudged in a larger network; the time of all is reckoned from theirs
STEP = 1e-5  # near the cube root of 2⁻⁵³, where truncation h² and rounding 2⁻⁵³/h of central differences balance
TURNS = 31

CAPTION = "Numerical differentiation against backpropagation"
NUMERICAL, BACKWARD = "numerical, s", "backpropagation, s"


def costs_part(x: Array, y: Array, seed: int, progress: Progress) -> Part:
    """Table and plot."""
    rows = [_costs(problem_of(n, x, y, seed), seed) for n in progress.track(HIDDEN, description="numerical gradients")]
    frame = pd.DataFrame(rows)
    passes = frame["backpropagation, in forward passes"]
    return Part(
        "Why backpropagation",
        paragraphs(f"""
            A gradient can be had without any derivation: nudge one parameter up and down by h and see what E does,
            (E(w + h) − E(w − h))/2h. That takes two forward passes for every parameter. Backpropagation takes one
            forward pass and one back, whose cost is about that of two more, however many parameters there are.

            The networks are {x.shape[1]}-n-{y.shape[1]} with n from {HIDDEN[0]} to {HIDDEN[-1]}, on {SAMPLES} images,
            in float64, h = {STEP:g}. In networks with more than {ASKED} parameters, {ASKED} of them are nudged. The
            time for all is reckoned from the median of theirs. Times are of this machine and of this run.
        """),
        tables={CAPTION: Table(frame, ("parameters", "forward passes"))},
        claims={
            "the numerical gradient agrees to 6 digits with the derived one": bool((frame["relative L2"] < 1e-6).all()),
            "backpropagation costs fewer than 10 forward passes in every network": bool((passes < 10).all()),
        },
        pictures={"Seconds for one gradient, by number of parameters": Picture((CAPTION,), picture)},
    )


def problem_of(hidden: int, x: Array, y: Array, seed: int) -> Problem:
    """One network of the table."""
    mlp = MLP(x.shape[1], [Dense(hidden, "sigmoid"), Dense(y.shape[1], "sigmoid")])
    data = x[:SAMPLES].astype(np.float64), y[:SAMPLES].astype(np.float64)
    return mlp.problem(mlp.initialize(seed), *data, "quadratic_cost")


def numerical_gradient(problem: Problem, asked: list[tuple[str, int]], step: float = STEP) -> Iterator[float]:
    """Central differences, (E(w + h) − E(w − h))/2h, two forward passes each."""
    error = forward_pass(problem)
    parameters = {name: array.copy() for name, array in problem.parameters.items()}
    for name, position in asked:
        flat = parameters[name].reshape(-1)
        kept = flat[position]
        flat[position] = kept + step
        above = error(parameters)
        flat[position] = kept - step
        below = error(parameters)
        flat[position] = kept
        yield (above - below) / (2 * step)


def forward_pass(problem: Problem) -> Callable[[dict[str, Array]], float]:
    """Parameters → E, by the forward half of the equations alone."""
    wanted = set(problem.forward_nodes)
    equations = tuple(e for e in problem.equations if e.node in wanted)
    return lambda parameters: float(evaluate(equations, {**problem.environment, **parameters})["loss"])


def _costs(problem: Problem, seed: int) -> dict[str, float]:
    names = [(name, k) for name, array in problem.parameters.items() for k in range(array.size)]
    chosen = np.random.default_rng(seed).permutation(len(names))[:ASKED]
    asked = [names[k] for k in sorted(chosen)]
    derived = problem.mlp.backpropagate(problem.parameters, problem.x, problem.y, problem.loss).gradients
    exact = np.array([derived[name].flat[k] for name, k in asked])
    slopes = numerical_gradient(problem, asked)
    numerical, times = zip(*(_with_time(lambda: next(slopes)) for _ in asked), strict=True)
    seconds = float(np.median(times)) * len(names)  # the median: another process may take a core for a while
    error, parameters = forward_pass(problem), dict(problem.parameters)
    whole = partial(problem.mlp.backpropagate, problem.parameters, problem.x, problem.y, problem.loss)
    # in turn, so that other work on the machine slows both down
    turns = [(_with_time(lambda: error(parameters))[1], _with_time(whole)[1]) for _ in range(TURNS)]
    backward = float(np.median([back for _, back in turns]))
    return {
        "parameters": len(names),
        "forward passes": 2 * len(names),
        NUMERICAL: seconds,
        BACKWARD: backward,
        "backpropagation, in forward passes": float(np.median([back / forth for forth, back in turns])),
        "numerical / backpropagation": seconds / backward,
        "relative L2": float(np.linalg.norm(np.array(numerical) - exact) / np.linalg.norm(exact)),
    }


def _with_time(call: Callable[[], T]) -> tuple[T, float]:
    begun = time.perf_counter()
    value = call()
    return value, time.perf_counter() - begun


def picture(frame: pd.DataFrame) -> Figure:
    """Both curves on two log axes."""
    figure, (axes,) = panels(6.4, 3.6)
    for name, colour, marker in ((NUMERICAL, RED, "s"), (BACKWARD, BLUE, "o")):
        axes.loglog(frame["parameters"], frame[name], color=colour, marker=marker, label=name.removesuffix(", s"))
    axes.set(xlabel="parameters", ylabel="seconds for one gradient")
    axes.legend(frameon=False)
    return figure
