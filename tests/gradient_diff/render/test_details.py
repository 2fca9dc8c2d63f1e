import re

import numpy as np

from gradient_diff import GradientDiff, compare, measure
from gradient_diff.render.details import to_details
from gradient_diff.render.html import to_html


def test_the_text_of_metrics_is_their_details(different: GradientDiff) -> None:
    metrics = different["dense_2/kernel"].metrics
    assert metrics is not None
    text = str(metrics)
    assert text == to_details(metrics)
    assert text.startswith("(5, 2): 10 of 10 entries differ, 0 of opposite sign\n")
    assert sum(line.startswith("  [") for line in text.splitlines()) == len(metrics.worst) == 10
    assert "scale 64" in text


def test_the_decades_count_every_finite_entry_and_the_longest_bar_is_the_largest() -> None:
    h = np.concatenate([np.zeros(50), np.full(20, 1e-9), np.full(7, 1e-3), [np.nan, np.inf]])
    text = to_details(measure(h, np.zeros(79)))
    lines = re.findall(r"^  (0|1e\S+ to 1e\S+) +(\d+)  (█+)$", text, re.MULTILINE)
    assert [(name, int(n)) for name, n, _ in lines] == [("0", 50), ("1e-09 to 1e-08", 20), ("1e-03 to 1e-02", 7)]
    assert [len(bar) for *_, bar in lines] == [30, 12, 5]
    assert "not finite: hand 1 NaN, 1 ±∞; reference 0 NaN, 0 ±∞; measured are the other 77" in text


def test_what_can_be_is_written(extreme: GradientDiff) -> None:
    for row in extreme.rows:
        if row.metrics is not None:
            assert str(row.metrics.size) in to_details(row.metrics).replace(",", "")


def test_equal_arrays_have_neither_decades_nor_worst_entries() -> None:
    assert len(to_details(measure(np.eye(2), np.eye(2))).splitlines()) == 5
    assert "NaN" in to_details(measure(np.zeros(0), np.zeros(0)))


def test_the_page_folds_them_away_below_their_row() -> None:
    page = to_html(compare({"<w>": np.ones(2)}, {"<w>": np.array([1.0, 2.0])}))
    (found,) = re.findall(r"<details><summary>All numbers</summary>.*?</details>", page, re.DOTALL)
    assert page.index("&lt;w&gt;<small>") < page.index(found)
    assert "[1]  hand 1, reference 2" in found
    assert "All numbers</summary>" not in to_html(compare({"w": np.ones(2)}, {"w": np.ones(2)}))


def test_three_entries_in_full() -> None:
    said = to_details(measure(np.array([1.0, 2.0, 3.5]), np.array([1.0, 2.25, 3.0])))
    assert said.splitlines() == [
        "(3,): 2 of 3 entries differ, 0 of opposite sign",
        "‖hand‖ 4.2e+00, ‖reference‖ 3.9e+00, relative L2 1.4e-01, needs rtol 1.7e-01",
        "cosine 0.9926, scale 1.062",
        "|difference|: at most 2.8e-01 in half of the entries, 5.0e-01 in 90 %, 5.0e-01 in 99 %, 5.0e-01 in all",
        "units in the last place: 1125899906842624 at most; 1 entries within 1, 1 within 16",
        "|difference| by decade",
        "  0               1  ███████████████",
        "  1e-01 to 1e+00  2  ██████████████████████████████",
        "worst entries",
        "  [2]  hand 3.5, reference 3",
        "  [1]  hand 2, reference 2.25",
    ]
