"""Large arrays as small matrices: the entry of largest magnitude of each block stays."""

import numpy as np

from gradient_diff.render.figures.pooling import blocks, matrix, pooled, pooling_words


def test_the_entry_of_largest_magnitude_stays_with_its_sign() -> None:
    a = np.zeros((130, 300))
    a[129, 299], a[0, 0], a[0, 1] = -7.0, 1.0, -2.0
    small = pooled(a, 128)
    assert small.shape == (65, 100)
    assert (small[0, 0], small[-1, -1]) == (-2.0, -7.0)
    assert np.count_nonzero(small) == 2
    a[5, 5] = np.nan
    assert np.isnan(pooled(a, 128)[2, 1])
    assert pooling_words(*blocks(a.shape, 128)) == "each cell the largest magnitude of 2 × 3 entries"


def test_small_arrays_are_not_pooled() -> None:
    a = np.random.default_rng(0).normal(size=(128, 3))
    assert np.array_equal(pooled(a, 128), a)
    assert pooling_words(*blocks(a.shape, 128)) == ""
    assert blocks((40, 41), 40) == (1, 2)


def test_any_shape_is_laid_out_in_rows() -> None:
    assert [matrix(np.zeros(shape)).shape for shape in ((), (3,), (2, 3), (2, 3, 4))] == [
        (1, 1),
        (1, 3),
        (2, 3),
        (2, 12),
    ]
