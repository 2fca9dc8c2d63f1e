from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.benchmarks.naming.gallery import NETS, evaluation
from experiments.benchmarks.naming.trials import derive, named_first, trials_on
from experiments.frame.study import Settings
from experiments.students.deriving import student_of
from experiments.students.slips import possible_slips
from experiments.students.small_nets import small_net
from experiments.students.wrong_derivations import with_decay, wrong_gradients
from gradient_diff import MISTAKES, Status, compare, diagnose
from gradient_diff.diagnosis.catalogue import CONVENTIONS
from manual_mlp import MLP, Dense, Evaluation, Problem, evaluation_of
from manual_mlp.extend import Arrays


@pytest.fixture(scope="module", params=["float64", "float32"])
def evaluations(request: pytest.FixtureRequest) -> list[Evaluation]:
    return [evaluation(i, Settings(dtype=request.param)) for i in range(len(NETS))]


def test_each_mistake_is_asked_of_in_the_tests_of_its_family() -> None:
    """There, on 17 nets and in both dtypes, by the quick tier; here on the gallery's, by the slow one."""
    quick = "".join(path.read_text("utf-8") for path in Path(__file__).with_name("mistakes").glob("test_*.py"))
    assert [name for name in MISTAKES if f'"{name}"' not in quick] == []


@pytest.mark.slow  # 102 of them take minutes, and the study of the gallery shows the same nets in the quick tier
@pytest.mark.parametrize("name", [name for name, m in MISTAKES.items() if m.family != "normalisation"])
def test_each_mistake_of_an_independent_derivation_is_named(name: str, evaluations: list[Evaluation]) -> None:
    shown = 0
    for reference in evaluations:
        for slip in (s for s in student_of(reference.problem).slips(reference.problem, 0) if s.id == name):
            hand = derive(reference.problem, slip)
            truth = with_decay(reference, slip.value) if name.startswith("l2_") else reference
            if hand is None or not compare(hand, truth).verdict.bad:
                continue
            assert name in named_first(diagnose(hand, truth)), slip
            shown += 1
    assert shown


def test_every_mistake_of_the_list_is_known() -> None:
    assert set(MISTAKES) >= {"sign", "transposed", "stale_or_updated_kernel", "output_not_loss", "probability_clip"}


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_named_where_nothing_is_wrong(seed: int) -> None:
    problem = small_net(seed, "float32")
    hand = wrong_gradients(problem)
    diff = compare(hand, evaluation_of(problem.float64))
    assert diff.causes == ()
    assert not diff.verdict.bad


@pytest.mark.slow  # 8 seconds; the tests of `experiments.benchmarks.naming.trials` ask one net in the quick tier
@pytest.mark.parametrize("seed", [4])
def test_random_nets_too(seed: int) -> None:
    trials = [t for t in trials_on(seed) if t.visible]
    assert trials
    assert [t for t in trials if not t.first] == []


def net() -> Evaluation:
    mlp = MLP(7, [Dense(5, "tanh"), Dense(5, "tanh"), Dense(3)])
    rng = np.random.default_rng(0)
    return mlp.backpropagate(mlp.initialize(0), rng.normal(size=(11, 7)), rng.normal(size=(11, 3)), "mse")


def test_the_convention_of_article_c_is_no_mistake() -> None:
    e = net()
    turned = {n: g.T for n, g in e.gradients.items()}
    (cause, *_) = diagnose(turned, e)
    assert (cause.id, cause.convention) == ("convention_transposed", True)
    assert cause.id in CONVENTIONS


def test_a_mistake_everywhere_is_one_cause() -> None:
    e = net()
    causes = diagnose({n: -g for n, g in e.gradients.items()}, e)
    assert (causes[0].id, causes[0].layer) == ("sign", "")
    assert [c.id for c in causes].count("sign") == 1


def test_two_mistakes_at_once_are_both_named() -> None:
    e = net()
    hand = {n: 11 * g for n, g in e.gradients.items()}
    hand["dense_2/kernel"] = hand["dense_2/kernel"].T
    assert {"missing_batch_mean", "transposed"} <= {c.id for c in diagnose(hand, e)}


