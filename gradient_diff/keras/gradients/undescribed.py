"""A model without equations of the house: its tape, judged by what runs of the model itself tell."""

from __future__ import annotations

import numpy as np

from gradient_diff.keras.gradients.reference import Reference
from gradient_diff.keras.gradients.request import Request, is_finer
from gradient_diff.noise.given import widened
from manual_mlp.extend import LOSS, Arrays

UNSTEADY = (
    "two passes of the model from the same seeds and states differ by more than rounding explains: something draws "
    "from a seed that is not the model's own, the loss perhaps. Only a function of x, y and the weights has a "
    "gradient; draw with a keras.random.SeedGenerator of a layer, or freeze the seed"
)


def measured_reference(request: Request, mine: Arrays, of_step: bool) -> Reference:
    """The gradients of the model, in float64 where these deserve it, with the rounding that draws measure."""
    model = request.measured({*request.trainable, *mine})
    finer = is_finer(mine, of_step, request.stored) and model.fine is not None and not request.as_trained
    tape: Arrays = model.first.gradients
    rounded, run = None, model.plain
    if finer:
        tape, rounded, run = model.in_float64(mine)
    if LOSS in mine and not request.loss.stepped:
        value = model.plain.gradients().loss if finer else model.first.loss
        tape = {LOSS: np.array(value, next(iter(tape.values())).dtype), **tape}
    noise = (
        widened(model.noise(tape, request.coarsely), mine, tape) if request.options.silent else request.options.noise
    )
    doubt = "" if model.steady else UNSTEADY
    known = request.options, model.origin(finer), model.witness(run), model.sizes, rounded, doubt
    return Reference(tape, noise, *known, model.always_zero, model.first.unreached, model.layers_off)
