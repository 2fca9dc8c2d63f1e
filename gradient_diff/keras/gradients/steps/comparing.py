"""The moves of the weights against those of a replayed step, weight by weight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradient_diff.comparison import compare
from gradient_diff.judging.case import Case
from gradient_diff.judging.judgement import judge
from gradient_diff.keras.gradients.steps.choice import Choice
from gradient_diff.keras.gradients.steps.replays import NEAR, Replays
from gradient_diff.layouts.undoing import AS_GIVEN
from gradient_diff.noise.network import Kind, Noise
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.status import Meaning, Status
from gradient_diff.sides import Pair, Side
from manual_mlp import Evaluation, gradient_node
from manual_mlp.extend import GATE, Arrays

_BOTH = GATE * np.sqrt(2)
_NO_OTHER = (
    "No other state, setting or optimizer, and no simple factor of the gradients, explains these weights: the gradient "
    "that the step was made of is another one, or its equation is. Pass gradients=, to see which."
)


def compared(replays: Replays, choice: Choice) -> GradientDiff:
    """The moves of the weights against the replayed ones."""
    right = choice.moves(replays.weights, replays.used)
    given, rtol = replays.reference.given, replays.request.options.rtol
    noise = None if rtol else _noise(replays, choice, right)
    diff = compare(replays.moves, right, noise=noise, rtol=rtol, layout=AS_GIVEN)
    origin = given.origin if isinstance(given, Evaluation) else replays.reference.origin
    diff = replace(
        diff,
        hand_origin="W_after − W_before, as given",
        reference_origin=f"{origin}, a step of {choice.words}",
        causes=(),
        unexplained=_NO_OTHER if diff.verdict.bad else "",
    )
    return _accused(replays, diff) if diff.verdict.bad else _with_what_shows(replays, choice, diff, right)


def _noise(replays: Replays, choice: Choice, right: Arrays) -> Noise:
    sigma = {n: a / _BOTH for n, a in replays.limits_of_moves(choice, right).items()}
    source = "the gradient's rounding sent through the step, the optimizer's own, and what storing the weights hides"
    return Noise("", right, sigma, dict.fromkeys(right, 0.0), 0, source=source, kind=Kind.DRAWN, of_step=True)


def _with_what_shows(replays: Replays, choice: Choice, diff: GradientDiff, right: Arrays) -> GradientDiff:
    """Some steps show little of the gradient that they are made of."""
    rng = np.random.default_rng(0)
    uneven = {n: g * rng.uniform(0.5, 2.0, g.shape) for n, g in replays.used.items()}
    twice = {n: 2 * g for n, g in replays.used.items()}
    for changed, words in ((uneven, "only the signs of"), (twice, "all but the scale of")):
        found = choice.moves(replays.weights, changed)
        if not any(np.any(a) for a in (*right.values(), *found.values())):
            return _held(diff, choice)
        if all((np.abs(found[n] - a) <= NEAR * np.abs(a).max(initial=0.0)).all() for n, a in right.items()):
            note = f"A step of {choice.words} from this state shows {words} the gradient."
            return replace(diff, notes=(*diff.notes, note))
    return diff


def _held(diff: GradientDiff, choice: Choice) -> GradientDiff:
    """A step that leaves the weights whatever the gradient, as one that only accumulates, proves nothing."""
    reason = f"a step of {choice.words} from this state leaves the weights as they are, whatever the gradient"
    rows = (replace(r, status=Status.VACUOUS, reason=reason, by_sigma=False) if r.status.ok else r for r in diff.rows)
    said = Meaning(
        "the weights show nothing of the gradient", "Pass gradients=, or the weights after a step that moves."
    )
    notes = (*diff.notes, f"{reason[0].upper()}{reason[1:]}.")
    return replace(diff, rows=tuple(rows), notes=notes, meanings={**diff.meanings, Status.VACUOUS: said})


def _accused(replays: Replays, diff: GradientDiff) -> GradientDiff:
    """Whether the hand or the tape is off is asked of the gradient's own witness, by a gradient that is off."""
    reference, used = replays.reference, replays.used
    off = [r.name for r in diff.rows if r.status is Status.DIFFERENT and r.name in used]
    if not off:
        return diff
    planted = {n: used[n] + max(float(np.abs(used[n]).max(initial=0.0)), 1.0) for n in off}
    pair = Pair.of(Side.of("hand", planted), Side.of("reference", reference.given))
    said = judge(Case.of(pair, reference.noise, replays.request.options.rtol, reference.witness))
    statuses = {n: said[m].status for n in off for m in (n, gradient_node(n)) if m in said}
    rows = tuple(replace(r, status=statuses.get(r.name, r.status)) for r in diff.rows)
    return replace(diff, rows=rows)
