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
from gradient_diff.keras.functions.function import restored, run_check
from gradient_diff.keras.functions.subject import Subject, counted_title
from gradient_diff.result.diff import GradientDiff
from keras_mlp import Mode
from keras_mlp.extend import check_mode, start_devices
from manual_mlp import Array

CURE = "Give other inputs."
FINER = 'Make the layer with dtype="float64", or give other inputs.'


def check_layer(
    layer: keras.layers.Layer, inputs: object, *, training: bool | None = None, mode: Mode = "eager"
) -> GradientDiff:
    """Hold the gradients of a layer, by its inputs and its trainable weights, against the layer's own values.

    As `check_function` does without a reference. Where the layer can be made again from its config, it is also judged
    in float64. Losses that the layer adds, such as regularisers, are not part of it.

    Args:
        layer: any; one that has not been built is checked on a built copy with weights of a fixed seed. It is not
            changed: weights, moving statistics and seeds are put back.
        inputs: one array, or a list of arrays for a layer that takes a list; a tuple is several positional arguments.
        training: given to the layer if its `call` takes it.
        mode: of its gradient: "eager", "graph" or "xla".

    Returns:
        A `GradientDiff` with rows `inputs/<argument>` and `weights/<path>`; whole numbers, masks and text are named
        and skipped.

    Raises:
        TypeError: no layer; one that can neither be built here nor copied; complex numbers.
        ValueError: nothing to differentiate by, NaN in inputs or weights, or a wrong number of gradients from a
            `tf.custom_gradient`.

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
    arguments = _of_dtype(read_arguments(layer.call, inputs, one=True), layer.variable_dtype)
    used, words = (layer, ()) if layer.built else (_built_copy(layer, arguments, training), ("a built copy",))
    with restored(v.value for v in used.variables) as state:
        subject = _subject(used, arguments, training, mode, state)
        return run_check(subject, None, words, CURE if subject.dtype == "float64" else FINER)


def _subject(
    layer: keras.layers.Layer, arguments: Arguments, training: bool | None, mode: Mode, state: dict[Any, Array]
) -> Subject:
    trainable = {path: v.value for path, v in named_trainable(layer).items()}
    call = _call(layer, training)
    call(*arguments.packed(arguments.leaves)[0])
    kept = {ref: array for ref, array in state.items() if not np.array_equal(ref.deref().numpy(), array)}

    def recast(subject: Subject, dtype: str) -> Subject:
        copy = _copy(layer, dtype)
        given = _of_dtype(arguments, dtype)
        _call(copy, training)(*given.packed(given.leaves)[0])  # builds it
        if [v.shape for v in copy.variables] != [v.shape for v in layer.variables]:
            raise TypeError(f"{layer.name} comes out of its config with other weights.")
        values = [state[v.value.ref()] for v in layer.variables]
        for variable, array in zip(copy.variables, values, strict=True):
            variable.assign(array)
        own = {v.value.ref(): np.array(v.numpy()) for v in copy.variables}
        weights = zip(trainable, copy.trainable_weights, strict=True)  # layers inside may be called otherwise
        return replace(_subject(copy, given, training, mode, own), variables={n: v.value for n, v in weights})

    title = f"{layer.name} ({type(layer).__name__})"
    return Subject(title, call, arguments, trainable, kept, mode, recast, layer.compute_dtype)


def named_trainable(layer: keras.layers.Layer) -> dict[str, Any]:
    """`weights/<path>` → Keras variable; equal paths are counted."""
    named: dict[str, Any] = {}
    for variable in layer.trainable_weights:
        _, _, path = variable.path.partition("/")
        named[counted_title(f"weights/{path or variable.name}", named)] = variable
    return named


def _call(layer: keras.layers.Layer, training: bool | None) -> Callable[..., Any]:
    takes = "training" in inspect.signature(layer.call).parameters
    more = {"training": training} if takes and training is not None else {}

    def call(*arguments: Any) -> Any:
        return layer(*arguments, **more)

    call.__signature__ = inspect.signature(layer.call)  # type: ignore[attr-defined]  # so that inputs get their names
    return call


def _of_dtype(arguments: Arguments, dtype: str) -> Arguments:
    """Floats as the layer's weights are: Keras would cast them anyway."""
    leaves = {
        n: a.astype(dtype) if isinstance(a, np.ndarray) and n not in arguments.skipped else a
        for n, a in arguments.leaves.items()
    }
    return replace(arguments, leaves=leaves)


def _built_copy(layer: keras.layers.Layer, arguments: Arguments, training: bool | None) -> keras.layers.Layer:
    copy = _copy(layer, None)
    _call(copy, training)(*arguments.packed(arguments.leaves)[0])
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
    except (NotImplementedError, TypeError, ValueError) as error:
        raise TypeError(
            f"{layer.name} cannot be made again from its config: {error}. Give {type(layer).__name__} a get_config, "
            "or build the layer before the check."
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
