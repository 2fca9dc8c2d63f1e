"""The interim gate: relative L2 against a fixed limit per dtype. The next issue replaces it by a computed one."""

from __future__ import annotations

from gradient_diff.metrics import Metrics
from gradient_diff.status import Status

LIMITS = {"float64": 1e-12, "float32": 1e-5}


def judge(metrics: Metrics, dtype: str, known_problem: bool) -> tuple[Status, str]:
    """Status and reason of one row whose names, shapes and finiteness are in order."""
    if metrics.norm_hand == 0 == metrics.norm_reference:
        return Status.VACUOUS, "both sides are zero everywhere"
    if metrics.differing == 0:
        return Status.MATCH, "bit-equal"
    if not known_problem:
        return Status.INCONCLUSIVE, f"relative L2 {metrics.relative_l2:.1e}, and no network says how much rounding to expect"
    limit = LIMITS.get(dtype)
    if limit is None:
        return Status.INCONCLUSIVE, f"relative L2 {metrics.relative_l2:.1e}; no limit is known for {dtype}"
    status = Status.MATCH if metrics.relative_l2 <= limit else Status.DIFFERENT
    sign = "≤" if status.ok else ">"
    return status, f"relative L2 {metrics.relative_l2:.1e} {sign} {limit:.0e} for {dtype}"
