"""Regularisation: what is left over is a multiple of the weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from gradient_diff.diagnosis.mistake import makes
from gradient_diff.diagnosis.reenactment.enact import Committed, Finish, is_bias, is_kernel
from gradient_diff.diagnosis.reenactment.formula import Formula
from gradient_diff.diagnosis.reenactment.scene import Scene
from manual_mlp import Array, Equation
from manual_mlp.extend import Product, is_gradient


def commit(scene: Scene) -> Iterator[Committed]:
    """A decay that is missing, of another size or sign, or of the biases, too.

    Where E has a decay, λ is known; likewise where the reference's gradients show a decay 2λW that the problem does not
    tell of. What the hand made of it is then no free constant.
    """
    layers = [name for name in scene.names if scene.graph.decay(name)]
    for name in layers:
        yield from _change_decay(scene, [name])
    if len(layers) > 1:
        yield from _change_decay(scene, layers)
    if scene.decay:
        yield from _add_known(scene)
    else:
        yield from _add_fitted(scene)


FORMS = (
    ("l2_missing", 0.0, "", "the decay term 2λW of E is missing"),
    ("l2_factor", 0.5, " + λW", "the decay term is λW, half of what E + λΣW² gives"),
    ("l2_factor", 2.0, " + 4λW", "the decay term is 4λW, twice what E + λΣW² gives"),
    ("l2_sign", -1.0, " − 2λW", "the decay term is subtracted"),
)
"""(id, times the right term, what is written after dE/dW, sentence)."""


@makes(
    "l2_missing",
    "regularisation",
    title="the decay term is missing, or there is one too many",
    equation="dE/dW = z_prevᵀ δ + 2λW",
    cure="E + λΣW² adds 2λW to dE/dW.",
    alike=("l2_sign",),
)
@makes(
    "l2_factor",
    "regularisation",
    title="λW for 2λW, or the reverse",
    equation="dE/dW = z_prevᵀ δ + 2λW",
    cure="E + λΣW² adds 2λW, E + ½λΣW² adds λW.",
    tell_apart="the value of λ",
)
@makes(
    "l2_sign",
    "regularisation",
    title="the decay is subtracted",
    equation="dE/dW = z_prevᵀ δ + 2λW",
    cure="E + λΣW² adds +2λW.",
    alike=("l2_missing",),
    tell_apart="the value of λ",
)
def _change_decay(scene: Scene, names: list[str]) -> Iterator[Committed]:
    """The decay of E itself, substituted in the equations of these layers."""
    where, before = (names[0], "") if len(names) == 1 else ("", "in every layer that has one, ")
    decays = {name: scene.graph.decay(name) for name in names}
    size = ", ".join(dict.fromkeys(f"λ = {decay / 2:.6g}" for decay in decays.values()))
    for kind, factor, _, sentence in (*FORMS, *_over_the_batch(scene.batch)):
        swaps = {n: e for name in names for n, e in _swap_decay(scene, name, factor * decays[name]).items()}
        yield Committed(kind, where, f"{before}{sentence}, {size}", swaps, places=len(names))
    for factor in (1, 2):
        swaps = {n: e for name in names for n, e in _decay_bias(scene, name, factor * decays[name] / 2).items()}
        words = f"{before}the bias gradient has a decay term, too, {factor:g}λb with {size}"
        if swaps:
            yield Committed("l2_bias", where, words, swaps, places=len(names))


def _over_the_batch(n: int) -> Iterator[tuple[str, float, str, str]]:
    """Some books write λ/N or λ/2N into E; over one sample it is nothing else."""
    for share, term in ((1.0, "2λW/N"), (0.5, "λW/N")) if n > 1 else ():
        sentence = f"the decay term is {term}, with N = {n}, where E + λΣW² gives 2λW"
        yield "l2_factor", share / n, f" + {term}", sentence


def _swap_decay(scene: Scene, name: str, decay: float) -> dict[str, Equation]:
    """zᵀδ + decay · W."""
    node = f"{name}/dE_dkernel"
    right = scene.graph.by_node[node]
    operands = right.operands if decay else right.operands[:2]
    return scene.swap(node, Product(transpose_left=True, plus=decay or 1.0), *operands)


@makes(
    "l2_bias",
    "regularisation",
    title="the biases are decayed, too",
    equation="dE/db = Σ_N δ",
    cure="Decay kernels only.",
)
def _decay_bias(scene: Scene, name: str, decay: float) -> dict[str, Equation]:
    node = f"{name}/dE_dbias"
    if node not in scene.by_node:
        return {}
    total = Formula(f"Σ_N {{0}} + {decay:g} {{1}}", lambda d, b: d.sum(axis=0) + decay * b)
    return scene.swap(node, total, f"{name}/dE_du", f"{name}/bias")


def _add_known(scene: Scene) -> Iterator[Committed]:
    size = f"λ = {scene.decay:.6g}"
    for name, factor, term, sentence in (*FORMS, *_over_the_batch(scene.batch)):
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
        c = _fit(scene, [n for n in scene.gradients if nodes(n)])
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
