"""Where shapes leave a choice, values decide: which expression gives just the reference's numbers?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradient_diff.shapes.expressions import Expression
from gradient_diff.shapes.operands import Lengths
from manual_mlp import Array
from manual_mlp.extend import UNITS

ROOM = 2.0**10  # units of roundoff: other expressions differ by far more, other ways of rounding by far less
COARSE = 2.0**-6  # of the magnitudes: a room of 2¹⁰ units is more in half precision, and there it is that of the sum
CHAIN = 16  # units of roundoff that the operands' own history may add to those of a sum
NOTHING = 0.25  # of the magnitudes: with more room, any array of this shape would fit


def by_values(
    fitting: Sequence[Expression], reference: Array | None, lengths: Lengths
) -> tuple[tuple[Expression, float] | None, str]:
    """The single expression that has the reference's values, up to a factor; and what the values say."""
    if reference is None:
        return None, ""
    if not np.any(reference) or not np.isfinite(np.asarray(reference, np.float64)).all():
        return None, "The reference is all zero, or holds NaN or Inf: its values decide nothing."
    if fitting and all(_room(e, reference) > NOTHING for e in fitting):
        return None, f"In {np.asarray(reference).dtype.name} sums this long are too coarse: values decide nothing."
    known = [(e, f) for e in fitting if (f := agrees(e, reference)) is not None]
    exact = [pair for pair in known if pair[1] == 1.0] or known
    if len(exact) == 1:
        e, factor = exact[0]
        part = next((f": {n} is the {part}" for part, n in lengths.items() if abs(factor - n) < 1e-6 * n), "")
        much = "" if factor == 1 else f", but {factor:.6g} times as large{part}"
        return (e, factor), f"{e.text} has the right values{much}."
    if exact:
        return (
            None,
            f"{', '.join(e.text for e, _ in exact)} all have the right values: the data cannot tell them apart.",
        )
    if not any(e.arrays for e in fitting):
        return None, "Pass arrays instead of shapes, and their values decide."
    return None, "No expression of this shape has the right values: an operand is another one than it should be."


def agrees(e: Expression, reference: Array | None) -> float | None:
    """The factor by which an expression exceeds the reference."""
    values, size = (None, None) if reference is None else (e.values(), e.values(magnitudes=True))
    if values is None or size is None or reference is None or not np.any(values):
        return None
    r = np.asarray(reference, np.float64)
    room = _room(e, reference) * size
    if np.all(np.abs(values - r) <= room):
        return 1.0
    with np.errstate(all="ignore"):
        share = float(np.vdot(values, r) / np.vdot(values, values))
        fits = values.size > 1 and share and np.all(np.abs(share * values - r) <= abs(share) * room)
    return 1 / share if fits else None


def _room(e: Expression, reference: Array) -> float:
    """What two ways of rounding may differ by, of the sum of magnitudes."""
    names = [*(a.dtype.name for a in e.arrays), np.asarray(reference).dtype.name]
    unit = max(UNITS.get(n, UNITS["float64"]) for n in names)
    longest = max((n for a in e.arrays for n in a.shape), default=1)
    return unit * (ROOM if ROOM * unit < COARSE else longest + CHAIN)
