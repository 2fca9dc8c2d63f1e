"""An Evaluation: E, every named array on the way to it and back, and the problem that was evaluated."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.equations import Equation, infer_shapes
from manual_mlp.equations.losses import Loss
from manual_mlp.network.parameters import load_parameters, save_parameters
from manual_mlp.nodes import LOSS, gradient_node

if TYPE_CHECKING:
    from manual_mlp.network.network import MLP

FORMAT = 1  # of the file; a reader refuses what it does not know


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

    @property
    def batch(self) -> int:
        """N."""
        return len(self.x)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The dtype of the computation."""
        return self.x.dtype

    @property
    def equations(self) -> tuple[Equation, ...]:
        """The derivation, forward and backward."""
        return self.mlp.equations(self.loss, self.fused)

    @property
    def forward_nodes(self) -> list[str]:
        """The nodes up to and with E, in order."""
        nodes = [equation.node for equation in self.equations]
        return nodes[: nodes.index(LOSS) + 1]

    @property
    def environment(self) -> dict[str, Array]:
        """What the equations read before any of them has run."""
        return {"x": self.x, "y": self.y, **self.parameters, **self.draws}

    @property
    def float64(self) -> Problem:
        """The same problem with the same values, to be computed in float64."""
        y = self.y if self.loss.function.class_indices else self.y.astype(np.float64)
        parameters = {name: array.astype(np.float64) for name, array in self.parameters.items()}
        draws = {name: array.astype(np.float64) for name, array in self.draws.items()}
        return replace(self, parameters=parameters, x=self.x.astype(np.float64), y=y, draws=draws)

    def to_dict(self) -> dict[str, object]:
        """The description without arrays, for JSON."""
        loss = {"name": self.loss.name, "from_logits": self.loss.from_logits, "scale": self.loss.scale}
        return {**self.mlp.to_dict(), "loss": loss, "fused": self.fused}


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

    @property
    def loss(self) -> float:
        """The value of E."""
        return float(self.nodes["loss"])

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
        problem = self.problem
        description = {"format": FORMAT, "origin": self.origin, **problem.to_dict()}
        arrays = {
            "description": np.array(json.dumps(description)),
            "x": problem.x,
            "y": problem.y,
            **{f"parameters/{name}": array for name, array in problem.parameters.items()},
            **{f"draws/{name}": array for name, array in problem.draws.items()},
            **{f"nodes/{name}": array for name, array in self.nodes.items()},
        }
        return save_parameters(path, arrays)

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
        arrays = load_parameters(path)
        none = f"{path} holds arrays, but no Evaluation: expected a file written by Evaluation.save."
        if not {"description", "x", "y"} <= arrays.keys():
            raise ValueError(none)
        try:
            description = json.loads(str(arrays["description"]))
            version = description.get("format")
        except (json.JSONDecodeError, AttributeError):
            raise ValueError(none) from None
        if version != FORMAT:
            raise ValueError(f"{path} has format {version!r}; this version reads {FORMAT}. Update gradient-diff.")
        try:
            return _described(description, arrays)
        except (KeyError, TypeError) as error:
            raise ValueError(f"{none} Its description lacks or does not fit {error}.") from None
        except ValueError as error:
            raise ValueError(f"{path}: its description and its arrays do not fit. {error}") from None


def _described(description: Mapping[str, Any], arrays: Mapping[str, Array]) -> Evaluation:
    from manual_mlp.network.network import MLP

    mlp, loss = MLP.from_dict(description), Loss(**description["loss"])
    parameters, draws = _under("parameters/", arrays), _under("draws/", arrays)
    problem = mlp.problem(parameters, arrays["x"], arrays["y"], loss, description["fused"], draws)
    nodes = _under("nodes/", arrays)
    _check_nodes(problem, nodes)
    return Evaluation(nodes, problem, str(description["origin"]))


def _check_nodes(problem: Problem, nodes: Mapping[str, Array]) -> None:
    """E is there, and each node that the derivation knows has its shape; a tape need not give all of them."""
    leaves = problem.mlp.leaf_shapes(problem.batch, problem.loss)
    expected = {LOSS: (), **infer_shapes(problem.equations, leaves)}
    if LOSS not in nodes:
        raise KeyError(f"nodes/{LOSS}")
    for name, array in nodes.items():
        if name not in expected:
            raise ValueError(f"nodes/{name} is no node of this network.")
        if array.shape != expected[name] or (array.dtype.kind != "f" and array.dtype.name != "bfloat16"):
            raise ValueError(
                f"nodes/{name} is {array.dtype} {array.shape}; expected numbers of shape {expected[name]}."
            )


def _under(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
