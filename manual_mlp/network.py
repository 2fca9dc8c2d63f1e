"""MLP: the description of a network, and the walk over its equations."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from manual_mlp._types import Array, Dim, Shape
from manual_mlp.activations import activation
from manual_mlp.checks import check_parameters, check_x, check_y
from manual_mlp.equations import Equation, evaluate
from manual_mlp.evaluation import Evaluation, Problem
from manual_mlp.initializers import Seed, generator, initializer
from manual_mlp.layers import Dense, Layer, layer_from_dict
from manual_mlp.losses import Loss, as_loss
from manual_mlp.operations import LossGradient, LossValue


@dataclass(frozen=True)
class MLP:
    """A multi-layer perceptron: a frozen description, with no arrays inside.

    Args:
        inputs: n_0, features per sample.
        layers: one after the other; those without a name become `dense_1`, `dense_2`, …

    Raises:
        ValueError: no layers, inputs below 1, or two layers of one name.
        TypeError: inputs that are no whole number, or something that is no layer.

    Example:
        >>> import numpy as np
        >>> mlp = MLP(2, [Dense(3, "sigmoid"), Dense(1)])
        >>> w = mlp.initialize(seed=0)
        >>> e = mlp.backpropagate(w, np.ones((4, 2)), np.zeros((4, 1)), "mse")
        >>> e.gradients["dense_1/kernel"].shape
        (2, 3)
    """

    inputs: int
    layers: tuple[Layer, ...]

    def __init__(self, inputs: int, layers: Sequence[Layer]) -> None:
        if isinstance(inputs, bool) or not isinstance(inputs, int):
            raise TypeError(f"MLP(inputs={inputs!r}): expected a whole number, the features per sample.")
        if inputs < 1:
            raise ValueError(f"MLP(inputs={inputs}): expected at least 1.")
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "layers", _named(layers))

    @property
    def units(self) -> tuple[int, ...]:
        """n_1, n_2, …: the width of each layer's output."""
        return tuple(layer.units for layer in self.layers)

    @property
    def parameter_shapes(self) -> dict[str, Shape]:
        """Parameter name → shape, layer by layer, kernel before bias."""
        return dict(_parameter_shapes(self, letters=False))

    def leaf_shapes(self, batch: Dim, loss: str | Loss | None = None, letters: bool = False) -> dict[str, Shape]:
        """Shapes of what the equations read before any has run.

        Args:
            batch: N, a number or a letter.
            loss: needed only where y holds class indices, (N,).
            letters: n₀, n₁, … for the widths.

        Returns:
            name → shape of x, y and every parameter.

        Example:
            >>> MLP(3, [Dense(2)]).leaf_shapes("N", letters=True)["dense_1/kernel"]
            ('n₀', 'n₁')
        """
        widths = _widths(self, letters)
        y: Shape = (batch,) if loss is not None and as_loss(loss).function.class_indices else (batch, widths[-1])
        return {"x": (batch, widths[0]), "y": y, **_parameter_shapes(self, letters)}

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
            >>> sorted(MLP(2, [Dense(3)]).initialize(0))
            ['dense_1/bias', 'dense_1/kernel']
        """
        rng = generator(seed)
        draws = {"kernel": initializer(kernel_initializer), "bias": initializer(bias_initializer)}
        return {
            name: np.asarray(draws[name.rsplit("/", 1)[1]](rng, shape), dtype)  # type: ignore[arg-type]  # numbers
            for name, shape in self.parameter_shapes.items()
        }

    @property
    def forward_equations(self) -> tuple[Equation, ...]:
        """u and z of every layer."""
        return _forward(self)

    def equations(self, loss: str | Loss, fused: bool | None = None) -> tuple[Equation, ...]:
        """The whole derivation in the order of the computation: forward, E, backward.

        Args:
            loss: a name or a `Loss`.
            fused: whether the last activation is part of the loss; None for what Keras does.

        Returns:
            One record per node.

        Raises:
            ValueError: no gradient passes (a step), or logits and activation contradict each other.

        Example: see `Equation`.
        """
        loss = as_loss(loss)
        return _derivation(self, loss, self.fuses(loss) if fused is None else fused)

    def fuses(self, loss: str | Loss) -> bool:
        """Whether Keras computes this loss from the last layer's u, leaving out dE/dz.

        Example:
            >>> MLP(2, [Dense(3, "softmax")]).fuses("categorical_crossentropy")
            True
        """
        loss = as_loss(loss)
        return not loss.from_logits and self.layers[-1].activation == loss.function.fused_activation

    def forward(self, parameters: Mapping[str, Array], x: Array) -> dict[str, Array]:
        """The forward pass: u and z of every layer.

        Args:
            parameters: name → array.
            x: (N, n_0).

        Returns:
            The trace, node → array: `dense_1/u` (N, n_1), `dense_1/z` (N, n_1), …

        Raises:
            ShapeError: shapes that do not fit.
            ValueError: missing parameters, an empty batch, NaN or Inf in x.
            TypeError: arrays that hold no numbers.

        Example:
            >>> import numpy as np
            >>> mlp = MLP(1, [Dense(1, use_bias=False)])
            >>> mlp.forward({"dense_1/kernel": np.array([[3.0]])}, np.array([[2.0]]))["dense_1/z"]
            array([[6.]])
        """
        x = check_x(self, x, check_parameters(self, parameters))
        return evaluate(self.forward_equations, {"x": x, **parameters})

    def predict(self, parameters: Mapping[str, Array], x: Array, batch_size: int | None = None) -> Array:
        """The network's output, computed in batches so that memory stays small.

        Args:
            parameters: name → array.
            x: (N, n_0).
            batch_size: samples at a time; None for all at once.

        Returns:
            z of the last layer, (N, K).

        Raises:
            As `forward`; ValueError for a batch_size below 1.

        Example:
            >>> import numpy as np
            >>> mlp = MLP(1, [Dense(1)])
            >>> mlp.predict(mlp.initialize(0), np.zeros((5, 1)), batch_size=2).shape
            (5, 1)
        """
        x = check_x(self, x, check_parameters(self, parameters))
        size = len(x) if batch_size is None else batch_size
        if size < 1:
            raise ValueError(f"batch_size={batch_size}: expected at least 1.")
        result = np.empty((len(x), self.units[-1]), x.dtype)
        output = self.forward_equations[-1].node
        for start in range(0, len(x), size):
            part = slice(start, start + size)
            result[part] = evaluate(self.forward_equations, {"x": x[part], **parameters})[output]
        return result

    def backpropagate(self, parameters: Mapping[str, Array], x: Array, y: Array, loss: str | Loss) -> Evaluation:
        """E and its gradient with respect to everything, by the hand-written derivation.

        With δ = dE/du:  δ = dE/dz ⊙ f′(u),  dE/dW = z_prevᵀ δ,  dE/db = Σ_N δ,  dE/dz_prev = δ Wᵀ.

        Args:
            parameters: name → array; their dtype is that of the computation.
            x: (N, n_0).
            y: (N, K), or class indices (N,) for sparse_categorical_crossentropy.
            loss: a name or a `Loss`.

        Returns:
            An `Evaluation` with every node.

        Raises:
            ShapeError: shapes that do not fit.
            ValueError: unknown loss, missing parameters, an empty batch, NaN or Inf, labels out of range.
            TypeError: arrays that hold no numbers, labels that are no integers.

        Source: Rumelhart, Hinton and Williams, 1986; Okatani, 2016, ch. 4.

        Example: see `MLP`.
        """
        return evaluation_of(self.problem(parameters, x, y, loss))

    def problem(
        self, parameters: Mapping[str, Array], x: Array, y: Array, loss: str | Loss, fused: bool | None = None
    ) -> Problem:
        """Checked input of one evaluation; raises as `backpropagate` does.

        Example:
            >>> import numpy as np
            >>> mlp = MLP(1, [Dense(1)])
            >>> mlp.problem(mlp.initialize(0), np.ones((2, 1)), np.ones((2, 1)), "mse").loss.name
            'mean_squared_error'
        """
        loss = as_loss(loss)
        dtype = check_parameters(self, parameters)
        x = check_x(self, x, dtype)
        y = check_y(self, y, loss, len(x), dtype)
        own = {name: parameters[name].copy() for name in self.parameter_shapes}
        return Problem(self, own, x, y, loss, self.fuses(loss) if fused is None else fused)

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON."""
        return {"inputs": self.inputs, "layers": [layer.to_dict() for layer in self.layers]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> MLP:
        """The network that `to_dict` wrote down.

        Example:
            >>> MLP.from_dict(MLP(2, [Dense(1)]).to_dict()) == MLP(2, [Dense(1)])
            True
        """
        return cls(data["inputs"], [layer_from_dict(layer) for layer in data["layers"]])


def evaluation_of(problem: Problem) -> Evaluation:
    """Run a problem's equations.

    Example:
        >>> import numpy as np
        >>> mlp = MLP(1, [Dense(1)])
        >>> problem = mlp.problem(mlp.initialize(0, dtype="float32"), np.ones((2, 1)), np.ones((2, 1)), "mse")
        >>> evaluation_of(problem).rerun().nodes["loss"].dtype.name
        'float64'
    """
    nodes = evaluate(problem.equations, problem.environment)
    return Evaluation(nodes, problem, "manual_mlp", lambda: evaluation_of(problem.float64))


def _named(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    counters: dict[str, itertools.count[int]] = {}
    named = []
    for layer in layers:
        if not isinstance(layer, Dense):
            raise TypeError(f"{layer!r} is no layer. Expected Dense(units, activation).")
        position = next(counters.setdefault(layer.kind, itertools.count(1)))
        named.append(layer if layer.name else replace(layer, name=f"{layer.kind}_{position}"))
    if not named:
        raise ValueError("An MLP without layers computes nothing: add at least one Dense.")
    names = [layer.name for layer in named]
    twice = sorted({str(n) for n in names if names.count(n) > 1} | ({"inputs"} & set(map(str, names))))
    if twice:
        raise ValueError(f"Layer names {', '.join(twice)} are taken: names of layers must differ, and not be 'inputs'.")
    return tuple(named)


def _widths(mlp: MLP, letters: bool) -> list[Dim]:
    if not letters:
        return [mlp.inputs, *mlp.units]
    return ["n" + "".join("₀₁₂₃₄₅₆₇₈₉"[int(d)] for d in str(i)) for i in range(len(mlp.layers) + 1)]


@lru_cache(maxsize=256)
def _parameter_shapes(mlp: MLP, letters: bool) -> dict[str, Shape]:
    pairs = itertools.pairwise(_widths(mlp, letters))
    return {
        f"{layer.name}/{short}": shape
        for layer, (n_in, n_out) in zip(mlp.layers, pairs, strict=True)
        for short, shape in layer.parameter_shapes(n_in, n_out).items()
    }


@lru_cache(maxsize=256)
def _forward(mlp: MLP) -> tuple[Equation, ...]:
    belows = ["x", *(f"{layer.name}/z" for layer in mlp.layers)]
    return tuple(e for layer, below in zip(mlp.layers, belows, strict=False) for e in layer.forward(below))


@lru_cache(maxsize=256)
def _derivation(mlp: MLP, loss: Loss, fused: bool) -> tuple[Equation, ...]:
    _check_differentiable(mlp, loss, fused)
    last = mlp.layers[-1]
    output, logits = (f"{last.name}/u", True) if fused else (f"{last.name}/z", loss.from_logits)
    into = f"{last.name}/dE_du" if fused else f"{last.name}/dE_dz"
    derivation = [
        *_forward(mlp),
        Equation(str(last.name), "loss", LossValue(loss, logits), (output, "y")),
        Equation(str(last.name), into, LossGradient(loss, logits), (output, "y")),
    ]
    belows = ["x", *(f"{layer.name}/z" for layer in mlp.layers[:-1])]
    gradients = ["inputs/dE_dx", *(f"{layer.name}/dE_dz" for layer in mlp.layers[:-1])]
    for layer, below, gradient in reversed(list(zip(mlp.layers, belows, gradients, strict=True))):
        if not (fused and layer is last):
            derivation.append(layer.pullback())
        derivation.extend(layer.backward(below, gradient))
    return tuple(derivation)


def _check_differentiable(mlp: MLP, loss: Loss, fused: bool) -> None:
    for layer in mlp.layers:
        if activation(layer.activation).backward is None:
            raise ValueError(
                f"{layer.name}: δ = dE/dz ⊙ f′ has no f′ for {layer.activation!r}, which runs forward only. "
                "Use 'sigmoid' in its place to train."
            )
    last, function = mlp.layers[-1], loss.function
    if loss.from_logits and last.activation == function.fused_activation:
        raise ValueError(
            f"{last.name}: {loss.name} with from_logits=True expects logits, but the layer already applies "
            f"{last.activation}. Give it activation='linear', or leave from_logits out."
        )
    if fused and (function.logits_value is None or last.activation != function.fused_activation):
        raise ValueError(f"{last.name}: {last.activation} cannot be fused into {loss.name}. Leave fused out.")
