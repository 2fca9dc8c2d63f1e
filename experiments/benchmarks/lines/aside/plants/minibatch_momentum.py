"""A class that sees its batch in pieces, adds their gradients up and moves its weights with momentum."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

ERROR = 'error = delta @ self.layers[depth]["kernel"].T'
DELTA = "delta = error * Hidden.backward(self.sums[depth - 1], self.inputs[depth])"
KERNEL = '"kernel": self.inputs[depth].T @ delta'
BIAS = '"bias": delta.sum(axis=0)'
SUM = "mine[name] += g[name] / len(x)"
VELOCITY = "v[name] = self.momentum * v[name] - self.lr * g[name]"
MOVE = "layer[name] += v[name]"
DERIVATIVE = "return (s > 0).astype(s.dtype)"
SOFTMAX = """        e = np.exp(s - s.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)"""
CLEARED = "total = [{name: np.zeros_like(w) for name, w in layer.items()} for layer in self.layers]"
HIDDEN = """class Hidden:
    @staticmethod
    def forward(s):
        return np.maximum(s, 0.0)"""
SIGMOID = """def sigmoid(s):
    return 1.0 / (1.0 + np.exp(-s))


"""

CCE = Variant(
    ("relu", "relu", "softmax"),
    "cce",
    (),
    (
        Plant("only the last piece counts", "accumulator", SUM, SUM.replace("+=", "=")),
        Plant(
            "each piece is divided by its own length",
            "missing_1_over_N",
            SUM,
            "mine[name] += g[name] / self.piece",
            "g[name] / self.piece",
            ("mine[name] += g[name] / self.piece",),
        ),
        Plant(
            "the sum over pieces is cleared for each piece",
            "order_of_statements",
            "            for mine, g in zip(total, grads):\n",
            f"            {CLEARED}\n            for mine, g in zip(total, grads):\n",
            CLEARED,
            (SUM,),
        ),
        Plant(
            "the ragged last piece is left out",
            "wrong_slice",
            "range(0, len(x), self.piece)",
            "range(0, len(x) - self.piece, self.piece)",
            "len(x) - self.piece",
            (
                "range(0, len(x) - self.piece, self.piece)",
                "for start in range(0, len(x) - self.piece, self.piece):",
                SUM,
            ),
        ),
        Plant(
            "the targets of the first piece serve all",
            "wrong_slice",
            "self.piece_gradients(x[part], y[part])",
            "self.piece_gradients(x[part], y[:len(x[part])])",
            "y[:len(x[part])]",
            (
                "self.piece_gradients(x[part], y[:len(x[part])])",
                "grads = self.piece_gradients(x[part], y[:len(x[part])])",
            ),
        ),
        Plant(
            "the pieces overlap by one sample",
            "wrong_slice",
            "slice(start, start + self.piece)",
            "slice(start, start + self.piece + 1)",
            "start + self.piece + 1",
            ("slice(start, start + self.piece + 1)", "x[part]", "y[part]", "self.piece_gradients(x[part], y[part])"),
        ),
        Plant(
            "ReLU′ lets through what is negative",
            "wrong_mask",
            DERIVATIVE,
            DERIVATIVE.replace(">", "<"),
            "s < 0",
            ("(s < 0)", "(s < 0).astype(s.dtype)"),
        ),
        Plant(
            "weights are added to, not taken from",
            "sign",
            VELOCITY,
            "v[name] = self.momentum * v[name] + self.lr * g[name]",
            "self.momentum * v[name] + self.lr * g[name]",
            ("self.lr * g[name]", MOVE),
        ),
        Plant(
            "the step is made by (1 − momentum): dampened, undone nowhere",
            "wrong_factor",
            "- self.lr * g[name]",
            "- (1 - self.momentum) * self.lr * g[name]",
            "(1 - self.momentum) * self.lr * g[name]",
            ("(1 - self.momentum) * self.lr", "(1 - self.momentum)", "1 - self.momentum", MOVE),
        ),
        Plant(
            "the gradient of the biases is that of one piece's mean",
            "double_averaging",
            BIAS,
            '"bias": delta.mean(axis=0)',
            "delta.mean(axis=0)",
        ),
    ),
    (
        Plant(
            "one layer too far down",
            "off_by_one_layer",
            DELTA,
            "delta = error * Hidden.backward(self.sums[depth], self.inputs[depth])",
            "Hidden.backward(self.sums[depth], self.inputs[depth])",
        ),
        Plant(
            "the kernel as it stands",
            "transposed",
            ERROR,
            'error = delta @ self.layers[depth]["kernel"]',
            'delta @ self.layers[depth]["kernel"]',
        ),
    ),
    ((0, 6), (3, 9), (4, 9), (1, 6)),
)

MSE = Variant(
    ("tanh", "tanh", "linear"),
    "mse",
    (
        ("return np.maximum(s, 0.0)", "return np.tanh(s)"),
        (DERIVATIVE, "return 1.0 - np.tanh(s) ** 2"),
        (SOFTMAX, "        return s"),
        (
            '"""dE/ds, summed over the samples; E is the cross entropy"""',
            '"""dE/ds, summed over the samples; E is the mean square"""',
        ),
        ("return out - target", "return 2.0 * (out - target) / target.shape[1]"),
    ),
    (
        Plant("f′ is forgotten", "missing_f_prime", DELTA, "delta = error", "delta = error"),
        Plant(
            "f′ of the output instead of the sum",
            "wrong_operand",
            DELTA,
            "delta = error * Hidden.backward(self.inputs[depth], None)",
            "self.inputs[depth]",
            ("Hidden.backward(self.inputs[depth], None)", "error * Hidden.backward(self.inputs[depth], None)"),
        ),
        Plant(
            "f where f′ belongs",
            "wrong_function",
            DELTA,
            "delta = error * Hidden.forward(self.sums[depth - 1])",
            "Hidden.forward(self.sums[depth - 1])",
            ("error * Hidden.forward(self.sums[depth - 1])",),
        ),
        Plant(
            "divided by the number of samples in the piece, which are counted later anyway",
            "double_averaging",
            "2.0 * (out - target) / target.shape[1]",
            "2.0 * (out - target) / target.size",
            "target.size",
            ("2.0 * (out - target) / target.size", "return 2.0 * (out - target) / target.size"),
        ),
        Plant("K is forgotten", "missing_factor", "2.0 * (out - target) / target.shape[1]", "2.0 * (out - target)"),
        Plant(
            "the square of the tanh lost its place", "precedence", "1.0 - np.tanh(s) ** 2", "(1.0 - np.tanh(s)) ** 2"
        ),
        Plant(
            "inputs of the layer above",
            "off_by_one_layer",
            KERNEL,
            '"kernel": self.inputs[depth - 1].T @ delta',
            "self.inputs[depth - 1]",
            ("self.inputs[depth - 1].T", "self.inputs[depth - 1].T @ delta"),
            square=True,
        ),
        Plant(
            "tanh writes into the sums that f′ will read",
            "aliasing",
            "        return np.tanh(s)",
            "        return np.tanh(s, out=s)",
            "np.tanh(s, out=s)",
            ("f.forward(s)", "self.sums.append(s)"),
        ),
        Plant(
            "the kernel is not transposed",
            "transposed",
            ERROR,
            'error = delta @ self.layers[depth]["kernel"]',
            'delta @ self.layers[depth]["kernel"]',
            ('self.layers[depth]["kernel"]',),
            square=True,
        ),
    ),
    (
        Plant(
            "the product the other way round",
            "transposed",
            KERNEL,
            '"kernel": delta.T @ self.inputs[depth]',
            "delta.T @ self.inputs[depth]",
        ),
    ),
    ((0, 3), (2, 4), (3, 5), (1, 4)),
)

BCE = Variant(
    ("sigmoid", "sigmoid", "sigmoid"),
    "bce",
    (
        (
            HIDDEN,
            SIGMOID + HIDDEN.replace("np.maximum(s, 0.0)", "sigmoid(s)"),
        ),
        (DERIVATIVE, "return out * (1.0 - out)"),
        (SOFTMAX, "        return sigmoid(s)"),
        (
            '"""dE/ds, summed over the samples; E is the cross entropy"""',
            '"""dE/ds, summed over the samples; E is the mean log loss"""',
        ),
        ("return out - target", "return (out - target) / out.shape[1]"),
    ),
    (
        Plant(
            "K divides twice",
            "double_averaging",
            "return (out - target) / out.shape[1]",
            "return (out - target) / out.shape[1] ** 2",
            "out.shape[1] ** 2",
            ("(out - target) / out.shape[1] ** 2",),
        ),
        Plant(
            "the samples of the piece are counted where the outputs belong",
            "wrong_operand",
            "return (out - target) / out.shape[1]",
            "return (out - target) / out.shape[0]",
            "out.shape[0]",
            ("(out - target) / out.shape[0]",),
        ),
        Plant(
            "σ′ is taken of the wrong letter",
            "wrong_operand",
            "return out * (1.0 - out)",
            "return s * (1.0 - s)",
            "s * (1.0 - s)",
            ("1.0 - s", "Hidden.backward(self.sums[depth - 1], self.inputs[depth])"),
        ),
        Plant(
            "the weights move inside the pieces' loop, while later pieces still need them",
            "updated_weight_used",
            SUM,
            SUM + '\n            self.layers[-1]["kernel"] -= self.lr * grads[-1]["kernel"]',
            'self.layers[-1]["kernel"] -= self.lr * grads[-1]["kernel"]',
            ('self.lr * grads[-1]["kernel"]', ERROR),
        ),
        Plant(
            "the kernel of the last layer is moved before δ comes down through it",
            "updated_weight_used",
            ERROR,
            'self.layers[depth]["kernel"] -= self.lr * grads[depth]["kernel"]\n                ' + ERROR,
            'self.layers[depth]["kernel"] -= self.lr * grads[depth]["kernel"]',
            ('self.layers[depth]["kernel"].T', ERROR),
        ),
        Plant("the bias hears of the piece's last sample only", "accumulator", BIAS, '"bias": delta[-1]', "delta[-1]"),
        Plant(
            "lr twice",
            "wrong_factor",
            MOVE,
            "layer[name] += self.lr * v[name]",
            "self.lr * v[name]",
            ("layer[name] += self.lr * v[name]",),
        ),
        Plant(
            "the step is halved, as if old and new were averaged",
            "wrong_factor",
            VELOCITY,
            "v[name] = 0.5 * (self.momentum * v[name] - self.lr * g[name])",
            "0.5 * (self.momentum * v[name] - self.lr * g[name])",
            ("v[name] = 0.5 * (self.momentum * v[name] - self.lr * g[name])",),
        ),
        Plant(
            "f′ is that of the layer below",
            "off_by_one_layer",
            DELTA,
            "delta = error * Hidden.backward(self.sums[depth - 1], self.inputs[depth - 1])",
            "self.inputs[depth - 1]",
            (
                "Hidden.backward(self.sums[depth - 1], self.inputs[depth - 1])",
                "error * Hidden.backward(self.sums[depth - 1], self.inputs[depth - 1])",
            ),
            square=True,
        ),
    ),
    (),
    ((0, 4), (1, 5), (2, 6), (4, 5)),
)

STYLE = Style(
    "minibatch_momentum.py",
    "step",
    "Trainer(widths, lr=0.05, seed=seed).train_on",
    widths=(5, 6, 4, 3),
    batch=10,
    learning_rate=0.05,
    variants=(CCE, MSE, BCE),
)
