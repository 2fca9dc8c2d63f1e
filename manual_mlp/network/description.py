"""Description: what is known of a network before any number, and the leaves that its equations read."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from manual_mlp.arrays import Array, Dim, Shape
from manual_mlp.equations.equations import Equation
from manual_mlp.equations.loss import Loss, as_loss
from manual_mlp.network.derivation import derivation, forward_equations, fusible
from manual_mlp.network.initializers import Seed, generator, initializer
from manual_mlp.network.layers import Activation, Dense, Dropout, Layer, layer_from_dict
from manual_mlp.nodes import SAMPLE_WEIGHT, kind_of


@dataclass(frozen=True)
class Description:
    """Features per sample, and the layers by their names: widths, shapes, draws, equations."""

    inputs: int
    layers: tuple[Layer, ...]

    def __init__(self, inputs: int, layers: Sequence[Layer]) -> None:
        if isinstance(inputs, bool) or not isinstance(inputs, int):
            raise TypeError(f"MLP(inputs={inputs!r}): expected a whole number, the features per sample.")
        if inputs < 1:
            raise ValueError(f"MLP(inputs={inputs}): expected at least 1.")
        if isinstance(layers, str) or not isinstance(layers, Iterable):
            kind = type(layers).__name__
            raise TypeError(f"MLP: layers is {kind}: expected a list of them, such as [Dense(3), Dense(1)].")
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "layers", name_layers(layers))

    @cached_property
    def units(self) -> tuple[int, ...]:
        """n_1, n_2, …: the width of each layer's output."""
        return tuple(int(n) for n in widths(self)[1:])

    @cached_property
    def masks(self) -> dict[str, tuple[Dropout, int]]:
        """Name of each draw → (the layer that reads it, the width of that layer)."""
        pairs = zip(self.layers, self.units, strict=True)
        return {layer.mask: (layer, n) for layer, n in pairs if isinstance(layer, Dropout)}

    @property
    def outline(self) -> str:
        """The layers in a few words, as titles have them.

        Example:
            >>> from manual_mlp import MLP, Activation, Dense
            >>> MLP(784, [Dense(50, "sigmoid"), Dropout(0.3), Dense(10), Activation("softmax")]).outline
            '784-50-dropout 0.3-10-softmax'
        """
        return "-".join(str(part) for part in (self.inputs, *map(word, self.layers)))

    @property
    def parameter_shapes(self) -> dict[str, Shape]:
        """Parameter name → shape, layer by layer, kernel before bias."""
        return dict(self._shapes)

    @cached_property
    def _shapes(self) -> dict[str, Shape]:
        return parameter_shapes(self, letters=False)

    def leaf_shapes(
        self, batch: Dim, loss: str | Loss | None = None, letters: bool = False, weighted: bool = False
    ) -> dict[str, Shape]:
        """Shapes of what the equations read before any has run.

        Args:
            batch: N, a number or a letter.
            loss: needed only where y holds class indices, (N,).
            letters: n₀, n₁, … for the widths.
            weighted: samples have weights.

        Returns:
            name → shape of x, y, the weights of the samples, every parameter and every draw.

        Example:
            >>> from manual_mlp import MLP, Dense
            >>> MLP(3, [Dense(2)]).leaf_shapes("N", letters=True)["dense_1/kernel"]
            ('n₀', 'n₁')
        """
        ns = widths(self, letters)
        y: Shape = (batch,) if loss is not None and as_loss(loss).function.class_indices else (batch, ns[-1])
        drops = zip(self.layers, ns[1:], strict=True)
        masks = {layer.mask: (batch, n) for layer, n in drops if isinstance(layer, Dropout)}
        weights: dict[str, Shape] = {SAMPLE_WEIGHT: (batch,)} if weighted else {}
        return {"x": (batch, ns[0]), "y": y, **weights, **parameter_shapes(self, letters), **masks}

    def initialize(
        self,
        seed: Seed,
        kernel_initializer: str = "glorot_uniform",
        bias_initializer: str = "zeros",
        dtype: str = "float64",
    ) -> dict[str, Array]:
        """Draw initial parameters, weights then bias, layer by layer.

        Args:
            seed: an int, a numpy Generator or a RandomState (whose legacy stream article A uses).
            kernel_initializer: glorot_uniform, glorot_normal, he_uniform, he_normal, zeros, or normal(σ).
            bias_initializer: the same names.
            dtype: of the arrays; they are drawn in float64 and rounded once.

        Returns:
            name → array: `dense_1/kernel` (n_in, n_out), `dense_1/bias` (n_out,), …

        Raises:
            ValueError: unknown initializer.
            TypeError: a seed of another type.

        Example:
            >>> from manual_mlp import MLP, Dense
            >>> sorted(MLP(2, [Dense(3)]).initialize(0))
            ['dense_1/bias', 'dense_1/kernel']
        """
        rng = generator(seed)
        draws = {"kernel": initializer(kernel_initializer), "bias": initializer(bias_initializer)}
        return {
            name: np.asarray(draws[kind_of(name)](rng, shape), dtype)  # type: ignore[arg-type]  # numbers
            for name, shape in self.parameter_shapes.items()
        }

    def draws(self, seed: Seed, batch: int, dtype: str = "float64") -> dict[str, Array]:
        """Draw what the derivation reads from outside: one mask per `Dropout`.

        Args:
            seed: an int, a numpy Generator or a RandomState.
            batch: N.
            dtype: of the arrays.

        Returns:
            name → array, `dropout_1/mask` (N, n), its entries 0 or 1/(1 − rate); empty where there is no Dropout.

        Raises:
            TypeError: a seed or a batch of another type.
            ValueError: a batch below 1.

        Example:
            >>> from manual_mlp import MLP, Dense
            >>> MLP(2, [Dropout(0.5), Dense(1)]).draws(seed=0, batch=3)["dropout_1/mask"]
            array([[2., 0.],
                   [0., 0.],
                   [2., 2.]])
        """
        if isinstance(batch, bool) or not isinstance(batch, (int, np.integer)):
            raise TypeError(f"batch={batch!r}: expected a whole number, the samples that one mask covers.")
        if batch < 1:
            raise ValueError(f"batch={batch}: expected at least 1.")
        rng = generator(seed)
        return {name: layer.sample(rng, (int(batch), n), dtype) for name, (layer, n) in self.masks.items()}

    @property
    def forward_equations(self) -> tuple[Equation, ...]:
        """u and z of every layer in training, where a Dropout reads its mask."""
        return forward_equations(self.layers)

    @property
    def inference_equations(self) -> tuple[Equation, ...]:
        """The same in inference, where a Dropout is the identity and no draw is read."""
        return forward_equations(self.layers, training=False)

    def equations(self, loss: str | Loss, fused: bool | None = None, weighted: bool = False) -> tuple[Equation, ...]:
        """The whole derivation in the order of the computation: forward, E, backward.

        Args:
            loss: a name or a `Loss`.
            fused: whether the last activation is part of the loss; None for what Keras does.
            weighted: whether E reads a weight of each sample, `sample_weight`.

        Returns:
            One record per node.

        Raises:
            ValueError: no gradient passes (a step), or logits and activation contradict each other.

        Example: see `Equation`.
        """
        loss = as_loss(loss)
        return derivation(self.layers, loss, self.fuses(loss) if fused is None else fused, weighted)

    def fuses(self, loss: str | Loss) -> bool:
        """Whether Keras computes this loss from what the last activation reads, leaving out dE/dz.

        Example:
            >>> from manual_mlp import MLP, Dense
            >>> MLP(2, [Dense(3, "softmax")]).fuses("categorical_crossentropy")
            True
        """
        loss, head = as_loss(loss), fusible(self.layers)
        return head is not None and not loss.from_logits and head.activation == loss.function.fused_activation

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON."""
        return {"inputs": self.inputs, "layers": [layer.to_dict() for layer in self.layers]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The network that `to_dict` wrote down.

        Example:
            >>> from manual_mlp import MLP, Dense
            >>> MLP.from_dict(MLP(2, [Dense(1)]).to_dict()) == MLP(2, [Dense(1)])
            True
        """
        return cls(data["inputs"], [layer_from_dict(layer) for layer in data["layers"]])


def name_layers(layers: Iterable[Layer]) -> tuple[Layer, ...]:
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


def widths(description: Description, letters: bool = False) -> list[Dim]:
    """n₀, n₁, …; a layer that keeps the width keeps the letter."""
    found: list[Dim] = ["n₀" if letters else description.inputs]
    for i, layer in enumerate(description.layers, 1):
        own = isinstance(layer, Dense) and letters
        found.append("n" + "".join("₀₁₂₃₄₅₆₇₈₉"[int(d)] for d in str(i)) if own else layer.width(found[-1]))
    return found


def word(layer: Layer) -> int | str:
    """A layer in a title."""
    if isinstance(layer, Dropout):
        return f"dropout {layer.rate:g}"
    return layer.activation if isinstance(layer, Activation) else layer.units


def parameter_shapes(description: Description, letters: bool) -> dict[str, Shape]:
    """Parameter name → shape, layer by layer, in numbers or letters."""
    pairs = itertools.pairwise(widths(description, letters))
    return {
        f"{layer.name}/{short}": shape
        for layer, (n_in, n_out) in zip(description.layers, pairs, strict=True)
        for short, shape in layer.parameter_shapes(n_in, n_out).items()
    }
