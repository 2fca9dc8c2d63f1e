from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from experiments.beyond.saturation import pictures as pictures

STUDY = "saturation"

Tables = Callable[[str], pd.DataFrame]


@pytest.mark.slow
def test_the_pictures_are_drawn_from_the_saved_tables(table: Tables) -> None:
    assert len(pictures.unit_picture(table("de_du_of_one_unit_by_u")).axes[0].lines) == 4
    growth = pictures.growth_picture(table("how_far_off_each_way_is"))
    assert [line.get_label() for line in growth.axes[0].lines] == list(pictures.COLOURS)


def test_each_panel_of_the_training_shows_its_own_columns(table: Tables) -> None:
    frame = table("training_both_ways")
    panels = pictures.training_picture(frame).axes
    for axes, kind in zip(panels, ("E", "accuracy", "certain and wrong"), strict=True):
        assert [line.get_label() for line in axes.lines] == [pictures.LOGITS, pictures.LOST]
        for line in axes.lines:
            np.testing.assert_array_equal(line.get_ydata(), frame[kind][frame["trained"] == line.get_label()])
