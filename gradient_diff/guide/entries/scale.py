"""A factor of N, K or 2 in every gradient, in the biases or in one array; and signs."""

from gradient_diff.guide.entry import Entry

ENTRIES = (
    Entry(
        "sign",
        "The error is written target − prediction, as in the delta rule, and the minus of the update is added as well; "
        "or prediction − target, and the update adds.",
        "update",
        "plain",
        ("2 * (u2 - y)", "2 * (y - u2)"),
        met=("Grokking-Deep-Learning#37", "andersbll/nnet#4"),
    ),
    Entry(
        "missing_batch_mean",
        "E is reported as a mean, and the derivation is made for one sample; when the samples are put side by side "
        "in a matrix, z_prevᵀ δ adds them up, and nobody divides.",
        "mean over the batch",
        "plain",
        ("/ (N * K)", "/ K"),
        met=("hunkim/DeepLearningZeroToAll#173",),
    ),
    Entry(
        "factor_two",
        "Books write ½ Σ e² so that the 2 goes away, code computes Σ e². The formula is copied from one, "
        "the loss from the other.",
        "squared error",
        "half",
        ("d2 = u2 - y", "d2 = 2 * (u2 - y)"),
        met=("Article A, which writes E = Σ (y − d)² and uses δ = y − d",),
    ),
    Entry(
        "missing_output_mean",
        "The mean of Keras's mean squared error runs over the samples and over the outputs. Whoever has one output, or "
        "thinks of one, divides by N alone.",
        "mean over the batch",
        "plain",
        ("/ (N * K)", "/ N"),
        met=("keras-team/keras#9307", "scikit-learn/scikit-learn#8349"),
    ),
    Entry(
        "batch_mean_twice",
        "δ has the 1/N of E already, and the formula dE/dW = 1/N z_prevᵀ δ, which belongs to a δ without it, is used "
        "as well.",
        "mean over the batch",
        "plain",
        ("    return [dW1, db1, dW2, db2]", "    return [dW1 / N, db1 / N, dW2 / N, db2 / N]"),
        met=("course forums",),
    ),
    Entry(
        "mean_for_sum",
        "A 1/N is what one is used to. Here E is a sum, so that its gradient has none.",
        "mean over the batch",
        "sum",
        ("2 * (u2 - y)", "2 * (u2 - y) / N"),
    ),
    Entry(
        "bias_mean",
        "Summing over the batch and averaging over it are one word apart, and np.mean gives the right shape.",
        "bias",
        "plain",
        ("db2 = d2.sum(axis=0)", "db2 = d2.mean(axis=0)"),
        ("db2 = d2.sum(axis=1, keepdims=True)", "db2 = d2.mean(axis=1, keepdims=True)"),
        met=("kvfrans/notes#5", "deeplearning4j PR#364"),
    ),
    Entry(
        "learning_rate_inside",
        "The function that computes the gradients also makes the step, and what it returns is the step.",
        "update",
        "plain",
        (
            "    return [dW1, db1, dW2, db2]",
            "    lr = 0.01\n    return [-lr * g for g in (dW1, db1, dW2, db2)]",
        ),
    ),
    Entry(
        "stray_constant",
        "A constant that was tried once, a clipping, a scale of another layer: it is left in one line, and the others "
        "look right.",
        "layer",
        "plain",
        ("dW1 = x.T @ d1", "dW1 = 1.7 * x.T @ d1"),
        ("dW1 = d1 @ x.T", "dW1 = 1.7 * d1 @ x.T"),
        met=("course material",),
    ),
    Entry(
        "derivative_sign",
        "d(1 − z)/du = −f′, and d(1/(1 + e⁻ᵘ))/du has two minus signs: one of them is lost.",
        "activation",
        "plain",
        ("z1 * (1 - z1)", "z1 * (z1 - 1)"),
    ),
    Entry(
        "bce_inner_sign",
        "The chain rule through log(1 − p) has an inner −1, which is forgotten because log p has none.",
        "binary cross-entropy",
        "yes or no, by the chain rule",
        ("(-y / p + (1 - y) / (1 - p))", "(-y / p - (1 - y) / (1 - p))"),
        met=("course forums",),
    ),
)
