"""Mistakes in one class that steps in place: what is changed before it is read."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

UPDATE = "self.weights[i] -= self.learning_rate * np.dot(self.Z[i].T, self.D[i])"
BIASES = "self.biases[i] -= self.learning_rate * np.sum(self.D[i], axis=0, keepdims=True)"
LOOPS = f"""
        for i in range(len(self.weights) - 2, -1, -1):
            back = np.dot(self.D[-1], self.weights[i + 1].T)
            self.D.append(diff_sigmoid(self.U[i]) * back)
        self.D.reverse()
        # descent
        for i in range(len(self.weights)):
            {UPDATE}
            {BIASES}
"""
ONE_LOOP = f"""
        for i in range(len(self.weights) - 1, -1, -1):
            if i < len(self.weights) - 1:
                back = np.dot(self.D[-1], self.weights[i + 1].T)
                self.D.append(diff_sigmoid(self.U[i]) * back)
            # descent
            {UPDATE.replace("self.D[i]", "self.D[-1]")}
            {BIASES.replace("self.D[i]", "self.D[-1]")}
"""

SQUARES = Variant(
    ("sigmoid", "sigmoid", "linear"),
    "half_sum_squared_error",
    plants=(
        Plant(
            "one loop for δ and for the update: the layer above is changed before δ goes down through it",
            "updated_weight_used",
            LOOPS,
            ONE_LOOP,
            "np.dot(self.D[-1], self.weights[i + 1].T)",
            ("self.weights[i + 1].T", UPDATE.replace("self.D[i]", "self.D[-1]")),
        ),
        Plant(
            "f′ of the output of the layer", "f_prime_of_z", "diff_sigmoid(self.U[i])", "diff_sigmoid(self.Z[i + 1])"
        ),
        Plant(
            "f′ of the layer above",
            "wrong_f_prime",
            "diff_sigmoid(self.U[i])",
            "diff_sigmoid(self.U[i + 1])",
            square=True,
        ),
        Plant(
            "f′ is forgotten",
            "missing_f_prime",
            "self.D.append(diff_sigmoid(self.U[i]) * back)",
            "self.D.append(back)",
            "back",
            ("self.D.append(back)",),
        ),
        Plant(
            "the kernel of the layer itself",
            "wrong_operand",
            "self.weights[i + 1].T",
            "self.weights[i].T",
            also=("np.dot(self.D[-1], self.weights[i].T)",),
            square=True,
        ),
        Plant(
            "δ of the output goes down to every layer",
            "stale_delta",
            "np.dot(self.D[-1], self.weights[i + 1].T)",
            "np.dot(self.D[0], self.weights[i + 1].T)",
            also=("self.D[0]",),
            square=True,
        ),
        Plant(
            "the kernel is not transposed",
            "transposed",
            "self.weights[i + 1].T",
            "self.weights[i + 1]",
            also=("np.dot(self.D[-1], self.weights[i + 1])",),
            square=True,
        ),
        Plant(
            "the list stays in the order in which it was made",
            "order_of_layers",
            f"        self.D.reverse()\n        # descent\n        for i in range(len(self.weights)):\n"
            f"            {UPDATE}\n",
            f"        # descent\n        for i in range(len(self.weights)):\n            {UPDATE}\n",
            "np.dot(self.Z[i].T, self.D[i])",
            ("self.D[i]", "self.D.append(diff_sigmoid(self.U[i]) * back)", BIASES),
            square=True,
        ),
        Plant(
            "the output of the layer for its input",
            "off_by_one_layer",
            "np.dot(self.Z[i].T, self.D[i])",
            "np.dot(self.Z[i + 1].T, self.D[i])",
            also=("self.Z[i + 1].T",),
            square=True,
        ),
        Plant(
            "what the activation reads for what it gives",
            "wrong_operand",
            "np.dot(self.Z[i].T, self.D[i])",
            "np.dot((self.U[i - 1] if i else x).T, self.D[i])",
            also=("self.U[i - 1]",),
        ),
        Plant(
            "a mean where E is a sum",
            "mean_for_sum",
            "np.sum(self.D[i], axis=0, keepdims=True)",
            "np.mean(self.D[i], axis=0, keepdims=True)",
        ),
        Plant("all biases move alike", "wrong_axis", "np.sum(self.D[i], axis=0, keepdims=True)", "np.sum(self.D[i])"),
        Plant(
            "up the hill with the biases",
            "sign",
            "self.biases[i] -= self",
            "self.biases[i] += self",
            "self.biases[i] += self.learning_rate * np.sum(self.D[i], axis=0, keepdims=True)",
        ),
        Plant(
            "the learning rate is multiplied in twice",
            "wrong_rate",
            UPDATE,
            UPDATE.replace("-= self", "-= self.learning_rate * self"),
            "self.learning_rate * self.learning_rate * np.dot(self.Z[i].T, self.D[i])",
            ("self.learning_rate * self.learning_rate",),
        ),
    ),
    raising=(
        Plant("the kernel is not transposed", "transposed", "self.weights[i + 1].T", "self.weights[i + 1]"),
        Plant("the kernel of the layer itself", "wrong_operand", "self.weights[i + 1].T", "self.weights[i].T"),
        Plant(
            "the product the wrong way round",
            "order_of_product",
            "np.dot(self.Z[i].T, self.D[i])",
            "np.dot(self.D[i].T, self.Z[i])",
        ),
    ),
    pairs=((1, 10), (3, 12), (9, 11)),
)

BCE = Variant(
    ("tanh", "tanh", "sigmoid"),
    "bce",
    replacements=(
        ("def diff_sigmoid(x):\n    return sigmoid(x) * (1.0 - sigmoid(x))\n\n\n", ""),
        ("sigmoid(u) if i < last else u", "np.tanh(u) if i < last else sigmoid(u)"),
        ("self.D = [y - d]", "self.D = [(y - d) / d.size]"),
        ("diff_sigmoid(self.U[i]) * back", "(1.0 - self.Z[i + 1] ** 2) * back"),
    ),
    plants=(
        Plant(
            "z is squared in place: the kernel above reads z²",
            "aliasing",
            "            self.D.append((1.0 - self.Z[i + 1] ** 2) * back)\n",
            "            z = self.Z[i + 1]\n            z *= z\n            self.D.append((1.0 - z) * back)\n",
            "z *= z",
            ("np.dot(self.Z[i].T, self.D[i])",),
        ),
        Plant("1 − z without the square", "wrong_derivative", "1.0 - self.Z[i + 1] ** 2", "1.0 - self.Z[i + 1]"),
        Plant(
            "1 − z² of the layer below",
            "off_by_one_layer",
            "1.0 - self.Z[i + 1] ** 2",
            "1.0 - self.Z[i] ** 2",
            also=("self.Z[i] ** 2",),
            square=True,
        ),
        Plant("E is a mean over the outputs, too", "missing_1_over_K", "(y - d) / d.size", "(y - d) / len(d)"),
        Plant(
            "σ′ at the output is kept", "output_f_prime_kept", "(y - d) / d.size", "(y - d) * y * (1.0 - y) / d.size"
        ),
        Plant(
            "each layer is moved by outputs that the layers before it, moved already, give",
            "order_of_statements",
            f"            {BIASES}\n",
            f"            {BIASES}\n            self.predict(x)\n",
            "self.predict(x)",
            ("np.dot(self.Z[i].T, self.D[i])",),
        ),
        Plant(
            "the activation of the last layer is that of the others",
            "forward_wrong_activation",
            "np.tanh(u) if i < last else sigmoid(u)",
            "np.tanh(u) if i < last else np.tanh(u) / 2 + 0.5",
            "np.tanh(u) / 2 + 0.5",
            ("np.tanh(u) if i < last else np.tanh(u) / 2 + 0.5",),
        ),
        Plant(
            "the last layer is never updated",
            "off_by_one_layer",
            "        # descent\n        for i in range(len(self.weights)):",
            "        # descent\n        for i in range(len(self.weights) - 1):",
            "range(len(self.weights) - 1)",
        ),
    ),
    raising=(
        Plant(
            "keepdims is lost with the axis",
            "wrong_axis",
            "np.sum(self.D[i], axis=0, keepdims=True)",
            "np.sum(self.D[i], axis=1)",
        ),
    ),
    pairs=((1, 4), (3, 7)),
)

CCE = Variant(
    ("relu", "relu", "softmax"),
    "cce",
    replacements=(
        (
            (
                "def sigmoid(x):\n    return 1.0 / (1.0 + np.exp(-x))\n\n\n"
                "def diff_sigmoid(x):\n    return sigmoid(x) * (1.0 - sigmoid(x))\n"
            ),
            (
                "def relu(x):\n    return x * (x > 0)\n\n\ndef diff_relu(x):\n    return 1.0 * (x > 0)\n\n\n"
                "def softmax(x):\n    e = np.exp(x - np.max(x, axis=1, keepdims=True))\n"
                "    return e / np.sum(e, axis=1, keepdims=True)\n"
            ),
        ),
        ("sigmoid(u) if i < last else u", "relu(u) if i < last else softmax(u)"),
        ("self.D = [y - d]", "self.D = [(y - d) / len(x)]"),
        ("diff_sigmoid(", "diff_relu("),
    ),
    plants=(
        Plant("the slope is the unit's value", "wrong_derivative", "1.0 * (x > 0)", "x * (x > 0)"),
        Plant(
            "the slope is 1 wherever something comes", "wrong_mask", "1.0 * (x > 0)", "1.0 * (x != 0)", also=("x != 0",)
        ),
        Plant("the samples are summed, not averaged", "missing_1_over_N", "(y - d) / len(x)", "y - d"),
        Plant(
            "the biases take the mean once more",
            "double_average",
            "np.sum(self.D[i], axis=0, keepdims=True)",
            "np.sum(self.D[i], axis=0, keepdims=True) / len(x)",
        ),
        Plant(
            "the maximum and the sum over the batch",
            "softmax_axis",
            "e / np.sum(e, axis=1, keepdims=True)",
            "e / np.sum(e, axis=0, keepdims=True)",
            "np.sum(e, axis=0, keepdims=True)",
            ("e / np.sum(e, axis=0, keepdims=True)",),
        ),
        Plant(
            "the bias of the first layer in all",
            "forward_bias",
            "+ self.biases[i]\n",
            "+ self.biases[0]\n",
            "np.dot(self.Z[i], self.weights[i]) + self.biases[0]",
            ("self.biases[0]",),
            square=True,
        ),
        Plant(
            "each layer is changed before δ goes down through it",
            "updated_weight_used",
            LOOPS.replace("diff_sigmoid", "diff_relu"),
            ONE_LOOP.replace("diff_sigmoid", "diff_relu"),
            "np.dot(self.D[-1], self.weights[i + 1].T)",
            ("self.weights[i + 1].T", UPDATE.replace("self.D[i]", "self.D[-1]")),
        ),
        Plant("down the softmax twice", "other_loss", "(y - d) / len(x)", "y * (y - d) / len(x)"),
    ),
    raising=(Plant("the bias of the first layer in all", "forward_bias", "+ self.biases[i]\n", "+ self.biases[0]\n"),),
    pairs=((0, 3), (2, 4)),
)

STYLE = Style(
    "class_in_place.py",
    "step",
    "Network(widths, seed).back_propagate",
    widths=(6, 5, 4, 3),
    batch=7,
    learning_rate=0.02,
    variants=(SQUARES, BCE, CCE),
)
