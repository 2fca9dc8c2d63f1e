"""Float64 gradients of a model some of whose constants float32 alone holds, where no run has the exact ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradient_diff.keras.gradients.measured import Measured
from gradient_diff.keras.gradients.readings import undecided
from gradient_diff.keras.gradients.reference import MOST_TOLD
from gradient_diff.keras.gradients.request import Request, is_finer
from gradient_diff.keras.gradients.runs import Traced
from gradient_diff.result.diff import GradientDiff
from keras_mlp.extend import adapted_statistics, layer_weights, left_in_float32
from manual_mlp.extend import Arrays


def with_unheld_constants(request: Request, diff: GradientDiff, mine: Arrays) -> GradientDiff:
    """A diff that accuses; undecided where digits of a constant that the model has lost may explain every difference.

    Where a run with the exact constants can be had, the hand was held against that, too, and nothing is open.
    """
    weights = layer_weights(request.model)
    known = {n: a for n, a in mine.items() if n in weights}
    if diff.causes or not diff.verdict.bad or request.loss.stepped:
        return diff
    if request.network is not None and not adapted_statistics(request.model):  # a described one has its constants exact
        return diff
    if not is_finer(mine, False, request.stored) or any(a.shape != tuple(weights[n].shape) for n, a in known.items()):
        return diff
    measured = request.measured(known)
    lost = _lost(measured)
    if not known or not lost or not _near(known, measured):
        return diff
    words = "these may be the gradients with constants of more digits than the model has"
    reason = f"{words}: Keras holds {lost}, and how that was rounded explains this difference"
    return undecided(
        diff, words, reason, "Derive with the constants as the model holds them, or make these in float64."
    )


def _lost(measured: Measured) -> str:
    """What no run can have more exactly, in words; a model that draws has draws among its constants."""
    if measured.fine is None or measured.first.draws:
        return ""
    if names := adapted_statistics(measured.objective.model):
        return f"the statistics of {', '.join(names)} as rounded numbers"
    exact = Traced(replace(measured.plain, exact=True), values=True)
    found = left_in_float32(exact.graph)
    more = ", …" * (len(found) > MOST_TOLD)
    return f"this constant as {', '.join(map(repr, found[:MOST_TOLD]))}{more}" if found else ""


def _near(mine: Arrays, measured: Measured) -> bool:
    """Within what float32 rounds: a constant that is rounded to it does no more."""
    assert measured.fine is not None
    noise, right = measured.noise(mine, coarsely=True), measured.fine.found.gradients
    return all(bool((np.abs(a - right[n]) <= noise.tolerance(n)).all()) for n, a in mine.items())
