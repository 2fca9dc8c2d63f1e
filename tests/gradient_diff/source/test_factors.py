from __future__ import annotations

import pytest

from gradient_diff.source.factors import factors_of, of_its_batch, order_of


@pytest.mark.parametrize("rate", [None, 0.3])
def test_factors_have_one_name_each(rate: float | None) -> None:
    factors = factors_of(5, 2, rate)
    assert len({round(v, 12) for v in factors.values()}) == len(factors)
    assert next(iter(factors)) == "1"


def test_the_mean_of_a_mini_batch_comes_before_what_may_be_an_accident() -> None:
    order = order_of(factors_of(5, 2, None))
    first = sorted(order, key=lambda label: order[label][0])[:4]
    assert first == ["1", "−1", of_its_batch("1"), of_its_batch("−1")]
    assert order[of_its_batch("2")][1:] == ("2", True)
