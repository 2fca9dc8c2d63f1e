"""All entries of the guide, in the order of the catalogue."""

from __future__ import annotations

from gradient_diff.diagnosis.catalogue import MISTAKES
from gradient_diff.guide.entries import activations, layers, matrices, objectives, penalties, scale, sums
from gradient_diff.guide.entry import Entry

_FAMILIES = (scale, penalties, layers, activations, matrices, sums, objectives)
_WRITTEN = {entry.id: entry for family in _FAMILIES for entry in family.ENTRIES}

ENTRIES: dict[str, Entry] = {name: _WRITTEN[name] for name in MISTAKES}
"""id → entry of each mistake that code can make."""
