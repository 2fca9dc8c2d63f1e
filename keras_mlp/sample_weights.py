"""Weights of the samples as `fit` takes them: given one by one, or by class."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from manual_mlp import Array
from manual_mlp.extend import read_array


def sample_weights_of(
    y: npt.ArrayLike, sample_weight: npt.ArrayLike | None, class_weight: Mapping[int, float] | None
) -> Array | None:
    """The w of E = c Σ_n w_n e_n, where w_n = class_weight[class of sample n] if classes are weighed; others weigh 1.

    The class of a row of several outputs is the place of its largest one; of a single output, its value.

    Args:
        y: targets, (N,), (N, 1) or (N, K).
        sample_weight: N numbers of 0 and above, as they are wanted.
        class_weight: class → number of 0 and above; a class that is not in it weighs 1.

    Returns:
        The weights, of the shape of `sample_weight` or (N,); None where neither is given.

    Raises:
        ValueError: both are given, another number of weights than samples, NaN, Inf or less than 0, or class_weight
            beside targets that are no classes.
        TypeError: weights that are no numbers or masked, or a class_weight that is no dict of whole numbers.

    Source: Keras 3, data_adapter_utils.py, class_weight_to_sample_weights; `fit` refuses both at once, too.

    Example:
        >>> sample_weights_of([[0, 1], [1, 0], [0, 1]], None, {1: 3.0})
        array([3., 1., 3.])
    """
    if sample_weight is not None and class_weight is not None:
        raise ValueError(
            "sample_weight and class_weight were both given, and fit takes one of them. "
            "Leave one out, or multiply them into one sample_weight."
        )
    if class_weight is not None:
        return _of_classes(read_array("y", y), class_weight)
    return None if sample_weight is None else _checked(sample_weight, np.shape(y)[:1])


def _checked(given: npt.ArrayLike, batch: tuple[int, ...]) -> Array:
    weights = read_array("sample_weight", given)
    if weights.dtype.kind not in "fiub" and weights.dtype.name != "bfloat16":
        raise TypeError(f"sample_weight is an array of {weights.dtype}: expected numbers.")
    if weights.shape[:1] != batch:
        raise ValueError(
            f"sample_weight is {weights.shape}, y has {batch[0] if batch else 'no'} samples: one for each."
        )
    wrong = np.argwhere(~((weights >= 0) & (weights < np.inf)))
    if len(wrong):
        place = tuple(map(int, wrong[0]))
        value = float(weights[place])
        raise ValueError(
            f"sample_weight[{', '.join(map(str, place))}] is {value:g}: expected finite numbers of 0 and above."
        )
    return weights


def _of_classes(y: Array, class_weight: Mapping[int, float]) -> Array:
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            f"class_weight is {type(class_weight).__name__}: expected a dict, class → weight, such as {{0: 1, 1: 5}}."
        )
    for label, weight in class_weight.items():
        if isinstance(label, bool) or not isinstance(label, int | np.integer):
            raise TypeError(f"class_weight names {label!r}: expected classes as whole numbers, 0, 1, ….")
        if not isinstance(weight, int | float | np.number):
            raise TypeError(f"class_weight[{label}] is {weight!r}: expected a number.")
        if not 0 <= weight < np.inf:
            raise ValueError(f"class_weight[{label}] is {weight}: expected a finite number of 0 and above.")
    return np.array([float(class_weight.get(int(label), 1.0)) for label in _classes(y)])


def _classes(y: Array) -> Array:
    """(N,), the class of each sample."""
    if y.dtype.kind not in "fiub" and y.dtype.name != "bfloat16":
        raise TypeError(f"class_weight belongs to classes, but y is an array of {y.dtype}: expected numbers.")
    if y.ndim not in (1, 2):
        raise ValueError(f"class_weight takes one class per sample, y is {y.shape}: expected (N,), (N, 1) or (N, K).")
    if y.ndim == 2 and y.shape[1] > 1:
        if ((y < 0) | (y > 1)).any():
            raise ValueError("class_weight belongs to classes, but y holds numbers outside 0 to 1. Use sample_weight.")
        return y.argmax(axis=1)
    labels = y.reshape(len(y))
    if (labels != np.round(labels)).any():
        raise ValueError(
            f"class_weight belongs to classes, but y holds {float(labels[labels != np.round(labels)][0]):g}, "
            "which is none: fit would round it. Use sample_weight."
        )
    return np.round(labels).astype(np.int64)
