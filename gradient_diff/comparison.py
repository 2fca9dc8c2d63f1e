"""compare: names, then shapes, then finiteness, then values. Nothing is ever broadcast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gradient_diff.arrays import checked_array
from gradient_diff.diagnosis.calling import call_derivation
from gradient_diff.diagnosis.diagnosis import Cause, find_causes
from gradient_diff.diagnosis.factors import NOTHING, Known
from gradient_diff.diagnosis.smallest import Derivation, cut_down
from gradient_diff.diagnosis.traces import Traces
from gradient_diff.diagnosis.whereabouts import where_it_sits
from gradient_diff.judging.case import Case
from gradient_diff.judging.judgement import expected_noise, judge
from gradient_diff.ledger.building import live_ledger
from gradient_diff.ledger.ledger import Ledger
from gradient_diff.noise.given import MEASURED, check_independent, measured_noise, relative_noise, widened
from gradient_diff.noise.network import Noise
from gradient_diff.result.diff import GradientDiff, Row
from gradient_diff.result.rows import (
    float_name,
    in_order,
    mark_downstream,
    row_of,
    unsound,
    with_namesakes,
    with_shapes_explained,
)
from gradient_diff.result.status import Status
from gradient_diff.witnesses.complex_step import Asked
from manual_mlp import Array, Evaluation, Problem, gradient_node
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
) -> GradientDiff:
    """Compare gradients (or whole evaluations) node by node, and judge each difference against rounding.

    Args:
        hand: the derivation under test: an Evaluation, or a dict, parameter or node name → array; or a function
            (parameters, x, y) → gradients by parameter name, which is called on the reference's problem. If it is wrong
            and no known mistake explains it, it is called on smaller ones, too, to find the smallest that shows it.
            It gets copies; arguments that it changes in place are named in the diff's `remark`.
        reference: what it is held against, likewise.
        noise: how much rounding to expect, where no Evaluation says it: the reference's gradients computed again in
            float64 or by a repeated run, name → array; or a `Noise` made beforehand.
        names: hand's name → reference's name, where they differ.
        witness: for gradients without a known network: (name, direction) → (derivative of E along it, its error).
        rtol: instead, a tolerance of your own, relative to the largest entry of each reference array.
        sizes: (N, K), batch and outputs, where no Evaluation tells them: a factor is named by them.

    Returns:
        A `GradientDiff`, rows in the order of the computation.

    Raises:
        TypeError: a side is neither an Evaluation nor a dict of arrays of numbers, or a function returned None.
        ValueError: there is nothing to compare, the two Evaluations are of different problems, or the noise is named
            twice.

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
    if callable(hand):
        return _compare_derivation(hand, reference, {"noise": noise, "names": names, "rtol": rtol, "witness": witness})
    problem = _common_problem(hand, reference)
    full = isinstance(hand, Evaluation) and isinstance(reference, Evaluation)
    h = _arrays("hand", hand, problem, names or {}, full)
    r = _arrays("reference", reference, problem, {}, full)
    if isinstance(reference, Evaluation) and not full:
        r |= {n: reference.nodes[n] for n in h if n in reference.nodes}  # also u, z, δ, where the caller brings them
    if isinstance(hand, Evaluation) and not full:
        h |= {n: hand.nodes[n] for n in r if n in hand.nodes}
    if problem and full:
        h, r = _without_fused(hand, h, reference), _without_fused(reference, r, hand)
    formulas = {e.node: (e.layer, e.formula) for e in problem.equations} if problem else {}
    order = in_order(h, r, formulas)
    sound = [n for n in order if n in h and n in r and not unsound(h[n], r[n])]
    case = _case(hand, reference, {n: h[n] for n in sound}, {n: r[n] for n in sound}, problem, noise, rtol)
    judged = judge(replace(case, ask=witness))
    rows = tuple(row_of(n, h.get(n), r.get(n), formulas.get(n), judged.get(n)) for n in order)
    lines = live_ledger(problem, h) if problem else Ledger()
    rows = with_namesakes(with_shapes_explained(rows, h, r, lines, _nodes(hand, reference, problem)))
    rows = mark_downstream(rows, problem)
    known = Known(*sizes) if sizes else NOTHING
    causes, unexplained = _causes(rows, h, r, replace(case, problem=problem), noise, known)
    return GradientDiff(rows, h, r, _origin(hand), _origin(reference), problem, lines, causes, unexplained)


def _compare_derivation(hand: Derivation, reference: Evaluation | Arrays, options: Mapping[str, Any]) -> GradientDiff:
    if not isinstance(reference, Evaluation):
        raise TypeError("hand is a function, and only an Evaluation as reference says what to call it on.")
    problem = reference.problem
    called = call_derivation(hand, problem.parameters, problem.x, problem.y)
    diff = compare(called.gradients, reference, **options)
    return cut_down(replace(diff, changed=called.changed), hand)


