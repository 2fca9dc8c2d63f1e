import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from gradient_diff import Status, compare
from manual_mlp import MLP, Dense, Evaluation, evaluation_of

Plant = Callable[..., Evaluation]
KERNEL = "dense_1/dE_dkernel"


def test_equal_evaluations_match_in_every_row(evaluation: Evaluation, planted: Plant) -> None:
    diff = compare(evaluation, planted())
    assert [row.name for row in diff.rows] == list(evaluation.nodes)
    assert {row.status for row in diff.rows} == {Status.MATCH}
    assert {row.reason for row in diff.rows} == {"bit-equal"}
    assert (diff.ok, diff.culprit, diff.hand_origin, diff.reference_origin) == (True, None, "manual_mlp", "keras eager")


@pytest.mark.parametrize("node", ["dense_1/u", "loss", "dense_2/dE_du", KERNEL, "dense_2/dE_dbias", "inputs/dE_dx"])
def test_a_planted_error_of_a_thousandth_turns_exactly_its_row(
    evaluation: Evaluation, planted: Plant, node: str
) -> None:
    diff = compare(evaluation, planted({node: evaluation.nodes[node] * 1.001}))
    assert [row.name for row in diff.rows if not row.status.ok] == [node]
    assert diff[node].status is diff.verdict
    assert diff.verdict.bad
    assert diff.culprit == node


def test_one_entry_off_is_found_with_its_index_and_both_values(evaluation: Evaluation, planted: Plant) -> None:
    changed = evaluation.nodes[KERNEL].copy()
    changed[2, 3] += 0.5
    metrics = compare(evaluation, planted({KERNEL: changed}))[KERNEL].metrics
    assert metrics is not None
    assert metrics.worst_index == (2, 3)
    assert (metrics.worst_hand, metrics.worst_reference) == (evaluation.nodes[KERNEL][2, 3], changed[2, 3])


def test_rows_carry_layer_and_formula_of_their_equation(evaluation: Evaluation, planted: Plant) -> None:
    row = compare(evaluation, planted())[KERNEL]
    assert (row.layer, row.formula, row.dtype) == ("dense_1", "dE/dW = xᵀ δ", "float64")


def test_gradients_by_parameter_name_are_compared_with_an_evaluation(evaluation: Evaluation) -> None:
    given = dict(reversed(evaluation.gradients.items()))
    diff = compare(given, evaluation)
    assert [r.name for r in diff.rows] == ["dense_2/dE_dkernel", "dense_2/dE_dbias", KERNEL, "dense_1/dE_dbias"]
    assert diff.ok
    assert (diff.hand_origin, diff.reference_origin) == ("given arrays", "manual_mlp")
    assert diff["dense_1/kernel"] is diff[KERNEL]


def test_the_sides_are_not_symmetric_in_name(evaluation: Evaluation) -> None:
    diff = compare(evaluation, {"dense_1/kernel": 2 * evaluation.gradients["dense_1/kernel"]})
    metrics = diff["dense_1/kernel"].metrics
    assert metrics is not None
    assert metrics.scale == pytest.approx(0.5)
    assert diff["dense_2/bias"].reason == "the reference side has no dense_2/dE_dbias"


# names


def test_what_is_missing_on_either_side_is_a_row(evaluation: Evaluation) -> None:
    given = dict(evaluation.gradients)
    given.pop("dense_1/bias")
    diff = compare(given | {"extra": np.ones(4)}, evaluation)
    assert (diff["dense_1/bias"].status, diff["dense_1/bias"].reason) == (
        Status.MISSING,
        "the hand side has no dense_1/dE_dbias",
    )
    assert (diff["extra"].status, diff["extra"].reason) == (Status.MISSING, "the reference side has no extra")
    assert (diff["extra"].shape_hand, diff["extra"].shape_reference, diff["extra"].metrics) == ((4,), None, None)
    assert diff.verdict is Status.MISSING


def test_names_maps_the_hand_sides_names(evaluation: Evaluation) -> None:
    given = {f"my_{name}": array for name, array in evaluation.gradients.items()}
    assert compare(given, evaluation, layout="as given").verdict is Status.MISSING
    assert compare(given, evaluation, names={f"my_{name}": name for name in evaluation.gradients}).ok


