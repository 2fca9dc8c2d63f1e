from __future__ import annotations

import numpy as np
import pytest

from experiments.benchmarks.lines.plant import Style, Variant
from experiments.benchmarks.lines.problems import called, evaluation_of, widths_of

STYLE = Style("style.py", "step", "Net(widths, seed).step", widths=(5, 4, 3), batch=7)


def test_widths_are_the_style_s_or_equal() -> None:
    assert widths_of(STYLE) == (5, 4, 3)
    assert widths_of(STYLE, square=True) == (4, 4, 4)


@pytest.mark.parametrize(("loss", "output"), [("mse", "linear"), ("bce", "sigmoid"), ("cce", "softmax")])
def test_a_seed_gives_one_problem_and_parameters_may_be_given(loss: str, output: str) -> None:
    variant = Variant(("tanh", output), loss)
    one, again, other = (evaluation_of(STYLE, variant, seed) for seed in (0, 0, 1))
    assert np.array_equal(one.problem.x, again.problem.x)
    assert not np.array_equal(one.problem.x, other.problem.x)
    given = evaluation_of(STYLE, variant, 1, parameters=one.problem.parameters)
    assert np.array_equal(given.problem.x, other.problem.x)
    assert np.array_equal(given.problem.parameters["dense_2/kernel"], one.problem.parameters["dense_2/kernel"])


def test_the_expression_of_a_step_knows_widths_and_seed() -> None:
    text = "class Net:\n    def __init__(self, *given):\n        self.step = lambda: given\n"
    assert called(STYLE, text, square=True, seed=3)() == ((4, 4, 4), 3)
