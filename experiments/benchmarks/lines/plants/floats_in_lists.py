"""Mistakes in a derivation on lists of floats."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

ERROR = "2 * (o - t) / (N * K)"
DELTA = "[b * slope(u) for b, u in zip(back, us)]"
BACK = "[dot(weights, es) for weights in W]"
KERNEL_1 = "[[dot(column(X, i), column(delta, j)) for j in range(len(c))] for i in range(len(V))]"
KERNEL_2 = "[[dot(column(hidden, j), column(error, k)) for k in range(K)] for j in range(len(W))]"
BIAS_1 = '"dense_1/bias": [sum(column(delta, j)) for j in range(len(c))]'
BIAS_2 = '"dense_2/bias": [sum(column(error, k)) for k in range(K)]'
SLOPE = "act(u) * (1 - act(u))"
ACT = "def act(u):\n    return 1 / (1 + math.exp(-u))"
SQUASH = "def squash(row):\n    return row"

MSE = Variant(
    ("sigmoid", "linear"),
    "mse",
    plants=(
        Plant("the slope of the output, not of the sum", "f_prime_of_z", "slope(u)", "slope(act(u))", nth=1),
        Plant("f′ is forgotten", "missing_f_prime", "[b * slope(u) for b, u", "[b for b, u"),
        Plant("the activation for its slope", "wrong_derivative", "b * slope(u)", "b * act(u)", also=("act(u)",)),
        Plant("1 + f in f′", "wrong_derivative", SLOPE, "act(u) * (1 + act(u))"),
        Plant("target minus output", "sign", "2 * (o - t)", "2 * (t - o)", also=("t - o",)),
        Plant("not divided by the samples", "missing_1_over_N", ERROR, "2 * (o - t) / K"),
        Plant("the 2 is lost", "missing_2", ERROR, "(o - t) / (N * K)"),
        Plant(
            "a column of W for a row",
            "transposed",
            BACK,
            "[dot(column(W, j), es) for j in range(len(W))]",
            "dot(column(W, j), es)",
            also=("column(W, j)",),
            square=True,
        ),
        Plant(
            "the inputs for the hidden outputs",
            "wrong_operand",
            "dot(column(hidden, j), column(error, k))",
            "dot(column(X, j), column(error, k))",
            also=("column(X, j)",),
        ),
        Plant("the bias takes a mean", "double_average", BIAS_1, BIAS_1.replace("(delta, j))", "(delta, j)) / N")),
    ),
    raising=(
        Plant(
            "units in rows, inputs in columns",
            "transposed",
            KERNEL_1,
            "[[dot(column(X, i), column(delta, j)) for i in range(len(V))] for j in range(len(c))]",
        ),
        Plant("a row for each unit of the wrong layer", "wrong_count", KERNEL_2, KERNEL_2.replace("len(W)", "K")),
    ),
    pairs=((1, 5), (3, 9), (4, 8), (0, 6)),
)

BCE = Variant(
    ("tanh", "sigmoid"),
    "bce",
    replacements=(
        (ACT, "def act(u):\n    return math.tanh(u)"),
        (SLOPE, "1 - act(u) ** 2"),
        (SQUASH, "def squash(row):\n    return [1 / (1 + math.exp(-u)) for u in row]"),
        (ERROR, "(o - t) / (N * K)"),
    ),
    plants=(
        Plant("σ′ once more", "output_f_prime_kept", "(o - t) / (N * K)", "(o - t) * o * (1 - o) / (N * K)"),
        Plant("1 − tanh, without the square", "wrong_derivative", "1 - act(u) ** 2", "1 - act(u)"),
        Plant("divided by N twice", "double_average", "(o - t) / (N * K)", "(o - t) / (N * N * K)"),
        Plant(
            "the error of the sample before",
            "wrong_row",
            "zip(pre, error):",
            "zip(pre, error[-1:] + error[:-1]):",
            "error[-1:] + error[:-1]",
            also=("[dot(weights, es) for weights in W]",),
        ),
        Plant(
            "the sum goes out, not squashed",
            "forward_missing_activation",
            "[1 / (1 + math.exp(-u)) for u in row]",
            "[u for u in row]",
            also=("squash(row)",),
        ),
        Plant(
            "the sign of the exponent", "forward_wrong_activation", "1 / (1 + math.exp(-u))", "1 / (1 + math.exp(u))"
        ),
        Plant(
            "the bias of the first layer adds the wrong one of δ",
            "wrong_index",
            "[sum(column(delta, j)) for j",
            "[sum(column(delta, 0)) for j",
            "sum(column(delta, 0))",
        ),
        Plant("the second kernel reads the sums", "wrong_operand", "dot(column(hidden, j)", "dot(column(pre, j)"),
    ),
    pairs=((0, 6), (1, 7), (2, 3)),
)

CCE = Variant(
    ("relu", "softmax"),
    "cce",
    replacements=(
        (ACT, "def act(u):\n    return max(u, 0.0)"),
        (SLOPE, "1.0 if u > 0 else 0.0"),
        (
            SQUASH,
            (
                "def squash(row):\n    powers = [math.exp(u - max(row)) for u in row]\n"
                "    return [p / sum(powers) for p in powers]"
            ),
        ),
        (ERROR, "(o - t) / N"),
    ),
    plants=(
        Plant(
            "the slope the other way round", "wrong_mask", "u > 0 else 0.0", "u < 0 else 0.0", "1.0 if u < 0 else 0.0"
        ),
        Plant("divided by all numbers", "wrong_count", "(o - t) / N", "(o - t) / (N * K)"),
        Plant("the samples are summed", "missing_1_over_N", "(o - t) / N", "(o - t)"),
        Plant("divided by the largest power", "forward_softmax", "p / sum(powers)", "p / max(powers)"),
        Plant(
            "the kernel is read with the bias left out",
            "forward_bias",
            "dot(row, column(kernel, j)) + bias[j]",
            "dot(row, column(kernel, j))",
        ),
        Plant(
            "δ of each sample starts with the second",
            "off_by_one_sample",
            "dot(column(X, i), column(delta, j))",
            "dot(column(X[1:], i), column(delta[1:], j))",
        ),
        Plant(
            "the slope of what comes down",
            "wrong_operand",
            "b * slope(u)",
            "b * slope(b)",
            also=("slope(b)",),
        ),
        Plant(
            "a mean over the samples, again", "double_average", BIAS_2, BIAS_2.replace("error, k))", "error, k)) / N")
        ),
    ),
    pairs=((0, 2), (5, 7), (1, 6)),
)

STYLE = Style("floats_in_lists.py", "gradients", widths=(4, 3, 2), batch=5, variants=(MSE, BCE, CCE))
