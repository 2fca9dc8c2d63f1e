"""Noise that the caller names: a second set, a repeated run, several draws, a tolerance of his own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gradient_diff import Status, compare, drawn_noise
from gradient_diff.noise.given import check_independent, measured_noise, relative_noise, unit, widened
from gradient_diff.noise.network import Kind
from manual_mlp import MLP, Dense, Evaluation


def _float32() -> tuple[Evaluation, dict[str, np.ndarray]]:
    mlp = MLP(3, [Dense(8, "tanh"), Dense(2)])
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(20, 3)).astype("f4"), rng.normal(size=(20, 2)).astype("f4")
    e = mlp.backpropagate(mlp.initialize(0, dtype="float32"), x, y, "mse")
    assert e.rerun is not None
    return e, e.rerun().gradients


def test_a_float64_set_names_the_noise_of_two_dicts() -> None:
    run, fine = _float32()
    rounded = {n: g.astype("f4") for n, g in fine.items()}
    assert compare(rounded, dict(run.gradients)).verdict is Status.INCONCLUSIVE
    diff = compare(rounded, dict(run.gradients), noise=fine)
    assert diff.verdict is Status.MATCH
    assert {row.judge for row in diff.rows} == {"the second set of gradients"}


@pytest.mark.parametrize("name", ["dense_1/kernel", "dense_2/bias"])
def test_a_planted_thousandth_is_different_and_nobody_is_blamed(name: str) -> None:
    run, fine = _float32()
    off = dict(run.gradients)
    off[name] = off[name] * np.float32(1.001)
    diff = compare(off, dict(run.gradients), noise=fine)
    assert diff.verdict is Status.DIFFERENT
    assert diff.culprit == name
    assert [r.name for r in diff.rows if r.status.bad] == [name]


def test_rtol_is_relative_to_the_largest_entry_and_says_who_chose_it() -> None:
    r = {"w": np.array([1.0, -8.0])}
    for dtype in ("float64", "float32", "float16"):
        inside, outside = ({"w": (r["w"] + np.array([d, 0.0])).astype(dtype)} for d in (0.078, 0.082))
        for hand, reference in ((inside, r), (r, inside)):
            assert compare(hand, reference, rtol=1e-2).verdict is Status.MATCH
        diff = compare(outside, r, rtol=1e-2)
        assert diff.verdict is Status.DIFFERENT
        needed = float(np.abs(outside["w"] - r["w"]).max()) / 8
        assert diff["w"].judge == "rtol=0.01, chosen by the caller"
        assert (diff["w"].reason, diff["w"].distance) == (f"needs rtol {needed:.3g}, 0.01 is allowed", None)


def test_needed_rtol_is_just_what_rtol_has_to_be() -> None:
    rng = np.random.default_rng(0)
    r = {"w": rng.normal(size=(5, 5))}
    h = {"w": r["w"] + 1e-4 * rng.normal(size=(5, 5))}
    metrics = compare(h, r)["w"].metrics
    assert metrics is not None
    assert compare(h, r, rtol=metrics.needed_rtol * (1 + 1e-9)).verdict is Status.MATCH
    assert compare(h, r, rtol=metrics.needed_rtol * (1 - 1e-9)).verdict is Status.DIFFERENT


@pytest.mark.parametrize("rtol", [0.0, -1.0, float("inf"), float("nan")])
def test_an_rtol_that_says_nothing_is_refused(rtol: float) -> None:
    with pytest.raises(ValueError, match=rf"^rtol={rtol}: expected a finite number above 0, such as 1e-6\.$"):
        relative_noise({"w": np.ones(1)}, rtol)


def test_noise_is_named_once() -> None:
    one = {"w": np.ones(1)}
    with pytest.raises(ValueError, match=r"^Both noise= and rtol= were given\. Name the rounding to expect once\.$"):
        compare(one, one, noise=one, rtol=0.1)


@pytest.mark.parametrize("repeat", [{}, {"w": np.ones(3)}])
def test_a_second_set_without_an_array_of_the_right_shape_is_refused(repeat: dict[str, np.ndarray]) -> None:
    with pytest.raises(ValueError, match=r"^The second set has no array of the right shape for w\. Give one per"):
        measured_noise({"w": np.ones(2)}, repeat)


def test_equal_sets_explain_nothing() -> None:
    r = {"w": np.array([1.0, 2.0])}
    diff = compare({"w": np.nextafter(r["w"], 9)}, r, noise=r)
    assert diff.verdict is Status.DIFFERENT
    assert diff["w"].distance == np.inf


def test_more_draws_estimate_a_known_spread_better() -> None:
    rng = np.random.default_rng(0)
    values = {"w": np.zeros((6, 4)), "b": np.zeros(4)}
    draws = [{n: 2 * rng.normal(size=a.shape) for n, a in values.items()} for _ in range(400)]
    noise = drawn_noise(values, draws, "draws")
    np.testing.assert_allclose(noise.sigma["w"], 2 * np.sqrt(2.5), rtol=0.15)  # own, row and column, half the mean
    np.testing.assert_allclose(noise.sigma["b"], 2 * np.sqrt(1.5), rtol=0.15)


def test_what_always_rounds_to_zero_is_widened_by_its_neighbours_only() -> None:
    noise = drawn_noise({"w": np.zeros((2, 2)), "v": np.zeros(2)}, [{"w": np.eye(2), "v": np.zeros(2)}], "one")
    assert (noise.sigma["w"] > 0).all()
    assert (noise.sigma["v"] == 0).all()


def test_more_than_two_axes_are_spread_over_the_first_and_the_rest() -> None:
    error = np.zeros((2, 3, 4))
    error[0] = 1
    noise = drawn_noise({"k": np.zeros((2, 3, 4))}, [{"k": error}], "one")
    assert (noise.sigma["k"][0] > noise.sigma["k"][1]).all()


def _sets() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """A reference in float32, the same in float64, and by another run."""
    run, fine = _float32()
    again = {n: g.astype("f4") for n, g in fine.items()}
    return dict(run.gradients), fine, again


def test_the_hand_side_cannot_be_its_own_noise() -> None:
    reference, fine, again = _sets()
    wrong = {**reference, "dense_1/kernel": reference["dense_1/kernel"] * np.float32(1.001)}
    assert compare(wrong, reference, noise=again).verdict is Status.DIFFERENT
    with pytest.raises(ValueError, match="All that differs from the reference is bit-equal to the second set"):
        compare(wrong, reference, noise=wrong)
    with pytest.raises(ValueError, match="All that differs"):
        compare(again, reference, noise=again)
    assert compare(fine, reference, noise=fine).verdict is Status.MATCH  # finer than the reference: it is the truth
    check_independent(measured_noise(reference, again), reference, reference)  # nothing differs
    half = {**reference, **{n: again[n] for n in ("dense_2/kernel", "dense_2/bias")}}
    half["dense_1/kernel"] = wrong["dense_1/kernel"]
    check_independent(measured_noise(reference, again), half, reference)  # not all that differs is the second set's


def test_a_second_set_that_is_no_second_set_proves_nothing() -> None:
    """Another run of the wrong code, or a reference that is itself wrong: 0.1 % is no rounding of float32."""
    reference, fine, again = _sets()
    wrong = {**reference, "dense_1/kernel": reference["dense_1/kernel"] * np.float32(1.001)}
    again["dense_1/kernel"] = again["dense_1/kernel"] * np.float32(1.001)
    for diff in (compare(wrong, reference, noise=again), compare(reference, wrong, noise=fine)):
        row = diff["dense_1/kernel"]
        assert (diff.verdict, row.status) == (Status.INCONCLUSIVE, Status.INCONCLUSIVE)
        assert "more than half of the digits" in row.reason


def test_a_coarser_second_set_is_refused() -> None:
    reference, _, again = _sets()
    half = {n: g.astype("f2") for n, g in again.items()}
    with pytest.raises(ValueError, match=r"^dense_\d/\w+ is float16 in the second set, but float32 in the reference"):
        compare(again, reference, noise=half)
    assert unit(half["dense_1/bias"]) == 2.0**-11
    assert unit(np.arange(3)) == 0  # whole numbers are exact


@pytest.mark.parametrize("second", ["float64", "float32"])
def test_a_coarser_hand_side_is_judged_in_its_own_rounding(second: str) -> None:
    reference, fine, again = _sets()
    noise = fine if second == "float64" else again
    half = {n: g.astype("f2") for n, g in fine.items()}
    diff = compare(half, reference, noise=noise)
    assert diff.verdict is Status.MATCH
    assert {row.judge for row in diff.rows} == {"the second set of gradients, widened to float16"}
    assert compare(reference, half, noise=fine).verdict is Status.MATCH  # measured, and not widened
    off = {**half, "dense_1/kernel": half["dense_1/kernel"] * np.float16(1.25)}
    assert [r.name for r in compare(off, reference, noise=noise).rows if r.status.bad] == ["dense_1/kernel"]


def test_only_coarser_arrays_are_widened_and_of_what_never_rounded_nothing_is_known() -> None:
    reference = {n: np.float32([1.0, 2.0]) for n in "abc"}
    noise = measured_noise(reference, {**reference, "a": np.float32([1.0, 2.0 + 2**-22]), "b": np.array([1.0, 2.1])})
    hand = {"a": np.float16([1, 2]), "b": np.float64([1, 2]), "c": np.float16([1, 2])}
    wide = widened(noise, hand, reference)
    assert (wide.sigma["a"] > noise.sigma["a"] * 2**13).all()
    assert wide.sigma["b"] is noise.sigma["b"]
    assert not wide.sigma["c"].any()
    assert widened(noise, reference, reference) is noise


@pytest.mark.parametrize("source", ["two runs", "the second set of gradients", "a repeated run, widened"])
def test_the_same_evidence_is_judged_the_same_whatever_it_is_called(source: str) -> None:
    """A run that is 3 % off measures a mistake and no rounding: a silent MATCH would pass an error of 1 %."""
    r = {"w": np.array([1.0, 2.0, 3.0])}
    errors, hand = [{"w": 0.03 * r["w"]}], {"w": 1.01 * r["w"]}
    assert compare(hand, r, noise={"w": 1.03 * r["w"]}).verdict is Status.INCONCLUSIVE
    assert compare(hand, r, noise=drawn_noise(r, errors, source)).verdict is Status.INCONCLUSIVE


def test_what_may_be_concluded_hangs_on_the_kind_alone() -> None:
    """The last digits of one computation that were moved are its rounding, however much it is."""
    r = {"w": np.array([1.0, 2.0, 3.0])}
    errors, hand = [{"w": 0.03 * r["w"]}], {"w": 1.01 * r["w"]}
    moved = drawn_noise(r, errors, "two runs", Kind.DRAWN)
    assert compare(hand, r, noise=moved).verdict is Status.MATCH
    assert compare(hand, r, noise=replace(moved, kind=Kind.REPEATED)).verdict is Status.INCONCLUSIVE


@pytest.mark.parametrize("exponent", [-1000, -600, 0, 600, 1000])
def test_sigma_follows_the_size_of_the_errors_bit_for_bit(exponent: int) -> None:
    rng = np.random.default_rng(0)
    errors = [{"w": rng.normal(size=(3, 4))} for _ in range(2)]
    scaled = [{"w": np.ldexp(error["w"], exponent)} for error in errors]
    sigma, other = (drawn_noise({"w": np.ones((3, 4))}, e, "draws").sigma["w"] for e in (errors, scaled))
    np.testing.assert_array_equal(np.ldexp(sigma, exponent), other)
