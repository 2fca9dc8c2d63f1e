"""Which mistake of a custom gradient gives just these arrays; each is made good and held against the reference."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gradient_diff.diagnosis.catalogue import MISTAKES
from gradient_diff.noise.draws import further_than_order
from gradient_diff.result.findings import Cause
from manual_mlp import Array
from manual_mlp.extend import Arrays

Fits = Callable[[str, Array], bool]
Factor = Callable[[str], float]

NAMED_FACTORS = {
    -1.0: ("sign", "Turn the sign round"),
    2.0: ("factor_two", "d(½e²) is e, d(e²) is 2e"),
    0.5: ("factor_two", "d(½e²) is e, d(e²) is 2e"),
}
TITLES = {
    "missing_gradient": "no gradient is returned",
    "broadcast_not_summed": "what was broadcast is not summed",
    "gradient_not_broadcast": "what was summed is not broadcast",
    "gradients_swapped": "two gradients are in each other's place",
    "transposed": "the gradient is transposed",
    "local_replaces_upstream": "the local derivative without the upstream",
    "stray_constant": "the gradient carries a stray constant",
    "upstream_not_linear": "the gradient is not linear in the upstream",
}
"""Where the list's own titles speak of layers, or have none."""
CLOSE = 1e-3  # relative: a fitted factor this near a known one is tried as it


def function_causes(
    names: Sequence[str],
    hand: Arrays,
    shapes: Mapping[str, Any],
    again: Arrays,
    fits: Fits,
    scale: Factor,
) -> tuple[Cause, ...]:
    """Name the mistakes, one or more per array that is off; empty if none of the known ones explains an array.

    `again` are the gradients for another cotangent, by name; what the function leaves out is missing in `hand`. `fits`
    says whether an array would have been no further off than rounding explains, and `scale` gives the factor of the
    hand's array that makes it the reference, whatever the cotangent; nan if none does.
    """
    found = [c for name in names for c in _of(name, hand, shapes, again, fits, scale)]
    swapped = [c for pair in itertools.combinations(names, 2) for c in _swapped(*pair, hand, shapes, fits)]
    return tuple(swapped or found)


def _of(name: str, hand: Arrays, shapes: Mapping[str, Any], again: Arrays, fits: Fits, scale: Factor) -> list[Cause]:
    if name not in hand:
        message = "your gradient is None, but the outputs change with it. Return a gradient for it"
        return [cause("missing_gradient", name, message)]
    h = hand[name]
    if h.size and not np.any(h):
        return [
            cause(
                "missing_gradient",
                name,
                "your gradient is all zero, but the outputs change with it. Return a gradient for it",
            )
        ]
    if name in again and np.array_equal(again[name], h):
        message = "your gradient is the same for every upstream: multiply the local derivative by dE/dz"
        return [cause("local_replaces_upstream", name, f"{message}, the argument of your gradient function")]
    causes = [*_orientation(name, h, shapes[name], fits), *_reduction(name, h, shapes[name], fits)]
    if h.shape == tuple(shapes[name]):
        causes += _factor(name, h, fits, scale)
    ids = [c.id for c in causes]
    return [replace(c, same_as=tuple(i for i in dict.fromkeys(ids) if i != c.id)) for c in causes]


def _orientation(name: str, h: Array, shape: tuple[int, ...], fits: Fits) -> Iterator[Cause]:
    identity = tuple(range(h.ndim))
    for axes in itertools.permutations(identity) if 2 <= h.ndim <= 4 else ():
        turned = np.transpose(h, axes)
        if axes != identity and turned.shape == tuple(shape) and fits(name, turned):
            how = "is transposed" if h.ndim == 2 else f"has its axes in the order {axes}"
            silent = f": its shape is {h.shape}" if h.shape != tuple(shape) else ""
            yield cause("transposed", name, f"your gradient {how}{silent}. For y = x W they are δ Wᵀ and xᵀ δ")
            return


