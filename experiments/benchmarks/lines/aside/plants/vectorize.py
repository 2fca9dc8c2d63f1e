"""np.vectorize'd scalar functions, np.dot, samples in columns, helpers with many arguments."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

S3 = "s3 = sensitivity_last(out3, desired, n_patterns, n_units)"
S2 = "s2 = sensitivity_inner(M3, s3, net2, dact)"
S1 = "s1 = sensitivity_inner(M2, s2, net1, dact)"
LAST = "np.multiply(2.0 / (n_patterns * n_units), np.subtract(response, desired))"
INNER = "return np.multiply(carried, derivative(net))"
PAIRS = "((s1, patterns), (s2, out1), (s3, out2))"
LAST_LINEAR = """def last(v):
    return v
"""
LAST_SOFTMAX = """def last(v):
    powers = np.exp(v - np.max(v, axis=0))
    return np.divide(powers, np.sum(powers, axis=0))
"""
DACT = "return f * (1.0 - f)"
THRESHOLD = "return np.dot(s, np.ones((n_patterns, 1)))"
MATRIX = "return np.dot(s, np.transpose(incoming))"


def _argument(line: str, right: str, wrong: str, what: str, kind: str, square: bool = False) -> Plant:
    """A wrong argument of a call: the argument, or the call, or its line."""
    written = line.replace(right, wrong)
    return Plant(what, kind, line, written, wrong, (written, written.partition(" = ")[2] or written), square=square)


MSE = Variant(
    ("sigmoid", "sigmoid", "linear"),
    "mse",
    (),
    (
        _argument(S2, "net2, dact", "net2, act", "act is passed where its derivative belongs", "wrong_function"),
        _argument(S1, "net1", "out1", "the output is passed where the net input belongs", "wrong_operand"),
        _argument(
            S3, "n_patterns, n_units", "1, n_units", "1 where the number of patterns belongs", "missing_1_over_N"
        ),
        _argument(S3, "out3, desired", "desired, out3", "desired and response exchanged", "sign"),
        _argument(
            S1,
            "M2, s2",
            "M2, np.dot(np.transpose(M3), s3)",
            "the sensitivity before its derivative is handed down",
            "dE_dz_for_delta",
        ),
        Plant("the derivative's factor is forgotten", "missing_f_prime", INNER, "return carried", "return carried"),
        Plant(
            "f and 1 − f added, not multiplied",
            "wrong_formula",
            DACT,
            "return f + (1.0 - f)",
            "f + (1.0 - f)",
            ("return f + (1.0 - f)", "derivative(net)", INNER),
        ),
        Plant(
            "the threshold's slope is a mean",
            "double_averaging",
            THRESHOLD,
            "return np.dot(s, np.ones((n_patterns, 1))) / n_patterns",
            "np.dot(s, np.ones((n_patterns, 1))) / n_patterns",
        ),
        Plant(
            "the factor 2 of the square",
            "missing_factor",
            LAST,
            LAST.replace("2.0", "1.0"),
            "1.0 / (n_patterns * n_units)",
            (LAST.replace("2.0", "1.0"),),
        ),
        _argument("(s2, out1)", "out1", "net1", "the matrix of layer 2 is paired with the net input", "wrong_cache"),
    ),
    (
        _argument(S1, "M2, s2", "M3, s2", "the matrix of another layer", "wrong_operand"),
        Plant(
            "not transposed",
            "transposed",
            "carried = np.dot(np.transpose(M_above), s_above)",
            "carried = np.dot(M_above, s_above)",
            "np.dot(M_above, s_above)",
        ),
    ),
    ((0, 2), (3, 7), (1, 9), (5, 8)),
)

BCE = Variant(
    ("tanh", "tanh", "sigmoid"),
    "bce",
    (
        ("    if v < -40.0:\n        return 0.0\n    return 1.0 / (1.0 + math.exp(-v))", "    return math.tanh(v)"),
        (DACT, "return 1.0 - f * f"),
        ("def last(v):\n    return v\n", "def last(v):\n    return 0.5 * (1.0 + np.tanh(0.5 * v))\n"),
        (LAST, "np.divide(np.subtract(response, desired), n_patterns * n_units)"),
    ),
    (
        Plant(
            "2f where f² belongs",
            "wrong_formula",
            "return 1.0 - f * f",
            "return 1.0 - 2.0 * f",
            "1.0 - 2.0 * f",
            ("2.0 * f", "return 1.0 - 2.0 * f", "derivative(net)", INNER),
        ),
        Plant(
            "f is not applied: 1 − v²",
            "wrong_operand",
            "f = act_scalar(v)",
            "f = v",
            "f = v",
            ("return 1.0 - f * f", "derivative(net)", INNER),
        ),
        Plant(
            "the logistic function by tanh loses its inner half",
            "forward",
            "0.5 * (1.0 + np.tanh(0.5 * v))",
            "0.5 * (1.0 + np.tanh(v))",
            "np.tanh(v)",
            ("1.0 + np.tanh(v)", "0.5 * (1.0 + np.tanh(v))"),
        ),
        Plant(
            "multiplied by the derivative of the last function, which the logarithm cancels",
            "extra_f_prime",
            S3,
            S3 + " * out3 * (1.0 - out3)",
            "sensitivity_last(out3, desired, n_patterns, n_units) * out3 * (1.0 - out3)",
            ("sensitivity_last(out3, desired, n_patterns, n_units) * out3",),
        ),
        Plant(
            "N only",
            "wrong_factor",
            "np.divide(np.subtract(response, desired), n_patterns * n_units)",
            "np.divide(np.subtract(response, desired), n_patterns)",
            "",
            ("return np.divide(np.subtract(response, desired), n_patterns)",),
        ),
        _argument(S2, "net2, dact", "out2, dact", "the output is passed for the net input", "wrong_operand"),
        Plant(
            "what is activated already is activated again",
            "wrong_function",
            "np.transpose(incoming)",
            "np.transpose(act(incoming))",
            "act(incoming)",
            (
                "np.transpose(act(incoming))",
                MATRIX.replace("incoming", "act(incoming)"),
                MATRIX.replace("incoming", "act(incoming)")[7:],
            ),
        ),
        Plant(
            "the bias of the second layer is left out",
            "forward",
            "net2 = propagate(M2, t2, out1)",
            "net2 = propagate(M2, 0.0, out1)",
            "0.0",
            ("propagate(M2, 0.0, out1)", "net2 = propagate(M2, 0.0, out1)"),
        ),
        Plant(
            "matrices are read untransposed, as they fit anyway",
            "transposed",
            "carried = np.dot(np.transpose(M_above), s_above)",
            "carried = np.dot(M_above, s_above)",
            "np.dot(M_above, s_above)",
            ("carried = np.dot(M_above, s_above)",),
            square=True,
        ),
        _argument("(s2, out1)", "out1", "out2", "the output of the layer itself", "off_by_one_layer", square=True),
    ),
    (
        _argument(
            PAIRS, "(s2, out1), (s3, out2)", "(s2, out2.T), (s3, out1)", "the outputs exchanged", "off_by_one_layer"
        ),
    ),
    ((0, 4), (3, 5), (2, 6), (1, 4)),
)

CCE = Variant(
    ("relu", "relu", "softmax"),
    "cce",
    (
        (
            "    if v < -40.0:\n        return 0.0\n    return 1.0 / (1.0 + math.exp(-v))",
            "    return v if v > 0.0 else 0.0",
        ),
        ("    f = act_scalar(v)\n    " + DACT, "    return 1.0 if v > 0.0 else 0.0"),
        (
            LAST_LINEAR,
            LAST_SOFTMAX,
        ),
        (LAST, "np.divide(np.subtract(response, desired), n_patterns)"),
    ),
    (
        Plant(
            "the softmax runs along the patterns",
            "wrong_axis",
            "np.sum(powers, axis=0)",
            "np.sum(powers, axis=1, keepdims=True)",
            "np.sum(powers, axis=1, keepdims=True)",
            (
                "np.divide(powers, np.sum(powers, axis=1, keepdims=True))",
                "return np.divide(powers, np.sum(powers, axis=1, keepdims=True))",
            ),
        ),
        Plant(
            "ReLU′ is ReLU",
            "wrong_function",
            "return 1.0 if v > 0.0 else 0.0",
            "return v if v > 0.0 else 0.0",
            "",
            ("v if v > 0.0 else 0.0", "derivative(net)", INNER),
        ),
        Plant(
            "a leak that the forward pass has not",
            "wrong_formula",
            "return 1.0 if v > 0.0 else 0.0",
            "return 1.0 if v > 0.0 else 0.2",
            "1.0 if v > 0.0 else 0.2",
            ("0.2", "return 1.0 if v > 0.0 else 0.2", "derivative(net)", INNER),
        ),
        Plant(
            "divided by the classes",
            "wrong_operand",
            "desired), n_patterns)",
            "desired), n_units)",
            "n_units",
            (
                "np.divide(np.subtract(response, desired), n_units)",
                "return np.divide(np.subtract(response, desired), n_units)",
            ),
        ),
        Plant(
            "the mean over classes, too",
            "double_averaging",
            "desired), n_patterns)",
            "desired), n_patterns * n_units)",
            "n_patterns * n_units",
            (
                "np.divide(np.subtract(response, desired), n_patterns * n_units)",
                "return np.divide(np.subtract(response, desired), n_patterns * n_units)",
            ),
        ),
        Plant(
            "the unit's mask is made of what is carried down",
            "wrong_mask",
            INNER,
            "return np.multiply(carried, derivative(carried))",
            "derivative(carried)",
            ("np.multiply(carried, derivative(carried))",),
        ),
        _argument(S2, "net2, dact", "net2, np.sign", "another function with the same look: the sign", "wrong_function"),
        _argument("(s3, out2)", "out2", "net2", "what is below zero is not cut off", "wrong_cache"),
        _argument(S1, "M2, s2", "M3, s3", "copied from the line above", "copy_paste", square=True),
        _argument(S2, "M3, s3", "M2, s3", "the matrix of the layer itself", "off_by_one_layer", square=True),
    ),
    (),
    ((0, 3), (2, 7), (4, 5), (3, 6)),
)

STYLE = Style("vectorize.py", "gradients", widths=(3, 5, 6, 4), batch=8, variants=(MSE, BCE, CCE))
