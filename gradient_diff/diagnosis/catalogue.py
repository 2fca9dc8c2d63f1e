"""The list of known mistakes, in the order in which they are preferred when data cannot tell them apart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """One way in which derivations go wrong.

    Attributes:
        id: its name everywhere.
        family: scale, sign, regularisation, dropout, activation, matrix, reduction, or differentiated (what was).
        title: what was done, in a few words.
        cure: what to do.
        tell_apart: the change of data that tells it from its look-alikes.
        convention: it is no mistake but another convention.

    Example:
        >>> MISTAKES["sign"].title
        'the sign is turned round'
    """

    id: str
    family: str
    title: str
    cure: str
    tell_apart: str = "another batch size, widths that are pairwise different primes, or a second step"
    convention: bool = False


_BATCH = "another batch size"
_WIDTH = "another number of outputs"
_STEP = "a second step from the same weights"

_LIST = (
    (
        "sign",
        "sign",
        "the sign is turned round",
        "Write prediction − target, or add the minus of the update only once.",
    ),
    ("missing_batch_mean", "scale", "the mean over the batch is missing", "Divide δ of the output by N, once.", _BATCH),
    (
        "factor_two",
        "scale",
        "a 2 or a ½ of the squared loss",
        "d(½e²) is e, d(e²) is 2e: use the E that you write down.",
    ),
    (
        "accumulated",
        "reduction",
        "the gradients were not reset between steps",
        "Set them to zero before each step.",
        _STEP,
    ),
    (
        "missing_output_mean",
        "scale",
        "the mean over the outputs is missing, or stands where none belongs",
        "Keras's squared error and binary cross-entropy divide by N·K, its other cross-entropies by N alone.",
        _WIDTH,
    ),
    ("batch_mean_twice", "scale", "the mean over the batch is taken twice", "1/N in δ is enough.", _BATCH),
    ("mean_for_sum", "differentiated", "a mean where E is a sum", "This E has no 1/N: leave the division out.", _BATCH),
    (
        "bias_mean",
        "scale",
        "the bias gradient is averaged instead of summed",
        "db = Σ_N δ: δ has the 1/N already.",
        _BATCH,
    ),
    (
        "learning_rate_inside",
        "scale",
        "the update is compared, not the gradient",
        "Divide by ±lr, or compare before the update.",
    ),
    ("stray_constant", "scale", "one gradient carries a stray constant", "Look for a constant in this one equation."),
    ("derivative_sign", "sign", "a sign is lost in f′", "Check the sign of f′ in this layer."),
    ("bce_inner_sign", "sign", "the inner minus of log(1 − p) is forgotten", "d log(1 − p)/dp is −1/(1 − p)."),
    (
        "l2_missing",
        "regularisation",
        "the decay term is missing, or there is one too many",
        "E + λΣW² adds 2λW to dE/dW.",
    ),
    (
        "l2_factor",
        "regularisation",
        "λW for 2λW, or the reverse",
        "E + λΣW² adds 2λW, E + ½λΣW² adds λW.",
        "the value of λ",
    ),
    ("l2_sign", "regularisation", "the decay is subtracted", "E + λΣW² adds +2λW.", "the value of λ"),
    ("l2_bias", "regularisation", "the biases are decayed, too", "Decay kernels only."),
    (
        "dropout_mask_missing",
        "dropout",
        "the backward pass goes through what was dropped",
        "dE/dz_prev = dE/dz ⊙ m, with the mask of the forward pass.",
        "another draw of the masks",
    ),
    (
        "dropout_scale_missing",
        "dropout",
        "the 1/(1 − rate) of the mask is left out",
        "m is 1/(1 − rate) where a unit is kept, forward and backward.",
        "another rate",
    ),
    ("missing_derivative", "activation", "f′(u) is not applied", "δ = dE/dz ⊙ f′(u)."),
    (
        "output_derivative_dropped",
        "activation",
        "f′ of the output is left out",
        "Only a matching cross-entropy cancels it.",
    ),
    (
        "output_derivative_kept",
        "activation",
        "f′ is multiplied in although cross-entropy cancels it",
        "δ = (p − y)/N is all.",
    ),
    (
        "derivative_at_output",
        "activation",
        "f′ is evaluated at z instead of u",
        "σ′(u) is z(1 − z): do not apply σ again.",
    ),
    ("derivative_wrong", "activation", "f′ is another function", "sigmoid: z(1 − z); tanh: 1 − z²; relu: [u > 0]."),
    ("wrong_layer_derivative", "activation", "f′ of another layer is used", "δ of a layer takes f′ at its own u."),
    ("local_replaces_upstream", "activation", "δ = f′ without what comes from above", "Multiply f′ by dE/dz."),
    ("relu_mask", "activation", "the ReLU mask is another one", "The mask is [u > 0], from the forward pass."),
    ("softmax_elementwise", "activation", "p(1 − p) is used as the whole softmax Jacobian", "δ = p ⊙ (g − Σ g p)."),
    (
        "softmax_twice",
        "activation",
        "probabilities are fed to a loss that expects logits",
        "from_logits=True wants u, not z.",
    ),
    ("transposed", "matrix", "a kernel gradient is transposed", "dE/dW = z_prevᵀ δ, not δᵀ z_prev."),
    ("backprop_untransposed", "matrix", "δ W instead of δ Wᵀ", "dE/dz_prev = δ Wᵀ."),
    (
        "elementwise_for_matmul",
        "matrix",
        "⊙ where @ belongs",
        "Sum over the inner index: use @.",
        "N different from the widths",
    ),
    ("wrong_input", "matrix", "another array stands in for z_prev", "dE/dW takes the input of its own layer."),
    ("wrong_kernel", "matrix", "W of another layer is used", "δ goes down through the W that it came up by."),
    (
        "stale_or_updated_kernel",
        "matrix",
        "W is updated before δ is sent through it",
        "First all gradients, then all updates.",
    ),
    ("layers_reversed", "matrix", "the gradients are listed output first", "Reverse the list."),
    ("batch_misaligned", "matrix", "rows of z_prev and δ are out of step", "Use one order of the samples everywhere."),
    ("bias_not_summed", "reduction", "the bias gradient keeps the batch axis", "db = δ.sum(axis=0)."),
    ("bias_summed_over_all", "reduction", "the bias gradient is summed over the wrong axis", "db = δ.sum(axis=0)."),
    (
        "bias_from_kernel",
        "reduction",
        "the bias gradient is summed from dE/dW",
        "db = Σ_N δ: the input is 1, not z_prev.",
    ),
    ("bias_missing", "reduction", "a bias gradient is all zero", "db = Σ_N δ."),
    ("row_missing", "reduction", "rows or columns of a kernel gradient are all zero", "Check the range of the loop."),
    ("only_last_sample", "reduction", "only one sample counts", "Use += over the batch."),
    (
        "mini_batch_dropped",
        "reduction",
        "the last samples are ignored or mis-scaled",
        "Divide by the samples that you summed.",
    ),
    (
        "output_not_loss",
        "differentiated",
        "the output was differentiated, not E",
        "tape.gradient(loss, …), not of y_pred.",
    ),
    ("other_loss", "differentiated", "it is the gradient of another loss", "Differentiate the E that is trained."),
    ("wrong_target", "differentiated", "the targets are other ones", "Do not overwrite y; keep its order."),
    ("targets_broadcast", "differentiated", "(N,) targets against (N, 1) outputs", "Give y the shape (N, 1)."),
    (
        "probability_clip",
        "differentiated",
        "log of probabilities that were clipped",
        "Compute cross-entropy from logits.",
    ),
)

MISTAKES: dict[str, Mistake] = {fields[0]: Mistake(*fields) for fields in _LIST}
"""id → record, best explanation first where several explain the same arrays equally well."""

CONVENTIONS: dict[str, Mistake] = {
    m.id: m
    for m in (
        Mistake(
            "convention_transposed",
            "matrix",
            "matrices of shape (n_out, n_in)",
            "Nothing: transpose to compare.",
            convention=True,
        ),
        Mistake("mean_in_kernel", "scale", "1/N in dE/dW instead of in δ", "Nothing: dE/dW agrees.", convention=True),
    )
}
"""What differs without being wrong."""
