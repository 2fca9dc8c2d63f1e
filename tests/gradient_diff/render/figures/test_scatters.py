"""Hand against reference."""

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from gradient_diff import GradientDiff, compare
from gradient_diff.render.figures.scatters import scatter


def _texts(figure: Figure) -> list[str]:
    return [t.get_text() for t in figure.findobj(mpl.text.Text) if t.get_text()]


def test_a_diff_without_kernels_says_so() -> None:
    diff = compare({"a": np.ones(2)}, {"b": np.ones(2)})
    assert _texts(scatter(diff)) == ["No kernel has values of one shape on both sides."]


def _points(figure: Figure, panel: int = 0) -> np.ndarray:
    return np.asarray(figure.axes[panel].collections[0].get_offsets())


def test_the_scatter_has_the_reference_across_and_hand_up() -> None:
    h, r = np.array([[1.0, 2.0]]), np.array([[4.0, -4.0]])
    np.testing.assert_allclose(_points(scatter(compare({"w": h}, {"w": r}))), [[1, 0.25], [-1, 0.5]])


def test_one_panel_per_kernel_titled_with_its_status(different: GradientDiff) -> None:
    titles = [axes.get_title() for axes in scatter(different).axes]
    assert titles == ["dense_2/dE_dkernel\nDIFFERENT", "dense_1/dE_dkernel\nMATCH"]


def test_thinning_is_deterministic_said_and_keeps_what_is_off() -> None:
    r = np.random.default_rng(0).normal(size=(200, 200))
    h = r.copy()
    h[123, 70:80] += 0.5
    diff = compare({"w": h}, {"w": r})
    points = _points(scatter(diff))
    assert 15_000 < len(points) <= 20_000
    assert np.array_equal(points, _points(scatter(diff)))
    assert np.count_nonzero(points[:, 0] != points[:, 1]) == 10
    assert "of 40,000 points" in scatter(diff).axes[0].get_title()


def test_few_points_are_all_drawn() -> None:
    assert len(_points(scatter(compare({"w": np.ones((140, 140))}, {"w": np.ones((140, 140))})))) == 19_600
