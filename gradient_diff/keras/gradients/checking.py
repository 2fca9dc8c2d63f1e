"""check_gradients: for people who bring a Keras model and gradients of their own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from gradient_diff.calling import call_derivation
from gradient_diff.comparison import compare, cut_down
from gradient_diff.keras.gradients.arguments import as_named, checked_rate
from gradient_diff.keras.gradients.clones import against_clone
from gradient_diff.keras.gradients.loss_arguments import ResolvedLoss, resolve_loss
from gradient_diff.keras.gradients.steps import Judge, Step, wider
from gradient_diff.noise.network import rounding_noise
from gradient_diff.result.diff import GradientDiff
from keras_mlp import Mode, from_keras, named_weights, parameters_of, to_keras
from keras_mlp.extend import check_mode, evaluate_tape, layer_weights, read_draws, seeds_of, set_seeds
from manual_mlp import Array, gradient_node
from manual_mlp.extend import Arrays


def check_gradients(
    model: keras.Model,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    gradients: object = None,
    *,
    loss: object = None,
    before: object = None,
    after: object = None,
    learning_rate: float | None = None,
    mode: Mode = "eager",
) -> GradientDiff:
    """Hold your own gradients against the tape's, and say what rounding explains.

    For a Sequential that `from_keras` understands, the network's own noise decides; for any other model the noise is
    measured by a float64 clone of it. Each row says which.

    A Sequential with Dropout runs as in training, on the masks that its layers draw next; a function gets them as its
    fourth argument, name → mask. Other models run as in inference.

    Args:
        model: built; it is not changed.
        x: (N, n_0).
        y: (N, K), or class indices (N,).
        gradients: yours, of the trainable weights; those of frozen ones are checked, too, where you bring them. A dict
            by `<layer.name>/<kernel|bias>`, a flat list in the order of `trainable_weights` (or of `weights`), a list
            of (kernel, bias) pairs, or a function (parameters, x, y) or (parameters, x, y, draws) that returns
            one of these, called with copies; it is also called on fewer samples and units, if it is wrong and no known
            mistake explains it. None: the house's own derivation, to check the model.
        loss: a house name, a Keras name or alias, a Keras loss object, a function of (y_true, y_pred), or None for
            the compiled loss.
        before: weights before one step of your own training code, e.g. `get_weights()`; None for the model's.
        after: weights after it. With `learning_rate` the gradient is inferred, (before − after)/lr: this checks code
            that only ever updates, as it is.
        learning_rate: lr of that step.
        mode: of the tape: "eager", "graph" or "xla".

    Returns:
        A `GradientDiff`; the model's tape is the reference. Arguments that a function changed in place are named in
        its `remark`.

    Raises:
        ValueError: gradients given in two ways, or none that can be used; bad names, data or learning rate; weights
            after a step whose masks nobody knows, or that changed frozen ones; nothing trainable to check.
        TypeError: a form that is not understood, or a function that returned None.
        ShapeError: shapes that do not fit.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import MLP, Dense
        >>> from keras_mlp import to_keras
        >>> mlp = MLP(2, [Dense(1)])
        >>> model, x, y = to_keras(mlp, mlp.initialize(0)), np.ones((3, 2)), np.zeros((3, 1))
        >>> residual = model.predict(x, verbose=0) - y
        >>> mine = [(x.T @ residual, residual.sum(0))]  # 2/N forgotten
        >>> check_gradients(model, x, y, mine, loss="mse").verdict.name
        'MISMATCH'
    """
    _check_request(gradients, before, after, learning_rate, mode)
    _check_model(model)
    if before is not None:
        model = _with_weights(model, _named("before", before, model))
    resolved, x, y = resolve_loss(loss, model), np.array(x), np.array(y)  # copies: a function may know the originals
    draws = _draws(model, x, mode)
    judge = partial(_judged, model, x, y, draws, resolved, mode)
    if after is not None:
        return _step(model, after, learning_rate, draws).judged(judge)
    if callable(gradients):
        return _called(gradients, model, x, y, draws, judge)
    return judge(None if gradients is None else _named("gradients", gradients, model), {})


def _named(title: str, given: object, model: keras.Model) -> dict[str, Array]:
    return as_named(title, given, list(named_weights(model)), list(layer_weights(model)))


def _check_request(gradients: object, before: object, after: object, learning_rate: object, mode: Mode) -> None:
    check_mode(mode)
    if gradients is not None and after is not None:
        raise ValueError("Both gradients= and after= were given. Pass the gradients, or the weights around one update.")
    if after is not None and learning_rate is None:
        raise ValueError("after= without learning_rate=: the gradient is (before − after)/learning_rate.")
    if after is None and learning_rate is not None:
        raise ValueError(
            "learning_rate= without after=: it is the lr of the step that led to after=, and no gradient is divided by "
            "it. Pass the weights after the step, too, or leave it out."
        )
    if before is not None and after is None and gradients is None:
        raise ValueError(
            "before= without after=: nothing of yours would be checked. Pass the weights after the step and its "
            "learning_rate=, or gradients= at these weights."
        )


def _check_model(model: keras.Model) -> None:
    if not isinstance(model, keras.Model):
        raise TypeError(f"model is {type(model).__name__}: expected a keras.Model, Sequential or functional.")
    if not model.built:
        raise ValueError("The model has no weights yet: give it a keras.Input, or call it once on data.")
    if not getattr(model, "inputs", None):
        raise TypeError(
            f"{model.name} is a subclass of keras.Model, of which no float64 clone can be made. "
            "Build the same network as a Sequential or functional model."
        )
    if len(named_weights(model)) != len(model.trainable_weights):
        raise TypeError(f"{model.name} holds a model within the model, whose weights share names. Check the inner one.")


def _with_weights(model: keras.Model, weights: Mapping[str, Array]) -> keras.Model:
    """A clone that holds other weights; the compiled loss goes along."""
    clone = keras.models.clone_model(model)
    for (name, mine), its in zip(layer_weights(model).items(), layer_weights(clone).values(), strict=True):
        its.assign(weights.get(name, mine))
        its.trainable = mine.trainable  # a config knows only of whole layers
    set_seeds(clone, seeds_of(model))
    if getattr(model, "compiled", False):
        clone.compile(loss=model.loss)
    return clone


def _draws(model: keras.Model, x: Array, mode: Mode) -> dict[str, Array]:
    """The masks that the model will draw next, where its layers are a chain that is understood."""
    return read_draws(model, from_keras(model)[0], len(x) if x.ndim else 1, mode) if _understood(model) else {}


def _step(model: keras.Model, after: object, learning_rate: object, draws: Mapping[str, Array]) -> Step:
    if draws:
        raise ValueError(
            "after= of a model with Dropout: nobody knows the masks of that step any more. Pass gradients= as a "
            "function (parameters, x, y, draws), which is given the masks."
        )
    rate = checked_rate(learning_rate)
    before, found = parameters_of(model), _named("after", after, model)
    trainable = named_weights(model)
    moved = [n for n, a in found.items() if n not in trainable and not np.array_equal(a, before[n])]
    if moved and _understood(model):
        raise ValueError(
            f"after=: the step changed {', '.join(moved)}, which the model has frozen. "
            "Leave frozen weights out of the update, or set layer.trainable = True."
        )
    start, end = ({n: side[n] for n in trainable if n in side} for side in (before, found))
    return Step(start, end, rate)


def _called(
    function: Callable[..., object], model: keras.Model, x: Array, y: Array, draws: dict[str, Array], judge: Judge
) -> GradientDiff:
    """Of a function's gradients; without masks it is called on smaller cases, too, if nothing explains them."""
    given = draws if _takes_draws(function) else None
    called = call_derivation(function, parameters_of(model), x, y, given)
    named = _named("gradients", called.gradients, model)
    diff = replace(judge(named, {}), changed=called.changed)
    more: tuple[Any, ...] = () if given is None else ({},)
    if draws or named.keys() != layer_weights(model).keys():  # a smaller case is held against every gradient
        return diff
    return cut_down(diff, lambda w, x, y: as_named("gradients", function(w, x, y, *more), list(w)))


