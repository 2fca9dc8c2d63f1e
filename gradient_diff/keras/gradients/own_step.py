"""check_step: somebody's own training step beside a Keras model, of which nothing else is known."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from gradient_diff.comparison import cut_down
from gradient_diff.keras.gradients.checking import check_gradients, trainable_names
from gradient_diff.keras.gradients.data import Data
from gradient_diff.keras.gradients.loss.resolving import resolve_loss
from gradient_diff.keras.gradients.options import Options
from gradient_diff.keras.gradients.request import Request
from gradient_diff.keras.gradients.runs import Runs
from gradient_diff.keras.gradients.steps.optimizers import MadeBy
from gradient_diff.result.diff import GradientDiff
from gradient_diff.source.attached import with_code
from gradient_diff.source.held.following import subject_of_step
from gradient_diff.source.held.gradients import Inferred
from gradient_diff.source.held.held import Held, Reader
from gradient_diff.stepping.telling import told
from gradient_diff.stepping.undecided import undecided
from keras_mlp.extend import alone, holding, kept_seeds, layer_weights
from manual_mlp import Array, Problem, evaluation_of
from manual_mlp.extend import Arrays


def check_step(
    step: Callable[[Array, Array], object],
    model: keras.Model,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    loss: object = None,
    learning_rate: float | None = None,
    optimizer: object = None,
    training: bool | None = None,
    trace: bool | None = None,
) -> GradientDiff:
    """Run your own training step once, as it is, and hold the gradients in it against the tape's.

    W_after = W_before − lr dE/dW. As `gradient_diff.compare_step`, with a Keras model: weights, gradients and learning
    rate are found in whatever the step can get at, by value and in any layout, and everything is put back as it was.
    Where your net was initialised by itself, the model is given *its* weights for the time of the check.

    Args:
        step: your training step, e.g. `net.back_propagate`, called as step(x, y) on copies.
        model: any that is built; it is not changed.
        x: (N, n_0).
        y: (N, K), or class indices (N,).
        loss: which E, as in `check_gradients`; None for the compiled loss.
        learning_rate: lr of the step; None finds it: a number in the object or in the code.
        optimizer: who took the step, where it is no plain descent: as in `check_gradients` with `after=`. Then the
            weights before and after are compared with those of a replayed step.
        training: whether layers run as in training, as in `check_gradients`.
        trace: as in `check_gradients`: whether the diff's `code` says which expression of the step is to blame. A step
            of another optimizer is not traced.

    Returns:
        A `GradientDiff`, as of `check_gradients`; what was found stands in its `remark`.

    Raises:
        TypeError: the step cannot be called with (x, y), or the model is none.
        ValueError: as `check_gradients`; or weights or gradients are not found, or several answers are left: the
            message holds the line that copies the model's weights.
        Exception: what the step raises, with a note; what it holds is put back then, too.

    Example:
        >>> import numpy as np
        >>> from keras_mlp import to_keras
        >>> from manual_mlp import MLP, Dense
        >>> mlp = MLP(2, [Dense(1)])
        >>> model, x, y = to_keras(mlp, mlp.initialize(0)), np.eye(3, 2), np.ones((3, 1))
        >>> class Net:
        ...     W, b, lr = np.array([[0.5], [-0.5]]), np.zeros(1), 0.1
        ...     def learn(self, x, y):
        ...         d = (x @ self.W + self.b - y) * 2 / y.size
        ...         self.W -= self.lr * x.T @ d
        ...         self.b -= self.lr * d.sum(0)
        >>> diff = check_step(Net().learn, model, x, y, loss="mse")
        >>> diff.verdict.name, diff.remark.partition(";")[0]
        ('MATCH', 'Your net was initialised by itself')
    """
    made_by = MadeBy.of(optimizer, learning_rate)
    asked = _Asked(model, np.asarray(x), np.asarray(y), loss, training)
    weights = {n: np.asarray(layer_weights(model)[n].numpy()).copy() for n in trainable_names(model)}
    written = dict(
        zip(layer_weights(model), (f"model.get_weights()[{i}]" for i in range(len(model.weights))), strict=False)
    )
    reader = Reader(
        weights,
        asked.x,
        asked.y,
        lambda parameters: asked.right(parameters)[0],
        written.__getitem__,
        made_by.rate if optimizer is None else None,
        needs_rate=False,
        by_moves=optimizer is not None,
    )
    held = reader.read(step)
    diff = asked.checked(held, optimizer, learning_rate)
    diff = with_code(diff, subject_of_step(held), None if optimizer is not None else asked.problem(held), trace)
    return replace(
        diff, hand_origin=held.stepper.name, notes=(*told(held, asked.nodes(held), "the model's"), *diff.notes)
    )


@dataclass(frozen=True, eq=False)
class _Asked:
    """The model and data of one check."""

    model: keras.Model
    x: Array
    y: Array
    loss: object
    training: bool | None

    def right(self, parameters: Arrays) -> tuple[Arrays, Request]:
        """The tape's gradients at other weights."""
        with self._at(parameters) as stack:
            stack.enter_context(alone(self.model))
            stack.enter_context(kept_seeds(self.model))
            request = self._request()
            return Runs(request.objective, list(request.trainable)).gradients().gradients, request

    def _request(self) -> Request:
        model, data = self.model, Data.of(self.model, self.x, self.y)
        names = tuple(trainable_names(model))
        return Request.of(model, names, data, resolve_loss(self.loss, model), self.training, "eager", Options())

    def _at(self, parameters: Arrays) -> ExitStack:
        """Within it the model holds other weights."""
        stack = ExitStack()
        variables = layer_weights(self.model)
        stack.enter_context(holding([(variables[n], a) for n, a in parameters.items()]))
        return stack

    def problem(self, held: Held) -> Problem | None:
        """What the step was run on, where the house derives it itself."""
        with self._at(held.parameters):
            request = self._request()
            if request.network is None or request.masks:
                return None
            mlp, loss = request.network
            data = request.parameters, request.data.x, request.data.y, loss
            return mlp.problem(*data, training=request.in_training)

    def nodes(self, held: Held) -> Arrays:
        """All that the house's own derivation passes through, where it has one."""
        problem = self.problem(held)
        return {} if problem is None else evaluation_of(problem).nodes

    def checked(self, held: Held, optimizer: object, learning_rate: float | None) -> GradientDiff:
        """By `check_gradients`, at the weights that the step holds."""
        options: dict[str, Any] = {"loss": self.loss, "training": self.training}
        recipe, doubt = held.found.recipe, held.found.doubt
        with self._at(held.parameters):
            if isinstance(recipe, Inferred):
                rate = held.found.rate if optimizer is None and not doubt else learning_rate
                after = {**held.parameters, **held.around[1]}
                if optimizer is not None:  # its steps are replayed in the model's own dtype
                    after = {n: a.astype(held.parameters[n].dtype) for n, a in after.items()}
                options |= {"after": after, "learning_rate": rate, "optimizer": optimizer}
                return check_gradients(self.model, self.x, self.y, **options)
            diff = check_gradients(self.model, self.x, self.y, held.gradients, **options)
        if doubt:
            return undecided(diff, doubt, "Pass learning_rate=, the lr of that step.", every=True)
        return cut_down(diff, held.derivation)
