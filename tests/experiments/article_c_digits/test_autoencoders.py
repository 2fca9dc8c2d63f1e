from __future__ import annotations

import numpy as np
import pytest

from experiments.article_c_digits.autoencoders import Principal

POINTS = np.array([[3.0, 1.0], [-3.0, 1.0], [3.0, -1.0], [-3.0, -1.0]])


def test_what_the_projection_leaves_out_is_half_of_that_variance() -> None:
    found = Principal.of(POINTS, 1)
    np.testing.assert_allclose(found.variances, [9, 1])
    assert found.error == pytest.approx(0.5)
    assert found.error == pytest.approx(np.square(found.through(POINTS) - POINTS).sum() / (2 * len(POINTS)))
    assert Principal.of(np.array([[1.0, 0.0], [-1.0, 0.0]]), 1).error == 0


def test_angles_to_the_first_direction() -> None:
    found = Principal.of(POINTS, 1)
    for decoder, angle in (([[2.0, 0.0]], 0), ([[1.0, 1.0]], 45), ([[0.0, -1.0]], 90)):
        np.testing.assert_allclose(found.angles(np.array(decoder)), [angle], atol=1e-5)
