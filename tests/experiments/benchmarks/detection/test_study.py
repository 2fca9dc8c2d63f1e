from __future__ import annotations

import sys
from pathlib import Path

import pytest
from rich.progress import Progress

from experiments.benchmarks.detection import cases, study
from experiments.benchmarks.detection.study import settings_of_mistakes
from experiments.benchmarks.detection.trials import US
from experiments.frame.running import draw, save
from experiments.frame.study import Result, Settings

SMALL = 4  # a square network of two small layers


@pytest.fixture
def result(monkeypatch: pytest.MonkeyPatch, progress: Progress) -> Result:
    """The study on one network, without PyTorch, JAX and SciPy, installed or not."""
    for package in ("torch", "jax", "scipy", "scipy.optimize"):
        monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(study, "NETS", 1)
    monkeypatch.setattr(study, "OTHERS", 1)
    monkeypatch.setattr(study, "CORRECT", 8)
    monkeypatch.setattr(cases, "EPSILONS", (1e-1, 1e-7, 1e-14))
    return study.run(Settings(seed=SMALL), progress)


@pytest.mark.slow
def test_the_study_says_who_is_not_installed_and_draws(result: Result, tmp_path: Path) -> None:
    table = result.tables["Detection"].frame.set_index("tool")
    for name in ("torch.testing.assert_close", "jax.test_util.check_grads", "scipy.optimize.check_grad"):
        assert (table.loc[name, "missed"], table.loc[name, "false alarms"]) == ("not installed", "not installed")
    assert table.loc[US, ["missed", "false alarms"]].tolist() == [0, 0]
    assert table.loc["np.allclose", "mistakes that show"] == table.loc[US, "mistakes that show"] > 0
    assert "Not installed: torch.testing.assert_close (torch)" in " ".join(result.parts[0].paragraphs)
    save(result, tmp_path)
    drawn = draw(result, tmp_path)
    assert drawn.keys() == result.pictures.keys()
    assert all(len(svg) > 2000 for svg in drawn.values())
    assert all(path.stat().st_size > 5000 for path in (tmp_path / "figures").iterdir())
    holds = list(result.claims.values())
    assert holds[:2] == [True, True]


def test_the_real_sizes_are_of_16_networks_and_16_of_each_other_sort_in_6_variants() -> None:
    assert (len(settings_of_mistakes(Settings())), len(settings_of_mistakes(Settings(full=True)))) == (18, 288)
