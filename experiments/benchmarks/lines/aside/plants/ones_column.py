"""The bias is a column of Θ, the layer's input has a column of ones; all of it unrolled in between."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

DELTA3 = "delta3 = (a3 - Y) * sigmoidGradient(z3)"
DOWN = "delta2 = delta3.dot(Theta2)\n"
SPLIT = "delta2 = delta2[:, 1:]\n"
DELTA2 = "delta2 = delta2 * sigmoidGradient(z2)"
GRAD1 = "Theta1_grad = delta2.T.dot(a1) / m"
GRAD2 = "Theta2_grad = delta3.T.dot(a2) / m"
A2 = "a2 = np.hstack([ones, sigmoid(z2)])"
COST = "J = np.sum((a3 - Y) ** 2) / (2 * m)"
GRADIENT = "g = sigmoid(z) * (1 - sigmoid(z))"

QUADRATIC = Variant(
    ("sigmoid", "sigmoid"),
    "quadratic_cost",
    (),
    (
        Plant(
            "the last column is dropped, not the bias unit's",
            "wrong_slice",
            SPLIT,
            "delta2 = delta2[:, :-1]\n",
            "delta2[:, :-1]",
            ("delta2 = delta2[:, :-1]",),
        ),
        Plant(
            "the sigmoid gradient of the outputs is left out, as in the exercise with log cost",
            "missing_f_prime",
            DELTA3,
            "delta3 = (a3 - Y)",
            "(a3 - Y)",
            ("delta3 = (a3 - Y)",),
        ),
        Plant(
            "the sigmoid gradient of an activation",
            "wrong_operand",
            DELTA2,
            "delta2 = delta2 * sigmoidGradient(a2[:, 1:])",
            "a2[:, 1:]",
            ("sigmoidGradient(a2[:, 1:])", "delta2 * sigmoidGradient(a2[:, 1:])"),
        ),
        Plant(
            "the second gradient is not divided by m",
            "missing_1_over_N",
            GRAD2,
            "Theta2_grad = delta3.T.dot(a2)",
            "delta3.T.dot(a2)",
            ("Theta2_grad = delta3.T.dot(a2)",),
        ),
        Plant(
            "2m, as in the cost",
            "wrong_factor",
            GRAD1,
            "Theta1_grad = delta2.T.dot(a1) / (2 * m)",
            "delta2.T.dot(a1) / (2 * m)",
            ("Theta1_grad = delta2.T.dot(a1) / (2 * m)",),
        ),
        Plant(
            "Y − a3, as if the step were added",
            "sign",
            "delta3 = (a3 - Y) *",
            "delta3 = (Y - a3) *",
            "Y - a3",
            ("(Y - a3)", "(Y - a3) * sigmoidGradient(z3)"),
        ),
        Plant(
            "hidden units are fed on without the sigmoid",
            "forward",
            A2,
            "a2 = np.hstack([ones, z2])",
            "z2",
            ("np.hstack([ones, z2])", "a2 = np.hstack([ones, z2])"),
        ),
        Plant(
            "the ones go behind, Θ has them in front",
            "wrong_slice",
            A2,
            "a2 = np.hstack([sigmoid(z2), ones])",
            "np.hstack([sigmoid(z2), ones])",
            ("a2 = np.hstack([sigmoid(z2), ones])", "[sigmoid(z2), ones]"),
        ),
        Plant(
            "delta2 is computed and the product with the gradient thrown away",
            "lost_result",
            DELTA2,
            "delta2 * sigmoidGradient(z2)",
            "",
            ("delta2 = delta2[:, 1:]", GRAD1),
        ),
        Plant(
            "unrolled by columns, rolled by rows",
            "order_of_entries",
            "np.hstack([Theta1.flatten(), Theta2.flatten()])",
            'np.hstack([Theta1.flatten(), Theta2.flatten("F")])',
            'Theta2.flatten("F")',
            (
                'np.hstack([Theta1.flatten(), Theta2.flatten("F")])',
                'return np.hstack([Theta1.flatten(), Theta2.flatten("F")])',
            ),
        ),
    ),
    (
        Plant("the bias unit's column is left in", "wrong_slice", DOWN + "    " + SPLIT, DOWN, "delta3.dot(Theta2)"),
        Plant(
            "Θ transposed once too often", "transposed", DOWN, "delta2 = delta3.dot(Theta2.T)\n", "delta3.dot(Theta2.T)"
        ),
    ),
    ((0, 3), (1, 4), (2, 3), (5, 8)),
)

BCE = Variant(
    ("tanh", "sigmoid"),
    "bce",
    (
        (GRADIENT, "g = 1 - np.tanh(z) ** 2"),
        ("sigmoidGradient(z):", "tanhGradient(z):"),
        (A2, "a2 = np.hstack([ones, np.tanh(z2)])"),
        (COST, "J = -np.sum(Y * np.log(a3) + (1 - Y) * np.log(1 - a3)) / (m * num_labels)"),
        (DELTA3, "delta3 = (a3 - Y) / num_labels"),
        (DELTA2, "delta2 = delta2 * tanhGradient(z2)"),
    ),
    (
        Plant(
            "the labels are averaged in the cost only",
            "missing_factor",
            "delta3 = (a3 - Y) / num_labels",
            "delta3 = (a3 - Y)",
            "(a3 - Y)",
            ("delta3 = (a3 - Y)", "a3 - Y"),
        ),
        Plant(
            "the sigmoid of the old exercise is left in the gradient of tanh",
            "wrong_function",
            "g = 1 - np.tanh(z) ** 2",
            "g = 1 - sigmoid(z) ** 2",
            "sigmoid(z)",
            (
                "sigmoid(z) ** 2",
                "1 - sigmoid(z) ** 2",
                "tanhGradient(z2)",
                "delta2 * tanhGradient(z2)",
                "delta2 = delta2 * tanhGradient(z2)",
            ),
        ),
        Plant(
            "no square",
            "wrong_formula",
            "g = 1 - np.tanh(z) ** 2",
            "g = 1 - np.tanh(z)",
            "1 - np.tanh(z)",
            (
                "g = 1 - np.tanh(z)",
                "tanhGradient(z2)",
                "delta2 * tanhGradient(z2)",
                "delta2 = delta2 * tanhGradient(z2)",
            ),
        ),
        Plant(
            "a2 is cut at the wrong end",
            "wrong_operand",
            "delta2 = delta2 * tanhGradient(z2)",
            "delta2 = delta2 * (1 - a2[:, :-1] ** 2)",
            "a2[:, :-1]",
            ("a2[:, :-1] ** 2", "1 - a2[:, :-1] ** 2", "(1 - a2[:, :-1] ** 2)", "delta2 * (1 - a2[:, :-1] ** 2)"),
        ),
        Plant(
            "the inputs are centred here, not in the forward pass",
            "wrong_operand",
            GRAD1,
            "Theta1_grad = delta2.T.dot(np.hstack([ones, X - X.mean(axis=0)])) / m",
            "X - X.mean(axis=0)",
            ("np.hstack([ones, X - X.mean(axis=0)])", "delta2.T.dot(np.hstack([ones, X - X.mean(axis=0)]))"),
        ),
        Plant(
            "the sigmoid's gradient is put on top",
            "extra_f_prime",
            "delta3 = (a3 - Y) / num_labels",
            "delta3 = (a3 - Y) * a3 * (1 - a3) / num_labels",
            "(a3 - Y) * a3 * (1 - a3)",
            ("(a3 - Y) * a3", "(a3 - Y) * a3 * (1 - a3) / num_labels"),
        ),
        Plant(
            "divided by the number of inputs",
            "wrong_operand",
            GRAD1,
            "Theta1_grad = delta2.T.dot(a1) / input_layer_size",
            "delta2.T.dot(a1) / input_layer_size",
            ("Theta1_grad = delta2.T.dot(a1) / input_layer_size",),
        ),
        Plant(
            "the bias's column of the gradient is cleared, as one does with regularisation",
            "wrong_slice",
            "    grad = unroll(",
            "    Theta2_grad[:, 0] = 0\n    grad = unroll(",
            "Theta2_grad[:, 0] = 0",
            ("Theta2_grad[:, 0]", "grad = unroll(Theta1_grad, Theta2_grad)"),
        ),
        Plant(
            "regularised although the cost is not",
            "extra_term",
            GRAD2,
            GRAD2 + " + 0.1 * Theta2 / m",
            GRAD2.partition(" = ")[2] + " + 0.1 * Theta2 / m",
            ("0.1 * Theta2 / m", "0.1 * Theta2", GRAD2 + " + 0.1 * Theta2 / m"),
        ),
    ),
    (Plant("rows for columns", "wrong_slice", SPLIT, "delta2 = delta2[1:, :]\n", "delta2[1:, :]"),),
    ((0, 7), (1, 8), (2, 4)),
)

CCE = Variant(
    ("relu", "softmax"),
    "cce",
    (
        (GRADIENT, "g = np.where(z > 0, 1.0, 0.0)"),
        ("sigmoidGradient(z):", "reluGradient(z):"),
        (A2, "a2 = np.hstack([ones, z2 * (z2 > 0)])"),
        ("a3 = sigmoid(z3)", "a3 = np.exp(z3) / np.exp(z3).sum(1)[:, None]"),
        (COST, "J = -np.sum(Y * np.log(a3)) / m"),
        (DELTA3, "delta3 = a3 - Y"),
        (DELTA2, "delta2 = delta2 * reluGradient(z2)"),
    ),
    (
        Plant(
            "delta3 is divided by m, and the gradients are, too",
            "double_averaging",
            "delta3 = a3 - Y",
            "delta3 = (a3 - Y) / m",
            "(a3 - Y) / m",
            ("delta3 = (a3 - Y) / m", GRAD1, GRAD2),
        ),
        Plant(
            "the first row of Y serves every sample",
            "wrong_slice",
            "delta3 = a3 - Y",
            "delta3 = a3 - Y[0]",
            "Y[0]",
            ("a3 - Y[0]", "delta3 = a3 - Y[0]"),
        ),
        Plant(
            "1 and 0 exchanged",
            "wrong_mask",
            "np.where(z > 0, 1.0, 0.0)",
            "np.where(z > 0, 0.0, 1.0)",
            "",
            (
                "g = np.where(z > 0, 0.0, 1.0)",
                "reluGradient(z2)",
                "delta2 * reluGradient(z2)",
                "delta2 = delta2 * reluGradient(z2)",
            ),
        ),
        Plant(
            "the ReLU is its own gradient",
            "wrong_function",
            "np.where(z > 0, 1.0, 0.0)",
            "np.where(z > 0, z, 0.0)",
            "",
            (
                "g = np.where(z > 0, z, 0.0)",
                "reluGradient(z2)",
                "delta2 * reluGradient(z2)",
                "delta2 = delta2 * reluGradient(z2)",
            ),
        ),
        Plant(
            "the mask of the slope is that of delta2",
            "wrong_mask",
            "delta2 = delta2 * reluGradient(z2)",
            "delta2 = delta2 * reluGradient(delta2)",
            "reluGradient(delta2)",
            ("delta2 * reluGradient(delta2)",),
        ),
        Plant(
            "delta2's line is deleted with its neighbour",
            "missing_f_prime",
            SPLIT + "    delta2 = delta2 * reluGradient(z2)",
            SPLIT.rstrip(),
            SPLIT.rstrip(),
            (GRAD1, "delta2[:, 1:]"),
        ),
        Plant(
            "the exponentials are divided by the sums along the samples",
            "wrong_axis",
            "np.exp(z3) / np.exp(z3).sum(1)[:, None]",
            "np.exp(z3) / np.exp(z3).sum(0)",
            "",
            ("np.exp(z3).sum(0)", "a3 = np.exp(z3) / np.exp(z3).sum(0)"),
        ),
        Plant(
            "the way down leads through Theta1",
            "wrong_operand",
            DOWN,
            "delta2 = delta3.dot(Theta1)\n",
            "Theta1",
            ("delta3.dot(Theta1)", "delta2 = delta3.dot(Theta1)"),
            square=True,
        ),
        Plant(
            "a1 for a2",
            "copy_paste",
            GRAD2,
            "Theta2_grad = delta3.T.dot(a1) / m",
            "a1",
            ("delta3.T.dot(a1)", "delta3.T.dot(a1) / m"),
            square=True,
        ),
        Plant(
            "delta3 for delta2, copied upwards",
            "copy_paste",
            GRAD1,
            GRAD1.replace("delta2", "delta3"),
            "delta3",
            ("delta3.T.dot(a1)", "delta3.T.dot(a1) / m"),
            square=True,
        ),
    ),
    (
        Plant(
            "the ones are forgotten",
            "forward",
            "a2 = np.hstack([ones, z2 * (z2 > 0)])",
            "a2 = z2 * (z2 > 0)",
            "z2 * (z2 > 0)",
        ),
    ),
    ((0, 2), (1, 4), (5, 8), (3, 6)),
)

STYLE = Style("ones_column.py", "gradients", widths=(6, 5, 3), batch=9, variants=(QUADRATIC, BCE, CCE))
