from __future__ import annotations

import numpy as np

from experiments.article_c_stages.article import article_weights, gradients, sigmoid, turned


def test_the_sigmoid_at_0() -> None:
    assert sigmoid(np.array(0.0)) == 0.5


def test_weights_in_the_article_s_shapes() -> None:
    w, b = article_weights({"dense_1/kernel": np.ones((2, 3)), "dense_1/bias": np.zeros(3)})
    assert (w[0].shape, b[0].shape) == ((3, 2), (3,))
    assert turned({"dense_1/kernel": w[0]})["dense_1/kernel"].shape == (2, 3)


def test_one_unit_on_paper() -> None:
    """δ = (½ − 1) · ¼."""
    found = gradients([np.array([[2.0]])], [np.array([0.0])], np.array([[0.0]]), np.array([[1.0]]))
    assert found == {"dense_1/kernel": [[0.0]], "dense_1/bias": [-0.125]}
