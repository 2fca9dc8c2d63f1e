"""check_layer: for the gradients of a Keras layer, by its inputs and by its weights."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from gradient_diff.backward.subject import prove_same_values
from gradient_diff.keras.functions.arguments import Arguments, read_arguments
from gradient_diff.keras.functions.calls import called, first_line
from gradient_diff.keras.functions.function import restored, run_check
from gradient_diff.keras.functions.subject import TapedFunction, counted_title
from gradient_diff.keras.functions.tracing import draws_in, traced
from gradient_diff.result.diff import GradientDiff
from keras_mlp import Mode
from keras_mlp.extend import (
    alone,
    check_mode,
    copied,
    in_mode,
    kept_attributes,
    kept_generators,
    recorded_draws,
    replayed_draws,
    start_devices,
    variables_of,
)
from manual_mlp import Array

CURE = "Give other inputs."
FINER = 'Make the layer with dtype="float64", or give other inputs.'


def check_layer(
    layer: keras.layers.Layer, inputs: object, *, training: bool | None = None, mode: Mode = "eager"
) -> GradientDiff:
    """Hold the gradients of a layer, by its inputs and its trainable weights, against the layer's own values.

    As `check_function` does without a reference, and in float64, too: there the layer computes on copies of its
    variables, with what it drew in its own dtype. Losses that the layer adds, such as regularisers, are not part of it.
    What it draws at random is drawn anew from the same seeds for each pass, and its moving statistics and recurrent
    states start alike.

    Args:
        layer: any; one that has not been built is checked on a built copy with weights of a fixed seed. It is not
            changed: weights, moving statistics, states and seeds are put back.
        inputs: one array, or a list of arrays for a layer that takes a list; a tuple is several positional arguments.
        training: how the layer and all layers inside it run; None is True, as `fit` runs them.
        mode: of its gradient: "eager", "graph" or "xla".

    Returns:
        A `GradientDiff` with rows `inputs/<argument>` and `weights/<path>`. Whole numbers, masks and text have no
        derivative: its `remark` names them.

    Raises:
        TypeError: no layer; one that can neither be built here nor copied; complex numbers.
        ValueError: inputs that the layer does not take, in Keras's words; nothing to differentiate by, NaN in inputs or
            weights, or a wrong number of gradients from a `tf.custom_gradient`.

    Example:
        >>> import keras
        >>> import numpy as np
        >>> layer = keras.layers.Dense(2, activation="tanh")
        >>> diff = check_layer(layer, np.random.default_rng(0).normal(size=(4, 3)))
        >>> diff.verdict.name, [row.name for row in diff.rows]
        ('MATCH', ['inputs/inputs', 'weights/kernel', 'weights/bias'])
    """
    start_devices()
    check_mode(mode)
    if not isinstance(layer, keras.layers.Layer):
        raise TypeError(
            f"layer is {type(layer).__name__}: expected a keras.layers.Layer. For a function: check_function."
        )
    if not isinstance(training, bool | None):
        raise TypeError(f"training is {training!r}: expected True, False, or None for True.")
    if not hasattr(layer, "dtype_policy"):
        raise TypeError(f"{type(layer).__name__} is no whole layer yet: call super().__init__() in its __init__.")
    arguments = _of_dtype(read_arguments(layer.call, inputs, one=True), layer.variable_dtype)
    in_training = training is not False
    used, words = (layer, ()) if layer.built else (_built_copy(layer, arguments, in_training), ("a built copy",))
    with alone(used), kept_attributes(used):
        subject = _subject(used, arguments, in_training, mode)
        with restored([*subject.variables.values(), *(ref.deref() for ref in subject.state)]):
            called(subject.title, subject.function, arguments)
            return run_check(subject, None, words, CURE if subject.dtype == "float64" else FINER)


def _subject(layer: keras.layers.Layer, arguments: Arguments, training: bool, mode: Mode) -> TapedFunction:
    """Of a built layer; whatever it holds besides its trainable weights is its state."""
    call, graph = _call(layer, training), traced(_call(layer, training), arguments)
    trainable = {name: v.value for name, v in named_trainable(layer).items()}
    touched = [*(v.value for v in variables_of(layer)), *(graph.variables if graph else ())]

    def recast(subject: TapedFunction, dtype: str) -> TapedFunction:
        subject.assign(subject.point)
        with copied(layer, dtype) as copies:
            pass
        drawn = _drawn(subject)

        def on_copies(*inputs: Any) -> Any:
            with copied(layer, dtype, kept=copies), replayed_draws(drawn):
                return call(*inputs)

        variables = {name: copies[id(v)] for name, v in named_trainable(layer).items()}
        state, given = _state(copies.values(), variables), _of_dtype(arguments, dtype)
        fixed: dict[str, Any] = {"variables": variables, "state": state, "computes_in": dtype, "draws": False}
        other = replace(subject, function=on_copies, arguments=given, **fixed)
        prove_same_values(subject, other)
        return other

    dtype, state = layer.compute_dtype, _state(touched, trainable)
    return TapedFunction(
        _title(layer, training), call, arguments, trainable, state, mode, recast, dtype, draws_in(graph)
    )


def _state(variables: Iterable[Any], trainable: Mapping[str, Any]) -> dict[Any, Array]:
    """What the other variables hold now: reference → array."""
    weights = {v.ref() for v in trainable.values()}
    return {v.ref(): np.array(v.numpy()) for v in variables if v.ref() not in weights}


def _drawn(subject: TapedFunction) -> list[Any]:
    """What a layer draws where it stands, in the mode in which it is asked for its gradient."""

    def run() -> dict[str, Any]:
        with recorded_draws() as drawn:
            subject.function(*subject.arguments.packed(subject.arguments.tensors)[0])
        return {str(i): numbers for i, numbers in enumerate(drawn)}

    found = in_mode(run, subject.mode) if subject.draws else {}
    return [found[str(i)] for i in range(len(found))]


def _title(layer: keras.layers.Layer, training: bool) -> str:
    return f"{layer.name} ({type(layer).__name__}) in {'training' if training else 'inference'}"


def named_trainable(layer: keras.layers.Layer) -> dict[str, Any]:
    """`weights/<path>` → Keras variable; equal paths are counted."""
    named: dict[str, Any] = {}
    for variable in layer.trainable_weights:
        _, _, path = variable.path.partition("/")
        named[counted_title(f"weights/{path or variable.name}", named)] = variable
    return named


def _call(layer: keras.layers.Layer, training: bool) -> Callable[..., Any]:
    """A layer passes `training` on to those inside it, also where its own `call` does not take it."""

    def call(*arguments: Any) -> Any:
        with kept_generators():
            return layer(*arguments, training=training)

    own = inspect.signature(layer.call)  # so that inputs get their names
    inputs = [p for name, p in own.parameters.items() if name != "training"]
    call.__signature__ = own.replace(parameters=inputs)  # type: ignore[attr-defined]
    return call


def _of_dtype(arguments: Arguments, dtype: str) -> Arguments:
    """Floats as the layer's weights are: Keras would cast them anyway."""
    leaves = {
        n: a.astype(dtype) if isinstance(a, np.ndarray) and n not in arguments.skipped else a
        for n, a in arguments.leaves.items()
    }
    return replace(arguments, leaves=leaves)


def _built_copy(layer: keras.layers.Layer, arguments: Arguments, training: bool) -> keras.layers.Layer:
    try:
        copy = type(layer).from_config(layer.get_config())
    except Exception as error:
        raise TypeError(
            f"{layer.name} cannot be made again from its config: {first_line(error)}. "
            f"Give {type(layer).__name__} a get_config, or build the layer before the check."
        ) from error
    called(_title(layer, training), _call(copy, training), arguments)
    rng = np.random.default_rng(0)
    for variable in copy.trainable_weights:  # Keras draws weights by its global seed; and zeros would hide mistakes
        several = len(variable.shape) > 1
        middle = 0.0 if several else round(float(np.mean(np.asarray(variable.numpy(), np.float64))))
        spread = 1 / np.sqrt(np.prod(variable.shape[:-1])) if several else 0.1
        variable.assign(middle + spread * rng.normal(size=variable.shape))
    return copy
