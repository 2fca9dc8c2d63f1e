"""MLP, the `Problem` that it is given and the `Evaluation` that comes of it: three records that name each other."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.equations import Equation, evaluate, infer_shapes
from manual_mlp.equations.loss import Loss, as_loss
from manual_mlp.network.checks import check_batch, check_draws, check_parameters, check_sample_weight, check_x, check_y
from manual_mlp.network.description import Description
from manual_mlp.network.evaluation_file import DATA, check_nodes, read_evaluation, under, write_evaluation
from manual_mlp.network.layers.normalization import move_on
from manual_mlp.network.notebook import evaluation_html
from manual_mlp.nodes import LOSS, SAMPLE_WEIGHT, gradient_node


@dataclass(frozen=True, init=False)
class MLP(Description):
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
            ValueError: a batch_size below 1; otherwise as `forward`.

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
        result = np.empty((len(x), *self.sample_shapes[-1]), x.dtype)
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
        sample_weight: Array | None = None,
        training: bool = True,
    ) -> Evaluation:
        """E and its gradient with respect to everything, by the hand-written derivation.

        With δ = dE/du:  δ = dE/dz ⊙ f′(u),  dE/dW = z_prevᵀ δ (+ 2λ W),  dE/db = Σ_N δ,  dE/dz_prev = δ Wᵀ.
        With weights E = c Σ_n w_n e_n: w_n stands before row n of the output's dE/dz, and c stays 1/N, not 1/Σw.

        Args:
            parameters: name → array; their dtype is that of the computation.
            x: (N, n_0).
            y: (N, K), or class indices (N,) for sparse_categorical_crossentropy.
            loss: a name or a `Loss`.
            draws: name → mask of each Dropout: `mlp.draws(seed, N)`, or those of the tape, `tape.problem.draws`. They
                may be left out only where there is no Dropout.
            sample_weight: (N,) or (N, 1), numbers of 0 and above, as Keras's `fit` takes them; None weighs all alike.
            training: whether a `BatchNormalization` takes the statistics of this batch; else it takes its moving ones.

        Returns:
            An `Evaluation` with every node.

        Raises:
            ShapeError: shapes that do not fit.
            ValueError: unknown loss, missing parameters or draws, an empty batch, NaN or Inf, labels out of range,
                weights below 0.
            TypeError: arrays that hold no numbers, labels that are no integers.

        Source: Rumelhart, Hinton and Williams, 1986; Okatani, 2016, ch. 4; for the weights keras.losses.Loss, whose
        reduction "sum_over_batch_size" divides by N.

        Example:
            >>> from manual_mlp import Dense
            >>> import numpy as np
            >>> mlp = MLP(1, [Dense(1, use_bias=False)])
            >>> w, x, y = {"dense_1/kernel": np.array([[1.0]])}, np.array([[1.0], [2.0]]), np.zeros((2, 1))
            >>> mlp.backpropagate(w, x, y, "mse", sample_weight=np.array([4.0, 0.5])).loss  # (4 · 1 + 0.5 · 4)/2
            3.0
        """
        return evaluation_of(
            self.problem(parameters, x, y, loss, draws=draws, sample_weight=sample_weight, training=training)
        )

    def problem(
        self,
        parameters: Mapping[str, Array],
        x: Array,
        y: Array,
        loss: str | Loss,
        fused: bool | None = None,
        draws: Mapping[str, Array] | None = None,
        sample_weight: Array | None = None,
        training: bool = True,
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
        check_batch(self, len(x), training)
        own = {name: parameters[name].copy() for name in self.parameter_shapes}
        masks = check_draws(self, draws, len(x), dtype)
        weights = check_sample_weight(sample_weight, len(x), dtype)
        fused = self.fuses(loss) if fused is None else fused
        return Problem(self, own, x, y, loss, fused, masks, weights, training)


@dataclass(frozen=True, eq=False)
class Problem:
    """What was evaluated: all that noise, witness and diagnosis need.

    Attributes:
        mlp: the network.
        parameters: name → array, as evaluated.
        x: (N, n_0).
        y: (N, K), or class indices (N,).
        loss: which E.
        fused: the last activation is part of the loss, so that the ladder has no dE/dz there.
        draws: name → array of what was drawn from outside: `dropout_1/mask` (N, n).
        sample_weight: (N,), the w_n of E = c Σ_n w_n e_n; None where all samples count alike.
        training: whether a normalisation over the batch takes its statistics, and not its moving ones.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import MLP, Dense
        >>> mlp = MLP(1, [Dense(1)])
        >>> problem = mlp.backpropagate(mlp.initialize(0), np.ones((2, 1)), np.ones((2, 1)), "mse").problem
        >>> problem.batch, problem.dtype.name, problem.fused
        (2, 'float64', False)
    """

    mlp: MLP
    parameters: Mapping[str, Array]
    x: Array
    y: Array
    loss: Loss
    fused: bool
    draws: Mapping[str, Array] = field(default_factory=dict)
    sample_weight: Array | None = None
    training: bool = True

    @property
    def batch(self) -> int:
        """N."""
        return len(self.x)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The dtype of the computation."""
        return self.x.dtype

    def of_samples(self, rows: Sequence[int] | slice) -> Problem:
        """The same of some of the samples.

        Example:
            >>> import numpy as np
            >>> from manual_mlp import MLP, Dense
            >>> mlp = MLP(1, [Dense(1)])
            >>> problem = mlp.problem(mlp.initialize(0), np.ones((5, 1)), np.ones((5, 1)), "mse")
            >>> problem.of_samples([0, 2]).batch
            2
        """
        draws = {name: draw[rows] for name, draw in self.draws.items()}
        weights = None if self.sample_weight is None else self.sample_weight[rows]
        return replace(self, x=self.x[rows], y=self.y[rows], draws=draws, sample_weight=weights)

    @property
    def trained(self) -> dict[str, Array]:
        """The parameters that have a gradient: without moving statistics."""
        return {n: a for n, a in self.parameters.items() if n not in self.mlp.untrained}

    @property
    def equations(self) -> tuple[Equation, ...]:
        """The derivation, forward and backward."""
        return self.mlp.equations(self.loss, self.fused, self.sample_weight is not None, self.training)

    @property
    def forward_nodes(self) -> list[str]:
        """The nodes up to and with E, in order."""
        nodes = [equation.node for equation in self.equations]
        return nodes[: nodes.index(LOSS) + 1]

    @property
    def environment(self) -> dict[str, Array]:
        """What the equations read before any of them has run."""
        return {"x": self.x, "y": self.y, **self._weights, **self.parameters, **self.draws}

    @property
    def _weights(self) -> dict[str, Array]:
        return {} if self.sample_weight is None else {SAMPLE_WEIGHT: self.sample_weight}

    @property
    def float64(self) -> Problem:
        """The same problem with the same values, to be computed in float64."""
        y = self.y if self.loss.function.class_indices else self.y.astype(np.float64)
        parameters = {name: array.astype(np.float64) for name, array in self.parameters.items()}
        draws = {name: array.astype(np.float64) for name, array in self.draws.items()}
        weights = None if self.sample_weight is None else self.sample_weight.astype(np.float64)
        x = self.x.astype(np.float64)
        return replace(self, parameters=parameters, x=x, y=y, draws=draws, sample_weight=weights)

    def to_dict(self) -> dict[str, object]:
        """The description without arrays, for JSON; that samples are weighed is said where they are."""
        weighed = dict.fromkeys(self._weights, True)
        mode = {"training": False} if self.mlp.untrained and not self.training else {}
        return {**self.mlp.to_dict(), "loss": self.loss.to_dict(), "fused": self.fused, **weighed, **mode}


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The result of one backpropagation, by hand or by the tape.

    Attributes:
        nodes: name → array in the order of the computation: `dense_1/u`, `dense_1/z`, …, `loss`, then backwards
            `dense_3/dE_dz`, `dense_3/dE_du`, `dense_3/dE_dkernel`, `dense_3/dE_dbias`, …, `inputs/dE_dx`.
        problem: what was evaluated.
        origin: who computed it, e.g. "manual_mlp" or "keras eager".
        rerun: computes the same in float64 by the same code, where that can be done; it is not saved.
        other_pass: nodes that come from another pass than the rest, so that their operands here are not, to the
            last bit, what they were computed from.
        updates: parameter without a gradient → what it is after this batch in training, for a moving statistic
            m · old + (1 − m) · that of the batch; they are not saved.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import MLP, Dense
        >>> mlp = MLP(1, [Dense(1)])
        >>> w = {"dense_1/kernel": np.array([[2.0]]), "dense_1/bias": np.array([0.0])}
        >>> e = mlp.backpropagate(w, np.array([[3.0]]), np.array([[5.0]]), "half_sum_squared_error")
        >>> e.loss, e.gradients["dense_1/kernel"]
        (0.5, array([[3.]]))
    """

    nodes: dict[str, Array]
    problem: Problem
    origin: str
    rerun: Callable[[], Evaluation] | None = field(default=None, repr=False)
    other_pass: frozenset[str] = frozenset()
    updates: Mapping[str, Array] = field(default_factory=dict, repr=False)

    @property
    def loss(self) -> float:
        """The value of E."""
        return float(self.nodes[LOSS])

    @property
    def _of(self) -> str:
        """What was evaluated, and by whom, in a few words."""
        p = self.problem
        return f"{p.mlp.outline}, {p.loss.name}, batch {p.batch}, {p.dtype.name}, by {self.origin}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} E = {self.loss:.6g} of {self._of}>"

    def _repr_html_(self) -> str:
        return evaluation_html(self.loss, self._of, self.gradients, self.nodes)

    @cached_property
    def gradients(self) -> dict[str, Array]:
        """Parameter name → dE/d(parameter), of the parameter's shape."""
        return {
            name: self.nodes[gradient_node(name)]
            for name in self.problem.parameters
            if gradient_node(name) in self.nodes
        }

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything into one `.npz`, the description as JSON text; whole or not at all.

        Args:
            path: where to; `.npz` is added where it is missing.

        Returns:
            The path written.

        Raises:
            OSError: the place cannot be written.

        Example:
            >>> import numpy as np, tempfile, pathlib
            >>> from manual_mlp import MLP, Dense, Evaluation
            >>> mlp = MLP(1, [Dense(1)])
            >>> e = mlp.backpropagate(mlp.initialize(0), np.ones((2, 1)), np.ones((2, 1)), "mse")
            >>> path = e.save(pathlib.Path(tempfile.mkdtemp()) / "evaluation.npz")
            >>> Evaluation.load(path).loss == e.loss
            True
        """
        groups = {"parameters": self.problem.parameters, "draws": self.problem.draws, "nodes": self.nodes}
        data = {name: self.problem.environment[name] for name in DATA if name in self.problem.environment}
        return write_evaluation(path, {"origin": self.origin, **self.problem.to_dict()}, data, groups)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Evaluation:
        """Read what `save` wrote.

        Args:
            path: the file.

        Returns:
            The same Evaluation.

        Raises:
            FileNotFoundError: no such file.
            ValueError: it is no such file, or one of a later version.

        Example: see `save`.
        """
        return read_evaluation(path, cls._from_file)

    @classmethod
    def _from_file(cls, description: Mapping[str, Any], arrays: Mapping[str, Array]) -> Evaluation:
        mlp, loss = MLP.from_dict(description), Loss(**description["loss"])
        parameters, draws, nodes = (under(group, arrays) for group in ("parameters", "draws", "nodes"))
        x, y, weights = map(arrays.get, DATA)
        known = description["fused"], draws, weights, description.get("training", True)
        problem = mlp.problem(parameters, x, y, loss, *known)  # type: ignore[arg-type]  # the reader has seen x and y
        check_nodes(nodes, infer_shapes(problem.equations, {n: a.shape for n, a in problem.environment.items()}))
        return cls(nodes, problem, str(description["origin"]))


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
    return Evaluation(
        nodes, problem, "manual_mlp", lambda: evaluation_of(problem.float64), updates=_moved(problem, nodes)
    )


def _moved(problem: Problem, nodes: Mapping[str, Array]) -> dict[str, Array]:
    """The moving statistics after this batch."""
    moves = {name: move for layer in problem.mlp.layers for name, move in layer.updates.items()}
    seen = {name: move for name, move in moves.items() if move[0] in nodes}
    return {name: move_on(problem.parameters[name], nodes[node], m) for name, (node, m) in seen.items()}
