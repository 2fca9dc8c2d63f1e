"""Scale: a factor of N, K or 2 in every gradient, in the biases, or in one parameter; and the sign of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np

from gradient_diff.diagnosis.factors import may_be_a_rate
from gradient_diff.diagnosis.mistake import BATCH, WIDTH, makes
from gradient_diff.diagnosis.reenactment.enactment import (
    Enactment,
    but_decay,
    decays_of,
    everywhere,
    is_bias,
    is_kernel,
)
from gradient_diff.diagnosis.reenactment.setting import Setting
from manual_mlp.extend import Arrays, is_gradient, kind_of, layer_of, variable_of

SAME = 1e-3  # relative: two fitted factors as near as this are one


def scale(setting: Setting) -> Iterator[Enactment]:
    """Every mistake that is a factor."""
    yield from _of_the_data(setting, _known(setting))
    yield from _per_parameter(setting)
    yield from _fitted(setting)


@makes(
    "sign",
    "sign",
    title="the sign is turned round",
    equation="W ← W − lr dE/dW",
    cure="Write prediction − target, or add the minus of the update only once.",
    alike=("derivative_sign",),
)
def _known(setting: Setting) -> Iterator[Enactment]:
    """What needs no constant to be fitted."""
    yield _factor("sign", -1.0, "every gradient has the opposite sign")
    if any(is_gradient(n, "u") for n in setting.nodes):
        yield _mean_in_kernel(setting.batch)
    yield from _factors_of_the_loss(setting)
    yield from _of_the_batch(setting)


def _of_the_data(setting: Setting, mistakes: Iterable[Enactment]) -> Iterator[Enactment]:
    """Where E has a decay: each factor also of the loss alone, so that 2λW stays as it is."""
    decays = decays_of(setting)
    for mistake in mistakes:
        yield mistake
        if decays and mistake.finish is not None and mistake.undo is not None:
            maps = but_decay(decays, mistake.finish), but_decay(decays, mistake.undo)
            words = f"but for the decay, {mistake.sentence}"
            yield replace(mistake, sentence=words, finish=maps[0], undo=maps[1], factor=None)


def _factor(
    name: str, factor: float, sentence: str, nodes: Callable[[str], bool] | None = None, constants: int = 0
) -> Enactment:
    """Every gradient, or those that fulfil a condition, times a factor."""
    some = nodes or (lambda node: True)
    return Enactment(
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
def _mean_in_kernel(n: int) -> Enactment:
    sentence = f"your δ is {n} times the reference's, and dE/dW agrees: you divide by N there"
    written, right = "dE/dW = 1/N z_prevᵀ δ", "dE/dW = z_prevᵀ δ"
    maps = everywhere(n, _is_signal), everywhere(1 / n, _is_signal)
    return Enactment("mean_in_kernel", "", sentence, finish=maps[0], undo=maps[1], written=written, right=right)


def _is_signal(node: str) -> bool:
    """δ and dE/dz: what travels down, and is no gradient of a parameter."""
    return is_gradient(node, "u", "z", "x")


@makes(
    "factor_two",
    "scale",
    title="a 2 or a ½ of the squared loss",
    equation="d(½e²)/de = e, d(e²)/de = 2e",
    cure="d(½e²) is e, d(e²) is 2e: use the E that you write down.",
    alike=("accumulated", "missing_output_mean", "other_loss"),
)
def _factors_of_the_loss(setting: Setting) -> Iterator[Enactment]:
    name = setting.problem.loss.name
    yield _factor("factor_two", 2, "your gradients are twice the reference's")
    yield _factor("accumulated", 2, "your gradients are twice the reference's, as on a second call")
    yield _factor("factor_two", 0.5, "your gradients are half the reference's")
    yield from _of_the_outputs(setting)
    if name.endswith("error") or name == "quadratic_cost":
        total = float(setting.values["loss"])
        decay = sum(0.5 * float(np.vdot(d, setting.weights(n))) for n, d in decays_of(setting).items())
        for value in dict.fromkeys((total, total - decay)):  # of E, or of the loss without its decay
            if value <= float(np.max(setting.noise.tolerance("loss", setting.sides))):
                continue  # E is lost in its rounding: nobody knows its root
            root = 1 / (2 * np.sqrt(value))
            yield _factor("other_loss", root, f"it is the gradient of √E: {root:.6g} = 1/(2√E) times that of E")


@makes(
    "missing_output_mean",
    "scale",
    title="the mean over the outputs is missing, or stands where none belongs",
    equation="E = 1/(N·K) Σ_N Σ_K e²",
    cure="Keras's squared error and binary cross-entropy divide by N·K, its other cross-entropies by N alone.",
    alike=(
        "missing_batch_mean",
        "factor_two",
        "accumulated",
        "batch_mean_twice",
        "mean_for_sum",
        "mini_batch_dropped",
        "other_loss",
    ),
    tell_apart=WIDTH,
)
def _of_the_outputs(setting: Setting) -> Iterator[Enactment]:
    """A mean over K that E has and the hand has not, or the other way round."""
    n, k, loss = setting.batch, setting.outputs, setting.problem.loss.name
    mean, times = _divides_by(setting, 1, 2), "times the reference's"
    sizes = f"with N = {n} samples and K = {k} outputs"
    ways: list[tuple[float, str]] = [(k, f"K {times}, {sizes}"), (n * k, f"N·K {times}, {sizes}")]
    if mean:
        ways += [(k / 2, f"K/2 {times}, {sizes}"), (n * k / 2, f"N·K/2 {times}, {sizes}")]
        ways += [(1 / k, f"1/K {times}; {k} is the number of outputs: the mean over them was taken twice")]
    elif k == 1:
        return
    else:
        also = f"{k} is the number of outputs: the mean was also taken over the outputs; {loss} sums over them"
        ways = [
            (factor, f"{words}; {loss} sums over the outputs, so that no K belongs there") for factor, words in ways
        ]
        ways += [(1 / k, f"1/K {times}; {also}")]
        if _divides_by(setting, 2, 1):
            ways += [(n / k, f"N/K {times}: divided by the {k} outputs, not by the {n} samples")]
    for factor, words in ways:
        if factor != 1:
            mistake = _factor("missing_output_mean", factor, f"your gradients are {factor:.6g} = {words}")
            # A stray K is too rare to be half of a pair: ½ · K would be any 1.5.
            yield mistake if mean or factor == 1 / k else replace(mistake, factor=None)


def _divides_by(setting: Setting, n: int, k: int) -> bool:
    """Whether E is a mean over the batch (2, 1), or over the outputs (1, 2)."""
    function = setting.problem.loss.function
    return function.factor(n, k) != function.factor(1, 1)


@makes(
    "missing_batch_mean",
    "scale",
    title="the mean over the batch is missing",
    equation="E = 1/N Σ_N E_n",
    cure="Divide δ of the output by N, once.",
    alike=("missing_output_mean", "mini_batch_dropped", "other_loss"),
    tell_apart=BATCH,
)
@makes(
    "batch_mean_twice",
    "scale",
    title="the mean over the batch is taken twice",
    equation="E = 1/N Σ_N E_n",
    cure="1/N in δ is enough.",
    alike=("missing_output_mean",),
    tell_apart=BATCH,
)
@makes(
    "mean_for_sum",
    "differentiated",
    title="a mean where E is a sum",
    equation="E = Σ_N E_n",
    cure="This E has no 1/N: leave the division out.",
    alike=("missing_output_mean",),
    tell_apart=BATCH,
)
def _of_the_batch(setting: Setting) -> Iterator[Enactment]:
    n, last = setting.batch, setting.last
    mean = _divides_by(setting, 2, 1)
    if mean:
        yield _factor("missing_batch_mean", n, f"your gradients are {n} times the reference's; {n} is the batch size")
    twice = "batch_mean_twice" if mean else "mean_for_sum"
    for words, nodes in (
        ("your gradients are", None),
        ("your kernel gradients are", is_kernel),
        ("below the output your gradients are", lambda node: not node.startswith(f"{last}/")),
    ):
        yield _factor(twice, 1 / n, f"{words} 1/{n} of the reference's; {n} is the batch size", nodes)


def _per_parameter(setting: Setting) -> Iterator[Enactment]:
    biases = [n for n in setting.nodes if is_bias(n)]
    yield _bias_mean(setting, "", is_bias, "your bias gradients are", max(len(biases), 1))
    for node in biases:
        yield _bias_mean(setting, layer_of(node), node.__eq__, "your bias gradient is", 1)


@makes(
    "bias_mean",
    "scale",
    title="the bias gradient is averaged instead of summed",
    equation="dE/db = Σ_N δ",
    cure="db = Σ_N δ: δ has the 1/N already.",
    alike=("stray_constant",),
    tell_apart=BATCH,
)
def _bias_mean(setting: Setting, layer: str, nodes: Callable[[str], bool], words: str, places: int) -> Enactment:
    n = setting.batch
    return Enactment(
        "bias_mean",
        layer,
        f"{words} 1/{n} of the reference's; {n} is the batch size",
        finish=everywhere(1 / n, nodes),
        undo=everywhere(n, nodes),
        places=places,
        written="dE/db = 1/N Σ_N δ",
        right="dE/db = Σ_N δ",
    )


def _fitted(setting: Setting) -> Iterator[Enactment]:
    """One constant, fitted from the hand's own arrays."""
    factor = fit(setting.hand, setting.right, setting.gradients)
    if may_be_a_rate(factor):
        yield update(factor)
    for node in setting.gradients:
        factor = None if setting.good[node] else fit(setting.hand, setting.right, [node])
        if factor:
            yield _stray(node, factor)