def _takes_draws(function: Callable[..., object]) -> bool:
    """Whether its fourth argument is for draws: it is called so, or it must be given."""
    try:
        positional = list(inspect.signature(function).parameters.values())[3:4]
    except (TypeError, ValueError):  # one that tells nobody what it takes
        return False
    ordinary = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return any(p.kind in ordinary and (p.name == "draws" or p.default is p.empty) for p in positional)


def _judged(
    model: keras.Model,
    x: Array,
    y: Array,
    draws: dict[str, Array],
    loss: ResolvedLoss,
    mode: Mode,
    mine: Arrays | None,
    hidden: Arrays,
) -> GradientDiff:
    """By the network's own noise where it is known, else by a float64 clone of the model."""
    if mine is not None and not mine and not named_weights(model):
        raise ValueError(
            f"Every weight of {model.name} is frozen, so no gradient is asked for. Set layer.trainable = True of what "
            "is to be checked, or bring the gradients of frozen weights in a dict by name."
        )
    against = _against_network if loss.house is not None and _understood(model) else against_clone
    return against(model, x, y, draws, loss, mine, hidden, mode)


def _understood(model: keras.Model) -> bool:
    try:
        from_keras(model)
    except (TypeError, ValueError):
        return False
    return True


def _against_network(
    model: keras.Model,
    x: Array,
    y: Array,
    draws: dict[str, Array],
    loss: ResolvedLoss,
    mine: Arrays | None,
    extra: Arrays,
    mode: Mode,
) -> GradientDiff:
    assert loss.house is not None
    finer = mine is not None and all(a.dtype == np.float64 for a in mine.values()) and not extra
    mlp, parameters = from_keras(model)
    trainable = named_weights(model)
    replay = finer and any(a.dtype != np.float64 for a in parameters.values())
    if replay:  # float64 arrays deserve a float64 reference
        parameters = {n: a.astype(np.float64) for n, a in parameters.items()}
        model = to_keras(mlp, parameters, "float64")
    problem = mlp.problem(parameters, x, y, loss.house, fused=False, draws=draws)
    tape = evaluate_tape(model, problem, loss.tensor, mode, loss.words, replay)
    if mine is None:
        return compare(mlp.backpropagate(parameters, x, y, loss.house, draws), tape)
    unasked = {gradient_node(n) for n in parameters if n not in trainable and n not in mine}
    tape = replace(tape, nodes={n: a for n, a in tape.nodes.items() if n not in unasked})
    if not extra:
        return compare(mine, tape)
    hidden = {gradient_node(n): bound for n, bound in extra.items()}
    return compare(mine, tape, noise=wider(rounding_noise(tape.problem), hidden))
