"""All metrics of one pair of arrays as text: what the columns of a table have no room for."""

from __future__ import annotations

from collections.abc import Iterator

from gradient_diff.metrics.record import Metrics
from gradient_diff.wording import apart, index, near_one, number, shape

_BAR = 30  # characters of the longest


def to_details(metrics: Metrics) -> str:
    """Norms, quantiles, decades, distances in ulps, entries that are not finite, and the worst entries."""
    return "\n".join([*_summary(metrics), *_decades(metrics), *_worst(metrics)])


def _summary(m: Metrics) -> Iterator[str]:
    differ = f"{m.differing:,} of {m.size:,} entries differ, {m.sign_disagreements:,} of opposite sign"
    yield f"{shape(m.shape)}: {differ}"
    if m.finite < m.size:
        sides = (("hand", m.nan_hand, m.inf_hand), ("reference", m.nan_reference, m.inf_reference))
        counts = "; ".join(f"{side} {nan:,} NaN, {inf:,} ±∞" for side, nan, inf in sides)
        yield f"not finite: {counts}; measured are the other {m.finite:,}"
    norms = f"‖hand‖ {number(m.norm_hand)}, ‖reference‖ {number(m.norm_reference)}"
    yield f"{norms}, relative L2 {number(m.relative_l2)}, needs rtol {number(m.needed_rtol)}"
    yield f"cosine {near_one(m.cosine)}, scale {near_one(m.scale)}"
    quantiles = (("half of the entries", m.median_difference), ("90 %", m.p90_difference), ("99 %", m.p99_difference))
    shares = ", ".join(f"{number(value)} in {share}" for share, value in quantiles)
    yield f"|difference|: at most {shares}, {number(m.max_abs_difference)} in all"
    within = f"{m.within_1_ulp:,} entries within 1, {m.within_16_ulps:,} within 16"
    yield f"units in the last place: {m.max_ulps} at most; {within}"


def _decades(m: Metrics) -> Iterator[str]:
    """A bar for each decade, and one for the entries that are equal."""
    if not m.decades:
        return
    equal = [("0", m.finite - m.differing)] if m.differing < m.finite else []
    lines = [*equal, *((f"1e{k:+03d} to 1e{k + 1:+03d}", n) for k, n in m.decades)]
    most, digits = max(n for _, n in lines), max(len(f"{n:,}") for _, n in lines)
    width = max(len(name) for name, _ in lines)
    yield "|difference| by decade"
    for name, n in lines:
        yield f"  {name:<{width}}  {n:>{digits},}  {'█' * -(-n * _BAR // most)}"


def _worst(m: Metrics) -> Iterator[str]:
    if not m.worst:
        return
    yield "worst entries"
    width = max(len(index(entry.index)) for entry in m.worst)
    for entry in m.worst:
        hand, reference = apart(entry.hand, entry.reference)
        yield f"  {index(entry.index):<{width}}  hand {hand}, reference {reference}"
