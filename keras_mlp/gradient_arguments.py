"""The forms in which people bring gradients or weights: a dict, a flat list, (kernel, bias) pairs. Never guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from manual_mlp import ShapeError

Array = npt.NDArray[Any]


def as_named(title: str, given: object, names: Sequence[str]) -> dict[str, Array]:
    """name → array from any accepted form.

    Args:
        title: what it is, for messages.
        given: a dict by name, a flat list in the order of `trainable_weights`, or a list of (kernel, bias) pairs.
        names: the model's, in that order.

    Returns:
        name → array.

    Raises:
        TypeError: another form.
        ValueError: unknown names, or another number of arrays than weights.

    Example:
        >>> import numpy as np
        >>> list(as_named("gradients", [(np.ones((2, 1)), np.ones(1))], ["d/kernel", "d/bias"]))
        ['d/kernel', 'd/bias']
    """
    if isinstance(given, Mapping):
        unknown = [n for n in given if n not in names]
        if unknown:
            raise ValueError(
                f"{title}: unknown names {', '.join(map(str, unknown))}. The model has {', '.join(names)}."
            )
        return {n: _array(title, n, given[n]) for n in names if n in given}
    if not isinstance(given, Sequence) or isinstance(given, (str, bytes)):
        raise TypeError(
            f"{title} is {type(given).__name__}: expected a dict by name, a flat list in the order of "
            "model.trainable_weights, or a list of (kernel, bias) pairs."
        )
    flat = [array for item in given for array in (item if isinstance(item, (tuple, list)) else [item])]
    if len(flat) != len(names):
        raise ValueError(
            f"{title} holds {len(flat)} arrays, but the model has {len(names)} weights: {', '.join(names)}."
        )
    return {n: _array(title, n, a) for n, a in zip(names, flat, strict=True)}


def _array(title: str, name: str, value: object) -> Array:
    array = np.asarray(value)
    if array.dtype.kind not in "fiu" and array.dtype.name != "bfloat16":
        raise TypeError(f"{title}[{name!r}] is {array.dtype}: expected an array of numbers.")
    return array


def inferred_gradients(
    before: Mapping[str, Array], after: Mapping[str, Array], learning_rate: float
) -> dict[str, Array]:
    """(W_before − W_after) / lr: what a step of gradient descent says of its gradient.

    Args:
        before, after: name → weights around one step.
        learning_rate: lr of that step.

    Returns:
        name → gradient, in float64.

    Raises:
        ValueError: lr is not a finite number above 0, or a weight is missing.
        ShapeError: a weight changed its shape.

    Example:
        >>> import numpy as np
        >>> inferred_gradients({"w": np.array([1.0])}, {"w": np.array([0.75])}, 0.5)["w"]
        array([0.5])
    """
    if not 0 < learning_rate < float("inf"):
        raise ValueError(f"learning_rate={learning_rate}: expected the lr of that step, a finite number above 0.")
    missing = before.keys() ^ after.keys()
    if missing:
        raise ValueError(f"before and after must hold the same weights; only one has {', '.join(sorted(missing))}.")
    for name in before:
        if before[name].shape != after[name].shape:
            shape, other = before[name].shape, after[name].shape
            line = f"W_after = W_before − lr dE/dW   {shape} − {shape} → {shape}"
            raise ShapeError(f"{name}: {line}, but it has shape {other} after the step. Pass the weights of one model.")
    return {n: (before[n].astype(np.float64) - after[n].astype(np.float64)) / learning_rate for n in before}
