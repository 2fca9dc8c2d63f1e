import hashlib
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from gradient_diff import GradientDiff, compare
from gradient_diff.render.figures import canvas
from gradient_diff.render.figures.differences import difference_histogram, difference_per_layer, sigma_distances
from gradient_diff.render.figures.heatmaps import _pooled, kernel_heatmaps
from gradient_diff.render.figures.saving import save_figures
from gradient_diff.render.figures.scatters import scatter
from manual_mlp import MLP, Dense, Evaluation


def _texts(figure: Figure) -> list[str]:
    return [t.get_text() for t in figure.findobj(mpl.text.Text) if t.get_text()]


def test_every_figure_of_every_extreme_is_drawn_without_a_warning(extreme: GradientDiff, tmp_path: Path) -> None:
    for draw in (scatter, difference_per_layer, sigma_distances, difference_histogram):
        canvas.save(draw(extreme), tmp_path / f"{draw.__name__}.png")
    for path in save_figures(extreme, tmp_path / "figures").values():
        with Image.open(path) as image:
            assert image.width > 300


def test_a_diff_without_arrays_to_draw_says_so() -> None:
    diff = compare({"a": np.ones(2)}, {"b": np.ones(2)})
    assert _texts(scatter(diff)) == ["No kernel has values of one shape on both sides."]
    assert _texts(difference_histogram(diff)) == ["No row has values of one shape on both sides."]


# heat maps


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


def test_large_kernels_are_pooled_by_largest_magnitude_with_its_sign() -> None:
    a = np.zeros((130, 300))
    a[129, 299], a[0, 0], a[0, 1] = -7.0, 1.0, -2.0
    pooled = _pooled(a)
    assert pooled.shape == (65, 100)
    assert (pooled[0, 0], pooled[-1, -1]) == (-2.0, -7.0)
    assert np.count_nonzero(pooled) == 2
    a[5, 5] = np.nan
    assert np.isnan(_pooled(a)[2, 1])
    assert any("each cell the largest magnitude of 2 × 3 entries" in t for t in _texts(kernel_heatmaps(a, a)))


def test_small_kernels_are_not_pooled() -> None:
    a = np.random.default_rng(0).normal(size=(128, 3))
    assert _pooled(a) is a or np.array_equal(_pooled(a), a)
    assert not any("each cell" in t for t in _texts(kernel_heatmaps(a, a)))


def test_entries_that_are_not_finite_are_counted() -> None:
    assert "hand; grey or black: 1 not finite" in _texts(kernel_heatmaps([[np.nan, 1.0]], [[0.0, 1.0]]))


def test_a_title_is_never_read_as_mathematics(tmp_path: Path) -> None:
    for shape in ((0, 2), (2, 2)):
        canvas.save(kernel_heatmaps(np.ones(shape), np.ones(shape), r"$\frac$"), tmp_path / "a.png")


def test_heat_maps_of_two_shapes_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"kernel_heatmaps\(\) of shapes \(3, 1\) and \(3,\): expected two arrays of one shape"
    ):
        kernel_heatmaps(np.ones((3, 1)), np.ones(3))


# scatter


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


# differences


def test_one_mark_per_row_in_the_order_of_the_computation(different: GradientDiff) -> None:
    axes = difference_per_layer(different).axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == [row.name for row in different.rows]
    marks = {
        float(np.asarray(c.get_offsets())[0, 1]): float(np.asarray(c.get_offsets())[0, 0]) for c in axes.collections
    }
    assert sorted(marks) == list(range(len(different.rows)))
    place = [row.name for row in different.rows].index("dense_2/dE_dkernel")
    assert marks[place] == pytest.approx(np.log10(63))
    floor = axes.get_xticks()[0]
    assert {x for y, x in marks.items() if y != place} == {floor}
    words, beside, *others = [tick.get_text() for tick in axes.get_xticklabels()]
    assert (words, beside) == ("exactly\nequal", "")  # a number there would run into the words
    assert any("10" in text for text in others)


def test_an_infinite_difference_has_a_place_of_its_own_and_a_missing_row_a_word(mixed: GradientDiff) -> None:
    infinite = difference_per_layer(compare({"w": np.ones(2)}, {"w": np.zeros(2)})).axes[0]
    assert infinite.get_xticklabels()[-1].get_text() == "∞"
    words = _texts(difference_per_layer(mixed))
    assert [words.count(name) for name in ("MISSING", "SHAPE", "NONFINITE")] == [2, 1, 1]


