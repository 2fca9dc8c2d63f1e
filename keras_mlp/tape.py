"""Backpropagation by tf.GradientTape, read node by node without changing what is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from keras_mlp.copies import holding
from keras_mlp.draws import kept_seeds, prove_draws, read_draws, replayed, swapped
from keras_mlp.losses import LossTensor, to_tensorflow
from keras_mlp.modes import Mode, Tensors, check_mode, in_mode
from keras_mlp.sample_weights import sample_weights_of
from keras_mlp.twin import from_keras, layer_weights, prove_same_weights, to_keras
from manual_mlp import Array, Dropout, Evaluation, Loss, Problem, gradient_node
from manual_mlp.extend import as_loss, read_array


def backpropagate(
    model: keras.Sequential,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    loss: str | Loss,
    mode: Mode = "eager",
    *,
    training: bool | None = None,
    sample_weight: npt.ArrayLike | None = None,
    class_weight: Mapping[int, float] | None = None,
) -> Evaluation:
    """E = c Σ_n w_n e_n and its gradient with respect to everything, by the tape: the twin of `MLP.backpropagate`.

    In eager mode the nodes are read in the one pass that also gives the parameter gradients. In graph and XLA mode
    asking for a node changes what the compiler fuses (up to 1.5e-6 in float32), so E and the parameter
    gradients come from a plain pass, the other nodes from a second, instrumented one.

    In training the real layers of a Dropout draw; the masks are read beforehand, what each does to ones under the same
    seed, and `problem.draws` holds them for the hand side. As in any step of training, the seeds of the model move on
    by one pass. In inference nothing is drawn, and the masks are ones.

    Frozen weights have their gradients here, too, as on the hand side.

    Args:
        model: a Sequential that `from_keras` understands; its dtype is that of the computation.
        x: (N, n_0).
        y: (N, K), or class indices (N,).
        loss: a name or a `Loss`, computed by Keras's loss function or by the house's TensorFlow twin.
        mode: "eager", "graph" (tf.function) or "xla" (jit-compiled).
        training: whether the model runs as in training; None for as `fit` runs it, which is so.
        sample_weight: (N,) or (N, 1), numbers of 0 and above, as `fit` takes them: c stays 1/N, not 1/Σw.
        class_weight: class → weight, in place of sample_weight; a class that is not in it weighs 1.

    Returns:
        An `Evaluation` with the node names of the hand side; where Keras fuses the last activation into the loss
        the tape has no dE/dz there, and `problem.fused` says so.

    Raises:
        ValueError: unknown mode or loss, bad data, weights of samples and of classes at once, or parameters or draws
            that changed during the pass.
        TypeError: a model that `from_keras` does not understand, or weights that are no numbers.
        ShapeError: shapes that do not fit.

    Source: tensorflow.org/guide/autodiff; Keras 3, backend/tensorflow/nn.py for what is fused, losses/loss.py for how
    samples are weighed.

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
        >>> backpropagate(to_keras(mlp, w), x, y, "mse", sample_weight=[2, 2, 2]).loss == 2 * tape.loss
        True
    """
    check_mode(mode)
    training = training is None or training
    mlp, parameters = from_keras(model)
    x, y = read_array("x", x), read_array("y", y)
    weights = sample_weights_of(y, sample_weight, class_weight)
    draws = read_draws(model, mlp, len(x) if x.ndim else 1, mode, training)
    options: dict[str, Any] = {"draws": draws, "sample_weight": weights, "training": training}
    problem = mlp.problem(parameters, x, y, as_loss(loss), fused=False, **options)
    return evaluate_tape(model, problem, to_tensorflow(problem.loss), mode)


def evaluate_tape(
    model: keras.Sequential,
    problem: Problem,
    loss: LossTensor,
    mode: Mode,
    words: str | None = None,
    replay: bool = False,
) -> Evaluation:
    """The tape over a checked problem, with any TensorFlow function that computes the problem's E.

    Args:
        model: whose weights are the problem's parameters.
        problem: checked data; whether the last activation is fused is asked of the tape.
        loss: (y_true, y_pred, sample_weight=None) → E, ().
        mode: "eager", "graph" or "xla".
        words: what the loss is called in the origin, if it is not the house's own twin.
        replay: Dropout layers multiply by the problem's masks; otherwise they draw, and must have drawn just these.

    Returns:
        The `Evaluation`.

    Raises:
        ValueError: the weights changed during the pass, a Dropout drew another mask, or Keras read another activation
            than the model's.

    Example: see `backpropagate`.
    """
    _ = problem.equations  # refuses what has no derivation before Keras warns of it
    weights, training = None if problem.sample_weight is None else tf.constant(problem.sample_weight), problem.training
    data = tf.constant(problem.x), tf.constant(problem.y)
    moving = [n for layer in problem.mlp.layers for n in layer.updates] if training else []
    passes = _Passes(
        model, loss, *data, training, weights, {n: v for n, v in layer_weights(model).items() if n in moving}
    )
    with replayed(model, problem.draws if replay else {}):
        tensors, updates = passes.run(mode)
    prove_same_weights(model, problem.parameters)
    prove_draws(problem, tensors, exact=mode != "xla")
    problem = replace(problem, fused=gradient_node(_GIVEN) not in tensors)
    _check_logits(problem)
    nodes = {e.node: np.array(tensors[e.node].numpy()) for e in problem.equations if e.node in tensors}
    separate = _not_from_what_is_shown(mode, problem, nodes)
    origin = tape_origin(mode, training, words or problem.loss.name, problem.dtype.name)
    rerun = _rerun(problem, mode) if words is None else None
    return Evaluation(nodes, problem, origin, rerun, separate, updates)


def _not_from_what_is_shown(mode: Mode, problem: Problem, nodes: Mapping[str, Array]) -> frozenset[str]:
    """The nodes whose operands, as they are shown, are not to the last bit those that they were computed from.

    XLA computes an operand once more where it fuses it into a reader, in another order than the one that it shows.
    """
    if mode == "eager":
        return frozenset()
    return frozenset(nodes) if mode == "xla" else frozenset({"loss", *map(gradient_node, problem.parameters)})


def tape_origin(mode: Mode, training: bool, loss: str, dtype: str) -> str:
    """Who computed an evaluation, and what it is of, for the heads of reports.

    Args:
        mode: "eager", "graph" or "xla".
        training: whether the model ran as in training.
        loss: its name, or what it is called.
        dtype: of the computation.

    Returns:
        One line.

    Example:
        >>> tape_origin("eager", True, "mean_squared_error", "float32").partition(" ")[2].partition(" ")[2]
        'eager, in training, mean_squared_error, float32'
    """
    return f"keras {keras.__version__} {mode}, in {'training' if training else 'inference'}, {loss}, {dtype}"


def _check_logits(problem: Problem) -> None:
    """Any softmax or sigmoid leaves its argument on its result; a cross-entropy takes it for its own logits."""
    loss = problem.loss
    if problem.fused and not problem.mlp.fuses(loss):
        last = next(layer for layer in reversed(problem.mlp.layers) if not layer.transparent)
        if isinstance(last, Dropout):  # in training its output is a tensor of its own, without logits
            raise ValueError(
                f"{last.name}: in inference this Dropout hands the output on together with its logits, and Keras "
                f"computes {loss.name} from those; the derivation has a mask in between. Leave the Dropout out: in "
                "inference it does nothing."
            )
        expected = loss.function.fused_activation
        raise ValueError(
            f"{last.name}: Keras does not compute {loss.name} from the {last.head} of this layer: it takes the u "
            f"below it and applies {expected} instead, so its E is not the one described. "
            f"Give the layer activation={expected!r}; or 'linear', with from_logits=True."
        )


def _rerun(problem: Problem, mode: Mode) -> Callable[[], Evaluation]:
    """The same tape over a float64 clone of the model, with the same masks: it would draw others."""

    def run() -> Evaluation:
        fine = replace(problem.float64, fused=False)
        model = to_keras(fine.mlp, fine.parameters, "float64")
        return evaluate_tape(model, fine, to_tensorflow(fine.loss), mode, replay=True)

    return run


_GIVEN = "outputs/given"  # the tensor that the loss is given: it has no gradient where Keras reads its logits instead


@dataclass(frozen=True, eq=False)
class _Passes:
    """The plain pass and the instrumented one, over one model, loss and batch."""

    model: keras.Sequential
    loss: LossTensor
    x: Any
    y: Any
    training: bool
    sample_weight: Any
    moving: Mapping[str, Any]

    def run(self, mode: Mode) -> tuple[Tensors, dict[str, Array]]:
        """The nodes, and what a step of training would leave in the moving statistics, which are put back."""
        if mode == "eager":
            return self._undone(self.instrumented)
        with kept_seeds(self.model):
            nodes, _ = self._undone(lambda: in_mode(self.instrumented, mode))
        own, updates = self._undone(lambda: in_mode(self.plain, mode))
        return {**nodes, **own}, updates

    def _undone(self, run: Callable[[], Tensors]) -> tuple[Tensors, dict[str, Array]]:
        with holding([(v, v.numpy()) for v in self.moving.values()]):
            tensors = run()
            return tensors, {name: variable.numpy() for name, variable in self.moving.items()}

    def value(self, loss: LossTensor) -> Any:
        """E."""
        return total_loss(self.model, loss, self.x, self.y, self.training, self.sample_weight)

    def weights(self) -> Tensors:
        """Node of its gradient → each weight; the tape watches a frozen one, too."""
        return {gradient_node(n): v.value for n, v in layer_weights(self.model).items()}

    def plain(self) -> Tensors:
        """E and the parameter gradients, as any training step would compute them."""
        weights = self.weights()
        with tf.GradientTape() as tape:
            value = self.value(self.loss)
        return {"loss": value, **_present(weights, tape.gradient(value, list(weights.values())))}

    def instrumented(self) -> Tensors:
        """The same, and u, z, dE/du, dE/dz of every layer and dE/dx, from one tape and with no op added."""
        weights = self.weights()
        with recorded_activations(self.model) as seen, tf.GradientTape() as tape:
            tape.watch(self.x)
            value = self.value(_watched(self.loss, seen, own_tensor=_penalised(self.model)))
        given = {gradient_node(_GIVEN): seen.pop(_GIVEN)}
        sources = (
            weights | {gradient_node(n): tensor for n, tensor in seen.items()} | {gradient_node("x"): self.x} | given
        )
        return {**seen, "loss": value, **_present(sources, tape.gradient(value, list(sources.values())))}


def total_loss(model: keras.Model, loss: LossTensor, x: Any, y: Any, training: bool, sample_weight: Any = None) -> Any:
    """E as Keras trains it: the loss of the weighed samples, and what regularizers add to it.

    Args:
        model: any.
        loss: (y_true, y_pred, sample_weight=None) → ().
        x, y: tensors.
        training: whether the model runs as in training; a layer that asks is always told.
        sample_weight: a tensor, or None.

    Returns:
        A scalar tensor.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, "relu", kernel_regularizer="l2")])
        >>> _ = model.layers[0].kernel.assign([[2.0]])
        >>> x = tf.constant([[1.0]])
        >>> value = total_loss(model, lambda y, p: tf.reduce_sum(p - y), x, x, training=True)
        >>> round(float(value), 6)  # 2 − 1 + 0.01 · 2²
        1.04
    """
    outputs = model(x, training=training)
    total = loss(y, outputs) if sample_weight is None else loss(y, outputs, sample_weight)
    for decay in model.losses:
        total = total + tf.cast(decay, total.dtype)
    return total


def _present(sources: Mapping[str, Any], gradients: list[Any]) -> Tensors:
    """None is the tape's way to say that E does not depend on a tensor: it has no such node."""
    return {name: g for name, g in zip(sources, gradients, strict=True) if g is not None}


