"""check_gradients: for people who bring a Keras model and gradients of their own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from gradient_diff import GradientDiff, compare, cut_down, drawn_noise
from keras_mlp.draws import read_draws, replayed, seeds_of, set_seeds
from keras_mlp.gradient_arguments import as_named, inferred_gradients
from keras_mlp.loss_arguments import ResolvedLoss, resolve_loss
from keras_mlp.modes import Mode, check_mode, in_mode
from keras_mlp.ridders import ridders
from keras_mlp.tape import evaluate_tape, total_loss
from keras_mlp.twin import exact_decay, from_keras, named_weights, parameters_of, prove_same_weights, to_keras
from manual_mlp import UNITS, Noise, gradient_node, rounding_noise, update_bound

Array = npt.NDArray[Any]

DRAWS = 8  # of the rounding of a model that the house's noise model does not cover


def check_gradients(
    model: keras.Model,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    gradients: object = None,
    *,
    loss: object = None,
    before: object = None,
    after: object = None,
    learning_rate: float | None = None,
    mode: Mode = "eager",
) -> GradientDiff:
    """Hold your own gradients against the tape's, and say what rounding explains.

    For a Sequential that `from_keras` understands, the network's own noise decides; for any other model the noise is
    measured by a float64 clone of it. Each row says which.

    A Sequential with Dropout runs as in training, on the masks that its layers draw next; a function gets them as its
    fourth argument, name → mask. Other models run as in inference.

    Args:
        model: built; it is not changed.
        x: (N, n_0).
        y: (N, K), or class indices (N,).
        gradients: yours: a dict by `<layer.name>/<kernel|bias>`, a flat list in the order of `trainable_weights`, a
            list of (kernel, bias) pairs, or a function (parameters, x, y) or (parameters, x, y, draws) that returns
            one of these; it is also called on fewer samples and units, if it is wrong and no known mistake explains
            it. None: the house's own derivation, to check the model.
        loss: a house name, a Keras name or alias, a Keras loss object, a function of (y_true, y_pred), or None for
            the compiled loss.
        before: weights before one step of your own training code; None for the model's.
        after: weights after it. With `learning_rate` the gradient is inferred, (before − after)/lr: this checks code
            that only ever updates, as it is.
        learning_rate: lr of that step.
        mode: of the tape: "eager", "graph" or "xla".

    Returns:
        A `GradientDiff`; the model's tape is the reference.

    Raises:
        ValueError: gradients given in two ways, or none that can be used; bad names, data or learning rate; weights
            after a step whose masks nobody knows.
        TypeError: a form that is not understood.
        ShapeError: shapes that do not fit.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import MLP, Dense
        >>> from keras_mlp import to_keras
        >>> mlp = MLP(2, [Dense(1)])
        >>> model, x, y = to_keras(mlp, mlp.initialize(0)), np.ones((3, 2)), np.zeros((3, 1))
        >>> residual = model.predict(x, verbose=0) - y
        >>> mine = [(x.T @ residual, residual.sum(0))]  # 2/N forgotten
        >>> check_gradients(model, x, y, mine, loss="mse").verdict.name
        'MISMATCH'
    """
    _check_request(gradients, after, learning_rate, mode)
    _check_model(model)
    if before is not None:
        model = _with_weights(model, as_named("before", before, list(named_weights(model))))
    resolved, x, y = resolve_loss(loss, model), np.asarray(x), np.asarray(y)
    draws = _draws(model, x, mode)
    if draws and after is not None:
        raise ValueError(
            "after= of a model with Dropout: nobody knows the masks of that step any more. Pass gradients= as a "
            "function (parameters, x, y, draws), which is given the masks."
        )
    mine = _own(model, x, y, draws, gradients, after, learning_rate)
    extra = _extra(model, after, learning_rate)
    if resolved.house is not None and _understood(model):
        diff = _against_network(model, x, y, draws, resolved, mine, extra, mode)
        again = callable(gradients) and not draws
        return cut_down(diff, lambda w, x, y: as_named("gradients", gradients(w, x, y), list(w))) if again else diff  # type: ignore[operator]
    return _against_clone(model, x, y, draws, resolved, mine, extra, mode)


def _check_request(gradients: object, after: object, learning_rate: float | None, mode: Mode) -> None:
    check_mode(mode)
    if gradients is not None and after is not None:
        raise ValueError("Both gradients= and after= were given. Pass the gradients, or the weights around one update.")
    if after is not None and learning_rate is None:
        raise ValueError("after= without learning_rate=: the gradient is (before − after)/learning_rate.")


def _check_model(model: keras.Model) -> None:
    if not isinstance(model, keras.Model):
        raise TypeError(f"model is {type(model).__name__}: expected a keras.Model, Sequential or functional.")
    if not model.built:
        raise ValueError("The model has no weights yet: give it a keras.Input, or call it once on data.")
    if not getattr(model, "inputs", None):
        raise TypeError(
            f"{model.name} is a subclass of keras.Model, of which no float64 clone can be made. "
            "Build the same network as a Sequential or functional model."
        )
    if len(named_weights(model)) != len(model.trainable_weights):
        raise TypeError(f"{model.name} holds a model within the model, whose weights share names. Check the inner one.")


def _with_weights(model: keras.Model, weights: Mapping[str, Array]) -> keras.Model:
    """A clone that holds other weights; the compiled loss goes along."""
    clone = keras.models.clone_model(model)
    for name, variable in named_weights(clone).items():
        variable.assign(weights[name] if name in weights else named_weights(model)[name])
    set_seeds(clone, seeds_of(model))
    if getattr(model, "compiled", False):
        clone.compile(loss=model.loss)
    return clone


def _draws(model: keras.Model, x: Array, mode: Mode) -> dict[str, Array]:
    """The masks that the model will draw next, where its layers are a chain that is understood."""
    return read_draws(model, from_keras(model)[0], len(x) if x.ndim else 1, mode) if _understood(model) else {}


def _own(
    model: keras.Model,
    x: Array,
    y: Array,
    draws: dict[str, Array],
    gradients: object,
    after: object,
    learning_rate: float | None,
) -> dict[str, Array] | None:
    names = list(named_weights(model))
    if after is not None and learning_rate is not None:
        return inferred_gradients(parameters_of(model), as_named("after", after, names), learning_rate)
    if callable(gradients):
        more = ({name: mask.copy() for name, mask in draws.items()},) if _takes_draws(gradients) else ()
        gradients = gradients(parameters_of(model), x, y, *more)
    return None if gradients is None else as_named("gradients", gradients, names)


def _takes_draws(function: Callable[..., object]) -> bool:
    """Whether its fourth argument is for draws: it is called so, or it must be given."""
    try:
        positional = list(inspect.signature(function).parameters.values())[3:4]
    except (TypeError, ValueError):  # one that tells nobody what it takes
        return False
    ordinary = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return any(p.kind in ordinary and (p.name == "draws" or p.default is p.empty) for p in positional)


def _extra(model: keras.Model, after: object, learning_rate: float | None) -> dict[str, Array]:
    """What storing the weights hides, where gradients are inferred from an update: name of the weight → bound."""
    if after is None or learning_rate is None:
        return {}
    before, named = parameters_of(model), as_named("after", after, list(named_weights(model)))
    return {n: update_bound(before[n], named[n], learning_rate) for n in before}


def _understood(model: keras.Model) -> bool:
    try:
        from_keras(model)
    except (TypeError, ValueError):
        return False
    return True


def _against_network(
    model: keras.Model,
    x: Array,
    y: Array,
    draws: dict[str, Array],
    loss: ResolvedLoss,
    mine: dict[str, Array] | None,
    extra: Mapping[str, Array],
    mode: Mode,
) -> GradientDiff:
    assert loss.house is not None
    finer = mine is not None and all(a.dtype == np.float64 for a in mine.values()) and not extra
    mlp, parameters = from_keras(model)
    replay = finer and any(a.dtype != np.float64 for a in parameters.values())
    if replay:  # float64 arrays deserve a float64 reference
        parameters = {n: a.astype(np.float64) for n, a in parameters.items()}
        model = to_keras(mlp, parameters, "float64")
    problem = mlp.problem(parameters, x, y, loss.house, fused=False, draws=draws)
    tape = evaluate_tape(model, problem, loss.tensor, mode, loss.words, replay)
    if mine is None:
        return compare(mlp.backpropagate(parameters, x, y, loss.house, draws), tape)
    if not extra:
        return compare(mine, tape)
    hidden = {gradient_node(n): bound for n, bound in extra.items()}
    return compare(mine, tape, noise=_wider(rounding_noise(tape.problem), hidden))


def _wider(noise: Noise, extra: Mapping[str, Array]) -> Noise:
    bound = {node: b + extra.get(node, 0.0) for node, b in noise.bound.items()}
    return replace(noise, bound=bound, source=f"{noise.source}, and what storing the weights hides")


def _against_clone(
    model: keras.Model,
    x: Array,
    y: Array,
    draws: dict[str, Array],
    loss: ResolvedLoss,
    mine: dict[str, Array] | None,
    extra: Mapping[str, Array],
    mode: Mode,
) -> GradientDiff:
    """The reference's rounding is measured: its gradients against those of a float64 clone."""
    if mine is None:
        raise ValueError(
            "The house has no derivation of its own for this model and loss. Pass gradients=, or a Sequential of Dense "
            "layers with one of the house's losses."
        )
    clone = _clone(model, "float64")
    finer = all(a.dtype == np.float64 for a in mine.values()) and not extra
    fine = _plain_gradients(clone, x, y, draws, loss)
    reference = _plain_gradients(clone if finer else model, x, y, draws, loss, mode, replay=finer)
    noise = _measured(model, x, y, draws, loss, fine, reference)
    ordered = {n: reference[n] for n in _backwards(model)}
    ask = _witness(clone, x, y, draws, loss)
    return compare(mine, ordered, noise=_wider(noise, extra) if extra else noise, witness=ask)


