"""Runnable studies, one module each, and the command line.

This file imports nothing heavy: the command line lists the studies without loading them.
"""

STUDIES: dict[str, str] = {
    "three_layer_network": "article B's worked 2-3-2-2 example, digit by digit and node by node",
    "tape_pitfalls": "article D's mistakes with GradientTape, each beside its correction",
    "sine_regression": "article A's 1-5-5-5-1 network on sin(x), 50,000 steps checked by the tape",
    "who_is_wrong": "one case of each status: wrong derivations, references that are off, what proves nothing",
    "mistake_gallery": "every known mistake, committed on purpose: its picture and its diagnosis",
    "mnist_batches": "article B's image network: weights in a file, accuracy in batches, and what batches save",
    "logic_gates": "article C's perceptrons: gates, a half adder, and XOR learned by both twins",
    "stage_by_stage": "article C's 2-3-3-2 network drawn stage by stage, and its three slips named",
    "digit_network": "article C's 15 hidden units: digits learned, images compressed, numerical gradients timed",
    "mnist_dropout": "article E's dropout network: both twins on the same masks, and what its split is worth",
    "vanishing_gradients": "where the gradient fades with depth, and which dtype loses it first",
    "saturation": "cross-entropy on probabilities and on logits as weights grow, and where Keras clips",
}
"""What `run all` runs, in this order: name → one line."""

BY_NAME_ONLY: dict[str, str] = {
    "noise_calibration": "is the predicted rounding right? thousands of random correct networks against it",
    "mistake_rates": "how often a mistake is named rightly: independent wrong derivations on random nets",
    "speed": "how fast the manual engine is against TensorFlow, ratios in one run",
    "detection": "who sees a wrong gradient and who accuses a right one, we and the peers on the same cases",
}
"""What runs only when it is named."""

TAKES: dict[str, tuple[str, ...]] = {
    "mnist_batches": ("dataset", "data", "epochs", "weights"),
    "logic_gates": ("epochs",),
    "digit_network": ("dataset", "data", "epochs"),
    "mnist_dropout": ("dataset", "data", "epochs"),
    "vanishing_gradients": ("dataset", "data", "epochs"),
    "saturation": ("dataset", "data", "epochs"),
}
"""Which of the options that are not for everyone a study takes."""

__all__ = ["BY_NAME_ONLY", "STUDIES", "TAKES"]
