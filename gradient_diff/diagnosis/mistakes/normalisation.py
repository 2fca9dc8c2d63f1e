"""Normalisations: a statistic taken for a constant, another ε, another axis, the wrong statistics, γ forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from gradient_diff.diagnosis.mistake import makes
from gradient_diff.diagnosis.reenactment.enact import Committed
from gradient_diff.diagnosis.reenactment.formula import Formula
from gradient_diff.diagnosis.reenactment.scene import Scene
from manual_mlp import Array, Equation, gradient_node
from manual_mlp.extend import (
    Mean,
    Normalize,
    NormalizedSum,
    NormalizePullback,
    SumOverBatch,
    Variance,
    joined,
    rows,
)

EPSILONS = (1e-3, 1e-5, 1e-6, 1e-7, 1e-8, 1e-12, 0.0)
"""Of Keras, of PyTorch and of papers, and none."""
DOWN = "dE/dz_prev = (ĝ − mean ĝ − x̂ mean(ĝ x̂))/√(v + ε), ĝ = γ dE/dz"
MOVING = ("moving_mean", "moving_variance")


@dataclass(frozen=True, eq=False)
class Normalised:
    """One normalisation of the right derivation: its equations forward and backward."""

    scene: Scene
    forward: Equation

    @property
    def name(self) -> str:
        """The layer."""
        return self.forward.layer

    @property
    def operation(self) -> Normalize:
        """What makes z."""
        assert isinstance(self.forward.operation, Normalize)
        return self.forward.operation

    @property
    def equations(self) -> list[Equation]:
        """All of the layer, the statistics of these data first, where there are any."""
        return [e for e in self.scene.equations if e.layer == self.name]

    @property
    def down(self) -> Equation:
        """That of dE/dz_prev."""
        parts = (part for e in self.equations for part in e.parts)
        return next(e for e in parts if isinstance(e.operation, NormalizePullback))

    @property
    def pullback(self) -> NormalizePullback:
        """What makes dE/dz_prev."""
        assert isinstance(self.down.operation, NormalizePullback)
        return self.down.operation

    @property
    def below(self) -> str:
        """z_prev."""
        return self.forward.operands[0]

    @property
    def statistics(self) -> tuple[str, ...]:
        """μ and v, or v alone."""
        return self.forward.operands[1 : 2 + self.operation.centred]

    @property
    def weights(self) -> tuple[str, ...]:
        """γ and β, where they are there."""
        return self.forward.operands[2 + self.operation.centred :]

    @property
    def gamma(self) -> tuple[str, ...]:
        """γ, where it is there."""
        return self.weights[: self.operation.scaled]

    @property
    def signal(self) -> str:
        """dE/dz."""
        return self.down.operands[0]

    @property
    def count(self) -> int:
        """How many numbers a statistic is of."""
        below = self.scene.values[self.below]
        return below.shape[-1] if self.operation.over == "row" else below.size // below.shape[-1]

    def commit(self, mistake: str, sentence: str, swaps: dict[str, Equation]) -> Committed:
        """A mistake in this layer."""
        return Committed(mistake, self.name, sentence, swaps)

    def sent_down(self, operation: NormalizePullback | Formula, *operands: str) -> dict[str, Equation]:
        """Another equation for dE/dz_prev."""
        return self.scene.swap(self.down.node, operation, *operands)

    def with_settings(self, **settings: object) -> dict[str, Equation]:
        """Each equation of the layer whose operation has these settings, with others."""
        found = {}
        for e in self.equations:
            first, *others = e.parts
            own = {k: v for k, v in settings.items() if hasattr(first.operation, k)}
            if own:
                other = replace(first, operation=replace(first.operation, **own))  # type: ignore[type-var]
                found[e.node] = joined((other, *others))
        return found

    def reading(self, *statistics: str) -> dict[str, Equation]:
        """Each equation of the layer that reads μ and v, with other ones; these do not hang on z_prev."""
        found = {self.forward.node: replace(self.forward, operands=(self.below, *statistics, *self.weights))}
        for sums in (self.scene.by_node[gradient_node(gamma)] for gamma in self.gamma):
            found[sums.node] = replace(sums, operands=(self.signal, self.below, *statistics))
        fixed = replace(self.pullback, fixed=True)
        return found | self.sent_down(fixed, self.signal, statistics[-1], *self.gamma)


def commit(scene: Scene) -> Iterator[Committed]:
    """Every mistake in a normalisation."""
    for forward in scene.equations:
        if isinstance(forward.operation, Normalize):
            layer = Normalised(scene, forward)
            yield from _forget_paths(layer)
            yield from _forget_gamma(layer)
            yield from _exchange_weights(layer)
            yield from _sum_without_normalising(layer)
            yield from _take_other_epsilon(layer)
            yield from _take_other_statistics(layer)


@makes(
    "statistics_constant",
    "normalisation",
    title="mean and variance are taken for constants",
    equation=DOWN,
    cure="μ and v are functions of z_prev: dE/dz_prev = (ĝ − mean ĝ − x̂ mean(ĝ x̂))/√(v + ε).",
)
@makes(
    "statistics_path_missing",
    "normalisation",
    title="one of the three paths through a normalisation is left out",
    equation=DOWN,
    cure="z_prev acts by itself, by μ and by v: add what comes through each.",
)
def _forget_paths(layer: Normalised) -> Iterator[Committed]:
    if layer.pullback.fixed:
        return
    constant = replace(layer.pullback, fixed=True)
    swaps = layer.sent_down(constant, layer.signal, layer.statistics[-1], *layer.gamma)
    sentence = "dE/dz_prev is ĝ/√(v + ε): nothing comes back through the mean and the variance"
    yield layer.commit("statistics_constant", sentence, swaps)
    if not layer.operation.centred:
        return
    operands = layer.down.operands
    for text, words, function in (
        ("(ĝ − mean ĝ)/√(v + ε) of {0}", "the variance", _without_variance(layer.pullback)),
        ("(ĝ − x̂ mean(ĝ x̂))/√(v + ε) of {0}", "the mean", _without_mean(layer.pullback)),
    ):
        swaps = layer.sent_down(Formula(text, function), *operands)
        yield layer.commit("statistics_path_missing", f"nothing comes back through {words}", swaps)


def _without_variance(right: NormalizePullback) -> Callable[..., Array]:
    def function(*operands: Array) -> Array:
        g, _, inverse = right.prepared(operands)
        return np.asarray((g - right.mean(g)) * inverse)

    return function


def _without_mean(right: NormalizePullback) -> Callable[..., Array]:
    def function(*operands: Array) -> Array:
        g, normal, inverse = right.prepared(operands)
        return np.asarray((g - normal * right.mean(g * normal)) * inverse)

    return function


@makes(
    "gamma_not_sent_down",
    "normalisation",
    title="γ is forgotten on the way down",
    equation=DOWN,
    cure="ĝ = γ dE/dz: what goes down is scaled as what came up.",
)
def _forget_gamma(layer: Normalised) -> Iterator[Committed]:
    if layer.gamma:
        bare = replace(layer.pullback, scaled=False)
        swaps = layer.sent_down(bare, *layer.down.operands[:-1])
        yield layer.commit("gamma_not_sent_down", "dE/dz goes down without γ", swaps)


@makes(
    "gamma_beta_exchanged",
    "normalisation",
    title="the gradients of γ and β are exchanged",
    equation="dE/dγ = Σ_N dE/dz ⊙ x̂, dE/dβ = Σ_N dE/dz",
    cure="dE/dγ has x̂ in its sum, dE/dβ has not.",
)
def _exchange_weights(layer: Normalised) -> Iterator[Committed]:
    if len(layer.weights) == 2:
        gamma, beta = (layer.scene.by_node[gradient_node(w)] for w in layer.weights)
        swaps = {gamma.node: replace(beta, node=gamma.node), beta.node: replace(gamma, node=beta.node)}
        yield layer.commit("gamma_beta_exchanged", "dE/dγ is Σ_N dE/dz, and dE/dβ is Σ_N dE/dz ⊙ x̂", swaps)


@makes(
    "gamma_without_normalising",
    "normalisation",
    title="dE/dγ is made of another array than x̂",
    equation="dE/dγ = Σ_N dE/dz ⊙ x̂",
    cure="x̂ = (z_prev − μ)/√(v + ε), before γ and β.",
)
def _sum_without_normalising(layer: Normalised) -> Iterator[Committed]:
    if not layer.gamma:
        return
    node = gradient_node(layer.gamma[0])
    plain = Formula("Σ_N {0} ⊙ {1}", lambda g, a: rows(g * a).sum(axis=0))
    for read, words in (
        (layer.below, "z_prev, which is not normalised"),
        (layer.forward.node, "z, with γ and β in it"),
    ):
        swap = {node: replace(layer.scene.by_node[node], operation=plain, operands=(layer.signal, read))}
        yield layer.commit("gamma_without_normalising", f"dE/dγ is Σ_N dE/dz times {words}", swap)
    alone = {node: replace(layer.scene.by_node[node], operation=SumOverBatch(), operands=(layer.signal,))}
    yield layer.commit("gamma_without_normalising", "dE/dγ is Σ_N dE/dz, as if it were β", alone)


@makes(
    "other_epsilon",
    "normalisation",
    title="the ε of a normalisation is another one",
    equation="z = γ (z_prev − μ)/√(v + ε) + β",
    cure="Keras's ε is 1e-3 (RMSNormalization: 1e-6), PyTorch's 1e-5: take that of the layer.",
    alike=("unbiased_variance",),
)
def _take_other_epsilon(layer: Normalised) -> Iterator[Committed]:
    for epsilon in EPSILONS:
        if epsilon != layer.operation.epsilon:
            sentence = f"ε is {epsilon:g} and not {layer.operation.epsilon:g}"
            yield layer.commit("other_epsilon", sentence, layer.with_settings(epsilon=epsilon))


@makes(
    "unbiased_variance",
    "normalisation",
    title="the variance is divided by one less",
    equation="v = 1/N Σ_N (z_prev − μ)²",
    cure="Divide by N, as np.var does: ddof=0.",
    alike=("other_epsilon",),
)
@makes(
    "moving_statistics",
    "normalisation",
    title="moving statistics are taken where those of the batch belong, or the other way round",
    equation="μ = 1/N Σ_N z_prev, v = 1/N Σ_N (z_prev − μ)²; in inference the moving ones",
    cure="In training normalise by the batch, in inference by the moving mean and variance.",
)
@makes(
    "statistics_axis",
    "normalisation",
    title="the statistics are taken along another axis",
    equation="μ = 1/N Σ_N z_prev of a BatchNormalization, μ = 1/n Σ_k z_prev of a LayerNormalization",
    cure="Of (N, n): axis=0 for a normalisation over the batch, axis=1 with keepdims=True for one over the units.",
)
def _take_other_statistics(layer: Normalised) -> Iterator[Committed]:
    own = [e for e in layer.equations if isinstance(e.operation, Mean | Variance)]
    if own:
        swaps = layer.with_settings(over="row" if layer.operation.over == "batch" else "batch")
        yield layer.commit("statistics_axis", "the statistics are taken along the other axis", swaps)
    spread = next((e for e in own if isinstance(e.operation, Variance)), None)
    if spread is not None and layer.count > 1 and layer.operation.centred:
        yield from _divide_by_less(layer, spread)
    moving = tuple(f"{layer.name}/{short}" for short in MOVING)
    if set(moving) <= layer.scene.problem.parameters.keys():
        if own:
            sentence = "the moving mean and variance are taken in training"
            yield layer.commit("moving_statistics", sentence, layer.reading(*moving))
        else:
            yield _of_the_batch(layer)


def _divide_by_less(layer: Normalised, spread: Equation) -> Iterator[Committed]:
    more = layer.count / (layer.count - 1)
    right = spread.operation
    formula = Formula("Σ ({0} − {1})²/(N − 1)", lambda a, mean: more * right.evaluate(a, mean))
    swap = {spread.node: replace(spread, operation=formula)}
    sentence = f"the variance is Σ (z_prev − μ)²/{layer.count - 1}, and not /{layer.count}"
    yield layer.commit("unbiased_variance", sentence, swap)
    pullback = layer.pullback

    def through(*operands: Array) -> Array:
        """The derivative of just that forward pass."""
        g, normal, inverse = pullback.prepared(operands)
        return np.asarray((g - pullback.mean(g) - more * normal * pullback.mean(g * normal)) * inverse)

    down = layer.sent_down(Formula("the derivative of that by {1}", through), *layer.down.operands)
    yield layer.commit("unbiased_variance", f"{sentence}, forward and backward", swap | down)


def _of_the_batch(layer: Normalised) -> Committed:
    """Statistics of the batch in inference, with their own paths back."""
    over, settings = layer.operation.over, layer.operation
    mean, variance = (f"{layer.name}/{short}" for short in ("mean", "variance"))
    makes_mean = Equation(layer.name, mean, Mean(over), (layer.below,), internal=True)
    makes_variance = Equation(layer.name, variance, Variance(over), (layer.below, mean), internal=True)
    sums = [e for e in layer.equations if isinstance(e.operation, NormalizedSum)]
    swaps = {layer.forward.node: replace(layer.forward, operands=(layer.below, mean, variance, *layer.weights))}
    swaps |= {e.node: replace(e, operands=(layer.signal, layer.below, mean, variance)) for e in sums}
    pullback = NormalizePullback(over, settings.epsilon, settings.centred, settings.scaled)
    swaps |= layer.sent_down(pullback, layer.signal, layer.below, mean, variance, *layer.gamma)
    sentence = "the statistics of the batch are taken in inference"
    before = {layer.forward.node: (makes_mean, makes_variance)}
    return Committed("moving_statistics", layer.name, sentence, swaps, before)
