"""Softmax in article B: its overflow and the cure, and when it can be left out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from experiments.frame.study import Part, Table, paragraphs
from manual_mlp import Array, softmax

PRINTED = {
    "[0.3, 2.9, 4.0]": "[0.01821127 0.24519181 0.73659691]",
    "[1010, 1000, 990]": "[9.99954600e-01 4.53978686e-05 2.06106005e-09]",
}
"""u → softmax(u), as the article prints them."""


def numbers(text: str) -> list[float]:
    """The numbers of a printed list."""
    return [float(word) for word in text.strip("[]").split(",")]


def naive_softmax(u: Array) -> Array:
    """exp(u) / Σ exp(u) as the formula stands, with its overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        e = np.exp(u)
        return np.asarray(e / e.sum())


def overflow() -> Part:
    """The overflow and its cure, as numbers."""
    import keras  # here, as keras_mlp must start TensorFlow first, quietly

    u = np.array([numbers(text) for text in PRINTED])
    small, large = (naive_softmax(row) for row in u)
    ours, theirs = softmax(u), np.asarray(keras.ops.softmax(u))
    with np.errstate(over="ignore"):
        shown = {"exp(u)": np.exp(u), "plain softmax": np.stack([small, large])}  # as text: inf and nan are the point
    columns = {"u": u, **{name: [f"{v:.6g}" for v in a.flat] for name, a in shown.items()}}
    columns |= {"maximum subtracted": ours, "Keras": theirs}
    frame = pd.DataFrame({name: np.ravel(np.asarray(a)) for name, a in columns.items()})
    return Part(
        "Softmax, and why the maximum is subtracted",
        paragraphs(
            """
            softmax(u)_k = exp(u_k) / Σ_j exp(u_j). In float64 exp overflows to inf above 709.78, and
            inf / inf is nan.

            A constant added to every u_k cancels in the fraction. So the largest u_k is subtracted
            first: no exponent is above 0 then, and the result is the same.
            """
        ),
        tables={"softmax as the formula stands, and with the maximum subtracted": Table(frame, tuple(frame.columns))},
        claims={
            "the plain formula overflows for [1010, 1000, 990]": bool(np.isnan(large).all()),
            "where it does not overflow, both agree": bool(np.allclose(small, ours[0], rtol=1e-14)),
            "Keras's softmax gives the same numbers": bool(np.allclose(ours, theirs, rtol=1e-12)),
        },
    )


def use(seed: int) -> Part:
    """Softmax's outputs sum to 1, and their order is that of u."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame([_properties(rng, scale) for scale in (1.0, 10.0, 1000.0)])
    return Part(
        "When softmax is needed, and when not",
        paragraphs(
            """
            Its outputs are positive and sum to 1, so they can be read as probabilities, and
            cross-entropy needs them in training. But it is monotone: the largest u gives the largest
            output. Whoever only wants the most likely class takes argmax(u), and leaves softmax out.
            """
        ),
        tables={"1,000 random rows of 10 numbers": Table(frame, ("size of u", "rows", "rows with another argmax"))},
        claims={
            "softmax sums to 1": bool((frame["largest |Σ − 1|"] < 1e-14).all()),
            "argmax is the same with and without softmax": not frame["rows with another argmax"].any(),
        },
    )


def _properties(rng: np.random.Generator, scale: float) -> dict[str, float]:
    u = scale * rng.normal(size=(1000, 10))
    z = softmax(u)
    return {
        "size of u": scale,
        "rows": len(u),
        "largest |Σ − 1|": float(np.abs(z.sum(axis=1) - 1).max()),
        "rows with another argmax": int((z.argmax(axis=1) != u.argmax(axis=1)).sum()),
    }