@contextmanager
def recorded_activations(model: keras.Sequential) -> Iterator[Tensors]:
    """Within it, each layer leaves its result as `<layer>/z`, and one with an affine part that as `<layer>/u`.

    The functions themselves are called as before, on the same tensors; the layers are put back in any case.
    """
    seen: Tensors = {}
    own_tensors = _penalised(model)
    with ExitStack() as stack:
        for layer in model.layers:
            if isinstance(layer, keras.layers.Dense):
                stack.enter_context(swapped(layer, "activation", _recorder(layer.activation, layer.name, seen, "u")))
            else:
                call = _apart(layer.call) if own_tensors else layer.call
                stack.enter_context(swapped(layer, "call", _recorder(call, layer.name, seen)))
        yield seen


def _penalised(model: keras.Sequential) -> bool:
    """Whether E has a penalty of an output, so that two layers that share a tensor have not the same gradient."""
    return any(layer.activity_regularizer is not None for layer in model.layers)


def _apart(call: Callable[..., Any]) -> Callable[..., Any]:
    """A layer that hands on what comes in gives out a tensor of its own."""

    def apart(inputs: Any, **options: Any) -> Any:
        z = call(inputs, **options)
        return _again(z) if z is inputs else z

    return apart


def _again(tensor: Any) -> Any:
    """The same numbers as another tensor, with the logits that Keras remembers of it."""
    copy = tf.identity(tensor)
    if hasattr(tensor, "_keras_logits"):
        copy._keras_logits = tensor._keras_logits  # noqa: SLF001  (as Keras's own layers hand it on)
    return copy


def _watched(loss: LossTensor, seen: Tensors, own_tensor: bool) -> LossTensor:
    """The loss, which leaves the outputs that it is given; where these are penalised, as a tensor of their own."""

    def watched(y: Any, outputs: Any, *weight: Any) -> Any:
        seen[_GIVEN] = _again(outputs) if own_tensor else outputs
        return loss(y, seen[_GIVEN], *weight)

    return watched


def _recorder(function: Callable[..., Any], name: str, seen: Tensors, argument: str = "") -> Callable[..., Any]:
    def record(inputs: Any, **options: Any) -> Any:
        z = function(inputs, **options)
        if argument:
            seen[f"{name}/{argument}"] = inputs
        seen[f"{name}/z"] = z
        return z

    return record
