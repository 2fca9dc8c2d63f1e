"""The layouts in which people hold the gradients of a chain of dense layers, each made of (kernel, bias) pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from manual_mlp import Array

Pairs: TypeAlias = Sequence[tuple[Array, Array]]


def _numbered(kernel: str, bias: str, first: int, pairs: Pairs) -> dict[str, Array]:
    """Names with the number of the layer in the place of #."""
    found: dict[str, Array] = {}
    for i, (w, b) in enumerate(pairs, first):
        found |= {kernel.replace("#", str(i)): w, bias.replace("#", str(i)): b}
    return found


def _turned(pairs: Pairs) -> list[tuple[Array, Array]]:
    return [(w.T, b) for w, b in pairs]


def _columns(pairs: Pairs) -> list[tuple[Array, Array]]:
    return [(w.T, b[:, None]) for w, b in pairs]


def _rows(pairs: Pairs) -> list[tuple[Array, Array]]:
    return [(w, b[None]) for w, b in pairs]


def _flat(pairs: Pairs) -> list[Array]:
    return [a for pair in pairs for a in pair]


def _vector(arrays: Sequence[Array], order: str = "C") -> Array:
    return np.concatenate([a.ravel(order) for a in arrays])  # type: ignore[arg-type]  # C or F


def _kernels(pairs: Pairs) -> list[Array]:
    return [w for w, _ in pairs]


def _biases(pairs: Pairs) -> list[Array]:
    return [b for _, b in pairs]


def _ours(pairs: Pairs) -> dict[str, Array]:
    return _numbered("dense_#/kernel", "dense_#/bias", 1, pairs)


LAYOUTS: Mapping[str, Callable[[Pairs], object]] = {
    "ours": _ours,
    "(n_out, n_in)": lambda p: _ours(_turned(p)),
    "bias (1, n)": lambda p: _ours(_rows(p)),
    "bias (n, 1)": lambda p: _ours([(w, b[:, None]) for w, b in p]),
    "all in columns": lambda p: _ours(_columns(p)),
    "kernels row by row": lambda p: _ours([(w.ravel(), b) for w, b in p]),
    "kernels column by column": lambda p: _ours([(w.ravel("F"), b) for w, b in p]),
    "list": _flat,
    "list of pairs": list,
    "list of (b, W)": lambda p: [(b, w) for w, b in p],
    "list W1 W2 b1 b2": lambda p: [*_kernels(p), *_biases(p)],
    "list b1 b2 W1 W2": lambda p: [*_biases(p), *_kernels(p)],
    "list backwards": lambda p: _flat(p)[::-1],
    "list, output first": lambda p: _flat(p[::-1]),
    "list in columns": lambda p: _flat(_columns(p)),
    "list W1 W2 b1 b2 in columns": lambda p: [*_kernels(_columns(p)), *_biases(_columns(p))],
    "W1 b1": lambda p: _numbered("W#", "b#", 1, p),
    "dW1 db1 in columns": lambda p: _numbered("dW#", "db#", 1, _columns(p)),
    "W0 b0": lambda p: _numbered("grad_W_#", "grad_b_#", 0, p),
    "PyTorch": lambda p: _numbered("fc#.weight", "fc#.bias", 1, _turned(p)),
    "PyTorch Sequential": lambda p: _numbered("net.#.weight", "net.#.bias", 0, _turned(p)),
    "flax": lambda p: _numbered("params/Dense_#/kernel", "params/Dense_#/bias", 0, p),
    "TensorFlow 1": lambda p: {f"{n}:0": a for n, a in _ours(p).items()},
    "a path": lambda p: {f"sequential/{n}": a for n, a in _ours(p).items()},
    "scikit-learn": lambda p: _numbered("coefs_#", "intercepts_#", 0, p),
    "Θ, bias first": lambda p: [np.vstack([b, w]) for w, b in p],
    "Θ, bias last": lambda p: [np.vstack([w, b]) for w, b in p],
    "Θ (n_out, 1 + n_in)": lambda p: {f"Theta{i}": np.column_stack([b, w.T]) for i, (w, b) in enumerate(p, 1)},
    "Θ (n_out, n_in + 1)": lambda p: {f"Theta{i}_grad": np.column_stack([w.T, b]) for i, (w, b) in enumerate(p, 1)},
    "Θ by our names": lambda p: {f"dense_{i}/kernel": np.vstack([b, w]) for i, (w, b) in enumerate(p, 1)},
    "vector": lambda p: _vector(_flat(p)),
    "vector, column by column": lambda p: _vector(_flat(p), "F"),
    "vector W1 W2 b1 b2": lambda p: _vector([*_kernels(p), *_biases(p)]),
    "vector of (n_out, n_in)": lambda p: _vector(_flat(_turned(p))),
    "vector of Θ": lambda p: {"theta": _vector([np.column_stack([b, w.T]) for w, b in p], "F")},
}
"""Name → what is handed over."""
