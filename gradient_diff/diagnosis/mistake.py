"""What a known mistake is, and how the function that makes it on purpose tells of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

Maker = TypeVar("Maker", bound=Callable[..., Any])

OTHER_DATA = "another batch size, widths that are pairwise different primes, or a second step"
BATCH = "another batch size"
WIDTH = "another number of outputs"
STEP = "a second step from the same weights"
LAMBDA = "the value of λ"


@dataclass(frozen=True)
class Mistake:
    """One way in which derivations go wrong.

    Attributes:
        id: its name everywhere.
        family: scale, sign, regularisation, dropout, normalisation, activation, matrix, reduction or differentiated.
        title: what was done, in a few words.
        cure: what to do.
        tell_apart: the change of data that tells it from its look-alikes.
        convention: it is no mistake but another convention.
        equation: the one that goes wrong, as it stands in a book.
        alike: ids of its look-alikes: mistakes that give the same numbers on some data.

    Example:
        >>> from gradient_diff import MISTAKES
        >>> MISTAKES["sign"].title
        'the sign is turned round'
        >>> MISTAKES["transposed"].equation
        'dE/dW = z_prevᵀ δ'
    """

    id: str
    family: str
    title: str
    cure: str
    tell_apart: str = OTHER_DATA
    convention: bool = False
    equation: str = ""
    alike: tuple[str, ...] = ()


REGISTERED: dict[str, Mistake] = {}
"""id → record, filled by `makes` while the families are imported; `catalogue` puts it in order."""


def makes(
    id: str,  # noqa: A002  # as the record calls it
    family: str,
    *,
    title: str,
    equation: str,
    cure: str,
    alike: tuple[str, ...] = (),
    tell_apart: str = OTHER_DATA,
    convention: bool = False,
) -> Callable[[Maker], Maker]:
    """Say above a function which mistake it makes; a second function that makes it, too, uses the id alone."""

    def register(maker: Maker) -> Maker:
        if id in REGISTERED:
            raise ValueError(f"The mistake {id} is registered twice, the second time by {maker.__name__}.")
        REGISTERED[id] = Mistake(id, family, title, cure, tell_apart, convention, equation, alike)
        return maker

    return register
