"""Every expression of one or two operands: what NumPy makes of its code is what it says of itself."""

import numpy as np
import pytest

from gradient_diff.shapes.expressions import LARGEST, Expression, expressions
from gradient_diff.shapes.operands import Operand

SHAPES = [(), (3,), (4,), (4, 1), (1, 3), (4, 3), (3, 4), (4, 4), (4, 5), (2, 3, 4)]


def _all(*shapes: tuple[int, ...]) -> list[Expression]:
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape) for shape in shapes]
    return expressions([Operand(n, a.shape, a) for n, a in zip("ab", arrays, strict=False)], {})


@pytest.mark.parametrize("a", SHAPES)
@pytest.mark.parametrize("b", SHAPES)
def test_code_shape_and_values_agree(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    found = _all(a, b)
    for e in (e for e in found if e.shape is not None):
        rng = np.random.default_rng(0)
        names = {"np": np, "a": rng.normal(size=a), "b": rng.normal(size=b)}
        made = np.asarray(eval(e.code, {}, names))
        values = e.values()
        assert values is not None
        assert made.shape == values.shape == e.shape, e.code
        assert np.allclose(made, values), e.code


def test_only_a_plain_product_that_does_not_multiply_is_told() -> None:
    found = [e for e in _all((4, 3), (4, 5)) if e.shape is None]
    assert [(e.text, e.why) for e in found] == [
        ("a b", "does not multiply: 3 and 4 differ"),
        ("b a", "does not multiply: 5 and 4 differ"),
    ]


def test_the_kernels_gradient_is_found_with_its_other_notations() -> None:
    found = expressions([Operand("z", (100, 784)), Operand("delta", (100, 50))], {"batch": 100})
    (kernel,) = [e for e in found if e.shape == (784, 50)]
    assert (kernel.text, kernel.code, kernel.shapes) == ("zᵀ δ", "z.T @ delta", "(784, 100)(100, 50)")
    assert kernel.same == ("(δᵀ z)ᵀ", "Σ_n z_n ⊗ δ_n")
    assert kernel.values() is None  # shapes have no values


def test_magnitudes_bound_the_sum_and_what_is_too_large_or_not_finite_has_no_values() -> None:
    a, b = np.array([[1.0, -1.0]]), np.array([[1.0], [1.0]])
    (product,) = [e for e in expressions([Operand("a", (1, 2), a), Operand("b", (2, 1), b)], {}) if e.text == "a b"]
    values, magnitudes = product.values(), product.values(magnitudes=True)
    assert values is not None
    assert magnitudes is not None
    assert (values.item(), magnitudes.item()) == (0.0, 2.0)
    assert Expression("a", "a", (LARGEST + 1,), "itself", arrays=(a,), function=np.abs).values() is None
    assert Expression("a", "a", (1,), "itself", arrays=(np.array([np.nan]),), function=np.abs).values() is None
