"""What a user may call a loss: one for all outputs, one for each, or None for the compiled one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import keras

from gradient_diff.keras.gradients.loss.compiled import compiled_loss
from gradient_diff.keras.gradients.loss.resolved import KerasError, ResolvedLoss
from gradient_diff.keras.gradients.loss.single import single_loss
from keras_mlp.extend import LossTensor


def resolve_loss(loss: object, model: keras.Model) -> ResolvedLoss:
    """Find out what is meant; None means what the model was compiled with."""
    if loss is None:
        return compiled_loss(model)
    if isinstance(loss, Mapping | list | tuple):
        return _of_several(loss, model)
    return _of_outputs(single_loss(loss), model)


def _of_outputs(one: ResolvedLoss, model: keras.Model) -> ResolvedLoss:
    """One loss for every output, added up."""
    count = len(getattr(model, "outputs", None) or ())
    return _summed([one] * count, [one.words], model) if count > 1 else one


def _of_several(losses: Mapping[str, object] | list[object] | tuple[object, ...], model: keras.Model) -> ResolvedLoss:
    """A loss for each output, by name or in order."""
    names = _output_names(model)
    if isinstance(losses, Mapping) and names and set(losses) != set(names):
        raise ValueError(f"loss names {', '.join(losses)}, but the outputs are {', '.join(names)}. Give one for each.")
    several = _flat(losses, names)
    if names and len(several) != len(model.outputs):
        raise ValueError(
            f"loss holds {len(several)} losses, but the model has {len(model.outputs)} outputs: {', '.join(names)}."
        )
    resolved = [single_loss(one) for one in several]
    return resolved[0] if len(resolved) == 1 else _summed(resolved, [one.words for one in resolved], model)


def _flat(tree: Any, names: list[str]) -> list[Any]:
    """What stands for each output, in Keras's order."""
    if isinstance(tree, Mapping):
        tree = [tree[n] for n in (names if names and set(names) == set(tree) else sorted(tree))]
    return list(keras.tree.flatten(tree))


def _output_names(model: keras.Model) -> list[str]:
    """By these fit knows the outputs: keys of a dict of them, in the order of Keras, or the names of their layers."""
    if isinstance(model, keras.Sequential):
        return [model.layers[-1].name]
    outputs = getattr(model, "output", None) if getattr(model, "outputs", None) else None
    return sorted(outputs) if isinstance(outputs, Mapping) else list(getattr(model, "output_names", None) or ())


def _summed(losses: list[ResolvedLoss], words: list[str], model: keras.Model) -> ResolvedLoss:
    names = _output_names(model)

    def in_order(tree: Any) -> list[Any]:
        return _flat(tree, names) if keras.tree.is_nested(tree) else [tree] * len(losses)

    def total(parts: list[LossTensor], y_true: Any, y_pred: Any, weight: Any = None) -> Any:
        several = [in_order(tree) for tree in (y_true, y_pred, weight)]
        for title, given in zip(("y", "y_pred", "sample_weight"), several, strict=True):
            if len(given) != len(parts):
                raise KerasError(f"{title} holds {len(given)} arrays, for {len(parts)} outputs. Give one for each.")
        return sum(part(*one) for part, *one in zip(parts, *several, strict=True))

    tensor, fine = (partial(total, parts) for parts in ([z.tensor for z in losses], [z.in_float64 for z in losses]))
    dtypes = {z.dtype for z in losses}
    return ResolvedLoss(tensor, fine, None, " + ".join(words), dtypes.pop() if len(dtypes) == 1 else "mixed")
