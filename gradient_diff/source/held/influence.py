"""What a place influences: moved a little, what else comes out otherwise? A weight moves the steps of other layers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradient_diff.source.held.places import Place, differs
from gradient_diff.source.held.running import Run, Stepper
from manual_mlp import Array

MOVED = 2.0**-8  # relative; small enough for exp, large enough for any dtype
MOST_TRIED = 64


@dataclass(frozen=True, eq=False)
class Influence:
    """Runs of one step from states that differ in one place."""

    stepper: Stepper
    x: Array
    y: Array

    @cached_property
    def plain(self) -> Run:
        return self.stepper.run(self.x, self.y)

    def weights_among(self, places: Iterable[Place]) -> list[Place]:
        """Those that others hang on: gradients, caches, copies and velocities move only what they are added to."""
        every = list(places)
        return [p for p in every[:MOST_TRIED] if self.is_weight(p)] + every[MOST_TRIED:]

    def is_weight(self, place: Place) -> bool:
        """Whether it moves something of another size than its own, or several things."""
        size, moved = place.value.size, self.moved_by(place)
        return any(a.size != size for a in moved) or len(moved) > 1

    def is_used(self, place: Place) -> bool:
        """Whether the step changes it, or hangs on it: other copies of the weights are none."""
        before, after = (arrays.get(place.path) for arrays in (self.plain.before, self.plain.after))
        changed = before is not None and after is not None and differs(before, after)
        return changed or bool(self.moved_by(place))

    def feeds_itself(self, path: str) -> bool:
        """Whether what is there after the step hangs on what was there before: a velocity, or a sum."""
        place = next((p for p in self.stepper.places() if p.path == path), None)
        if place is None or not np.any(place.value):
            return False
        run = self.stepper.run(self.x, self.y, [lambda: place.put(_moved(place.value))])
        plain, found = self.plain.after.get(path), run.after.get(path)
        return plain is not None and found is not None and differs(plain, found)

    def moved_by(self, place: Place) -> list[Array]:
        """What comes out otherwise, the place itself and its memory aside."""
        own = place.value
        beside = {p.path for p in self.stepper.places() if np.may_share_memory(p.value, own)}
        try:
            run = self.stepper.run(self.x, self.y, [lambda: place.put(_moved(place.value))])
        except Exception:  # noqa: BLE001  # a state of ours may break any code, and then it hangs on it
            return [np.zeros(own.size + 1)]
        plain, found = self.plain.left, run.left
        return [a for n, a in plain.items() if n in found and n not in beside and differs(a, found[n])]


def _moved(array: Array) -> Array:
    held = np.asarray(array, np.float64)
    scale = float(np.abs(held).max(initial=0.0)) or 1.0
    return (held + MOVED * scale * np.random.default_rng(0).uniform(0.5, 1.0, held.shape)).astype(array.dtype)
