"""A model whose equations the house knows: its tape, judged by the network's own noise, and the house's derivation."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from gradient_diff.keras.gradients.objective import told
from gradient_diff.keras.gradients.reference import Reference, Rounded, nearest_of
from gradient_diff.keras.gradients.request import Request, is_finer
from gradient_diff.noise.network import Noise, rounding_noise
from keras_mlp import to_keras
from keras_mlp.extend import LossTensor, evaluate_tape, held_constants, kept_seeds, rounded_masks, with_held_constants
from manual_mlp import MLP, Evaluation, Loss, gradient_node
from manual_mlp.extend import Arrays


def described_reference(request: Request, mlp: MLP, loss: Loss, mine: Arrays | None, of_step: bool) -> Reference:
    """The tape, in float64 where the hand deserves it, with constants as held or as written, whichever is nearer."""
    stored = request.stored
    finer = is_finer(mine, of_step, stored) and not request.as_trained  # float64 arrays deserve a float64 reference
    fine = finer or (mine is None and stored == "float64" and not request.as_trained)
    constants = held_constants(mlp, request.model) if finer else ()
    kept = rounded_masks(list(request.masks.values())) if finer else ()
    as_held = with_held_constants(mlp, request.model)
    tapes = [_tape(request, as_held, loss, request.masks, finer and stored != "float64", fine)]
    nets = (as_held, mlp) if constants else (as_held,)
    ways = list(product(nets, (request.masks, request.exact_masks) if kept else (request.masks,)))
    tapes += [_tape(request, net, loss, masks, again=True, fine=True) for net, masks in ways[1:]]
    nearest = nearest_of(mine or {}, [tape.gradients for tape in tapes])
    held = tuple(sorted({*constants, *kept}))
    rounded = Rounded(held, tapes[0 if nearest else -1].gradients) if held else None
    tape = tapes[nearest]
    if mine is not None:
        unasked = {gradient_node(n) for n in request.parameters if n not in request.trainable and n not in mine}
        tape = replace(tape, nodes={n: a for n, a in tape.nodes.items() if n not in unasked})
    noise: Noise | Arrays | None = request.options.noise
    if request.options.silent and (of_step or request.coarsely):
        noise = rounding_noise(tape.problem, request.loss.dtype if request.coarsely else None)
    return Reference(tape, noise, request.options, rounded=rounded)


def _tape(request: Request, mlp: MLP, loss: Loss, masks: Arrays, again: bool, fine: bool) -> Evaluation:
    """Of the model itself; or again of a float64 one with these constants, on these masks."""
    model, parameters = request.model, request.parameters
    if again:
        parameters = {n: a.astype(np.float64) for n, a in parameters.items()}
        model = to_keras(mlp, parameters, "float64")
    x, y, weight = request.data.x, request.data.y, request.data.sample_weight
    options = {"draws": masks, "sample_weight": weight, "training": request.in_training}
    problem = mlp.problem(parameters, x, y, loss, fused=False, **options)
    tensor = _told(request, request.loss.computed_finely(request.stored) if fine else request.loss.tensor)
    words = request.loss.words
    with kept_seeds(model):  # another reading of the request starts from where these stand
        return evaluate_tape(model, problem, tensor, request.mode, words, again)


def _told(request: Request, tensor: LossTensor) -> LossTensor:
    """A loss that says in a sentence what Keras could not compute: a compiled one is built at its first call."""

    def value(*arguments: Any) -> Any:
        with told(request.objective):
            return tensor(*arguments)

    return value


def own_derivation(request: Request) -> Evaluation:
    """What the house derives itself, where nothing was brought."""
    assert request.network is not None  # else there would be no reference
    mlp, loss = request.network
    x, y, weight = request.data.x, request.data.y, request.data.sample_weight
    held = with_held_constants(mlp, request.model)
    return held.backpropagate(request.parameters, x, y, loss, request.masks, weight, request.in_training)
