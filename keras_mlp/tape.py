"""Backpropagation by tf.GradientTape, read node by node without changing what is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, get_args

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from keras_mlp.losses import LossTensor, to_tensorflow
from keras_mlp.startup import quiet_stderr
from keras_mlp.twin import from_keras, named_weights, prove_same_weights, to_keras
from manual_mlp import Evaluation, Loss, Problem, as_loss, gradient_node

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
    check_mode(mode)
    mlp, parameters = from_keras(model)
    problem = mlp.problem(parameters, np.asarray(x), np.asarray(y), as_loss(loss), fused=False)
    return evaluate_tape(model, problem, to_tensorflow(problem.loss), mode)


def check_mode(mode: str) -> None:
    """Raise a ValueError unless it is one.

    Example:
        >>> check_mode("graph")
    """
    if mode not in get_args(Mode):
        raise ValueError(f"Unknown mode {mode!r}: expected {', '.join(get_args(Mode))}.")


def in_mode(function: Callable[[], Tensors], mode: Mode) -> Tensors:
    """Call a function of no arguments as it is, as a graph, or compiled by XLA.

    Example:
        >>> float(in_mode(lambda: {"loss": tf.constant(1.0)}, "graph")["loss"])
        1.0
    """
    if mode == "eager":
        return function()
    # One concrete function per call: tf.function itself would warn of retracing when many models are compared.
    with quiet_stderr():  # the compilers chat, too
        return dict(tf.function(function, jit_compile=mode == "xla").get_concrete_function()())


def evaluate_tape(
    model: keras.Sequential, problem: Problem, loss: LossTensor, mode: Mode, words: str | None = None
) -> Evaluation:
    """The tape over a checked problem, with any TensorFlow function that computes the problem's E.

    Args:
        model: whose weights are the problem's parameters.
        problem: checked data; whether the last activation is fused is asked of the tape.
        loss: (y_true, y_pred) → E, ().
        mode: "eager", "graph" or "xla".
        words: what the loss is called in the origin, if it is not the house's own twin.

    Returns:
        The `Evaluation`.

    Raises:
        ValueError: the weights changed during the pass, or Keras read another activation than the model's.

    Example: see `backpropagate`.
    """
    _ = problem.equations  # refuses what has no derivation before Keras warns of it
    tensors = _Passes(model, loss, tf.constant(problem.x), tf.constant(problem.y)).run(mode)
    prove_same_weights(model, problem.parameters)
    problem = replace(problem, fused=f"{problem.mlp.layers[-1].name}/dE_dz" not in tensors)
    _check_logits(problem)
    nodes = {e.node: np.array(tensors[e.node].numpy()) for e in problem.equations if e.node in tensors}
    separate = frozenset() if mode == "eager" else frozenset(map(gradient_node, problem.parameters)) | {"loss"}
    origin = f"keras {keras.__version__} {mode}" + (f", {words}" if words else "")
    return Evaluation(nodes, problem, origin, _rerun(problem, mode) if words is None else None, separate)


def _check_logits(problem: Problem) -> None:
    """Any softmax or sigmoid leaves its argument on its result; a cross-entropy takes it for its own logits."""
    last, loss = problem.mlp.layers[-1], problem.loss
    if problem.fused and not problem.mlp.fuses(loss):
        expected = loss.function.fused_activation
        raise ValueError(
            f"{last.name}: Keras does not compute {loss.name} from the {last.activation} of this layer: it takes the u "
            f"below it and applies {expected} instead, so its E is not the one described. "
            f"Give the layer activation={expected!r}; or 'linear', with from_logits=True."
        )


def _rerun(problem: Problem, mode: Mode) -> Callable[[], Evaluation]:
    """The same tape over a float64 clone of the model."""

    def run() -> Evaluation:
        fine = problem.float64
        return backpropagate(to_keras(fine.mlp, fine.parameters, "float64"), fine.x, fine.y, fine.loss, mode)

    return run


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
        return {**in_mode(self.instrumented, mode), **in_mode(self.plain, mode)}

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
