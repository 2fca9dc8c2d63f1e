"""The operands of an equation as boxes that meet."""

import pytest

from gradient_diff import ledger
from gradient_diff.ledger.boxes import Box
from manual_mlp import MLP, Dense

Clash = tuple[int, ...]


def _boxes(node: str, **shapes: tuple[int, ...]) -> tuple[Box, ...]:
    named = {name.replace("__", "/"): shape for name, shape in shapes.items()}
    (line,) = ledger(MLP(3, [Dense(2)]), "mse", 4, shapes=named).of(node)
    return line.boxes


def test_one_box_per_operand_as_it_meets_and_last_the_result() -> None:
    x, delta, kernel = _boxes("dense_1/dE_dkernel")
    assert (x.symbol, x.shape, x.letters) == ("xᵀ", (3, 4), ("n₀", "N"))
    assert (delta.symbol, delta.shape, delta.letters) == ("δ⁽¹⁾", (4, 2), ("N", "n₁"))
    assert (kernel.symbol, kernel.shape, kernel.letters) == ("dE/dW⁽¹⁾", (3, 2), ("n₀", "n₁"))
    assert [box.clash for box in (x, delta, kernel)] == [(), (), ()]


@pytest.mark.parametrize(
    ("kernel", "clashes"), [((2, 3), [(1,), (0,), (), ()]), ((3,), [(), (0,), (), ()]), ((3, 2), [(), (), (), ()])]
)
def test_inner_axes_that_do_not_meet_clash(kernel: tuple[int, ...], clashes: list[Clash]) -> None:
    assert [box.clash for box in _boxes("dense_1/u", dense_1__kernel=kernel)] == clashes


def test_where_nothing_comes_out_the_result_has_no_shape_and_wrong_operands_no_letters() -> None:
    *operands, result = _boxes("dense_1/u", dense_1__kernel=(2, 3))
    assert (result.shape, result.letters) == (None, ())
    assert [box.letters for box in operands[:2]] == [("N", "n₀"), ()]


def test_a_result_of_another_shape_clashes_in_the_axes_that_differ() -> None:
    assert _boxes("dense_1/dE_dkernel", dense_1__dE_dkernel=(3, 5))[-1].clash == (1,)
    assert _boxes("dense_1/dE_dkernel", dense_1__dE_dkernel=(6,))[-1].clash == (0,)
