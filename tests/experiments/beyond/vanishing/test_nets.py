from __future__ import annotations

import numpy as np

from experiments.beyond.vanishing.nets import deep_network, norms
from manual_mlp import MLP, Dense


def test_hidden_layers_of_one_width_and_ten_classes() -> None:
    assert deep_network(64, 2, "tanh").units == (16, 16, 10)


def test_the_norm_of_a_kernel_s_gradient_on_paper() -> None:
    """E = ½ (2·3 − 5)², dE/dW = 3."""
    mlp, w = MLP(1, [Dense(1, use_bias=False)]), {"dense_1/kernel": np.array([[2.0]])}
    assert norms(mlp.backpropagate(w, np.array([[3.0]]), np.array([[5.0]]), "half_sum_squared_error")) == [3]
