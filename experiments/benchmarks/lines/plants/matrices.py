"""Mistakes in one matrix after the other."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

MSE = Variant(
    ("sigmoid", "sigmoid", "linear"),
    "mse",
    plants=(
        Plant("f′ is forgotten in layer 2", "missing_f_prime", "(d3 @ W3.T) * sigmoid_prime(a2)", "d3 @ W3.T"),
        Plant(
            "f′ of the output h2, where its input belongs",
            "f_prime_of_z",
            "sigmoid_prime(a2)",
            "sigmoid_prime(h2)",
            also=("(d3 @ W3.T) * sigmoid_prime(h2)",),
        ),
        Plant("the kernel of layer 3 on the way to layer 1", "wrong_operand", "d2 @ W2.T", "d2 @ W3.T", square=True),
        Plant("the kernel is not transposed on the way down", "transposed", "d3 @ W3.T", "d3 @ W3", square=True),
        Plant("the difference the wrong way round", "sign", "out - y", "y - out", also=("2.0 * (y - out) / (n * k)",)),
        Plant(
            "E is a mean over the samples, too", "missing_1_over_N", "2.0 * (out - y) / (n * k)", "2.0 * (out - y) / k"
        ),
        Plant("the 2 of the square is lost", "missing_2", "2.0 * (out - y) / (n * k)", "(out - y) / (n * k)"),
        Plant("the bias takes a second mean", "double_average", "d1.sum(axis=0)", "d1.mean(axis=0)"),
        Plant("δ of the layer above in dW1", "off_by_one_layer", "x.T @ d1", "x.T @ d2", square=True),
        Plant("db2 was copied from db3", "copy_paste", "d2.sum(axis=0)", "d3.sum(axis=0)", square=True),
        Plant("dW3 reads what the activation reads", "wrong_operand", "h2.T @ d3", "a2.T @ d3"),
        Plant(
            "f′ of the layer above",
            "wrong_f_prime",
            "sigmoid_prime(a1)",
            "sigmoid_prime(a2)",
            also=("(d2 @ W2.T) * sigmoid_prime(a2)",),
            square=True,
        ),
        Plant(
            "σ(1 − σ) of the argument, without the σ",
            "wrong_derivative",
            "return s * (1.0 - s)",
            "return a * (1.0 - a)",
            "a * (1.0 - a)",
        ),
        Plant("dW2 reads what comes in, not h1", "wrong_operand", "h1.T @ d2", "x.T @ d2", square=True),
    ),
    raising=(
        Plant("the kernel is not transposed", "transposed", "d2 @ W2.T", "d2 @ W2"),
        Plant("dW1 without the transpose", "transposed", "x.T @ d1", "x @ d1"),
        Plant("the bias of the neighbour", "copy_paste", "h1 @ W2 + b2", "h1 @ W2 + b1"),
    ),
    pairs=((0, 7), (4, 10), (1, 5)),
)

BCE = Variant(
    ("tanh", "tanh", "sigmoid"),
    "bce",
    replacements=(
        (
            "def sigmoid_prime(a):\n    s = sigmoid(a)\n    return s * (1.0 - s)\n",
            "def tanh_prime(a):\n    return 1.0 - np.tanh(a) ** 2\n",
        ),
        ("h1 = sigmoid(a1)", "h1 = np.tanh(a1)"),
        ("h2 = sigmoid(a2)", "h2 = np.tanh(a2)"),
        ("out = h2 @ W3 + b3", "a3 = h2 @ W3 + b3\n    out = sigmoid(a3)"),
        ("E = mean of squares", "E = mean binary cross-entropy"),
        ("2.0 * (out - y) / (n * k)", "(out - y) / (n * k)"),
        ("sigmoid_prime(", "tanh_prime("),
    ),
    plants=(
        Plant("1 − tanh without the square", "wrong_derivative", "1.0 - np.tanh(a) ** 2", "1.0 - np.tanh(a)"),
        Plant(
            "σ′ at the output, which the cross-entropy cancels",
            "output_f_prime_kept",
            "(out - y) / (n * k)",
            "(out - y) * out * (1.0 - out) / (n * k)",
        ),
        Plant("a mean over samples only", "missing_1_over_K", "(out - y) / (n * k)", "(out - y) / n"),
        Plant("the bias is summed over the outputs", "wrong_axis", "d3.sum(axis=0)", "d3.sum(axis=1)"),
        Plant("the bias is one number", "wrong_axis", "d2.sum(axis=0)", "d2.sum()"),
        Plant("the forward pass goes on from a1", "forward_operand", "h1 @ W2 + b2", "a1 @ W2 + b2", "a1 @ W2"),
        Plant("dE/dz for δ in dW2", "dz_for_delta", "h1.T @ d2", "h1.T @ (d3 @ W3.T)"),
        Plant(
            "f′ of layer 2 is lost on the way down",
            "delta_not_sent_down",
            "(d2 @ W2.T) * tanh_prime(a1)",
            "(d3 @ W3.T @ W2.T) * tanh_prime(a1)",
            "d3 @ W3.T",
            ("d3 @ W3.T @ W2.T",),
        ),
        Plant(
            "tanh is written over its argument",
            "aliasing",
            "h1 = np.tanh(a1)",
            "h1 = np.tanh(a1, out=a1)",
            "np.tanh(a1, out=a1)",
            ("tanh_prime(a1)",),
        ),
        Plant(
            "f′ is added where it multiplies",
            "wrong_operation",
            "(d3 @ W3.T) * tanh_prime(a2)",
            "(d3 @ W3.T) + tanh_prime(a2)",
        ),
    ),
    raising=(
        Plant("the outer product the wrong way round", "order_of_product", "h2.T @ d3", "d3 @ h2.T @ a1.T"),
        Plant("a matrix product where ⊙ belongs", "wrong_operation", "(d2 @ W2.T) * tanh", "(d2 @ W2.T) @ tanh"),
    ),
    pairs=((0, 2), (3, 6)),
)

CCE = Variant(
    ("relu", "relu", "softmax"),
    "cce",
    replacements=(
        (
            "def sigmoid(a):\n    return 1.0 / (1.0 + np.exp(-a))\n",
            (
                "def relu(a):\n    return np.maximum(a, 0.0)\n\n\ndef softmax(a):\n"
                "    e = np.exp(a - a.max(axis=1, keepdims=True))\n    return e / e.sum(axis=1, keepdims=True)\n"
            ),
        ),
        (
            "def sigmoid_prime(a):\n    s = sigmoid(a)\n    return s * (1.0 - s)\n",
            "def relu_prime(a):\n    return np.where(a > 0, 1.0, 0.0)\n",
        ),
        ("n, k = y.shape", "n = len(x)"),
        ("h1 = sigmoid(a1)", "h1 = relu(a1)"),
        ("h2 = sigmoid(a2)", "h2 = relu(a2)"),
        ("out = h2 @ W3 + b3", "p = softmax(h2 @ W3 + b3)"),
        ("E = mean of squares", "E = cross-entropy of the softmax"),
        ("2.0 * (out - y) / (n * k)", "(p - y) / n"),
        ("sigmoid_prime(", "relu_prime("),
    ),
    plants=(
        Plant(
            "the mask of those that are off",
            "wrong_mask",
            "np.where(a > 0, 1.0, 0.0)",
            "np.where(a < 0, 1.0, 0.0)",
            also=("a < 0",),
        ),
        Plant(
            "leaky where the forward pass is not",
            "wrong_mask",
            "np.where(a > 0, 1.0, 0.0)",
            "np.where(a > 0, 1.0, 0.1)",
        ),
        Plant(
            "softmax over the batch",
            "softmax_axis",
            "e / e.sum(axis=1, keepdims=True)",
            "e / e.sum(axis=0, keepdims=True)",
            "e.sum(axis=0, keepdims=True)",
            ("e / e.sum(axis=0, keepdims=True)",),
        ),
        Plant("the mean is taken twice in dW2", "double_average", "h1.T @ d2", "h1.T @ d2 / n"),
        Plant(
            "the bias of layer 3 is not added", "forward_bias", "softmax(h2 @ W3 + b3)", "softmax(h2 @ W3)", "h2 @ W3"
        ),
        Plant(
            "the mask is of what comes down",
            "wrong_mask",
            "relu_prime(a1)",
            "relu_prime(d2 @ W2.T)",
            also=("(d2 @ W2.T) * relu_prime(d2 @ W2.T)",),
        ),
        Plant(
            "p(1 − p) as the whole of the softmax", "softmax_elementwise", "(p - y) / n", "(p - y) * p * (1.0 - p) / n"
        ),
        Plant("the gradient of the squared error", "other_loss", "(p - y) / n", "2.0 * (p - y) / y.size"),
    ),
    raising=(
        Plant("the axis is lost in softmax", "wrong_axis", "e / e.sum(axis=1, keepdims=True)", "e / e.sum(axis=1)"),
    ),
    pairs=((2, 3), (0, 4)),
)

STYLE = Style("matrices.py", "gradients", widths=(6, 5, 4, 3), batch=7, variants=(MSE, BCE, CCE))
