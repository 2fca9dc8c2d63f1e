"""Regularisation: what is left over is a multiple of the weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from gradient_diff.mistakes.enactment import Enactment, Finish, is_bias, is_kernel
from gradient_diff.mistakes.setting import Array, Setting


def regularisation(setting: Setting) -> Iterator[Enactment]:
    """A decay that is missing, of another size or sign, or of the biases, too.

    Where the reference's gradients show a decay 2λW, λ is known, and what the hand made of it is no free constant.
    """
    if setting.decay:
        yield from _known(setting)
    else:
        yield from _unknown(setting)


def _known(setting: Setting) -> Iterator[Enactment]:
    size = f"λ = {setting.decay:.6g}"
    for name, factor, written, sentence in (
        ("l2_missing", 0, "dE/dW", "the decay term 2λW of E is missing"),
        ("l2_factor", 1, "dE/dW + λW", "the decay term is λW, half of what E + λΣW² gives"),
        ("l2_factor", 4, "dE/dW + 4λW", "the decay term is 4λW, twice what E + λΣW² gives"),
        ("l2_sign", -2, "dE/dW − 2λW", "the decay term is subtracted"),
    ):
        finish = _plus(setting, is_kernel, (factor - 2) * setting.decay)
        yield Enactment(name, "", f"{sentence}, {size}", finish=finish, written=written, right="dE/dW + 2λW")
    for factor in (1, 2):
        finish = _plus(setting, is_bias, factor * setting.decay)
        words = f"your bias gradients have a decay term, too, {factor:g}λb with {size}"
        yield Enactment("l2_bias", "", words, finish=finish, written=f"dE/db + {factor:g}λb", right="dE/db")


def _unknown(setting: Setting) -> Iterator[Enactment]:
    """A multiple c of the weights in every kernel, or every bias, that E knows nothing of."""
    c = _fit(setting, [n for n in setting.gradients if is_kernel(n)])
    if c:
        words = f"your kernel gradients differ from the reference's by {c:.6g} · W, the same in every layer"
        finish = _plus(setting, is_kernel, c)
        for name in ("l2_missing", "l2_sign") if c < 0 else ("l2_missing",):
            yield Enactment(name, "", words, finish=finish, constants=1, written=f"dE/dW + {c:.6g} W", right="dE/dW")
    c = _fit(setting, [n for n in setting.gradients if is_bias(n)])
    if c:
        words = f"your bias gradients differ from the reference's by {c:.6g} · b"
        finish = _plus(setting, is_bias, c)
        yield Enactment("l2_bias", "", words, finish=finish, constants=1, written=f"dE/db + {c:.6g} b", right="dE/db")
    both = _fit(setting, setting.gradients)
    if both:
        words = f"your gradients differ from the reference's by {both:.6g} times the parameters, biases too"
        finish = _plus(setting, lambda node: is_kernel(node) or is_bias(node), both)
        yield Enactment(
            "l2_bias", "", words, finish=finish, constants=1, written=f"dE/db + {both:.6g} b", right="dE/db"
        )


def _fit(setting: Setting, nodes: list[str]) -> float | None:
    """c of hand − right = c W, if that is of the right kind at all."""
    nodes = [n for n in nodes if is_kernel(n) or is_bias(n)]
    nodes = [n for n in nodes if setting.weights(n).shape == setting.hand[n].shape]
    return decay_between({n: setting.hand[n] - setting.right[n] for n in nodes}, {n: setting.weights(n) for n in nodes})


def decay_between(difference: Mapping[str, Array], weights: Mapping[str, Array]) -> float | None:
    """c of difference = c W over all arrays, by least squares; None where there is nothing to fit, or it does not.

    Example:
        >>> decay_between({"w": np.array([2.0, 4.0])}, {"w": np.array([1.0, 2.0])})
        2.0
        >>> decay_between({"w": np.array([2.0, -4.0])}, {"w": np.array([1.0, 2.0])}) is None
        True
    """
    size = sum(float(np.vdot(w, w)) for w in weights.values())
    if not size:
        return None
    c = sum(float(np.vdot(w, difference[n])) for n, w in weights.items()) / size
    left = sum(float(np.square(difference[n] - c * w).sum()) for n, w in weights.items())
    return c if left <= 0.5 * c * c * size else None  # a rough look: the arrays themselves decide


def _plus(setting: Setting, nodes: object, c: float) -> Finish:
    assert callable(nodes)
    return lambda arrays: {n: a + c * setting.weights(n) if nodes(n) else a for n, a in arrays.items()}