def test_names_that_send_two_arrays_to_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="names= sends two of hand's arrays to one name"):
        compare({"a": np.ones(2), "b": np.ones(2)}, {"w": np.ones(2)}, names={"a": "w", "b": "w"})


# shapes


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ((3,), "(3,) lacks the axis of length 1 of (3, 1): keepdims=True keeps it, [:, None] adds it."),
        (
            (1, 3),
            "(1, 3) is (n_out, n_in), the transposed convention. Keras's kernels are (n_in, n_out): transpose it.",
        ),
        ((), "It is one number, but (3, 1) is wanted: it is summed over every axis."),
        ((1, 1), ""),
        (
            (3, 3),
            (
                "(3, 3) is what (3,) against (3, 1) is broadcast to: every sample meets every other. "
                "Give both the shape (3, 1), e.g. y[:, None]."
            ),
        ),
    ],
)
def test_nothing_is_broadcast(shape: tuple[int, ...], reason: str) -> None:
    row = compare({"w": np.zeros(shape)}, {"w": np.zeros((3, 1))})["w"]
    both = f"hand {shape}, reference (3, 1)"
    assert (row.status, row.reason, row.metrics) == (Status.SHAPE, f"{both}: {reason}" if reason else both, None)


def test_a_shape_is_explained_with_its_equation(evaluation: Evaluation) -> None:
    given = {n: g.T if n == "dense_1/kernel" else g for n, g in evaluation.gradients.items()}
    assert compare(given, evaluation)["dense_1/kernel"].reason == (
        "hand (5, 3), reference (3, 5): (5, 3) is (n_out, n_in), the transposed convention. Keras's kernels are "
        "(n_in, n_out): transpose it. It is δᵀ x. dense_1: dE/dW⁽¹⁾ = xᵀ δ⁽¹⁾   (n₀, N)(N, n₁) → (n₀, n₁)   "
        "(3, 7)(7, 5) → (3, 5)"
    )
    swapped = compare(evaluation, given)["dense_1/kernel"].reason
    assert swapped.startswith("hand (3, 5), reference (5, 3): the reference's (5, 3) is (n_out, n_in)")


def test_a_shape_that_no_slip_explains_still_has_its_equation(evaluation: Evaluation) -> None:
    given = {n: np.ones((2, 9)) if n == "dense_1/kernel" else g for n, g in evaluation.gradients.items()}
    assert compare(given, evaluation)["dense_1/kernel"].reason == (
        "hand (2, 9), reference (3, 5). dense_1: dE/dW⁽¹⁾ = xᵀ δ⁽¹⁾   (n₀, N)(N, n₁) → (n₀, n₁)   (3, 7)(7, 5) → (3, 5)"
    )


def test_shape_comes_before_finiteness_and_finiteness_before_values() -> None:
    nan = np.full((2, 3), np.nan)
    assert compare({"w": nan}, {"w": nan.T})["w"].status is Status.SHAPE
    assert compare({"w": nan}, {"w": nan})["w"].status is Status.NONFINITE
    assert compare({"w": np.zeros((2, 3))}, {"w": nan})["w"].status is Status.NONFINITE


def test_empty_arrays_prove_nothing() -> None:
    row = compare({"w": np.zeros((0, 3))}, {"w": np.zeros((0, 3))})["w"]
    assert (row.status, row.reason) == (Status.VACUOUS, "the arrays are empty")


# finiteness


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_single_bad_entry_on_either_side_is_named(bad: float) -> None:
    good, spoiled = np.ones(4), np.array([1, 1, bad, 1])
    word = "1 NaN" if np.isnan(bad) else "1 Inf"
    assert compare({"w": spoiled}, {"w": good})["w"].reason == f"{word} in hand, the first at [2]"
    assert compare({"w": good}, {"w": spoiled})["w"].reason == f"{word} in reference, the first at [2]"
    both = compare({"w": spoiled}, {"w": spoiled})["w"]
    assert both.status is Status.NONFINITE
    assert both.reason == f"{word} in hand, the first at [2]; {word} in reference, the first at [2]"


def test_nan_and_inf_are_counted_apart() -> None:
    spoiled = np.array([[1, np.inf], [np.nan, np.nan]])
    reason = compare({"w": spoiled}, {"w": np.ones((2, 2))})["w"].reason
    assert reason == "2 NaN and 1 Inf in hand, the first at [0, 1]"


