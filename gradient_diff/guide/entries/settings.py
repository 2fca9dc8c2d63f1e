"""What only a check against a Keras model can try, and conventions; where no code makes it, why it is made."""

from gradient_diff.guide.entry import Entry

NAMES = "    W1, b1, W2, b2 = parameters\n"
ROUNDED = '    W1, b1, W2, b2 = [p.astype("float16").astype(float) for p in parameters]\n'
FORWARD, FORWARD_COLUMNS = "    u1 = x @ W1 + b1\n", "    u1 = W1 @ x + b1\n"
SMOOTH = "    y = (1 - 0.1) * y + 0.1 / K\n"

ENTRIES = (
    Entry(
        "sample_weight_missing",
        "The weights are an argument of fit, and the derivation starts from x and y.",
        "sample weights",
        "weighted",
        (" * w[:, None]", ""),
        (" * w\n", "\n"),
        met=("tensorflow/tensorflow#43902",),
    ),
    Entry(
        "sample_weight_mean",
        "A weighted mean is usually divided by the sum of its weights.",
        "sample weights",
        "weighted",
        ("/ (N * K) * w", "/ (w.sum() * K) * w"),
        met=("tensorflow/tensorflow#43902",),
    ),
    Entry(
        "label_smoothing",
        "It is an argument of the loss, and the targets look as they were.",
        "label smoothing",
        "smoothed",
        (SMOOTH, SMOOTH, ""),
        met=("keras-team/keras#6784",),
    ),
    Entry(
        "loss_scale",
        "Mixed precision multiplies E so that small gradients survive float16; the division comes later.",
        "mean over the batch",
        "plain",
        ("2 * (u2 - y) / (N * K)", "2**15 * 2 * (u2 - y) / (N * K)"),
    ),
    Entry(
        "bias_left_out",
        "The bias is written into the backward pass alone, or use_bias differs.",
        "layer",
        "plain",
        (FORWARD, "    u1 = x @ W1\n"),
        (FORWARD_COLUMNS, "    u1 = W1 @ x\n"),
    ),
    Entry(
        "other_input",
        "Images are divided by 255 on one side only.",
        "layer",
        "plain",
        (FORWARD, FORWARD, f"    x = x / 255\n{FORWARD}"),
        (FORWARD_COLUMNS, FORWARD_COLUMNS, f"    x = x / 255\n{FORWARD_COLUMNS}"),
    ),
    Entry(
        "other_weights",
        "The gradients are computed after the step, or from weights that were saved and rounded.",
        "update",
        "plain",
        (NAMES, ROUNDED),
    ),
)

WHY = {
    "penalty_missing": "Penalties are added by layers, far from the line with the loss, and collected in model.losses, "
    "which a loop of one's own has to add.",
    "penalty_factor": "λ is read as that of ½ λ Σ W², or the penalty is divided by N together with the loss.",
    "loss_factor": "The loss is summed where compile means a mean, and the penalty beside it stays as it is.",
    "loss_weights": "compile(loss_weights=…) multiplies in silence, and the derivation adds up the losses alone.",
    "occurrence_lost": "dE[ids] += δ looks like a sum, but NumPy writes each index once, whatever stood there before.",
    "kernel_flipped": "A convolution as mathematics defines it turns its kernel round; that of Keras does not.",
    "axes_exchanged": "Other frameworks keep channels first, and kernels as (out, in, height, width).",
    "from_logits": "Whether the last layer or the loss has the softmax is said in two places.",
    "labels_sum": "p − y is learned by heart; it holds for labels that sum to 1.",
    "stop_gradient": "A chain rule on paper knows no part that is held back.",
    "other_activation": "A name stands for several functions: gelu by erf or by tanh, leaky_relu with 0.01 or 0.3.",
    "other_order": "x and y are shuffled by two calls, each with its own permutation.",
    "convention_transposed": "Many books write u = W z, with one sample as a column and W of shape (n_out, n_in).",
    "mean_in_kernel": "dE/dW = 1/N z_prevᵀ δ keeps δ that of a sum. Both agree in dE/dW.",
}
"""id → why."""

NO_CODE = {
    "penalty_missing": "In NumPy it is a term of one penalty that is missing: l1_missing and l2_missing have its code.",
    "penalty_factor": "In NumPy it is a factor of one penalty: l1_factor and l2_factor have its code.",
    "loss_factor": "In NumPy it is the factor of a mean: missing_output_mean and missing_batch_mean have its code.",
    "loss_weights": "It takes a model of several outputs, and the guide's small networks have one.",
    "occurrence_lost": "It takes a table that ids are looked up in, and the guide's small networks have none.",
    "kernel_flipped": "It takes a convolution, and the guide's small networks have dense layers alone.",
    "axes_exchanged": "It takes a convolution, and the guide's small networks have dense layers alone.",
    "from_logits": "In NumPy it is a softmax too many: softmax_twice has its code.",
    "labels_sum": "Its code, p − y, is right for the labels of the guide's small networks, which sum to 1.",
    "stop_gradient": "What is held back only the model says; in NumPy it is a line that is not there.",
    "other_activation": "The code is right, forward and backward: it is the model that has another function.",
    "other_order": "In NumPy, on one side alone, it is a target of another sample: wrong_target has its code.",
    "convention_transposed": "Nothing is to be mended: the code for samples in columns of every page is written so.",
    "mean_in_kernel": "Nothing is to be mended: where the 1/N stands, in δ or in dE/dW, changes no gradient.",
}
"""id → why there is no code before and after."""
