from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from experiments.students.slips import Slip
from gradient_diff import GradientDiff, diagnose
from gradient_diff.diagnosis.mistakes.regularisation import decay_between
from manual_mlp import Problem, evaluation_of

RATE = 0.0625


@pytest.mark.parametrize("name", ["l2_missing", "l2_factor", "l2_sign", "l2_bias"])
def test_a_wrong_decay_is_named(name: str, rightly_named: Callable[[str], None]) -> None:
    rightly_named(name)


@pytest.mark.parametrize(
    ("slip", "words"),
    [
        (Slip("l2_missing", value=RATE), "the decay term 2λW of E is missing, λ = 0.0625"),
        (Slip("l2_factor", form="λW", value=RATE), "half of what E + λΣW² gives, λ = 0.0625"),
        (Slip("l2_factor", form="4λW", value=RATE), "twice what E + λΣW² gives, λ = 0.0625"),
        (Slip("l2_factor", form="2λW/N", value=RATE), "the decay term is 2λW/N, with N = 7"),
        (Slip("l2_factor", form="λW/N", value=RATE), "the decay term is λW/N, with N = 7"),
        (Slip("l2_sign", value=RATE), "the decay term is subtracted, λ = 0.0625"),
        (Slip("l2_bias", value=RATE), "your bias gradients have a decay term, too, 2λb with λ = 0.0625"),
    ],
)
def test_a_reference_that_shows_its_decay_tells_them_apart(
    slip: Slip, words: str, problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    (cause,) = diff(problem("regression"), slip).causes
    assert (cause.id, cause.same_as) == (slip.id, ())
    assert words in cause.message


def test_a_decay_that_only_the_hand_has_is_one_too_many(problem: Callable[..., Problem]) -> None:
    known = problem("regression")
    e = evaluation_of(known)
    mine = {n: g + 0.25 * known.parameters[n] if n.endswith("kernel") else g for n, g in e.gradients.items()}
    (cause,) = diagnose(mine, e)
    assert cause.id == "l2_missing"
    assert "differ from the reference's by 0.25 · W" in cause.message


def test_no_decay_is_seen_where_there_is_none() -> None:
    rng = np.random.default_rng(0)
    assert decay_between({"w": rng.normal(size=50)}, {"w": rng.normal(size=50)}) is None
    assert decay_between({"w": np.ones(2)}, {"w": np.zeros(2)}) is None


@pytest.mark.parametrize(
    ("slip", "layer", "words", "written"),
    [
        (Slip("l2_missing", 0), "dense_1", "the decay term 2λW of E is missing, λ = 0.03", "dE/dW = xᵀ δ"),
        (Slip("l2_factor", 2, "λW"), "dense_3", "half of what E + λΣW² gives, λ = 0.1", "dE/dW = z_prevᵀ δ + 0.1 W"),
        (Slip("l2_sign", 0), "dense_1", "the decay term is subtracted", "dE/dW = xᵀ δ − 0.06 W"),
        (Slip("l2_bias", 2), "dense_3", "the bias gradient has a decay term, too, 2λb", "dE/db = Σ_N δ + 0.2 b"),
        (Slip("l2_missing"), "", "in every layer that has one, the decay term 2λW", "dE/dW = z_prevᵀ δ"),
    ],
)
def test_a_decay_that_E_has_is_looked_for_in_its_equation(
    slip: Slip,
    layer: str,
    words: str,
    written: str,
    problem: Callable[..., Problem],
    diff: Callable[..., GradientDiff],
) -> None:
    (cause, *_) = diff(problem("decayed"), slip).causes
    assert (cause.id, cause.layer, cause.same_as) == (slip.id, layer, ())
    assert words in cause.message
    assert layer == "" or cause.written == written


@pytest.mark.parametrize(
    "slip", [Slip("missing_batch_mean"), Slip("factor_two", form="2"), Slip("batch_mean_twice", form="everywhere")]
)
def test_a_factor_of_the_loss_leaves_the_decay_as_it_is(
    slip: Slip, problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    (cause, *_) = diff(problem("decayed"), slip).causes
    assert slip.id in (cause.id, *cause.same_as)
    assert "but for the decay" in cause.message