def _causes(
    rows: tuple[Row, ...], h: Arrays, r: Arrays, case: Case, noise: Noise | Arrays | None, known: Known
) -> tuple[tuple[Cause, ...], str]:
    """The mistakes that explain the rows that are off; if none does, what can be seen of them, and where they sit."""
    explicable = (Status.MISMATCH, Status.DIFFERENT, Status.SHAPE, Status.INCONCLUSIVE)
    wrong = [row for row in rows if row.status in explicable]
    if not wrong and not any(row.status is Status.REFERENCE_OFF for row in rows):  # that may be a decay of its own
        return (), ""
    with np.errstate(all="ignore"):  # a mistake that is tried may divide by zero; then it is not the one
        seen = Traces.of(case)
        if seen.no_gradients:
            return (), seen.no_gradients
        causes = find_causes(h, r, case.problem, noise if isinstance(noise, Noise) else None, known)
        # Where nothing says how much rounding to expect, nothing says that there is more than rounding.
        if causes or not wrong or wrong[0].metrics is None or wrong[0].status is Status.INCONCLUSIVE:
            return causes, ""
        place = where_it_sits(wrong[0].name, h, r)
        whole = all(row.status is not Status.SHAPE for row in rows)
        return (), f"No known mistake explains this. {(seen.words if whole else '') or place}"


def _case(
    hand: Evaluation | Arrays,
    reference: Evaluation | Arrays,
    h: dict[str, Array],
    r: dict[str, Array],
    problem: Problem | None,
    noise: Noise | Arrays | None,
    rtol: float | None,
) -> Case:
    if rtol is not None:
        noise = relative_noise(r, rtol, h)
    elif noise is not None and not isinstance(noise, Noise):
        noise = measured_noise(r, _arrays("noise", noise, problem, {}, False))
    elif noise is None and problem is not None:
        dtypes = {float_name(array) for side in (h, r) for array in side.values()}
        noise = expected_noise(_noisier(hand, reference, problem), dtypes)
    if noise is not None and noise.source == MEASURED:
        check_independent(noise, h, r)
        noise = widened(noise, h, r)
    hand_run, reference_run = (side if isinstance(side, Evaluation) else None for side in (hand, reference))
    return Case(h, r, problem and _noisier(hand, reference, problem), noise, hand_run, reference_run)


def _noisier(hand: Evaluation | Arrays, reference: Evaluation | Arrays, problem: Problem) -> Problem:
    """Where one side fuses the last activation into the loss, the other's longer way rounds more."""
    problems = [side.problem for side in (hand, reference) if isinstance(side, Evaluation)]
    return next((p for p in problems if not p.fused), problem)


def _without_fused(side: Evaluation | Arrays, arrays: dict[str, Array], other: Evaluation | Arrays) -> dict[str, Array]:
    """Leave out the dE/dz that exists only because this side does not fuse what the other fuses."""
    assert isinstance(side, Evaluation) and isinstance(other, Evaluation)
    if side.problem.fused or not other.problem.fused:
        return arrays
    extra = {e.node for e in side.problem.equations} - {e.node for e in other.problem.equations}
    return {name: array for name, array in arrays.items() if name not in extra}


def _common_problem(hand: Evaluation | Arrays, reference: Evaluation | Arrays) -> Problem | None:
    problems = [side.problem for side in (hand, reference) if isinstance(side, Evaluation)]
    if len(problems) == 2:
        _check_same(*problems)
    return problems[0] if problems else None


def _check_same(a: Problem, b: Problem) -> None:
    mine, other = ({k: v for k, v in p.to_dict().items() if k != "fused"} for p in (a, b))
    differing = [key for key, value in mine.items() if value != other[key]]
    if not differing:
        right = b.environment
        differing = [name for name, left in a.environment.items() if not np.array_equal(left, right[name])]
    if differing:
        raise ValueError(
            f"The two Evaluations are of different problems: {', '.join(differing)} differ. "
            "Evaluate both sides on the same network, parameters and data."
        )


def _origin(side: Evaluation | Arrays) -> str:
    return side.origin if isinstance(side, Evaluation) else "given arrays"


def _arrays(
    title: str, side: Evaluation | Arrays, problem: Problem | None, names: Mapping[str, str], full: bool
) -> dict[str, Array]:
    """node → array; parameter names become the names of their gradients' nodes."""
    if isinstance(side, Evaluation):
        return dict(side.nodes) if full else {gradient_node(n): g for n, g in side.gradients.items()}
    if not isinstance(side, Mapping):
        raise TypeError(
            f"{title} is {type(side).__name__}: expected an Evaluation or a dict, name → array. Of a list say which is "
            "which: dict(zip(names, arrays))."
        )
    if not side:
        raise ValueError(f"{title} is an empty dict: there is nothing to compare.")
    unknown = names.keys() - side.keys()
    if unknown:
        raise ValueError(f"names= renames {', '.join(sorted(unknown))}, which {title} has not: {', '.join(side)}.")
    parameters = problem.parameters if problem else {}
    renamed = {names.get(n, n): checked_array(title, n, a) for n, a in side.items()}
    if len(renamed) != len(side):
        raise ValueError(f"names= sends two of {title}'s arrays to one name: {dict(names)}.")
    return {gradient_node(n) if n in parameters else n: a for n, a in renamed.items()}


def _nodes(hand: Evaluation | Arrays, reference: Evaluation | Arrays, problem: Problem | None) -> Arrays:
    """Data, parameters and nodes, the hand's own where it brings them."""
    if problem is None:
        return {}
    sides = [side.nodes for side in (reference, hand) if isinstance(side, Evaluation)]
    return {name: array for arrays in (problem.environment, *sides) for name, array in arrays.items()}
