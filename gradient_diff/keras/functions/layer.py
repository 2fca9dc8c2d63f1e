"""check_layer: for the gradients of a Keras layer, by its inputs and by its weights."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from gradient_diff.keras.functions.arguments import Arguments, read_arguments
from gradient_diff.keras.functions.calls import called, first_line
from gradient_diff.keras.functions.function import restored, run_check
from gradient_diff.keras.functions.subject import Subject, counted_title, prove_same_values
from gradient_diff.keras.functions.tracing import draws_in, traced
from gradient_diff.result.diff import GradientDiff
from keras_mlp import Mode
from keras_mlp.extend import check_mode, start_devices

CURE = "Give other inputs."
FINER = 'Make the layer with dtype="float64", or give other inputs.'


def check_layer(
    layer: keras.layers.Layer, inputs: object, *, training: bool | None = None, mode: Mode = "eager"
) -> GradientDiff:
    """Hold the gradients of a layer, by its inputs and its trainable weights, against the layer's own values.

    As `check_function` does without a reference. Where the layer can be made again from its config, it is also judged
    in float64. Losses that the layer adds, such as regularisers, are not part of it. What it draws at random is drawn
    anew from the same seeds for each pass, and its moving statistics and recurrent states start alike.

    Args:
        layer: any; one that has not been built is checked on a built copy with weights of a fixed seed. It is not
            changed: weights, moving statistics and seeds are put back.
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
    subject = _subject(used, arguments, in_training, mode)
    with restored([*subject.variables.values(), *(ref.deref() for ref in subject.state)]):
        called(subject.title, subject.function, arguments)
        return run_check(subject, None, words, CURE if subject.dtype == "float64" else FINER)


def _subject(layer: keras.layers.Layer, arguments: Arguments, training: bool, mode: Mode) -> Subject:
    """Of a built layer; whatever it holds besides its trainable weights is its state."""
    call, trainable = _call(layer, training), {path: v.value for path, v in named_trainable(layer).items()}
    graph = traced(call, arguments)  # knows what `layer.variables` leaves out: the states of recurrent layers
    touched = {v.ref(): v for v in [*(v.value for v in layer.variables), *(graph.variables if graph else ())]}
    held = {ref: np.array(v.numpy()) for ref, v in touched.items()}
    state = {ref: array for ref, array in held.items() if ref not in {v.ref() for v in trainable.values()}}

    def recast(subject: Subject, dtype: str) -> Subject:
        copy, given = _copy(layer, dtype), _of_dtype(arguments, dtype)
        _call(copy, training)(*given.packed(given.leaves)[0])  # builds it
        if [v.shape for v in copy.variables] != [v.shape for v in layer.variables]:
            raise TypeError(f"{layer.name} comes out of its config with other weights.")
        for variable, own in zip(copy.variables, layer.variables, strict=True):
            variable.assign(held[own.value.ref()])
        weights = zip(trainable, copy.trainable_weights, strict=True)  # layers inside may be called otherwise
        other = replace(_subject(copy, given, training, mode), variables={n: v.value for n, v in weights})
        prove_same_values(subject, other)
        return other

    dtype, draws = layer.compute_dtype, draws_in(graph)
    return Subject(_title(layer, training), call, arguments, trainable, state, mode, recast, dtype, draws)


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
    copy = _copy(layer, None)
    called(_title(layer, training), _call(copy, training), arguments)
    rng = np.random.default_rng(0)
    for variable in copy.trainable_weights:  # Keras draws weights by its global seed; and zeros would hide mistakes
        several = len(variable.shape) > 1
        middle = 0.0 if several else round(float(np.mean(np.asarray(variable.numpy(), np.float64))))
        spread = 1 / np.sqrt(np.prod(variable.shape[:-1])) if several else 0.1
        variable.assign(middle + spread * rng.normal(size=variable.shape))
    return copy


def _copy(layer: keras.layers.Layer, dtype: str | None) -> keras.layers.Layer:
    """From its config; in another dtype all parts of it, too."""
    try:
        config = layer.get_config()
        with _default_dtype(dtype):
            return type(layer).from_config(_with_dtype(config, dtype) if dtype else config)
    except Exception as error:
        raise TypeError(
            f"{layer.name} cannot be made again from its config: {first_line(error)}. "
            f"Give {type(layer).__name__} a get_config, or build the layer before the check."
        ) from error


@contextmanager
def _default_dtype(dtype: str | None) -> Iterator[None]:
    """Layers that a layer makes for itself take the default."""
    before = keras.config.dtype_policy()
    if dtype:
        keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _with_dtype(config: Any, dtype: str) -> Any:
    """The config with every "dtype" in it replaced, those of layers inside included."""
    if isinstance(config, dict):
        return {k: dtype if k == "dtype" else _with_dtype(v, dtype) for k, v in config.items()}
    return [_with_dtype(v, dtype) for v in config] if isinstance(config, list) else config
