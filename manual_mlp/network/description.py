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
from manual_mlp.equations.operations import show
from manual_mlp.errors import ShapeError
from manual_mlp.network.derivation import derivation, forward_equations, fusible
from manual_mlp.network.initializers import Seed, generator, initializer
from manual_mlp.network.layers.dropout import Dropout
from manual_mlp.network.layers.layer import Layer
from manual_mlp.network.layers.table import layer_from_dict
from manual_mlp.network.notebook import network_html
from manual_mlp.nodes import SAMPLE_WEIGHT, kind_of


@dataclass(frozen=True)
class Description:
    """Features per sample, and the layers by their names: widths, shapes, draws, equations."""

    inputs: int | tuple[int, ...]
    layers: tuple[Layer, ...]

    def __init__(self, inputs: int | Sequence[int], layers: Sequence[Layer]) -> None:
        object.__setattr__(self, "inputs", _checked_inputs(inputs))
        if isinstance(layers, str) or not isinstance(layers, Iterable):
            kind = type(layers).__name__
            raise TypeError(f"MLP: layers is {kind}: expected a list of them, such as [Dense(3), Dense(1)].")
        object.__setattr__(self, "layers", name_layers(layers))
        if len(out := self.sample_shapes[-1]) > 1:  # layers that do not fit on each other are told here, too
            raise ShapeError(
                f"{self.layers[-1].name}: gives {show(('N', *out))}, but E compares rows, (N, K). End with a Flatten."
            )

    @property
    def input_shape(self) -> tuple[int, ...]:
        """That of one sample, (n_0,) or, of a sequence or an image, more."""
        return self.inputs if isinstance(self.inputs, tuple) else (self.inputs,)

    @cached_property
    def sample_shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shape of each layer's output for one sample, without N."""
        return tuple(tuple(map(int, shape)) for shape in shapes(self)[1:])

    @property
    def units(self) -> tuple[int, ...]:
        """n_1, n_2, …: the width of each layer's output, its last axis."""
        return tuple(shape[-1] for shape in self.sample_shapes)

    @cached_property
    def masks(self) -> dict[str, tuple[Dropout, tuple[int, ...]]]:
        """Name of each draw → (the layer that reads it, its shape without N)."""
        pairs = zip(self.layers, self.sample_shapes, strict=True)
        return {layer.mask: (layer, shape) for layer, shape in pairs if isinstance(layer, Dropout)}

    @property
    def outline(self) -> str:
        """The layers in a few words, as titles have them.

        Example:
            >>> from manual_mlp import MLP, Activation, Dense
            >>> MLP(784, [Dense(50, "sigmoid"), Dropout(0.3), Dense(10), Activation("softmax")]).outline
            '784-50-dropout 0.3-10-softmax'
        """
        start = "×".join(map(str, self.input_shape))
        return "-".join(str(part) for part in (start, *(layer.word for layer in self.layers)))

    def _repr_html_(self) -> str:
        layers = zip(self.layers, self.sample_shapes, strict=True)
        return network_html(self.outline, self.input_shape, layers, self.parameter_shapes)

    @property
    def parameter_shapes(self) -> dict[str, Shape]:
        """Parameter name → shape, layer by layer, kernel before bias."""
        return dict(self._shapes)

    @cached_property
    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: tuple(map(int, shape)) for name, shape in parameter_shapes(self, letters=False).items()}

    @property
    def untrained(self) -> frozenset[str]:
        """Parameters that have no gradient, such as the moving statistics of a normalisation."""
        return frozenset(f"{layer.name}/{short}" for layer in self.layers for short in layer.untrained)

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
        first, *others = shapes(self, letters)
        indices = loss is not None and as_loss(loss).function.class_indices
        y: Shape = (batch,) if indices else (batch, *others[-1])
        masks = {d: (batch, *own) for layer, own in zip(self.layers, others, strict=True) for d in layer.draws}
        weights: dict[str, Shape] = {SAMPLE_WEIGHT: (batch,)} if weighted else {}
        return {"x": (batch, *first), "y": y, **weights, **parameter_shapes(self, letters), **masks}

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
        starts = {f"{layer.name}/{short}": start for layer in self.layers for short, start in layer.starts.items()}
        return {
            name: np.full(shape, starts[name], dtype)
            if name in starts
            else np.asarray(draws[kind_of(name)](rng, shape), dtype)
            for name, shape in self._shapes.items()
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
        return {name: layer.sample(rng, (int(batch), *own), dtype) for name, (layer, own) in self.masks.items()}

    @property
    def forward_equations(self) -> tuple[Equation, ...]:
        """u and z of every layer in training, where a Dropout reads its mask."""
        return forward_equations(self.layers)

    @property
    def inference_equations(self) -> tuple[Equation, ...]:
        """The same in inference, where a Dropout is the identity and no draw is read."""
        return forward_equations(self.layers, training=False, drawn=False)

    def equations(
        self, loss: str | Loss, fused: bool | None = None, weighted: bool = False, training: bool = True
    ) -> tuple[Equation, ...]:
        """The whole derivation in the order of the computation: forward, E, backward.

        Args:
            loss: a name or a `Loss`.
            fused: whether the last activation is part of the loss; None for what Keras does.
            weighted: whether E reads a weight of each sample, `sample_weight`.
            training: whether a normalisation takes the statistics of the batch, and not its moving ones.

        Returns:
            One record per node.

        Raises:
            ValueError: no gradient passes (a step), or logits and activation contradict each other.

        Example: see `Equation`.
        """
        loss = as_loss(loss)
        return derivation(self.layers, loss, self.fuses(loss) if fused is None else fused, weighted, training)

    def fuses(self, loss: str | Loss) -> bool:
        """Whether Keras computes this loss from what the last activation reads, leaving out dE/dz.

        Example:
            >>> from manual_mlp import MLP, Dense
            >>> MLP(2, [Dense(3, "softmax")]).fuses("categorical_crossentropy")
            True
        """
        loss, head = as_loss(loss), fusible(self.layers)
        return head is not None and not loss.from_logits and head.head == loss.function.fused_activation

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON."""
        inputs = list(self.inputs) if isinstance(self.inputs, tuple) else self.inputs
        return {"inputs": inputs, "layers": [layer.to_dict() for layer in self.layers]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The network that `to_dict` wrote down.

        Example:
            >>> from manual_mlp import MLP, Dense
            >>> MLP.from_dict(MLP(2, [Dense(1)]).to_dict()) == MLP(2, [Dense(1)])
            True
        """
        return cls(data["inputs"], [layer_from_dict(layer) for layer in data["layers"]])


def _checked_inputs(inputs: object) -> int | tuple[int, ...]:
    """Features per sample, or the shape of one sample; a shape of one number is that number."""
    sizes = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    if not sizes or any(isinstance(n, bool) or not isinstance(n, int) for n in sizes):
        raise TypeError(
            f"MLP(inputs={inputs!r}): expected a whole number, the features per sample, or a shape such as (28, 28)."
        )
    if min(sizes) < 1:
        raise ValueError(f"MLP(inputs={inputs}): expected at least 1.")
    return sizes if len(sizes) > 1 else sizes[0]


def name_layers(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """The layers, those without a name counted per kind; an error for what is no layer, or a name that is taken."""
    counters: dict[str, itertools.count[int]] = {}
    result: list[Layer] = []
    for layer in layers:
        if not isinstance(layer, Layer):
            raise TypeError(f"{layer!r} is no layer. Expected Dense(units), Dropout(rate) or Activation(name).")
        position = next(counters.setdefault(layer.kind, itertools.count(1)))
        result.append(layer if layer.name else replace(layer, name=f"{layer.kind}_{position}"))  # type: ignore[type-var]  # every layer is a dataclass
    if not any(layer.kernel for layer in result):
        raise ValueError("An MLP without a Dense layer has nothing to learn: add at least one.")
    names = [layer.name for layer in result]
    twice = sorted({str(n) for n in names if names.count(n) > 1} | ({"inputs"} & set(map(str, names))))
    if twice:
        raise ValueError(f"Layer names {', '.join(twice)} are taken: names of layers must differ, and not be 'inputs'.")
    return tuple(result)


def shapes(description: Description, letters: bool = False) -> list[Shape]:
    """Of one sample: x and each layer's output; with letters n₀, n₁, … for widths that a layer chooses itself."""
    found: list[Shape] = [(*description.input_shape[:-1], "n₀") if letters else description.input_shape]
    for i, layer in enumerate(description.layers, 1):
        found.append(_shape_of(layer, found[-1], _width(i) if letters else ""))
    return found


def _shape_of(layer: Layer, below: Shape, width: str) -> Shape:
    try:
        return layer.shape(below, width)
    except ShapeError as clash:
        raise ShapeError(f"{layer.name}: {clash}") from None


def _width(layer: int) -> str:
    return "n" + "".join("₀₁₂₃₄₅₆₇₈₉"[int(d)] for d in str(layer))


def parameter_shapes(description: Description, letters: bool) -> dict[str, Shape]:
    """Parameter name → shape, layer by layer, in numbers or letters."""
    below = shapes(description, letters)[:-1]
    return {
        f"{layer.name}/{short}": shape
        for i, (layer, own) in enumerate(zip(description.layers, below, strict=True), 1)
        for short, shape in layer.parameter_shapes(own, _width(i) if letters else "").items()
    }
