from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.progress import Progress

from experiments.benchmarks.detection import cases as detection_cases
from experiments.benchmarks.detection import study as detection
from experiments.benchmarks.detection import trials as detection_trials
from experiments.benchmarks.detection.cases import TARGETS, UNCHANGED, DrawnNet, correct, mistakes, scaled
from experiments.benchmarks.detection.nets import DTYPES, KINDS, OTHER_LAYERS, SCALES, drawn
from experiments.benchmarks.detection.peers.table import PEERS
from experiments.benchmarks.detection.sharpness import power, smallest_of
from experiments.benchmarks.detection.sizes import AT_KINKS, BELOW, MISSED, NO_EFFECT, SHOWS, reason, size_of
from experiments.benchmarks.detection.tables import frame_of, not_named, our_misses, rates, unseen, wrongly_refused
from experiments.benchmarks.detection.trials import (
    US,
    Asked,
    Tools,
    trials_of_correct,
    trials_of_mistakes,
    trials_of_scaling,
)
from experiments.frame.running import draw, save
from experiments.frame.study import Result, Settings
from gradient_diff import MISTAKES, compare
from manual_mlp import MLP, Dense, Evaluation

NOBODY = Tools({}, {peer.name: "nothing" for peer in PEERS})
SMALL = 4  # a square network of two small layers


def setting(number: int = SMALL, dtype: str = "float64", scale: float = 1.0) -> DrawnNet:
    return DrawnNet(number, drawn(number, dtype, scale))


# The cases.


@pytest.mark.parametrize("number", range(16))
def test_a_network_is_of_its_kind(number: int) -> None:
    problem, kind = drawn(number, "float64", 1.0), KINDS[number % 8]
    assert (problem.batch == 1) is kind.one_sample
    if kind.square:
        assert {*problem.mlp.units} == {problem.mlp.inputs}
    largest = max(float(np.abs(a).max()) for n, a in problem.parameters.items() if n.endswith("/kernel"))
    assert (largest > 4) is kind.saturated  # 0.9 to 1.3 as drawn, 9 to 17 where they are multiplied by ten


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", SCALES)
def test_a_number_means_the_same_numbers_in_every_variant(dtype: str, scale: float) -> None:
    plain, other = drawn(3, "float64", 1.0), drawn(3, dtype, scale)
    assert other.dtype == dtype
    assert other.loss == replace(plain.loss, scale=scale)
    np.testing.assert_array_equal(other.x, plain.x.astype(dtype))


def test_every_mistake_that_applies_is_planted() -> None:
    planted = {fault.id for s in detection.settings_of_mistakes(Settings()) for fault in mistakes(s)}
    assert {name for name in MISTAKES if not name.startswith(OTHER_LAYERS)} <= planted


@pytest.mark.parametrize("number", range(8))
def test_those_who_are_right_are_right(number: int) -> None:
    s = setting(number)
    for who, hand in correct(s):
        gradients = hand.gradients if isinstance(hand, Evaluation) else hand
        assert all(
            np.allclose(gradients[n], np.asarray(g, float), rtol=1e-9, atol=1e-12) for n, g in s.exact.items()
        ), who


def test_scaling_touches_what_it_says() -> None:
    s, changed = setting(), {}
    for fault in scaled(s):
        if fault.epsilon == 0.1:
            (name,) = [n for n, g in fault.hand.items() if not np.array_equal(g, s.right[n])]
            changed[fault.id] = fault.hand[name] != s.right[name]
            np.testing.assert_allclose(
                np.asarray(fault.effect[name], float)[changed[fault.id]], 0.1 * s.right[name][changed[fault.id]]
            )
    rows, columns = changed["one row"].any(axis=1).sum(), changed["one column"].any(axis=0).sum()
    assert (changed["one entry"].sum(), rows, columns) == (1, 1, 1)
    assert list(changed) == list(TARGETS)


# How large a mistake is, and why it cannot be seen.


def test_a_bias_mean_over_one_sample_has_no_effect() -> None:
    alone, several = setting(6), setting(4)
    for s, none in ((alone, True), (several, False)):
        fault = next(f for f in mistakes(s) if f.id == "bias_mean")
        assert (size_of(fault.effect, s)[0] == 0.0) is none
        assert compare(fault.hand, s.tape).verdict.bad is not none


def test_an_effect_is_measured_in_sigma() -> None:
    s = setting()
    sigma = s.noise.sigma["dense_1/dE_dbias"]
    effect = {n: np.zeros_like(g) for n, g in s.exact.items()}
    effect["dense_1/bias"] = effect["dense_1/bias"] + 50 * np.sqrt(2) * sigma  # two sides round
    measured, relative, _ = size_of(effect, s)
    assert measured == pytest.approx(50, rel=0.2)  # the bound for repeated errors is taken off first
    assert 0 < relative < 1e-9
    assert size_of(None, s)[0] == np.inf


@pytest.mark.parametrize(
    ("sigma", "relative", "verdict", "why"),
    [
        (0.0, 0.0, "MATCH", NO_EFFECT),
        (0.0, 1e-9, "MATCH", BELOW),  # no larger than rounding that repeats along the batch
        (5.0, 1e-6, "MATCH", BELOW),
        (SHOWS + 1, 1e-3, "KINK", AT_KINKS),
        (SHOWS + 1, 1e-3, "VACUOUS", MISSED),
    ],
)
def test_each_reason(sigma: float, relative: float, verdict: str, why: str) -> None:
    assert reason(sigma, relative, verdict) == why


