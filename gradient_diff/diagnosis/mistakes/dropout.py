"""Dropout: a backward pass without the mask of the forward pass, or without its scale."""

from __future__ import annotations

from collections.abc import Iterator

from gradient_diff.diagnosis.mistake import makes
from gradient_diff.diagnosis.reenactment.enactment import Enactment
from gradient_diff.diagnosis.reenactment.formula import Formula
from gradient_diff.diagnosis.reenactment.setting import Setting
from manual_mlp import Dropout, Equation
from manual_mlp.extend import Activate

KEPT = Formula("{0} ⊙ [{1} > 0]", lambda a, m: a * (m > 0))
MASKED_TWICE = Formula("{0} ⊙ {1} ⊙ {1}", lambda a, m: a * m * m)


def dropout(setting: Setting) -> Iterator[Enactment]:
    """Every mistake in a mask, in one layer, and in all of them where there are several."""
    drops = [layer for layer in setting.problem.mlp.layers if isinstance(layer, Dropout)]
    found = [list(_one(setting, layer)) for layer in drops]
    for mistakes in found:
        yield from mistakes
    for group in zip(*found, strict=True) if len(drops) > 1 else ():
        swaps = {n: e for mistake in group for n, e in mistake.swaps.items()}
        sentence = f"in every dropout layer, {group[0].sentence}"
        yield Enactment(group[0].id, "", sentence, swaps, places=len(group))


@makes(
    "dropout_mask_missing",
    "dropout",
    title="the backward pass goes through what was dropped",
    equation="dE/dz_prev = dE/dz ⊙ m",
    cure="dE/dz_prev = dE/dz ⊙ m, with the mask of the forward pass.",
    tell_apart="another draw of the masks",
)
@makes(
    "dropout_scale_missing",
    "dropout",
    title="the 1/(1 − rate) of the mask is left out",
    equation="m = 1/(1 − rate) where a unit is kept, else 0",
    cure="m is 1/(1 − rate) where a unit is kept, forward and backward.",
    alike=("learning_rate_inside",),
    tell_apart="another rate",
)
def _one(setting: Setting, layer: Dropout) -> Iterator[Enactment]:
    name, scale = str(layer.name), f"1/(1 − {layer.rate:g}) = {layer.scale:.6g}"
    forward = setting.structure.by_node[f"{name}/z"]
    backward = next(e for e in setting.structure.equations if f"{name}/dE_dz" in e.operands)
    signal, read = backward.operands[0], forward.operands[0]

    def back(operation: Formula | Activate, *more: str) -> dict[str, Equation]:
        return setting.swap(backward.node, operation, signal, *more)

    missing, unscaled = "dropout_mask_missing", "dropout_scale_missing"
    yield Enactment(missing, name, "dE/dz is handed down without the mask", back(Activate("linear")))
    larger = Formula(f"{layer.scale:.6g} {{0}}", lambda g: layer.scale * g)
    yield Enactment(
        missing, name, f"dE/dz is handed down with the {scale} of the mask, but not its zeros", back(larger)
    )
    sentence = f"the mask goes back without its {scale}"
    yield Enactment(unscaled, name, sentence, back(KEPT, layer.mask))
    ahead = setting.swap(forward.node, KEPT, read, layer.mask)
    sentence = f"the mask has no {scale}, neither forward nor backward"
    yield Enactment(unscaled, name, sentence, ahead | back(KEPT, layer.mask))
    yield Enactment(unscaled, name, f"the mask goes forward without its {scale}", ahead)
    through = setting.swap(forward.node, Activate("linear"), read)
    yield Enactment(
        missing, name, "nothing is dropped, neither forward nor backward", through | back(Activate("linear"))
    )
    squared = setting.swap(forward.node, MASKED_TWICE, read, layer.mask)
    yield Enactment(unscaled, name, "the mask is multiplied twice", squared | back(MASKED_TWICE, layer.mask))
