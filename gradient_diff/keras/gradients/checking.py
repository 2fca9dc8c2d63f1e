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
from gradient_diff.comparison import cut_down
from gradient_diff.keras.gradients.another.another import named_by_another
from gradient_diff.keras.gradients.as_computed import on_computed_numbers
from gradient_diff.keras.gradients.as_stored import at_unstored_weights, on_stored_data
from gradient_diff.keras.gradients.data import Data
from gradient_diff.keras.gradients.described import described_reference, own_derivation
from gradient_diff.keras.gradients.in_layout import WHOSE, by_values
from gradient_diff.keras.gradients.kept import weights_by_a_pass
from gradient_diff.keras.gradients.loss.resolving import resolve_loss
from gradient_diff.keras.gradients.options import Options
from gradient_diff.keras.gradients.readings import (
    as_trained,
    draws,
    from_unknown_states,
    read_otherwise,
    step_from_earlier,
)
from gradient_diff.keras.gradients.reference import Reference
from gradient_diff.keras.gradients.request import Request, door
from gradient_diff.keras.gradients.steps.judging import judged_step
from gradient_diff.keras.gradients.steps.optimizers import MadeBy
from gradient_diff.keras.gradients.undescribed import measured_reference
from gradient_diff.keras.gradients.unheld import with_unheld_constants
from gradient_diff.layouts.target import Target
from gradient_diff.layouts.undoing import AS_GIVEN, Undone, check_layout, undo_layout
from gradient_diff.metrics.measuring import measure
from gradient_diff.noise.network import Noise
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.row import Row
from gradient_diff.result.status import Status
from gradient_diff.sides import is_model
from gradient_diff.source.answers import Answers
from gradient_diff.source.attached import with_code
from gradient_diff.source.raising import explaining
from gradient_diff.source.subject import subject_of
from gradient_diff.stepping.step import Step
from keras_mlp import Mode, named_weights
from keras_mlp.extend import (
    alone,
    check_mode,
    holding,
    kept_seeds,
    layer_weights,
    refuse_unreadable,
)
from manual_mlp import Array, Problem, gradient_node
from manual_mlp.extend import Arrays, layer_of, variable_of


