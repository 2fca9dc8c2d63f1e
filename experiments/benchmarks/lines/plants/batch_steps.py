"""Mistakes in a class that takes a step with momentum after an epoch of small batches."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

ERROR = "2 * (y_hat - y) / y.shape[1]"
DOWN = "np.dot(delta, self.weights[-l + 1].T) * activate_prime(activations[-l])"
INNER_W = "np.dot(activations[-l - 1].T, delta) / m"
LAST_W = "np.dot(activations[-2].T, delta) / m"
STEP_W = "self.mu * v - self.lr * g for v, g in zip(self.vel_w, sum_w)"

MSE = Variant(
    ("tanh", "tanh", "linear"),
    "mse",
    plants=(
        Plant("f′ is forgotten", "missing_f_prime", DOWN, "np.dot(delta, self.weights[-l + 1].T)"),
        Plant("1 − a", "wrong_derivative", "1 - a**2", "1 - a"),
        Plant("y − y_hat", "sign", "(y_hat - y)", "(y - y_hat)", also=("y - y_hat",)),
        Plant("the 2 is lost", "missing_2", ERROR, "(y_hat - y) / y.shape[1]"),
        Plant("not divided by the outputs", "missing_1_over_K", ERROR, "2 * (y_hat - y)"),
        Plant("a hidden kernel is not divided by the batch", "missing_1_over_N", INNER_W, INNER_W[:-4]),
        Plant("the last kernel is not divided by the batch", "missing_1_over_N", LAST_W, LAST_W[:-4]),
        Plant(
            "the slope of the layer above",
            "wrong_operand",
            "activate_prime(activations[-l])",
            "activate_prime(activations[-l + 1])",
            also=(DOWN.replace("[-l])", "[-l + 1])"),),
            square=True,
        ),
        Plant(
            "its own output for what it reads",
            "wrong_operand",
            "activations[-l - 1].T",
            "activations[-l].T",
            also=("np.dot(activations[-l].T, delta) / m",),
            square=True,
        ),
        Plant(
            "every batch counts in full",
            "missing_share",
            "s + part * g for s, g in zip(sum_w, grad_w)",
            "s + g for s, g in zip(sum_w, grad_w)",
            "s + g",
        ),
        Plant(
            "the last batch alone is kept",
            "accumulator",
            "s + part * g for s, g in zip(sum_w, grad_w)",
            "part * g for s, g in zip(sum_w, grad_w)",
            "part * g",
        ),
        Plant(
            "the sum of the biases is subtracted",
            "sign",
            "s + part * g for s, g in zip(sum_b, grad_b)",
            "s - part * g for s, g in zip(sum_b, grad_b)",
            "s - part * g",
        ),
        Plant(
            "the step goes uphill",
            "sign",
            STEP_W,
            STEP_W.replace("- self.lr", "+ self.lr"),
            "self.mu * v + self.lr * g",
            ("w + v for w, v in zip(self.weights, self.vel_w)",),
        ),
    ),
    raising=(
        Plant("the kernel as it is", "transposed", "self.weights[-l + 1].T", "self.weights[-l + 1]"),
        Plant(
            "what comes in is not transposed",
            "transposed",
            "np.dot(activations[-2].T, delta)",
            "np.dot(activations[-2], delta)",
        ),
    ),
    pairs=((0, 5), (1, 3), (2, 9)),
)

BCE = Variant(
    ("sigmoid", "sigmoid", "sigmoid"),
    "bce",
    replacements=(
        ("return np.tanh(s)", "return 1 / (1 + np.exp(-s))"),
        ("1 - a**2", "a * (1 - a)"),
        ("def output(s):\n    return s\n", "def output(s):\n    return activate(s)\n"),
        (ERROR, "(y_hat - y) / y.shape[1]"),
    ),
    plants=(
        Plant(
            "σ′ once more",
            "output_f_prime_kept",
            "(y_hat - y) / y.shape[1]",
            "(y_hat - y) * activate_prime(y_hat) / y.shape[1]",
        ),
        Plant("a(1 + a)", "wrong_derivative", "a * (1 - a)", "a * (1 + a)"),
        Plant(
            "the exponent's sign", "forward_wrong_activation", "np.exp(-s)", "np.exp(s)", also=("1 / (1 + np.exp(s))",)
        ),
        Plant(
            "no bias in hidden layers",
            "forward_bias",
            "activate(np.dot(activations[-1], w) + b)",
            "activate(np.dot(activations[-1], w))",
            "np.dot(activations[-1], w)",
        ),
        Plant(
            "a mean for the last bias",
            "mean_for_sum",
            "grad_b[-1] = np.sum(",
            "grad_b[-1] = np.mean(",
            "np.mean(delta, axis=0, keepdims=True)",
        ),
        Plant(
            "means for the hidden biases",
            "mean_for_sum",
            "grad_b[-l] = np.sum(",
            "grad_b[-l] = np.mean(",
            "np.mean(delta, axis=0, keepdims=True)",
        ),
        Plant(
            "targets of the first batch",
            "wrong_row",
            "y[i : i + batch_size]",
            "y[: len(x[i : i + batch_size])]",
            "y[: len(x[i : i + batch_size])]",
        ),
        Plant("the error is not divided by the outputs", "missing_1_over_K", "(y_hat - y) / y.shape[1]", "y_hat - y"),
        Plant(
            "the kernel of the layer itself",
            "wrong_operand",
            "self.weights[-l + 1].T",
            "self.weights[-l].T",
            also=("np.dot(delta, self.weights[-l].T)",),
            square=True,
        ),
    ),
    pairs=((0, 5), (1, 4)),
)

CCE = Variant(
    ("relu", "relu", "softmax"),
    "cce",
    replacements=(
        ("return np.tanh(s)", "return np.maximum(s, 0.0)"),
        ("1 - a**2", "(a > 0) * 1.0"),
        (
            "def output(s):\n    return s\n",
            (
                "def output(s):\n    e = np.exp(s - np.max(s, axis=1, keepdims=True))\n"
                "    return e / np.sum(e, axis=1, keepdims=True)\n"
            ),
        ),
        (ERROR, "y_hat - y"),
    ),
    plants=(
        Plant("the mask is turned round", "wrong_mask", "(a > 0) * 1.0", "(a <= 0) * 1.0"),
        Plant(
            "softmax over the batch",
            "softmax_axis",
            "np.sum(e, axis=1, keepdims=True)",
            "np.sum(e, axis=0, keepdims=True)",
            also=("e / np.sum(e, axis=0, keepdims=True)",),
        ),
        Plant("ReLU for its slope", "wrong_derivative", "(a > 0) * 1.0", "np.maximum(a, 0.0)"),
        Plant(
            "divided by the outputs",
            "wrong_count",
            "return y_hat - y",
            "return (y_hat - y) / y.shape[1]",
            "(y_hat - y) / y.shape[1]",
        ),
        Plant("the output for its slope", "wrong_derivative", "activate_prime(activations[-l])", "activations[-l]"),
        Plant(
            "the whole batch size for each",
            "wrong_count",
            "m = len(x)",
            "m = self.batch_size",
            also=(INNER_W, LAST_W, "np.sum(delta, axis=0, keepdims=True) / m"),
        ),
        Plant(
            "the share of the other batches",
            "wrong_count",
            "part = len(xb) / len(x)",
            "part = 1 - len(xb) / len(x)",
            also=("s + part * g for s, g in zip(sum_w, grad_w)", "s + part * g for s, g in zip(sum_b, grad_b)"),
        ),
        Plant(
            "the kernel is not transposed",
            "transposed",
            "self.weights[-l + 1].T",
            "self.weights[-l + 1]",
            also=("np.dot(delta, self.weights[-l + 1])",),
            square=True,
        ),
    ),
    pairs=((0, 3), (1, 4)),
)

STYLE = Style(
    "batch_steps.py",
    "step",
    use="Mlp(widths, seed).epoch",
    widths=(5, 6, 4, 3),
    batch=10,
    learning_rate=0.2,
    variants=(MSE, BCE, CCE),
)
