"""Gradients that a function of the user's gives: it is called, judged, traced, and called on smaller cases."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from gradient_diff.calling import call_derivation
from gradient_diff.comparison import cut_down
from gradient_diff.keras.gradients.deciding import read_either_way
from gradient_diff.keras.gradients.request import Request
from gradient_diff.result.diff import GradientDiff
from gradient_diff.source.answers import Answers
from gradient_diff.source.attached import with_code
from gradient_diff.source.raising import explaining
from gradient_diff.source.subject import subject_of
from manual_mlp import Array, Problem
from manual_mlp.extend import Arrays


def of_function(request: Request, function: Callable[..., object], trace: bool | None) -> GradientDiff:
    """Of a function's gradients; without masks it is called on smaller cases, too, if nothing explains them."""
    given = request.masks if _takes_draws(function) else None
    with explaining(function if given is None else partial(_without_draws, function), lambda: _problem(request)):
        called = call_derivation(function, request.handed, request.data.x, request.data.y, given)

    def knows_weights() -> bool:
        """A function that reads the weights that it is given was called at the model's."""
        return not _is_idle(function, request, given, called.gradients)

    found, read = read_either_way(request, request.read(called.gradients), knows_weights)
    named, diff = read.arrays, replace(found, changed=called.changed)
    more: tuple[Any, ...] = () if given is None else ({},)
    traced = subject_of(lambda w, x, y: function(w, x, y, *more), Answers(request.options.names), function)
    problem = None if request.masks or diff.problem is None else diff.problem
    diff = with_code(diff, traced, problem, trace)
    trained = request.parameters.keys() - (request.mlp.untrained if request.mlp else frozenset())
    if request.masks or not named.keys() >= trained:  # a smaller case is held against every gradient
        return diff

    def again(w: Arrays, x: Array, y: Array) -> Arrays:
        found = request.read_again(function(w, x, y, *more), w, read.reading)
        return {n: found[n] for n in w if n in trained}

    return cut_down(diff, again)


def _takes_draws(function: Callable[..., object]) -> bool:
    """Whether its fourth argument is for draws: it is called so, or it must be given."""
    try:
        positional = list(inspect.signature(function).parameters.values())[3:4]
    except (TypeError, ValueError):  # one that tells nobody what it takes
        return False
    ordinary = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return any(p.kind in ordinary and (p.name == "draws" or p.default is p.empty) for p in positional)


def _is_idle(function: Callable[..., object], request: Request, draws: Arrays | None, found: object) -> bool:
    """Whether other weights change nothing of what a function returns."""
    others = {n: a + a.std() + 1 for n, a in request.handed.items()}
    again = call_derivation(function, others, request.data.x, request.data.y, draws).gradients
    first, second = (request.read(g).arrays for g in (found, again))
    return all(np.array_equal(a, second[n]) for n, a in first.items())


def _without_draws(function: Callable[..., object], parameters: Arrays, x: Array, y: Array) -> object:
    return function(parameters, x, y, {})


def _problem(request: Request) -> Problem | None:
    """What the function was called on, where its network is known and nothing is drawn."""
    if request.network is None or request.masks:
        return None
    mlp, loss = request.network
    options: dict[str, Any] = {"sample_weight": request.data.sample_weight, "training": request.in_training}
    return mlp.problem(request.parameters, request.data.x, request.data.y, loss, fused=False, **options)
