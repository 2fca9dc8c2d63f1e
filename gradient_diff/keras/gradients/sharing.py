"""share_weights: weights of somebody's own net put into a Keras model, in whatever layout they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from gradient_diff.keras.gradients.checking import trainable_names
from gradient_diff.layouts.forms import AS_GIVEN, BIASES, KERNELS, Form
from gradient_diff.layouts.listed import by_place
from gradient_diff.layouts.naming import pairings
from gradient_diff.layouts.target import Target
from gradient_diff.sides import checked_array
from gradient_diff.source.held.by_shape import Assignment, assignments, fitting
from gradient_diff.source.held.called import strange_words
from gradient_diff.source.held.gradients import read_parts
from gradient_diff.source.held.places import gathered, places_of
from gradient_diff.source.held.ways import Ways
from keras_mlp.extend import layer_weights
from manual_mlp import Array, ShapeError
from manual_mlp.extend import Arrays, show

MOST_SHOWN = 3


def share_weights(model: keras.Model, arrays: object) -> dict[str, Array]:
    """Put weights of your own into a Keras model, in whatever layout they are; then both start from the same.

    Kernels may be (n_out, n_in), biases rows or columns, and numbers may stand in lists: what names and shapes tell is
    undone. Square kernels are taken as they are; where shapes leave more open, as of one vector, that is an error.

    Args:
        model: any that is built; its trainable weights are overwritten.
        arrays: a dict by `<layer.name>/<kernel|bias>`, by `W1`, `fc1.weight` and the like, a flat list in the order of
            `trainable_weights` or in another, a list of (kernel, bias) pairs; or the object that holds them.

    Returns:
        Name → array (kernels (n_in, n_out), biases (n_out,)): copies of what the model holds now, in its dtype.

    Raises:
        ValueError: several sets of arrays, or several layouts of them, fit.
        TypeError: something that holds no arrays of numbers.
        ShapeError: arrays that no layout explains.

    Example:
        >>> import numpy as np
        >>> from keras_mlp import to_keras
        >>> from manual_mlp import MLP, Dense
        >>> mlp = MLP(2, [Dense(3)])
        >>> model = to_keras(mlp, mlp.initialize(0))
        >>> shared = share_weights(model, [np.arange(6.0).reshape(3, 2), np.zeros((3, 1))])
        >>> shared["dense_1/kernel"].tolist()
        [[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]
    """
    names = trainable_names(model)
    variables = layer_weights(model)
    weights = {n: np.asarray(variables[n].numpy()) for n in names}
    found = _given(arrays, Target(weights)) if _is_given(arrays) else _held(arrays, Target(weights))
    for name, array in found.items():
        variables[name].assign(array.astype(weights[name].dtype))
    return {n: np.asarray(variables[n].numpy()).copy() for n in names}


def _is_given(arrays: object) -> bool:
    return isinstance(arrays, Mapping | list | tuple) or hasattr(arrays, "dtype")


def _given(arrays: object, target: Target) -> dict[str, Array]:
    """By names or the order of the model, else by shapes; values tell nothing of weights that are new."""
    named = isinstance(arrays, Mapping)
    given = {n: checked_array("arrays", n, a) for n, a in dict(arrays if named else by_place(arrays) or {}).items()}  # type: ignore[call-overload]  # of a mapping or of places
    names = _stated(given, target) if named else dict(zip(given, target.gradients, strict=False))
    found = {names[n]: a for n, a in given.items() if n in names}
    if found.keys() == target.gradients.keys() and len(names) == len(given):
        kernels = {n: a for n, a in found.items() if target.is_matrix(n)}
        biases = {n: a for n, a in found.items() if n not in kernels}
        parts = [_in_one_form(part, target, forms) for part, forms in ((kernels, KERNELS), (biases, BIASES))]
        if all(part is not None for part in parts):
            return {n: a for part in parts for n, a in (part or {}).items()}
    return _by_shape({f"arrays[{n if not named and n.isdigit() else repr(n)}]": a for n, a in given.items()}, target)


def _stated(given: Arrays, target: Target) -> Mapping[str, str]:
    """Given name → the model's, where names say it."""
    found = pairings(given, target)
    own = {n: n for n in given if n in target.gradients}
    return {**own, **found.ways[0].names} if found.stated else own


def _in_one_form(arrays: Arrays, target: Target, forms: Sequence[Form]) -> dict[str, Array] | None:
    """All of a kind as the model holds them: as they are, or in the only form that fits."""
    shapes = {n: target.gradients[n].shape for n in arrays}
    fitting = [f for f in forms if all(f.fits(a, shapes[n]) for n, a in arrays.items())]
    read = [{n: f.undo(a, shapes[n]) for n, a in arrays.items()} for f in fitting]
    if not arrays or AS_GIVEN in fitting:
        return dict(arrays)
    alike = all(np.array_equal(one[n], read[0][n]) for one in read for n in one)
    return read[0] if read and alike else None


def _held(holder: object, target: Target) -> dict[str, Array]:
    """Those of an object."""
    ways, wanted, places = Ways(target), list(target.gradients), places_of(holder)
    found = fitting(places, ways, wanted)
    if not assignments({p.path: p.value for p in found}, ways, wanted):
        found = fitting((*places, *gathered(places)), ways, wanted)
    return _by_shape({p.path: p.value for p in found}, target, type(holder).__name__)


def _by_shape(arrays: Arrays, target: Target, kind: str = "") -> dict[str, Array]:
    """In the order of the layers, where shapes leave one answer, or one that is named so."""
    found = assignments(arrays, Ways(target), list(target.gradients))
    strange = [sum(map(strange_words, one.paths)) for one in found]
    likely = [one for one, count in zip(found, strange, strict=True) if count == min(strange)]
    if len(likely) == 1:
        return read_parts(likely[0].parts, arrays)
    if likely:
        raise ValueError(_open(likely))
    wanted = ", ".join(f"{n} {show(a.shape)}" for n, a in target.gradients.items())
    if kind:
        raise TypeError(
            f"arrays is {kind}, which holds no arrays that can be {wanted}: expected a dict by name, a list, or the "
            "object that holds them."
        )
    shown = ", ".join(f"{n} {show(a.shape)}" for n, a in arrays.items())
    raise ShapeError(f"{shown or 'arrays is empty'}: expected {wanted}, and no layout that is known explains it.")


def _open(found: Sequence[Assignment]) -> str:
    """Several answers: of the sets of arrays, or of how one set is to be read."""
    paths = list(dict.fromkeys(one.paths for one in found))
    if len(paths) > 1:
        return (
            f"{len(paths)} sets of arrays may be the weights by their shapes. Give them themselves: "
            f"share_weights(model, [{', '.join(paths[0])}])."
        )
    ways = [w for w in dict.fromkeys(way.words for one in found for _, way in one.parts.values()) if w]
    more = ", or more" * (len(ways) > MOST_SHOWN)
    return (
        f"{', '.join(paths[0])} may be {', or '.join(ways[:MOST_SHOWN])}{more}: shapes do not tell. Give kernels "
        "(n_in, n_out) and biases (n_out,), in the order of the layers."
    )
