"""What the layers of a network are called, how wide they are, and which parameters they hold."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from manual_mlp.arrays import Dim, Shape
from manual_mlp.network.layers import Activation, Dense, Dropout, Layer

if TYPE_CHECKING:
    from manual_mlp.network.network import MLP


def named(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """The layers, those without a name counted per kind; an error for what is no layer, or a name that is taken."""
    counters: dict[str, itertools.count[int]] = {}
    result = []
    for layer in layers:
        if not isinstance(layer, Layer):
            raise TypeError(f"{layer!r} is no layer. Expected Dense(units), Dropout(rate) or Activation(name).")
        position = next(counters.setdefault(layer.kind, itertools.count(1)))
        result.append(layer if layer.name else replace(layer, name=f"{layer.kind}_{position}"))
    if not any(isinstance(layer, Dense) for layer in result):
        raise ValueError("An MLP without a Dense layer has nothing to learn: add at least one.")
    names = [layer.name for layer in result]
    twice = sorted({str(n) for n in names if names.count(n) > 1} | ({"inputs"} & set(map(str, names))))
    if twice:
        raise ValueError(f"Layer names {', '.join(twice)} are taken: names of layers must differ, and not be 'inputs'.")
    return tuple(result)


def widths(mlp: MLP, letters: bool = False) -> list[Dim]:
    """n₀, n₁, …; a layer that keeps the width keeps the letter."""
    found: list[Dim] = ["n₀" if letters else mlp.inputs]
    for i, layer in enumerate(mlp.layers, 1):
        own = isinstance(layer, Dense) and letters
        found.append("n" + "".join("₀₁₂₃₄₅₆₇₈₉"[int(d)] for d in str(i)) if own else layer.width(found[-1]))
    return found


def word(layer: Layer) -> int | str:
    """A layer in a title."""
    if isinstance(layer, Dropout):
        return f"dropout {layer.rate:g}"
    return layer.activation if isinstance(layer, Activation) else layer.units


def parameter_shapes(mlp: MLP, letters: bool) -> dict[str, Shape]:
    """Parameter name → shape, layer by layer, in numbers or letters."""
    pairs = itertools.pairwise(widths(mlp, letters))
    return {
        f"{layer.name}/{short}": shape
        for layer, (n_in, n_out) in zip(mlp.layers, pairs, strict=True)
        for short, shape in layer.parameter_shapes(n_in, n_out).items()
    }
