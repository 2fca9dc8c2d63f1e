"""Nothing but lists of floats and loops over their indices."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

KERNEL = "gw[l][i][j] += a[l][i] * d[j]"
BACK = "back += w[l][i][j] * d[j]"
BELOW = "below.append(back * slope(a[l][i]))"


CLEARED = """                for i in range(len(a[l])):
                    back = 0.0
                    for j in range(len(d)):"""
CLEARED_ONCE = """                back = 0.0
                for i in range(len(a[l])):
                    for j in range(len(d)):"""
SQUARED = """            e = a[L][k] - Y[s][k]
            error += e * e / (N * K)
            d.append(2.0 * e / (N * K))"""
LOG_LOSS = """            p, t = a[L][k], Y[s][k]
            error -= (t * log(p) + (1.0 - t) * log(1.0 - p)) / (N * K)
            d.append((p - t) / (N * K))"""

MSE = Variant(
    ("sigmoid", "sigmoid", "linear"),
    "mse",
    (),
    (
        Plant("the kernel's sum keeps the last sample only", "accumulator", KERNEL, KERNEL.replace("+=", "=")),
        Plant("the bias's sum keeps the last sample only", "accumulator", "gb[l][j] += d[j]", "gb[l][j] = d[j]"),
        Plant("back is overwritten, not summed", "accumulator", BACK, BACK.replace("+=", "="), also=(BELOW,)),
        Plant("no f′ on the way down", "missing_f_prime", BELOW, "below.append(back)", "below.append(back)"),
        Plant(
            "back is set to 0 once per layer, not once per unit",
            "accumulator",
            CLEARED,
            CLEARED_ONCE,
            "back = 0.0",
            (BACK, BELOW),
        ),
        Plant("the factor 2 of the square is forgotten", "missing_factor", "2.0 * e / (N * K)", "e / (N * K)"),
        Plant(
            "one bracket less: divided by N, then multiplied by K", "precedence", "2.0 * e / (N * K)", "2.0 * e / N * K"
        ),
        Plant(
            "f′ is taken of the layer below: indices shifted by one",
            "off_by_one_layer",
            BELOW,
            "below.append(back * slope(a[l - 1][i]))",
            "a[l - 1][i]",
            ("slope(a[l - 1][i])", "back * slope(a[l - 1][i])"),
            square=True,
        ),
        Plant(
            "the kernel reads the layer's output where its input belongs",
            "off_by_one_layer",
            KERNEL,
            "gw[l][i][j] += a[l + 1][i] * d[j]",
            "a[l + 1][i]",
            ("a[l + 1][i] * d[j]", "gw[l][i][j] += a[l + 1][i] * d[j]"),
            square=True,
        ),
        Plant(
            "a sign slips in σ′: a(1 + a)",
            "wrong_formula",
            "return a * (1.0 - a)",
            "return a * (1.0 + a)",
            "a * (1.0 + a)",
            (BELOW, "slope(a[l][i])"),
        ),
        Plant(
            "the error is not of this sample's targets",
            "wrong_operand",
            "e = a[L][k] - Y[s][k]",
            "e = a[L][k] - Y[0][k]",
            "Y[0][k]",
            ("a[L][k] - Y[0][k]", "e = a[L][k] - Y[0][k]"),
        ),
    ),
    (
        Plant("w is read transposed", "transposed", BACK, "back += w[l][j][i] * d[j]", "w[l][j][i]"),
        Plant(
            "the inputs are indexed as the outputs are",
            "wrong_index",
            KERNEL,
            "gw[l][j][i] += a[l][i] * d[j]",
            "gw[l][j][i]",
        ),
    ),
    ((0, 3), (1, 5), (2, 10), (3, 10)),
)

BCE = Variant(
    ("tanh", "tanh", "sigmoid"),
    "bce",
    (
        ("from math import exp, log\n", "from math import exp, log, tanh\n"),
        ("    return 1.0 / (1.0 + exp(-t))", "    return tanh(t)"),
        ("    return a * (1.0 - a)", "    return 1.0 - a * a"),
        ("    return list(u)", "    return [1.0 / (1.0 + exp(-t)) for t in u]"),
        (
            SQUARED,
            LOG_LOSS,
        ),
    ),
    (
        Plant(
            "the sign of the error is turned",
            "sign",
            "(p - t) / (N * K)",
            "(t - p) / (N * K)",
            "t - p",
            ("(t - p) / (N * K)",),
        ),
        Plant(
            "σ′ is kept although the logarithm cancels it",
            "extra_f_prime",
            "(p - t) / (N * K)",
            "(p - t) * p * (1.0 - p) / (N * K)",
        ),
        Plant(
            "not averaged over the samples",
            "missing_1_over_N",
            "d.append((p - t) / (N * K))",
            "d.append((p - t) / K)",
            "(p - t) / K",
        ),
        Plant(
            "tanh's own derivative is applied twice: slope of 1 − a²",
            "wrong_formula",
            BELOW,
            "below.append(back * slope(slope(a[l][i])))",
            "slope(slope(a[l][i]))",
            ("back * slope(slope(a[l][i]))",),
        ),
        Plant(
            "1 − a instead of 1 − a²",
            "wrong_formula",
            "return 1.0 - a * a",
            "return 1.0 - a",
            "1.0 - a",
            (BELOW, "slope(a[l][i])"),
        ),
        Plant(
            "always the first output's weight: 0 where j belongs",
            "wrong_index",
            BACK,
            "back = back + w[l][i][0] * d[j]",
            "w[l][i][0]",
            ("w[l][i][0] * d[j]", "back + w[l][i][0] * d[j]"),
        ),
        Plant(
            "the last unit's δ is left out by a range that ends early",
            "wrong_slice",
            "                    for j in range(len(d)):\n                        " + BACK,
            "                    for j in range(len(d) - 1):\n                        " + BACK,
            "range(len(d) - 1)",
            (BACK, "for j in range(len(d) - 1):"),
        ),
        Plant(
            "bias forgotten in the forward pass",
            "forward",
            "total = b[l][j]",
            "total = 0.0",
            "total = 0.0",
            ("total += a[l][i] * w[l][i][j]", "u.append(total)"),
        ),
        Plant(
            "all rows of a kernel's gradient are one and the same list",
            "aliasing",
            "gw = [[[0.0 for j in row] for row in layer] for layer in w]",
            "gw = [[[0.0] * len(layer[0])] * len(layer) for layer in w]",
            "[[0.0] * len(layer[0])] * len(layer)",
            ("gw = [[[0.0] * len(layer[0])] * len(layer) for layer in w]", KERNEL),
        ),
        Plant(
            "the loop above left its j behind: f′ of one and the same unit",
            "stale_variable",
            BELOW,
            "below.append(back * slope(a[l][j]))",
            "a[l][j]",
            ("slope(a[l][j])", "back * slope(a[l][j])"),
        ),
        Plant(
            "the δ of the layer below goes to another name, d stays",
            "stale",
            "                d = below\n",
            "                delta = below\n",
            "delta = below",
            (BACK, KERNEL, "gb[l][j] += d[j]"),
        ),
    ),
    (
        Plant(
            "runs over the outputs of the next layer",
            "wrong_index",
            "for j in range(len(d)):\n                        back",
            "for j in range(len(a[l])):\n                        back",
            "range(len(a[l]))",
        ),
        Plant("one layer too many", "off_by_one_layer", KERNEL, "gw[l][i][j] += a[l + 1][i] * d[j]", "a[l + 1][i]"),
    ),
    ((0, 4), (1, 3), (2, 6), (7, 8)),
)

CCE = Variant(
    ("relu", "relu", "softmax"),
    "cce",
    (
        ("    return 1.0 / (1.0 + exp(-t))", "    return t if t > 0.0 else 0.0"),
        ("    return a * (1.0 - a)", "    return 1.0 if a > 0.0 else 0.0"),
        (
            "    return list(u)",
            "    top = max(u)\n    powers = [exp(t - top) for t in u]\n    return [q / sum(powers) for q in powers]",
        ),
        (
            "            error += e * e / (N * K)\n            d.append(2.0 * e / (N * K))",
            "            error -= Y[s][k] * log(a[L][k]) / N\n            d.append(e / N)",
        ),
    ),
    (
        Plant("divided by K as well", "double_averaging", "d.append(e / N)", "d.append(e / (N * K))", "e / (N * K)"),
        Plant(
            "divided by the number of classes, not of samples",
            "wrong_operand",
            "d.append(e / N)",
            "d.append(e / K)",
            "e / K",
        ),
        Plant(
            "the mask of ReLU is turned round",
            "wrong_mask",
            "return 1.0 if a > 0.0 else 0.0",
            "return 1.0 if a <= 0.0 else 0.0",
            "1.0 if a <= 0.0 else 0.0",
            (BELOW, "slope(a[l][i])"),
        ),
        Plant(
            "the mask is of back, not of the unit",
            "wrong_mask",
            BELOW,
            "below.append(back * slope(back))",
            "slope(back)",
            ("back * slope(back)",),
        ),
        Plant(
            "f(a) where f′ belongs",
            "wrong_function",
            BELOW,
            "below.append(back * squash(a[l][i]))",
            "squash(a[l][i])",
            ("back * squash(a[l][i])",),
        ),
        Plant(
            "the kernel's gradient reads the sample's inputs in every layer",
            "wrong_operand",
            KERNEL,
            "gw[l][i][j] += a[0][i] * d[j]",
            "a[0][i]",
            ("a[0][i] * d[j]", "gw[l][i][j] += a[0][i] * d[j]"),
            square=True,
        ),
        Plant(
            "the kernel belongs to the layer below",
            "off_by_one_layer",
            BACK,
            "back += w[l - 1][i][j] * d[j]",
            "w[l - 1][i][j]",
            ("w[l - 1][i][j] * d[j]", "back += w[l - 1][i][j] * d[j]"),
            square=True,
        ),
        Plant(
            "the kernel is read transposed",
            "transposed",
            BACK,
            "back += w[l][j][i] * d[j]",
            "w[l][j][i]",
            ("w[l][j][i] * d[j]", "back += w[l][j][i] * d[j]"),
            square=True,
        ),
        Plant(
            "sums are cleared at each sample",
            "accumulator",
            "        d = []\n",
            "        d = []\n        gb = [[0.0 for j in layer] for layer in b]\n",
            "gb = [[0.0 for j in layer] for layer in b]",
            ("gb[l][j] += d[j]",),
        ),
    ),
    (
        Plant(
            "one layer too many", "off_by_one_layer", BELOW, "below.append(back * slope(a[l + 1][i]))", "a[l + 1][i]"
        ),
        Plant(
            "the sum runs over all units of the layer above the last",
            "wrong_index",
            "for k in range(K):",
            "for k in range(len(a[L - 1])):",
            "range(len(a[L - 1]))",
        ),
    ),
    ((0, 2), (1, 8), (3, 8)),
)

STYLE = Style("lists_of_lists.py", "gradients", widths=(4, 6, 5, 3), batch=7, variants=(MSE, BCE, CCE))
