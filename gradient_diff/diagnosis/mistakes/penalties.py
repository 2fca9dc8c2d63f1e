"""Penalties that E has: each by itself, those of one kind together, and all; and biases penalised with the kernels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gradient_diff.diagnosis.mistake import makes
from gradient_diff.diagnosis.mistakes.penalty_forms import Asked, Form, forms
from gradient_diff.diagnosis.reenactment.enact import Committed
from gradient_diff.diagnosis.reenactment.formula import Formula
from gradient_diff.diagnosis.reenactment.scene import Scene
from manual_mlp import Equation, gradient_node
from manual_mlp.extend import Operation, Penalty, PenaltyGradient, evaluate, joined, kind_of, layer_of

SYMBOLS = {"kernel": "W", "bias": "b", "z": "z"}
EVERYWHERE = "in every layer that has one, "
SURE = 0.5  # of the size of a fitted term: what may be left beside it at a rough look; the arrays themselves decide
PLAIN = 1e-3  # relative: so close to 1 a factor is none


def commit(scene: Scene) -> Iterator[Committed]:
    """Every mistake in a penalty."""
    names = [name for name in scene.graph.penalties if _parted(scene, name)]
    groups = [[name for name in names if kind_of(name) == kind] for kind in SYMBOLS]
    for group in [*([name] for name in names), *(group for group in groups if len(group) > 1)]:
        yield from _changed(scene, group)
        yield from _fitted(scene, group)
    if len(names) > 1:
        yield _forget_all(scene, names)
    kernels = [name for name in names if kind_of(name) == "kernel"]
    for group in [*([name] for name in kernels), *([kernels] if len(kernels) > 1 else [])]:
        yield from _penalise_biases(scene, group)


def _parted(scene: Scene, name: str) -> bool:
    """Whether the penalty is in the derivation, where a first mistake may have removed it."""
    parts = scene.by_node[gradient_node(name)].parts
    return any(isinstance(part.operation, PenaltyGradient) for part in parts)


def _changed(scene: Scene, names: Sequence[str]) -> Iterator[Committed]:
    """The same mistake in the penalty of each of these arrays; in how it is told the first stands for all."""
    each = [list(forms(_asked(scene, name))) for name in names]
    if len({tuple(form.id for form in own) for own in each}) > 1:
        return
    layer, before = _where(names)
    for alike in zip(*each, strict=True):
        swaps = _in_place(scene, names, [form.operation for form in alike])
        yield Committed(alike[0].id, layer, f"{before}{_told(alike)}", swaps, places=len(names))


def _forget_all(scene: Scene, names: Sequence[str]) -> Committed:
    of_weights = [p for p in map(scene.graph.penalties.__getitem__, names) if not p.mean]
    kind = "activity_missing" if not of_weights else "l2_missing" if any(p.l2 for p in of_weights) else "l1_missing"
    swaps = _in_place(scene, names, [None] * len(names))
    return Committed(kind, "", "no penalty of E is in your gradients", swaps, places=len(names))


def _asked(scene: Scene, name: str) -> Asked:
    units = scene.values[name].shape[-1]
    return Asked(scene.graph.penalties[name], SYMBOLS[kind_of(name)], scene.batch, units)


def _told(alike: Sequence[Form]) -> str:
    return ", ".join(dict.fromkeys((alike[0].sentence, *(form.size for form in alike))))


def _where(names: Sequence[str]) -> tuple[str, str]:
    return (layer_of(names[0]), "") if len(names) == 1 else ("", EVERYWHERE)


def _in_place(scene: Scene, names: Sequence[str], operations: Sequence[Operation | None]) -> dict[str, Equation]:
    """The equations of these gradients with another operation in place of a penalty's, or none."""
    swaps = {}
    for name, operation in zip(names, operations, strict=True):
        right = scene.by_node[gradient_node(name)]
        parts = [part for part in right.parts if not isinstance(part.operation, PenaltyGradient)]
        if operation is not None:
            parts.append(Equation(right.layer, right.node, operation, (name,)))
        nothing = Equation(right.layer, right.node, Formula("0", np.zeros_like), (name,))
        swaps[right.node] = joined(parts or [nothing])
    return swaps


def _fitted(scene: Scene, names: Sequence[str]) -> Iterator[Committed]:
    """Another λ: how often the hand has this penalty, by least squares over all gradients."""
    without = _in_place(scene, names, [None] * len(names))
    values = evaluate([without.get(e.node, e) for e in scene.equations], scene.problem.environment)
    base = {n: values[n] + scene.added.get(n, 0.0) for n in scene.gradients}
    term = {n: scene.right[n] - base[n] for n in base}
    size = sum(float(np.vdot(t, t)) for t in term.values())
    if not size:
        return
    c = sum(float(np.vdot(t, scene.hand[n] - base[n])) for n, t in term.items()) / size
    left = sum(float(np.square(scene.hand[n] - base[n] - c * t).sum()) for n, t in term.items())
    if not np.isfinite(c) or abs(c - 1) < PLAIN or left > SURE * c * c * size:
        return
    asked = [_asked(scene, name).penalty for name in names]
    other = [PenaltyGradient(Penalty(c * p.l1, c * p.l2, p.mean)) for p in asked]
    layer, before = _where(names)
    name = "activity_factor" if asked[0].mean else "l2_factor" if asked[0].l2 else "l1_factor"
    sentence = f"{before}the penalty of {SYMBOLS[kind_of(names[0])]} counts {c:.6g} times: another λ"
    yield Committed(name, layer, sentence, _in_place(scene, names, other), places=len(names), constants=1)


@makes(
    "l2_bias",
    "regularisation",
    title="the biases are decayed, too",
    equation="dE/db = Σ_N δ",
    cure="Decay kernels only.",
)
def _penalise_biases(scene: Scene, kernels: Sequence[str]) -> Iterator[Committed]:
    """The penalty of a kernel, of the bias beside it, too."""
    biases = {f"{layer_of(name)}/bias": scene.graph.penalties[name] for name in kernels}
    biases = {name: p for name, p in biases.items() if gradient_node(name) in scene.by_node}
    biases = {name: p for name, p in biases.items() if name not in scene.graph.penalties}
    layer, before = _where(kernels)
    for term, share in ("λb", 0.5), ("2λb", 1.0):
        added = {name: Penalty(l2=share * p.l2) for name, p in biases.items() if p.l2}
        size = ", ".join(dict.fromkeys(f"λ = {p.l2:.6g}" for p in biases.values()))
        sentence = f"{before}the bias gradient has a decay term, too, {term} with {size}"
        yield from _added(scene, layer, sentence, added, len(kernels))
    added = {name: Penalty(l1=p.l1) for name, p in biases.items() if p.l1}
    size = ", ".join(dict.fromkeys(f"λ = {p.l1:.6g}" for p in biases.values()))
    yield from _added(scene, layer, f"{before}the bias is penalised, too, λ sign b with {size}", added, len(kernels))


def _added(scene: Scene, layer: str, sentence: str, penalties: dict[str, Penalty], places: int) -> Iterator[Committed]:
    swaps = {}
    for name, penalty in penalties.items():
        right = scene.by_node[gradient_node(name)]
        more = Equation(right.layer, right.node, PenaltyGradient(penalty), (name,))
        swaps[right.node] = joined((*right.parts, more))
    if swaps:
        yield Committed("l2_bias", layer, sentence, swaps, places=places)