def _witness(
    clone: keras.Model, x: Array, y: Array, draws: Mapping[str, Array], loss: ResolvedLoss
) -> Callable[[str, Array], tuple[float, float]]:
    """Ridders' differences of E over the float64 clone, moving one weight array along a direction."""
    variables = named_weights(clone)
    xs, ys = (tf.constant(a) if a.dtype.kind in "iub" else tf.constant(a, tf.float64) for a in (x, y))

    def ask(name: str, direction: Array) -> tuple[float, float]:
        variable, start = variables[name], variables[name].numpy().copy()

        def moved(h: float) -> float:
            variable.assign(start + h * direction)
            with replayed(clone, draws):
                return float(total_loss(clone, loss.tensor, xs, ys, training=bool(draws)))

        try:
            return ridders(moved, step=0.01)
        finally:
            variable.assign(start)

    return ask


def _backwards(model: keras.Model) -> list[str]:
    """Names of weights in the order in which backpropagation comes to them, where layers are a chain."""
    return [f"{layer.name}/{w.name}" for layer in reversed(model.layers) for w in layer.trainable_weights]


def _measured(
    model: keras.Model,
    x: Array,
    y: Array,
    draws: Mapping[str, Array],
    loss: ResolvedLoss,
    fine: Mapping[str, Array],
    reference: Mapping[str, Array],
) -> Noise:
    """Draws of the rounding: a coarse run against float64 on the same numbers.

    Each time the numbers are moved by one unit roundoff and the samples take another order: a mean absolute error sums
    ±1/N, whose rounding hangs on the order alone.
    Where both sides are float64, float32 is measured and scaled, since nothing finer than float64 is at hand.
    """
    dtype = "float32" if _dtype(model) == "float64" else _dtype(model)
    coarse, exact = (_clone(model, dtype), _clone(model, "float64"))
    rng, errors = np.random.default_rng(0), []
    for draw in range(DRAWS):
        order = rng.permutation(len(x)) if draw and len(x) == len(y) else slice(None)
        moved = [_moved(a, dtype, rng, draw) for a in (x[order], y[order], *parameters_of(model).values())]
        masks = {n: mask[order] for n, mask in draws.items()}
        sides = [_plain_gradients(_assigned(m, moved[2:]), moved[0], moved[1], masks, loss) for m in (coarse, exact)]
        errors.append({n: sides[0][n].astype(np.float64) - sides[1][n] for n in fine})
    same = all(a.dtype == np.float64 for a in reference.values())
    scale = UNITS["float64"] / UNITS[dtype] if same else 1.0
    noise = drawn_noise(fine, errors, "a float64 clone of the model")
    return replace(noise, sigma={n: s * scale for n, s in noise.sigma.items()})


