"""A gradient that is the upstream and little else: the local derivative left out, or something put in its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from gradient_diff.backward.at_dtype import AtDtype
from gradient_diff.backward.causes import cause
from gradient_diff.backward.summing import along_another_axis
from gradient_diff.result.findings import Cause
from manual_mlp import Array
from manual_mlp.extend import UNITS

ROUNDINGS = 8.0  # of the upstream, by which clipping or scaling by 1 may have moved it
ON_PURPOSE = "On purpose that is a surrogate, which no values can prove; else"
LOCAL: dict[str, Callable[[Array], Array]] = {
    "z": lambda z: z,
    "1 − z": lambda z: 1 - z,
    "z (1 − z)": lambda z: z * (1 - z),
    "1 − z²": lambda z: 1 - z**2,
}
"""Local derivatives that are written through the value, and taken for others' or for the whole."""


def surrogate_causes(names: Sequence[str], at: AtDtype) -> tuple[Cause, ...]:
    """At most one per array; of functions of one output alone."""
    known = [n for n in names if n in at.hand and n in at.reference and len(at.cotangents) == 1]
    found = (_of(name, at) for name in known)
    return tuple(c for c in found if c is not None)


def _of(name: str, at: AtDtype) -> Cause | None:
    ((output, upstream),) = at.cotangents.items()
    hand = np.asarray(at.hand[name], np.float64)
    if not np.any(hand):
        return None
    if hand.shape != upstream.shape or name not in at.names:
        return along_another_axis(name, hand, upstream, at)
    limit = ROUNDINGS * UNITS[at.subject.dtype] * np.abs(upstream)
    if _is_input(name, output, at):
        return _reversal(name, hand, upstream, limit)
    passed = np.abs(hand - upstream) <= limit
    if _is_flat(name, at):
        return _straight_through(name, passed, hand)
    return _missing(name) if passed.all() else _of_the_value(name, hand, upstream, at)


def _is_input(name: str, output: str, at: AtDtype) -> bool:
    """Whether the function gives back its input."""
    return np.array_equal(at.subject.outputs[output], at.subject.point[name])


def _is_flat(name: str, at: AtDtype) -> bool:
    """Whether the reference is zero, as far as it is known."""
    return bool((np.abs(np.asarray(at.reference[name], np.float64)) <= at.limit(name)).all())


def _reversal(name: str, hand: Array, upstream: Array, limit: Array) -> Cause | None:
    factor = -float(np.vdot(hand, upstream) / np.vdot(upstream, upstream))
    if factor <= 0 or not (np.abs(hand + factor * upstream) <= (1 + factor) * limit).all():
        return None
    message = f"the values are those of the input itself, and your gradient is {-factor:.6g} times the upstream"
    title = "the gradient is reversed, and the values are not"
    return cause("gradient_reversal", name, f"{message}. {ON_PURPOSE} return the upstream", title)


def _straight_through(name: str, passed: Array, hand: Array) -> Cause | None:
    flat = "the values do not change near the point: their derivative is 0"
    if (passed | (hand == 0)).all():
        where = "everywhere" if passed.all() else "where it is let through"
        message = f"{flat}, and your gradient is the upstream {where}. {ON_PURPOSE} return zeros"
        return cause("straight_through", name, message, "a straight-through estimator")
    message = f"{flat}, and your gradient is not. {ON_PURPOSE} return zeros"
    return cause("surrogate_gradient", name, message, "a surrogate where the derivative is 0")


def _missing(name: str) -> Cause:
    message = "your gradient is the upstream itself: multiply it by the local derivative, dz/dx"
    return cause("local_derivative_missing", name, message, "the local derivative is missing")


def _of_the_value(name: str, hand: Array, upstream: Array, at: AtDtype) -> Cause | None:
    """A local derivative that is another function's of z, or one unit's alone where all units of a sample mix."""
    ((_, z),) = at.subject.outputs.items()
    z = np.asarray(z, np.float64)
    limit = ROUNDINGS * UNITS[at.subject.dtype] * np.abs(upstream) * (1 + np.square(z))
    for text, local in LOCAL.items():
        if (np.abs(hand - upstream * local(z)) <= limit).all():
            return _softmax(name, upstream, z, at) if text == "z (1 − z)" else _wrong(name, text)
    return None


def _softmax(name: str, upstream: Array, z: Array, at: AtDtype) -> Cause:
    for axis in range(z.ndim):
        if at.fits(name, (z * (upstream - (upstream * z).sum(axis, keepdims=True))).astype(at.hand[name].dtype)):
            message = (
                "z (1 − z) is only how each unit of a softmax depends on its own input: with the others "
                f"dx = z (u − Σ u z), summed over axis {axis}"
            )
            title = "the diagonal of the softmax's Jacobian for the whole"
            return cause("softmax_elementwise", name, message, title, ("dx = u z (1 − z)", "dx = z (u − Σ u z)"))
    return _wrong(name, "z (1 − z)")


def _wrong(name: str, text: str) -> Cause:
    message = f"your local derivative is {text}, with z the value: that is not how the values change"
    return cause("derivative_wrong", name, message, "the local derivative is another function's")
