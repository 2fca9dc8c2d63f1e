"""Runnable studies, one module each, and the command line.

This file imports nothing heavy: the command line lists the studies without loading them.
"""

STUDIES: dict[str, str] = {
    "three_layer_network": "article B's worked 2-3-2-2 example, digit by digit and node by node",
    "tape_pitfalls": "article D's mistakes with GradientTape, each beside its correction",
    "sine_regression": "article A's 1-5-5-5-1 network on sin(x), 50,000 steps checked by the tape",
}
"""What `run all` runs, in this order: name → one line."""

BY_NAME_ONLY: dict[str, str] = {
    "speed": "how fast the manual engine is against TensorFlow, ratios in one run",
}
"""What runs only when it is named."""

__all__ = ["BY_NAME_ONLY", "STUDIES"]
