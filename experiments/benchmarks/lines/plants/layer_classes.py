"""Mistakes in layers that are objects: what is kept, what is handed on, what is added up."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

MSE = Variant(
    ("sigmoid", "sigmoid", "linear"),
    "mse",
    plants=(
        Plant(
            "what comes down is lost",
            "local_replaces_upstream",
            "grad * self.out * (1 - self.out)",
            "self.out * (1 - self.out)",
        ),
        Plant("1 − out is lost", "wrong_derivative", "grad * self.out * (1 - self.out)", "grad * self.out"),
        Plant(
            "σ(1 − σ) of the input: the wrong thing was kept",
            "wrong_cache",
            "        self.out = 1 / (1 + np.exp(-inp))\n        return self.out",
            "        self.out = inp\n        return 1 / (1 + np.exp(-inp))",
            "self.out = inp",
            ("grad * self.out * (1 - self.out)",),
        ),
        Plant("the kernel is not transposed", "transposed", "grad @ self.weight.T", "grad @ self.weight", square=True),
        Plant(
            "dWᵀ for dW: inp and grad are exchanged",
            "transposed",
            "self.inp.T @ grad",
            "grad.T @ self.inp",
            square=True,
        ),
        Plant("a mean on top of the loss's mean", "double_average", "grad.sum(0)", "grad.mean(0)"),
        Plant("keepdims forgotten: one number for all units", "wrong_axis", "grad.sum(0)", "grad.sum()"),
        Plant(
            "a minus from the update",
            "sign",
            "self.grad_weight += self.inp.T @ grad",
            "self.grad_weight -= self.inp.T @ grad",
            also=("self.inp.T @ grad",),
        ),
        Plant(
            "gradients start from ones",
            "accumulator",
            "np.zeros_like(weight)",
            "np.ones_like(weight)",
            also=("self.grad_weight += self.inp.T @ grad",),
        ),
        Plant(
            "divided by the batch alone",
            "missing_1_over_K",
            "2 * self.diff / self.diff.size",
            "2 * self.diff / len(self.diff)",
        ),
        Plant(
            "the derivative of a half of the square",
            "missing_2",
            "2 * self.diff / self.diff.size",
            "self.diff / self.diff.size",
        ),
        Plant(
            "two rounds, and nothing is reset between them",
            "accumulator",
            "    net.backward(loss.backward())\n",
            "    for _ in range(2):\n        net.backward(loss.backward())\n",
            "net.backward(loss.backward())",
            ("range(2)", "self.grad_weight += self.inp.T @ grad", "self.grad_bias += grad.sum(0)"),
        ),
    ),
    raising=(
        Plant("the kernel is not transposed", "transposed", "grad @ self.weight.T", "grad @ self.weight"),
        Plant("the input is not transposed", "transposed", "self.inp.T @ grad", "self.inp @ grad"),
        Plant("the layers in forward's order", "order_of_layers", "in reversed(self.layers):", "in self.layers:"),
    ),
    pairs=((1, 5), (9, 6), (3, 8)),
)

BCE = Variant(
    ("tanh", "tanh", "sigmoid"),
    "bce",
    replacements=(
        (
            "class MSELoss:",
            (
                "class Tanh:\n    def forward(self, inp):\n        self.out = np.tanh(inp)\n        return self.out\n\n"
                "    def backward(self, grad):\n        return grad * (1 - self.out**2)\n\n\nclass MSELoss:"
            ),
        ),
        (
            "        self.diff = pred - target\n        return np.mean(self.diff**2)",
            (
                "        self.p, self.t = pred, target\n"
                "        return -np.mean(target * np.log(pred) + (1 - target) * np.log(1 - pred))"
            ),
        ),
        ("return 2 * self.diff / self.diff.size", "return (self.p - self.t) / (self.p * (1 - self.p)) / self.t.size"),
        ("[linear, Sigmoid()]", "[linear, Tanh()]"),
        ("layers.append(linears[-1])", "layers += [linears[-1], Sigmoid()]"),
        ("MSELoss", "BCELoss"),
    ),
    plants=(
        Plant("1 − out without the square", "wrong_derivative", "grad * (1 - self.out**2)", "grad * (1 - self.out)"),
        Plant(
            "the loss's derivative as if σ′ were in it, and σ′ comes",
            "output_f_prime_kept",
            "(self.p - self.t) / (self.p * (1 - self.p)) / self.t.size",
            "(self.p - self.t) / self.t.size",
        ),
        Plant(
            "σ′ at the output is taken of the other class alone",
            "wrong_derivative",
            "grad * self.out * (1 - self.out)",
            "grad * (1 - self.out)",
        ),
        Plant(
            "the loss's sign",
            "sign",
            "(self.p - self.t) /",
            "(self.t - self.p) /",
            "self.t - self.p",
            ("(self.t - self.p) / (self.p * (1 - self.p))",),
        ),
        Plant(
            "the last layer has no sigmoid",
            "forward_missing_activation",
            "layers += [linears[-1], Sigmoid()]",
            "layers += [linears[-1], Tanh()]",
            "Tanh()",
            ("[linears[-1], Tanh()]",),
        ),
        Plant(
            "= for +=, and half of it",
            "double_average",
            "self.grad_bias += grad.sum(0)",
            "self.grad_bias = (self.grad_bias + grad.sum(0)) / 2",
            "(self.grad_bias + grad.sum(0)) / 2",
        ),
        Plant(
            "the layer keeps its output for its input",
            "wrong_cache",
            "        self.inp = inp\n        return inp @ self.weight + self.bias",
            "        self.inp = inp @ self.weight + self.bias\n        return self.inp",
            "inp @ self.weight + self.bias",
            ("self.inp = inp @ self.weight + self.bias", "self.inp.T @ grad"),
            square=True,
        ),
    ),
    raising=(
        Plant("grad_bias has the batch", "bias_not_summed", "self.grad_bias += grad.sum(0)", "self.grad_bias += grad"),
    ),
    pairs=((0, 3), (2, 5)),
)

CCE = Variant(
    ("relu", "relu", "softmax"),
    "cce",
    replacements=(
        (
            (
                "class Sigmoid:\n    def forward(self, inp):\n        self.out = 1 / (1 + np.exp(-inp))\n"
                "        return self.out\n\n"
                "    def backward(self, grad):\n        return grad * self.out * (1 - self.out)"
            ),
            (
                "class ReLU:\n    def forward(self, inp):\n        self.mask = inp > 0\n"
                "        return inp * self.mask\n\n"
                "    def backward(self, grad):\n        return grad * self.mask\n\n\nclass Softmax:\n"
                "    def forward(self, inp):\n"
                "        e = np.exp(inp - inp.max(1, keepdims=True))\n        self.out = e / e.sum(1, keepdims=True)\n"
                "        return self.out\n\n    def backward(self, grad):\n"
                "        inner = (grad * self.out).sum(1, keepdims=True)\n        return self.out * (grad - inner)"
            ),
        ),
        (
            "        self.diff = pred - target\n        return np.mean(self.diff**2)",
            (
                "        self.pred, self.target = pred, target\n"
                "        return -np.sum(target * np.log(pred)) / len(target)"
            ),
        ),
        ("return 2 * self.diff / self.diff.size", "return -self.target / self.pred / len(self.target)"),
        ("[linear, Sigmoid()]", "[linear, ReLU()]"),
        ("layers.append(linears[-1])", "layers += [linears[-1], Softmax()]"),
        ("MSELoss", "CrossEntropy"),
    ),
    plants=(
        Plant(
            "the inner sum of softmax's Jacobian is lost",
            "softmax_elementwise",
            "self.out * (grad - inner)",
            "self.out * grad",
        ),
        Plant(
            "p(1 − p) for the Jacobian",
            "softmax_elementwise",
            "self.out * (grad - inner)",
            "grad * self.out * (1 - self.out)",
        ),
        Plant(
            "the inner sum over the batch",
            "wrong_axis",
            "(grad * self.out).sum(1, keepdims=True)",
            "(grad * self.out).sum(0, keepdims=True)",
            also=("self.out * (grad - inner)",),
        ),
        Plant(
            "the inner sum without grad",
            "wrong_operand",
            "(grad * self.out).sum(1, keepdims=True)",
            "grad.sum(1, keepdims=True)",
            also=("self.out * (grad - inner)",),
        ),
        Plant(
            "a mask of what comes down",
            "wrong_mask",
            "grad * self.mask",
            "np.where(grad > 0, grad, 0)",
            also=("grad > 0",),
        ),
        Plant(
            "the minus of the logarithm",
            "sign",
            "-self.target / self.pred / len(self.target)",
            "self.target / self.pred / len(self.target)",
        ),
        Plant(
            "not divided by the batch",
            "missing_1_over_N",
            "-self.target / self.pred / len(self.target)",
            "-self.target / self.pred",
        ),
        Plant(
            "softmax normalised over everything",
            "softmax_axis",
            "e / e.sum(1, keepdims=True)",
            "e / e.sum()",
            "e.sum()",
            ("e / e.sum()",),
        ),
    ),
    raising=(
        Plant(
            "the inner sum loses its axis",
            "wrong_axis",
            "(grad * self.out).sum(1, keepdims=True)",
            "(grad * self.out).sum(1)",
        ),
    ),
    pairs=((0, 4), (5, 2)),
)

STYLE = Style("layer_classes.py", "gradients", widths=(6, 5, 4, 3), batch=7, variants=(MSE, BCE, CCE))