# What is counted.


def trial(what: str, refused: bool, **more: object) -> Asked:
    usual = {
        "id": "sign",
        "words": "sign",
        "number": 0,
        "dtype": "float64",
        "scale": 1.0,
        "sigma": 100.0,
        "relative": 1,
    }
    network = dict.fromkeys(("square", "one_sample", "saturated"), False)
    return Asked(what, **{**usual, **network, "refused": {US: refused}, **more})  # type: ignore[arg-type]


def test_misses_and_false_alarms_are_counted() -> None:
    frame = frame_of(
        [
            trial("mistake", True, first=True),
            trial("mistake", False),
            trial("mistake", False, sigma=3.0),
            trial("correct", True, sigma=0.0),
            trial("correct", False, sigma=0.0),
        ]
    )
    ours = rates(frame, NOBODY).iloc[0]
    assert (ours["mistakes that show"], ours["missed"], ours["correct pairs"], ours["false alarms"]) == (2, 1, 2, 1)
    assert ours["named rightly"] == "100.0%"
    assert (len(our_misses(frame)), len(wrongly_refused(frame)), len(not_named(frame))) == (1, 1, 0)
    assert list(unseen(frame)["why"]) == [BELOW, MISSED]


def test_the_smallest_error_seen_is_unbroken_and_needs_the_right_gradient_accepted() -> None:
    said = {1e-1: True, 1e-2: True, 1e-3: False, 1e-4: True}
    tries = [trial("scaled", refused, id=t, epsilon=e) for t in TARGETS for e, refused in said.items()]
    unchanged = trial("scaled", False, sigma=0.0, id=UNCHANGED)
    assert set(smallest_of(frame_of([unchanged, *tries]), US)["smallest"]) == {1e-2}
    always = replace(unchanged, refused={US: True})
    assert smallest_of(frame_of([always, *tries]), US).empty


def test_nothing_is_missed_and_nobody_accused_in_one_network() -> None:
    s = setting()
    frame = frame_of([*trials_of_mistakes(s, NOBODY, lambda _: False), *trials_of_correct(s, NOBODY, slow=False)])
    assert our_misses(frame).empty
    assert wrongly_refused(frame).empty
    assert (frame.loc[frame["what"] == "mistake", "sigma"] > SHOWS).mean() > 0.8


def test_a_blind_judge_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection_trials, "compare", lambda hand, reference: compare(reference, reference))
    frame = frame_of(trials_of_mistakes(setting(), NOBODY, lambda _: False))
    assert len(our_misses(frame)) > 50


def test_a_judge_who_cries_wolf_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    mlp = MLP(1, [Dense(1)])
    e = mlp.backpropagate(mlp.initialize(0), np.ones((2, 1)), np.zeros((2, 1)), "mse")
    wolf = compare({n: 2 * g for n, g in e.gradients.items()}, e)
    monkeypatch.setattr(detection_trials, "compare", lambda hand, reference: wolf)
    assert len(wrongly_refused(frame_of(trials_of_correct(setting(), NOBODY, slow=False)))) == 4


# The study as a whole.


@pytest.fixture
def result(monkeypatch: pytest.MonkeyPatch, progress: Progress) -> Result:
    """The study on one network, without PyTorch, JAX and SciPy, installed or not."""
    for package in ("torch", "jax", "scipy", "scipy.optimize"):
        monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(detection, "NETS", 1)
    monkeypatch.setattr(detection, "CORRECT", 8)
    monkeypatch.setattr(detection_cases, "EPSILONS", (1e-1, 1e-7, 1e-14))
    return detection.run(Settings(seed=SMALL), progress)


def test_the_study_says_who_is_not_installed_and_draws(result: Result, tmp_path: Path) -> None:
    table = result.tables["Detection"].frame.set_index("tool")
    for name in ("torch.testing.assert_close", "jax.test_util.check_grads", "scipy.optimize.check_grad"):
        assert (table.loc[name, "missed"], table.loc[name, "false alarms"]) == ("not installed", "not installed")
    assert table.loc[US, ["missed", "false alarms"]].tolist() == [0, 0]
    assert table.loc["np.allclose", "mistakes that show"] == table.loc[US, "mistakes that show"] > 0
    assert "Not installed: torch.testing.assert_close (torch)" in " ".join(result.parts[0].paragraphs)
    save(result, tmp_path)
    assert all(path.stat().st_size > 5000 for path in draw(result, tmp_path).values())
    holds = list(result.claims.values())
    assert holds[:2] == [True, True]


def test_an_error_of_1e_11_is_seen_in_float64_and_one_of_1e_17_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection_cases, "EPSILONS", (1e-1, 1e-11, 1e-17))
    frame = frame_of(trials_of_scaling(setting(), NOBODY, slow=False))
    assert set(smallest_of(frame, US)["smallest"]) == {1e-11}


def test_an_epsilon_as_text() -> None:
    assert [power(e) for e in (1e-12, np.inf, np.nan)] == ["1e-12", "none", "—"]
