"""Cells of a notebook: no function, names with numbers, copied from cell to cell."""

from experiments.benchmarks.lines.plant import Plant, Style, Variant

DH3 = "dh3 = 2 * (out - y) / out.size"
DH2 = "dh2 = da2 * (1 - a2 ** 2)"
DH1 = "dh1 = da1 * (1 - a1 ** 2)"

MSE = Variant(
    ("tanh", "tanh", "linear"),
    "mse",
    (),
    (
        Plant("divided by the samples only", "wrong_factor", "/ out.size", "/ len(out)", "len(out)", ("2 * (out - y) / len(out)", DH3.replace("out.size", "len(out)"))),
        Plant("the mean's division is forgotten", "missing_1_over_N", "2 * (out - y) / out.size", "2 * (out - y)"),
        Plant("y − out", "sign", "2 * (out - y) / out.size", "2 * (y - out) / out.size", "y - out", ("2 * (y - out) / out.size", "2 * (y - out)")),
        Plant("tanh′ read through h2 instead of a2", "wrong_cache", "(1 - a2 ** 2)", "(1 - h2 ** 2)", "h2", ("h2 ** 2", "1 - h2 ** 2", "da2 * (1 - h2 ** 2)")),
        Plant("σ′ where tanh′ belongs", "wrong_function", "(1 - a2 ** 2)", "a2 * (1 - a2)", "a2 * (1 - a2)", ("1 - a2", "da2 * a2 * (1 - a2)")),
        Plant("the square is lost while copying", "copy_paste", DH1, "dh1 = da1 * (1 - a1)", "1 - a1", ("da1 * (1 - a1)",)),
        Plant("the bias is averaged", "wrong_function", "db2 = dh2.sum(axis=0)", "db2 = dh2.mean(axis=0)", "dh2.mean(axis=0)"),
        Plant("the kernel of layer 2 reads da2", "dE_dz_for_delta", "dW2 = a1.T @ dh2", "dW2 = a1.T @ da2", "da2", ("a1.T @ da2",)),
        Plant("the bias of layer 1 is copied with da1", "copy_paste", "db1 = dh1.sum(axis=0)", "db1 = da1.sum(axis=0)", "da1", ("da1.sum(axis=0)",)),
        Plant("the way down starts from da2", "dE_dz_for_delta", "da1 = dh2 @ W2.T", "da1 = da2 @ W2.T", "da2", ("da2 @ W2.T",)),
        Plant("the first layer's inputs enter without their activation: h1 for a1", "wrong_cache", "dW2 = a1.T @ dh2", "dW2 = h1.T @ dh2", "h1", ("h1.T", "h1.T @ dh2")),
    ),
    (
        Plant("the kernel is not transposed", "transposed", "da2 = dh3 @ W3.T", "da2 = dh3 @ W3", "dh3 @ W3"),
        Plant("copied with the kernel of layer 3", "copy_paste", "da1 = dh2 @ W2.T", "da1 = dh2 @ W3.T", "dh2 @ W3.T"),
    ),
    ((0, 6), (3, 8), (1, 7), (4, 5)),
)

BCE = Variant(
    ("sigmoid", "sigmoid", "sigmoid"),
    "bce",
    (
        ("y = rng.randn(8, 3)", "y = (rng.rand(8, 3) > 0.5).astype(float)"),
        ("# %% forward\n", "# %% forward\nsig = lambda t: 1 / (1 + np.exp(-t))\n"),
        ("a1 = np.tanh(h1)", "a1 = sig(h1)"),
        ("a2 = np.tanh(h2)", "a2 = sig(h2)"),
        ("out = h3\n", "out = sig(h3)\n"),
        ("loss = ((out - y) ** 2).mean()", "loss = -(y * np.log(out) + (1 - y) * np.log(1 - out)).mean()"),
        (DH3, "dout = (out - y) / (out * (1 - out)) / out.size\ndh3 = dout * out * (1 - out)"),
        (DH2, "dh2 = da2 * a2 * (1 - a2)"),
        (DH1, "dh1 = da1 * a1 * (1 - a1)"),
    ),
    (
        Plant("σ′ of the output is forgotten", "missing_f_prime", "dh3 = dout * out * (1 - out)", "dh3 = dout", "dout", ("dh3 = dout",)),
        Plant("the derivative of the log loss lacks its second term", "wrong_formula", "dout = (out - y) / (out * (1 - out)) / out.size", "dout = -y / out / out.size", "-y / out / out.size", ("-y / out",)),
        Plant("1 − out is taken for out", "wrong_formula", "dh3 = dout * out * (1 - out)", "dh3 = dout * out * out", "dout * out * out", ("dout * out",)),
        Plant("half of σ′ is lost", "missing_factor", "dh2 = da2 * a2 * (1 - a2)", "dh2 = da2 * (1 - a2)", "da2 * (1 - a2)"),
        Plant("σ is applied twice in σ′", "wrong_function", "dh1 = da1 * a1 * (1 - a1)", "dh1 = da1 * sig(a1) * (1 - sig(a1))", "da1 * sig(a1) * (1 - sig(a1))", ("sig(a1)", "da1 * sig(a1)", "1 - sig(a1)")),
        Plant("copied with the column sums of the layer above", "copy_paste", "db2 = dh2.sum(axis=0)", "db2 = (dh3 @ W3.T).sum(axis=0)", "(dh3 @ W3.T).sum(axis=0)", ("dh3 @ W3.T",)),
        Plant("N counted twice", "double_averaging", "dW3 = a2.T @ dh3", "dW3 = a2.T @ dh3 / len(x)", "a2.T @ dh3 / len(x)"),
        Plant("the bias is left out of the first forward cell", "forward", "h1 = x @ W1 + b1", "h1 = x @ W1", "x @ W1", ("h1 = x @ W1",)),
        Plant("in place: a2 is spoilt before it is read again", "aliasing", "dh2 = da2 * a2 * (1 - a2)", "a2 *= (1 - a2); dh2 = da2 * a2 * (1 - a2)", "a2 *= (1 - a2)", ("da2 * a2 * (1 - a2)", "dh2 = da2 * a2 * (1 - a2)")),
    ),
    (
        Plant("the axis of the sum is kept, then taken for a matrix", "wrong_axis", "da1 = dh2 @ W2.T", "da1 = dh2.sum(axis=1) @ W2.T", "dh2.sum(axis=1) @ W2.T"),
    ),
    ((0, 6), (3, 4), (1, 5), (6, 4)),
)

