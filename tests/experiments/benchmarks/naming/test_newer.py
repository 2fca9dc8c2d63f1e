"""The trials of newer mistakes: each kind comes up, is seen, and a name that is not its own is counted."""

from __future__ import annotations

import pytest

from experiments.benchmarks.naming.newer import newer_trials_on
from experiments.benchmarks.naming.rates import _newer
from experiments.benchmarks.naming.trials import Naming
from gradient_diff import MISTAKES


@pytest.fixture(scope="module")
def trials() -> list[Naming]:
    return list(newer_trials_on(1))


@pytest.mark.slow
def test_every_kind_comes_up_and_is_named(trials: list[Naming]) -> None:
    ids = {t.id for t in trials}
    assert ids >= {name for name, mistake in MISTAKES.items() if mistake.family == "normalisation"}
    assert ids >= {"derivative_wrong", "missing_derivative", "derivative_at_output", "other_loss"}
    assert all(t.first for t in trials if t.visible)
    assert all(_newer(trials).claims.values())


def test_a_wrong_name_is_counted() -> None:
    right = Naming("other_loss", 0, "float64", "", True, True, True, False, "other_loss")
    wrong = Naming("other_loss", 0, "float64", "", True, False, False, True, "sign")
    part = _newer([right] * 9 + [wrong])
    assert not any(part.claims.values())
    assert list(part.tables["Newer, not named first"].frame["said"]) == ["sign"]
