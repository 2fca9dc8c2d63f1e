"""Other ways to read what was asked: in inference, of E in the dtype of fit, or with what was drawn one pass before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from gradient_diff.keras.gradients.kept import Held, averages_before, moved_seeds, moved_states, seeds_before
from gradient_diff.keras.gradients.loss.resolved import KerasError
from gradient_diff.keras.gradients.request import Request, is_finer
from gradient_diff.keras.gradients.runs import Runs
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.findings import Cause
from gradient_diff.result.status import Meaning, Status
from keras_mlp.extend import holding, layer_weights
from manual_mlp import Array
from manual_mlp.extend import UNITS, Arrays

WAYS: dict[bool | None, str] = {True: "training", False: "inference", None: "the way of its own call"}
T = TypeVar("T")
Judge = Callable[[Request], GradientDiff]


@dataclass(frozen=True, eq=False)
class Reading:
    """A request that somebody may have meant; with `seeds` layers draw again what they drew one pass before.

    With `states` the layers that keep a state start from zeros; with `averages` these stand where they stood once.
    """

    request: Request
    seeds: Held = ()
    in_the_other: bool = False
    states: Held = ()
    averages: Held = ()

    def judged(self, judge: Callable[[Request], T], mine: Arrays | None) -> T | None:
        """What is to be said of it; None where the hand is not near, or the model cannot run so."""
        held = [*self.seeds, *self.states, *self.averages]
        try:
            with holding(held):  # what was read and measured with others held is another's
                request = self.request.read_anew() if held else self.request
                return judge(request) if mine is None or _may_explain(request, mine) else None
        except KerasError:  # a model may run in one of training and inference only
            return None

    def explained(self, judge: Judge, mine: Arrays | None) -> GradientDiff | None:
        """The comparison, if that is what the hand is the gradient of."""
        found = self.judged(judge, mine)
        return None if found is None or found.verdict.bad or found.verdict is Status.INCONCLUSIVE else found


def as_trained(request: Request, diff: GradientDiff, judge: Judge, mine: Arrays | None) -> GradientDiff:
    """A diff that accuses, or that E in the dtype in which Keras computes it explains the hand.

    Keras casts what a loss object is given to floatx, whatever the model's dtype: a step of `fit` is one of that E.
    """
    if not diff.verdict.bad or request.coarser_loss == 1 or request.loss.stepped:
        return diff
    words = f"E in {request.loss.dtype}, in which Keras computes this loss"
    trained = replace(request, as_trained=True)
    if (found := Reading(trained).explained(judge, mine)) is not None:
        rows = (replace(r, reason=f"{r.reason}; of {words}") if r.metrics else r for r in found.rows)
        return replace(found, rows=tuple(rows))
    is_step = mine is None  # fit may have compiled it: to the bit it is known only of gradients
    if not is_step or Reading(replace(trained, coarsely=True)).explained(judge, None) is None:
        return diff
    words = f"these are the gradients of {words}"
    reason = f"{words}, within its rounding; of E in {request.stored} they are not"
    cure = (
        f"Pass loss= as an object with dtype={request.stored!r} if that E was derived, and so small a difference counts"
    )
    return undecided(diff, words, reason, f"{cure}.")


def read_otherwise(request: Request, mine: Arrays, diff: GradientDiff, judge: Judge) -> GradientDiff:
    """A diff that accuses, or what is to be said where another reading of the request explains the hand."""
    for reading in others(request):
        if (found := reading.explained(judge, mine)) is not None:
            if reading.in_the_other:
                return _in_the_other(request, diff, reading, found)
            return _at_averages(diff) if reading.averages else _earlier(reading, found)
    return diff


def from_unknown_states(request: Request, diff: GradientDiff, mine: Arrays) -> GradientDiff:
    """A diff that accuses; undecided where recurrent layers held other states, which nobody knows any more.

    A row that is right from where they stand, or from 0, or a constant times it, shows that it was taken there.
    """
    states = moved_states(request)
    known = {n: w for n, w in layer_weights(request.model).items() if n in mine}
    if (
        diff.causes
        or not diff.verdict.bad
        or not states
        or any(mine[n].shape != tuple(w.shape) for n, w in known.items())
    ):
        return diff
    measured = request.measured(known)
    noise = measured.noise(measured.first.gradients)
    for start in ((), states):
        with holding(start):
            right = Runs(request.objective, list(known)).gradients().gradients
        if any(_is_along(mine[n], g, noise.tolerance(n)) for n, g in right.items()):
            return diff
    words = "these may be the gradients from states that the recurrent layers no longer hold"
    reason = f"{words}: every pass moves them on, and no gradient is right from where they stand, nor from 0"
    cure = "Call reset_states() of the layers before your own pass, and again before the check"
    return undecided(diff, words, reason, f"{cure}.")


def _is_along(a: Array, b: Array, allowed: Array) -> bool:
    """Whether an array is a constant times another, within rounding."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    size = float(np.square(b).sum())
    factor = float((a * b).sum()) / size if size else 0.0
    return a.size > 1 and bool((np.abs(a - factor * b) <= max(1.0, abs(factor)) * allowed).all())


