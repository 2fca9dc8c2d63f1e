"""Mistakes where biases are rows of the matrices."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

ERROR = "2 * (out - Y) / Y.shape[1]"
DOWN = "delta @ thetas[k + 1][1:].T * phi_prime(sums[k])"

MSE = Variant(
    ("tanh", "tanh", "linear"),
    "mse",
    plants=(
        Plant("f′ is forgotten", "missing_f_prime", DOWN, "delta @ thetas[k + 1][1:].T"),
        Plant("1 + φ²", "wrong_derivative", "1 - phi(s) ** 2", "1 + phi(s) ** 2"),
        Plant("Y − out", "sign", "(out - Y)", "(Y - out)", also=("Y - out",)),
        Plant("the 2 is lost", "missing_2", ERROR, "(out - Y) / Y.shape[1]"),
        Plant("not divided by the outputs", "missing_1_over_K", ERROR, "2 * (out - Y)"),
        Plant("the last is not divided by m", "missing_1_over_N", "inputs[-1].T @ delta / m", "inputs[-1].T @ delta"),
        Plant("the others are not divided by m", "missing_1_over_N", "inputs[k].T @ delta / m", "inputs[k].T @ delta"),
        Plant(
            "the last row is left out",
            "wrong_slice",
            "thetas[k + 1][1:].T",
            "thetas[k + 1][:-1].T",
            also=("delta @ thetas[k + 1][:-1].T",),
        ),
        Plant(
            "the slope of a slope",
            "f_prime_of_z",
            "phi_prime(sums[k])",
            "phi_prime(phi(sums[k]))",
            also=(DOWN.replace("sums[k]", "phi(sums[k])"),),
        ),
        Plant(
            "one kernel for all",
            "wrong_operand",
            "thetas[k + 1][1:]",
            "thetas[-1][1:]",
            also=("delta @ thetas[-1][1:].T",),
            square=True,
        ),
        Plant("the error is squared", "wrong_formula", "(out - Y)", "(out - Y) ** 2"),
    ),
    raising=(
        Plant("the row of biases stays", "wrong_slice", "thetas[k + 1][1:].T", "thetas[k + 1].T"),
        Plant("what comes in is not transposed", "transposed", "inputs[-1].T @ delta", "inputs[-1] @ delta"),
    ),
    pairs=((0, 3), (1, 6), (4, 8)),
)
BCE = Variant(
    ("sigmoid", "sigmoid", "sigmoid"),
    "bce",
    replacements=(
        ("return np.tanh(s)", "return 1 / (1 + np.exp(-s))"),
        ("1 - phi(s) ** 2", "phi(s) * (1 - phi(s))"),
        ("def phi_out(s):\n    return s\n", "def phi_out(s):\n    return phi(s)\n"),
        (ERROR, "(out - Y) / Y.shape[1]"),
    ),
    plants=(
        Plant(
            "σ′ once more", "output_f_prime_kept", "(out - Y) / Y.shape[1]", "(out - Y) * out * (1 - out) / Y.shape[1]"
        ),
        Plant("minus between the factors", "wrong_derivative", "phi(s) * (1 - phi(s))", "phi(s) - (1 - phi(s))"),
        Plant(
            "the output is linear",
            "forward_missing_activation",
            "def phi_out(s):\n    return phi(s)",
            "def phi_out(s):\n    return s",
            "return s",
        ),
        Plant(
            "noughts for ones",
            "forward_bias",
            "np.ones(",
            "np.zeros(",
            "np.zeros((a.shape[0], 1))",
            also=("np.hstack((np.zeros((a.shape[0], 1)), a))", "inputs.append(with_ones(a))"),
        ),
        Plant(
            "m counts the outputs",
            "wrong_count",
            "m = X.shape[0]",
            "m = Y.shape[1]",
            also=("inputs[-1].T @ delta / m", "inputs[k].T @ delta / m"),
        ),
        Plant(
            "the kernel other way round",
            "transposed",
            "thetas[k + 1][1:].T",
            "thetas[k + 1][1:]",
            also=("delta @ thetas[k + 1][1:] * phi_prime(sums[k])",),
            square=True,
        ),
        Plant("a product for the difference", "wrong_formula", "(out - Y) / Y.shape[1]", "(out * Y) / Y.shape[1]"),
    ),
    pairs=((0, 1), (3, 5)),
)
CCE = Variant(
    ("relu", "relu", "softmax"),
    "cce",
    replacements=(
        ("return np.tanh(s)", "return s * (s > 0)"),
        ("1 - phi(s) ** 2", "1.0 * (s > 0)"),
        (
            "def phi_out(s):\n    return s\n",
            "def phi_out(s):\n    e = np.exp(s)\n    return e / e.sum(axis=1).reshape(-1, 1)\n",
        ),
        (ERROR, "out - Y"),
    ),
    plants=(
        Plant("the mask is turned round", "wrong_mask", "1.0 * (s > 0)", "1.0 * (s < 0)", also=("s < 0",)),
        Plant(
            "normalised over the batch",
            "softmax_axis",
            "e.sum(axis=1).reshape(-1, 1)",
            "e.sum(axis=0)",
            also=("e / e.sum(axis=0)",),
        ),
        Plant("not normalised", "forward_wrong_activation", "e / e.sum(axis=1).reshape(-1, 1)", "e"),
        Plant(
            "divided by the outputs, too",
            "wrong_count",
            "delta = out - Y",
            "delta = (out - Y) / Y.shape[1]",
            "(out - Y) / Y.shape[1]",
        ),
        Plant(
            "the sums for what came in",
            "wrong_operand",
            "inputs[-1].T @ delta",
            "with_ones(sums[-1]).T @ delta",
            also=("with_ones(sums[-1])",),
        ),
        Plant("divided by m again", "double_average", "inputs[k].T @ delta / m", "inputs[k].T @ delta / m / m"),
    ),
    pairs=((0, 3), (2, 5)),
)
STYLE = Style("bias_row.py", "gradients", widths=(5, 4, 6, 3), batch=8, variants=(MSE, BCE, CCE))
