"""What a layer sends down: dE/dz in place of δ, so that f′ is in its own gradients and lost for all below."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from gradient_diff.diagnosis.mistake import makes
from gradient_diff.diagnosis.mistakes.output_delta import dense, logits_head, probability_gradient
from gradient_diff.diagnosis.reenactment.enact import Committed, join
from gradient_diff.diagnosis.reenactment.formula import Formula
from gradient_diff.diagnosis.reenactment.graph import Slope
from gradient_diff.diagnosis.reenactment.scene import Scene
from manual_mlp import Equation
from manual_mlp.extend import Product


def commit(scene: Scene) -> Iterator[Committed]:
    """In one layer, and in all of them as one."""
    made = [list(_send_error(scene, name)) for name in scene.names[1:]]
    for mistakes in made:
        yield from mistakes
    bent = [mistakes for mistakes in made if mistakes]
    for combined in itertools.product(*bent) if len(bent) > 1 else []:
        yield join(combined, "in every layer")


@makes(
    "derivative_not_sent_down",
    "activation",
    title="dE/dz is sent down instead of δ",
    equation="dE/dz_prev = δ Wᵀ, δ = dE/dz ⊙ f′(u)",
    cure="Send down the δ that dE/dW is made of: dE/dz_prev = δ Wᵀ, with f′ of this layer in it.",
)
def _send_error(scene: Scene, name: str) -> Iterator[Committed]:
    """A layer whose activation is linear has no f′ to lose."""
    slope = scene.graph.slope_above(name)
    if slope is None:
        return
    node = scene.graph.sent(name)
    swap = scene.swap(node, Product(transpose_right=True), slope.g, f"{name}/kernel")
    sentence = "dE/dz, without this layer's f′, is sent down through W; its own dE/dW has f′"
    lines = [()] if slope.g in scene.by_node else [(e,) for e in _missing_lines(scene, slope)]
    for extra in lines:
        yield Committed("derivative_not_sent_down", name, sentence, swap, {node: extra} if extra else {})


def _missing_lines(scene: Scene, top: Slope) -> Iterator[Equation]:
    """dE/dz of an output whose loss gives δ at once: as Keras has it, which divides p by its sum, and as books do."""
    yield probability_gradient(scene, top)
    head = logits_head(scene)
    if head is not None and head.kind == "softmax":
        bare = Formula("−c y/p", lambda p, y: -head.c * dense(y, p) / p)
        operation, *operands = scene.weigh(bare, top.z, "y")
        yield Equation(top.layer, top.g, operation, tuple(operands))