def step_from_earlier(request: Request, judge: Judge) -> GradientDiff | None:
    """Of a step: what layers drew in the pass before, or from states of 0, if that explains it."""
    for reading in _with_earlier(request, Reading(request), as_it_stands=False):
        if (found := reading.explained(judge, None)) is not None:
            return _earlier(reading, found)
    return None


def draws(request: Request) -> bool:
    """Whether a layer draws, as the model is asked to run."""
    return bool(request.masks if request.mlp is not None else moved_seeds(request)) and request.in_training


@np.errstate(over="ignore")  # a hand whose squares overflow is not near
def _may_explain(request: Request, mine: Arrays) -> bool:
    """Whether a hand is as near to the gradients as half of their digits: else there is no need to judge it."""
    wanted = [n for n in layer_weights(request.model) if n in mine]
    finer = is_finer(mine, False, request.stored) and request.measured(wanted).fine is not None
    runs = request.measured(wanted).plain if finer else Runs(request.objective, wanted)
    right = runs.gradients().gradients
    if not wanted or any(mine[n].shape != right[n].shape for n in wanted):
        return False
    pairs = [(np.asarray(right[n], np.float64), np.asarray(mine[n], np.float64)) for n in wanted]
    off = sum(float(np.square(r - m).sum()) for r, m in pairs)
    return off <= UNITS[request.objective.coarsest] * sum(float(np.square(r).sum()) for r, _ in pairs)


def others(request: Request) -> Iterator[Reading]:
    """What else may have been meant, where the caller left it open."""
    if request.loss.stepped or (request.mlp is not None and not request.masks and not request.mlp.untrained):
        return  # only the model's own train_step knows how it runs; or both are the same
    yield from _with_earlier(request, Reading(request), as_it_stands=False)
    for training in (True, False):
        if training is not request.objective.training:
            other = replace(request, training=training)
            yield from _with_earlier(other, Reading(other, in_the_other=True), as_it_stands=True)


def _with_earlier(request: Request, reading: Reading, as_it_stands: bool) -> Iterator[Reading]:
    """With the seeds, the states or both as they stood before a pass of the user's own."""
    states = moved_states(request)
    if as_it_stands:
        yield reading
    if states:
        yield replace(reading, states=states)
    if seeds := seeds_before(request):
        yield replace(reading, seeds=seeds)
        if states:
            yield replace(reading, seeds=seeds, states=states)
    if reading.request.objective.training is False:
        for averages in averages_before(request):
            yield replace(reading, averages=averages)


def _earlier(reading: Reading, found: GradientDiff) -> GradientDiff:
    words = "; from states of 0, as reset_states() leaves them, and not from where they stand" * bool(reading.states)
    words += "; on what the layers drew in the pass before the next one" * bool(reading.seeds)
    return replace(found, rows=tuple(replace(row, reason=row.reason + words, by_sigma=False) for row in found.rows))


MOVED = "at moving averages that a pass in training has moved on since"
AGAIN = "Compute your gradients again at the moving averages that the model holds, or check before it runs in training"


def _at_averages(diff: GradientDiff) -> GradientDiff:
    """What a state was when gradients were computed is said by nobody."""
    words = f"these are the gradients in inference {MOVED}"
    return undecided(diff, words, f"{words}; at those that the model holds they are not", f"{AGAIN}.")


def _in_the_other(request: Request, diff: GradientDiff, reading: Reading, explained: GradientDiff) -> GradientDiff:
    """A choice that was left open convicts nobody; one that was made is the cause."""
    found, asked = (WAYS[r.objective.training] for r in (reading.request, request))
    words = f"these are the gradients in {found}" + ", on what the layers drew one pass before" * bool(reading.seeds)
    words += ", from states of 0" * bool(reading.states) + f", {MOVED}" * bool(reading.averages)
    cure = f"Pass training={reading.request.training} if that is what you derived; else run the model in {asked}"
    if request.training is not None:
        message = f"{words}, and training={request.training} was asked for. {cure}."
        left = max((row.distance or 0.0 for row in explained.rows), default=0.0)
        cause = Cause("other_training", "", message, f"E in {found}", f"E in {asked}", left, title=words)
        return replace(diff, causes=(cause,), unexplained="", smallest=None)
    reason = f"{words}; fit runs the model {'by the defaults of its call' if asked is WAYS[None] else f'in {asked}'}"
    return undecided(diff, words, reason, f"{cure}.")


def undecided(diff: GradientDiff, words: str, reason: str, cure: str) -> GradientDiff:
    """The same comparison, that accuses nobody: it is open, for this reason, and settled by this cure."""
    rows = tuple(
        replace(row, status=Status.INCONCLUSIVE, reason=reason, by_sigma=False) if row.status.bad else row
        for row in diff.rows
    )
    meanings = {Status.INCONCLUSIVE: Meaning(words, cure)}
    return replace(diff, rows=rows, causes=(), unexplained="", smallest=None, meanings=meanings)
