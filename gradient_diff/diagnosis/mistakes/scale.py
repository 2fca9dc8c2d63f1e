"""Scale: a factor of N, K or 2 in every gradient, in the biases, or in one parameter; and the sign of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np

from gradient_diff.diagnosis.factors import (
    fit,
    is_close,
    is_squared,
    list_factors,
    may_be_a_rate,
    mean_over_batch,
    mean_over_outputs,
)
from gradient_diff.diagnosis.mistake import BATCH, makes
from gradient_diff.diagnosis.reenactment.enact import (
    Committed,
    but_decay,
    everywhere,
    is_bias,
    is_kernel,
)
from gradient_diff.diagnosis.reenactment.scene import Scene
from manual_mlp.extend import is_gradient, kind_of, layer_of, variable_of


def commit(scene: Scene) -> Iterator[Committed]:
    """Every mistake that is a factor."""
    yield from _spare_decay(scene, _commit_known(scene))
    yield from _average_biases(scene)
    yield from _fit_constants(scene)


@makes(
    "sign",
    "sign",
    title="the sign is turned round",
    equation="W ← W − lr dE/dW",
    cure="Write prediction − target, or add the minus of the update only once.",
    alike=("derivative_sign",),
)
def _commit_known(scene: Scene) -> Iterator[Committed]:
    """What needs no constant to be fitted."""
    yield _multiply("sign", -1.0, "every gradient has the opposite sign")
    if any(is_gradient(n, "u") for n in scene.nodes):
        yield _divide_kernels(scene.batch)
    yield from _look_up(scene)
    yield from _take_root(scene)
    yield from _divide_some(scene)


def _spare_decay(scene: Scene, mistakes: Iterable[Committed]) -> Iterator[Committed]:
    """Where E has penalties: each factor also of the loss alone, so that 2λW stays as it is."""
    decays = scene.penalised
    for mistake in mistakes:
        yield mistake
        if decays and mistake.finish is not None and mistake.undo is not None:
            maps = but_decay(decays, mistake.finish), but_decay(decays, mistake.undo)
            words = f"but for the decay, {mistake.sentence}"
            yield replace(mistake, sentence=words, finish=maps[0], undo=maps[1], factor=None)


def _multiply(
    name: str, factor: float, sentence: str, nodes: Callable[[str], bool] | None = None, constants: int = 0
) -> Committed:
    """Every gradient, or those that fulfil a condition, times a factor."""
    some = nodes or (lambda node: True)
    return Committed(
        name,
        "",
        sentence,
        finish=everywhere(factor, some),
        undo=everywhere(1 / factor, some),
        factor=factor if nodes is None else None,
        constants=constants,
        written=f"{factor:.6g} · dE/dW",
        right="dE/dW",
    )


@makes(
    "mean_in_kernel",
    "scale",
    title="1/N in dE/dW instead of in δ",
    equation="dE/dW = z_prevᵀ δ",
    cure="Nothing: dE/dW agrees.",
    convention=True,
)
def _divide_kernels(n: int) -> Committed:
    sentence = f"your δ is {n} times the reference's, and dE/dW agrees: you divide by N there"
    written, right = "dE/dW = 1/N z_prevᵀ δ", "dE/dW = z_prevᵀ δ"
    maps = everywhere(n, _is_signal), everywhere(1 / n, _is_signal)
    return Committed("mean_in_kernel", "", sentence, finish=maps[0], undo=maps[1], written=written, right=right)


def _is_signal(node: str) -> bool:
    """δ and dE/dz: what travels down, and is no gradient of a parameter."""
    return is_gradient(node, "u", "z", "x")


def _look_up(scene: Scene) -> Iterator[Committed]:
    k, loss = scene.outputs, scene.problem.loss
    for known in list_factors(scene.batch, k, loss):
        mistake = _multiply(known.id, known.value, known.sentence)
        # A stray K is too rare to be half of a pair: ½ · K would be any 1.5.
        stray = known.id == "missing_output_mean" and not mean_over_outputs(loss) and known.value != 1 / k
        yield replace(mistake, factor=None) if stray else mistake


def _take_root(scene: Scene) -> Iterator[Committed]:
    """√E for E, where somebody takes the root of a mean square."""
    if not is_squared(scene.problem.loss.function):
        return
    total = float(scene.values["loss"])
    decay = sum(0.5 * float(np.vdot(d, scene.weights(n))) for n, d in scene.added.items())
    decay += sum(float(penalty.value(scene.values[name])) for name, penalty in scene.graph.penalties.items())
    weight = scene.problem.loss.scale
    for value in dict.fromkeys((total, total - decay)):  # of E, or of the loss without its decay
        if value <= float(np.max(scene.noise.tolerance("loss", scene.sides))):
            continue  # E is lost in its rounding: nobody knows its root
        root = 1 / (2 * np.sqrt(value))
        yield _multiply("other_loss", root, f"it is the gradient of √E: {root:.6g} = 1/(2√E) times that of E")
        if weight != 1:
            root *= np.sqrt(weight)
            sentence = f"it is the gradient of √E with its weight outside: {root:.6g} = 1/(2√(E/{weight:g})) times that"
            yield _multiply("other_loss", root, f"{sentence} of E")


def _divide_some(scene: Scene) -> Iterator[Committed]:
    """A second 1/N in the kernels alone, or in every layer but the last."""
    n, last = scene.batch, scene.last
    name = "batch_mean_twice" if mean_over_batch(scene.problem.loss) else "mean_for_sum"
    for words, nodes in (
        ("your kernel gradients are", is_kernel),
        ("below the output your gradients are", lambda node: not node.startswith(f"{last}/")),
    ):
        yield _multiply(name, 1 / n, f"{words} 1/{n} of the reference's; {n} is the batch size", nodes)


def _average_biases(scene: Scene) -> Iterator[Committed]:
    biases = [n for n in scene.nodes if is_bias(n)]
    yield _average_bias(scene, "", is_bias, "your bias gradients are", max(len(biases), 1))
    for node in biases:
        yield _average_bias(scene, layer_of(node), node.__eq__, "your bias gradient is", 1)


@makes(
    "bias_mean",
    "scale",
    title="the bias gradient is averaged instead of summed",
    equation="dE/db = Σ_N δ",
    cure="db = Σ_N δ: δ has the 1/N already.",
    alike=("stray_constant",),
    tell_apart=BATCH,
)
def _average_bias(scene: Scene, layer: str, nodes: Callable[[str], bool], words: str, places: int) -> Committed:
    n = scene.batch
    return Committed(
        "bias_mean",
        layer,
        f"{words} 1/{n} of the reference's; {n} is the batch size",
        finish=everywhere(1 / n, nodes),
        undo=everywhere(n, nodes),
        places=places,
        written="dE/db = 1/N Σ_N δ",
        right="dE/db = Σ_N δ",
    )


def _fit_constants(scene: Scene) -> Iterator[Committed]:
    """One constant, fitted from the hand's own arrays."""
    if may_be_a_rate(scene.factor):
        yield take_update(scene.factor)
    for node in scene.gradients:
        factor = fit(scene.hand, scene.right, [node]) if node in scene.off else None
        if factor:
            yield _put_constant(node, factor)