@makes(
    "learning_rate_inside",
    "scale",
    title="the update is compared, not the gradient",
    equation="W ← W − lr dE/dW",
    cure="Divide by ±lr, or compare before the update.",
    alike=("dropout_scale_missing",),
)
def update(factor: float) -> Enactment:
    """±lr times every gradient."""
    sentence = f"your gradients are {factor:.6g} times the reference's: ±lr for an lr of {abs(factor):.6g}"
    return _factor("learning_rate_inside", factor, sentence, constants=1)


def rates(setting: Setting) -> Iterator[Enactment]:
    """±lr as single arrays show it, for a hand that another mistake has spoilt elsewhere."""
    seen: list[float] = []
    for node in setting.gradients:
        factor = fit(setting.hand, setting.right, [node])
        if not may_be_a_rate(factor) or any(abs(other / factor - 1) < SAME for other in seen):
            continue
        if setting.near(node, factor * setting.right[node]):
            seen.append(factor)
            yield update(factor)


@makes(
    "stray_constant",
    "scale",
    title="one gradient carries a stray constant",
    equation="dE/dW = z_prevᵀ δ, dE/db = Σ_N δ",
    cure="Look for a constant in this one equation.",
    alike=("bias_mean",),
)
def _stray(node: str, factor: float) -> Enactment:
    layer, kind = layer_of(node), kind_of(variable_of(node))
    return Enactment(
        "stray_constant",
        layer,
        f"your {kind} gradient is {factor:.6g} times the reference's, all others agree",
        finish=everywhere(factor, node.__eq__),
        undo=everywhere(1 / factor, node.__eq__),
        constants=1,
        written=f"{factor:.6g} · dE/d{kind}",
        right=f"dE/d{kind}",
    )


def fit(hand: Arrays, other: Arrays, nodes: Iterable[str]) -> float | None:
    """The factor of the other arrays that fits the hand's best; None where there is nothing to fit.

    Example:
        >>> fit({"w": np.array([2.0, 4.0])}, {"w": np.array([1.0, 2.0])}, ["w"])
        2.0
    """
    usable = [n for n in nodes if np.shape(hand[n]) == np.shape(other[n])]
    size = sum(float(np.vdot(other[n], other[n])) for n in usable)
    return sum(float(np.vdot(other[n], hand[n])) for n in usable) / size if size > 0 else None
