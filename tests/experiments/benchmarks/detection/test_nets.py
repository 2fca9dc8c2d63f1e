from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from experiments.benchmarks.detection.nets import DTYPES, KINDS, SCALES, draw_problem


@pytest.mark.parametrize("number", range(16))
def test_a_network_is_of_its_kind(number: int) -> None:
    problem, kind = draw_problem(number, "float64", 1.0), KINDS[number % 8]
    assert (problem.batch == 1) is kind.one_sample
    if kind.square:
        assert {*problem.mlp.units} == {problem.mlp.inputs}
    largest = max(float(np.abs(a).max()) for n, a in problem.parameters.items() if n.endswith("/kernel"))
    assert (largest > 4) is kind.saturated  # 0.9 to 1.3 as drawn, 9 to 17 where they are multiplied by ten


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", SCALES)
def test_a_number_means_the_same_numbers_in_every_variant(dtype: str, scale: float) -> None:
    plain, other = draw_problem(3, "float64", 1.0), draw_problem(3, dtype, scale)
    assert other.dtype == dtype
    assert other.loss == replace(plain.loss, scale=scale)
    np.testing.assert_array_equal(other.x, plain.x.astype(dtype))
