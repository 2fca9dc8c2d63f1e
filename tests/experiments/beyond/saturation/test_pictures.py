from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.beyond.saturation import pictures as pictures
from experiments.frame.running import Outcome


@pytest.fixture
def saved(fresh: Callable[[str], Outcome], tmp_path: Path) -> Path:
    """The tables alone."""
    shutil.copytree(fresh("saturation").report.parent / "tables", tmp_path / "tables")
    return tmp_path


def test_the_pictures_are_drawn_from_the_saved_tables(saved: Path) -> None:
    assert len(pictures.unit_picture(saved).axes[0].lines) == 4
    assert [line.get_label() for line in pictures.growth_picture(saved).axes[0].lines] == list(pictures.COLOURS)


def test_each_panel_of_the_training_shows_its_own_columns(saved: Path) -> None:
    frame = pd.read_csv(saved / "tables" / "training_both_ways.csv")
    panels = pictures.training_picture(saved).axes
    for axes, kind in zip(panels, ("E", "accuracy", "certain and wrong"), strict=True):
        assert [line.get_label() for line in axes.lines] == [pictures.LOGITS, pictures.LOST]
        for line in axes.lines:
            np.testing.assert_array_equal(line.get_ydata(), frame[kind][frame["trained"] == line.get_label()])