def check_gradients(
    model: keras.Model,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    gradients: object = None,
    *,
    loss: object = None,
    training: bool | None = None,
    sample_weight: npt.ArrayLike | None = None,
    class_weight: Mapping[int, float] | None = None,
    before: object = None,
    after: object = None,
    learning_rate: float | None = None,
    optimizer: object = None,
    mode: Mode = "eager",
    noise: Noise | Arrays | None = None,
    names: Mapping[str, str] | None = None,
    rtol: float | None = None,
    sizes: tuple[int, int] | None = None,
    layout: str | None = None,
    trace: bool | None = None,
) -> GradientDiff:
    """Hold your own gradients against the tape's, of the E that `fit` would train, and say what rounding explains.

    For a Sequential that `from_keras` understands, the network's own noise decides. Any other model, a subclass with a
    train_step of its own included, is run on copies of its weights: in its own dtype and, where it can be, in float64.
    How far last digits move its gradients is the rounding to expect. Each row says which.

    What layers draw (Dropout, noise, augmentation) is replayed from their own seeds; moving statistics and states start
    where they stand. A function gets the masks of a Sequential as its fourth argument, name → mask. Gradients made on
    what the layers drew in the pass before count, too, and say so. Nobody is accused before training and inference were
    both tried.

    One model can be checked by one thread at a time; of several threads with a model each, one waits for the other.

    Args:
        model: any that is built; it is not changed, its seeds and moving statistics included.
        x: (N, n_0), or whatever `fit` takes: (N, T, F), whole numbers, a list or dict of arrays for several inputs.
        y: (N, K), class indices (N,), or a list or dict of arrays for several outputs; (N,) for outputs (N, 1), too.
        gradients: yours, of the trainable weights; those of frozen ones are checked, too, where you bring them. A dict
            by `<layer.name>/<kernel|bias>`, a flat list in the order of `trainable_weights` (or of `weights`), a list
            of (kernel, bias) pairs, or a function (parameters, x, y) or (parameters, x, y, draws) that returns
            one of these, or (loss, one of these), called with copies; it is also called on fewer samples and units, if
            it is wrong and no known mistake explains it. A dict may hold `loss`, and outputs such as `dense_1/z` of a
            Sequential, too: where these differ, no gradient is called wrong. None: the house's own derivation, to
            check the model.
        loss: a house name, a Keras name or alias, a Keras loss object, a function of (y_true, y_pred), or None for
            the compiled loss; a list or dict of them for several outputs.
        training: whether layers run as in training; None as `fit` runs the model.
        sample_weight: (N,), w_n in E = c Σ_n w_n e_n, as `fit` takes them: the c stays 1/N. For several outputs these
            are of each, or a list or dict of arrays like y.
        class_weight: class → weight, as `fit` takes it.
        before: weights before one step of your own training code, e.g. `get_weights()`; None for the model's.
        after: weights after it. Of plain descent the gradient is inferred, (before − after)/lr: this checks code that
            only ever updates, as it is.
        learning_rate: lr of that step; it leaves open which optimizer took it, unless that is named, too. Plain descent
            is tried first; a step that another optimizer of Keras explains is `INCONCLUSIVE` and names it.
        optimizer: who took that step: a Keras optimizer as it was before it (one that is not built is fresh), or a name
            as in `compile`. The step is replayed on copies from the tape's gradient, and the weights are compared:
            clipping, decay, accumulation, averages, constraints, momentum and loss scale included.
        mode: of the tape: "eager", "graph" or "xla".
        noise: how much rounding to expect, where you know it better than what is computed or measured here: the
            model's gradients computed again in float64 or by a repeated run, name → array; or a `Noise`.
        names: your name → the model's, where they differ, of each dict that you bring.
        rtol: instead, a tolerance of your own, relative to the largest entry of each of the model's gradients.
        sizes: (N, K), batch and outputs, where your loss divides by others than the model's output tells: a factor is
            named by them.
        layout: None: another layout of gradients or weights than the model's is found by shape and value, undone, and
            named in the diff's `remark`, as in `compare`; "as given" undoes nothing.
        trace: of a function, as in `compare`: whether the diff's `code` says which expression is to blame.

    Returns:
        A `GradientDiff`; the model's tape is the reference. Arguments that a function changed in place are named in
        its `remark`.

    Raises:
        ValueError: Keras itself cannot compute E; a loss that leaves TensorFlow or does not depend on the outputs;
            another thread checks the same model; gradients given in two ways, or none that can be used; bad names, data
            or learning rate; an optimizer with a rate beside it, or that cannot be made again; weights after a step
            whose draws nobody knows, or that changed frozen ones; nothing trainable to check; the noise named twice, or
            of a step, whose own is known.
        TypeError: a form that is not understood, a function that returned None, or a layer that is quantised or has
            LoRA.
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
    _check_request(gradients, before, after, learning_rate, optimizer, mode)
    if training is not None and not isinstance(training, bool | np.bool_):
        raise TypeError(f"training={training!r}: expected True, False, or None for as fit runs the model.")
    made_by = MadeBy.of(optimizer, learning_rate)
    check_layout(layout)
    options = Options(noise, names or {}, rtol, sizes, layout)
    _check_options(options, gradients, after)
    trainable = trainable_names(model)
    with alone(model):
        variables = layer_weights(model)
        start = Undone({}) if before is None else _before(model, before, trainable, options)
        with kept_seeds(model), holding([(variables[n], a) for n, a in start.arrays.items()]):
            data = Data.of(model, x, y).weighed(sample_weight, class_weight)
            resolved = resolve_loss(loss, model)
            request = Request.of(model, tuple(trainable), data, resolved, training, mode, options)
            return _noted(_checked(request, gradients, after, made_by, start, trace), start)


def _before(model: keras.Model, before: object, trainable: list[str], options: Options) -> Undone:
    """Weights, whose layout is read by the shapes of the model's, and by their values where these are near."""
    weights = {n: np.asarray(w.numpy()) for n, w in layer_weights(model).items()}
    return door("before", trainable, weights, options, lambda: weights).read(before)


