"""Reduction: sums over the wrong axis, or not at all, and gradients that stay zero."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradient_diff.diagnosis.mistake import makes
from gradient_diff.diagnosis.reenactment.enact import Committed, Finish, is_bias, is_kernel, join
from gradient_diff.diagnosis.reenactment.formula import Formula
from gradient_diff.diagnosis.reenactment.scene import Scene
from manual_mlp import Array
from manual_mlp.extend import Penalty, layer_of

BIASES = (
    ("bias_not_summed", "{0}", lambda d: d, "your bias gradient keeps the batch axis: it is δ itself"),
    (
        "bias_summed_over_all",
        "Σ {0}",
        lambda d: np.full(d.shape[1], d.sum()),
        "your bias gradient is one number, the sum over everything",
    ),
    (
        "bias_summed_over_all",
        "Σ {0}",
        lambda d: np.asarray(d.sum()),
        "your bias gradient is one number, the sum over everything",
    ),
    (
        "bias_summed_over_all",
        "Σ_k {0}",
        lambda d: d.sum(axis=1),
        "your bias gradient is summed over the units, not over the batch",
    ),
)
"""Functions of δ that have been taken for its sum over the batch."""


def commit(scene: Scene) -> Iterator[Committed]:
    """Every mistake in a sum."""
    biases = [n for n in scene.names if f"{n}/dE_dbias" in scene.hand]
    for name in biases:
        yield from _change_bias(scene, name)
    yield from _change_all_biases(scene, biases)
    yield from _set_zeros(scene)


@makes(
    "bias_not_summed",
    "reduction",
    title="the bias gradient keeps the batch axis",
    equation="dE/db = Σ_N δ",
    cure="db = δ.sum(axis=0).",
)
@makes(
    "bias_summed_over_all",
    "reduction",
    title="the bias gradient is summed over the wrong axis",
    equation="dE/db = Σ_N δ",
    cure="db = δ.sum(axis=0).",
    alike=("bias_from_kernel", "bias_missing"),
)
def _change_bias(scene: Scene, name: str) -> Iterator[Committed]:
    for kind, text, function, sentence in BIASES:
        swap = scene.swap(f"{name}/dE_dbias", Formula(text, function), f"{name}/dE_du")
        yield Committed(kind, name, sentence, swap)
    yield from _sum_kernel_gradient(scene, name)


@makes(
    "bias_from_kernel",
    "reduction",
    title="the bias gradient is summed from dE/dW",
    equation="dE/db = Σ_N δ",
    cure="db = Σ_N δ: the input is 1, not z_prev.",
    alike=("bias_summed_over_all", "bias_missing"),
)
def _sum_kernel_gradient(scene: Scene, name: str) -> Iterator[Committed]:
    node, kernel = f"{name}/dE_dbias", f"{name}/dE_dkernel"
    for axis, words in ((0, "inputs"), (1, "units")):
        total = Formula("Σ {0}", lambda g, axis=axis: g.sum(axis=axis))
        sentence = f"your bias gradient is the sum of dE/dW over its {words}"
        yield Committed("bias_from_kernel", name, sentence, scene.swap(node, total, kernel))
        if penalty := scene.graph.penalties.get(f"{name}/kernel"):
            text = f"Σ ({{0}}{Penalty(-penalty.l1, -penalty.l2).write_gradient('{1}')})"
            bare = Formula(text, lambda g, w, axis=axis, p=penalty: (g - p.gradient(w)).sum(axis=axis))
            swap = scene.swap(node, bare, kernel, f"{name}/kernel")
            yield Committed("bias_from_kernel", name, f"{sentence}, before its penalty is added", swap)


def _change_all_biases(scene: Scene, names: list[str]) -> Iterator[Committed]:
    """The same in every layer counts as one."""
    groups: dict[tuple[str, int], list[Committed]] = {}
    for name in names if len(names) > 1 else []:
        for form, mistake in enumerate(_change_bias(scene, name)):
            groups.setdefault((mistake.id, form), []).append(mistake)
    yield from (join(group, "in every layer") for group in groups.values())


def _set_zeros(scene: Scene) -> Iterator[Committed]:
    """Exact zeros where the right gradient has none."""
    empty = {n: ~np.any(scene.hand[n]) for n in scene.gradients if is_bias(n)}
    missing = [n for n, nothing in empty.items() if nothing and np.any(scene.right[n])]
    for nodes in ([missing] if len(missing) > 1 else []) + [[n] for n in missing]:
        masks = {n: np.ones(scene.hand[n].shape, bool) for n in nodes}
        yield _set_biases_zero(masks, all_of_them=len(nodes) > 1 and len(nodes) == len(empty))
    for node in scene.gradients:
        if is_kernel(node):
            yield from _set_rows_zero(scene, node)


@makes(
    "bias_missing",
    "reduction",
    title="a bias gradient is all zero",
    equation="dE/db = Σ_N δ",
    cure="db = Σ_N δ.",
    alike=("bias_summed_over_all", "bias_from_kernel"),
)
def _set_biases_zero(masks: dict[str, Array], all_of_them: bool) -> Committed:
    nodes = list(masks)
    layers = [layer_of(n) for n in nodes]
    sentence = "your bias gradient is all zero: the bias is never trained"
    if len(nodes) > 1:
        sentence = f"your bias gradients of {'every layer' if all_of_them else ', '.join(layers)} are all zero"
    where = "" if all_of_them else ", ".join(layers)
    return Committed(
        "bias_missing",
        where,
        sentence,
        finish=_zero(masks),
        erased=masks,
        places=len(nodes),
        written="dE/db = 0",
        right="dE/db = Σ_N δ",
    )


@makes(
    "row_missing",
    "reduction",
    title="rows or columns of a kernel gradient are all zero",
    equation="dE/dW = z_prevᵀ δ",
    cure="Check the range of the loop.",
)
def _set_rows_zero(scene: Scene, node: str) -> Iterator[Committed]:
    h, r = scene.hand[node], scene.right[node]
    for axis, words in ((1, "row"), (0, "column")):
        empty = ~np.any(h, axis=axis) & np.any(r, axis=axis)
        if empty.any():
            masks = {node: np.broadcast_to(np.expand_dims(empty, axis), h.shape)}
            found = np.flatnonzero(empty)
            listed = f"{words}s {', '.join(map(str, found[:5]))}{' …' * (len(found) > 5)} of your kernel gradient are"
            sentence = f"{listed if len(found) > 1 else f'{words} {found[0]} of your kernel gradient is'} all zero"
            yield Committed(
                "row_missing",
                layer_of(node),
                sentence,
                finish=_zero(masks),
                erased=masks,
                written="0",
                right="dE/dW",
            )


def _zero(masks: dict[str, Array]) -> Finish:
    return lambda arrays: {n: np.where(masks[n], 0.0, a) if n in masks else a for n, a in arrays.items()}