CCE = Variant(
    ("relu", "relu", "softmax"),
    "cce",
    (
        ("y = rng.randn(8, 3)", "y = np.eye(3)[rng.randint(0, 3, 8)]"),
        ("a1 = np.tanh(h1)", "a1 = np.maximum(0, h1)"),
        ("a2 = np.tanh(h2)", "a2 = np.maximum(0, h2)"),
        ("out = h3\n", "out = np.exp(h3)\nout /= out.sum(axis=1, keepdims=True)\n"),
        ("loss = ((out - y) ** 2).mean()", "loss = -(y * np.log(out)).sum(axis=1).mean()"),
        (DH3, "dh3 = out.copy()\ndh3[np.arange(8), y.argmax(axis=1)] -= 1\ndh3 /= 8"),
        (DH2, "dh2 = da2.copy()\ndh2[h2 <= 0] = 0"),
        (DH1, "dh1 = da1.copy()\ndh1[h1 <= 0] = 0"),
    ),
    (
        Plant("the mask is the wrong way round", "wrong_mask", "dh2[h2 <= 0] = 0", "dh2[h2 > 0] = 0", "h2 > 0", ("dh2[h2 > 0]", "dh2[h2 > 0] = 0")),
        Plant("the mask asks da1, not h1", "wrong_mask", "dh1[h1 <= 0] = 0", "dh1[da1 <= 0] = 0", "da1 <= 0", ("dh1[da1 <= 0]", "dh1[da1 <= 0] = 0")),
        Plant("the mask is forgotten in the copied cell", "missing_f_prime", "dh1 = da1.copy()\ndh1[h1 <= 0] = 0", "dh1 = da1.copy()", "dh1 = da1.copy()", ("da1.copy()", "dW1 = x.T @ dh1")),
        Plant("1 is subtracted from all classes", "wrong_index", "dh3[np.arange(8), y.argmax(axis=1)] -= 1", "dh3[:, y.argmax(axis=1)] -= 1", "dh3[:, y.argmax(axis=1)] -= 1", ("dh3[:, y.argmax(axis=1)]", "y.argmax(axis=1)")),
        Plant("the predicted class is subtracted, not the true one", "wrong_operand", "dh3[np.arange(8), y.argmax(axis=1)] -= 1", "dh3[np.arange(8), out.argmax(axis=1)] -= 1", "out.argmax(axis=1)", ("dh3[np.arange(8), out.argmax(axis=1)]", "dh3[np.arange(8), out.argmax(axis=1)] -= 1")),
        Plant("the mean over the batch is forgotten", "missing_1_over_N", "dh3[np.arange(8), y.argmax(axis=1)] -= 1\ndh3 /= 8", "dh3[np.arange(8), y.argmax(axis=1)] -= 1", "", ("dh3[np.arange(8), y.argmax(axis=1)]", "dh3 = out.copy()", "dW3 = a2.T @ dh3")),
        Plant("the softmax is divided by the sums of the columns", "wrong_axis", "out /= out.sum(axis=1, keepdims=True)", "out /= out.sum(axis=0, keepdims=True)", "out.sum(axis=0, keepdims=True)", ("out /= out.sum(axis=0, keepdims=True)",)),
        Plant("the way down starts from da2, which has no mask", "dE_dz_for_delta", "da1 = dh2 @ W2.T", "da1 = da2 @ W2.T", "da2", ("da2 @ W2.T",)),
        Plant("the kernel of layer 3 reads the raw h2", "wrong_cache", "dW3 = a2.T @ dh3", "dW3 = h2.T @ dh3", "h2", ("h2.T", "h2.T @ dh3")),
        Plant("one batch size in two places: the old one is left", "double_averaging", "db3 = dh3.sum(axis=0)", "db3 = dh3.mean(axis=0)", "dh3.mean(axis=0)"),
    ),
    (
        Plant("operands exchanged", "transposed", "dW2 = a1.T @ dh2", "dW2 = a1 @ dh2.T", "a1 @ dh2.T"),
        Plant("argmax along the batch", "wrong_axis", "y.argmax(axis=1)] -= 1", "y.argmax(axis=0)] -= 1", "y.argmax(axis=0)"),
    ),
    ((0, 8), (2, 9), (4, 6), (1, 5)),
)

STYLE = Style("notebook.py", "script", "", widths=(4, 6, 5, 3), batch=8, fixed=True, variants=(MSE, BCE, CCE))
