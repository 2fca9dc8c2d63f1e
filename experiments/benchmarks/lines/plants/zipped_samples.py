"""Mistakes in samples that come by zip."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

DOWN = "W @ delta * sigma_prime(s)"
ERROR = "2 * (p - t) / len(t)"

MSE = Variant(
    ("tanh", "tanh", "linear"),
    "mse",
    plants=(
        Plant("f′ is forgotten", "missing_f_prime", DOWN, "W @ delta"),
        Plant("1 − tanh", "wrong_derivative", "1 - np.tanh(s) ** 2", "1 - np.tanh(s)"),
        Plant("t − p", "sign", "(p - t)", "(t - p)", also=("t - p",)),
        Plant("the 2 is lost", "missing_2", ERROR, "(p - t) / len(t)"),
        Plant("not divided by the outputs", "missing_1_over_K", ERROR, "2 * (p - t)"),
        Plant(
            "summed over the batch",
            "missing_1_over_N",
            "total / len(x)",
            "total",
        ),
        Plant("divided by the outputs for the batch", "wrong_count", "total / len(x)", "total / t.shape[1]"),
        Plant(
            "the outer product other way round", "transposed", "np.outer(a, delta)", "np.outer(delta, a)", square=True
        ),
        Plant(
            "the last sample alone",
            "accumulator",
            "s + n for s, n in zip(total_w, nabla_w)",
            "n for s, n in zip(total_w, nabla_w)",
            "[n for s, n in zip(total_w, nabla_w)]",
            ("nabla_w.insert(0, np.outer(a, delta))",),
        ),
        Plant(
            "biases are subtracted",
            "sign",
            "s + n for s, n in zip(total_b, nabla_b)",
            "s - n for s, n in zip(total_b, nabla_b)",
            "s - n",
        ),
        Plant(
            "the slope at the output",
            "f_prime_of_z",
            "sigma_prime(s)\n",
            "sigma_prime(a)\n",
            "sigma_prime(a)",
            (("W @ delta * sigma_prime(a)"),),
        ),
        Plant("the kernel transposed", "transposed", "W @ delta", "W.T @ delta", square=True),
    ),
    raising=(
        Plant("δ times W", "order_of_product", "W @ delta", "delta @ W"),
        Plant("W times what comes in", "order_of_product", "acts[-1] @ W + b", "W @ acts[-1] + b"),
    ),
    pairs=((0, 3), (1, 9), (4, 5)),
)
BCE = Variant(
    ("sigmoid", "sigmoid", "sigmoid"),
    "bce",
    replacements=(
        ("return np.tanh(s)\n", "return 1 / (1 + np.exp(-s))\n"),
        ("1 - np.tanh(s) ** 2", "sigma(s) * (1 - sigma(s))"),
        ("def top(s):\n    return s\n", "def top(s):\n    return sigma(s)\n"),
        (ERROR, "(p - t) / len(t)"),
    ),
    plants=(
        Plant("σ′ once more", "output_f_prime_kept", "(p - t) / len(t)", "(p - t) * p * (1 - p) / len(t)"),
        Plant("σ alone", "wrong_derivative", "sigma(s) * (1 - sigma(s))", "sigma(s)"),
        Plant("no bias", "forward_bias", "acts[-1] @ W + b", "acts[-1] @ W"),
        Plant(
            "the output is linear",
            "forward_missing_activation",
            "def top(s):\n    return sigma(s)",
            "def top(s):\n    return s",
            "return s",
        ),
        Plant(
            "the first sample's targets",
            "wrong_row",
            "biases, xi, ti)\n        total",
            "biases, xi, t[0])\n        total",
            "t[0]",
        ),
        Plant("a plus in the error", "sign", "(p - t) / len(t)", "(p + t) / len(t)"),
        Plant("the exponent", "forward_wrong_activation", "np.exp(-s)", "np.exp(s)", also=("1 / (1 + np.exp(s))",)),
    ),
    pairs=((0, 1), (2, 5)),
)
CCE = Variant(
    ("relu", "relu", "softmax"),
    "cce",
    replacements=(
        ("return np.tanh(s)\n", "return np.maximum(s, 0)\n"),
        ("1 - np.tanh(s) ** 2", "np.where(s > 0, 1.0, 0.0)"),
        ("def top(s):\n    return s\n", "def top(s):\n    e = np.exp(s - np.max(s))\n    return e / np.sum(e)\n"),
        (ERROR, "p - t"),
    ),
    plants=(
        Plant("the mask is turned round", "wrong_mask", "np.where(s > 0, 1.0, 0.0)", "np.where(s > 0, 0.0, 1.0)"),
        Plant("a leak", "wrong_derivative", "np.where(s > 0, 1.0, 0.0)", "np.where(s > 0, 1.0, 0.3)"),
        Plant("divided by the outputs", "wrong_count", "return p - t", "return (p - t) / len(t)", "(p - t) / len(t)"),
        Plant("not normalised", "forward_wrong_activation", "e / np.sum(e)", "e"),
        Plant("the mean for the sum", "forward_wrong_activation", "np.sum(e)", "np.mean(e)", also=("e / np.mean(e)",)),
        Plant("f′ once more", "double_f_prime", DOWN, "W @ delta * sigma_prime(s) * s"),
        Plant("p(1 − t)", "wrong_formula", "return p - t", "return p * (1 - t)", "p * (1 - t)"),
    ),
    pairs=((0, 2), (3, 5)),
)
STYLE = Style("zipped_samples.py", "gradients", widths=(5, 6, 4, 3), batch=7, variants=(MSE, BCE, CCE))
