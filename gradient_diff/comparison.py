"""compare: names, then shapes, then finiteness, then values. Nothing is ever broadcast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gradient_diff.calling import Called, call_derivation
from gradient_diff.diagnosis.explain import explain
from gradient_diff.diagnosis.smallest import smallest_wrong
from gradient_diff.judging.case import Case
from gradient_diff.judging.judgement import judge
from gradient_diff.judging.parting import parting
from gradient_diff.judging.rows import rows_of
from gradient_diff.layouts.both import Read, read_sides
from gradient_diff.layouts.listed import by_place
from gradient_diff.layouts.undoing import AS_GIVEN, check_layout
from gradient_diff.noise.network import Noise
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.findings import Findings
from gradient_diff.result.status import Status
from gradient_diff.sides import Derivation, Pair, Side, is_model
from gradient_diff.source.answers import Answers
from gradient_diff.source.attached import reading_by_healing, with_code
from gradient_diff.source.raising import explaining
from gradient_diff.source.subject import subject_of
from gradient_diff.witnesses.complex_step import Asked
from manual_mlp import Evaluation
from manual_mlp.extend import Arrays


def compare(
    hand: Evaluation | Arrays | Derivation,
    reference: Evaluation | Arrays,
    *,
    noise: Noise | Arrays | None = None,
    names: Mapping[str, str] | None = None,
    rtol: float | None = None,
    witness: Asked | None = None,
    sizes: tuple[int, int] | None = None,
    layout: str | None = None,
    trace: bool | None = None,
) -> GradientDiff:
    """Compare gradients (or whole evaluations) node by node, and judge each difference against rounding.

    Args:
        hand: the derivation under test: an Evaluation, or a dict, parameter or node name → array, which may hold `loss`
            and outputs such as `dense_1/z`, too; where an Evaluation is the other side, also a list of arrays or one
            vector; or a function (parameters, x, y) → gradients by parameter name or
            (loss, gradients), which is called on the reference's problem. If it is wrong
            and no known mistake explains it, it is called on smaller ones, too, to find the smallest that shows it.
            It gets copies; arguments that it changes in place are named in the diff's `remark`.
        reference: what it is held against, likewise.
        noise: how much rounding to expect, where no Evaluation says it: the reference's gradients computed again in
            float64 or by a repeated run, name → array; or a `Noise` made beforehand.
        names: hand's name → reference's name, where they differ.
        witness: for gradients without a known network: (name, direction) → (derivative of E along it, its error).
        rtol: instead, a tolerance of your own, relative to the largest entry of each reference array.
        sizes: (N, K), batch and outputs, where no Evaluation tells them: a factor is named by them.
        layout: None: where one side is an Evaluation, the layout in which the other comes is found by shape and value,
            undone and named in the diff's `remark`: (n_out, n_in), biases (1, n) or (n, 1), Θ with the bias inside, one
            vector, a list in another order, samples in columns, names such as `W1` or `fc1.weight`. Only where one
            layout holds for all: a single kernel that is transposed is a mistake. "as given" undoes nothing.
        trace: of a function: None: where it is wrong it is run again on a small problem with arrays that record, and
            the diff's `code` says which expression of it is to blame, with a fix that was run; True: also where it is
            right, for the listing of what each line is; False: never.

    Returns:
        A `GradientDiff`, rows in the order of the computation.

    Raises:
        TypeError: a side is neither an Evaluation nor a dict of arrays of numbers, or a function returned None.
        ValueError: there is nothing to compare, the two Evaluations are of different problems, the noise is named
            twice, a list fits in no order, or `layout` is another.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import MLP, Dense
        >>> mlp = MLP(1, [Dense(1)])
        >>> e = mlp.backpropagate(mlp.initialize(0), np.ones((2, 1)), np.zeros((2, 1)), "mse")
        >>> twice = {name: 2 * gradient for name, gradient in e.gradients.items()}
        >>> compare(twice, e.gradients, rtol=1e-9).verdict.name
        'DIFFERENT'
        >>> compare(twice, e).verdict.name
        'MISMATCH'
    """
    if noise is not None and rtol is not None:
        raise ValueError("Both noise= and rtol= were given. Name the rounding to expect once.")
    check_layout(layout)
    derivation = hand if callable(hand) and not is_model(hand) and not isinstance(hand, type) else None
    called = _called(derivation, reference) if derivation else Called(hand, ())
    read = _read(called, None if trace is False else derivation, reference, names, layout)
    pair = Pair.of(read.hand, read.reference)
    case = Case.of(pair, noise, rtol, witness, sizes)
    judged = judge(case)
    rows = rows_of(pair, judged)
    parted = parting(pair, rows)
    meanings = {j.status: j.meaning for j in judged.values() if j.meaning}
    if parted:
        rows, meanings = parted.rows, {Status.DIFFERENT: parted.meaning}
    found = (
        Findings()
        if meanings or all(row.status.ok for row in rows)
        else explain(case, rows, read.in_layout(derivation))
    )
    diff = GradientDiff(
        rows,
        pair.hand,
        pair.reference,
        *pair.origins,
        pair.problem,
        found.causes,
        found.unexplained,
        found.smallest,
        called.changed,
        meanings,
        notes=read.notes,
    )
    if derivation is None:
        return diff
    return with_code(diff, subject_of(derivation, Answers(names)), pair.problem, trace)


def _read(
    called: Called,
    derivation: Derivation | None,
    reference: Evaluation | Arrays,
    names: Mapping[str, str] | None,
    layout: str | None,
) -> Read:
    """Both sides; where no order of a function's answer is known, that in which mending a line makes it right."""
    try:
        return read_sides(called.gradients, reference, names, layout)
    except ValueError:
        if derivation is None or not isinstance(reference, Evaluation) or layout is not None:
            raise
        reading = reading_by_healing(subject_of(derivation, Answers(names)), reference.problem)
        if reading is None:
            raise
        shapes = {n: a.shape for n, a in reference.gradients.items()}
        arrays = reading.undo(Side.of("hand", by_place(called.gradients)).arrays, shapes)  # type: ignore[arg-type]  # a list, or it would have been read
        found = f"Layout of your arrays: {reading.words}; so they are right once the line below is mended."
        read = read_sides(arrays, reference, None, AS_GIVEN)
        return replace(read, undone=replace(read.undone, reading=reading), notes=(found, *read.notes))


def _called(hand: Derivation, reference: Evaluation | Arrays) -> Called:
    if not isinstance(reference, Evaluation):
        raise TypeError("hand is a function, and only an Evaluation as reference says what to call it on.")
    problem = reference.problem
    with explaining(hand, lambda: problem):
        return call_derivation(hand, problem.parameters, problem.x, problem.y)


def cut_down(diff: GradientDiff, derivation: Derivation) -> GradientDiff:
    """Where no known mistake explains a diff, add the smallest case on which the derivation is still wrong."""
    if not diff.unexplained or diff.problem is None:
        return diff
    smallest = smallest_wrong(derivation, diff.problem)
    return replace(diff, unexplained=f"{diff.unexplained} {smallest}", smallest=smallest)
