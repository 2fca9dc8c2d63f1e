"""What makes a gradient NaN or infinite: the operation whose derivative is infinite at the point, and its cure."""

from __future__ import annotations

from dataclasses import dataclass

from gradient_diff.backward.causes import cause
from gradient_diff.result.findings import Cause


@dataclass(frozen=True)
class Singular:
    """An operation at a point at which it has no finite derivative.

    `masked` says that a `where` leaves its value out: 0 times an infinite derivative is NaN all the same.
    """

    what: str
    why: str
    cure: str
    masked: bool = False


def singular_causes(name: str, found: tuple[Singular, ...]) -> tuple[Cause, ...]:
    """Each of them as a cause of what is no number in one array."""
    return tuple(cause(_id(s), name, _message(s), _title(s)) for s in found)


def _id(singular: Singular) -> str:
    return "infinite_derivative_masked" if singular.masked else "infinite_derivative"


def _title(singular: Singular) -> str:
    return f"a where behind {singular.what}" if singular.masked else f"{singular.what}, where {singular.why}"


def _message(singular: Singular) -> str:
    if not singular.masked:
        return f"{singular.what}: {singular.why}. {singular.cure}"
    return (
        f"{singular.what}: {singular.why}; the where behind it leaves the value out, but its gradient is 0 times that, "
        "which is NaN. Put a where before it, too: safe = where(ok, x, 1); where(ok, f(safe), 0)"
    )
