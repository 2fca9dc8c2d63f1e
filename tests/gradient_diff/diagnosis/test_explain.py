"""From rows that are off to what is wrong: one door, whatever was handed over."""

from __future__ import annotations

import numpy as np
import pytest

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


@pytest.mark.slow
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
    assert diff.unexplained.endswith(f"{found.unexplained} {diff.smallest}")
    assert diff.code is not None
    assert [f.text.split()[0] for f in diff.code.findings] == ['found["dense_1/kernel"]']  # its line is to blame


# what is visible by itself


def _changed(**changes: object) -> dict[str, Array]:
    return {n: changes.get(n.replace("/", "_"), g) for n, g in RIGHT.gradients.items()}  # type: ignore[misc]


NOISE = {n: RNG.normal(size=g.shape) for n, g in RIGHT.gradients.items()}
KERNEL, BIAS = (RIGHT.gradients[f"dense_1/{kind}"] for kind in ("kernel", "bias"))


def _unexplained(hand: Arrays, reference: Evaluation | Arrays = RIGHT, **options: object) -> str:
    found = _found(hand, reference, **options)
    assert found.causes == ()
    return found.unexplained.removeprefix("No known mistake explains this. ")


def test_each_layer_shows_what_it_shows_by_itself() -> None:
    hand = {n: -g if n.startswith("dense_2") else NOISE[n] for n, g in RIGHT.gradients.items()}
    said = "dense_2 is exactly −1 times the reference; dense_1 is off in another way."
    assert _unexplained(hand) == said
    right = {n: g if n.startswith("dense_2") else NOISE[n] for n, g in RIGHT.gradients.items()}
    assert _unexplained(right) == "In dense_1/dE_dkernel the difference sits everywhere."
    both = {n: (3.7 if n.startswith("dense_2") else 1) * NOISE[n] for n in NOISE}
    assert _unexplained(both) == "In dense_2/dE_dkernel the difference sits everywhere."


def test_of_a_layer_off_in_two_ways_each_array_is_said() -> None:
    hand = _changed(dense_1_kernel=1.25 * KERNEL, dense_1_bias=NOISE["dense_1/bias"])
    assert _unexplained(hand) == (
        "dense_1/dE_dkernel is exactly 1.25 times the reference; dense_1/dE_dbias is off in another way."
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_constant_difference_is_called_constant(dtype: str) -> None:
    problem = NET.problem({n: a.astype(dtype) for n, a in RIGHT.problem.parameters.items()}, *_data(dtype), "mse")
    right = evaluation_of(problem)
    hand = dict(right.gradients) | {"dense_1/kernel": right.gradients["dense_1/kernel"] + np.asarray(0.01, dtype)}
    said = "dense_1/dE_dkernel is the reference with a constant, 0.01, added to every entry."
    assert _unexplained(hand, right) == said
    hand["dense_1/kernel"][0, 0] += 0.001
    assert "constant" not in _unexplained(hand, right)  # a planted error


def _data(dtype: str) -> tuple[Array, Array]:
    return RIGHT.problem.x.astype(dtype), RIGHT.problem.y.astype(dtype)


def test_one_entry_is_no_multiple_of_anything() -> None:
    r = {"a": np.array([2.0]), "b": np.array([1.0, 2.0])}
    assert _unexplained({"a": np.array([3.4]), "b": np.array([2.0, 1.0])}, r, rtol=1e-9) == (
        "In a the difference sits everywhere."
    )


def test_rows_are_named_only_where_all_others_are_right() -> None:
    few, rest = KERNEL.copy(), KERNEL.copy()
    few[1] += np.arange(5) ** 2 + 1
    rest[1] += np.arange(5) ** 2 + 1
    rest += 1e-6 * NOISE["dense_1/kernel"]
    assert _unexplained(_changed(dense_1_kernel=few)) == "In dense_1/dE_dkernel the difference sits in row 1."
    assert _unexplained(_changed(dense_1_kernel=rest)) == "In dense_1/dE_dkernel the difference sits everywhere."


def test_without_a_network_nobody_asks_for_a_batch() -> None:
    bare = dict(RIGHT.gradients)
    for factor in (1.1, 7, 1 / 7, 10.5):
        found = _found({n: factor * g for n, g in bare.items()}, bare, rtol=1e-9)
        assert "batch" not in " ".join([*(c.message for c in found.causes), found.unexplained])
    said = "All of it is 1.1 times the reference: one constant, as of a weight of the loss or of clipping by the norm."
    assert _unexplained({n: 1.1 * g for n, g in bare.items()}, bare, rtol=1e-9) == said


def test_where_nothing_says_the_rounding_a_plain_factor_is_still_seen() -> None:
    bare = dict(RIGHT.gradients)
    twice = {n: 1.1 * g for n, g in bare.items() if n.startswith("dense_1")} | {
        n: g for n, g in bare.items() if n.startswith("dense_2")
    }
    found = _found(twice, bare)
    assert "1.1 times" in " ".join([*(c.message for c in found.causes), found.unexplained])
    assert _unexplained({n: g * (1 + 1e-9 * NOISE[n]) for n, g in bare.items()}, bare) == ""


def test_no_factor_is_named_for_one_array_while_others_stay_unexplained() -> None:
    bare = dict(RIGHT.gradients)
    kernel = KERNEL.copy()
    kernel[1] *= 5
    alone = _found(bare | {"dense_1/kernel": kernel}, bare, rtol=1e-9)
    assert [cause.id for cause in alone.causes] == ["stray_constant"]
    both = _found(bare | {"dense_1/kernel": kernel, "dense_2/bias": NOISE["dense_2/bias"]}, bare, rtol=1e-9)
    assert both.causes == ()


def test_what_one_signature_leaves_over_is_said() -> None:
    bare = dict(RIGHT.gradients)
    zero = {"dense_1/bias": 0 * BIAS}
    found = _found(bare | zero | {"dense_2/kernel": NOISE["dense_2/kernel"]}, bare, rtol=1e-9)
    assert [cause.id for cause in found.causes] == ["bias_missing"]
    assert found.unexplained == "Beside that, dense_2/kernel is off in another way."
    assert _found(bare | zero, bare, rtol=1e-9).unexplained == ""
