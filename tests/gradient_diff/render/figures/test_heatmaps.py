"""Hand, reference and difference side by side."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from gradient_diff.render.figures import canvas
from gradient_diff.render.figures.heatmaps import kernel_heatmaps


def _texts(figure: Figure) -> list[str]:
    return [t.get_text() for t in figure.findobj(mpl.text.Text) if t.get_text()]


def _images(figure: Figure) -> list[np.ndarray]:
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes[:3]]


def test_hand_and_reference_share_a_scale_around_zero_and_the_difference_has_its_own() -> None:
    h, r = np.array([[4.0, -1.0]]), np.array([[2.0, -1.5]])
    hand, reference, difference = _images(kernel_heatmaps(h, r))
    np.testing.assert_allclose(hand, h / 4)
    np.testing.assert_allclose(reference, r / 4)
    np.testing.assert_allclose(difference, (h - r) / 2)
    figure = kernel_heatmaps(h, r)
    assert {axes.images[0].get_clim() for axes in figure.axes[:3]} == {(-1, 1)}
    assert {"4.0e+00", "−4.0e+00", "2.0e+00", "−2.0e+00", "hand", "reference", "hand − reference"} <= set(
        _texts(figure)
    )


def test_an_exact_zero_difference_is_said_in_words() -> None:
    assert "hand − reference: exactly 0" in _texts(kernel_heatmaps(np.eye(2), np.eye(2)))
    assert "hand − reference: exactly 0" not in _texts(kernel_heatmaps(np.eye(2), 2 * np.eye(2)))


def test_large_kernels_are_pooled_and_the_title_says_so() -> None:
    a = np.ones((130, 300))
    assert any("each cell the largest magnitude of 2 × 3 entries" in t for t in _texts(kernel_heatmaps(a, a)))
    assert not any("each cell" in t for t in _texts(kernel_heatmaps(a[:128, :3], a[:128, :3])))


def test_entries_that_are_not_finite_are_counted() -> None:
    assert "hand; grey or black: 1 not finite" in _texts(kernel_heatmaps([[np.nan, 1.0]], [[0.0, 1.0]]))


def test_a_title_is_never_read_as_mathematics(tmp_path: Path) -> None:
    for shape in ((0, 2), (2, 2)):
        canvas.save_figure(kernel_heatmaps(np.ones(shape), np.ones(shape), r"$\frac$"), tmp_path / "a.png")


def test_heat_maps_of_two_shapes_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"kernel_heatmaps\(\) of shapes \(3, 1\) and \(3,\): expected two arrays of one shape"
    ):
        kernel_heatmaps(np.ones((3, 1)), np.ones(3))
