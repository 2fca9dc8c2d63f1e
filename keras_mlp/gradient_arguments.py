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
                f"{_how_to_rename(unknown, names)}"
            )
        return {n: _array(title, n, given[n]) for n in names if n in given}
    if not isinstance(given, Sequence) or isinstance(given, (str, bytes)):
        raise TypeError(
            f"{title} is {type(given).__name__}: expected a dict by name, a flat list in the order of "
            "model.trainable_weights, or a list of (kernel, bias) pairs."
        )
    if _is_with_loss(given):
        raise ValueError(
            f"{title} holds a number beside the arrays, the loss by the look of it. Give the arrays alone."
        )
    flat = [array for item in given for array in (item if isinstance(item, (tuple, list)) else [item])]
    if len(flat) != len(names):
        raise ValueError(
            f"{title} holds {len(flat)} arrays, but the model has {len(names)} weights: {', '.join(names)}."
        )
    return {n: _array(title, n, a) for n, a in zip(names, flat, strict=True)}


def _how_to_rename(unknown: Sequence[object], names: Sequence[str]) -> str:
    """What to drop from names that are Keras paths, `sequential/dense/kernel`; empty for others."""
    ends = {n: next((k for k in names if str(n).endswith(f"/{k}")), "") for n in unknown}
    prefixes = {str(n).removesuffix(k) for n, k in ends.items()}
    if len(prefixes) != 1 or not all(ends.values()):
        return ""
    return f" Drop {prefixes.pop()!r} from yours: they are <layer.name>/<weight.name>, not weight.path."


def _is_with_loss(given: Sequence[object]) -> bool:
    """(loss, gradients) or (gradients, loss), as a function that returns both has it."""
    containers = [isinstance(item, (Mapping, list, tuple)) for item in given]
    return len(given) == 2 and any(containers) and not all(containers) and np.ndim(given[containers.index(False)]) == 0  # type: ignore[arg-type]  # any object


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
        TypeError: lr is no number.
        ValueError: it is not finite and above 0, or a weight is missing.
        ShapeError: a weight changed its shape.

    Example:
        >>> import numpy as np
        >>> inferred_gradients({"w": np.array([1.0])}, {"w": np.array([0.75])}, 0.5)["w"]
        array([0.5])
    """
    rate = checked_rate(learning_rate)
    missing = before.keys() ^ after.keys()
    if missing:
        raise ValueError(f"before and after must hold the same weights; only one has {', '.join(sorted(missing))}.")
    for name in before:
        if before[name].shape != after[name].shape:
            shape, other = before[name].shape, after[name].shape
            line = f"W_after = W_before − lr dE/dW   {shape} − {shape} → {shape}"
            raise ShapeError(f"{name}: {line}, but it has shape {other} after the step. Pass the weights of one model.")
    return {n: (before[n].astype(np.float64) - after[n].astype(np.float64)) / rate for n in before}


def checked_rate(learning_rate: object) -> float:
    """lr as a plain number.

    Args:
        learning_rate: any number, an optimizer's variable included.

    Returns:
        It.

    Raises:
        TypeError: it is no number.
        ValueError: it is not finite and above 0.

    Example:
        >>> checked_rate(np.float32(0.5))
        0.5
    """
    rate = np.asarray(learning_rate)
    if rate.ndim or rate.dtype.kind not in "fiu":
        kind = type(learning_rate).__name__
        raise TypeError(f"learning_rate={learning_rate!r} is {kind}: expected a number, the lr of that step.")
    if not 0 < rate < np.inf:
        raise ValueError(f"learning_rate={learning_rate}: expected the lr of that step, a finite number above 0.")
    return float(rate)