def _reduction(name: str, h: Array, shape: tuple[int, ...], fits: Fits) -> Iterator[Cause]:
    """A broadcast forwards is a sum backwards."""
    if h.shape == tuple(shape):
        return
    summed = _summed_to(h, tuple(shape))
    if summed is not None and fits(name, summed):
        message = f"your gradient of shape {h.shape} is not summed over what was broadcast from {tuple(shape)}"
        yield cause("broadcast_not_summed", name, f"{message}. Sum it over those axes")
    elif h.size < int(np.prod(shape)) and _broadcasts(h, shape) and fits(name, np.broadcast_to(h, shape)):
        message = f"your gradient has the shape {h.shape} for an input of {tuple(shape)}. Broadcast it to that shape"
        yield cause("gradient_not_broadcast", name, message)


def _summed_to(h: Array, shape: tuple[int, ...]) -> Array | None:
    """Σ over the axes along which NumPy's rules would have broadcast `shape` to that of h."""
    if h.ndim < len(shape):
        return None
    h = h.sum(axis=tuple(range(h.ndim - len(shape))))
    axes = tuple(i for i, n in enumerate(shape) if n == 1 and h.shape[i] != 1)
    h = h.sum(axis=axes, keepdims=True)
    return h if h.shape == shape else None


def _broadcasts(h: Array, shape: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(h.shape, shape) == tuple(shape)
    except ValueError:
        return False


def _factor(name: str, h: Array, fits: Fits, scale: Factor) -> Iterator[Cause]:
    factor = scale(name)
    if not np.isfinite(factor) or not factor:
        return
    for known, (mistake, cure) in NAMED_FACTORS.items():
        if abs(factor * known - 1) < CLOSE and fits(name, h / h.dtype.type(known)):
            yield cause(mistake, name, f"your gradient is {known:g} times the reference's. {cure}")
            return
    said = f"{1 / factor:.6g}"
    if said != "1" and fits(name, h * h.dtype.type(factor)):  # nobody multiplies by 1 by mistake
        cure = "Look for a constant, or for a mean where there is a sum"
        yield cause("stray_constant", name, f"your gradient is {said} times the reference's. {cure}")


def not_linear(names: Sequence[str], hand: Arrays, turned: Arrays, factor: float, terms: int) -> tuple[Cause, ...]:
    """Arrays that do not grow with the upstream, as every gradient does.

    `turned` is `hand` for the upstream times `factor`, a power of two, by which rounding does not change; `terms` the
    most numbers that a sum in it can have.
    """
    both = [n for n in names if n in hand and n in turned and np.isfinite([*hand[n].flat, *turned[n].flat]).all()]
    odd = [n for n in both if further_than_order(hand[n] * hand[n].dtype.type(factor), turned[n], terms)]
    message = f"{factor:g} times the upstream does not give {factor:g} times your gradient"
    cure = "Look for what clips, normalises, or adds to it"
    return tuple(cause("upstream_not_linear", n, f"{message}, as of every gradient. {cure}") for n in odd)


def _swapped(a: str, b: str, hand: Arrays, shapes: Mapping[str, Any], fits: Fits) -> list[Cause]:
    if a not in hand or b not in hand or hand[a].shape != tuple(shapes[b]) or hand[b].shape != tuple(shapes[a]):
        return []
    if not fits(a, hand[b]) or not fits(b, hand[a]):
        return []
    message = f"your gradients of {a} and {b} are in each other's place. Return them in the order of the arguments."
    return [Cause("gradients_swapped", a, message, "", "", float("nan"), title=TITLES["gradients_swapped"])]


def cause(name: str, where: str, message: str, title: str = "", equations: tuple[str, str] = ("", "")) -> Cause:
    """A mistake by its id in one array; `message` comes without the last stop, an empty `title` is the list's own."""
    record = MISTAKES.get(name)
    more = {"tell_apart": record.tell_apart} if record else {}
    words = title or TITLES.get(name, "")
    return Cause(name, where, f"{where}: {message}.", *equations, float("nan"), **more, title=words)  # type: ignore[arg-type]
