"""Draws shared with Keras: what its own Dropout layers are about to draw is read, then drawn again by the real pass.

A Dropout layer draws from a seed of its own, which moves on with every call. Called on ones, it leaves its mask; with
the seed put back, the next pass draws the very same one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_mlp.modes import Mode, Tensors, made_for
from manual_mlp import MLP, Array, Dropout, Problem
from manual_mlp.extend import SMALLEST


def read_draws(
    model: keras.Model, mlp: MLP, batch: int, mode: Mode = "eager", training: bool = True
) -> dict[str, Array]:
    """The masks that the next pass will draw, name → array; the seeds are put back. In inference they are all ones.

    They depend on the seeds, on the dtype and on the mode: XLA has another generator than the other two.

    Args:
        model: whose layers draw.
        mlp: its description.
        batch: N.
        mode: in which the pass will run.
        training: whether it will run as in training; else nothing is drawn, and nothing dropped.

    Returns:
        `<layer.name>/mask` (N, n), its entries 0 or 1/(1 − rate), or 1 in inference; empty where there is no Dropout.

    Example:
        >>> from keras_mlp import to_keras
        >>> from manual_mlp import Dense
        >>> mlp = MLP(2, [Dropout(0.5), Dense(1)])
        >>> read_draws(to_keras(mlp, mlp.initialize(0)), mlp, batch=3)["dropout_1/mask"].shape
        (3, 2)
    """
    if not training:
        dtypes = {layer.name: layer.compute_dtype for layer in model.layers}
        return {name: np.ones((batch, *own), dtypes[layer.name]) for name, (layer, own) in mlp.masks.items()}
    return DrawsReader(model, mlp, mode).read(batch)


class DrawsReader:
    """Reads the masks of a model again and again, as `read_draws` does once.

    A graph is built once for each batch size, and not for every step of a training: with XLA that costs a hundred
    times the drawing. It reads the seeds where they stand at the time of the call.

    Example:
        >>> from keras_mlp import to_keras
        >>> from manual_mlp import Dense
        >>> mlp = MLP(2, [Dropout(0.5), Dense(1)])
        >>> reader = DrawsReader(to_keras(mlp, mlp.initialize(0)), mlp, "graph")
        >>> [reader.read(batch)["dropout_1/mask"].shape for batch in (3, 3, 1)]
        [(3, 2), (3, 2), (1, 2)]
    """

    def __init__(self, model: keras.Model, mlp: MLP, mode: Mode) -> None:
        self._model, self._mode = model, mode
        self._shapes = {str(layer.name): own for layer, own in zip(mlp.layers, mlp.sample_shapes, strict=True)}
        self._drops = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
        self._built: dict[int, Callable[[], Tensors]] = {}

    def read(self, batch: int) -> dict[str, Array]:
        """The masks that the next pass over so many samples will draw; the seeds are put back."""
        if not self._drops:
            return {}
        with kept_seeds(self._model):
            if batch not in self._built:
                self._built[batch] = made_for(partial(self._on_ones, batch), self._mode)
            return {name: np.array(mask.numpy()) for name, mask in self._built[batch]().items()}

    def _on_ones(self, batch: int) -> Tensors:
        ones = [tf.ones((batch, *self._shapes[layer.name]), layer.compute_dtype) for layer in self._drops]
        return {f"{layer.name}/mask": layer(x, training=True) for layer, x in zip(self._drops, ones, strict=True)}


@contextmanager
def kept_seeds(model: keras.Model) -> Iterator[None]:
    """Put the seeds of a model's Dropout layers back at the end.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5)])
        >>> before = seeds_of(model)
        >>> with kept_seeds(model):
        ...     _ = model(np.ones((1, 2)), training=True)
        >>> bool(np.array_equal(seeds_of(model), before))
        True
    """
    before = seeds_of(model)
    try:
        yield
    finally:
        set_seeds(model, before)


def seeds_of(model: keras.Model) -> list[Array]:
    """The state of each seed, in the order of the layers.

    Example:
        >>> seeds_of(keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5, seed=1)]))
        [array([1, 0])]
    """
    return [state.value.numpy().copy() for state in _states(model)]


def set_seeds(model: keras.Model, seeds: list[Array]) -> None:
    """Set the state of each seed, e.g. to that of another model of the same architecture.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5)])
        >>> set_seeds(model, [np.array([7, 0])])
        >>> seeds_of(model)
        [array([7, 0])]
    """
    for state, seed in zip(_states(model), seeds, strict=True):
        state.assign(seed)


def _states(model: keras.Model) -> list[Any]:
    found = [getattr(layer, "seed_generator", None) for layer in model.layers]
    return [seed.state for seed in found if seed is not None]


@contextmanager
def replayed(model: keras.Model, draws: Mapping[str, Array]) -> Iterator[None]:
    """Within it, Dropout layers multiply by these masks, cast to their dtype, rather than draw.

    For a clone of another dtype: it would draw other masks.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5, name="drop")])
        >>> with replayed(model, {"drop/mask": np.array([[0.0, 2.0]])}):
        ...     model(np.ones((1, 2)), training=True).numpy()
        array([[0., 2.]], dtype=float32)
    """
    with ExitStack() as stack:
        for layer in model.layers:
            if f"{layer.name}/mask" in draws:
                mask = tf.cast(tf.constant(draws[f"{layer.name}/mask"]), layer.compute_dtype)
                stack.enter_context(swapped(layer, "call", _times(mask)))
        yield


def _times(mask: Any) -> Callable[..., Any]:
    return lambda inputs, training=False: inputs * mask


@contextmanager
def swapped(layer: keras.layers.Layer, name: str, function: Callable[..., Any]) -> Iterator[None]:
    """Within it, a function of a layer is another one; put back in any case."""
    own = vars(layer).get(name)
    setattr(layer, name, function)
    try:
        yield
    finally:
        delattr(layer, name)
        if own is not None:
            setattr(layer, name, own)


def prove_draws(problem: Problem, tensors: Mapping[str, Any], exact: bool = True) -> None:
    """Raise unless each Dropout's output is its input times the mask that was read, bit for bit.

    Not `exact`: unless it has dropped just what the mask drops. XLA computes the input once more inside, and rounds it
    otherwise than what it shows.
    """
    below = problem.x
    for layer in problem.mlp.layers:
        z = np.asarray(tensors[f"{layer.name}/z"])
        if isinstance(layer, Dropout):
            mask = problem.draws[layer.mask]
            seen = ~(np.abs(below) < SMALLEST[z.dtype.name])  # so small a number may be kept as 0
            with np.errstate(invalid="ignore", over="ignore"):
                expected = np.where(mask != 0, below * mask, 0).astype(z.dtype)
            same = np.array_equal(z, expected, equal_nan=True)
            if not same and (exact or ((z != 0) != (mask != 0))[seen].any()):
                raise ValueError(
                    f"{layer.name}: Keras did not drop what its mask, read beforehand, says. Something else drew from "
                    "its seed during the pass; evaluate one model at a time."
                )
        below = z
