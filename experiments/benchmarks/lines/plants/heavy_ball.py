"""Mistakes in mini-batches whose layers are dicts that gather."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

ERROR = "2.0 * (out - want) / (total * want.shape[1])"
SLOPE = "        error *= g_prime"

MSE = Variant(
    ("tanh", "tanh", "linear"),
    "mse",
    plants=(
        Plant(
            "the slope of the output of the layer",
            "f_prime_of_z",
            'g_prime(layers[i - 1]["h"])',
            'g_prime(layer["in"])',
            also=('error *= g_prime(layer["in"])',),
        ),
        Plant(
            "the slope of the layer itself",
            "wrong_operand",
            'g_prime(layers[i - 1]["h"])',
            'g_prime(layer["h"])',
            also=('error *= g_prime(layer["h"])',),
            square=True,
        ),
        Plant("g for its slope", "wrong_derivative", "1.0 - np.tanh(h) ** 2", "np.tanh(h)"),
        Plant("want − out", "sign", "(out - want)", "(want - out)", also=("want - out",)),
        Plant("the 2 is lost", "missing_2", ERROR, "(out - want) / (total * want.shape[1])"),
        Plant("not divided by the samples", "missing_1_over_N", ERROR, "2.0 * (out - want) / want.shape[1]"),
        Plant("not divided by the outputs", "missing_1_over_K", ERROR, "2.0 * (out - want) / total"),
        Plant(
            "divided by this batch",
            "wrong_count",
            "want[chosen], len(x))",
            "want[chosen], len(chosen))",
            "head_error(out, want[chosen], len(chosen))",
            (ERROR,),
        ),
        Plant(
            "kernels keep the last batch",
            "accumulator",
            'layer["dW"] += layer["in"].T @ error',
            'layer["dW"] = layer["in"].T @ error',
        ),
        Plant("biases keep the last batch", "accumulator", 'layer["db"] += error.sum(0)', 'layer["db"] = error.sum(0)'),
        Plant(
            "the sum that goes in for what came in",
            "wrong_operand",
            'layer["in"].T @ error',
            'layer["h"].T @ error',
            square=True,
        ),
        Plant(
            "the momentum takes a share",
            "wrong_factor",
            'BETA * moment["W"] + layer["dW"]',
            'BETA * moment["W"] + (1 - BETA) * layer["dW"]',
            also=('(1 - BETA) * layer["dW"]',),
        ),
        Plant(
            "the biases' moment moves down",
            "sign",
            'BETA * moment["b"] + layer["db"]',
            'BETA * moment["b"] - layer["db"]',
        ),
    ),
    raising=(
        Plant("the kernel as it is", "transposed", 'error @ layer["W"].T', 'error @ layer["W"]'),
        Plant("what comes in is not transposed", "transposed", 'layer["in"].T @ error', 'layer["in"] @ error'),
    ),
    pairs=((0, 4), (3, 8), (6, 12)),
)

BCE = Variant(
    ("sigmoid", "sigmoid", "sigmoid"),
    "bce",
    replacements=(
        ("return np.tanh(h)", "return 1.0 / (1.0 + np.exp(-h))"),
        ("1.0 - np.tanh(h) ** 2", "g(h) * (1.0 - g(h))"),
        ("def head(h):\n    return h\n", "def head(h):\n    return g(h)\n"),
        (ERROR, "(out - want) / (total * want.shape[1])"),
    ),
    plants=(
        Plant(
            "σ′ once more",
            "output_f_prime_kept",
            "(out - want) / (total * want.shape[1])",
            "out * (1 - out) * (out - want) / (total * want.shape[1])",
        ),
        Plant("1 − g alone", "wrong_derivative", "g(h) * (1.0 - g(h))", "1.0 - g(h)"),
        Plant("g² for g", "wrong_derivative", "g(h) * (1.0 - g(h))", "g(h) ** 2 * (1.0 - g(h))"),
        Plant(
            "the output is not squashed",
            "forward_missing_activation",
            "def head(h):\n    return g(h)",
            "def head(h):\n    return h",
            "return h",
        ),
        Plant(
            "the bias is subtracted", "forward_bias", 'out @ layer["W"] + layer["b"]', 'out @ layer["W"] - layer["b"]'
        ),
        Plant(
            "a mean for the biases",
            "mean_for_sum",
            "error.sum(0)",
            "error.mean(0)",
            also=('layer["db"] += error.mean(0)',),
        ),
        Plant(
            "targets in the other order",
            "wrong_row",
            "want[chosen]",
            "want[first : first + SIZE]",
            also=("head_error(out, want[first : first + SIZE], len(x))",),
        ),
        Plant(
            "outputs and samples are the same to him",
            "wrong_count",
            "(out - want) / (total * want.shape[1])",
            "(out - want) / total",
        ),
    ),
    pairs=((0, 5), (4, 7)),
)

CCE = Variant(
    ("relu", "relu", "softmax"),
    "cce",
    replacements=(
        ("return np.tanh(h)", "return np.maximum(0.0, h)"),
        ("1.0 - np.tanh(h) ** 2", "(h > 0).astype(float)"),
        (
            "def head(h):\n    return h\n",
            "def head(h):\n    e = np.exp(h - h.max(1, keepdims=True))\n    return e / e.sum(1, keepdims=True)\n",
        ),
        (ERROR, "(out - want) / total"),
    ),
    plants=(
        Plant(
            "softmax over the batch",
            "softmax_axis",
            "e.sum(1, keepdims=True)",
            "e.sum(0, keepdims=True)",
            also=("e / e.sum(0, keepdims=True)",),
        ),
        Plant("off is on", "wrong_mask", "(h > 0).astype(float)", "(h < 0).astype(float)", also=("h < 0",)),
        Plant(
            "f′ is forgotten",
            "missing_f_prime",
            'error *= g_prime(layers[i - 1]["h"])',
            "error *= 1.0",
            also=('error @ layer["W"].T',),
        ),
        Plant(
            "divided by all numbers", "wrong_count", "(out - want) / total", "(out - want) / (total * want.shape[1])"
        ),
        Plant("the kernel as it is", "transposed", 'error @ layer["W"].T', 'error @ layer["W"]', square=True),
        Plant("out alone", "wrong_formula", "(out - want) / total", "out / total"),
        Plant(
            "the last kernel twice", "wrong_operand", 'error @ layer["W"].T', 'error @ layers[-1]["W"].T', square=True
        ),
    ),
    pairs=((0, 3), (2, 3)),
)

STYLE = Style("heavy_ball.py", "gradients", widths=(5, 6, 4, 2), batch=8, variants=(MSE, BCE, CCE))
