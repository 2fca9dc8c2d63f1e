"""Regularisation: what is left over is a multiple of the weights; penalties that E has are in `penalties`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from gradient_diff.diagnosis.mistakes.penalty_forms import l2_forms
from gradient_diff.diagnosis.reenactment.enact import Committed, Finish, is_bias, is_kernel
from gradient_diff.diagnosis.reenactment.scene import Scene
from manual_mlp import Array, gradient_node
from manual_mlp.extend import is_gradient


def commit(scene: Scene) -> Iterator[Committed]:
    """A decay 2λW that the reference's gradients show and the problem does not tell of, or one that only the hand has.

    λ of the reference's is known, and what the hand made of it is then no free constant.
    """
    if scene.decay:
        yield from _add_known(scene)
    else:
        yield from _add_fitted(scene)


def _add_known(scene: Scene) -> Iterator[Committed]:
    size = f"λ = {scene.decay:.6g}"
    for name, factor, term, sentence in l2_forms("W", scene.batch):
        finish = _add_weights(scene, is_kernel, 2 * (factor - 1) * scene.decay)
        yield Committed(name, "", f"{sentence}, {size}", finish=finish, written=f"dE/dW{term}", right="dE/dW + 2λW")
    for factor in (1, 2):
        finish = _add_weights(scene, is_bias, factor * scene.decay)
        words = f"your bias gradients have a decay term, too, {factor:g}λb with {size}"
        yield Committed("l2_bias", "", words, finish=finish, written=f"dE/db + {factor:g}λb", right="dE/db")


def _add_fitted(scene: Scene) -> Iterator[Committed]:
    """A multiple c of the weights in every kernel, every bias, or both, that E knows nothing of."""
    differ = "differ from the reference's by"
    for of, nodes, whose, times in (
        ("W", is_kernel, "your kernel gradients", "· W, the same in every layer"),
        ("b", is_bias, "your bias gradients", "· b"),
        ("b", _is_parameters, "your gradients", "times the parameters, biases too"),
    ):
        decayed = {gradient_node(name) for name, penalty in scene.graph.penalties.items() if penalty.l2}
        found = [n for n in scene.gradients if nodes(n)]
        if decayed.issuperset(found):
            continue  # another λ of E's own
        c = _fit(scene, found)
        if not c:
            continue
        sentence, finish = f"{whose} {differ} {c:.6g} {times}", _add_weights(scene, nodes, c)
        written, right = f"dE/d{of} + {c:.6g} {of}", f"dE/d{of}"
        for name in ("l2_bias",) if of == "b" else ("l2_missing", "l2_sign") if c < 0 else ("l2_missing",):
            yield Committed(name, "", sentence, finish=finish, constants=1, written=written, right=right)


def _is_parameters(node: str) -> bool:
    return is_gradient(node, "kernel", "bias")


def _fit(scene: Scene, nodes: list[str]) -> float | None:
    """c of hand − right = c W, if that is of the right kind at all."""
    nodes = [n for n in nodes if scene.weights(n).shape == scene.hand[n].shape]
    return decay_between({n: scene.hand[n] - scene.right[n] for n in nodes}, {n: scene.weights(n) for n in nodes})


def decay_between(difference: Mapping[str, Array], weights: Mapping[str, Array]) -> float | None:
    """c of difference = c W over all arrays, by least squares; None where there is nothing to fit, or it does not."""
    size = sum(float(np.vdot(w, w)) for w in weights.values())
    if not size:
        return None
    c = sum(float(np.vdot(w, difference[n])) for n, w in weights.items()) / size
    left = sum(float(np.square(difference[n] - c * w).sum()) for n, w in weights.items())
    return c if left <= 0.5 * c * c * size else None  # a rough look: the arrays themselves decide


def _add_weights(scene: Scene, nodes: Callable[[str], bool], c: float) -> Finish:
    return lambda arrays: {n: a + c * scene.weights(n) if nodes(n) else a for n, a in arrays.items()}
