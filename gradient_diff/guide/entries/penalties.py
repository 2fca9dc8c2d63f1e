"""L1 and L2 of the weights, and penalties of a layer's output."""

from gradient_diff.guide.entry import Entry

L2 = "    dW1, dW2 = dW1 + 2 * 0.1 * W1, dW2 + 2 * 0.1 * W2\n"
L1 = "    dW1, dW2 = dW1 + 0.1 * np.sign(W1), dW2 + 0.1 * np.sign(W2)\n"
ACTIVITY = "    g1 = g1 + 2 * 0.3 / N * z1\n"

ENTRIES = (
    Entry(
        "l2_missing",
        "The penalty is an argument of a layer, and E as one writes it down has the loss alone.",
        "L2",
        "L2",
        (L2, L2, ""),
        met=("CS231n notes",),
    ),
    Entry(
        "l2_factor",
        "Half of the books write ½ λ Σ W², whose gradient is λW. Keras's L2 has no ½.",
        "L2",
        "L2",
        (L2, L2, "    dW1, dW2 = dW1 + 0.1 * W1, dW2 + 0.1 * W2\n"),
    ),
    Entry(
        "l2_sign",
        "Decay makes weights smaller, so a minus seems right. The minus is that of the update, W − lr dE/dW.",
        "L2",
        "L2",
        (L2, L2, "    dW1, dW2 = dW1 - 2 * 0.1 * W1, dW2 - 2 * 0.1 * W2\n"),
        met=("chainer/chainer#261",),
    ),
    Entry(
        "l2_bias",
        "The decay is added in a loop over all parameters, and a bias is one of them.",
        "L2",
        "L2",
        (L2, L2, L2 + "    db1, db2 = db1 + 2 * 0.1 * b1, db2 + 2 * 0.1 * b2\n"),
    ),
    Entry("l1_missing", "As with L2: the penalty is no part of the loss that is derived.", "L1", "L1", (L1, L1, "")),
    Entry(
        "l1_factor",
        "The 2 of λ Σ W² is carried over to λ Σ |W|, whose slope has none.",
        "L1",
        "L1",
        (L1, L1, "    dW1, dW2 = dW1 + 2 * 0.1 * np.sign(W1), dW2 + 2 * 0.1 * np.sign(W2)\n"),
    ),
    Entry(
        "l1_sign",
        "It shrinks the weights, so a minus seems right. The minus is that of the update.",
        "L1",
        "L1",
        (L1, L1, "    dW1, dW2 = dW1 - 0.1 * np.sign(W1), dW2 - 0.1 * np.sign(W2)\n"),
    ),
    Entry(
        "l1_without_sign",
        "d|W|/dW is 1 for a W above 0, and nobody thinks of the others; or |W| itself is taken for its slope.",
        "L1",
        "L1",
        (L1, L1, "    dW1, dW2 = dW1 + 0.1 * np.ones_like(W1), dW2 + 0.1 * np.ones_like(W2)\n"),
    ),
    Entry(
        "l1_as_l2",
        "“Regularisation” is read as weight decay, which is L2.",
        "L1",
        "L1",
        (L1, L1, "    dW1, dW2 = dW1 + 2 * 0.1 * W1, dW2 + 2 * 0.1 * W2\n"),
    ),
    Entry(
        "l2_as_l1",
        "The code was written for L1, and the layer was changed to L2 later.",
        "L2",
        "L2",
        (L2, L2, "    dW1, dW2 = dW1 + 0.1 * np.sign(W1), dW2 + 0.1 * np.sign(W2)\n"),
    ),
    Entry(
        "activity_missing",
        "It is a penalty of z and not of W: it goes into dE/dz in the middle of the way down, where no line of "
        "the usual derivation stands.",
        "penalty of an output",
        "activity",
        (ACTIVITY, ACTIVITY, ""),
        met=("tensorflow/tensorflow#33556",),
    ),
    Entry(
        "activity_not_averaged",
        "A penalty of the weights knows no N. Keras divides one of an output by it, which its formula does not show.",
        "penalty of an output",
        "activity",
        (ACTIVITY, ACTIVITY, "    g1 = g1 + 2 * 0.3 * z1\n"),
    ),
    Entry(
        "activity_factor",
        "A mean over all entries is taken, N times the units, or the 2 of z² is left out.",
        "penalty of an output",
        "activity",
        (ACTIVITY, ACTIVITY, "    g1 = g1 + 0.3 / N * z1\n"),
    ),
)
