"""How far two arrays are apart, in numbers, in one pass over blocks that fit the cache; no judgement here."""

from gradient_diff.metrics.measuring import measure
from gradient_diff.metrics.record import Entry, Metrics

__all__ = ["Entry", "Metrics", "measure"]
