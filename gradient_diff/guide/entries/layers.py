"""Dropout and normalisation."""

from gradient_diff.guide.entry import Entry

DOWN = "g1 = (s - s.mean(axis=0) - h * (s * h).mean(axis=0)) / r"
DOWN_COLUMNS = "g1 = (s - s.mean(axis=1, keepdims=True) - h * (s * h).mean(axis=1, keepdims=True)) / r"
MOMENTS = "    mu = z1.mean(axis=0)\n    v = z1.var(axis=0)\n"
MOMENTS_COLUMNS = "    mu = z1.mean(axis=1, keepdims=True)\n    v = z1.var(axis=1, keepdims=True)\n"
MOVING = "    mu = moving_mu\n    v = moving_v\n"
CONSTANT = "g1 = s / r"

ENTRIES = (
    Entry(
        "dropout_mask_missing",
        "The mask is drawn inside the forward pass and thrown away, or dropout is thought of as something that only "
        "happens there.",
        "dropout",
        "dropout",
        ("    g1 = g1 * mask\n", "    g1 = g1 * mask\n", ""),
        met=("ddbourgin/numpy-ml#94",),
    ),
    Entry(
        "dropout_scale_missing",
        "The mask is kept as zeros and ones. Older texts scale in inference instead; Keras does it in training.",
        "dropout",
        "dropout",
        ("mask = kept / (1 - 0.3)", "mask = kept * 1.0"),
    ),
    Entry(
        "gamma_not_sent_down",
        "γ is 1 at the start of training, and with it the line without γ gives the right numbers.",
        "normalisation",
        "normalised",
        ("s = g1 * gamma", "s = g1"),
    ),
    Entry(
        "gamma_beta_exchanged",
        "Both have one shape, and lists of weights do not tell which is which.",
        "gamma and beta",
        "normalised",
        ("return [dW1, db1, dgamma, dbeta, dW2, db2]", "return [dW1, db1, dbeta, dgamma, dW2, db2]"),
        met=("PSPNet-Keras#23",),
    ),
    Entry(
        "gamma_without_normalising",
        "γ multiplies, so its gradient has the input in it; but the one that it multiplies is x̂ and not z_prev.",
        "gamma and beta",
        "normalised",
        ("dgamma = (g1 * h)", "dgamma = (g1 * z1)"),
    ),
    Entry(
        "statistics_constant",
        "In inference μ and v are constants, and the short formula ĝ/√(v + ε) is right there.",
        "normalisation",
        "normalised",
        (DOWN, CONSTANT),
        (DOWN_COLUMNS, CONSTANT),
        met=("apache/mxnet#1053",),
    ),
    Entry(
        "statistics_path_missing",
        "Three paths lead from z_prev to x̂: by itself, by μ and by v. One of the two terms is dropped as small, or "
        "overlooked.",
        "normalisation",
        "normalised",
        (DOWN, "g1 = (s - s.mean(axis=0)) / r"),
        (DOWN_COLUMNS, "g1 = (s - s.mean(axis=1, keepdims=True)) / r"),
    ),
    Entry(
        "moving_statistics",
        "A layer holds two pairs of statistics, and the wrong one is read: training=False, or weights by their place.",
        "statistics",
        "normalised",
        [(MOMENTS, MOMENTS, MOVING), (DOWN, CONSTANT)],
        [(MOMENTS_COLUMNS, MOMENTS_COLUMNS, MOVING), (DOWN_COLUMNS, CONSTANT)],
        met=("tensorflow/tensorflow#35585", "tensorflow/tensorflow#57392"),
    ),
    Entry(
        "statistics_axis",
        "axis=0 and axis=1 are easily exchanged, and so are the two normalisations that differ in nothing else.",
        "statistics",
        "normalised",
        [(MOMENTS, MOMENTS, MOMENTS_COLUMNS), (DOWN, DOWN_COLUMNS)],
        [(MOMENTS_COLUMNS, MOMENTS_COLUMNS, MOMENTS), (DOWN_COLUMNS, DOWN)],
    ),
    Entry(
        "unbiased_variance",
        "Statistics divides by N − 1, and so do torch.var, pandas and MATLAB when nobody asks otherwise.",
        "statistics",
        "normalised",
        ("v = z1.var(axis=0)", "v = z1.var(axis=0, ddof=1)"),
        ("v = z1.var(axis=1, keepdims=True)", "v = z1.var(axis=1, keepdims=True, ddof=1)"),
    ),
    Entry(
        "other_epsilon",
        "The ε of another framework is taken: Keras has 1e-3, PyTorch 1e-5, the paper names none.",
        "statistics",
        "normalised",
        ("np.sqrt(v + 1e-3)", "np.sqrt(v + 1e-5)"),
        met=("migrations from PyTorch",),
    ),
)
