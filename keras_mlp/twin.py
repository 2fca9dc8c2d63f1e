"""The Keras twin of an MLP, with the same names and, bit for bit, the same weights; and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

import keras
import numpy as np

from keras_mlp.layers import from_layer, to_layer
from keras_mlp.startup import start_devices
from manual_mlp import MLP, Array
from manual_mlp.extend import Arrays, check_parameters


def to_keras(mlp: MLP, parameters: Arrays, dtype: str = "float64", *, seed: int | None = None) -> keras.Sequential:
    """The `keras.Sequential` that computes what `mlp` computes.

    Args:
        mlp: the network.
        parameters: name → array; `dense_1/kernel` (n_in, n_out), `dense_1/bias` (n_out,).
        dtype: of the model, its weights and its arithmetic.
        seed: of its Dropout layers, from the first on by ones, for masks that come again; None for Keras's own.

    Returns:
        A built, uncompiled model with mlp's layer names and weights.

    Raises:
        ValueError: missing or misshapen parameters, or weights that `dtype` cannot hold exactly.
        TypeError: `mlp` is no MLP.

    Example:
        >>> from manual_mlp import Dense
        >>> mlp = MLP(2, [Dense(3, "tanh"), Dense(1)])
        >>> to_keras(mlp, mlp.initialize(0)).count_params()
        13
    """
    if not isinstance(mlp, MLP):
        turned = isinstance(parameters, MLP)
        cure = "the two are in each other's place: to_keras(mlp, parameters)" if turned else "expected an MLP"
        raise TypeError(f"to_keras: mlp is {type(mlp).__name__}: {cure}.")
    start_devices()
    _ = mlp.forward_equations  # the description is checked before Keras sees it
    wanted = _exactly(mlp, parameters, dtype)
    layers = [to_layer(layer, dtype, None if seed is None else seed + i) for i, layer in enumerate(mlp.layers)]
    model = keras.Sequential([keras.Input(mlp.input_shape, dtype=dtype), *layers])
    for name, variable in layer_weights(model).items():
        variable.assign(wanted[name])
    prove_same_weights(model, wanted)
    return model


def _exactly(mlp: MLP, parameters: Arrays, dtype: str) -> dict[str, Array]:
    check_parameters(mlp, parameters)
    converted = {name: np.asarray(parameters[name]).astype(dtype) for name in mlp.parameter_shapes}
    rounded = [name for name, array in converted.items() if not np.array_equal(array, parameters[name])]
    if rounded:
        raise ValueError(
            f"to_keras(dtype={dtype!r}): {', '.join(rounded)} cannot be held exactly in {dtype}. Round the parameters "
            f"first, for both sides: {{name: array.astype({dtype!r}) for name, array in parameters.items()}}."
        )
    return converted


def from_keras(model: keras.Sequential) -> tuple[MLP, dict[str, Array]]:
    """The MLP that computes what a Keras model computes, and its weights.

    One thing Keras does otherwise: it rounds constants to float32, in a float64 model, too, the λ of a regularizer
    (of L2 from 3.14 on), the slope of leaky_relu, √½ and 0.044715 of gelu. `to_keras` passes them on exactly.

    Args:
        model: a built `keras.Sequential` of layers that are described (Dense, Dropout, activations, normalisations,
            Flatten, Reshape, Permute, Identity, Rescaling, ActivityRegularization); a Dense may have L1, L2 and L1L2
            regularizers of its kernel, its bias and its activity. Layers may be frozen: they take part all the same,
            but for the penalties of their weights, which Keras then leaves out of E.

    Returns:
        (mlp, parameters); layers keep their Keras names.

    Raises:
        TypeError: it is no Sequential, or has a layer, an activation, a regularizer or a noise_shape that is not
            understood, LoRA or a quantised layer, which is named; or its layers do not all store and compute in one
            dtype.
        ValueError: it has not been built yet.

    Example:
        >>> from manual_mlp import Dense
        >>> mlp = MLP(2, [Dense(3, "tanh"), Dense(1)])
        >>> from_keras(to_keras(mlp, mlp.initialize(0)))[0] == mlp
        True
    """
    if not isinstance(model, keras.Sequential) or type(model).call is not keras.Sequential.call:
        raise TypeError(f"from_keras understands keras.Sequential, not {type(model).__name__}.")
    if not model.built:
        raise ValueError("The model has no weights yet: give it a keras.Input, or call it once on data.")
    refuse_unreadable(model)
    if mixed_precision(model):
        policies = ", ".join(f"{layer.name}: {layer.dtype_policy.name}" for layer in model.layers)
        raise TypeError(
            f"The model computes in several dtypes ({policies}), whose rounding is not known so far. Build it with one "
            "policy, such as float32, or hold your own gradients against it by check_gradients, which measures it."
        )
    sample = tuple(model.input_shape[1:])
    if not all(isinstance(n, int) for n in sample):
        raise TypeError(
            f"The model takes samples of shape {sample}, which is not known before the data: give each size."
        )
    mlp = MLP(sample if len(sample) > 1 else sample[0], [from_layer(layer) for layer in model.layers])
    return mlp, parameters_of(model)


def refuse_unreadable(model: keras.Model) -> None:
    """Raise if a layer, a nested one included, computes with another kernel than the weight that it holds.

    Raises:
        TypeError: names the layer that has LoRA or is quantised, and says how to mend it.

    Example:
        >>> refuse_unreadable(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    """
    for layer in model._flatten_layers(include_self=False):  # noqa: SLF001  (nested ones, too; `layers` are the outer)
        if getattr(layer, "lora_enabled", False):
            raise TypeError(
                f"Layer {layer.name!r} has LoRA: it computes with the sum of its kernel and a product of two more "
                "weights. Merge them: build the model without enable_lora, and give its layer this one's by "
                "layer.kernel.assign(lora_layer.kernel)."
            )
        if (mode := getattr(layer, "quantization_mode", None)) is not None:
            raise TypeError(
                f"Layer {layer.name!r} is quantised to {mode}: it computes with rounded numbers in place of its "
                "weights, and its gradient is not theirs. Check the model as it is before quantize(), or build it with "
                "a dtype policy that quantises nothing, such as float32."
            )


def mixed_precision(model: keras.Model) -> bool:
    """Whether the layers of a model store and compute in more than one dtype.

    Example:
        >>> mixed_precision(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, dtype="mixed_float16")]))
        True
    """
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]  # it rounds nothing
    return len({str(d) for layer in layers for d in (layer.compute_dtype, layer.variable_dtype)}) > 1


def named_weights(model: keras.Model) -> dict[str, Any]:
    """Name → Keras variable, in the order of `model.trainable_weights`; without frozen ones.

    Example:
        >>> from manual_mlp import Dense
        >>> mlp = MLP(2, [Dense(1)])
        >>> list(named_weights(to_keras(mlp, mlp.initialize(0))))
        ['dense_1/kernel', 'dense_1/bias']
    """
    names = {id(weight): name for name, weight in layer_weights(model).items()}
    return {names[id(weight)]: weight for weight in model.trainable_weights}


def layer_weights(model: keras.Model) -> dict[str, Any]:
    """Name → Keras variable, frozen ones included, in the order of `model.get_weights()`.

    A weight is `<layer.name>/<weight.name>`; where two of a layer share a name, all of its weights have the path below
    the layer instead, `attention/query/kernel`, and what is still alike is counted. A weight that several layers use
    belongs to the first, one of the model itself has its plain name.

    Example:
        >>> from manual_mlp import Dense
        >>> mlp = MLP(2, [Dense(1), Dense(1)])
        >>> model = to_keras(mlp, mlp.initialize(0))
        >>> model.layers[0].trainable = False
        >>> len(named_weights(model)), list(layer_weights(model))
        (2, ['dense_1/kernel', 'dense_1/bias', 'dense_2/kernel', 'dense_2/bias'])
    """
    names: dict[int, str] = {}
    for title, layer in zip(_counted([layer.name for layer in model.layers]), model.layers, strict=True):
        own = [weight for weight in layer.weights if id(weight) not in names]
        names |= {id(weight): f"{title}/{name}" for weight, name in zip(own, _names_within(layer, own), strict=True)}
    own = [weight for weight in model.weights if id(weight) not in names]
    names |= zip(map(id, own), _counted([weight.name for weight in own]), strict=True)
    return {names[id(weight)]: weight for weight in model.weights}


def _names_within(layer: keras.layers.Layer, weights: Sequence[Any]) -> list[str]:
    """Short names, or paths where these are not enough."""
    short = [weight.name for weight in weights]
    return short if len(set(short)) == len(short) else _counted([_path_below(layer, weight) for weight in weights])


def _path_below(layer: keras.layers.Layer, weight: Any) -> str:
    """The whole path where the weight was built before the layer got it, as a functional model within a model."""
    _, found, below = f"/{weight.path}".partition(f"/{layer.name}/")
    return str(below if found else weight.path)


def _counted(names: Sequence[str]) -> list[str]:
    """Each name once: a further one of the same gets the first number that is free."""
    free: list[str] = []
    for name in names:
        numbered = (f"{name}_{i}" for i in count(1))
        free.append(name if name not in free else next(n for n in numbered if n not in names and n not in free))
    return free


def parameters_of(model: keras.Model) -> dict[str, Array]:
    """A copy of a model's weights, frozen ones included, name → array.

    The statistics that a Normalization was adapted to are constants of its description, and none of the parameters.

    Example:
        >>> from manual_mlp import Dense
        >>> mlp = MLP(2, [Dense(1)])
        >>> parameters_of(to_keras(mlp, mlp.initialize(0)))["dense_1/bias"]
        array([0.])
    """
    constants = {id(w) for z in model.layers if isinstance(z, keras.layers.Normalization) for w in z.weights}
    return {n: weight.numpy().copy() for n, weight in layer_weights(model).items() if id(weight) not in constants}


def prove_same_weights(model: keras.Model, parameters: Arrays) -> None:
    """Raise unless all weights of the model equal `parameters` bit for bit; called before and after each comparison.

    Args:
        model: any built model.
        parameters: name → array, the shapes of the model's weights.

    Raises:
        ValueError: names the weights that differ.

    Example:
        >>> from manual_mlp import Dense
        >>> mlp = MLP(2, [Dense(1)])
        >>> w = mlp.initialize(0)
        >>> prove_same_weights(to_keras(mlp, w), w)
    """
    held = parameters_of(model)
    differing = [
        n
        for n in held.keys() | parameters.keys()
        if n not in held or n not in parameters or not _same_bits(held[n], parameters[n])
    ]
    if differing:
        raise ValueError(
            f"The two sides do not share their weights: {', '.join(sorted(differing))} differ. "
            "Something trained or reassigned the model; build it again with to_keras(mlp, parameters)."
        )


def _same_bits(a: Array, b: Array) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == np.ascontiguousarray(b).tobytes()