def _moved(array: Array, dtype: str, rng: np.random.Generator, draw: int) -> Array:
    """Values that the dtype holds exactly; from the second draw on, each moved up or down by one unit roundoff."""
    if array.dtype.kind in "iub":
        return array
    factor = 1 + 2 * UNITS[dtype] * rng.choice([-1, 0, 1], array.shape) if draw else 1.0
    return np.asarray(tf.cast(tf.constant(array * factor), dtype).numpy(), np.float64)


def _assigned(model: keras.Model, arrays: Sequence[Array]) -> keras.Model:
    for variable, array in zip(named_weights(model).values(), arrays, strict=True):
        variable.assign(array)
    return model


def _plain_gradients(
    model: keras.Model,
    x: Array,
    y: Array,
    draws: Mapping[str, Array],
    loss: ResolvedLoss,
    mode: Mode = "eager",
    replay: bool = True,
) -> dict[str, Array]:
    weights, before = named_weights(model), parameters_of(model)
    xs, ys = (tf.constant(a) if a.dtype.kind in "iub" else tf.cast(tf.constant(a), _dtype(model)) for a in (x, y))

    def gradient() -> dict[str, Any]:
        with tf.GradientTape() as tape:
            value = total_loss(model, loss.tensor, xs, ys, training=bool(draws))
        found = tape.gradient(value, [v.value for v in weights.values()], unconnected_gradients="zero")
        return dict(zip(weights, found, strict=True))

    with replayed(model, draws if replay else {}):
        gradients = in_mode(gradient, mode)
    prove_same_weights(model, before)
    return {n: gradients[n].numpy().copy() for n in weights}


