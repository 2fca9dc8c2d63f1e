"""Mistakes in functions that train over mini-batches with momentum."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

D2 = "2 * (p - t) / t.size"
D1 = '(d2 @ net["W2"].T) * df(u1)'
F = "return np.maximum(u, 0)"
DF = "(u > 0).astype(float)"
LAST = "def last(u):\n    return u\n"
ADD = "velocity[name] += share * g[name]"

MSE = Variant(
    ("relu", "linear"),
    "mse",
    plants=(
        Plant("the slope is forgotten", "missing_f_prime", D1, 'd2 @ net["W2"].T'),
        Plant("the slope of the output's sum", "wrong_operand", "df(u1)", "df(u2)", square=True),
        Plant("t − p", "sign", D2, "2 * (t - p) / t.size", also=("t - p",)),
        Plant("summed over the batch", "missing_1_over_N", D2, "2 * (p - t) / t.shape[1]"),
        Plant("the 2 is lost", "missing_2", D2, "(p - t) / t.size"),
        Plant("units that are off pass", "wrong_mask", DF, "(u < 0).astype(float)"),
        Plant("u1 for h", "wrong_operand", "h.T @ d2", "u1.T @ d2"),
        Plant(
            "every batch counts in full",
            "missing_share",
            ADD,
            "velocity[name] += g[name]",
            "g[name]",
            (ADD.replace("share * ", ""),),
        ),
        Plant(
            "the first velocity alone decays with each batch",
            "accumulator",
            ADD,
            "velocity[name] = momentum * velocity[name] + share * g[name]",
            "momentum * velocity[name] + share * g[name]",
        ),
        Plant(
            "the last batch has the size of the others",
            "wrong_count",
            "share = len(xs) / len(x)",
            "share = size / len(x)",
            "size / len(x)",
            ("velocity[name] += share * g[name]", "share * g[name]"),
        ),
    ),
    raising=(
        Plant("the kernel as it is", "transposed", 'net["W2"].T', 'net["W2"]'),
        Plant("inputs by inputs", "order_of_product", "x.T @ d1", "d1 @ x.T"),
    ),
    pairs=((0, 7), (2, 6), (4, 5), (3, 8)),
)

BCE = Variant(
    ("sigmoid", "sigmoid"),
    "bce",
    replacements=(
        (F, "return 1 / (1 + np.exp(-u))"),
        (DF, "f(u) * (1 - f(u))"),
        (LAST, "def last(u):\n    return f(u)\n"),
        (D2, "(p - t) / t.size"),
    ),
    plants=(
        Plant("σ′ once more", "output_f_prime_kept", "(p - t) / t.size", "(p - t) * df(u2) / t.size"),
        Plant("σ of σ", "f_prime_of_z", "df(u1)", "df(h)", also=('(d2 @ net["W2"].T) * df(h)',)),
        Plant("σ − σ", "wrong_derivative", "f(u) * (1 - f(u))", "f(u) * (2 - f(u))"),
        Plant("mean over the samples alone", "missing_1_over_K", "(p - t) / t.size", "(p - t) / len(t)"),
        Plant(
            "the bias of the other layer",
            "copy_paste",
            '"b1": d1.sum(axis=0)',
            '"b1": d2.sum(axis=0)',
            "d2.sum(axis=0)",
            square=True,
        ),
        Plant(
            "a mean, where the mean is taken",
            "double_average",
            '"b2": d2.sum(axis=0)',
            '"b2": d2.mean(axis=0)',
            "d2.mean(axis=0)",
        ),
        Plant("the sign of the exponent", "forward_wrong_activation", "1 / (1 + np.exp(-u))", "1 / (1 + np.exp(u))"),
        Plant(
            "the first rows in every batch",
            "wrong_row",
            "x[start : start + size], t[start",
            "x[: min(size, len(x) - start)], t[start",
            "x[: min(size, len(x) - start)]",
        ),
    ),
    pairs=((0, 5), (1, 3), (2, 7)),
)

CCE = Variant(
    ("tanh", "softmax"),
    "cce",
    replacements=(
        (F, "return np.tanh(u)"),
        (DF, "1 - f(u) ** 2"),
        (
            LAST,
            (
                "def last(u):\n    e = np.exp(u - u.max(axis=1, keepdims=True))\n"
                "    return e / e.sum(axis=1, keepdims=True)\n"
            ),
        ),
        (D2, "(p - t) / len(t)"),
    ),
    plants=(
        Plant("divided by all numbers", "wrong_count", "(p - t) / len(t)", "(p - t) / t.size"),
        Plant(
            "normalised over the batch", "softmax_axis", "e.sum(axis=1, keepdims=True)", "e.sum(axis=0, keepdims=True)"
        ),
        Plant("1 − tanh", "wrong_derivative", "1 - f(u) ** 2", "1 - f(u)"),
        Plant("the kernel other way round", "transposed", 'net["W2"].T', 'net["W2"]', square=True),
        Plant("no bias in the output", "forward_bias", 'h @ net["W2"] + net["b2"]', 'h @ net["W2"]'),
        Plant("p(1 − t)", "wrong_formula", "(p - t) / len(t)", "p * (1 - t) / len(t)"),
        Plant("the first kernel reads h", "wrong_operand", "x.T @ d1", "h.T @ d1", square=True),
        Plant("divided by the batch again", "double_average", "x.T @ d1", "x.T @ d1 / len(x)"),
    ),
    pairs=((0, 7), (2, 4), (5, 7)),
)

STYLE = Style("velocity_function.py", "gradients", widths=(5, 4, 2), batch=7, variants=(MSE, BCE, CCE))
