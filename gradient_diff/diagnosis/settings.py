"""What else may have been differentiated: another E, or another forward pass, than the model's; found by trying it."""

from __future__ import annotations

from gradient_diff.diagnosis.mistake import Mistake

_E, _FORWARD = "another E", "another forward pass"
_DATA = "other data"


def _record(id: str, family: str, title: str, equation: str, cure: str) -> Mistake:  # noqa: A002  (as the record calls it)
    return Mistake(id, family, title, cure, _DATA, equation=equation)


_TOLD = (
    _record(
        "penalty_missing", _E, "a penalty is missing", "E = loss + Σ penalties", "Add each of model.losses to E, once."
    ),
    _record(
        "penalty_factor",
        _E,
        "a penalty counts more or less than once",
        "E = loss + Σ penalties",
        "Keras's L2 is λ Σ W², with the gradient 2λW, whatever N is.",
    ),
    _record(
        "loss_factor",
        _E,
        "the loss counts more or less than once beside its penalties",
        "E = loss + Σ penalties",
        "Take the loss as it was given, reduction and weight included.",
    ),
    _record(
        "loss_weights",
        _E,
        "the weight of a loss is another",
        "E = Σ_i w_i loss_i + Σ penalties",
        "Multiply δ of each output by its entry of loss_weights.",
    ),
    _record(
        "loss_scale",
        _E,
        "a loss scale is left in",
        "dE/dW = (d(s E)/dW) / s",
        "Divide the gradients by the scale before they are used: LossScaleOptimizer.apply does.",
    ),
    _record(
        "occurrence_lost",
        _E,
        "of an id that occurs more than once only one occurrence counts",
        "dE/dtable[i] = Σ over all n, t with id(n, t) = i of δ(n, t)",
        "np.add.at(dE, ids, δ) adds every occurrence; dE[ids] += δ keeps one of each id.",
    ),
    _record(
        "kernel_flipped",
        "matrix",
        "the gradient of a convolution's kernel is turned round",
        "dE/dK[i, j] = Σ x[n, p + i, q + j] δ[n, p, q]",
        "Keras's convolution is a cross-correlation: slide x without flipping.",
    ),
    _record(
        "axes_exchanged",
        "matrix",
        "the axes of a gradient are in another order",
        "dE/dK: (height, width, channels in, channels out)",
        "np.transpose brings them into Keras's order.",
    ),
    _record(
        "sample_weight_missing",
        _E,
        "samples are not weighted",
        "E = 1/N Σ_n w_n E_n",
        "Multiply δ of each sample by its weight.",
    ),
    _record(
        "sample_weight_mean",
        _E,
        "the mean is over the weights",
        "E = 1/N Σ_n w_n E_n",
        "Divide by N: Keras does not divide by Σw.",
    ),
    _record(
        "from_logits",
        _E,
        "outputs are taken for logits, or for probabilities",
        "E = loss(y, p), p = softmax(u) or σ(u)",
        "Give from_logits=True where the last layer has no softmax and no sigmoid, and only there.",
    ),
    _record(
        "label_smoothing",
        _E,
        "labels are smoothed by another α",
        "y_smooth = (1 − α) y + α/K",
        "Use the labels of the loss that was given.",
    ),
    _record(
        "labels_sum",
        _E,
        "labels or probabilities do not sum to 1",
        "dE/du = p Σ_k y_k − y",
        "p − y is its gradient only if Σ_k y_k = 1; Keras divides p by its sum first.",
    ),
    _record(
        "stop_gradient",
        _E,
        "a part that the model holds back is differentiated",
        "d stop_gradient(z)/dz = 0",
        "It is held back on purpose: take that part for a constant.",
    ),
    _record(
        "other_activation",
        _E,
        "a layer has another activation",
        "z = f(u)",
        "Use the f that the layer has; gelu by erf and by tanh are two.",
    ),
    _record("bias_left_out", _FORWARD, "a bias is left out of the forward pass", "u = z_prev W + b", "Add b to u."),
    _record("other_input", _FORWARD, "x is scaled in another way", "u = x W + b", "Give both sides the same x."),
    _record(
        "other_order",
        _FORWARD,
        "the rows of x and y are in two orders",
        "E = 1/N Σ_n E(x_n, y_n)",
        "Shuffle both alike.",
    ),
    _record(
        "other_weights",
        _FORWARD,
        "the weights are other ones, after a step or rounded",
        "W_after = W_before − lr dE/dW",
        "Compute every gradient before any weight is changed, of the very weights of the model.",
    ),
)

SETTINGS: dict[str, Mistake] = {record.id: record for record in _TOLD}
"""id → record of what no maker makes, or only one of its kinds: labels that are not smoothed at all."""
