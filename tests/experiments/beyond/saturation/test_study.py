from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.beyond.saturation import study as study
from experiments.beyond.saturation.pictures import LOGITS, LOST
from experiments.frame.running import Outcome
from experiments.frame.study import Settings
from experiments.support.datasets import digits
from gradient_diff import Status
from manual_mlp.equations.loss_record import EPSILON

STUDY = "saturation"
Tables = Callable[[str], pd.DataFrame]


def test_all_is_as_expected(outcome: Outcome) -> None:
    assert outcome.failed == ()
    assert outcome.summary == "6 of 6 comparisons as expected, 8 of 8 claims hold"


def test_the_gradient_of_one_unit_is_the_formula_s(table: Tables) -> None:
    rows = table("de_du_of_one_unit_by_u")
    sigma = 1 / (1 + np.exp(-rows["u"]))
    np.testing.assert_allclose(rows["from logits, float64"], sigma - 1, atol=1e-15)
    inside = (sigma > EPSILON) & (sigma < 1 - EPSILON)
    np.testing.assert_array_equal(rows["probabilities, float64"] != 0, inside)


def test_the_clip_is_found_where_keras_has_it(table: Tables) -> None:
    rows = table("where_the_gradient_ends")
    edge = np.log(EPSILON / (1 - EPSILON))
    assert ((edge - 0.001 < rows.iloc[:, 1]) & (rows.iloc[:, 1] < edge)).all()  # a grid of 0.001 there
    assert {f"{u:.2f}" for u in rows.iloc[:, 1]} == {f"{edge:.2f}"}  # the digits of the text
    assert (rows["p there"] < EPSILON).all()


def test_a_loss_without_a_clip_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    logit: Callable[[Any, Any], Any] = study._from_logit  # noqa: SLF001  (in place of the clipped one)
    monkeypatch.setattr(study, "_from_probability", logit)
    assert not all(study.unit_part().claims.values())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("seed", [0, 1])
def test_probabilities_are_off_just_where_samples_are_clipped(dtype: str, seed: int) -> None:
    for scale in (1.0, 30.0):
        case = study.ScaledOutput(digits(), scale, Settings(dtype, seed=seed))
        assert case.clipped.any() == (scale > 1)
        assert case.diffs[LOGITS].verdict is Status.MATCH
        assert case.diffs[LOST].verdict is (Status.REFERENCE_OFF if scale > 1 else Status.MATCH)


def test_what_is_off_is_the_gradient_of_the_clipped_samples() -> None:
    case = study.ScaledOutput(digits(), 30.0, Settings())
    problem = case.hand.problem
    kept = ~case.clipped
    part = problem.mlp.backpropagate(problem.parameters, problem.x[kept], problem.y[kept], study.LOSS)
    expected = part.gradients["dense_2/kernel"] * kept.sum() / len(kept)
    np.testing.assert_allclose(case.references[LOST]["dense_2/kernel"], expected, atol=1e-6)


def test_the_page_says_what_the_mode_does_not_reach() -> None:
    part = study.growth_part({study.SHOWN: study.ScaledOutput(digits(), study.SHOWN, Settings())})
    assert "computed eagerly, whatever --mode says" in " ".join(part.paragraphs)
