"""Sums over the batch, over the wrong axis, or not at all; steps that are added up."""

from gradient_diff.guide.entry import Entry

BIAS = "db2 = d2.sum(axis=0)"
BIAS_COLUMNS = "db2 = d2.sum(axis=1, keepdims=True)"
STEPS = "    total = [0, 0, 0, 0]\n    for step in range(2):\n"
RESET = "        total = [0, 0, 0, 0]\n"
ADD = "        total = [t + g for t, g in zip(total, (dW1, db1, dW2, db2))]\n    return total"
LOOP = "range(0, len(x), 4)"
LOOP_COLUMNS = "range(0, x.shape[1], 4)"

ENTRIES = (
    Entry(
        "accumulated",
        "Gradients are added to arrays that were zero once, and a second call adds to what the first one left.",
        "update",
        "plain",
        ("    return [dW1, db1, dW2, db2]", f"{STEPS}{RESET}{ADD}", f"{STEPS}{ADD}"),
        met=("karpathy/micrograd#102",),
    ),
    Entry(
        "bias_not_summed",
        "For one sample db is δ. With a batch it keeps a row for each, and b − lr db broadcasts without a word.",
        "bias",
        "plain",
        (BIAS, "db2 = d2"),
        (BIAS_COLUMNS, "db2 = d2"),
        met=("tracel-ai/burn#181",),
    ),
    Entry(
        "bias_summed_over_all",
        "np.sum without an axis gives one number, which broadcasts over the whole bias.",
        "bias",
        "plain",
        (BIAS, "db2 = np.full_like(b2, d2.sum())"),
        (BIAS_COLUMNS, "db2 = np.full_like(b2, d2.sum())"),
        met=("tensorflow/tensorflow#127690",),
    ),
    Entry(
        "bias_from_kernel",
        "A bias is a weight whose input is 1; its gradient is taken from dE/dW, which has the real inputs in it.",
        "bias",
        "plain",
        (BIAS, "db2 = dW2.sum(axis=0)"),
        (BIAS_COLUMNS, "db2 = dW2.sum(axis=1, keepdims=True)"),
    ),
    Entry(
        "bias_column",
        "b is a column in one line and a vector in another; NumPy makes a matrix of the two.",
        "bias",
        "plain",
        (BIAS, BIAS, "db2 = np.zeros(K) + d2.sum(axis=0)[:, None]"),
        (BIAS_COLUMNS, BIAS_COLUMNS, "db2 = np.zeros((K, 1)) + d2.sum(axis=1)"),
    ),
    Entry(
        "bias_missing",
        "The bias was added to the forward pass later, or its gradient array is made and never filled.",
        "bias",
        "plain",
        (BIAS, "db2 = np.zeros_like(b2)"),
        (BIAS_COLUMNS, "db2 = np.zeros_like(b2)"),
        met=("UFLDL",),
    ),
    Entry(
        "row_missing",
        "A loop ends one too early, or starts at 1.",
        "layer",
        "plain",
        (
            "    dW1 = x.T @ d1\n",
            "    dW1 = np.zeros_like(W1)\n    for i in range(len(W1)):\n        dW1[i] = x[:, i] @ d1\n",
            "    dW1 = np.zeros_like(W1)\n    for i in range(len(W1) - 1):\n        dW1[i] = x[:, i] @ d1\n",
        ),
        (
            "    dW1 = d1 @ x.T\n",
            "    dW1 = np.zeros_like(W1)\n    for j in range(len(W1)):\n        dW1[j] = x @ d1[j]\n",
            "    dW1 = np.zeros_like(W1)\n    for j in range(len(W1) - 1):\n        dW1[j] = x @ d1[j]\n",
        ),
        met=("UFLDL",),
    ),
    Entry(
        "only_last_sample",
        "= where += belongs: each sample overwrites the one before.",
        "sum over the batch",
        "samples",
        ("            total += g", "            total[:] = g"),
    ),
    Entry(
        "mini_batch_dropped",
        "The loop over mini-batches leaves out the last one, which is shorter, and the division is still by N.",
        "sum over the batch",
        "mini-batches",
        (LOOP, "range(0, len(x) - 3, 4)"),
        (LOOP_COLUMNS, "range(0, x.shape[1] - 3, 4)"),
    ),
)
