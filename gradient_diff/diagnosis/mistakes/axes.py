"""Sums over another axis than the equation's, and vectors that stand as columns: what NumPy broadcasts in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from gradient_diff.diagnosis.mistake import makes
from gradient_diff.diagnosis.mistakes.output_delta import Head, logits_head
from gradient_diff.diagnosis.reenactment.enact import Committed, join
from gradient_diff.diagnosis.reenactment.formula import Formula
from gradient_diff.diagnosis.reenactment.graph import Slope
from gradient_diff.diagnosis.reenactment.scene import Scene
from manual_mlp import Array

Sum = Callable[[Array], Array]

SUMS: tuple[tuple[str, str, Sum], ...] = (
    ("Σ over all entries", "over the whole batch", lambda a: a.sum()),
    ("Σ_n", "over the samples, axis 0", lambda a: a.sum(axis=0, keepdims=True)),
)
WITHOUT_KEEPDIMS: tuple[str, str, Sum] = (
    "Σ_k along the columns",
    "over axis 1 without keepdims=True, so that column j meets the sum of sample j",
    lambda a: a.sum(axis=1),
)
"""In a square matrix alone: else NumPy refuses it."""


def commit(scene: Scene) -> Iterator[Committed]:
    """Every mistake in an axis."""
    yield from _normalise_otherwise(scene)
    for slope in scene.graph.slopes:
        if slope.kind == "softmax":
            yield from _pull_otherwise(scene, slope)
    yield from _take_columns(scene)


def _sums(scene: Scene) -> tuple[tuple[str, str, Sum], ...]:
    return (*SUMS, *((WITHOUT_KEEPDIMS,) if scene.batch == scene.outputs else ()))


@makes(
    "softmax_axis",
    "reduction",
    title="softmax sums over another axis",
    equation="p = exp(u)/Σ_k exp(u), δ = p ⊙ (g − Σ_k g p)",
    cure="Sum over the classes of each sample: axis=1, keepdims=True.",
)
def _normalise_otherwise(scene: Scene) -> Iterator[Committed]:
    """δ = c (p − y) with a p whose sum is not 1 in every sample."""
    head = logits_head(scene)
    if head is None or head.kind != "softmax":
        return
    for text, words, total in _sums(scene):
        swap = head.swap(scene, f"c (exp(u)/{text} exp(u) − y)", _head_by(total, head.c))
        yield Committed("softmax_axis", head.layer, f"p is normalised by a sum {words}", swap)


def _head_by(total: Sum, c: float) -> Head:
    def delta(u: Array, p: Array, y: Array) -> Array:
        e = np.exp(u - u.max())
        return np.asarray(c * (e / total(e) - y))

    return delta


def _pull_otherwise(scene: Scene, slope: Slope) -> Iterator[Committed]:
    """The Jacobian's Σ g p."""
    for text, words, total in _sums(scene):
        wrong = Formula(f"{{1}} ⊙ ({{0}} − {text} {{0}} {{1}})", lambda g, p, t=total: p * (g - t(g * p)))
        sentence = f"in δ = p ⊙ (g − Σ g p) the sum is {words}"
        yield Committed("softmax_axis", slope.layer, sentence, scene.swap(slope.node, wrong, slope.g, slope.z))


@makes(
    "bias_column",
    "reduction",
    title="a bias that is a column, (n, 1), grows by broadcasting",
    equation="u = z_prev W + b, dE/db = Σ_N δ, both of shape (n,)",
    cure="Keep b and dE/db in one shape, (n,): (n, 1) + (n,) is (n, n).",
)
def _take_columns(scene: Scene) -> Iterator[Committed]:
    """dE/db as a matrix, each layer by itself or all alike; or b added along the batch, where that is as long."""
    grown: dict[str, list[Committed]] = {}
    for name in scene.names:
        if f"{name}/bias" in scene.values:
            for form, mistake in _grow_gradient(scene, name):
                grown.setdefault(form, []).append(mistake)
            yield from _add_along_batch(scene, name)
    for group in grown.values():
        yield from group
        if len(group) > 1:
            yield join(group, "in every layer")


def _grow_gradient(scene: Scene, name: str) -> Iterator[tuple[str, Committed]]:
    node, delta = f"{name}/dE_dbias", f"{name}/dE_du"
    n = scene.values[f"{name}/bias"].size
    for form, text, function in (
        ("row", "0[:, None] + Σ_N {0}", lambda d: np.tile(d.sum(axis=0), (d.shape[1], 1))),
        ("column", "(Σ_N {0})[:, None] + 0", lambda d: np.tile(d.sum(axis=0)[:, None], (1, d.shape[1]))),
    ):
        sentence = f"your bias gradient is ({n}, {n}), the right one in every {form}: ({n}, 1) + ({n},) was broadcast"
        if n > 1:
            yield form, Committed("bias_column", name, sentence, scene.swap(node, Formula(text, function), delta))


def _add_along_batch(scene: Scene, name: str) -> Iterator[Committed]:
    bias = scene.values[f"{name}/bias"]
    if scene.batch == bias.size > 1:
        wrong = Formula("{0} {1} + {2}[:, None]", lambda z, w, b: z @ w + b[:, None])
        below = scene.graph.below(name)
        swap = scene.swap(f"{name}/u", wrong, below, f"{name}/kernel", f"{name}/bias")
        sentence = "b is added as a column, so that sample i gets b_i in every unit"
        yield Committed("bias_column", name, sentence, swap)