def _noted(diff: GradientDiff, *undone: Undone) -> GradientDiff:
    """With what is said of the layouts in which arrays came."""
    return replace(diff, notes=(*dict.fromkeys(note for u in undone for note in u.notes), *diff.notes))


def _checked(
    request: Request, gradients: object, after: object, made_by: MadeBy, start: Undone, trace: bool | None
) -> GradientDiff:
    if after is not None:
        end = request.read_after(after, start.reading)
        given = {**request.parameters, **start.arrays}  # in float64, where a float32 model holds them rounded
        diff = _of_step(request, given, end.arrays, made_by)
        if diff.verdict.bad and (moved := weights_by_a_pass(request)):
            again = _of_step(request, {**given, **moved}, end.arrays, made_by)
            note = f"The pass itself changes {', '.join(moved)}, before the step."
            diff = diff if again.verdict.bad else replace(again, notes=(*again.notes, note))
        return _noted(diff, end)
    if is_model(gradients):
        raise TypeError(
            f"gradients is {type(gradients).__name__}, a model: it holds weights. Pass gradients of them; or none, and "
            "the model is checked by the house's own derivation."
        )
    if callable(gradients):
        return _called(request, gradients, trace)
    if gradients is None:
        return _compared(request, None)
    return _read_either_way(request, request.read(gradients))[0]


def _of_step(request: Request, before: Arrays, after: Arrays, made_by: MadeBy) -> GradientDiff:
    step = _step(request, before, after, made_by.rate or 1.0)  # where it is not known, it is read from the step

    def judge(asked: Request) -> GradientDiff:
        reference = _reference(asked, step.gradients, True)
        otherwise = partial(named_by_another, asked, step.gradients, hidden=step.hidden, after=step.after)
        return judged_step(asked, step, reference, made_by, otherwise)

    return _stepped(request, judge)


def _stepped(request: Request, judge: Callable[[Request], GradientDiff]) -> GradientDiff:
    """Of weights around a step: what it drew is known only if it was the last pass."""
    diff = None if draws(request) else judge(request)
    if (diff is None or diff.verdict.bad) and (found := step_from_earlier(request, judge)) is not None:
        return found
    if diff is not None:
        return as_trained(request, diff, judge, None)
    raise ValueError(
        "after= of a model with Dropout or another layer that draws: nobody knows any more what that step drew. Pass "
        "gradients= as a function (parameters, x, y, draws), which is given the masks; or training=False."
    )


def _read_either_way(
    request: Request, given: Undone, knows_weights: Callable[[], bool] = bool
) -> tuple[GradientDiff, Undone]:
    """Nobody is accused before the layout that values tell was tried, and the other of training and inference."""
    mine = given.arrays

    def judge(asked: Request) -> GradientDiff:
        def compared(other: Request) -> GradientDiff:
            return _compared(other, mine)

        return on_computed_numbers(asked, on_stored_data(asked, compared(asked), compared, mine), compared, mine)

    diff = judge(request)
    if not diff.verdict.bad or not mine:
        return _noted(diff, given), given
    if request.options.layout is None:
        target = _target(request, diff)
        turned = by_values(mine, target, request.nodes) if given.listed else undo_layout(WHOSE, mine, target, None)
        given = replace(turned, reading=given.reading.then(turned.reading), notes=(*given.notes, *turned.notes))
        if turned.reading.changes:
            as_given = replace(request, options=replace(request.options, layout=AS_GIVEN))
            return _read_either_way(as_given, given, knows_weights)
    other = as_trained(request, read_otherwise(request, mine, diff, judge), judge, mine)
    named = named_by_another(request, mine, other)
    settled = from_unknown_states(request, at_unstored_weights(request, named, mine, knows_weights), mine)
    settled = with_unheld_constants(request, settled, mine)
    return _noted(settled, given), given


