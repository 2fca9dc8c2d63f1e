"""Mistakes in functions of one number."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

D3 = "error(p, t) / (N * K)"

MSE = Variant(
    ("tanh", "tanh", "linear"),
    "mse",
    plants=(
        Plant("1 − tanh", "wrong_derivative", "1 - math.tanh(u) ** 2", "1 - math.tanh(u)"),
        Plant(
            "tanh of half",
            "forward_wrong_activation",
            "return math.tanh(u)\n\n\ndef slope",
            "return math.tanh(u / 2)\n\n\ndef slope",
            "math.tanh(u / 2)",
        ),
        Plant("t − p", "sign", "2 * (p - t)", "2 * (t - p)", also=("t - p",)),
        Plant("the 2 is lost", "missing_2", "2 * (p - t)", "p - t"),
        Plant("not divided by the samples", "missing_1_over_N", D3, "error(p, t) / K"),
        Plant("not divided by the outputs", "missing_1_over_K", D3, "error(p, t) / N"),
        Plant("f′ is forgotten in layer 2", "missing_f_prime", "np.multiply(d3 @ W3.T, slope(u2))", "d3 @ W3.T"),
        Plant("the slope of h1", "f_prime_of_z", "slope(u1)", "slope(h1)", also=("np.multiply(d2 @ W2.T, slope(h1))",)),
        Plant("u2 for h2", "wrong_operand", "h2.T @ d3", "u2.T @ d3"),
        Plant("act for slope", "wrong_derivative", "slope(u2)", "act(u2)", also=("np.multiply(d3 @ W3.T, act(u2))",)),
        Plant("d3 goes down past d2", "wrong_operand", "d2 @ W2.T", "d3 @ W2.T", square=True),
        Plant("a mean for the bias", "mean_for_sum", "d2.sum(axis=0)", "d2.mean(axis=0)"),
    ),
    raising=(
        Plant("the kernel as it is", "transposed", "d3 @ W3.T", "d3 @ W3"),
        Plant("h2 is not transposed", "transposed", "h2.T @ d3", "h2 @ d3"),
    ),
    pairs=((0, 3), (4, 8), (7, 11)),
)
BCE = Variant(
    ("sigmoid", "sigmoid", "sigmoid"),
    "bce",
    replacements=(
        ("return math.tanh(u)\n", "return 1 / (1 + math.exp(-u))\n"),
        ("1 - math.tanh(u) ** 2", "act_of_number(u) * (1 - act_of_number(u))"),
        ("2 * (p - t)", "p - t"),
        ("def last(u):\n    return u\n", "def last(u):\n    return act(u)\n"),
    ),
    plants=(
        Plant("σ′ once more", "output_f_prime_kept", D3, "slope(u3) * error(p, t) / (N * K)"),
        Plant(
            "σ(1 + σ)",
            "wrong_derivative",
            "(1 - act_of_number(u))",
            "(1 + act_of_number(u))",
            also=("act_of_number(u) * (1 + act_of_number(u))",),
        ),
        Plant(
            "the exponent", "forward_wrong_activation", "math.exp(-u)", "math.exp(u)", also=("1 / (1 + math.exp(u))",)
        ),
        Plant(
            "the output is linear",
            "forward_missing_activation",
            "def last(u):\n    return act(u)",
            "def last(u):\n    return u",
            "return u",
            ("last(u3)",),
        ),
        Plant("t − p", "sign", "return p - t", "return t - p", "t - p"),
        Plant("t alone for p − t", "wrong_formula", "return p - t", "return p * (1 - t)", "p * (1 - t)"),
        Plant("no bias in layer 2", "forward_bias", "h1 @ W2 + b2", "h1 @ W2"),
        Plant("W2 as it is", "transposed", "d2 @ W2.T", "d2 @ W2", square=True),
    ),
    pairs=((0, 1), (4, 6)),
)
CCE = Variant(
    ("relu", "relu", "softmax"),
    "cce",
    replacements=(
        ("return math.tanh(u)\n", "return u if u > 0 else 0.0\n"),
        ("1 - math.tanh(u) ** 2", "1.0 if u > 0 else 0.0"),
        ("2 * (p - t)", "p - t"),
        (
            "def last(u):\n    return u\n",
            "def last(u):\n    e = np.vectorize(math.exp)(u)\n    return e / e.sum(axis=1, keepdims=True)\n",
        ),
        (D3, "error(p, t) / N"),
    ),
    plants=(
        Plant("the mask is turned round", "wrong_mask", "1.0 if u > 0 else 0.0", "0.0 if u > 0 else 1.0"),
        Plant("u for 1", "wrong_derivative", "1.0 if u > 0 else 0.0", "u if u > 0 else 0.0"),
        Plant(
            "a leak",
            "forward_wrong_activation",
            "return u if u > 0 else 0.0",
            "return u if u > 0 else 0.1 * u",
            "u if u > 0 else 0.1 * u",
        ),
        Plant(
            "normalised over the batch",
            "softmax_axis",
            "e.sum(axis=1, keepdims=True)",
            "e.sum(axis=0, keepdims=True)",
            also=("e / e.sum(axis=0, keepdims=True)",),
        ),
        Plant("divided by all numbers", "wrong_count", "error(p, t) / N", "error(p, t) / (N * K)"),
        Plant("p + t", "sign", "return p - t", "return p + t", "p + t"),
        Plant("divided by N again", "double_average", "x.T @ d1", "x.T @ d1 / N"),
    ),
    pairs=((0, 4), (3, 6)),
)
STYLE = Style("scalar_functions.py", "gradients", widths=(4, 5, 6, 3), batch=7, variants=(MSE, BCE, CCE))
