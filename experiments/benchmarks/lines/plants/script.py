"""Mistakes in a script without functions."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

MSE = Variant(
    ("tanh", "tanh", "linear"),
    "mse",
    plants=(
        Plant("f′ is forgotten in layer 2", "missing_f_prime", "delta * (1 - h2**2)", "delta * 1"),
        Plant("f′ is forgotten in layer 1", "missing_f_prime", "delta *= 1 - h1**2", "delta *= 1", "delta *= 1"),
        Plant("1 − f, without the square", "wrong_f_prime", "(1 - h2**2)", "(1 - h2)", also=("delta * (1 - h2)",)),
        Plant("f′ of what goes in", "f_prime_of_z", "1 - h1**2", "1 - s1**2", also=("delta *= 1 - s1**2",)),
        Plant("targets − out", "sign", "out - targets\ndelta", "targets - out\ndelta", "targets - out"),
        Plant("not divided by the samples", "missing_1_over_N", "2 * err / (n * k)", "2 * err / k"),
        Plant("not divided by the outputs", "missing_1_over_K", "2 * err / (n * k)", "2 * err / n"),
        Plant("the 2 is lost", "missing_2", "2 * err / (n * k)", "err / (n * k)"),
        Plant("the bias takes a second mean", "double_average", "delta.sum(axis=0)", "delta.mean(axis=0)", nth=1),
        Plant("s2 for h2", "wrong_operand", "h2.T @ delta", "s2.T @ delta"),
    ),
    raising=(
        Plant("the kernel is not transposed", "transposed", 'delta @ net["w2"].T', 'delta @ net["w2"]'),
        Plant("dw1 without the transpose", "transposed", "inputs.T @ delta", "inputs @ delta"),
    ),
    pairs=((0, 7), (2, 4), (5, 8), (3, 6)),
)
BCE = Variant(
    ("relu", "relu", "sigmoid"),
    "bce",
    replacements=(
        ("h1 = np.tanh(s1)", "h1 = np.maximum(0, s1)"),
        ("h2 = np.tanh(s2)", "h2 = np.maximum(0, s2)"),
        ("out = s3", "out = 1 / (1 + np.exp(-s3))"),
        (
            "cost = np.mean((out - targets) ** 2)",
            "cost = -np.mean(targets * np.log(out) + (1 - targets) * np.log(1 - out))",
        ),
        ("delta = 2 * err / (n * k)", "delta = err / (n * k)"),
        ("delta = delta * (1 - h2**2)", "delta = delta * (s2 > 0)"),
        ("delta *= 1 - h1**2", "delta[s1 <= 0] = 0"),
    ),
    plants=(
        Plant("σ′ once more", "output_f_prime_kept", "err / (n * k)", "err * out * (1 - out) / (n * k)"),
        Plant("the mask of layer 1 turned round", "wrong_mask", "delta[s1 <= 0] = 0", "delta[s1 >= 0] = 0"),
        Plant(
            "ReLU for its slope",
            "wrong_derivative",
            "(s2 > 0)",
            "np.maximum(0, s2)",
            also=("delta * np.maximum(0, s2)",),
        ),
        Plant("the mask of layer 2 is forgotten", "missing_f_prime", "delta * (s2 > 0)", "delta * 1"),
        Plant("the output is not squashed", "forward_missing_activation", "out = 1 / (1 + np.exp(-s3))", "out = s3"),
        Plant(
            "the sign of the exponent",
            "forward_wrong_activation",
            "np.exp(-s3)",
            "np.exp(s3)",
            also=("1 / (1 + np.exp(s3))",),
        ),
        Plant("the bias is not added", "forward_bias", 'h1 @ net["w2"] + net["c2"]', 'h1 @ net["w2"]'),
        Plant("summed over the outputs", "missing_1_over_K", "err / (n * k)", "err / n"),
        Plant(
            "the sum over the wrong axis",
            "wrong_axis",
            'grads["c2"] = delta.sum(axis=0)',
            'grads["c2"] = delta.sum(axis=1)[:6]',
        ),
        Plant("err goes down, not δ", "wrong_operand", 'delta = delta @ net["w3"].T', 'delta = err @ net["w3"].T'),
    ),
    pairs=((0, 8), (3, 5), (2, 7)),
)
CCE = Variant(
    ("sigmoid", "tanh", "softmax"),
    "cce",
    replacements=(
        ("targets = rng.uniform(size=(7, 3))", "targets = np.eye(3)[rng.integers(0, 3, 7)]"),
        ("h1 = np.tanh(s1)", "h1 = 1 / (1 + np.exp(-s1))"),
        ("out = s3", "e = np.exp(s3 - s3.max(axis=1, keepdims=True))\nout = e / e.sum(axis=1, keepdims=True)"),
        ("cost = np.mean((out - targets) ** 2)", "cost = -np.mean(np.sum(targets * np.log(out), axis=1))"),
        ("delta = 2 * err / (n * k)", "delta = err / n"),
        ("delta *= 1 - h1**2", "delta *= h1 * (1 - h1)"),
    ),
    plants=(
        Plant("divided by all entries", "wrong_count", "err / n\n", "err / targets.size\n", "err / targets.size"),
        Plant(
            "the samples are summed",
            "missing_1_over_N",
            "delta = err / n\n",
            "delta = err * 1\n",
            "err * 1",
            also=("delta = err * 1",),
        ),
        Plant(
            "normalised over the batch",
            "softmax_axis",
            "e.sum(axis=1, keepdims=True)",
            "e.sum(axis=0, keepdims=True)",
            also=("e / e.sum(axis=0, keepdims=True)",),
        ),
        Plant("tanh's slope for σ's", "wrong_derivative", "h1 * (1 - h1)", "1 - h1**2", also=("delta *= 1 - h1**2",)),
        Plant("h1 alone", "wrong_derivative", "h1 * (1 - h1)", "h1", also=("delta *= h1",)),
        Plant(
            "(1 − p) y", "wrong_formula", "err = out - targets", "err = out * (1 - targets) - targets * (1 - out) * 2"
        ),
        Plant("dw1 without the factor of the batch", "double_average", "inputs.T @ delta", "inputs.T @ delta / n"),
        Plant("the kernel after σ", "wrong_operand", 'delta @ net["w2"].T', 'delta @ np.tanh(net["w2"]).T'),
        Plant("one half too much", "missing_2", "err / n\n", "err / (2 * n)\n", "err / (2 * n)"),
    ),
    pairs=((0, 6), (2, 5), (3, 8)),
)
STYLE = Style("script.py", "script", widths=(5, 4, 6, 3), batch=7, fixed=True, variants=(MSE, BCE, CCE))
