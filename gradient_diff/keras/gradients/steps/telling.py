"""What is said of a step: who may have made it, or of what it is a step."""

from __future__ import annotations

from collections.abc import Sequence

from gradient_diff.keras.gradients.steps.choice import Choice
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.findings import Cause
from gradient_diff.stepping.undecided import undecided

STILL = "the weights did not change"
NOBODY = "no plain descent, and no optimizer of Keras from a fresh state, makes this step of the tape's gradient"
WHO = 'optimizer= as it was before the step, or optimizer="sgd" of plain descent,'
_COPY_FIRST = "Copy the weights before the step; or pass optimizer=, if it only accumulates gradients."


def said(found: Sequence[Choice]) -> tuple[str, str]:
    """Words and argument of the first that explains a step; the others are named beside it."""
    first, *more = found
    alike = ", ".join(dict.fromkeys(c.words for c in more if c.words != first.words))
    words = f"a step of {first.words}"
    return (f"{words} ({alike} would leave the same)" if alike else words), first.argument


def left_open(diff: GradientDiff, words: str, argument: str, every: bool = False) -> GradientDiff:
    """A choice that was left open convicts nobody."""
    step = words if words in (NOBODY, STILL) else f"these are the weights after {words}"
    return undecided(diff, step, f"Pass {argument} if that is what made the step." if argument else _COPY_FIRST, every)


def factor_cause(factor: float, names: Sequence[str]) -> Cause:
    """The step is that of a multiple of the gradients of these weights; of all where none are named."""
    where = f" of {', '.join(names)}" if names else ""
    words = (
        "the opposite gradient"
        if factor == -1
        else "no gradient"
        if factor == 0
        else f"{factor:.4g} times the gradient"
    )
    message = f"these are the weights after a step of {words}{where}; asked for was a step of the gradient."
    name = "sign" if factor == -1 else "missing_gradient" if factor == 0 else "other_factor"
    return Cause(name, "", message, f"a step of {factor:.4g} dE/dW", "a step of dE/dW", float("nan"), title=words)


def other_step(asked: Choice | None, words: str) -> Cause:
    """The weights are those after another step than the one that was asked for; None is plain descent."""
    wanted = "plain descent" if asked is None else asked.words
    message = f"these are the weights after {words}; asked for was a step of {wanted}."
    return Cause("other_step", "", message, f"W_after by {words}", f"W_after by {wanted}", float("nan"), title=words)
