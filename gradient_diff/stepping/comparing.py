"""compare_step: somebody's training step, of which nothing is known but that it is called with x and y."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from gradient_diff.comparison import compare, cut_down
from gradient_diff.layouts.undoing import AS_GIVEN
from gradient_diff.noise.given import wider
from gradient_diff.noise.network import rounding_noise
from gradient_diff.result.diff import GradientDiff
from gradient_diff.source.attached import with_code
from gradient_diff.source.held.following import subject_of_step
from gradient_diff.source.held.gradients import Inferred
from gradient_diff.source.held.held import Held, NotAgain, Reader
from gradient_diff.stepping.step import Step, checked_rate
from gradient_diff.stepping.telling import told
from gradient_diff.stepping.undecided import undecided
from manual_mlp import Array, Evaluation, evaluation_of, gradient_node
from manual_mlp.extend import Arrays

_NOBODY = (
    "no weight moved along its gradient: the step is another than plain descent, or all of its gradients are wrong"
)
_WHO = "Pass learning_rate= if it is plain descent; else return the gradients, or leave them in attributes such as dW."
_WHOSE = "those of the reference"


def compare_step(
    step: Callable[[Array, Array], object],
    evaluation: Evaluation,
    *,
    learning_rate: float | None = None,
    trace: bool | None = None,
) -> GradientDiff:
    """Run your own training step once, as it is, and hold the gradients in it against a reference.

    W_after = W_before − lr dE/dW. The step is called as `step(x, y)` on copies of the evaluation's batch. Nothing else
    is asked: its weights are found *by value* in the object of the method, its lists, dicts and objects, in closures,
    defaults and globals, in any layout. Its gradients are found among the arrays that it leaves behind or returns,
    where the weights follow them or where they are near the reference; else they are inferred, (before − after)/lr.
    What was found stands in the diff's `remark`. Afterwards everything is as it was, bit for bit, random numbers
    included.

    Where its weights are not the reference's, they are paired by shape and in the order of the layers, and the
    reference is evaluated again at *them*, which the remark says. What belongs together is also told by moving a place
    a little: a weight moves the steps of other layers, a velocity or a copy does not. What nobody said, the learning
    rate or that it is plain descent, convicts nobody: such rows are `INCONCLUSIVE`, and the advice is what settles it.

    Args:
        step: your training step, e.g. `net.back_propagate`: a method, a function, a closure, a `functools.partial` or
            an object that can be called, with x (N, n_0) and y (N, K). It may also only return gradients, or leave them
            in attributes. Samples may be columns, if it takes no rows.
        evaluation: what it is held against, with its parameters and its batch.
        learning_rate: lr of the step; None finds it: a number in the object or in the code.
        trace: as in `compare`: whether the diff's `code` says which expression of the step is to blame.

    Returns:
        A `GradientDiff`, as of `compare`.

    Raises:
        TypeError: the step cannot be called with (x, y), or `evaluation` is no Evaluation.
        ValueError: weights, gradients or the learning rate are not found, or several answers are left: the message
            holds the line that copies the weights, or names the argument that settles it. A tape is not evaluated
            again.
        Exception: what the step raises, with a note; what it holds is put back then, too.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import MLP, Dense
        >>> mlp = MLP(2, [Dense(1)])
        >>> w, x, y = mlp.initialize(0), np.eye(3, 2), np.ones((3, 1))
        >>> class Net:
        ...     def __init__(self):
        ...         self.W, self.b, self.lr = w["dense_1/kernel"].T.copy(), np.zeros((1, 1)), 0.1
        ...     def learn(self, x, y):
        ...         d = (x @ self.W.T + self.b - y) * 2  # 1/N forgotten
        ...         self.W -= self.lr * d.T @ x
        ...         self.b -= self.lr * d.sum(0, keepdims=True)
        >>> diff = compare_step(Net().learn, mlp.backpropagate(w, x, y, "mse"))
        >>> diff.verdict.name, diff.causes[0].id
        ('MISMATCH', 'missing_batch_mean')
        >>> "`net.W` is dense_1/kernel, kernels as (n_out, n_in)" in diff.remark
        True
    """
    if not isinstance(evaluation, Evaluation):
        raise TypeError(
            f"evaluation is {type(evaluation).__name__}: expected an Evaluation, which says on which weights and data "
            "the step is run. mlp.backpropagate(parameters, x, y, loss) returns one."
        )
    rate = None if learning_rate is None else checked_rate(learning_rate)
    problem = evaluation.problem
    again = partial(_at, evaluation)
    written = "evaluation.problem.parameters[{!r}]".format
    held = Reader(problem.parameters, problem.x, problem.y, lambda w: again(w).gradients, written, rate).read(step)
    reference = again(held.parameters)
    diff = _judged(held, reference, said=rate is not None)
    diff = with_code(diff, subject_of_step(held), replace(problem, parameters=dict(held.parameters)), trace)
    notes = (*told(held, reference.nodes, _WHOSE), *diff.notes)
    return replace(diff, hand_origin=held.stepper.name, notes=notes)


def _at(evaluation: Evaluation, parameters: Arrays) -> Evaluation:
    """The reference at other parameters, made as it was made."""
    own = evaluation.problem.parameters
    if all(parameters[n].tobytes() == own[n].tobytes() for n in own):
        return evaluation
    problem = replace(evaluation.problem, parameters=dict(parameters))
    again = evaluation_of(problem)
    if again.origin != evaluation.origin:
        raise NotAgain(f"a reference by {evaluation.origin} cannot be made again at them")
    return again


def _judged(held: Held, reference: Evaluation, said: bool) -> GradientDiff:
    """What was not said, the rate or that it is plain descent, convicts nobody."""
    diff, found = _compared_as_found(held, reference), held.found
    if found.doubt:
        return undecided(diff, found.doubt, "Pass learning_rate=, the lr of that step.", every=True)
    if diff.verdict.bad and not (said or found.follows or diff.causes):
        return undecided(diff, _NOBODY, _WHO)
    return diff


def _compared_as_found(held: Held, reference: Evaluation) -> GradientDiff:
    recipe = held.found.recipe
    if isinstance(recipe, Inferred):
        return Step(*held.around, recipe.rate).judged(partial(_compared, reference))
    return cut_down(compare(held.gradients, reference, layout=AS_GIVEN), held.derivation)


def _compared(reference: Evaluation, gradients: Arrays, hidden: Arrays) -> GradientDiff:
    """With what storing the weights hides of gradients that were inferred from them."""
    noise = wider(rounding_noise(reference.problem), {gradient_node(n): a for n, a in hidden.items()})
    return compare(gradients, reference, noise=noise, layout=AS_GIVEN)
