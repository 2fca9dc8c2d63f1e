"""What a check takes as `compare` does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gradient_diff.noise.network import Noise
from manual_mlp.extend import Arrays


@dataclass(frozen=True, eq=False)
class Options:
    """What `compare` takes, too, and means the same there."""

    noise: Noise | Arrays | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    rtol: float | None = None
    sizes: tuple[int, int] | None = None
    layout: str | None = None

    @property
    def silent(self) -> bool:
        """Whether nothing is said of rounding: then it is computed or measured here."""
        return self.noise is None and self.rtol is None
