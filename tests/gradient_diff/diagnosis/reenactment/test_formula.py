from __future__ import annotations

import numpy as np
import pytest

from gradient_diff.diagnosis.reenactment.formula import Formula
from manual_mlp.extend import Penalty, PenaltyGradient, Plus, Precision

PRODUCT = Formula("{0} ⊙ {1}", lambda a, b: a * b)


def test_a_formula_has_its_own_notation() -> None:
    assert PRODUCT.render("δ", "z") == "δ ⊙ z"
    assert PRODUCT.evaluate(np.array([2.0]), np.array([3.0])).tolist() == [6.0]


def test_a_penalty_is_added_to_a_formula_as_to_an_operation() -> None:
    decayed = Plus(PRODUCT, PenaltyGradient(Penalty(l2=0.25)), 2)
    assert decayed.render("z", "δ", "W") == "z ⊙ δ + 0.5 W"
    assert decayed.evaluate(np.array([2.0]), np.array([3.0]), np.array([4.0])).tolist() == [8.0]


@pytest.mark.parametrize("u", [2.0**-24, 2.0**-53])
def test_its_rounding_is_a_few_units_of_the_result(u: float) -> None:
    a = np.array([1.0, 2.0])
    sigma = np.sqrt(PRODUCT.rounding(a * a, a, a, at=Precision.plain(u)).variance)
    assert (sigma > u * a * a).all()
    assert (sigma < 10 * u * np.max(a * a)).all()
