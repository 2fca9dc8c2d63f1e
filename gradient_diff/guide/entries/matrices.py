"""Transpositions, the wrong matrix, the wrong order."""

from gradient_diff.guide.entry import Entry

ENTRIES = (
    Entry(
        "transposed",
        "z_prevᵀ δ and δᵀ z_prev have the same numbers, and in a square layer even the same shape.",
        "layer",
        "plain",
        ("dW1 = x.T @ d1", "dW1 = d1.T @ x"),
        ("dW1 = d1 @ x.T", "dW1 = x @ d1.T"),
        met=("many", "article D, whose author lost a week on it"),
    ),
    Entry(
        "backprop_untransposed",
        "In a square layer both products fit, and W without a T looks like the forward pass.",
        "down",
        "deep",
        ("d2 @ W2.T", "d2 @ W2"),
        ("W2.T @ d2", "W2 @ d2"),
    ),
    Entry(
        "elementwise_for_matmul",
        "* for @: where batch and widths are equal, NumPy multiplies entry by entry and says nothing.",
        "layer",
        "square",
        ("dW2 = z1.T @ d2", "dW2 = z1 * d2"),
        ("dW2 = d2 @ z1.T", "dW2 = d2 * z1"),
    ),
    Entry(
        "wrong_input",
        "The input of layer 2 is the output of layer 1. Whoever counts both from the same number takes the layer's own "
        "output.",
        "layer",
        "deep",
        ("dW2 = z1.T @ d2", "dW2 = z2.T @ d2"),
        ("dW2 = d2 @ z1.T", "dW2 = d2 @ z2.T"),
        met=("article C, both indices one too high",),
    ),
    Entry(
        "wrong_kernel",
        "δ of layer 1 is made with W of layer 2, and the index that is at hand in the loop is 1.",
        "down",
        "deep",
        ("d2 @ W2.T", "d2 @ W1.T"),
        ("W2.T @ d2", "W1.T @ d2"),
    ),
    Entry(
        "stale_or_updated_kernel",
        "The loop goes down the layers and updates each as soon as its gradient is there; the next δ is then sent "
        "through the new W. It trains, and so nobody notices.",
        "down",
        "plain",
        (
            "    g1 = d2 @ W2.T\n",
            "    g1 = d2 @ W2.T\n    W2 = W2 - 0.1 * dW2\n",
            "    W2 = W2 - 0.1 * dW2\n    g1 = d2 @ W2.T\n",
        ),
        (
            "    g1 = W2.T @ d2\n",
            "    g1 = W2.T @ d2\n    W2 = W2 - 0.1 * dW2\n",
            "    W2 = W2 - 0.1 * dW2\n    g1 = W2.T @ d2\n",
        ),
        met=("article A, whose class trains this way", "joelgrus/data-science-from-scratch#31"),
    ),
    Entry(
        "layers_reversed",
        "Gradients are found from the output down and appended to a list as they are found.",
        "layer",
        "plain",
        ("return [dW1, db1, dW2, db2]", "return [dW2, db2, dW1, db1]"),
        met=("article A, which appends them so",),
    ),
    Entry(
        "batch_misaligned",
        "x is shuffled, or sliced again, between the forward and the backward pass.",
        "sum over the batch",
        "plain",
        ("dW1 = x.T @ d1", "dW1 = np.roll(x, 1, axis=0).T @ d1"),
        ("dW1 = d1 @ x.T", "dW1 = d1 @ np.roll(x, 1, axis=1).T"),
    ),
)
