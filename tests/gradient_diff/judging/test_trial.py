"""Who is off: what the witness may cost, and when nobody is believed any more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradient_diff import Status, compare
from gradient_diff.judging import trial
from gradient_diff.judging.case import Case
from gradient_diff.judging.trial import MOST_ASKED, who_is_off
from gradient_diff.noise.network import Kind, Noise
from gradient_diff.result.judged import Judged
from gradient_diff.sides import Pair
from gradient_diff.witnesses.complex_step import PASSES
from manual_mlp import MLP, Array, Dense
from manual_mlp.extend import GATE

NAMES = [f"w{i}" for i in range(MOST_ASKED + 2)]
OFF = Judged(Status.DIFFERENT, "far", "σ")


def _case(asked: list[str], says: float, error: float = 0.0, limit: float = 0.016) -> Case:
    """Hand 2, reference 1, what rounding explains of one side, and a witness from outside that answers one number."""

    def ask(name: str, direction: Array) -> tuple[float, float]:
        asked.append(name)
        return says, error

    hand, reference = ({n: np.array([value]) for n in NAMES} for value in (2.0, 1.0))
    sigma, bound = dict.fromkeys(NAMES, np.array([limit / GATE])), dict.fromkeys(NAMES, 0.0)
    return Case(Pair(hand, reference), Noise("float32", reference, sigma, bound, 0, kind=Kind.DRAWN), ask=ask)


def test_a_witness_from_outside_is_asked_about_so_many_rows_and_no_more() -> None:
    asked: list[str] = []
    found = who_is_off(_case(asked, 1.0), dict.fromkeys(NAMES, OFF))
    assert asked == NAMES[:MOST_ASKED]
    assert [j.status for j in found.values()] == [Status.MISMATCH] * MOST_ASKED + [Status.DIFFERENT] * 2


def test_each_trial_has_its_own_budget() -> None:
    asked: list[str] = []
    case = _case(asked, 1.0)
    for _ in range(2):
        who_is_off(case, dict.fromkeys(NAMES, OFF))
    assert len(asked) == 2 * MOST_ASKED


@pytest.mark.parametrize(
    ("says", "error", "status"),
    [
        (1.0, 0.0, Status.MISMATCH),
        (2.0, 0.0, Status.REFERENCE_OFF),
        (1.0, 5.0, Status.DIFFERENT),  # its own error is as large as what it was asked about
        (1.4, 0.0, Status.MISMATCH),  # neither is met: the farther one is off
        (1.6, 0.0, Status.REFERENCE_OFF),
    ],
)
def test_the_witness_sides_with_whom_it_meets(says: float, error: float, status: Status) -> None:
    assert who_is_off(_case([], says, error), {"w0": OFF})["w0"].status is status


@pytest.mark.parametrize(
    ("says", "convicts"), [(1.39, Status.MISMATCH), (1.45, Status.DIFFERENT), (1.55, Status.DIFFERENT)]
)
def test_the_error_of_the_witness_is_granted_beside_the_rounding(says: float, convicts: Status) -> None:
    """Rounding explains 0.4, its error 0.2 more: a hand 0.55 from what it says is not convicted, one 0.61 is."""
    assert who_is_off(_case([], says, 0.2, limit=0.4), {"w0": OFF})["w0"].status is convicts


def test_the_passes_of_all_gradients_together_stay_within_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty gradients are off; each asks for one pass at least."""
    spent: list[int] = []
    plain: Any = trial.testify

    def counted(*given: object) -> object:
        found = plain(*given)
        spent.append(found.passes)
        return found

    monkeypatch.setattr(trial, "testify", counted)
    mlp = MLP(2, [Dense(2, "tanh")] * 15)
    e = mlp.backpropagate(mlp.initialize(0), np.ones((3, 2)), np.zeros((3, 2)), "mse")
    diff = compare({n: 2 * g for n, g in e.gradients.items()}, e)
    assert sum(row.status is Status.MISMATCH for row in diff.rows) == 30
    assert sum(spent) == PASSES


def test_a_noise_that_is_not_the_networks_own_asks_no_witness_inside() -> None:
    mlp = MLP(1, [Dense(1)])
    e = mlp.backpropagate(mlp.initialize(0), np.ones((2, 1)), np.zeros((2, 1)), "mse")
    twice = {n: 2 * g for n, g in e.gradients.items()}
    assert compare(twice, e).verdict is Status.MISMATCH
    assert compare(twice, e, rtol=1e-9).verdict is Status.DIFFERENT
