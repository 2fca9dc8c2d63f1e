"""What only a check against a Keras model can try: the guide's code, held against that model, is named so."""

from __future__ import annotations

import pytest

import keras_mlp
from gradient_diff import GradientDiff
from gradient_diff.diagnosis.settings import SETTINGS
from gradient_diff.guide.book import ENTRIES
from gradient_diff.guide.entry import Entry
from gradient_diff.guide.planting import hand_of
from gradient_diff.guide.skeletons import LAYOUTS, Layout
from gradient_diff.keras import check_gradients

pytestmark = pytest.mark.slow  # what may be another is tried on the model itself, which takes seconds for each


def checked(entry: Entry, layout: Layout, *, wrong: bool) -> GradientDiff:
    from keras import losses

    problem, smoothing = entry.shown_on.reference.problem, entry.shown_on.smoothing
    model = keras_mlp.to_keras(problem.mlp, problem.parameters, dtype="float64")
    loss = losses.CategoricalCrossentropy(label_smoothing=smoothing) if smoothing else problem.loss.name
    hand = hand_of(entry, layout, wrong=wrong)
    return check_gradients(model, problem.x, problem.y, hand, loss=loss, sample_weight=problem.sample_weight)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", [name for name in SETTINGS if name in ENTRIES])
def test_the_code_before_is_named_and_the_code_after_is_right(name: str, layout: Layout) -> None:
    assert checked(ENTRIES[name], layout, wrong=False).ok
    assert [cause.id for cause in checked(ENTRIES[name], layout, wrong=True).causes] == [name]


def test_another_mistake_is_not_named_so() -> None:
    assert "bias_left_out" not in [cause.id for cause in checked(ENTRIES["sign"], "rows", wrong=True).causes]