def test_quick_looks_at_the_arrays_alone() -> None:
    e = net()
    assert diagnose({n: -g for n, g in e.gradients.items()}, e, quick=True)[0].id == "sign"
    bare = {n: -g for n, g in e.gradients.items()}
    assert diagnose(bare, dict(e.gradients))[0].id == "sign"


def test_what_no_mistake_explains_is_located() -> None:
    e = net()
    hand = {n: g.copy() for n, g in e.gradients.items()}
    hand["dense_2/kernel"][2, 3] += 0.1
    diff = compare(hand, e)
    assert diff.verdict is Status.MISMATCH
    assert diff.causes == ()
    assert "row 2" in diff.unexplained
    assert "column 3" in diff.unexplained


def test_a_planted_error_hides_the_mistake() -> None:
    """The residual must be within rounding: 0.1 % beside a known mistake is not that mistake alone."""
    e = net()
    hand = {n: 11 * g for n, g in e.gradients.items()}
    hand["dense_1/kernel"] = hand["dense_1/kernel"] * (1 + 1e-3 * np.random.default_rng(0).random((7, 5)))
    assert "missing_batch_mean" not in {c.id for c in diagnose(hand, e)[:1] if not c.same_as}


# all zero


def test_zeros_everywhere_are_said_to_be_zeros_before_any_mistake_that_gives_them() -> None:
    e = net()
    first, *others = compare({n: 0 * g for n, g in e.gradients.items()}, e).causes
    assert first.id == "missing_gradient"
    assert first.message.startswith("every gradient of yours is zero: nothing was computed, or nothing was stored")
    assert "wrong_target" in first.same_as
    assert "wrong_target" in [cause.id for cause in others]


def test_zeros_everywhere_are_one_cause_where_no_network_is_known() -> None:
    e = net()
    (cause,) = compare({n: 0 * g for n, g in e.gradients.items()}, dict(e.gradients), rtol=1e-9).causes
    assert cause.id == "missing_gradient"


@pytest.mark.parametrize("known", [True, False])
def test_one_gradient_that_is_not_zero_is_enough(known: bool) -> None:
    e = net()
    hand = {n: 0 * g for n, g in e.gradients.items()} | {"dense_2/bias": e.gradients["dense_2/bias"]}
    diff = compare(hand, e) if known else compare(hand, dict(e.gradients), rtol=1e-9)
    assert "missing_gradient" not in [cause.id for cause in diff.causes]


def test_gradients_that_are_rightly_zero_are_no_mistake() -> None:
    zeros = {"w": np.zeros(3)}
    assert compare(zeros, zeros, rtol=1e-9).causes == ()
    assert diagnose(zeros, zeros) == ()


# weights of the samples

IN_THE_LOSS = (
    *("sign", "output_derivative_kept", "softmax_twice", "softmax_elementwise", "bce_inner_sign", "other_loss"),
    "wrong_target",
)
LOST = ("reversed", "shifted", "half sum", "half_sum", "quadratic, without f′")
"""Slips that are others, or none, on repeated samples: of their order, of N, or δ = c (p − y) as it should be."""


@pytest.mark.parametrize("name", ["classes", "labels", "logits", "yes or no"])
def test_a_mistake_in_the_loss_is_named_though_samples_are_weighed(
    name: str, problem: Callable[..., Problem], hand: Callable[..., Arrays]
) -> None:
    """A sample of weight 2 is two samples: so the independent derivation, which has no weights, makes it here, too."""
    plain = problem(name)
    times = np.random.default_rng(0).integers(1, 4, plain.batch)
    rows = np.repeat(np.arange(plain.batch), times)
    repeated = replace(plain, x=plain.x[rows], y=plain.y[rows])
    reference = evaluation_of(replace(plain, sample_weight=times.astype(float)))
    named = set()
    for slip in (s for s in possible_slips(plain) if s.id in IN_THE_LOSS and not any(w in str(s) for w in LOST)):
        made = {n: len(rows) / plain.batch * g for n, g in hand(repeated, slip).items()}
        causes = diagnose(made, reference)
        assert slip.id in {i for c in causes for i in (c.id, *c.same_as)}, slip
        named.add(slip.id)
    assert {"sign", "output_derivative_kept", "softmax_twice", "other_loss", "wrong_target"} <= named
