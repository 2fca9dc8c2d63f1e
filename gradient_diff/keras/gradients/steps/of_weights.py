"""Weights before and after a step of the user's: what gradient it took, whatever its layers drew."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from gradient_diff.keras.gradients.another.another import named_by_another
from gradient_diff.keras.gradients.deciding import reference_of
from gradient_diff.keras.gradients.readings import as_trained, draws, step_from_earlier
from gradient_diff.keras.gradients.request import Request
from gradient_diff.keras.gradients.steps.judging import judged_step
from gradient_diff.keras.gradients.steps.optimizers import MadeBy
from gradient_diff.result.diff import GradientDiff
from gradient_diff.stepping.step import Step
from manual_mlp.extend import Arrays


def of_step(request: Request, before: Arrays, after: Arrays, made_by: MadeBy) -> GradientDiff:
    """By the gradient that the step took; the weights are in float64, where the model may hold them rounded."""
    step = _step(request, before, after, made_by.rate or 1.0)  # where it is not known, it is read from the step

    def judge(asked: Request) -> GradientDiff:
        reference = reference_of(asked, step.gradients, True)
        otherwise = partial(named_by_another, asked, step.gradients, hidden=step.hidden, after=step.after)
        return judged_step(asked, step, reference, made_by, otherwise)

    return _stepped(request, judge)


def _stepped(request: Request, judge: Callable[[Request], GradientDiff]) -> GradientDiff:
    """Of weights around a step: what it drew is known only if it was the last pass."""
    diff = None if draws(request) else judge(request)
    if (diff is None or diff.verdict.bad) and (found := step_from_earlier(request, judge)) is not None:
        return found
    if diff is not None:
        return as_trained(request, diff, judge, None)
    raise ValueError(
        "after= of a model with Dropout or another layer that draws: nobody knows any more what that step drew. Pass "
        "gradients= as a function (parameters, x, y, draws), which is given the masks; or training=False."
    )


def _step(request: Request, before: Arrays, found: Arrays, rate: float) -> Step:
    free = {*request.trainable, *(request.mlp.untrained if request.mlp else ())}  # a pass moves statistics on
    moved = [n for n, a in found.items() if n not in free and not np.array_equal(a, before[n])]
    if moved and request.mlp is not None:
        raise ValueError(
            f"after=: the step changed {', '.join(moved)}, which the model has frozen. "
            "Leave frozen weights out of the update, or set layer.trainable = True."
        )
    start, end = ({n: side[n] for n in request.trainable if n in side} for side in (before, found))
    return Step(start, end, rate)
