"""MLP: the description of a network, and the walk over its equations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from manual_mlp.arrays import Array, Dim, Shape
from manual_mlp.equations.equations import Equation, evaluate
from manual_mlp.equations.losses import Loss, as_loss
from manual_mlp.network.checks import check_draws, check_parameters, check_x, check_y
from manual_mlp.network.derivation import derivation, forward_equations, fusible
from manual_mlp.network.description import named, parameter_shapes, widths, word
from manual_mlp.network.evaluation import Evaluation, Problem
from manual_mlp.network.initializers import Seed, generator, initializer
from manual_mlp.network.layers import Dropout, Layer, layer_from_dict
from manual_mlp.nodes import kind_of


@dataclass(frozen=True)
class MLP:
    """A multi-layer perceptron: a frozen description, with no arrays inside.

    Args:
        inputs: n_0, features per sample.
        layers: `Dense`, `Dropout` and `Activation`, one after the other; those without a name become `dense_1`,
            `dropout_1`, `dense_2`, …, counted per kind.

    Raises:
        ValueError: no Dense layer, inputs below 1, or two layers of one name.
        TypeError: inputs that are no whole number, or something that is no layer.

    Example:
        >>> from manual_mlp import Dense
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
        if isinstance(layers, str) or not isinstance(layers, Iterable):
            kind = type(layers).__name__
            raise TypeError(f"MLP: layers is {kind}: expected a list of them, such as [Dense(3), Dense(1)].")
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "layers", named(layers))

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
            >>> from manual_mlp import Activation, Dense
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

    def leaf_shapes(self, batch: Dim, loss: str | Loss | None = None, letters: bool = False) -> dict[str, Shape]:
        """Shapes of what the equations read before any has run.

        Args:
            batch: N, a number or a letter.
            loss: needed only where y holds class indices, (N,).
            letters: n₀, n₁, … for the widths.

        Returns:
            name → shape of x, y, every parameter and every draw.

        Example:
            >>> from manual_mlp import Dense
            >>> MLP(3, [Dense(2)]).leaf_shapes("N", letters=True)["dense_1/kernel"]
            ('n₀', 'n₁')
        """
        ns = widths(self, letters)
        y: Shape = (batch,) if loss is not None and as_loss(loss).function.class_indices else (batch, ns[-1])
        drops = zip(self.layers, ns[1:], strict=True)
        masks = {layer.mask: (batch, n) for layer, n in drops if isinstance(layer, Dropout)}
        return {"x": (batch, ns[0]), "y": y, **parameter_shapes(self, letters), **masks}

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
            >>> from manual_mlp import Dense
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
            >>> from manual_mlp import Dense
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
        return forward_equations(self)

    @property
    def inference_equations(self) -> tuple[Equation, ...]:
        """The same in inference, where a Dropout is the identity and no draw is read."""
        return forward_equations(self, training=False)

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
        return derivation(self, loss, self.fuses(loss) if fused is None else fused)

    def fuses(self, loss: str | Loss) -> bool:
        """Whether Keras computes this loss from what the last activation reads, leaving out dE/dz.

        Example:
            >>> from manual_mlp import Dense
            >>> MLP(2, [Dense(3, "softmax")]).fuses("categorical_crossentropy")
            True
        """
        loss, head = as_loss(loss), fusible(self)
        return head is not None and not loss.from_logits and head.activation == loss.function.fused_activation

    def forward(
        self, parameters: Mapping[str, Array], x: Array, draws: Mapping[str, Array] | None = None
    ) -> dict[str, Array]:
        """The forward pass: u and z of every layer.

        Args:
            parameters: name → array.
            x: (N, n_0).
            draws: name → mask of each Dropout, as `draws` gives them; None for inference, where nothing is dropped.

        Returns:
            The trace, node → array: `dense_1/u` (N, n_1), `dense_1/z` (N, n_1), …

        Raises:
            ShapeError: shapes that do not fit.
            ValueError: missing parameters, an empty batch, NaN or Inf in x.
            TypeError: arrays that hold no numbers.

        Example:
            >>> from manual_mlp import Dense
            >>> import numpy as np
            >>> mlp = MLP(1, [Dense(1, use_bias=False)])
            >>> mlp.forward({"dense_1/kernel": np.array([[3.0]])}, np.array([[2.0]]))["dense_1/z"]
            array([[6.]])
        """
        x = check_x(self, x, check_parameters(self, parameters))
        if draws is None:
            return evaluate(self.inference_equations, {"x": x, **parameters})
        return evaluate(self.forward_equations, {"x": x, **parameters, **check_draws(self, draws, len(x), x.dtype)})

    def predict(self, parameters: Mapping[str, Array], x: Array, batch_size: int | None = None) -> Array:
        """The network's output in inference, where nothing is dropped, in batches so that memory stays small.

        Args:
            parameters: name → array.
            x: (N, n_0).
            batch_size: samples at a time; None for all at once.

        Returns:
            z of the last layer, (N, K).

        Raises:
            As `forward`; ValueError for a batch_size below 1.

        Example:
            >>> from manual_mlp import Dense
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
        equations = self.inference_equations
        for start in range(0, len(x), size):
            part = slice(start, start + size)
            result[part] = evaluate(equations, {"x": x[part], **parameters})[equations[-1].node]
        return result

    def backpropagate(
        self,
        parameters: Mapping[str, Array],
        x: Array,
        y: Array,
        loss: str | Loss,
        draws: Mapping[str, Array] | None = None,
    ) -> Evaluation:
        """E and its gradient with respect to everything, by the hand-written derivation.

        With δ = dE/du:  δ = dE/dz ⊙ f′(u),  dE/dW = z_prevᵀ δ (+ 2λ W),  dE/db = Σ_N δ,  dE/dz_prev = δ Wᵀ.

        Args:
            parameters: name → array; their dtype is that of the computation.
            x: (N, n_0).
            y: (N, K), or class indices (N,) for sparse_categorical_crossentropy.
            loss: a name or a `Loss`.
            draws: name → mask of each Dropout: `mlp.draws(seed, N)`, or those of the tape, `tape.problem.draws`. They
                may be left out only where there is no Dropout.

        Returns:
            An `Evaluation` with every node.

        Raises:
            ShapeError: shapes that do not fit.
            ValueError: unknown loss, missing parameters or draws, an empty batch, NaN or Inf, labels out of range.
            TypeError: arrays that hold no numbers, labels that are no integers.

        Source: Rumelhart, Hinton and Williams, 1986; Okatani, 2016, ch. 4.

        Example: see `MLP`.
        """
        return evaluation_of(self.problem(parameters, x, y, loss, draws=draws))

    def problem(
        self,
        parameters: Mapping[str, Array],
        x: Array,
        y: Array,
        loss: str | Loss,
        fused: bool | None = None,
        draws: Mapping[str, Array] | None = None,
    ) -> Problem:
        """Checked input of one evaluation; raises as `backpropagate` does.

        Example:
            >>> from manual_mlp import Dense
            >>> import numpy as np
            >>> mlp = MLP(1, [Dense(1)])
            >>> mlp.problem(mlp.initialize(0), np.ones((2, 1)), np.ones((2, 1)), "mse").loss.name
            'mean_squared_error'
        """
        loss = as_loss(loss)
        dtype = check_parameters(self, parameters)
        x = check_x(self, x, dtype)
        y = check_y(self, y, loss, len(x), dtype)
        own = {name: parameters[name].copy() for name in self._shapes}
        masks = check_draws(self, draws, len(x), dtype)
        return Problem(self, own, x, y, loss, self.fuses(loss) if fused is None else fused, masks)

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON."""
        return {"inputs": self.inputs, "layers": [layer.to_dict() for layer in self.layers]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> MLP:
        """The network that `to_dict` wrote down.

        Example:
            >>> from manual_mlp import Dense
            >>> MLP.from_dict(MLP(2, [Dense(1)]).to_dict()) == MLP(2, [Dense(1)])
            True
        """
        return cls(data["inputs"], [layer_from_dict(layer) for layer in data["layers"]])


def evaluation_of(problem: Problem) -> Evaluation:
    """Run a problem's equations.

    Example:
        >>> from manual_mlp import Dense
        >>> import numpy as np
        >>> mlp = MLP(1, [Dense(1)])
        >>> problem = mlp.problem(mlp.initialize(0, dtype="float32"), np.ones((2, 1)), np.ones((2, 1)), "mse")
        >>> evaluation_of(problem).rerun().nodes["loss"].dtype.name
        'float64'
    """
    nodes = evaluate(problem.equations, problem.environment)
    return Evaluation(nodes, problem, "manual_mlp", lambda: evaluation_of(problem.float64))
