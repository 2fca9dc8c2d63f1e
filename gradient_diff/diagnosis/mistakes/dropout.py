"""Dropout: a backward pass without the mask of the forward pass, or without its scale."""

from __future__ import annotations

from collections.abc import Iterator

from gradient_diff.diagnosis.mistake import makes
from gradient_diff.diagnosis.reenactment.enact import Committed, join
from gradient_diff.diagnosis.reenactment.formula import Formula
from gradient_diff.diagnosis.reenactment.scene import Scene
from manual_mlp import Dropout, Equation
from manual_mlp.extend import Activate

KEPT = Formula("{0} ⊙ [{1} > 0]", lambda a, m: a * (m > 0))
MASKED_TWICE = Formula("{0} ⊙ {1} ⊙ {1}", lambda a, m: a * m * m)


def commit(scene: Scene) -> Iterator[Committed]:
    """Every mistake in a mask, in one layer, and in all of them where there are several."""
    drops = [layer for layer, _ in scene.problem.mlp.masks.values()]
    found = [list(_commit_in(scene, layer)) for layer in drops]
    for mistakes in found:
        yield from mistakes
    for group in zip(*found, strict=True) if len(drops) > 1 else ():
        yield join(group, "in every dropout layer")


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
def _commit_in(scene: Scene, layer: Dropout) -> Iterator[Committed]:
    name, scale = str(layer.name), f"1/(1 − {layer.rate:g}) = {layer.scale:.6g}"
    forward = scene.graph.by_node[f"{name}/z"]
    backward = next(e for e in scene.graph.equations if f"{name}/dE_dz" in e.operands)
    signal, read = backward.operands[0], forward.operands[0]

    def back(operation: Formula | Activate, *more: str) -> dict[str, Equation]:
        return scene.swap(backward.node, operation, signal, *more)

    missing, unscaled = "dropout_mask_missing", "dropout_scale_missing"
    yield Committed(missing, name, "dE/dz is handed down without the mask", back(Activate("linear")))
    larger = Formula(f"{layer.scale:.6g} {{0}}", lambda g: layer.scale * g)
    yield Committed(
        missing, name, f"dE/dz is handed down with the {scale} of the mask, but not its zeros", back(larger)
    )
    sentence = f"the mask goes back without its {scale}"
    yield Committed(unscaled, name, sentence, back(KEPT, layer.mask))
    ahead = scene.swap(forward.node, KEPT, read, layer.mask)
    sentence = f"the mask has no {scale}, neither forward nor backward"
    yield Committed(unscaled, name, sentence, ahead | back(KEPT, layer.mask))
    yield Committed(unscaled, name, f"the mask goes forward without its {scale}", ahead)
    through = scene.swap(forward.node, Activate("linear"), read)
    yield Committed(
        missing, name, "nothing is dropped, neither forward nor backward", through | back(Activate("linear"))
    )
    squared = scene.swap(forward.node, MASKED_TWICE, read, layer.mask)
    yield Committed(unscaled, name, "the mask is multiplied twice", squared | back(MASKED_TWICE, layer.mask))
