"""Numbers moved in their last digits, as a dtype holds them."""

from __future__ import annotations

import numpy as np

from gradient_diff.noise.draws import moved

RNG = np.random.default_rng(0)


def test_the_first_draw_only_rounds() -> None:
    assert float(moved(np.array([1.0]), "float32", RNG, 0)[0]) == 1.0
    assert float(moved(np.array([0.1]), "float32", RNG, 0)[0]) == float(np.float32(0.1))


def test_further_draws_move_each_number_up_or_down_or_not() -> None:
    drawn = np.array([moved(np.full(50, 1.5), "float32", RNG, draw) for draw in range(1, 9)])
    steps = set(((drawn - 1.5) / np.spacing(np.float32(1.5))).ravel())
    assert steps == {-2.0, 0.0, 2.0}  # 1.5 digits, rounded to even
    assert np.array_equal(drawn, np.float32(drawn).astype(np.float64))


def test_what_is_stored_more_finely_stays_so() -> None:
    fine = moved(np.array([0.1]), "float16", RNG, 0, "float32")
    assert float(fine[0]) == float(np.float32(0.1))


def test_whole_numbers_are_left_alone() -> None:
    labels = np.array([1, 2])
    assert moved(labels, "float32", RNG, 3) is labels
