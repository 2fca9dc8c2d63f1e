"""Row: what came out for one node."""

from __future__ import annotations

from dataclasses import dataclass

from gradient_diff.metrics.record import Metrics
from gradient_diff.result.status import Status


@dataclass(frozen=True)
class Row:
    """One node of the comparison.

    Attributes:
        name: the node, e.g. `dense_2/dE_dkernel`.
        layer: its layer.
        formula: its equation, where the network is known.
        dtype: of the coarser side, in whose noise it is judged.
        shape_hand, shape_reference: None for the side that has no such array.
        status: see `Status`.
        reason: why, in words with numbers.
        metrics: None where no value could be compared.
        judge: who said so: the network's σ, a float64 re-run, the equation in isolation, …
        distance: largest |hand − reference| in σ, accumulated as it ran; 16 is what rounding explains.
            None where σ is unknown, or where a tolerance of somebody's own decides.
        isolated_hand, isolated_reference: the node against its own equation on that side's own operands, in units
            of that one operation's rounding; None where operands are not at hand.
        downstream: off only because of an earlier row.
        by_sigma: the reason is this very distance.

    Example:
        >>> Row("w", "", "", "float64", (1,), (1,), Status.MATCH, "bit-equal").status.name
        'MATCH'
    """

    name: str
    layer: str
    formula: str
    dtype: str
    shape_hand: tuple[int, ...] | None
    shape_reference: tuple[int, ...] | None
    status: Status
    reason: str
    metrics: Metrics | None = None
    judge: str = ""
    distance: float | None = None
    isolated_hand: float | None = None
    isolated_reference: float | None = None
    downstream: bool = False
    by_sigma: bool = False