@makes(
    "learning_rate_inside",
    "scale",
    title="the update is compared, not the gradient",
    equation="W ← W − lr dE/dW",
    cure="Divide by ±lr, or compare before the update.",
    alike=("dropout_scale_missing",),
)
def take_update(factor: float) -> Committed:
    """±lr times every gradient."""
    sentence = f"your gradients are {factor:.6g} times the reference's: ±lr for an lr of {abs(factor):.6g}"
    return _multiply("learning_rate_inside", factor, sentence, constants=1)


def fit_rates(scene: Scene) -> Iterator[Committed]:
    """±lr as single arrays show it, for a hand that another mistake has spoilt elsewhere."""
    seen: list[float] = []
    for node in scene.gradients:
        factor = fit(scene.hand, scene.right, [node])
        if not may_be_a_rate(factor) or any(is_close(other, factor) for other in seen):
            continue
        if scene.near(node, factor * scene.right[node]):
            seen.append(factor)
            yield take_update(factor)


@makes(
    "stray_constant",
    "scale",
    title="one gradient carries a stray constant",
    equation="dE/dW = z_prevᵀ δ, dE/db = Σ_N δ",
    cure="Look for a constant in this one equation.",
    alike=("bias_mean",),
)
def _put_constant(node: str, factor: float) -> Committed:
    layer, kind = layer_of(node), kind_of(variable_of(node))
    return Committed(
        "stray_constant",
        layer,
        f"your {kind} gradient is {factor:.6g} times the reference's, all others agree",
        finish=everywhere(factor, node.__eq__),
        undo=everywhere(1 / factor, node.__eq__),
        constants=1,
        written=f"{factor:.6g} · dE/d{kind}",
        right=f"dE/d{kind}",
    )
