"""Backpropagation by tf.GradientTape, read node by node without changing what is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from keras_mlp.losses import LossTensor, to_tensorflow
from keras_mlp.twin import from_keras, named_weights, prove_same_weights
from manual_mlp import Evaluation, Loss, as_loss, gradient_node

Mode: TypeAlias = Literal["eager", "graph", "xla"]
Tensors: TypeAlias = dict[str, Any]


def backpropagate(
    model: keras.Sequential, x: npt.ArrayLike, y: npt.ArrayLike, loss: str | Loss, mode: Mode = "eager"
) -> Evaluation:
    """E and its gradient with respect to everything, by the tape: the twin of `MLP.backpropagate`.

    In eager mode the nodes are read in the one pass that also gives the parameter gradients. In graph and XLA mode
    asking for a node changes what the compiler fuses (up to 1.5e-6 in float32), so E and the parameter
    gradients come from a plain pass, the other nodes from a second, instrumented one.

    Args:
        model: a Sequential of Dense layers; its dtype is that of the computation.
        x: (N, n_0).
        y: (N, K), or class indices (N,).
        loss: a name or a `Loss`, computed by Keras's loss function or by the house's TensorFlow twin.
        mode: "eager", "graph" (tf.function) or "xla" (jit-compiled).

    Returns:
        An `Evaluation` with the node names of the hand side; where Keras fuses the last activation into the loss
        the tape has no dE/dz there, and `problem.fused` says so.

    Raises:
        ValueError: unknown mode or loss, bad data, or weights that changed during the pass.
        TypeError: a model that `from_keras` does not understand.
        ShapeError: shapes that do not fit.

    Source: tensorflow.org/guide/autodiff; Keras 3, backend/tensorflow/nn.py for what is fused.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import MLP, Dense
        >>> from keras_mlp import to_keras
        >>> mlp = MLP(2, [Dense(1)])
        >>> w, x, y = mlp.initialize(0), np.ones((3, 2)), np.zeros((3, 1))
        >>> tape = backpropagate(to_keras(mlp, w), x, y, "mse")
        >>> hand = mlp.backpropagate(w, x, y, "mse")
        >>> bool(np.allclose(tape.gradients["dense_1/kernel"], hand.gradients["dense_1/kernel"], rtol=1e-12))
        True
    """
    if mode not in get_args(Mode):
        raise ValueError(f"Unknown mode {mode!r}: expected {', '.join(get_args(Mode))}.")
    mlp, parameters = from_keras(model)
    problem = mlp.problem(parameters, np.asarray(x), np.asarray(y), as_loss(loss), fused=False)
    passes = _Passes(model, to_tensorflow(problem.loss), tf.constant(problem.x), tf.constant(problem.y))
    tensors = passes.run(mode)
    prove_same_weights(model, parameters)
    fused = f"{mlp.layers[-1].name}/dE_dz" not in tensors
    problem = mlp.problem(parameters, problem.x, problem.y, problem.loss, fused)
    nodes = {e.node: np.array(tensors[e.node]) for e in problem.equations if e.node in tensors}
    return Evaluation(nodes, problem, f"keras {keras.__version__} {mode}")


@dataclass(frozen=True, eq=False)
class _Passes:
    """The plain pass and the instrumented one, over one model, loss and batch."""

    model: keras.Sequential
    loss: LossTensor
    x: Any
    y: Any

    def run(self, mode: Mode) -> Tensors:
        if mode == "eager":
            return self.instrumented()
        return {**self._compiled(self.instrumented, mode), **self._compiled(self.plain, mode)}

    def _compiled(self, function: Callable[[], Tensors], mode: Mode) -> Tensors:
        # One concrete function per call: tf.function itself would warn of retracing when many models are compared.
        return dict(tf.function(function, jit_compile=mode == "xla").get_concrete_function()())

    def plain(self) -> Tensors:
        """E and the parameter gradients, as any training step would compute them."""
        weights = {gradient_node(n): v.value for n, v in named_weights(self.model).items()}
        with tf.GradientTape() as tape:
            value = self.loss(self.y, self.model(self.x))
        return {"loss": value, **_present(weights, tape.gradient(value, list(weights.values())))}

    def instrumented(self) -> Tensors:
        """The same, and u, z, dE/du, dE/dz of every layer and dE/dx, from one tape and with no op added."""
        with recorded_activations(self.model) as seen, tf.GradientTape() as tape:
            tape.watch(self.x)
            value = self.loss(self.y, self.model(self.x))
        sources = {gradient_node(n): v.value for n, v in named_weights(self.model).items()}
        sources |= {gradient_node(n): tensor for n, tensor in seen.items()} | {"inputs/dE_dx": self.x}
        return {**seen, "loss": value, **_present(sources, tape.gradient(value, list(sources.values())))}


def _present(sources: Mapping[str, Any], gradients: list[Any]) -> Tensors:
    """None is the tape's way to say that E does not depend on a tensor: it has no such node."""
    return {name: g for name, g in zip(sources, gradients, strict=True) if g is not None}


@contextmanager
def recorded_activations(model: keras.Sequential) -> Iterator[Tensors]:
    """Within it, each call of a layer's activation leaves its argument as `<layer>/u`, its result as `<layer>/z`.

    The activation itself is called as before, on the same tensor; the layers are put back in any case.
    """
    seen: Tensors = {}
    originals = [(layer, layer.activation) for layer in model.layers]
    for layer, function in originals:
        layer.activation = _recorder(function, layer.name, seen)
    try:
        yield seen
    finally:
        for layer, function in originals:
            layer.activation = function


def _recorder(function: Callable[[Any], Any], name: str, seen: Tensors) -> Callable[[Any], Any]:
    def record(u: Any) -> Any:
        z = function(u)
        seen[f"{name}/u"], seen[f"{name}/z"] = u, z
        return z

    return record
