"""Mistakes of a custom gradient that have to be made again to be seen: other matrix products, upstreams left out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from gradient_diff.backward.at_dtype import AtDtype
from gradient_diff.backward.causes import cause
from gradient_diff.backward.directions import derivative_along
from gradient_diff.result.findings import Cause
from manual_mlp import Array
from manual_mlp.extend import UNITS

Operand = tuple[str, Array]
Product = tuple[str, Array, Array]


def reenacted_causes(names: Sequence[str], at: AtDtype) -> tuple[Cause, ...]:
    """What a gradient of the right shape was made of instead, where that can be seen by making it again.

    At most one cause per array that nothing else explains; each fits within rounding once made good.
    """
    found = (_of(name, at) for name in names if name in at.names)
    return tuple(c for c in found if c is not None)


def _of(name: str, at: AtDtype) -> Cause | None:
    if len(at.cotangents) > 1:
        return _unused_upstream(name, at)
    return _other_product(name, at)


# matrix products


def _other_product(name: str, at: AtDtype) -> Cause | None:
    """u B for u Bᵀ and the like, with the upstream u and one further input."""
    ((_, upstream),) = at.cotangents.items()
    h = np.asarray(at.hand[name], np.float64)
    for other, array in at.subject.point.items():
        operands = ("u", upstream), (_symbol(other), np.asarray(array, np.float64))
        made = [p for p in _products(*operands) if p[1].shape == h.shape] if other != name else []
        unit = UNITS[at.subject.dtype]
        written = [text for text, product, terms in made if (np.abs(h - product) <= unit * terms).all()]
        right = [text for text, product, _ in made if written and at.fits(name, product)]
        if written and right:
            message = f"your gradient is {written[0]}, where u is the upstream; {right[0]} fits"
            title = f"{written[0]} instead of {right[0]}"
            return cause("backprop_untransposed", name, message, title, (written[0], right[0]))
    return None


def _products(a: Operand, b: Operand) -> Iterator[Product]:
    """Every product of two arrays: its text, its value, and what rounding in units of u it has at most, γ_n |A||B|."""
    for (left, x), (right, y) in itertools.permutations((a, b)):
        for turned in itertools.product((False, True), repeat=2):
            if min(x.ndim, y.ndim) < 2:
                continue
            p, q = (np.swapaxes(m, -1, -2) if t else m for m, t in zip((x, y), turned, strict=True))
            if p.shape[-1] != q.shape[-2] or not _aligned(p, q):
                continue
            text = " @ ".join(f"{title}ᵀ" if t else title for title, t in zip((left, right), turned, strict=True))
            yield text, p @ q, (p.shape[-1] + 1) * (np.abs(p) @ np.abs(q))


def _symbol(name: str) -> str:
    owner, _, own = name.rpartition("/")
    return f"{owner}[{own}]" if own.isdigit() else own


def _aligned(p: Array, q: Array) -> bool:
    try:
        np.broadcast_shapes(p.shape[:-2], q.shape[:-2])
    except ValueError:
        return False
    return True


# upstreams


def _unused_upstream(name: str, at: AtDtype) -> Cause | None:
    """Outputs whose upstream the gradient does not see, though the output depends on the input."""
    alone = _gradient(name, at, ())
    unseen = [o for o in at.cotangents if np.array_equal(_gradient(name, at, (o,)), alone)]
    terms = {o: _term(name, at, o) for o in unseen}
    lost = [o for o, (value, error) in terms.items() if (np.abs(value) > error).any()]
    hand, constant = (at.read(name, g) for g in (at.hand[name], alone))
    if not lost or hand is None or constant is None:
        return None
    mended = np.asarray(hand, np.float64) - constant + sum(terms[o][0] for o in lost)
    if not at.agrees(name, mended, sum(terms[o][1] for o in lost)):
        return None
    which = " and ".join(o.removeprefix("outputs/") for o in lost)
    if np.any(alone):
        message = f"the term of output {which} is not multiplied by that output's upstream; with it, your gradient fits"
        return cause("local_replaces_upstream", name, message)
    message = f"your gradient leaves out the upstream of output {which}, which changes with it. Add that output's term"
    return cause("upstream_dropped", name, message, "the upstream of an output is not used")


def _gradient(name: str, at: AtDtype, outputs: Sequence[str]) -> Array:
    """The function's own gradient with an upstream of these outputs alone."""
    found = at.subject.gradients(at.subject.point, _only(at, outputs))
    return found.get(name, np.zeros_like(at.hand[name]))


def _term(name: str, at: AtDtype, output: str) -> tuple[Array, Array]:
    """What one output adds to the reference, as the reference is read, and how far off that may be."""
    cotangents = _only(at, (output,))
    if name not in at.derivatives:
        assert at.plain is not None  # else the values would have been asked
        found = at.plain.gradients(at.plain.point, cotangents).get(name, np.zeros_like(at.hand[name]))
        return np.asarray(found, np.float64), at.limit(name)
    known = at.derivatives[name]
    estimates = [derivative_along(at.subject, name, cotangents, d, None) for d in known.directions]
    return known.shaped([e.value for e in estimates]), known.shaped([e.error for e in estimates])


def _only(at: AtDtype, outputs: Sequence[str]) -> dict[str, Array]:
    return {o: c if o in outputs else np.zeros_like(c) for o, c in at.cotangents.items()}
