"""check_gradients: for people who bring a Keras model and gradients of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import keras
import numpy as np
import numpy.typing as npt

from gradient_diff.keras.gradients.data import Data
from gradient_diff.keras.gradients.deciding import compared, noted, read_either_way
from gradient_diff.keras.gradients.kept import weights_by_a_pass
from gradient_diff.keras.gradients.loss.resolving import resolve_loss
from gradient_diff.keras.gradients.of_function import of_function
from gradient_diff.keras.gradients.options import Options
from gradient_diff.keras.gradients.request import Request, door
from gradient_diff.keras.gradients.steps.of_weights import of_step
from gradient_diff.keras.gradients.steps.optimizers import MadeBy
from gradient_diff.layouts.undoing import Undone, check_layout
from gradient_diff.noise.network import Noise
from gradient_diff.result.diff import GradientDiff
from gradient_diff.sides import is_model
from keras_mlp import Mode, named_weights
from keras_mlp.extend import (
    alone,
    check_mode,
    holding,
    kept_seeds,
    layer_weights,
    refuse_unreadable,
)
from manual_mlp.extend import Arrays


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
            return noted(_checked(request, gradients, after, made_by, start, trace), start)


def _checked(
    request: Request, gradients: object, after: object, made_by: MadeBy, start: Undone, trace: bool | None
) -> GradientDiff:
    if after is not None:
        end = request.read_after(after, start.reading)
        given = {**request.parameters, **start.arrays}  # in float64, where a float32 model holds them rounded
        diff = of_step(request, given, end.arrays, made_by)
        if diff.verdict.bad and (moved := weights_by_a_pass(request)):
            again = of_step(request, {**given, **moved}, end.arrays, made_by)
            note = f"The pass itself changes {', '.join(moved)}, before the step."
            diff = diff if again.verdict.bad else replace(again, notes=(*again.notes, note))
        return noted(diff, end)
    if is_model(gradients):
        raise TypeError(
            f"gradients is {type(gradients).__name__}, a model: it holds weights. Pass gradients of them; or none, and "
            "the model is checked by the house's own derivation."
        )
    if callable(gradients):
        return of_function(request, gradients, trace)
    if gradients is None:
        return compared(request, None)
    return read_either_way(request, request.read(gradients))[0]


def _before(model: keras.Model, before: object, trainable: list[str], options: Options) -> Undone:
    """Weights, whose layout is read by the shapes of the model's, and by their values where these are near."""
    weights = {n: np.asarray(w.numpy()) for n, w in layer_weights(model).items()}
    return door("before", trainable, weights, options, lambda: weights).read(before)


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
