"""A list of arrays, or one array alone, as a dict by place: what an order is looked for of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from manual_mlp.extend import LOSS


def by_place(given: object) -> Mapping[str, object] | None:
    """place → array of a list of arrays, of pairs of them, or of one array, with E where it stands beside these.

    None of anything else.
    """
    loss, rest = _parted(given)
    if rest is not None and (found := by_place(rest)):
        return {LOSS: loss, **found}
    arrays = [given] if _is_array(given) else list(_flat(given)) if isinstance(given, tuple | list) else []
    return {str(i): a for i, a in enumerate(arrays)} if arrays and all(map(_is_array, arrays)) else None


def _parted(given: object) -> tuple[object, object]:
    """(E, gradients) of (E, list), (list, E), (E, θ) or (E, W1, b1, …); (None, None) where there is no E."""
    if isinstance(given, tuple | list) and len(given) == 2:
        loss, rest = (given[1], given[0]) if isinstance(given[0], tuple | list) else given
        if isinstance(rest, tuple | list) and _is_number(loss):
            return loss, rest
    if isinstance(given, tuple) and len(given) > 1 and _is_number(given[0]) and not any(map(_is_number, given[1:])):
        return given[0], given[1] if len(given) == 2 else given[1:]
    return None, None


def _flat(given: tuple[object, ...] | list[object]) -> Iterator[object]:
    """One after the other; the None of a layer without a bias is left out."""
    for item in given:
        if isinstance(item, tuple | list):
            yield from _flat(item)
        elif item is not None:
            yield item


def _is_array(item: object) -> bool:
    return hasattr(item, "shape") and hasattr(item, "dtype") and not isinstance(item, type)


def _is_number(item: object) -> bool:
    return isinstance(item, int | float) or (_is_array(item) and getattr(item, "shape", None) == ())
