"""Mistakes in views of one vector: where they begin, what is written through them, and when."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

STEP = "(delta @ W.T) * g_grad(Z[l - 1])"

MSE = Variant(
    ("sigmoid", "sigmoid", "linear"),
    "mse",
    plants=(
        Plant(
            "gW is bound anew, and θ's gradient never written",
            "view_not_written",
            "gW[:] = A[l].T @ delta",
            "gW = A[l].T @ delta",
            also=("A[l].T @ delta", "gW, gb = grads[l]"),
        ),
        Plant(
            "the copy of the gradient is written",
            "view_not_written",
            "grads = unroll(grad, sizes)",
            "grads = unroll(grad.copy(), sizes)",
            "grad.copy()",
            ("unroll(grad.copy(), sizes)", "return J, grad"),
        ),
        Plant(
            "gradients are written over the weights' views",
            "aliasing",
            "grad = np.zeros_like(theta)",
            "grad = theta",
            "grad = theta",
            ("gW[:] = A[l].T @ delta", "grads = unroll(grad, sizes)", "return J, grad", "delta @ W.T"),
        ),
        Plant(
            "the biases are read from where the kernel begins",
            "wrong_slice",
            "        at += n_in * n_out\n        b = theta[at:at + n_out]\n        at += n_out\n",
            "        b = theta[at:at + n_out]\n        at += n_in * n_out\n        at += n_out\n",
            "theta[at:at + n_out]",
        ),
        Plant(
            "the kernel's size is that of one row",
            "wrong_slice",
            "        at += n_in * n_out\n",
            "        at += n_out\n",
            "at += n_out",
            ("theta[at:at + n_out]", "theta[at:at + n_in * n_out]"),
        ),
        Plant(
            "the view is of a matrix in another order",
            "wrong_order",
            "reshape(n_in, n_out)",
            'reshape(n_in, n_out, order="F")',
            'theta[at:at + n_in * n_out].reshape(n_in, n_out, order="F")',
        ),
        Plant(
            "δ of a layer is added to what it was",
            "accumulator",
            "delta = (delta @ W.T)",
            "delta += (delta @ W.T)",
            "delta += (delta @ W.T) * g_grad(Z[l - 1])",
            (STEP,),
            square=True,
        ),
        Plant("the bias view gets the mean", "double_average", "delta.sum(axis=0)", "delta.mean(axis=0)"),
        Plant("one number for all biases", "wrong_axis", "delta.sum(axis=0)", "delta.sum()"),
        Plant(
            "f′ at the layer's output",
            "f_prime_of_z",
            "g_grad(Z[l - 1])",
            "g_grad(A[l])",
            also=(STEP.replace("Z[l - 1]", "A[l]"),),
        ),
        Plant(
            "f′ of the layer itself",
            "wrong_f_prime",
            "g_grad(Z[l - 1])",
            "g_grad(Z[l])",
            also=(STEP.replace("Z[l - 1]", "Z[l]"),),
            square=True,
        ),
        Plant(
            "δ goes down through the first kernel",
            "wrong_operand",
            "W, b = layers[l]",
            "W, b = layers[0]",
            "layers[0]",
            ("delta @ W.T", STEP),
            square=True,
        ),
        Plant(
            "the W that the loop forward left",
            "stale_loop_variable",
            "            W, b = layers[l]\n            delta = (delta @ W.T)",
            "            delta = (delta @ W.T)",
            "delta @ W.T",
            (STEP, "for W, b in layers:"),
            square=True,
        ),
        Plant(
            "the 2 of the power is lost",
            "missing_2",
            "2 / (m * k) * (h - Y)",
            "1 / (m * k) * (h - Y)",
            also=("1 / (m * k)",),
        ),
    ),
    raising=(
        Plant("the kernel is not transposed", "transposed", "delta @ W.T", "delta @ W"),
        Plant("n_out rows", "wrong_order", "reshape(n_in, n_out)", "reshape(n_out, n_in)"),
        Plant("gW and gb exchanged", "copy_paste", "gW, gb = grads[l]", "gb, gW = grads[l]"),
    ),
    pairs=((0, 9), (7, 13), (5, 8)),
)

BCE = Variant(
    ("tanh", "tanh", "sigmoid"),
    "bce",
    replacements=(
        ("def g(z):\n    return 1 / (1 + np.exp(-z))\n", "def g(z):\n    return np.tanh(z)\n"),
        ("    return g(z) * (1 - g(z))\n", "    return 1 - g(z) * g(z)\n"),
        ("h = Z[-1]", "h = 1 / (1 + np.exp(-Z[-1]))"),
        ("((h - Y) ** 2).sum() / (m * k)", "-(Y * np.log(h) + (1 - Y) * np.log(1 - h)).sum() / (m * k)"),
        ("2 / (m * k) * (h - Y)", "(h - Y) / (m * k)"),
    ),
    plants=(
        Plant("1 − g, without the square", "wrong_derivative", "1 - g(z) * g(z)", "1 - g(z)"),
        Plant("the sigmoid's rule for tanh", "copy_paste", "1 - g(z) * g(z)", "g(z) * (1 - g(z))"),
        Plant(
            "the output is tanh's",
            "forward_wrong_activation",
            "h = 1 / (1 + np.exp(-Z[-1]))",
            "h = (1 + A[-1]) / 2",
            "(1 + A[-1]) / 2",
        ),
        Plant("Y − h", "sign", "(h - Y) / (m * k)", "(Y - h) / (m * k)", also=("Y - h",)),
        Plant("the classes are not averaged", "missing_1_over_K", "(h - Y) / (m * k)", "(h - Y) / m"),
        Plant("σ′ stays", "output_f_prime_kept", "(h - Y) / (m * k)", "h * (1 - h) * (h - Y) / (m * k)"),
        Plant(
            "the layer above reads z, not a",
            "forward_missing_activation",
            "        a = g(z)\n        Z.append(z)\n",
            "        a = z\n        Z.append(z)\n",
            "a = z",
        ),
        Plant(
            "the activations of the layer itself",
            "off_by_one_layer",
            "A[l].T @ delta",
            "A[l + 1].T @ delta",
            also=("A[l + 1]",),
            square=True,
        ),
        Plant(
            "the first bias is left out",
            "wrong_slice",
            "gb[:] = delta.sum(axis=0)",
            "gb[1:] = delta.sum(axis=0)[1:]",
            "gb[1:] = delta.sum(axis=0)[1:]",
            ("delta.sum(axis=0)[1:]", "delta.sum(axis=0)"),
        ),
    ),
    raising=(
        Plant(
            "the parameters are packed without their biases",
            "wrong_slice",
            "for v in parameters.values()",
            "for v in kernels",
        ),
    ),
    pairs=((0, 3), (4, 8)),
)

CCE = Variant(
    ("relu", "relu", "softmax"),
    "cce",
    replacements=(
        (
            "def g(z):\n    return 1 / (1 + np.exp(-z))\n",
            (
                "def g(z):\n    return z.clip(min=0)\n\n\ndef softmax(z):\n"
                "    e = np.exp(z - z.max(axis=1)[:, np.newaxis])\n    return e / e.sum(axis=1)[:, np.newaxis]\n"
            ),
        ),
        ("    return g(z) * (1 - g(z))\n", "    return (z > 0).astype(float)\n"),
        ("m, k = Y.shape", "m = len(Y)"),
        ("h = Z[-1]", "h = softmax(Z[-1])"),
        ("((h - Y) ** 2).sum() / (m * k)", "-(Y * np.log(h)).sum() / m"),
        ("2 / (m * k) * (h - Y)", "(h - Y) / m"),
    ),
    plants=(
        Plant(
            "the mask of those that are off",
            "wrong_mask",
            "(z > 0).astype(float)",
            "(z <= 0).astype(float)",
            also=("z <= 0",),
        ),
        Plant(
            "the threshold of the slope is not that of the value",
            "wrong_mask",
            "(z > 0).astype(float)",
            "(z > 0.2).astype(float)",
            also=("z > 0.2",),
        ),
        Plant(
            "softmax over the samples",
            "softmax_axis",
            "e / e.sum(axis=1)[:, np.newaxis]",
            "e / e.sum(axis=0)[np.newaxis, :]",
            "e.sum(axis=0)[np.newaxis, :]",
            ("e / e.sum(axis=0)[np.newaxis, :]", "e.sum(axis=0)"),
        ),
        Plant("the samples are not averaged", "missing_1_over_N", "(h - Y) / m", "(h - Y)", also=("h - Y",)),
        Plant(
            "δ is made of the outputs before softmax",
            "wrong_operand",
            "(h - Y) / m",
            "(Z[-1] - Y) / m",
            also=("Z[-1] - Y",),
        ),
        Plant(
            "the biases' gradient is negative",
            "sign",
            "gb[:] = delta.sum(axis=0)",
            "gb[:] = -delta.sum(axis=0)",
            "-delta.sum(axis=0)",
        ),
        Plant(
            "a weight decay that E does not have",
            "extra_term",
            "gW[:] = A[l].T @ delta",
            "gW[:] = A[l].T @ delta + 0.1 * layers[l][0]",
            "A[l].T @ delta + 0.1 * layers[l][0]",
            ("0.1 * layers[l][0]",),
        ),
        Plant("f for f′", "wrong_derivative", STEP, "(delta @ W.T) * g(Z[l - 1])", also=("g(Z[l - 1])",)),
    ),
    raising=(Plant("the sum of e is not a column", "softmax_axis", "e.sum(axis=1)[:, np.newaxis]", "e.sum(axis=1)"),),
    pairs=((0, 5), (3, 7)),
)

STYLE = Style("flat_theta.py", "gradients", widths=(6, 5, 4, 3), batch=7, variants=(MSE, BCE, CCE))