# values


def test_two_dicts_match_only_bit_for_bit() -> None:
    r = np.array([1.0, 2.0])
    assert compare({"w": r.copy()}, {"w": r}).verdict is Status.MATCH
    off = compare({"w": np.nextafter(r, 9)}, {"w": r})
    assert off.verdict is Status.INCONCLUSIVE
    metrics = off["w"].metrics
    assert metrics is not None
    assert metrics.differing == 2
    assert off.culprit is None


def test_zero_on_both_sides_is_vacuous(evaluation: Evaluation) -> None:
    assert compare({"w": np.zeros(2)}, {"w": np.zeros(2)}).verdict is Status.VACUOUS
    diff = compare({"w": np.zeros(2), "v": np.ones(2)}, {"w": np.zeros(2), "v": np.ones(2)})
    assert diff.verdict is Status.MATCH
    assert (diff.ok, diff.unproved, diff.exit_code()) == (False, ("w",), 2)
    assert diff.passes(allow_vacuous=True)
    assert diff.headline() == "MATCH, but 1 of 2 rows proves nothing: w"


@pytest.mark.parametrize("hand_is_coarse", [True, False])
def test_unequal_dtypes_are_judged_in_the_coarser(evaluation: Evaluation, hand_is_coarse: bool) -> None:
    coarse = {name: g.astype(np.float32) for name, g in evaluation.gradients.items()}
    diff = compare(coarse, evaluation) if hand_is_coarse else compare(evaluation, coarse)
    assert {row.dtype for row in diff.rows} == {"float32"}
    assert diff.ok
    fine = {name: g.astype(np.float64) for name, g in coarse.items()}  # the same values, stored as float64
    assert compare(fine, evaluation).verdict is Status.INCONCLUSIVE


def test_the_gravest_row_decides_and_the_first_bad_one_is_the_culprit(evaluation: Evaluation, planted: Plant) -> None:
    nodes = evaluation.nodes
    changes = {"dense_1/z": nodes["dense_1/z"] * 2, KERNEL: nodes[KERNEL].T, "dense_2/dE_dbias": np.full(2, np.nan)}
    for name, verdict in ((KERNEL, Status.SHAPE), ("dense_2/dE_dbias", Status.NONFINITE)):
        diff = compare(evaluation, planted(changes))
        assert (diff.verdict, diff.culprit) == (verdict, "dense_1/z")
        del changes[name]
    diff = compare(evaluation, planted(changes))
    assert (diff.verdict, diff.culprit) == (diff["dense_1/z"].status, "dense_1/z")


# input


def test_evaluations_of_different_problems_are_refused(evaluation: Evaluation) -> None:
    p = evaluation.problem
    other = p.mlp.backpropagate(p.parameters, p.x + 1, p.y, p.loss)
    with pytest.raises(ValueError, match="The two Evaluations are of different problems: x differ"):
        compare(evaluation, other)
    half = p.mlp.backpropagate(p.parameters, p.x, p.y, "half_sum_squared_error")
    with pytest.raises(ValueError, match="different problems: loss differ"):
        compare(evaluation, half)
    changed = p.parameters | {"dense_2/bias": p.parameters["dense_2/bias"] + 1}
    with pytest.raises(ValueError, match="different problems: dense_2/bias differ"):
        compare(evaluation, p.mlp.backpropagate(changed, p.x, p.y, p.loss))
    wider = MLP(3, [Dense(4), Dense(2)])
    with pytest.raises(ValueError, match=r"different problems: layers.* differ"):
        compare(evaluation, wider.backpropagate(wider.initialize(0), p.x, p.y, p.loss))


def test_the_order_of_the_parameter_dict_is_no_difference(evaluation: Evaluation) -> None:
    p = evaluation.problem
    turned = dataclasses.replace(p, parameters=dict(reversed(p.parameters.items())))
    assert compare(evaluation, dataclasses.replace(evaluation, problem=turned)).ok


