"""The derivative of the activation, and of the output's."""

from gradient_diff.guide.entry import Entry

D2 = "d2 = d3 @ W3.T * (1 - z2**2)\n"
D2_COLUMNS = "d2 = W3.T @ d3 * (1 - z2**2)\n"
D1 = "    d1 = d2 @ W2.T * (1 - z1**2)\n"
D1_COLUMNS = "    d1 = W2.T @ d2 * (1 - z1**2)\n"
ROWS_BETWEEN = "    dW2 = z1.T @ d2\n    db2 = d2.sum(axis=0)\n"
COLUMNS_BETWEEN = "    dW2 = d2 @ z1.T\n    db2 = d2.sum(axis=1, keepdims=True)\n"

ENTRIES = (
    Entry(
        "missing_derivative",
        "The error is sent back through W, and that it must also go back through f is forgotten: with linear units it "
        "does not show.",
        "activation",
        "plain",
        ("d1 = g1 * z1 * (1 - z1)", "d1 = g1"),
        met=("many",),
    ),
    Entry(
        "output_derivative_dropped",
        "“No derivative at the output” is remembered from cross-entropy and used with a squared error.",
        "activation",
        "squashed",
        (" * z2 * (1 - z2)", ""),
    ),
    Entry(
        "derivative_not_sent_down",
        "One variable holds the error of the layer, and f′ is multiplied in only where dE/dW is formed.",
        "down",
        "deep",
        (
            "    " + D2 + ROWS_BETWEEN + D1,
            "    " + D2 + ROWS_BETWEEN + D1,
            "    g2 = d3 @ W3.T\n    d2 = g2 * (1 - z2**2)\n" + ROWS_BETWEEN + "    d1 = g2 @ W2.T * (1 - z1**2)\n",
        ),
        (
            "    " + D2_COLUMNS + COLUMNS_BETWEEN + D1_COLUMNS,
            "    " + D2_COLUMNS + COLUMNS_BETWEEN + D1_COLUMNS,
            "    g2 = W3.T @ d3\n    d2 = g2 * (1 - z2**2)\n" + COLUMNS_BETWEEN + "    d1 = W2.T @ g2 * (1 - z1**2)\n",
        ),
        met=("a best-selling beginners' book", "davidstalnaker/numpy-neuralnet"),
    ),
    Entry(
        "output_derivative_kept",
        "The general rule δ = dE/dz ⊙ f′(u) is applied to p − y, which is δ already.",
        "cross-entropy",
        "classes",
        ("d2 = (p - y) / N", "d2 = (p - y) / N * p * (1 - p)"),
        met=("many",),
    ),
    Entry(
        "derivative_at_output",
        "A function sigmoid_prime(u) computes σ(u) inside and is given z, which is σ(u) already.",
        "activation",
        "plain",
        (
            "d1 = g1 * z1 * (1 - z1)",
            "d1 = g1 * z1 * (1 - z1)",
            "s = 1 / (1 + np.exp(-z1))\n    d1 = g1 * s * (1 - s)",
        ),
        met=("davidrmiller/neural2d#40",),
    ),
    Entry(
        "derivative_wrong",
        "σ′ is z(1 − z), tanh′ is 1 − z²: a factor is lost, or the one is taken for the other.",
        "activation",
        "plain",
        ("z1 * (1 - z1)", "z1"),
        met=("oreilly PR#43", "the README of this project"),
    ),
    Entry(
        "wrong_layer_derivative",
        "An index is one too high: the list of u has no entry for the input, the list of z has one.",
        "activation",
        "deep",
        ("d1 = d2 @ W2.T * (1 - z1**2)", "d1 = d2 @ W2.T * (1 - z2**2)"),
        ("d1 = W2.T @ d2 * (1 - z1**2)", "d1 = W2.T @ d2 * (1 - z2**2)"),
        met=("dennybritz PR#3",),
    ),
    Entry(
        "local_replaces_upstream",
        "A backward function returns its own derivative, and what comes from above is not multiplied in.",
        "activation",
        "plain",
        ("d1 = g1 * z1 * (1 - z1)", "d1 = z1 * (1 - z1)"),
        met=("haifengl/smile#528",),
    ),
    Entry(
        "relu_mask",
        "The mask is made from the gradient that comes down instead of from u: both are arrays of one shape, with "
        "positive and negative entries.",
        "activation",
        "relu",
        ("d1 = g1 * (u1 > 0)", "d1 = g1 * (g1 > 0)"),
        met=("mlrose#5",),
    ),
    Entry(
        "softmax_elementwise",
        "Sigmoid's p(1 − p) is the diagonal of softmax's Jacobian, and the rest of it is forgotten: every p depends on "
        "every u.",
        "softmax",
        "classes, by the chain rule",
        ("d2 = p * (g2 - (g2 * p).sum(axis=1, keepdims=True))", "d2 = g2 * p * (1 - p)"),
        ("d2 = p * (g2 - (g2 * p).sum(axis=0, keepdims=True))", "d2 = g2 * p * (1 - p)"),
        met=("eriklindernoren/ML-From-Scratch#71",),
    ),
    Entry(
        "softmax_twice",
        "The last layer has a softmax, and the loss brings its own, as with from_logits=True.",
        "cross-entropy",
        "classes",
        ("    d2 = (p - y) / N", "    p = np.exp(p) / np.exp(p).sum(axis=1, keepdims=True)\n    d2 = (p - y) / N"),
        ("    d2 = (p - y) / N", "    p = np.exp(p) / np.exp(p).sum(axis=0, keepdims=True)\n    d2 = (p - y) / N"),
        met=("tflearn PR#562",),
    ),
    Entry(
        "softmax_axis",
        "Without an axis np.sum adds up everything, and what comes out still looks like probabilities.",
        "softmax",
        "classes",
        [("u2.max(axis=1, keepdims=True)", "u2.max()"), ("e.sum(axis=1, keepdims=True)", "e.sum()")],
        [("u2.max(axis=0, keepdims=True)", "u2.max()"), ("e.sum(axis=0, keepdims=True)", "e.sum()")],
        met=("questions and answers",),
    ),
)
