"""Mistakes in a class whose velocity adds up small batches."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

ERROR = "2 * (p - t) / (n * t.shape[1])"
DOWN = "delta.dot(self.weights[i].T) * slope(self.sums[i - 1])"
TO_WEIGHTS = "self.v_weights[i] += self.outs[i].T.dot(delta)"
TO_BIASES = "self.v_biases[i] += delta.sum(axis=0)"
ACT = "return np.tanh(u)\n"
SLOPE = "1 - np.tanh(u) ** 2"
SQUASH = "def squash(u):\n    return u\n"

MSE = Variant(
    ("tanh", "tanh", "linear"),
    "mse",
    plants=(
        Plant("f′ is forgotten", "missing_f_prime", DOWN, "delta.dot(self.weights[i].T)"),
        Plant("1 + tanh²", "wrong_derivative", SLOPE, "1 + np.tanh(u) ** 2"),
        Plant(
            "the slope at the output of the layer",
            "f_prime_of_z",
            "slope(self.sums[i - 1])",
            "slope(self.outs[i])",
            also=("delta.dot(self.weights[i].T) * slope(self.outs[i])",),
        ),
        Plant("t − p", "sign", "2 * (p - t)", "2 * (t - p)", also=("t - p",)),
        Plant("divided by the outputs alone", "missing_1_over_N", ERROR, "2 * (p - t) / t.shape[1]"),
        Plant("divided by this batch, not by all", "wrong_count", ERROR, "2 * (p - t) / t.size"),
        Plant(
            "the last batch alone is kept",
            "accumulator",
            TO_WEIGHTS,
            "self.v_weights[i][:] = self.outs[i].T.dot(delta)",
        ),
        Plant("the bias takes a mean", "mean_for_sum", "delta.sum(axis=0)", "delta.mean(axis=0)"),
        Plant(
            "the velocity decays with each batch",
            "accumulator",
            TO_BIASES,
            "self.v_biases[i] = self.momentum * self.v_biases[i] + delta.sum(axis=0)",
        ),
        Plant("the first batch is left out", "off_by_one_sample", "range(0, len(x)", "range(self.size, len(x)"),
    ),
    raising=(
        Plant("the kernel is not transposed", "transposed", "self.weights[i].T", "self.weights[i]"),
        Plant("δ first", "order_of_product", "self.outs[i].T.dot(delta)", "delta.T.dot(self.outs[i])"),
    ),
    pairs=((0, 4), (1, 7), (2, 3), (6, 8)),
)

BCE = Variant(
    ("sigmoid", "sigmoid", "sigmoid"),
    "bce",
    replacements=(
        (ACT, "return 1 / (1 + np.exp(-u))\n"),
        (SLOPE, "act(u) * (1 - act(u))"),
        (SQUASH, "def squash(u):\n    return act(u)\n"),
        (ERROR, "(p - t) / (n * t.shape[1])"),
    ),
    plants=(
        Plant("σ′ once more", "output_f_prime_kept", "(p - t) / (n", "(p - t) * p * (1 - p) / (n"),
        Plant("σ alone", "wrong_derivative", "act(u) * (1 - act(u))", "act(u)", nth=0),
        Plant("summed over the outputs", "missing_1_over_K", "(p - t) / (n * t.shape[1])", "(p - t) / n"),
        Plant(
            "the sums for the outputs",
            "wrong_operand",
            "self.outs[i].T.dot(delta)",
            "self.sums[i].T.dot(delta)",
            square=True,
        ),
        Plant(
            "δ of the layer above is lost on the way",
            "wrong_formula",
            DOWN,
            "(1 - delta.dot(self.weights[i].T)) * slope(self.sums[i - 1])",
        ),
        Plant("half of each batch", "accumulator", TO_WEIGHTS, "self.v_weights[i] += self.outs[i].T.dot(delta) / 2"),
        Plant(
            "the targets of the first batch for all",
            "wrong_row",
            "t[some]",
            "t[: len(p)]",
            also=("self.error(p, t[: len(p)], len(x))",),
        ),
        Plant("the other way down", "transposed", "self.weights[i].T", "self.weights[i]", square=True),
    ),
    pairs=((0, 5), (1, 2), (4, 6)),
)

CCE = Variant(
    ("relu", "relu", "softmax"),
    "cce",
    replacements=(
        (ACT, "return np.maximum(0, u)\n"),
        (SLOPE, "u > 0"),
        (
            SQUASH,
            (
                "def squash(u):\n    powers = np.exp(u - u.max(axis=1, keepdims=True))\n"
                "    return powers / powers.sum(axis=1, keepdims=True)\n"
            ),
        ),
        (ERROR, "(p - t) / n"),
    ),
    plants=(
        Plant("the mask turned round", "wrong_mask", "return u > 0", "return u < 0", "u < 0"),
        Plant(
            "normalised over the batch",
            "softmax_axis",
            "powers.sum(axis=1, keepdims=True)",
            "powers.sum(axis=0, keepdims=True)",
        ),
        Plant("divided by all numbers", "wrong_count", "(p - t) / n", "(p - t) / (n * t.shape[1])"),
        Plant("ReLU for its slope", "wrong_derivative", "return u > 0", "return np.maximum(0, u)", "np.maximum(0, u)"),
        Plant("the bias is left out", "forward_bias", "self.outs[-1].dot(W) + b", "self.outs[-1].dot(W)"),
        Plant("the samples are summed", "missing_1_over_N", "(p - t) / n", "(p - t)"),
        Plant(
            "the last layer is activated, too",
            "forward_activation_on_output",
            "squash(u) if i == last else act(u)",
            "squash(act(u)) if i == last else act(u)",
            "squash(act(u))",
        ),
        Plant(
            "the bias takes one sample",
            "wrong_slice",
            "delta.sum(axis=0)",
            "delta[0]",
            also=(TO_BIASES.replace("delta.sum(axis=0)", "delta[0]"),),
        ),
    ),
    pairs=((0, 5), (2, 7), (3, 4)),
)

STYLE = Style(
    "velocity_class.py",
    "step",
    "Trainer(widths, seed).epoch",
    widths=(6, 5, 4, 2),
    batch=8,
    learning_rate=0.1,
    variants=(MSE, BCE, CCE),
)
