"""Mistakes in closures: what is closed over, when it is looked up, and in what order they are called."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

MSE = Variant(
    ("sigmoid", "sigmoid", "linear"),
    "mse",
    plants=(
        Plant("z² for z(1 − z)", "wrong_derivative", "dz * z * (1 - z)", "dz * z * z"),
        Plant("u(1 − u): the argument for the output", "wrong_operand", "dz * z * (1 - z)", "dz * u * (1 - u)"),
        Plant(
            "f′ alone goes down",
            "local_replaces_upstream",
            "lambda dz: dz * z * (1 - z)",
            "lambda dz: z * (1 - z)",
            "z * (1 - z)",
        ),
        Plant(
            "nothing but what came in",
            "missing_f_prime",
            "lambda dz: dz * z * (1 - z)",
            "lambda dz: dz",
            also=("pull(g)",),
        ),
        Plant("the kernel is not transposed", "transposed", "du @ W.T", "du @ W", square=True),
        Plant("duᵀz for zᵀdu", "transposed", "z.T @ du", "du.T @ z", square=True),
        Plant("the mean of δ for its sum", "double_average", "np.sum(du, axis=0)", "np.mean(du, axis=0)"),
        Plant("the bias has one entry a sample", "wrong_axis", "np.sum(du, axis=0)", "np.sum(du, axis=1)"),
        Plant("the derivative of r²/2", "missing_2", "seed * 2 * r / r.size", "seed * r / r.size"),
        Plant("a mean over the samples only", "missing_1_over_K", "seed * 2 * r / r.size", "seed * 2 * r / len(r)"),
        Plant(
            "the loss is reversed, its derivative, too", "sign", "seed * 2 * r / r.size", "seed * 2 * (y - z) / r.size"
        ),
        Plant(
            "each layer is pulled back twice, and the second result counts",
            "order_of_statements",
            "        g = pull(g)\n",
            "        g = pull(pull(g))\n",
            "pull(pull(g))",
            ("pull(g)",),
            square=True,
        ),
        Plant(
            "the name is looked up when the closure runs: all layers write under the last",
            "stale_loop_variable",
            "def put(dW, db, name=name):",
            "def put(dW, db):",
            also=('grads[name + "/kernel"] = dW', 'grads[name + "/bias"] = db', "pull = affine(z, parameters"),
        ),
        Plant(
            "the pull of the loss is not asked: g starts from the loss",
            "wrong_operand",
            "g = pull(1.0)",
            "g = pull(loss)",
            "pull(loss)",
        ),
    ),
    raising=(
        Plant("the kernel is not transposed", "transposed", "du @ W.T", "du @ W"),
        Plant("the list is walked from the front", "order_of_layers", "in reversed(pulls):", "in pulls:"),
    ),
    pairs=((0, 6), (1, 9), (4, 7)),
)

BCE = Variant(
    ("tanh", "tanh", "sigmoid"),
    "bce",
    replacements=(
        (
            "def logistic(u):\n",
            "def tanh(u):\n    z = np.tanh(u)\n    return z, lambda dz: dz * (1 - z**2)\n\n\ndef logistic(u):\n",
        ),
        (
            "def mean_squares(z, y):\n    r = z - y\n    return np.mean(r * r), lambda seed: seed * 2 * r / r.size\n",
            (
                "def cross_entropy(p, y):\n    e = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))\n"
                "    return e, lambda seed: seed * ((1 - y) / (1 - p) - y / p) / y.size\n"
            ),
        ),
        (
            "        if name != names[-1]:\n            z, pull = logistic(z)\n            pulls.append(pull)\n",
            "        z, pull = logistic(z) if name == names[-1] else tanh(z)\n        pulls.append(pull)\n",
        ),
        ("mean_squares(z, y)", "cross_entropy(z, y)"),
    ),
    plants=(
        Plant("1 − z without the square", "wrong_derivative", "dz * (1 - z**2)", "dz * (1 - z)"),
        Plant("1 − u²", "wrong_operand", "dz * (1 - z**2)", "dz * (1 - u**2)"),
        Plant("the sigmoid's 1 − z is lost", "wrong_derivative", "dz * z * (1 - z)", "dz * z"),
        Plant(
            "(1 − y)/(1 − p) + y/p",
            "sign",
            "(1 - y) / (1 - p) - y / p",
            "(1 - y) / (1 - p) + y / p",
            also=("seed * ((1 - y) / (1 - p) + y / p)",),
        ),
        Plant(
            "y alone: the other class is forgotten",
            "missing_term",
            "((1 - y) / (1 - p) - y / p)",
            "(-y / p)",
            "-y / p",
            ("seed * (-y / p)",),
        ),
        Plant(
            "p − y, as if σ′ were in it",
            "output_f_prime_kept",
            "((1 - y) / (1 - p) - y / p)",
            "(p - y)",
            "p - y",
            ("seed * (p - y)", "seed * (p - y) / y.size"),
        ),
        Plant(
            "σ where tanh belongs, in the pull alone",
            "copy_paste",
            "return z, lambda dz: dz * (1 - z**2)",
            "return z, lambda dz: dz * z * (1 - z)",
            "dz * z * (1 - z)",
        ),
        Plant("f′ is added", "wrong_operation", "dz * (1 - z**2)", "dz + (1 - z**2)"),
    ),
    raising=(Plant("the bias keeps du as it is, in a product", "order_of_product", "z.T @ du", "z @ du.T @ W"),),
    pairs=((0, 3), (2, 4)),
)

CCE = Variant(
    ("relu", "relu", "softmax"),
    "cce",
    replacements=(
        (
            "def logistic(u):\n    z = 1 / (1 + np.exp(-u))\n    return z, lambda dz: dz * z * (1 - z)\n",
            "def relu(u):\n    on = u > 0\n    return np.where(on, u, 0), lambda dz: np.where(on, dz, 0)\n",
        ),
        (
            "def mean_squares(z, y):\n    r = z - y\n    return np.mean(r * r), lambda seed: seed * 2 * r / r.size\n",
            (
                "def softmax_cross_entropy(u, y):\n    m = np.max(u, axis=1, keepdims=True)\n"
                "    log_p = u - m - np.log(np.sum(np.exp(u - m), axis=1, keepdims=True))\n\n    def pull(seed):\n"
                "        p = np.exp(log_p)\n        return seed * (p - y) / len(y)\n\n"
                "    return -np.sum(y * log_p) / len(y), pull\n"
            ),
        ),
        ("z, pull = logistic(z)", "z, pull = relu(z)"),
        ("mean_squares(z, y)", "softmax_cross_entropy(z, y)"),
    ),
    plants=(
        Plant("all pass but those that are on", "wrong_mask", "np.where(on, dz, 0)", "np.where(on, 0, dz)"),
        Plant("u is closed over for dz", "wrong_operand", "np.where(on, dz, 0)", "np.where(on, u, 0)"),
        Plant(
            "the logarithm's argument is not undone",
            "wrong_derivative",
            "p = np.exp(log_p)",
            "p = log_p",
            "log_p",
            ("seed * (p - y) / len(y)",),
        ),
        Plant("y − p", "sign", "seed * (p - y) / len(y)", "seed * (y - p) / len(y)", also=("y - p",)),
        Plant("y.size for len(y)", "wrong_count", "seed * (p - y) / len(y)", "seed * (p - y) / y.size"),
        Plant(
            "the sum over the batch in log Σ exp",
            "softmax_axis",
            "np.sum(np.exp(u - m), axis=1, keepdims=True)",
            "np.sum(np.exp(u - m), axis=0, keepdims=True)",
            also=("u - m - np.log(np.sum(np.exp(u - m), axis=0, keepdims=True))",),
        ),
        Plant(
            "ReLU of |u|",
            "forward_wrong_activation",
            "return np.where(on, u, 0)",
            "return np.where(on, u, -u)",
            "np.where(on, u, -u)",
        ),
    ),
    raising=(
        Plant(
            "the sum loses its axis",
            "softmax_axis",
            "np.sum(np.exp(u - m), axis=1, keepdims=True)",
            "np.sum(np.exp(u - m), axis=1)",
        ),
    ),
    pairs=((0, 3), (1, 4)),
)

STYLE = Style("closures.py", "gradients", widths=(6, 5, 4, 3), batch=7, variants=(MSE, BCE, CCE))
