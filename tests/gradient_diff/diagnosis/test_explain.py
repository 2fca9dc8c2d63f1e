"""From rows that are off to what is wrong: one door, whatever was handed over."""

from __future__ import annotations

import numpy as np

from gradient_diff import compare
from gradient_diff.diagnosis.explain import explain
from gradient_diff.judging.case import Case
from gradient_diff.judging.judgement import judge
from gradient_diff.judging.rows import rows_of
from gradient_diff.result.findings import Findings
from gradient_diff.sides import Pair, Side
from manual_mlp import MLP, Array, Dense, Evaluation, evaluation_of
from manual_mlp.extend import Arrays

RNG = np.random.default_rng(0)
NET = MLP(3, [Dense(5, "tanh"), Dense(2)])
RIGHT = NET.backpropagate(NET.initialize(0), RNG.normal(size=(7, 3)), RNG.normal(size=(7, 2)), "mse")


def _found(hand: Arrays, reference: Evaluation | Arrays = RIGHT, **options: object) -> Findings:
    case = Case.of(Pair.of(Side.of("hand", hand), Side.of("reference", reference)), **options)  # type: ignore[arg-type]
    return explain(case, rows_of(case.pair, judge(case)))


def test_nothing_is_found_where_nothing_is_off() -> None:
    assert _found(RIGHT.gradients) == Findings()


def test_the_mistake_is_named() -> None:
    found = _found({n: 7 * g for n, g in RIGHT.gradients.items()})
    assert (found.causes[0].id, found.unexplained, found.smallest) == ("missing_batch_mean", "", None)


def test_without_a_network_the_sizes_name_a_factor() -> None:
    seven = {n: 7 * g for n, g in RIGHT.gradients.items()}
    assert _found(seven, RIGHT.gradients, rtol=1e-9, sizes=(7, 2)).causes[0].id == "missing_batch_mean"


def test_weights_handed_over_are_told_before_any_mistake() -> None:
    found = _found(RIGHT.problem.parameters)
    assert found == Findings(unexplained=found.unexplained)
    assert found.unexplained.startswith("These are the network's own weights, and not gradients.")


def test_what_no_mistake_explains_is_placed_and_cut_down_where_it_can_be_called() -> None:
    def odd(parameters: Arrays, x: Array, y: Array) -> dict[str, Array]:
        mlp = MLP(x.shape[1], [Dense(parameters["dense_1/bias"].size, "tanh"), Dense(y.shape[1])])
        found = dict(evaluation_of(mlp.problem(parameters, x, y, "mse")).gradients)
        return found | {
            "dense_1/kernel": found["dense_1/kernel"]
            + np.arange(found["dense_1/kernel"].size).reshape(found["dense_1/kernel"].shape) ** 2
            + 1
        }

    found = _found(odd(RIGHT.problem.parameters, RIGHT.problem.x, RIGHT.problem.y))
    assert found.unexplained.startswith("No known mistake explains this. In dense_1/dE_dkernel the difference sits")
    diff = compare(odd, RIGHT)
    assert diff.smallest is not None
    assert diff.unexplained == f"{found.unexplained} {diff.smallest}"
