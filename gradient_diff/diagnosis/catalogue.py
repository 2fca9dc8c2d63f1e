"""The list of known mistakes, in the order in which they are preferred when data cannot tell them apart."""

from __future__ import annotations

from gradient_diff.diagnosis.mistake import REGISTERED, Mistake
from gradient_diff.diagnosis.mistakes import (
    activation_derivative,
    axes,
    differentiated,
    dropout,
    matrix_algebra,
    normalisation,
    penalties,
    reduction,
    regularisation,
    samples,
    scale,
    sent_down,
)

FAMILIES = (
    scale.commit,
    penalties.commit,
    regularisation.commit,
    dropout.commit,
    normalisation.commit,
    activation_derivative.commit,
    sent_down.commit,
    matrix_algebra.commit,
    reduction.commit,
    axes.commit,
    samples.commit,
    differentiated.commit,
)
"""Whatever makes mistakes on purpose; each tells above its functions which."""

_ORDER = """
    sign missing_batch_mean factor_two accumulated missing_output_mean batch_mean_twice mean_for_sum bias_mean
    learning_rate_inside stray_constant derivative_sign bce_inner_sign l2_missing l2_factor l2_sign l2_bias
    l1_missing l1_factor l1_sign l1_without_sign l1_as_l2 l2_as_l1
    activity_missing activity_not_averaged activity_factor
    dropout_mask_missing dropout_scale_missing missing_derivative output_derivative_dropped derivative_not_sent_down
    output_derivative_kept derivative_at_output derivative_wrong wrong_layer_derivative local_replaces_upstream
    gamma_not_sent_down gamma_beta_exchanged gamma_without_normalising statistics_constant statistics_path_missing
    moving_statistics statistics_axis unbiased_variance other_epsilon
    relu_mask softmax_elementwise softmax_twice softmax_axis transposed backprop_untransposed elementwise_for_matmul
    wrong_input wrong_kernel stale_or_updated_kernel layers_reversed batch_misaligned bias_not_summed
    bias_summed_over_all bias_from_kernel bias_column bias_missing row_missing only_last_sample mini_batch_dropped
    output_not_loss other_loss wrong_target targets_broadcast probability_clip
"""

MISTAKES: dict[str, Mistake] = {name: REGISTERED[name] for name in _ORDER.split()}
"""id → record, best explanation first where several explain the same arrays equally well."""

CONVENTIONS: dict[str, Mistake] = {m.id: m for m in REGISTERED.values() if m.convention}
"""What differs without being wrong."""