def _bars(diff: GradientDiff) -> dict[int, tuple[float, float]]:
    """Row → where its bar ends, on the axis of logarithms, and how long it is."""
    bars = [patch for patch in sigma_distances(diff).axes[0].patches if abs(patch.get_height() - 0.6) < 1e-9]
    return {round(b.get_y() + 0.3): (b.get_x() + b.get_width(), b.get_width()) for b in bars}


def test_distances_in_sigma_are_bars_on_a_log_axis_with_a_line_at_the_gate(evaluation: Evaluation) -> None:
    diff = compare({n: g * (1 + 1e-9) for n, g in evaluation.gradients.items()}, evaluation)
    ends = {place: end for place, (end, _) in _bars(diff).items()}
    assert ends == pytest.approx({i: np.log10(row.distance) for i, row in enumerate(diff.rows) if row.distance})
    assert len(ends) == 4
    axes = sigma_distances(diff).axes[0]
    gates = [line.get_xdata()[0] for line in axes.lines]
    assert gates == pytest.approx([np.log10(16)])
    assert [t.get_text() for t in axes.get_yticklabels()] == [row.name for row in diff.rows]


def test_no_distance_is_no_bar_and_both_modes_are_drawn(evaluation: Evaluation) -> None:
    same = compare(evaluation, Evaluation(evaluation.nodes, evaluation.problem, "again"))
    axes = sigma_distances(same).axes[0]
    assert {length for _, length in _bars(same).values()} == {0.0}
    assert axes.get_xticklabels()[0].get_text() == "0"
    words = _texts(sigma_distances(same))
    assert {"as it ran: MATCH", "hand, isolated", "reference, isolated"} <= set(words)
    alone = _texts(sigma_distances(compare(evaluation.gradients, evaluation)))
    assert "hand, isolated" not in alone


def test_an_infinite_distance_ends_beyond_the_axis() -> None:
    r = {"w": np.array([1.0, 2.0])}
    axes = sigma_distances(compare({"w": r["w"] * 2}, r, noise=r)).axes[0]
    assert axes.get_xticklabels()[-1].get_text() == "∞"


def test_without_any_sigma_the_figure_says_so() -> None:
    words = _texts(sigma_distances(compare({"w": np.ones(2)}, {"w": np.ones(2)})))
    assert words == ["Nothing says how much rounding to expect: there is no distance in σ."]


def test_the_histogram_counts_every_entry_once(different: GradientDiff) -> None:
    h, r = np.array([1.0, 1.1, 2.0, np.nan]), np.array([1.0, 1.0, 1.0, 1.0])
    axes = difference_histogram(compare({"w": h}, {"w": r})).axes[0]
    assert axes.get_title() == "1 of 4 entries are exactly equal, 1 are not finite"
    assert sum(patch.get_height() for patch in axes.patches) == 2


# files


def test_the_same_diff_gives_the_same_bytes_whatever_the_users_style(different: GradientDiff, tmp_path: Path) -> None:
    first = save_figures(different, tmp_path / "a")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.dpi": 20, "figure.dpi": 30}):
        second = save_figures(different, tmp_path / "b")
        assert mpl.rcParams["font.size"] == 30
    assert [_digest(p) for p in first.values()] == [_digest(p) for p in second.values()]
    assert len({_digest(p) for p in first.values()}) == 6


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_files_hold_no_date_and_no_version(different: GradientDiff, tmp_path: Path) -> None:
    for path in save_figures(different, tmp_path).values():
        with Image.open(path) as image:
            assert set(image.info) <= {"dpi"}


def test_a_typical_folder_is_small(tmp_path: Path) -> None:
    mlp = MLP(784, [Dense(50, "tanh"), Dense(100, "tanh"), Dense(10, "softmax")])
    rng = np.random.default_rng(0)
    e = mlp.backpropagate(
        mlp.initialize(0), rng.random((100, 784)), rng.integers(0, 10, 100), "sparse_categorical_crossentropy"
    )
    rounded = Evaluation({n: a.astype(np.float32) for n, a in e.nodes.items()}, e.problem, "rounded")
    paths = save_figures(compare(e, rounded), tmp_path)
    assert sum(path.stat().st_size for path in paths.values()) < 200_000


def test_file_names_are_plain_and_distinct_whatever_the_names_are(hostile: str, tmp_path: Path) -> None:
    arrays = {name: np.eye(2) for name in (hostile, "../../w", "a/b", "a_b", "A_b", "层")}
    paths = list(save_figures(compare(arrays, arrays), tmp_path).values())
    assert len({path.name.lower() for path in paths}) == len(paths) == 9
    assert all(path.parent == tmp_path and path.is_file() and path.name.isascii() for path in paths)
