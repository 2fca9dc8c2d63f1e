"""Judged: what the judge says of one node."""

from __future__ import annotations

from dataclasses import dataclass

from gradient_diff.result.status import Meaning, Status

BITS, NOBODY = "bits", "none"  # judges where equality decides, and where nobody can


@dataclass(frozen=True)
class Judged:
    """What the judge says of one node.

    Attributes:
        status: see `Status`.
        reason: why, with numbers.
        judge: who spoke: BITS, NOBODY, or a judge of rounding by name.
        distance: largest |hand − reference| in σ, as it ran; None where nothing says how large σ is, or where a
            tolerance of somebody's own decides.
        isolated_hand, isolated_reference: the node against its own equation on that side's own operands, in units
            of that operation's rounding; None where operands are not at hand.
        by_sigma: the reason is this very distance.
        meaning: of the status in this comparison, where its own words do not fit.
    """

    status: Status
    reason: str
    judge: str
    distance: float | None = None
    isolated_hand: float | None = None
    isolated_reference: float | None = None
    by_sigma: bool = False
    meaning: Meaning | None = None