def _target(request: Request, diff: GradientDiff) -> Target:
    """What a diff was held against, by weight and by node."""
    named = {variable_of(n): a for n, a in diff.reference.items()}
    nodes = {n: a for n, a in diff.reference.items() if variable_of(n) not in request.parameters}
    return Target({n: named[n] for n in request.parameters if n in named}, nodes)


def _check_request(
    gradients: object, before: object, after: object, learning_rate: object, optimizer: object, mode: Mode
) -> None:
    check_mode(mode)
    if gradients is not None and after is not None:
        raise ValueError("Both gradients= and after= were given. Pass the gradients, or the weights around one update.")
    if after is None and learning_rate is not None:
        raise ValueError(
            "learning_rate= without after=: it is the lr of the step that led to after=, and no gradient is divided by "
            "it. Pass the weights after the step, too, or leave it out."
        )
    if after is None and optimizer is not None:
        raise ValueError(
            "optimizer= without after=: it is who took the step that led to after=, and no gradient depends on it. "
            "Pass the weights after the step, too, or leave it out."
        )
    if before is not None and after is None and gradients is None:
        raise ValueError(
            "before= without after=: nothing of yours would be checked. Pass the weights after the step and its "
            "learning_rate=, or gradients= at these weights."
        )


def _check_options(options: Options, gradients: object, after: object) -> None:
    if options.noise is not None and options.rtol is not None:
        raise ValueError("Both noise= and rtol= were given. Name the rounding to expect once.")
    if options.noise is not None and after is not None:
        raise ValueError(
            "noise= with after=: what storing the weights hides belongs to the rounding of a step, and is added to "
            "what is computed or measured here. Leave noise= out, or give rtol=."
        )
    if options.names and gradients is None and after is None:
        raise ValueError("names= without gradients= or after=: there is nothing of yours to rename. Leave it out.")


def trainable_names(model: keras.Model) -> list[str]:
    """Of a model that can be checked; others are refused."""
    if not isinstance(model, keras.Model):
        raise TypeError(f"model is {type(model).__name__}: expected a keras.Model, Sequential or functional.")
    if not model.built:
        raise ValueError("The model has no weights yet: give it a keras.Input, or call it once on data.")
    refuse_unreadable(model)
    return list(named_weights(model))


def _step(request: Request, before: Arrays, found: Arrays, rate: float) -> Step:
    free = {*request.trainable, *(request.mlp.untrained if request.mlp else ())}  # a pass moves statistics on
    moved = [n for n, a in found.items() if n not in free and not np.array_equal(a, before[n])]
    if moved and request.mlp is not None:
        raise ValueError(
            f"after=: the step changed {', '.join(moved)}, which the model has frozen. "
            "Leave frozen weights out of the update, or set layer.trainable = True."
        )
    start, end = ({n: side[n] for n in request.trainable if n in side} for side in (before, found))
    return Step(start, end, rate)


def _called(request: Request, function: Callable[..., object], trace: bool | None) -> GradientDiff:
    """Of a function's gradients; without masks it is called on smaller cases, too, if nothing explains them."""
    given = request.masks if _takes_draws(function) else None
    with explaining(function if given is None else partial(_without_draws, function), lambda: _problem(request)):
        called = call_derivation(function, request.handed, request.data.x, request.data.y, given)

    def knows_weights() -> bool:
        """A function that reads the weights that it is given was called at the model's."""
        return not _is_idle(function, request, given, called.gradients)

    found, read = _read_either_way(request, request.read(called.gradients), knows_weights)
    named, diff = read.arrays, replace(found, changed=called.changed)
    more: tuple[Any, ...] = () if given is None else ({},)
    traced = subject_of(lambda w, x, y: function(w, x, y, *more), Answers(request.options.names), function)
    problem = None if request.masks or diff.problem is None else diff.problem
    diff = with_code(diff, traced, problem, trace)
    trained = request.parameters.keys() - (request.mlp.untrained if request.mlp else frozenset())
    if request.masks or not named.keys() >= trained:  # a smaller case is held against every gradient
        return diff

    def again(w: Arrays, x: Array, y: Array) -> Arrays:
        found = request.read_again(function(w, x, y, *more), w, read.reading)
        return {n: found[n] for n in w if n in trained}

    return cut_down(diff, again)


