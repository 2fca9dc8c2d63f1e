import numpy as np
import pytest

from gradient_diff import Status, compare

ONES = np.ones((2, 3))


def _reasons(hand: dict[str, object], reference: dict[str, object]) -> list[str]:
    diff = compare(hand, reference, rtol=1e-6)  # type: ignore[arg-type]  # arrays
    return [row.reason for row in diff.rows if row.status is Status.MISSING]


def test_a_name_that_only_one_side_has_is_held_against_those_of_its_shape() -> None:
    others = {"a/bias": np.ones(3), "b/bias": np.ones(3)}
    reasons = _reasons({"a/weight": ONES, "b/weight": ONES, **others}, {"a/kernel": ONES, "b/kernel": ONES, **others})
    assert reasons == [
        f"the {side} side has no {missing}; it has {instead} of that shape: is it called otherwise there?"
        for side, missing, instead in [
            ("hand", "a/kernel", "a/weight"),
            ("hand", "b/kernel", "b/weight"),
            ("reference", "a/weight", "a/kernel"),
            ("reference", "b/weight", "b/kernel"),
        ]
    ]


@pytest.mark.parametrize("odd", [{}, {"a/weight": ONES.T}, {"a/bias": np.ones(3), "a/weight": np.ones(2)}])
def test_what_is_simply_missing_has_no_namesake(odd: dict[str, object]) -> None:
    shared = {"a/bias": np.ones(3)}
    assert "the hand side has no a/kernel" in _reasons({**shared, **odd}, {**shared, "a/kernel": ONES})
    assert "the reference side has no a/kernel" in _reasons({**shared, "a/kernel": ONES}, {**shared, **odd})
