"""Runnable studies, one module each, and the command line.

This file imports nothing heavy: the command line lists the studies without loading them.
"""

STUDIES: dict[str, str] = {
    "three_layer_network": "article B's worked 2-3-2-2 example, digit by digit and node by node",
    "tape_pitfalls": "article D's mistakes with GradientTape, each beside its correction",
    "sine_regression": "article A's 1-5-5-5-1 network on sin(x), 50,000 steps checked by the tape",
    "who_is_wrong": "one case of each status: wrong derivations, references that are off, what proves nothing",
    "mistake_gallery": "every known mistake, committed on purpose: its picture and its diagnosis",
}
"""What `run all` runs, in this order: name → one line."""

BY_NAME_ONLY: dict[str, str] = {
    "noise_calibration": "is the predicted rounding right? thousands of random correct networks against it",
    "mistake_rates": "how often a mistake is named rightly: independent wrong derivations on random nets",
    "speed": "how fast the manual engine is against TensorFlow, ratios in one run",
}
"""What runs only when it is named."""

__all__ = ["BY_NAME_ONLY", "STUDIES"]
