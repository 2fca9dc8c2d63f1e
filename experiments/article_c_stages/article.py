"""Article C's backpropagation in its own letters: z¹ is the input, w^l (n_out, n_in) leads from layer l to l + 1.

NumPy alone. Nothing here is shared with `manual_mlp`, so that the two can be held against each other.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from manual_mlp import Array
from manual_mlp.extend import Arrays

ArticleSlip = Literal["sign", "output_derivative_dropped", "wrong_input"]


def sigmoid(a: Array) -> Array:
    """h(a) = 1 / (1 + e⁻ᵃ)."""
    return 1 / (1 + np.exp(-a))


def article_weights(parameters: Arrays) -> tuple[list[Array], list[Array]]:
    """The house's parameters as the article writes them."""
    layers = range(1, len(parameters) // 2 + 1)
    return [parameters[f"dense_{i}/kernel"].T for i in layers], [parameters[f"dense_{i}/bias"] for i in layers]


def gradients(w: list[Array], b: list[Array], x: Array, y: Array, slip: ArticleSlip | None = None) -> dict[str, Array]:
    """∂C/∂w and ∂C/∂b of C = 1/(2n) Σ ‖y − z^L‖², with sigmoids everywhere, as the article derives them.

    δ^L = (z^L − y)/n ⊙ h′(a^L);  δ^l_k = h′(a^l_k) Σ_j w^l_jk δ^{l+1}_j;  ∂C/∂w^l_jk = Σ z^l_k δ^{l+1}_j.
    """
    z = [x]
    for weight, bias in zip(w, b, strict=True):
        z.append(sigmoid(z[-1] @ weight.T + bias))
    error = (y - z[-1]) if slip == "sign" else (z[-1] - y)
    delta = error / len(x) * (1 if slip == "output_derivative_dropped" else z[-1] * (1 - z[-1]))
    deltas = [delta]
    for weight, activation in zip(w[:0:-1], z[-2:0:-1], strict=True):
        deltas.insert(0, activation * (1 - activation) * (deltas[0] @ weight))
    pairs = list(zip(z[:-1], deltas, strict=True))
    kernels = [d.T @ a for a, d in pairs]
    if slip == "wrong_input":
        kernels[0] = kernels[1]
    layers = enumerate(zip(kernels, deltas, strict=True), 1)
    return {f"dense_{i}/{n}": g for i, (k, d) in layers for n, g in (("kernel", k), ("bias", d.sum(axis=0)))}


def turned(gradients: Arrays) -> dict[str, Array]:
    """The same in the house's shapes, (n_in, n_out)."""
    return {name: gradient.T for name, gradient in gradients.items()}
