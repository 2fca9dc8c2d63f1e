"""The stages of a forward and a backward pass, one after the other: article C's formulas beside ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from manual_mlp import MLP

Kind = Literal["forward", "cost", "delta", "gradient"]

_UP = "⁰¹²³⁴⁵⁶⁷⁸⁹"


@dataclass(frozen=True)
class Stage:
    """One step of the computation."""

    title: str  # in a few words
    article: tuple[str, ...]  # the article's formulas, one or two
    nodes: tuple[str, ...]  # what the house computes in it, in order
    kind: Kind  # what is lit in the drawing
    layer: int  # counted from 1 at the first Dense layer


def stages(mlp: MLP) -> tuple[Stage, ...]:
    """All stages of a network of sigmoid layers with a quadratic cost: forward, cost, then δ and ∂C/∂w downwards."""
    last = len(mlp.layers)
    found = [_forward(layer) for layer in range(1, last + 1)]
    found.append(_cost(last))
    for layer in range(last, 0, -1):
        found += [_delta(layer, last), _gradient(layer)]
    return tuple(found)


def _forward(layer: int) -> Stage:
    k, j = _UP[layer], _UP[layer + 1]
    text = (f"a{j}ⱼ = Σₖ w{k}ⱼₖ z{k}ₖ + b{k}ⱼ", f"z{j} = h(a{j})")
    return Stage(f"forward into layer {layer + 1}", text, (f"dense_{layer}/u", f"dense_{layer}/z"), "forward", layer)


def _cost(last: int) -> Stage:
    top = _UP[last + 1]
    text = (f"C = 1/(2n) Σ ‖y − z{top}‖²", f"∂C/∂z{top} = (z{top} − y)/n")
    return Stage("the cost", text, ("loss", f"dense_{last}/dE_dz"), "cost", last)


def _delta(layer: int, last: int) -> Stage:
    j, above = _UP[layer + 1], _UP[layer + 2]
    if layer == last:
        text: tuple[str, ...] = (f"δ{j} = ∂C/∂z{j} ⊙ h′(a{j})",)
        nodes: tuple[str, ...] = (f"dense_{layer}/dE_du",)
    else:
        text = (f"δ{j}ₖ = h′(a{j}ₖ) Σⱼ w{j}ⱼₖ δ{above}ⱼ",)
        nodes = (f"dense_{layer}/dE_dz", f"dense_{layer}/dE_du")
    return Stage(f"δ of layer {layer + 1}", text, nodes, "delta", layer)


def _gradient(layer: int) -> Stage:
    k, j = _UP[layer], _UP[layer + 1]
    text = (f"∂C/∂w{k}ⱼₖ = z{k}ₖ δ{j}ⱼ", f"∂C/∂b{k}ⱼ = δ{j}ⱼ")
    nodes = (f"dense_{layer}/dE_dkernel", f"dense_{layer}/dE_dbias")
    return Stage(f"the gradient of w{k} and b{k}", text, nodes, "gradient", layer)
