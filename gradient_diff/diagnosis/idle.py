"""Trainable weights that nothing depends on."""

from __future__ import annotations

from collections.abc import Sequence

from gradient_diff.result.findings import Cause

NO_PATH = "the tape has no path from this weight to the outputs: its gradient is None"


def without_effect(names: Sequence[str]) -> tuple[Cause, ...]:
    """Unlike a connected weight whose gradient is zero by structure they are a mistake: they would never train."""
    if not names:
        return ()
    message = (
        f"{', '.join(names)}: trainable, but nothing depends on it as the tape sees it, so that its gradient is None "
        "and fit never changes it. Read a weight without .numpy(), make variables and layers outside tf.function, and "
        "call every layer that is made; or set trainable=False"
    )
    title = "a trainable weight without effect"
    return (Cause("without_effect", "", f"{message}.", "dE/dW = None", "dE/dW", 0.0, title=title),)
