from __future__ import annotations

import numpy as np
import pytest

from experiments.students.wrong_activations import df, df_of_z, f, jacobian

U = np.array([[-1.5, 0.25, 2.0]])


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "linear"])
def test_the_right_slopes_are_those_of_the_functions(name: str) -> None:
    h = 1e-6
    np.testing.assert_allclose(df(name, U), (f(name, U + h) - f(name, U - h)) / (2 * h), rtol=1e-8)
    if name in ("sigmoid", "tanh"):
        np.testing.assert_allclose(df_of_z(name, f(name, U)), df(name, U), rtol=1e-12)


def test_values_on_paper() -> None:
    assert f("relu", np.array([[-1.0, 2.0]])).tolist() == [[0, 2]]
    assert (df("tanh", np.array([[0.0]])), df_of_z("sigmoid", np.array([0.5]))) == (1, 0.25)


def test_softmax_s_jacobian_on_paper() -> None:
    np.testing.assert_array_equal(jacobian(np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]])), [[0.25, -0.25]])
