"""The forms in which people bring gradients or weights: a dict, a flat list, (kernel, bias) pairs. Never guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from types import MappingProxyType

import numpy as np
import tensorflow as tf

from gradient_diff.sides import checked_array
from manual_mlp import Array
from manual_mlp.extend import LOSS, layer_of


def as_named(
    title: str,
    given: object,
    names: Sequence[str],
    every: Sequence[str] = (),
    renamed: Mapping[str, str] = MappingProxyType({}),
    nodes: Sequence[str] = (),
) -> dict[str, Array]:
    """name → array, in the model's order.

    `names` are the model's, in the order of `trainable_weights`; `every` those of all its weights, in the order of
    `get_weights()`, where some are frozen: these may be given, too, or be None, as may the bias of a layer without one.
    `renamed` is name in a dict → the model's. `nodes` are what else may stand in a dict; (loss, gradients) is the loss,
    too.
    """
    every = every or names
    if nodes and (loss := _loss_beside(given)):
        number, rest = loss
        return {**as_named(title, rest, names, every, renamed, nodes), LOSS: checked_array(title, LOSS, number)}
    if isinstance(given, Mapping):
        given = _renamed(title, given, renamed)
        unknown = [n for n in given if n not in every and n not in nodes]
        if unknown:
            raise ValueError(
                f"{title}: unknown names {', '.join(map(str, unknown))}. The model has {', '.join(every)}."
                f"{_how_to_rename(unknown, every)}"
            )
        return _arrays(title, {n: given[n] for n in (*every, *nodes) if n in given}, names)
    if not isinstance(given, Sequence) or isinstance(given, (str, bytes)):
        raise TypeError(
            f"{title} is {type(given).__name__}: expected a dict by name, a flat list in the order of "
            "model.trainable_weights, or a list of (kernel, bias) pairs."
        )
    if renamed:
        raise ValueError(f"names= renames what stands in a dict, but {title} is {type(given).__name__}, told by order.")
    if _is_with_loss(given):
        raise ValueError(
            f"{title} holds a number beside the arrays, the loss by the look of it. Give the arrays alone."
        )
    for expected in (names, every):
        flat = _flat(given, expected)
        if len(flat) == len(expected):
            return _arrays(title, dict(zip(expected, flat, strict=True)), names)
    raise ValueError(
        f"{title} holds {len(_flat(given, names))} arrays, but the model has {_counted(names, every)}: "
        f"{', '.join(names)}."
    )


def _loss_beside(given: object) -> tuple[object, object] | None:
    """The number and the rest of (loss, gradients) or (gradients, loss)."""
    if not isinstance(given, list | tuple) or not _is_with_loss(given):
        return None
    first, second = given
    return (second, first) if isinstance(first, Mapping | list | tuple) else (first, second)


def _renamed(title: str, given: Mapping[str, object], names: Mapping[str, str]) -> dict[str, object]:
    unknown = names.keys() - given.keys()
    if unknown:
        raise ValueError(f"names= renames {', '.join(sorted(unknown))}, which {title} has not: {', '.join(given)}.")
    renamed = {names.get(n, n): a for n, a in given.items()}
    if len(renamed) != len(given):
        raise ValueError(f"names= sends two of {title}'s arrays to one name: {dict(names)}.")
    return renamed


def _counted(names: Sequence[str], every: Sequence[str]) -> str:
    frozen = len(every) - len(names)
    return f"{len(names)} trainable weights, and {frozen} frozen ones" if frozen else f"{len(names)} weights"


def _flat(given: Sequence[object], names: Sequence[str]) -> list[object]:
    """One array after the other; a pair's None goes where its layer has no bias."""
    flat: list[object] = []
    for item in given:
        if not isinstance(item, (tuple, list)) or _is_array(item):
            flat.append(item)
        elif len(item) == 2 and item[1] is None and not _follows(names, len(flat)):
            flat.append(item[0])
        else:
            flat.extend(item)
    return flat


def _follows(names: Sequence[str], i: int) -> bool:
    """Whether the weight after the i-th is of the same layer."""
    layers = [layer_of(name) for name in names[i : i + 2]]
    return len(layers) == 2 and layers[0] == layers[1]


def _is_array(item: object) -> bool:
    """Lists of numbers, nested to one depth: an array that was made a list; (kernel, bias) has two depths."""
    return isinstance(item, list) and bool(item) and _depth(item) is not None


def _depth(item: object) -> int | None:
    """How deep lists of numbers are nested; None for any other object."""
    if isinstance(item, list):
        depths = {_depth(part) for part in item}
        depth = depths.pop() if len(depths) == 1 else None
        return None if depth is None else depth + 1
    return 0 if isinstance(item, Real) else None


def _how_to_rename(unknown: Sequence[object], names: Sequence[str]) -> str:
    """What to drop from names that are Keras paths, `sequential/dense/kernel`; empty for others."""
    ends = {n: max((k for k in names if str(n).endswith(f"/{k}")), key=len, default="") for n in unknown}
    prefixes = {str(n).removesuffix(k) for n, k in ends.items()}
    if len(prefixes) != 1 or not all(ends.values()):
        return ""
    return f" Drop {prefixes.pop()!r} from yours: they are <layer.name>/<weight.name>, not weight.path."


def _is_with_loss(given: Sequence[object]) -> bool:
    """(loss, gradients) or (gradients, loss), as a function that returns both has it."""
    containers = [isinstance(item, (Mapping, list, tuple)) for item in given]
    if any(item is None for item in given):
        return False
    return len(given) == 2 and any(containers) and not all(containers) and np.ndim(given[containers.index(False)]) == 0  # type: ignore[arg-type]  # any object


def _arrays(title: str, given: Mapping[str, object], names: Sequence[str]) -> dict[str, Array]:
    """None stands for no gradient, which a frozen weight may have."""
    if lost := [n for n in names if n in given and given[n] is None]:
        raise TypeError(
            f"{title} of {', '.join(lost)}: None. The tape saw no path from there to the loss: NumPy on the way, "
            "another model, or a weight that was not watched? Where nothing depends on a weight, pass zeros for it."
        )
    return {n: checked_array(title, n, dense(title, n, a)) for n, a in given.items() if a is not None or n in names}


def dense(title: str, name: str, array: object) -> object:
    """What the tape gives of an Embedding is rows and their indices: rows of one index are added."""
    if not isinstance(array, tf.IndexedSlices):
        return array
    if array.dense_shape is None:
        raise ValueError(
            f"{title}[{name!r}] is IndexedSlices of unknown shape. Give them a dense_shape=, the weight's."
        )
    return tf.convert_to_tensor(array)
