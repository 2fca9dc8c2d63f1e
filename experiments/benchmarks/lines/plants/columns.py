"""Mistakes with samples in columns, caches and helpers that hand each other what they need."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

BCE = Variant(
    ("relu", "relu", "sigmoid"),
    "bce",
    plants=(
        Plant("the mask of those that are on", "wrong_mask", "dZ[Z <= 0] = 0", "dZ[Z > 0] = 0", also=("Z > 0",)),
        Plant("the mask is of what comes down", "wrong_mask", "dZ[Z <= 0] = 0", "dZ[dA <= 0] = 0", also=("dA <= 0",)),
        Plant(
            "f′ alone: what comes down is not multiplied",
            "local_replaces_upstream",
            "dZ = dA * s * (1 - s)",
            "dZ = s * (1 - s)",
            "s * (1 - s)",
        ),
        Plant("s squared for s(1 − s)", "wrong_derivative", "dA * s * (1 - s)", "dA * s * s"),
        Plant(
            "the mean over the examples is lost in dW",
            "missing_1_over_N",
            "np.dot(dZ, A_prev.T) / m",
            "np.dot(dZ, A_prev.T)",
        ),
        Plant(
            "m is the number of features",
            "wrong_count",
            "m = A_prev.shape[1]",
            "m = A_prev.shape[0]",
            "A_prev.shape[0]",
            ("np.dot(dZ, A_prev.T) / m", "np.sum(dZ, axis=1, keepdims=True) / m"),
        ),
        Plant(
            "the bias is summed over the units",
            "wrong_axis",
            "np.sum(dZ, axis=1, keepdims=True)",
            "np.sum(dZ, axis=0, keepdims=True)",
            also=("np.sum(dZ, axis=0, keepdims=True) / m",),
        ),
        Plant(
            "np.sum without an axis",
            "wrong_axis",
            "np.sum(dZ, axis=1, keepdims=True)",
            "np.sum(dZ)",
            also=("np.sum(dZ) / m",),
        ),
        Plant("W is not transposed", "transposed", "np.dot(W.T, dZ)", "np.dot(W, dZ)", square=True),
        Plant(
            "+ for −: the two terms of the cross-entropy",
            "sign",
            "-(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))",
            "-(np.divide(Y, AL) + np.divide(1 - Y, 1 - AL))",
            also=("-(np.divide(Y, AL) + np.divide(1 - Y, 1 - AL)) / Y.shape[0]",),
        ),
        Plant(
            "the cache of the neighbour",
            "wrong_cache",
            "linear_activation_backward(dA, caches[l], relu_backward)",
            "linear_activation_backward(dA, caches[l - 1], relu_backward)",
            "caches[l - 1]",
            ("linear_activation_backward(dA, caches[l - 1], relu_backward)",),
            square=True,
        ),
        Plant(
            "the loop starts from dAL, not from what came down",
            "wrong_operand",
            "linear_activation_backward(dA, caches[l], relu_backward)",
            "linear_activation_backward(dAL, caches[l], relu_backward)",
            square=True,
        ),
        Plant(
            "σ′ where the layers are ReLU",
            "copy_paste",
            "linear_activation_backward(dA, caches[l], relu_backward)",
            "linear_activation_backward(dA, caches[l], sigmoid_backward)",
        ),
    ),
    raising=(
        Plant("W is not transposed", "transposed", "np.dot(W.T, dZ)", "np.dot(W, dZ)"),
        Plant("A_prev is not transposed", "transposed", "np.dot(dZ, A_prev.T)", "np.dot(dZ, A_prev)"),
        Plant(
            "the activation's cache of the neighbour", "wrong_cache", "caches[L - 1], sigmoid", "caches[L - 2], sigmoid"
        ),
    ),
    pairs=((0, 4), (2, 7), (3, 5)),
)

MSE = Variant(
    ("tanh", "tanh", "linear"),
    "mse",
    replacements=(
        ("def relu(Z):\n    return np.maximum(0, Z), Z", "def tanh(Z):\n    A = np.tanh(Z)\n    return A, A"),
        ("def sigmoid(Z):\n    return 1 / (1 + np.exp(-Z)), Z", "def identity(Z):\n    return Z, Z"),
        (
            (
                "def relu_backward(dA, cache):\n    Z = cache\n    dZ = np.array(dA, copy=True)\n    dZ[Z <= 0] = 0\n"
                "    return dZ"
            ),
            "def tanh_backward(dA, cache):\n    A = cache\n    return dA * (1 - np.power(A, 2))",
        ),
        (
            (
                "def sigmoid_backward(dA, cache):\n    Z = cache\n    s = 1 / (1 + np.exp(-Z))\n"
                "    dZ = dA * s * (1 - s)\n"
                "    return dZ"
            ),
            "def identity_backward(dA, cache):\n    return dA",
        ),
        ("-(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL)) / Y.shape[0]", "2 * (AL - Y) / Y.shape[0]"),
        ("relu", "tanh"),
        ("sigmoid", "identity"),
    ),
    plants=(
        Plant("1 − A for 1 − A²", "wrong_derivative", "dA * (1 - np.power(A, 2))", "dA * (1 - A)"),
        Plant("tanh of what is tanh already", "f_prime_of_z", "1 - np.power(A, 2)", "1 - np.power(np.tanh(A), 2)"),
        Plant("the labels minus the outputs", "sign", "2 * (AL - Y) / Y.shape[0]", "2 * (Y - AL) / Y.shape[0]"),
        Plant("divided by m here, too", "double_average", "2 * (AL - Y) / Y.shape[0]", "2 * (AL - Y) / Y.size"),
        Plant(
            "the linear cache keeps A for A_prev",
            "wrong_cache",
            "(A_prev, W, b), activation_cache",
            "(A, W, b), activation_cache",
            "(A, W, b)",
            also=("np.dot(dZ, A_prev.T)",),
            square=True,
        ),
        Plant("the bias is not in the forward pass", "forward_bias", "np.dot(W, A_prev) + b", "np.dot(W, A_prev)"),
        Plant(
            "the key of the layer above",
            "off_by_one_layer",
            'grads["db" + str(l + 1)] = db',
            'grads["db" + str(l + 1)] = grads["db" + str(l + 2)]',
            'grads["db" + str(l + 2)]',
            square=True,
        ),
        Plant(
            "dA is handed down in place of dZ",
            "delta_not_sent_down",
            "linear_backward(dZ, linear_cache)",
            "linear_backward(dA, linear_cache)",
        ),
    ),
    raising=(Plant("a bias of shape (1, n)", "broadcast", "reshape(-1, 1)", "reshape(1, -1)"),),
    pairs=((0, 3), (2, 5)),
)

CCE = Variant(
    ("sigmoid", "sigmoid", "softmax"),
    "cce",
    replacements=(
        ("def relu(Z):\n    return np.maximum(0, Z), Z\n\n\n", ""),
        (
            "    return 1 / (1 + np.exp(-Z)), Z\n",
            (
                "    return 1 / (1 + np.exp(-Z)), Z\n\n\ndef softmax(Z):\n    t = np.exp(Z - np.max(Z, axis=0))\n"
                "    return t / np.sum(t, axis=0), Z\n"
            ),
        ),
        (
            (
                "def relu_backward(dA, cache):\n    Z = cache\n    dZ = np.array(dA, copy=True)\n    dZ[Z <= 0] = 0\n"
                "    return dZ\n\n\n"
            ),
            "",
        ),
        ('params["b" + str(L)], sigmoid)', 'params["b" + str(L)], softmax)'),
        ('params["b" + str(l)], relu)', 'params["b" + str(l)], sigmoid)'),
        ("    dAL = -(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL)) / Y.shape[0]\n", "    dZL = AL - Y\n"),
        ("linear_activation_backward(dAL, caches[L - 1], sigmoid_backward)", "linear_backward(dZL, caches[L - 1][0])"),
        ("relu_backward", "sigmoid_backward"),
    ),
    plants=(
        Plant(
            "softmax over the examples",
            "softmax_axis",
            "t / np.sum(t, axis=0)",
            "t / np.sum(t, axis=1, keepdims=True)",
            "np.sum(t, axis=1, keepdims=True)",
            ("t / np.sum(t, axis=1, keepdims=True)",),
        ),
        Plant("the sign of what is left", "sign", "AL - Y", "Y - AL"),
        Plant("−Y/AL, the derivative for AL, as that for ZL", "dz_for_delta", "AL - Y", "-np.divide(Y, AL)"),
        Plant("1 − s is lost", "wrong_derivative", "dA * s * (1 - s)", "dA * s"),
        Plant(
            "s of what came down",
            "wrong_operand",
            "s = 1 / (1 + np.exp(-Z))",
            "s = 1 / (1 + np.exp(-dA))",
            "1 / (1 + np.exp(-dA))",
            ("np.exp(-dA)",),
        ),
        Plant(
            "the layers are paired one off",
            "off_by_one_layer",
            'grads["dW" + str(l)].T',
            'grads["dW" + str(min(l + 1, L))].T',
            square=True,
        ),
        Plant(
            "σ is written over its argument, from which the backward pass computes it again",
            "aliasing",
            "return 1 / (1 + np.exp(-Z)), Z",
            "return np.divide(1, 1 + np.exp(-Z), out=Z), Z",
            "np.divide(1, 1 + np.exp(-Z), out=Z)",
            ("s = 1 / (1 + np.exp(-Z))",),
        ),
        Plant("a mean of dA, too", "double_average", "np.dot(W.T, dZ)", "np.dot(W.T, dZ) / m"),
    ),
    raising=(Plant("softmax sums over the wrong axis", "softmax_axis", "np.sum(t, axis=0)", "np.sum(t, axis=1)"),),
    pairs=((1, 6), (3, 5)),
)

STYLE = Style("columns.py", "gradients", widths=(6, 5, 4, 3), batch=7, variants=(BCE, MSE, CCE))
