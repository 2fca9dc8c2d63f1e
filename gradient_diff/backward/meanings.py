"""What the statuses mean where a function is checked: advice that can be followed there."""

from __future__ import annotations

from collections.abc import Sequence

from gradient_diff.result.row import Row
from gradient_diff.result.status import Meaning, Status

OTHER_FUNCTION = "they are not the same function: their outputs differ by more than rounding explains"
OTHER_MODE = "compiled by XLA it is another function: its outputs differ from the eager ones beyond rounding"


def meanings(rows: Sequence[Row], twin: bool, compiled: bool, cure: str) -> dict[Status, Meaning]:
    """Message and advice of each status whose own words do not fit.

    `twin`: there is a plain function beside it; `compiled`: it ran uncompiled, too; `cure`: how to have more proved.
    """
    words = {
        Status.SHAPE: Meaning(
            "a gradient has another shape than what it is the gradient of",
            "Return the input's own shape: transpose, broadcast, or sum over what was broadcast.",
        ),
        Status.MISSING: Meaning("a gradient is None, but the values depend on that input", "Return a gradient for it."),
        Status.NONFINITE: Meaning("there is NaN or Inf", "Check at inputs where values and gradients are finite."),
        Status.KINK: Meaning(
            "the values have a kink or a jump at this point, and nothing else is off",
            "Any slope between both sides is right at a kink, and none where values jump: move the inputs a little.",
        ),
        Status.MISMATCH: Meaning(Status.MISMATCH.message, "Check the formula of the first gradient that is off."),
        Status.REFERENCE_OFF: Meaning(
            "the reference's own gradient does not fit the values",
            "Look in reference= for stop_gradient, a gradient of its own, or a cast.",
        ),
        Status.DIFFERENT: Meaning(Status.DIFFERENT.message, cure),
        Status.INCONCLUSIVE: Meaning("nothing could be proved", cure),
        Status.VACUOUS: Meaning(
            "zero or lost in rounding noise: proves nothing",
            "Give inputs at which the gradient is well away from zero.",
        ),
    }
    if twin and other_function(rows):
        words[Status.DIFFERENT] = Meaning(OTHER_FUNCTION, "Give as reference= the same function, written plainly.")
    elif compiled and other_function(rows):
        words[Status.DIFFERENT] = Meaning(
            OTHER_MODE, "Use one mode throughout; if it is XLA's fault, report the function to TensorFlow."
        )
    return words


def other_function(rows: Sequence[Row]) -> bool:
    """Whether outputs differ: then a gradient that differs, too, says nothing."""
    return any(row.name.startswith("outputs/") and row.status is Status.DIFFERENT for row in rows)
