"""What values decide, in every dtype."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest

from gradient_diff import explain_shapes

HALF = ("float16", ml_dtypes.bfloat16)


def said(batch: int, dtype: npt.DTypeLike, factor: float = 1.0, noise: float = 0.0) -> str:
    """Of a reference that is factor · zᵀ δ, or that and noise of its own size."""
    rng = np.random.default_rng(batch)
    z, delta = rng.normal(size=(batch, 7)).astype(dtype), rng.normal(size=(batch, 5)).astype(dtype)
    right = z.astype("f8").T @ delta.astype("f8")
    reference = factor * right + noise * np.abs(right).max() * rng.normal(size=right.shape)
    return str(explain_shapes({"z": z, "delta": delta}, target=(7, 5), reference=reference.astype(dtype)))


@pytest.mark.parametrize("dtype", [*HALF, "float32", "float64"])
def test_right_values_are_known_in_every_dtype(dtype: npt.DTypeLike) -> None:
    assert "zᵀ δ has the right values.\n" in said(11, dtype)
    assert "zᵀ δ has the right values, but 0.7" in said(11, dtype, 1.3)


@pytest.mark.parametrize("dtype", [*HALF, "float32", "float64"])
def test_wrong_values_are_not_taken_for_right_ones(dtype: npt.DTypeLike) -> None:
    assert "right values.\n" not in said(11, dtype, 1.3)
    assert "No expression of this shape has the right values" in said(11, dtype, noise=1.0)


def test_where_sums_are_too_coarse_values_decide_nothing() -> None:
    assert "In bfloat16 sums this long are too coarse: values decide nothing." in said(101, ml_dtypes.bfloat16)
