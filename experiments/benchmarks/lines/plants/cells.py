"""Mistakes in a notebook."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

D = "(pred - Y) * 2 / Y.size"
D1 = "d.dot(W2.T) * hprime(a[2])"
D0 = "d.dot(W1.T) * hprime(a[1])"

MSE = Variant(
    ("tanh", "tanh", "linear"),
    "mse",
    plants=(
        Plant("f′ is forgotten", "missing_f_prime", D1, "d.dot(W2.T)"),
        Plant("f′ is forgotten further down", "missing_f_prime", D0, "d.dot(W1.T)"),
        Plant("1 − a", "wrong_derivative", "1 - a * a", "1 - a"),
        Plant("Y − pred", "sign", "(pred - Y)", "(Y - pred)", also=("Y - pred",)),
        Plant("the 2 is lost", "missing_2", D, "(pred - Y) / Y.size"),
        Plant("divided by the samples alone", "missing_1_over_K", D, "(pred - Y) * 2 / len(Y)"),
        Plant("divided by the outputs alone", "missing_1_over_N", D, "(pred - Y) * 2 / Y.shape[1]"),
        Plant(
            "v for a",
            "wrong_operand",
            "gW2 = a[2].T.dot(d)",
            "gW2 = h(a[2]).T.dot(d)",
            "h(a[2]).T.dot(d)",
            ("h(a[2])",),
        ),
        Plant("a mean for gb1", "mean_for_sum", "gb1 = d.sum(0)", "gb1 = d.mean(0)", "d.mean(0)"),
        Plant("a mean for gb2", "mean_for_sum", "gb2 = d.sum(0)", "gb2 = d.mean(0)", "d.mean(0)"),
    ),
    raising=(
        Plant("the kernel as it is", "transposed", "d.dot(W2.T)", "d.dot(W2)"),
        Plant("a[2] is not transposed", "transposed", "a[2].T.dot(d)", "a[2].dot(d)"),
    ),
    pairs=((0, 4), (2, 8), (5, 9)),
)
BCE = Variant(
    ("sigmoid", "sigmoid", "sigmoid"),
    "bce",
    replacements=(
        ("return np.tanh(v)", "return 1 / (1 + np.exp(-v))"),
        ("1 - a * a", "a * (1 - a)"),
        ("pred = v\n", "pred = h(v)\n"),
        (D, "(pred - Y) / Y.size"),
    ),
    plants=(
        Plant("σ′ once more", "output_f_prime_kept", "(pred - Y) / Y.size", "hprime(pred) * (pred - Y) / Y.size"),
        Plant("a(1 + a)", "wrong_derivative", "a * (1 - a)", "a * (1 + a)"),
        Plant("the exponent", "forward_wrong_activation", "np.exp(-v)", "np.exp(v)", also=("1 / (1 + np.exp(v))",)),
        Plant("the output is linear", "forward_missing_activation", "pred = h(v)\n", "pred = v\n", "pred = v"),
        Plant(
            "no bias in hidden layers", "forward_bias", "v = a[-1].dot(W) + b\n", "v = a[-1].dot(W)\n", "a[-1].dot(W)"
        ),
        Plant("divided by the samples alone", "missing_1_over_K", "(pred - Y) / Y.size", "(pred - Y) / len(Y)"),
        Plant("pred + Y", "sign", "(pred - Y)", "(pred + Y)", also=("pred + Y",)),
        Plant(
            "the slope of the layer below",
            "wrong_operand",
            "hprime(a[2])",
            "hprime(h(a[2]))",
            also=("d.dot(W2.T) * hprime(h(a[2]))",),
        ),
    ),
    pairs=((0, 1), (4, 6)),
)
CCE = Variant(
    ("relu", "relu", "softmax"),
    "cce",
    replacements=(
        ("return np.tanh(v)", "return np.maximum(v, 0)"),
        ("1 - a * a", "np.heaviside(a, 0.0)"),
        ("Y = np.random.rand(8, 3)", "Y = np.eye(3)[np.random.randint(0, 3, 8)]"),
        ("pred = v\n", "e = np.exp(v - v.max(1, keepdims=True))\npred = e / e.sum(1, keepdims=True)\n"),
        (D, "(pred - Y) / len(Y)"),
    ),
    plants=(
        Plant(
            "softmax over the batch",
            "softmax_axis",
            "e.sum(1, keepdims=True)",
            "e.sum(0, keepdims=True)",
            also=("e / e.sum(0, keepdims=True)",),
        ),
        Plant("the slope of minus a", "wrong_mask", "np.heaviside(a, 0.0)", "np.heaviside(-a, 1.0)"),
        Plant("not divided by the samples", "missing_1_over_N", "(pred - Y) / len(Y)", "pred - Y"),
        Plant("divided by all numbers", "wrong_count", "(pred - Y) / len(Y)", "(pred - Y) / Y.size"),
        Plant("pred for the error", "wrong_formula", "(pred - Y) / len(Y)", "pred / len(Y)"),
        Plant("the slope is doubled", "missing_factor", D0, "2 * d.dot(W1.T) * hprime(a[1])"),
        Plant("a relu for its slope", "wrong_derivative", "np.heaviside(a, 0.0)", "np.maximum(a, 0.0)"),
        Plant(
            "gb0 of the other axis, cut",
            "wrong_axis",
            "gb0 = d.sum(0)",
            "gb0 = d.sum(1)[:6]",
            "d.sum(1)[:6]",
            ("d.sum(1)",),
        ),
    ),
    pairs=((0, 3), (2, 5)),
)
STYLE = Style("cells.py", "script", widths=(4, 6, 5, 3), batch=8, fixed=True, variants=(MSE, BCE, CCE))
