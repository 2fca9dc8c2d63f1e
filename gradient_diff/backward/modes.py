"""A function in two modes: compiled, it may be another one, or have values where it has none as it stands."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradient_diff.backward.evidence import Evidence
from gradient_diff.noise.given import drawn_noise
from gradient_diff.result.row import Row
from gradient_diff.result.status import Status
from manual_mlp import Array
from manual_mlp.extend import GATE, UNITS

REWRITES = (
    "XLA rewrites what it compiles, such as log(exp(x)) to x; the gradient is held against the values of its mode"
)


def rows_of_modes(evidence: Evidence) -> Iterator[Row]:
    """The outputs that are others when the function runs eagerly, by more than rounding explains."""
    for name, eager in evidence.subject.eagerly.items():
        compiled = evidence.subject.outputs[name]
        if compiled.shape != eager.shape:
            continue
        finite = _finite(compiled) & _finite(eager)
        gap = np.where(finite, np.abs(_float64(compiled) - _float64(eager)), 0.0)
        if (off := gap > _limit(evidence, name, compiled)).any():
            index = tuple(int(i) for i in np.unravel_index(int(np.argmax(np.where(off, gap, 0.0))), gap.shape))
            reason = (
                f"by XLA it is {compiled[index]:.6g} at {list(index)}, eagerly {eager[index]:.6g}: another function"
            )
            yield Row(name, "outputs", "", compiled.dtype.name, compiled.shape, eager.shape, Status.DIFFERENT, reason)


def notes_of_modes(evidence: Evidence) -> Iterator[str]:
    """Which outputs are numbers in one mode alone."""
    for name, eager in evidence.subject.eagerly.items():
        compiled = evidence.subject.outputs[name]
        if compiled.shape == eager.shape and (odd := np.argwhere(_finite(eager) != _finite(compiled))).size:
            index = tuple(int(i) for i in odd[0])
            values = f"{name} at {list(index)} is {eager[index]:.6g} eagerly and {compiled[index]:.6g} by XLA"
            yield f"{values}, a difference of modes: {REWRITES}."


def _limit(evidence: Evidence, name: str, values: Array) -> Array:
    """What the draws of rounding explain, and the order of a sum."""
    errors = [{name: e[name]} for e in evidence.as_run.errors if name in e]
    finite = np.where(_finite(values), _float64(values), 0.0)
    order = 2 * evidence.subject.terms * UNITS[evidence.subject.dtype] * np.abs(finite).max(initial=0.0)
    drawn = drawn_noise({name: finite}, errors, "").sigma[name] if errors else np.zeros(values.shape)
    return np.asarray(GATE * np.sqrt(2) * drawn + order)


def _finite(array: Array) -> Array:
    return np.isfinite(_float64(array))


def _float64(array: Array) -> Array:
    return np.asarray(array, np.float64)