def _is_idle(function: Callable[..., object], request: Request, draws: Arrays | None, found: object) -> bool:
    """Whether other weights change nothing of what a function returns."""
    others = {n: a + a.std() + 1 for n, a in request.handed.items()}
    again = call_derivation(function, others, request.data.x, request.data.y, draws).gradients
    first, second = (request.read(g).arrays for g in (found, again))
    return all(np.array_equal(a, second[n]) for n, a in first.items())


def _without_draws(function: Callable[..., object], parameters: Arrays, x: Array, y: Array) -> object:
    return function(parameters, x, y, {})


def _problem(request: Request) -> Problem | None:
    """What the function was called on, where its network is known and nothing is drawn."""
    if request.network is None or request.masks:
        return None
    mlp, loss = request.network
    options: dict[str, Any] = {"sample_weight": request.data.sample_weight, "training": request.in_training}
    return mlp.problem(request.parameters, request.data.x, request.data.y, loss, fused=False, **options)


def _takes_draws(function: Callable[..., object]) -> bool:
    """Whether its fourth argument is for draws: it is called so, or it must be given."""
    try:
        positional = list(inspect.signature(function).parameters.values())[3:4]
    except (TypeError, ValueError):  # one that tells nobody what it takes
        return False
    ordinary = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return any(p.kind in ordinary and (p.name == "draws" or p.default is p.empty) for p in positional)


def _compared(request: Request, mine: Arrays | None) -> GradientDiff:
    """These gradients against the model's, or the house's own derivation where there are none."""
    idle = {
        n: a for n, a in (mine or {}).items() if n in request.parameters and n not in request.trainable and not a.any()
    }
    if mine is None or not mine.keys() - idle.keys():
        return _reference(request, mine).compared(own_derivation(request) if mine is None else mine)
    asked = {n: a for n, a in mine.items() if n not in idle}
    return _with_frozen(_reference(request, asked).compared(asked), idle)


def _with_frozen(diff: GradientDiff, idle: Arrays) -> GradientDiff:
    """Zeros for weights that are frozen are what fit makes of them."""
    rows = []
    for name, a in idle.items():
        node = gradient_node(name) if diff.problem else name
        shapes = a.dtype.name, a.shape, a.shape
        rows.append(
            Row(node, layer_of(name), "", *shapes, Status.MATCH, "frozen: fit does not train it", measure(a, a))
        )
    shown = {row.name: idle[name] for row, name in zip(rows, idle, strict=True)}
    hand, reference = ({**side, **shown} for side in (diff.hand, diff.reference))
    return replace(diff, rows=(*diff.rows, *rows), hand=hand, reference=reference)


def _reference(request: Request, mine: Arrays | None, of_step: bool = False) -> Reference:
    """By the network's own noise where it is known, else by runs of the model."""
    if mine is not None and not mine and not request.trainable:
        raise ValueError(
            f"Every weight of {request.model.name} is frozen, so no gradient is asked for. Set layer.trainable = True "
            "of what is to be checked, or bring the gradients of frozen weights in a dict by name."
        )
    if request.network is not None and not request.network[0].untrained & (mine or {}).keys():
        return described_reference(request, *request.network, mine, of_step)
    if mine is None:
        raise ValueError(
            "The house has no derivation of its own for this model and loss. Pass gradients=, or a Sequential of one "
            "dtype whose layers and loss have equations (the README has the table)."
        )
    return measured_reference(request, mine, of_step)
