"""The data of a check, as `fit` takes them: arrays, or trees of them for several inputs or outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gradient_diff.keras.gradients.structure import are_alike, read_structure, shapes_of, weights_of
from keras_mlp.extend import sample_weights_of
from manual_mlp import Array


@dataclass(frozen=True, eq=False)
class Data:
    """x, y and the weights of the samples: each an array, or a tree of them as the model takes it."""

    x: Any
    y: Any
    sample_weight: Any = None

    @classmethod
    def of(cls, model: keras.Model, x: object, y: object) -> Data:
        """Read for a model; targets (N,) of outputs (N, 1) become (N, 1), as `fit` sees to it."""
        inputs, outputs = _ends(model)
        if y is None and getattr(model, "compiled", False) and model.loss is None:
            y = np.zeros((1, 1), np.float32)  # nothing but penalties is trained: no loss reads it
        data = cls(read_structure("x", x, inputs), read_structure("y", y, outputs))
        if outputs is not None and are_alike(data.y, outputs):
            data = replace(data, y=keras.tree.map_structure(_as_column, data.y, outputs))
        return data

    def weighed(self, sample_weight: object, class_weight: Mapping[int, float] | None) -> Data:
        """The same with weights of the samples, as `fit` takes them: one array for all outputs, or one for each."""
        if isinstance(self.y, np.ndarray):
            return replace(self, sample_weight=sample_weights_of(self.y, sample_weight, class_weight))  # type: ignore[arg-type]
        if class_weight is not None:
            raise ValueError(
                "class_weight belongs to a model with one output, as in fit. Pass sample_weight=, one each."
            )
        return self if sample_weight is None else replace(self, sample_weight=weights_of(self.y, sample_weight))

    @property
    def parts(self) -> tuple[Any, ...]:
        """x and y, and weights where there are any."""
        return (self.x, self.y) if self.sample_weight is None else (self.x, self.y, self.sample_weight)

    @property
    def leaves(self) -> list[Array]:
        found: list[Array] = keras.tree.flatten(self.parts)
        return found

    @property
    def titles(self) -> list[str]:
        """What each leaf is called: x, or x[0] where there are several."""
        found = []
        for title, tree in zip(("x", "y", "sample_weight"), self.parts, strict=False):
            count = len(keras.tree.flatten(tree))
            found += [title] if count == 1 else [f"{title}[{i}]" for i in range(count)]
        return found

    def with_leaves(self, leaves: list[Array]) -> Data:
        """Other arrays in the same structure."""
        return Data(*keras.tree.pack_sequence_as(self.parts, leaves))

    @property
    def batch(self) -> int:
        """N."""
        first = next(iter(keras.tree.flatten(self.x)), np.zeros(0))
        return len(first) if first.ndim else 1

    def mapped(self, change: Callable[[Array], Array]) -> Data:
        """The same with every array changed."""
        return Data(*keras.tree.map_structure(change, self.parts))

    def ordered(self, order: Array) -> Data:
        """The samples in another order."""
        return self.mapped(lambda a: a[order])

    def drawn(self, rng: np.random.Generator, scale: float) -> Data | None:
        """Other data of the same kind; None where nobody knows what else could stand there, as for one label alone."""
        leaves = keras.tree.flatten((self.x, self.y))
        if any(_is_alone(a) for a in leaves):
            return None
        x = keras.tree.map_structure(partial(_drawn, rng=rng, scale=scale, inputs=True), self.x)
        y = keras.tree.map_structure(partial(_drawn, rng=rng, scale=scale, inputs=False), self.y)
        if self.sample_weight is None:
            return Data(x, y)
        return Data(x, y, keras.tree.map_structure(lambda a: rng.uniform(0.5, 1.5, a.shape), self.sample_weight))

    @property
    def can_be_ordered(self) -> bool:
        """Whether every array has one entry per sample."""
        return all(a.ndim and len(a) == self.batch for a in self.leaves)

    def tensors(self, dtype: str) -> tuple[Any, ...]:
        """As tensors, floats in that dtype; whole numbers and text as they are."""

        def tensor(a: Array) -> Any:
            return tf.cast(a, dtype) if a.dtype.kind == "f" or a.dtype.name == "bfloat16" else tf.constant(a)

        found: tuple[Any, ...] = keras.tree.map_structure(tensor, self.parts)
        return found

    def __str__(self) -> str:
        titles = ("x", "y", "sample_weight")
        return ", ".join(f"{title} {shapes_of(tree)}" for title, tree in zip(titles, self.parts, strict=False))


def _is_alone(a: Array) -> bool:
    """Whole numbers or text of one kind alone, or nothing but NaN: a loss or a layer may look away from just that."""
    if a.dtype.kind in "fb" or a.dtype.name == "bfloat16":
        return a.dtype.kind == "f" and bool(np.isnan(a).all())
    return len(np.unique(a)) < 2


def _drawn(a: Array, rng: np.random.Generator, scale: float, inputs: bool) -> Array:
    """Whole numbers between those that are there, shares of 1 for targets that are, else normal; NaN stays NaN."""
    if a.dtype.kind == "b":
        return rng.random(a.shape) < 0.5
    if a.dtype.kind not in "iuf" and a.dtype.name != "bfloat16":
        return rng.permutation(a.ravel()).reshape(a.shape)
    values = a.astype(np.float64)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if a.dtype.kind in "iu" or (inputs and low < high and np.array_equal(values, np.round(values), equal_nan=True)):
        return rng.integers(int(low), int(high), a.shape, endpoint=True).astype(a.dtype)
    found = scale * rng.normal(size=a.shape)
    if not inputs and low >= 0 and high <= 1:
        found = rng.random(a.shape)
        if a.ndim > 1 and a.shape[-1] > 1 and np.allclose(values.sum(-1), 1):
            found /= found.sum(-1, keepdims=True)
    return np.where(np.isnan(values), values, found).astype(a.dtype)


def _ends(model: keras.Model) -> tuple[Any, Any]:
    """The symbolic inputs and outputs in their structure; None where a subclass knows of none."""
    if not getattr(model, "inputs", None):
        return None, None
    if isinstance(model, keras.Sequential):
        return model.inputs[0], model.outputs[0]
    return model.input, model.output


def _as_column(y: Array, output: Any) -> Array:
    return y[:, None] if y.ndim == 1 and tuple(output.shape[1:]) == (1,) and y.dtype.kind in "fiub" else y
