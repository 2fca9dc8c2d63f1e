"""All entries of the guide, in the order of the catalogue."""

from __future__ import annotations

from gradient_diff.diagnosis.catalogue import MISTAKES
from gradient_diff.diagnosis.settings import SETTINGS
from gradient_diff.guide.entries import activations, layers, matrices, objectives, penalties, scale, settings, sums
from gradient_diff.guide.entry import Entry

_FAMILIES = (scale, penalties, layers, activations, matrices, sums, objectives, settings)
_WRITTEN = {entry.id: entry for family in _FAMILIES for entry in family.ENTRIES}

ENTRIES: dict[str, Entry] = {
    **{name: _WRITTEN[name] for name in MISTAKES},
    **{name: _WRITTEN[name] for name in SETTINGS if name in _WRITTEN},
}
"""id → entry of each mistake, and of what only Keras can try as far as code on a small network makes it."""
