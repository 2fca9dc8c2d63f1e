"""Mistakes sample by sample: sums that are not kept, rows that are not those of the sample."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

VECTOR = (
    "        err_h = np.zeros(H)\n        for j in range(H):\n"
    "            err_h[j] = d_sigmoid(net_h[j]) * np.sum(W[j] * err_o)\n"
)

MSE = Variant(
    ("sigmoid", "linear"),
    "mse",
    plants=(
        Plant(
            "only the last sample counts",
            "accumulator",
            "sum_W += np.outer(h, err_o)",
            "sum_W = np.outer(h, err_o)",
            also=("np.outer(h, err_o)",),
        ),
        Plant(
            "a column of W for a row",
            "wrong_slice",
            "W[j] * err_o",
            "W[:, j] * err_o",
            also=("W[:, j]", "np.sum(W[:, j] * err_o)"),
            square=True,
        ),
        Plant("f′ of the activation, not of its argument", "f_prime_of_z", "d_sigmoid(net_h[j])", "d_sigmoid(h[j])"),
        Plant(
            "f′ is forgotten", "missing_f_prime", "d_sigmoid(net_h[j]) * np.sum(W[j] * err_o)", "np.sum(W[j] * err_o)"
        ),
        Plant("f for f′", "wrong_derivative", "d_sigmoid(net_h[j])", "sigmoid(net_h[j])"),
        Plant("the sum over the outputs is a mean", "mean_for_sum", "np.sum(W[j] * err_o)", "np.mean(W[j] * err_o)"),
        Plant("target minus output", "sign", "2 * (o - ti) / K", "2 * (ti - o) / K", also=("ti - o",)),
        Plant(
            "the loop leaves out the first sample",
            "off_by_one_sample",
            "in range(N):",
            "in range(1, N):",
            "range(1, N)",
            ("sum_W += np.outer(h, err_o)",),
        ),
        Plant("the target of the sample before", "wrong_row", "ti = T[i]", "ti = T[i - 1]", "T[i - 1]"),
        Plant(
            "every unit takes f′ of the first one",
            "wrong_index",
            "d_sigmoid(net_h[j]) * np.sum",
            "d_sigmoid(net_h[0]) * np.sum",
            "d_sigmoid(net_h[0])",
            ("net_h[0]",),
        ),
        Plant(
            "the last hidden unit gets nothing",
            "off_by_one_unit",
            "in range(H):",
            "in range(H - 1):",
            "range(H - 1)",
            ("d_sigmoid(net_h[j]) * np.sum(W[j] * err_o)", "np.zeros(H)"),
        ),
        Plant("the sum is not divided", "missing_1_over_N", "sum_V / N", "sum_V"),
        Plant(
            "the error of the output, where that of the hidden layer belongs",
            "off_by_one_layer",
            "sum_c += err_h",
            "sum_c += err_o",
            "err_o",
            ("sum_c += err_o",),
            square=True,
        ),
    ),
    raising=(
        Plant("a column of W for a row", "wrong_slice", "W[j] * err_o", "W[:, j] * err_o"),
        Plant(
            "the outer product the wrong way round", "order_of_product", "np.outer(xi, err_h)", "np.outer(err_h, xi)"
        ),
    ),
    pairs=((0, 3), (5, 11), (2, 6)),
)

BCE = Variant(
    ("tanh", "sigmoid"),
    "bce",
    replacements=(
        (
            "def d_sigmoid(t):\n    return sigmoid(t) * (1 - sigmoid(t))\n",
            "def d_tanh(t):\n    return 1 - np.tanh(t) ** 2\n",
        ),
        ("h = sigmoid(net_h)", "h = np.tanh(net_h)"),
        ("o = net_o", "o = sigmoid(net_o)"),
        (VECTOR, "        err_h = d_tanh(net_h) * np.dot(W, err_o)\n"),
        ("2 * (o - ti) / K", "(o - ti) / K"),
    ),
    plants=(
        Plant("1 + tanh²", "wrong_derivative", "1 - np.tanh(t) ** 2", "1 + np.tanh(t) ** 2"),
        Plant(
            "f′ of the output's argument, inside the sum",
            "wrong_f_prime",
            "d_tanh(net_h) * np.dot(W, err_o)",
            "np.dot(W * d_tanh(net_o), err_o)",
            also=("W * d_tanh(net_o)",),
        ),
        Plant("W transposed", "transposed", "np.dot(W, err_o)", "np.dot(W.T, err_o)", square=True),
        Plant("the output's σ′ is kept", "output_f_prime_kept", "(o - ti) / K", "(o - ti) * o * (1 - o) / K"),
        Plant(
            "the outer product reads net_h",
            "wrong_operand",
            "np.outer(h, err_o)",
            "np.outer(net_h, err_o)",
            also=("sum_W += np.outer(net_h, err_o)",),
        ),
        Plant(
            "the sum is scaled inside the loop",
            "accumulator",
            "sum_V += np.outer(xi, err_h)",
            "sum_V = (sum_V + np.outer(xi, err_h)) / 2",
            "(sum_V + np.outer(xi, err_h)) / 2",
        ),
        Plant("divided by the number of outputs, again", "wrong_count", "sum_d / N", "sum_d / K"),
        Plant("divided by N here and at the end", "double_average", "(o - ti) / K", "(o - ti) / K / N"),
    ),
    raising=(Plant("the bias of the wrong layer", "copy_paste", "np.dot(xi, V) + c", "np.dot(xi, V) + d"),),
    pairs=((0, 3), (4, 6)),
)

CCE = Variant(
    ("relu", "softmax"),
    "cce",
    replacements=(
        (
            (
                "def sigmoid(t):\n    return 1 / (1 + np.exp(-t))\n\n\ndef d_sigmoid(t):\n"
                "    return sigmoid(t) * (1 - sigmoid(t))\n"
            ),
            "def softmax(t):\n    e = np.exp(t - t.max())\n    return e / e.sum()\n",
        ),
        ("h = sigmoid(net_h)", "h = np.maximum(net_h, 0)"),
        ("o = net_o", "o = softmax(net_o)"),
        ("err_o = 2 * (o - ti) / K\n", "err_o = o.copy()\n        err_o[np.argmax(ti)] -= 1\n"),
        (
            "err_h[j] = d_sigmoid(net_h[j]) * np.sum(W[j] * err_o)",
            "if net_h[j] > 0:\n                err_h[j] = np.dot(W[j], err_o)",
        ),
    ),
    plants=(
        Plant(
            "1 is taken off at the predicted class, not at the label's",
            "wrong_target",
            "err_o[np.argmax(ti)] -= 1",
            "err_o[np.argmax(o)] -= 1",
            "np.argmax(o)",
            ("err_o[np.argmax(o)] -= 1",),
        ),
        Plant("+1 where −1 belongs", "sign", "err_o[np.argmax(ti)] -= 1", "err_o[np.argmax(ti)] += 1"),
        Plant(
            "the unit must be off",
            "wrong_mask",
            "if net_h[j] > 0:",
            "if net_h[j] < 0:",
            "net_h[j] < 0",
            ("np.dot(W[j], err_o)",),
        ),
        Plant(
            "all units pass",
            "wrong_mask",
            "if net_h[j] > 0:",
            "if net_h[j] > -np.inf:",
            "net_h[j] > -np.inf",
            ("np.dot(W[j], err_o)",),
        ),
        Plant(
            "err_h keeps what the sample before left where the unit is off",
            "accumulator",
            "        err_h = np.zeros(H)\n",
            "        if i == 0:\n            err_h = np.zeros(H)\n",
            "np.zeros(H)",
            ("i == 0", "net_h[j] > 0", "np.dot(W[j], err_o)", "np.outer(xi, err_h)"),
        ),
        Plant(
            "h is the input of the ReLU",
            "forward_missing_activation",
            "h = np.maximum(net_h, 0)",
            "h = net_h",
        ),
        Plant(
            "softmax is not normalised", "forward_softmax", "return e / e.sum()", "return e / e.max()", "e / e.max()"
        ),
        Plant(
            "the input's row is another sample's",
            "wrong_row",
            "sum_V += np.outer(xi, err_h)",
            "sum_V += np.outer(X[N - 1 - i], err_h)",
            "np.outer(X[N - 1 - i], err_h)",
            ("X[N - 1 - i]",),
        ),
        Plant("N² for N", "double_average", "sum_c / N", "sum_c / N / N"),
    ),
    raising=(Plant("the bias of the other layer", "copy_paste", "np.dot(h, W) + d", "np.dot(h, W) + c"),),
    pairs=((1, 7), (2, 8)),
)

STYLE = Style("per_sample.py", "gradients", widths=(5, 4, 3), batch=7, variants=(MSE, BCE, CCE))
