"""Gradients that were right, and were clipped afterwards: by value, each by its norm, or all by their norm."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from manual_mlp import Array
from manual_mlp.extend import Arrays

CLOSE = 1e-6  # relative: how well a norm in float32 tells the number that it was brought to
CLEARLY = 2.0  # limits that a clip must have taken off
BEFORE = "Hand over the gradients as they were before; a clip belongs to the step."


def clipping(hand: Arrays, reference: Arrays, limit: Arrays) -> str:
    """What is to be said of a clip, of gradients of one network; empty where there is none."""
    if not hand or any(a.shape != reference[n].shape for n, a in hand.items()):
        return ""
    ways: tuple[Callable[[Arrays, Arrays, Arrays], str], ...] = (_by_value, _by_norm, _by_norm_of_all)
    said = next((words for way in ways if (words := way(hand, reference, limit))), "")
    return f"{said} {BEFORE}" if said else ""


def _by_value(hand: Arrays, reference: Arrays, limit: Arrays) -> str:
    h, r, room = (_flat(side, hand) for side in (hand, reference, limit))
    most = float(np.abs(h).max(initial=0.0))
    at = np.abs(h) >= most * (1 - CLOSE)
    kept = np.abs(np.clip(r, -most, most) - h) <= room
    cut = np.abs(r) - most > CLEARLY * room
    told = at.sum() > 1 or _is_short(most)
    if not (most and told and kept.all() and cut.any()):
        return ""
    return f"Every entry is right but for those beyond ±{most:.4g}, which stand there: the gradients were clipped."


def _by_norm(hand: Arrays, reference: Arrays, limit: Arrays) -> str:
    factors = {n: _factor({n: a}, reference) for n, a in hand.items()}
    cut = {n: a for n, a in hand.items() if _is_cut(factors[n], reference[n], limit[n])}
    norms = [float(np.linalg.norm(a)) for a in cut.values()]
    if not norms or not _fits(hand, reference, limit, {n: factors[n] if n in cut else 1.0 for n in hand}):
        return ""
    alike = max(norms) - min(norms) <= CLOSE * max(norms)
    smaller = all(float(np.linalg.norm(a)) <= max(norms) * (1 + CLOSE) for a in hand.values())
    if not (alike and smaller and (len(norms) > 1 or _is_short(norms[0]))):
        return ""
    return (
        f"Each gradient is right but for its size: none has a norm above {max(norms):.4g}, so they were clipped by it."
    )


def _by_norm_of_all(hand: Arrays, reference: Arrays, limit: Arrays) -> str:
    factor = _factor(hand, reference)
    norm = float(np.linalg.norm(_flat(hand, hand)))
    cut = any(_is_cut(factor, reference[n], limit[n]) for n in hand)
    if not cut or not _is_short(norm) or not _fits(hand, reference, limit, dict.fromkeys(hand, factor)):
        return ""
    return f"All of it is {factor:.6g} times the reference, of norm {norm:.4g}: clipped by the norm of all gradients."


def _factor(hand: Arrays, reference: Arrays) -> float:
    """Of the reference, the one that fits these arrays best."""
    h, r = _flat(hand, hand), _flat(reference, hand)
    size = float(np.vdot(r, r))
    return float(np.vdot(r, h)) / size if size else 1.0


def _is_cut(factor: float, reference: Array, limit: Array) -> bool:
    return 0 < factor < 1 and bool(((1 - factor) * np.abs(reference) > CLEARLY * limit).any())


def _fits(hand: Arrays, reference: Arrays, limit: Arrays, factors: dict[str, float]) -> bool:
    return all(bool((np.abs(a - factors[n] * reference[n]) <= limit[n]).all()) for n, a in hand.items())


def _is_short(number: float) -> bool:
    """Whether it is one that somebody writes: of two digits."""
    return number > 0 and abs(float(f"{number:.2g}") / number - 1) <= CLOSE


def _flat(side: Arrays, names: Arrays) -> Array:
    return np.concatenate([np.ravel(np.broadcast_to(side[n], names[n].shape)) for n in names])
