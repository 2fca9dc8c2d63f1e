"""One layer in Keras and as a description, both ways; what a description cannot say is refused by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_mlp.activations import ACTIVATION_LAYERS, name_of, to_function
from keras_mlp.constants import as_written
from keras_mlp.penalties import (
    ACTIVITY,
    activity,
    from_regularizers,
    refuse_regularizers,
    to_regularizer,
    to_regularizers,
)
from manual_mlp import ACTIVATIONS
from manual_mlp.extend import Layer
from manual_mlp.layers import (
    Activation,
    ActivityRegularization,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Identity,
    LayerNormalization,
    Normalization,
    Permute,
    Rescaling,
    Reshape,
    RMSNormalization,
)


def to_layer(layer: Layer, dtype: str, seed: int | None) -> keras.layers.Layer:
    """The Keras layer of a description; `seed` is of what it draws."""
    return _TO_KERAS[type(layer)](layer, seed, {"name": layer.name, "dtype": dtype})


def _to_dense(layer: Dense, seed: int | None, options: dict[str, Any]) -> keras.layers.Layer:
    options |= {"kernel_initializer": "zeros", **to_regularizers(layer)}
    activation = to_function(layer.activation, options["dtype"])
    return keras.layers.Dense(layer.units, activation, layer.use_bias, **options)


def _to_activation(layer: Activation, seed: int | None, options: dict[str, Any]) -> keras.layers.Layer:
    return keras.layers.Activation(to_function(layer.activation, options["dtype"]), **options)


def _to_activity_regularization(
    layer: ActivityRegularization, seed: int | None, options: dict[str, Any]
) -> keras.layers.Layer:
    found = keras.layers.ActivityRegularization(layer.l1, layer.l2, **options)
    found.activity_regularizer = to_regularizer(layer.l1, layer.l2)
    return found


def _to_batch_normalization(layer: BatchNormalization, seed: int | None, options: dict[str, Any]) -> keras.layers.Layer:
    settings = {"momentum": layer.momentum, "epsilon": layer.epsilon, "center": layer.center, "scale": layer.scale}
    return keras.layers.BatchNormalization(**settings, trainable=layer.trainable, **options)


def _to_layer_normalization(layer: LayerNormalization, seed: int | None, options: dict[str, Any]) -> keras.layers.Layer:
    return keras.layers.LayerNormalization(epsilon=layer.epsilon, center=layer.center, scale=layer.scale, **options)


def _to_rescaling(layer: Rescaling, seed: int | None, options: dict[str, Any]) -> keras.layers.Layer:
    numbers = np.float64(layer.scale), np.float64(layer.offset)  # a plain float would be rounded to float32
    return keras.layers.Rescaling(*numbers, **options)


def _to_normalization(layer: Normalization, seed: int | None, options: dict[str, Any]) -> keras.layers.Layer:
    numbers = (np.asarray(given, np.float64)[()] for given in (layer.mean, layer.variance))  # as of a Rescaling
    return keras.layers.Normalization(-1, *numbers, **options)


_TO_KERAS: dict[type[Layer], Callable[[Any, int | None, dict[str, Any]], keras.layers.Layer]] = {
    Dense: _to_dense,
    Activation: _to_activation,
    Dropout: lambda layer, seed, options: keras.layers.Dropout(layer.rate, seed=seed, **options),
    BatchNormalization: _to_batch_normalization,
    LayerNormalization: _to_layer_normalization,
    RMSNormalization: lambda layer, _, options: keras.layers.RMSNormalization(epsilon=layer.epsilon, **options),
    Flatten: lambda layer, _, options: keras.layers.Flatten(**options),
    Reshape: lambda layer, _, options: keras.layers.Reshape(layer.target, **options),
    Permute: lambda layer, _, options: keras.layers.Permute(layer.order, **options),
    Identity: lambda layer, _, options: keras.layers.Identity(**options),
    Rescaling: _to_rescaling,
    ActivityRegularization: _to_activity_regularization,
    Normalization: _to_normalization,
}


def from_layer(layer: keras.layers.Layer) -> Layer:
    """The description of a Keras layer; a TypeError names a layer, or a setting of it, that has none."""
    if type(layer) not in _FROM_KERAS:
        known = ", ".join(kind.__name__ for kind in _FROM_KERAS)
        raise TypeError(f"Layer {layer.name!r} is a {type(layer).__name__}; understood so far are {known}.")
    if type(layer) not in (keras.layers.Dense, keras.layers.ActivityRegularization):
        refuse_regularizers(layer, ACTIVITY)
    return _FROM_KERAS[type(layer)](layer)


def _from_dense(layer: keras.layers.Dense) -> Dense:
    penalties = from_regularizers(layer)
    return Dense(int(layer.units), _activation_name(layer), bool(layer.use_bias), layer.name, **penalties)


def _from_dropout(layer: keras.layers.Dropout) -> Dropout:
    if layer.noise_shape is not None:
        raise TypeError(
            f"Layer {layer.name!r} has noise_shape={layer.noise_shape}, which is not understood so far: "
            "each entry has a draw of its own here."
        )
    return Dropout(float(layer.rate), layer.name)


def _from_activation(layer: keras.layers.Activation) -> Activation:
    return Activation(_activation_name(layer), layer.name)


def _from_activation_layer(layer: keras.layers.Layer) -> Activation:
    """ReLU, LeakyReLU, ELU, Softmax, which are an activation."""
    if (name := name_of(layer)) is None:
        config = {n: v for n, v in layer.get_config().items() if n not in ("name", "trainable", "dtype")}
        options = ", ".join(f"{n}={v!r}" for n, v in config.items())
        raise TypeError(f"Layer {layer.name!r} is a {type(layer).__name__}({options}), which is not understood so far.")
    return Activation(name, layer.name)


def _activation_name(layer: keras.layers.Layer) -> str:
    if (name := name_of(layer.activation)) is None:
        shown = getattr(layer.activation, "__name__", type(layer.activation).__name__)
        raise TypeError(f"Layer {layer.name!r} has the activation {shown!r}; understood are {', '.join(ACTIVATIONS)}.")
    return name


def _from_batch_normalization(layer: keras.layers.BatchNormalization) -> BatchNormalization:
    if layer.renorm or layer.synchronized:
        setting = "renorm" if layer.renorm else "synchronized"
        raise TypeError(f"Layer {layer.name!r} has {setting}=True, which is not understood so far.")
    _last_axis_alone(layer)
    refuse_regularizers(layer, "beta", "gamma")
    settings = float(layer.momentum), float(layer.epsilon), bool(layer.center), bool(layer.scale)
    return BatchNormalization(*settings, bool(layer.trainable), layer.name)


def _from_layer_normalization(layer: keras.layers.LayerNormalization) -> LayerNormalization:
    if layer.rms_scaling:
        raise TypeError(f"Layer {layer.name!r} has rms_scaling=True, which is not understood so far.")
    _last_axis_alone(layer)
    refuse_regularizers(layer, "beta", "gamma")
    return LayerNormalization(float(layer.epsilon), bool(layer.center), bool(layer.scale), layer.name)


def _from_rms_normalization(layer: keras.layers.RMSNormalization) -> RMSNormalization:
    _last_axis_alone(layer)
    return RMSNormalization(float(layer.epsilon), layer.name)


def _last_axis_alone(layer: keras.layers.Layer) -> None:
    """Raise where another axis than the last is normalised; Keras has made a built layer's axis positive."""
    axes = list(layer.axis) if isinstance(layer.axis, (list, tuple)) else [layer.axis]
    if len(axes) != 1 or axes[0] not in (-1, len(layer.input.shape) - 1):
        raise TypeError(f"Layer {layer.name!r} normalises axis {layer.axis}; only the last, axis=-1, is understood.")


