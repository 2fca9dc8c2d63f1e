"""The one exception of this project; all other bad input is a ValueError or a TypeError."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class ShapeError(ValueError):
    """Matrices that do not fit. The message names layer, equation, shapes and the cure.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import MLP, Dense, ShapeError
        >>> mlp = MLP(3, [Dense(2)])
        >>> try:
        ...     mlp.forward(mlp.initialize(0), np.ones((4, 5)))
        ... except ShapeError as error:
        ...     print(error)
        dense_1: x has 5 features per sample, but the network was described with 3 inputs.
          expected  u = x W + b   (4, 3) @ (3, 2) + (2,) → (4, 2)
          given     x             (4, 5)
          Cure: pass x of shape (4, 3), or describe the network as MLP(5, …).
    """


def unknown_name(kind: str, given: object, known: Iterable[str]) -> ValueError:
    """An error for a name that is not in a table, with the nearest one suggested."""
    names = sorted(known)
    nearest = get_close_matches(str(given).lower(), names, n=1)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    return ValueError(f"Unknown {kind} {given!r}.{hint} Known: {', '.join(names)}.")


def lines(head: str, *details: tuple[str, str] | str) -> str:
    """A message of several lines, its details aligned below the head."""
    width = max((len(d[0]) for d in details if not isinstance(d, str)), default=0)
    rows: Sequence[str] = [d if isinstance(d, str) else f"{d[0]:<{width}}  {d[1]}" for d in details]
    return "\n  ".join([head, *rows])
