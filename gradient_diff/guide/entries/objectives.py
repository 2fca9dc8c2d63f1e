"""What was differentiated: the output, another loss, other targets."""

from gradient_diff.guide.entry import Entry

ENTRIES = (
    Entry(
        "output_not_loss",
        "The gradient of the prediction is taken: the tape is asked for ys, or the backward pass begins with ones.",
        "squared error",
        "plain",
        ("d2 = 2 * (u2 - y) / (N * K)", "d2 = np.ones_like(u2)"),
        met=("article D: tape.gradient(ys, w)",),
    ),
    Entry(
        "other_loss",
        "The δ of one loss is kept while the model is compiled with another.",
        "squared error",
        "plain",
        ("d2 = 2 * (u2 - y) / (N * K)", "d2 = np.sign(u2 - y) / (N * K)"),
        met=("article D: “same as MSE”",),
    ),
    Entry(
        "wrong_target",
        "y is overwritten, or sorted or shuffled without x.",
        "squared error",
        "plain",
        ("2 * (u2 - y)", "2 * (u2 - y[::-1])"),
        ("2 * (u2 - y)", "2 * (u2 - y[:, ::-1])"),
        met=("article D: ys = model(xs)",),
    ),
    Entry(
        "targets_broadcast",
        "A column of a table has the shape (N,), the network's output (N, 1). Their difference is (N, N), and its mean "
        "is a number like any other.",
        "squared error",
        "one output",
        ("e = u2 - y", "e = u2 - y[:, 0]"),
        ("e = u2 - y", "e = u2 - y.T"),
        met=("keras-team/keras#16836",),
    ),
    Entry(
        "probability_clip",
        "log 0 is −∞, so p is kept away from 0 and 1. Where it was clipped, δ is no longer p − y.",
        "binary cross-entropy",
        "saturated",
        ("d2 = (p - y) / N", "d2 = (np.clip(p, 1e-7, 1 - 1e-7) - y) / N"),
        met=("keras-team/keras#9664", "keras-team/keras#17634"),
    ),
)