def _from_flatten(layer: keras.layers.Flatten) -> Flatten:
    if layer.data_format != "channels_last":
        raise TypeError(
            f"Layer {layer.name!r} has data_format={layer.data_format!r}; only 'channels_last' is understood."
        )
    return Flatten(layer.name)


def _from_reshape(layer: keras.layers.Reshape) -> Reshape:
    return Reshape(tuple(int(n) for n in layer.output.shape[1:]), layer.name)


def _from_permute(layer: keras.layers.Permute) -> Permute:
    return Permute(tuple(map(int, layer.dims)), layer.name)


def _from_rescaling(layer: keras.layers.Rescaling) -> Rescaling:
    if np.ndim(layer.scale) or np.ndim(layer.offset):
        raise TypeError(f"Layer {layer.name!r} has a scale per channel; only one number for all is understood.")
    return Rescaling(float(layer.scale), float(layer.offset), layer.name)


def _from_normalization(layer: keras.layers.Normalization) -> Normalization:
    if layer.invert:
        raise TypeError(f"Layer {layer.name!r} has invert=True, which is not understood so far.")
    if layer.input_mean is None:  # it was adapted to data, and nobody wrote these numbers
        if layer.axis:
            _last_axis_alone(layer)
        return Normalization(_of_data(layer.mean, layer), _of_data(layer.variance, layer), layer.name)
    if np.ndim(layer.input_mean):
        _last_axis_alone(layer)
    return Normalization(_statistic(layer.input_mean), _statistic(layer.input_variance), layer.name)


def _of_data(held: Any, layer: keras.layers.Normalization) -> Any:
    """As the layer computes with it, whatever its weights say: a number per unit, or one for all."""
    numbers = np.ravel(held).tolist()
    return tuple(numbers) if layer.axis else numbers[0]


def _statistic(given: Any) -> Any:
    """As it was written, whatever holds it."""
    return tuple(map(as_written, np.ravel(given))) if np.ndim(given) else as_written(given)


_FROM_KERAS: dict[type, Callable[[Any], Layer]] = {
    keras.layers.Dense: _from_dense,
    keras.layers.Dropout: _from_dropout,
    keras.layers.Activation: _from_activation,
    **dict.fromkeys(ACTIVATION_LAYERS, _from_activation_layer),
    keras.layers.BatchNormalization: _from_batch_normalization,
    keras.layers.LayerNormalization: _from_layer_normalization,
    keras.layers.RMSNormalization: _from_rms_normalization,
    keras.layers.Flatten: _from_flatten,
    keras.layers.Reshape: _from_reshape,
    keras.layers.Permute: _from_permute,
    keras.layers.Identity: lambda layer: Identity(layer.name),
    keras.layers.Rescaling: _from_rescaling,
    keras.layers.Normalization: _from_normalization,
    keras.layers.ActivityRegularization: lambda layer: ActivityRegularization(**activity(layer), name=layer.name),
}
