"""What a wrong hand is the right gradient of, where no known mistake explains it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gradient_diff.keras.gradients.another.another_e import another_e, derivative_proper
from gradient_diff.keras.gradients.another.another_forward import another_forward, exchanged
from gradient_diff.keras.gradients.another.solved import constant_factor, weighs
from gradient_diff.keras.gradients.another.variations import Hand
from gradient_diff.keras.gradients.objective import Objective
from gradient_diff.keras.gradients.request import Request, is_finer
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.findings import Cause
from gradient_diff.result.status import Status
from keras_mlp.extend import layer_weights
from manual_mlp import Array
from manual_mlp.extend import Arrays


def named_by_another(
    request: Request,
    mine: Arrays,
    diff: GradientDiff,
    hidden: Mapping[str, Array] | None = None,
    after: Arrays | None = None,
) -> GradientDiff:
    """The same comparison, with another E or another forward pass as its cause, if the hand is the gradient of one.

    `hidden`, by weight, is what storing the weights hides of gradients inferred from a step; `after` are the
    weights that it led to.
    """
    weights = layer_weights(request.model)
    wanted = tuple(n for n in weights if n in mine)
    if any(row.status is Status.NONFINITE for row in diff):  # of NaN nothing is the gradient
        return diff
    if not diff.verdict.bad or not wanted or any(mine[n].shape != tuple(weights[n].shape) for n in wanted):
        return diff
    if diff.causes and not weighs(request.objective):
        return diff
    measured = request.measured(wanted)
    finer = is_finer(mine, hidden is not None, request.stored) and measured.fine is not None
    right = diff.verdict is Status.REFERENCE_OFF
    for hand in Hand.read({n: mine[n] for n in wanted}, measured, finer, hidden or {}):
        cause = constant_factor(hand, measured.objective)
        if not cause and not diff.causes:
            cause = exchanged(hand, measured.objective, after) if after else None
            cause = cause or _cause(hand, measured.objective, right)
        if cause:
            return replace(diff, causes=(cause,), unexplained="", smallest=None)
    return diff


def _cause(hand: Hand, e: Objective, right: bool) -> Cause | None:
    """A hand that is right says what TensorFlow does not differentiate as it stands."""
    return derivative_proper(hand, e) if right else another_e(hand, e) or another_forward(hand, e)
