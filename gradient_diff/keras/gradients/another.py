"""What a wrong hand is the right gradient of, where no known mistake explains it."""

from __future__ import annotations

from dataclasses import replace

from gradient_diff.keras.gradients.another_e import another_e
from gradient_diff.keras.gradients.another_forward import another_forward
from gradient_diff.keras.gradients.measured import Measured
from gradient_diff.keras.gradients.request import Request, is_finer
from gradient_diff.keras.gradients.variations import Hand
from gradient_diff.result.diff import GradientDiff
from keras_mlp.extend import layer_weights
from manual_mlp.extend import Arrays


def named_by_another(request: Request, mine: Arrays, diff: GradientDiff) -> GradientDiff:
    """The same comparison, with another E or another forward pass as its cause, if the hand is the gradient of one."""
    weights = layer_weights(request.model)
    wanted = tuple(n for n in weights if n in mine and mine[n].shape == tuple(weights[n].shape))
    if not wanted or len(wanted) < len(mine):
        return diff
    measured = Measured(request.objective, wanted, request.mode)
    hand = Hand.of({n: mine[n] for n in wanted}, measured, is_finer(mine, of_step=False) and measured.fine is not None)
    cause = another_e(hand, measured.objective) or another_forward(hand, measured.objective)
    return replace(diff, causes=(cause,), unexplained="", smallest=None) if cause else diff