@pytest.mark.parametrize("side", ["hand", "reference"])
def test_what_is_no_dict_of_numbers_is_refused_by_name(side: str) -> None:
    def both(bad: object) -> dict[str, object]:
        good = {"w": np.ones(2)}
        return {"hand": good, "reference": good} | {side: bad}

    with pytest.raises(TypeError, match=f"{side} is list: expected an Evaluation or a dict"):
        compare(**both([np.ones(2)]))  # type: ignore[arg-type]  # on purpose
    with pytest.raises(TypeError, match=rf"{side}\['w'\] is object: expected an array of numbers"):
        compare(**both({"w": np.array([None])}))  # type: ignore[arg-type]  # on purpose
    with pytest.raises(TypeError, match=rf"{side}\['w'\] is None: no gradient was computed\.$"):
        compare(**both({"w": None}))  # type: ignore[arg-type]  # on purpose
    with pytest.raises(TypeError, match=rf"{side}\['w'\] is a masked array.* Pass array\.filled\(0\)\.$"):
        compare(**both({"w": np.ma.array(np.ones(2), mask=[True, False])}))  # type: ignore[arg-type]  # on purpose
    with pytest.raises(TypeError, match=rf"{side}\['w'\] is bool"):
        compare(**both({"w": np.array([True])}))  # type: ignore[arg-type]  # on purpose
    with pytest.raises(ValueError, match=f"{side} is an empty dict: there is nothing to compare"):
        compare(**both({}))  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize("name", ["w", "dense_1/kernel", "dense_1/dE_dkernel"])
def test_arrays_within_the_noise_that_was_named_prove_nothing(name: str) -> None:
    lost = {name: np.array([1e-9, -2e-9])}
    coarse = {name: lost[name] + 1e-6}  # a second run, a thousand times as far off as they are large
    assert compare(lost, lost, noise=coarse)[name].status is Status.VACUOUS


# weights of the samples


def _weighted(evaluation: Evaluation, weights: np.ndarray) -> Evaluation:
    return evaluation_of(dataclasses.replace(evaluation.problem, sample_weight=weights))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_weighted_gradients_by_other_code_match_and_wrong_weighings_do_not(dtype: str) -> None:
    """3-5-2 once more, in plain NumPy: E = 1/(N·K) Σ_n w_n Σ_k (z − y)²."""
    mlp, rng = MLP(3, [Dense(5, "tanh"), Dense(2)]), np.random.default_rng(1)
    x, y, w = (a.astype(dtype) for a in (rng.normal(size=(7, 3)), rng.normal(size=(7, 2)), 3 * rng.random(7)))
    w[2] = 0
    p = mlp.initialize(0, dtype=dtype)

    def hand(weights: np.ndarray, divisor: float) -> dict[str, np.ndarray]:
        z1 = np.tanh(x @ p["dense_1/kernel"] + p["dense_1/bias"])
        d2 = 2 * weights[:, None] * (z1 @ p["dense_2/kernel"] + p["dense_2/bias"] - y) / dtype_of(2 * divisor)
        d1 = d2 @ p["dense_2/kernel"].T * (1 - z1**2)
        return {
            "dense_1/kernel": x.T @ d1,
            "dense_1/bias": d1.sum(axis=0),
            "dense_2/kernel": z1.T @ d2,
            "dense_2/bias": d2.sum(axis=0),
        }

    dtype_of = np.dtype(dtype).type
    reference = mlp.backpropagate(p, x, y, "mse", sample_weight=w)
    assert compare(hand(w, 7), reference).verdict is Status.MATCH
    wrong = {
        "forgotten": hand(np.ones(7, dtype), 7),
        "divided by Σw": hand(w, float(w.sum())),
        "squared": hand(w * w, 7),
        "those of another order": hand(w[::-1], 7),
    }
    assert {why: compare(g, reference).verdict for why, g in wrong.items()} == dict.fromkeys(wrong, Status.MISMATCH)


def test_the_witness_and_the_equation_by_itself_know_the_weights(evaluation: Evaluation) -> None:
    weighted = _weighted(evaluation, np.linspace(0, 3, evaluation.problem.batch))
    head = "dense_2/dE_dz"
    off = dataclasses.replace(weighted, nodes={**weighted.nodes, head: evaluation.nodes[head]})
    row = compare(off, weighted)[head]
    assert row.status is Status.MISMATCH
    assert "the complex-step witness" in row.reason or "own operands" in row.reason
    assert compare(weighted, _weighted(evaluation, np.linspace(0, 3, evaluation.problem.batch))).ok
