"""compare: names, then shapes, then finiteness, then values. Nothing is ever broadcast."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from gradient_diff.diff import GradientDiff, Row
from gradient_diff.judgement import judge
from gradient_diff.metrics import measure
from gradient_diff.shapes import live_ledger
from gradient_diff.status import Status
from manual_mlp import Evaluation, Problem, gradient_node

Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]


def compare(hand: Evaluation | Arrays, reference: Evaluation | Arrays, *, names: Mapping[str, str] | None = None) -> GradientDiff:
    """Compare gradients (or whole evaluations) node by node.

    Args:
        hand: the derivation under test: an Evaluation, or a dict, parameter or node name → array.
        reference: what it is held against, likewise.
        names: hand's name → reference's name, where they differ.

    Returns:
        A `GradientDiff`, rows in the order of the computation.

    Raises:
        TypeError: a side is neither an Evaluation nor a dict of arrays of numbers.
        ValueError: there is nothing to compare, or the two Evaluations are of different problems.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import MLP, Dense
        >>> mlp = MLP(1, [Dense(1)])
        >>> e = mlp.backpropagate(mlp.initialize(0), np.ones((2, 1)), np.zeros((2, 1)), "mse")
        >>> compare({"dense_1/kernel": 2 * e.gradients["dense_1/kernel"]}, e)["dense_1/kernel"].status.name
        'DIFFERENT'
    """
    problem = _common_problem(hand, reference)
    full = isinstance(hand, Evaluation) and isinstance(reference, Evaluation)
    h = _arrays("hand", hand, problem, names or {}, full)
    r = _arrays("reference", reference, problem, {}, full)
    formulas = {e.node: (e.layer, e.formula) for e in problem.equations} if problem else {}
    rows = tuple(_row(n, h.get(n), r.get(n), formulas.get(n), problem) for n in _in_order(h, r, formulas))
    lines = tuple(live_ledger(problem, h)) if problem else ()
    return GradientDiff(rows, h, r, _origin(hand), _origin(reference), problem, lines)


def _common_problem(hand: Evaluation | Arrays, reference: Evaluation | Arrays) -> Problem | None:
    problems = [side.problem for side in (hand, reference) if isinstance(side, Evaluation)]
    if len(problems) == 2:
        _check_same(*problems)
    return problems[0] if problems else None


def _check_same(a: Problem, b: Problem) -> None:
    differing = [key for key, value in a.to_dict().items() if value != b.to_dict()[key]]
    pairs = zip(a.environment.items(), b.environment.values(), strict=True) if not differing else ()
    differing += [name for (name, left), right in pairs if not np.array_equal(left, right)]
    if differing:
        raise ValueError(
            f"The two Evaluations are of different problems: {', '.join(differing)} differ. "
            "Evaluate both sides on the same network, parameters and data."
        )


def _origin(side: Evaluation | Arrays) -> str:
    return side.origin if isinstance(side, Evaluation) else "given arrays"


def _arrays(
    title: str, side: Evaluation | Arrays, problem: Problem | None, names: Mapping[str, str], full: bool
) -> dict[str, npt.NDArray[Any]]:
    """node → array; parameter names become the names of their gradients' nodes."""
    if isinstance(side, Evaluation):
        return dict(side.nodes) if full else {gradient_node(n): g for n, g in side.gradients.items()}
    if not isinstance(side, Mapping):
        raise TypeError(f"{title} is {type(side).__name__}: expected an Evaluation or a dict, name → array.")
    if not side:
        raise ValueError(f"{title} is an empty dict: there is nothing to compare.")
    parameters = problem.parameters if problem else {}
    renamed = {names.get(n, n): _numbers(title, n, a) for n, a in side.items()}
    if len(renamed) != len(side):
        raise ValueError(f"names= sends two of {title}'s arrays to one name: {dict(names)}.")
    return {gradient_node(n) if n in parameters else n: a for n, a in renamed.items()}


def _numbers(title: str, name: str, array: object) -> npt.NDArray[Any]:
    result = np.asarray(array)
    if result.dtype.kind not in "fiu" and result.dtype.name != "bfloat16":
        raise TypeError(f"{title}[{name!r}] is {result.dtype}: expected an array of numbers.")
    return result


def _in_order(h: Iterable[str], r: Iterable[str], formulas: Iterable[str]) -> list[str]:
    present = dict.fromkeys([*r, *h])
    known = [n for n in formulas if n in present]
    return [*known, *(n for n in present if n not in set(known))]


def _row(
    name: str,
    h: npt.NDArray[Any] | None,
    r: npt.NDArray[Any] | None,
    equation: tuple[str, str] | None,
    problem: Problem | None,
) -> Row:
    layer, formula = equation or (name.rpartition("/")[0], "")
    shapes = (None if h is None else h.shape, None if r is None else r.shape)

    def row(status: Status, reason: str, *rest: Any, dtype: str = "") -> Row:
        return Row(name, layer, formula, dtype, *shapes, status, reason, *rest)

    if h is None or r is None:
        return row(Status.MISSING, f"the {'hand' if h is None else 'reference'} side has no {name}")
    dtype = _coarser(h, r)
    if h.shape != r.shape:
        return row(Status.SHAPE, _shape_reason(h.shape, r.shape), dtype=dtype)
    if not h.size:
        return row(Status.VACUOUS, "the arrays are empty", dtype=dtype)
    bad = [t for t, a in (("hand", h), ("reference", r)) if not np.isfinite(np.asarray(a, np.float64)).all()]
    if bad:
        return row(Status.NONFINITE, f"NaN or Inf in {' and '.join(bad)}", dtype=dtype)
    metrics = measure(h, r)
    return row(*judge(metrics, dtype, problem is not None), metrics, dtype=dtype)


def _coarser(h: npt.NDArray[Any], r: npt.NDArray[Any]) -> str:
    return min(h.dtype, r.dtype, key=lambda d: d.itemsize).name


def _shape_reason(h: tuple[int, ...], r: tuple[int, ...]) -> str:
    transposed = " (the transpose)" if h == r[::-1] else ""
    return f"hand {h}, reference {r}{transposed}"
