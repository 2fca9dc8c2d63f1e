"""How large differences are, drawn."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from gradient_diff import GradientDiff, compare
from gradient_diff.render.figures.differences import difference_histogram, difference_per_layer, sigma_distances
from manual_mlp import Evaluation


def _texts(figure: Figure) -> list[str]:
    return [t.get_text() for t in figure.findobj(mpl.text.Text) if t.get_text()]


def test_a_diff_without_values_says_so() -> None:
    diff = compare({"a": np.ones(2)}, {"b": np.ones(2)})
    assert _texts(difference_histogram(diff)) == ["No row has values of one shape on both sides."]


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
