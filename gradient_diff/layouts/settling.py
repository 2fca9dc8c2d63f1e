"""Which one form all arrays of a kind have come in: by shape, and where that is mute, by value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gradient_diff.layouts.evidence import is_better, voices
from gradient_diff.layouts.forms import AS_GIVEN, Form
from manual_mlp import Array
from manual_mlp.extend import Arrays

ENOUGH = 2  # kernels: one square kernel that is transposed may be a mistake as well


@dataclass(frozen=True)
class Settled:
    """The form of a kind; `doubt` are forms that values cannot rule out, or may not choose."""

    form: Form = AS_GIVEN
    doubt: tuple[Form, ...] = ()


def settle(given: Arrays, wanted: Arrays, forms: Sequence[Form]) -> Settled:
    """One form for all arrays of a kind that any form fits; as given if there is none, or values speak against it."""
    usable = {n: a for n, a in given.items() if any(f.fits(a, wanted[n].shape) for f in forms)}
    fitting = [f for f in forms if all(f.fits(a, wanted[n].shape) for n, a in usable.items())]
    if not usable or not fitting:
        return Settled()
    read = {f: undone(usable, f, wanted) for f in fitting}
    if AS_GIVEN in fitting:
        return _where_shapes_are_mute(read, wanted)
    best = _best(read, wanted)
    if best is None:
        return Settled(doubt=tuple(fitting))
    plain = next(f for f in fitting if f is best or not f.turns)
    if plain is not best and not may_turn(a.shape for n, a in wanted.items() if n in usable):
        return Settled(plain, (best,))
    return Settled() if _is_refuted(usable, best, wanted) else Settled(best)


def undone(given: Arrays, form: Form, wanted: Arrays) -> dict[str, Array]:
    """The arrays as the reference holds them."""
    return {n: form.undo(a, wanted[n].shape) for n, a in given.items()}


def _where_shapes_are_mute(read: Mapping[Form, Arrays], wanted: Arrays) -> Settled:
    found = {f: voices(arrays, read[AS_GIVEN], wanted) for f, arrays in read.items() if f is not AS_GIVEN}
    form = next((f for f, count in found.items() if count >= ENOUGH), None)
    return Settled(form) if form else Settled(doubt=tuple(f for f, count in found.items() if count))


def _best(read: Mapping[Form, Arrays], wanted: Arrays) -> Form | None:
    """The form that is better than every other; the first where they give the same."""
    return next((f for f, arrays in read.items() if all(is_better(arrays, o, wanted) for o in read.values())), None)


def may_turn(shapes: Iterable[tuple[int, ...]]) -> bool:
    """Whether flattened kernels that are turned are no mistake as well: one is not square, or several agree."""
    kernels = [s for s in shapes if len(s) > 1 and min(s) > 1]
    return any(s[-1] != s[-2] for s in kernels) or len(kernels) >= ENOUGH


def _is_refuted(given: Arrays, form: Form, wanted: Arrays) -> bool:
    """Whether an array that also fits as it is, a square one, is right so and wrong in this form."""
    square = {n: a for n, a in given.items() if a.shape == wanted[n].shape}
    turned = undone(square, form, wanted)
    return any(voices({n: a}, {n: turned[n]}, wanted) for n, a in square.items() if not _same(a, turned[n]))


def _same(a: Array, b: Array) -> bool:
    return bool(np.array_equal(a, b))
