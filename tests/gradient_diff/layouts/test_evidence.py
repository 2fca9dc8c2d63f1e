"""What values say for one reading against another."""

from __future__ import annotations

import numpy as np
import pytest

from gradient_diff.layouts.evidence import FLAT, far, is_better, voices

R = np.array([[1.0, 2.0, 3.0], [-4.0, 5.0, 0.5], [0.0, 7.0, -8.0]])


def test_a_multiple_points_the_same_way_whatever_its_sign() -> None:
    for factor in (1.0, -2.0, 1e-200, 1e200):
        found = far(factor * R, R)
        assert found is not None
        assert found[0] == FLAT


def test_strangers_and_zeros_are_far() -> None:
    stranger, zeros, both = far(R.T, R), far(0 * R, R), far(0 * R, 0 * R)
    assert stranger is not None
    assert zeros == (1.0, 1.0)
    assert both == (FLAT, 0.0)
    assert stranger[0] > 0.5


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_what_is_no_number_is_no_evidence(odd: float) -> None:
    assert far(np.full((3, 3), odd), R) is None


def test_one_array_against_silences_the_others() -> None:
    reference = {"a": R, "b": R + 1, "c": R - 2}
    right, turned = dict(reference), {n: a.T for n, a in reference.items()}
    assert voices(right, turned, reference) == 3
    assert voices(right | {"c": turned["c"]}, turned | {"c": right["c"]}, reference) == 0


def test_an_array_that_is_wrong_in_both_speaks_for_neither() -> None:
    odd = np.array([[1.0, -1.0, 1.0], [1.0, 0.1, -1.0], [0.3, 1.0, 1.0]])
    reference = {"a": R, "b": R + 1, "c": np.ones((3, 3))}
    right, turned = {"a": R, "b": R + 1, "c": odd}, {"a": R.T, "b": (R + 1).T, "c": odd.T}
    assert voices(right, turned, reference) == 2


def test_two_numbers_that_point_near_by_chance_are_not_heard() -> None:
    reference = {"a": np.array([1.0, 2.0])}
    assert voices({"a": np.array([1.0, 1.7])}, {"a": np.array([1.7, -1.0])}, reference) == 0
    assert voices({"a": np.array([2.0, 4.0])}, {"a": np.array([4.0, -2.0])}, reference) == 1


def test_sizes_tell_where_directions_do_not() -> None:
    """One sample and one input: dE/dW = x δ is a multiple of dE/db = δ."""
    delta, x = np.array([1.0, -2.0, 0.5, 3.0]), 0.1
    reference = {"w": x * delta, "b": delta}
    assert is_better(reference, {"w": delta, "b": x * delta}, reference)
    assert not is_better({"w": delta, "b": x * delta}, reference, reference)