def _clone(model: keras.Model, dtype: str) -> keras.Model:
    """The same architecture and weights at another dtype."""

    def at_dtype(layer: Any) -> Any:
        config = layer.get_config()
        if isinstance(layer, keras.layers.Layer):  # z + x of two tensors is an operation, without a dtype of its own
            config["dtype"] = dtype
        return type(layer).from_config(config)

    # Left to itself, the clone would keep the inputs' dtype and round x to it.
    inputs = keras.tree.map_structure(
        lambda i: keras.Input(batch_shape=i.shape, dtype=dtype if keras.backend.is_float_dtype(i.dtype) else i.dtype),
        model.inputs[0] if isinstance(model, keras.Sequential) else model.input,
    )
    clone = keras.models.clone_model(model, input_tensors=inputs, clone_function=at_dtype)
    for mine, its in zip(model.weights, clone.weights, strict=True):
        its.assign(tf.cast(mine.value, its.dtype))
    for layer in clone.layers:
        exact_decay(getattr(layer, "kernel_regularizer", None))
    return clone


def _dtype(model: keras.Model) -> str:
    """What it computes in; a model's own compute_dtype is only what its layers would have been given by default."""
    dtypes = {str(layer.compute_dtype) for layer in model.layers if layer.weights}
    return max(dtypes, key=UNITS.__getitem__, default="float32")
