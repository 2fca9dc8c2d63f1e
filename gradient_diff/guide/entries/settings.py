"""Why the others are made: those that only a check against a Keras model can try, and conventions."""

WHY = {
    "penalty_missing": "Penalties are added by layers, far from the line with the loss, and collected in model.losses, "
    "which a loop of one's own has to add.",
    "penalty_factor": "λ is read as that of ½ λ Σ W², or the penalty is divided by N together with the loss.",
    "loss_factor": "The loss is summed where compile means a mean, and the penalty beside it stays as it is.",
    "loss_weights": "compile(loss_weights=…) multiplies in silence, and the derivation adds up the losses alone.",
    "loss_scale": "Mixed precision multiplies E so that small gradients survive float16; the division comes later.",
    "occurrence_lost": "dE[ids] += δ looks like a sum, but NumPy writes each index once, whatever stood there before.",
    "kernel_flipped": "A convolution as mathematics defines it turns its kernel round; that of Keras does not.",
    "axes_exchanged": "Other frameworks keep channels first, and kernels as (out, in, height, width).",
    "sample_weight_missing": "The weights are an argument of fit, and the derivation starts from x and y.",
    "sample_weight_mean": "A weighted mean is usually divided by the sum of its weights.",
    "from_logits": "Whether the last layer or the loss has the softmax is said in two places.",
    "label_smoothing": "It is an argument of the loss, and the targets look as they were.",
    "labels_sum": "p − y is learned by heart; it holds for labels that sum to 1.",
    "stop_gradient": "A chain rule on paper knows no part that is held back.",
    "other_activation": "A name stands for several functions: gelu by erf or by tanh, leaky_relu with 0.01 or 0.3.",
    "bias_left_out": "The bias is written into the backward pass alone, or use_bias differs.",
    "other_input": "Images are divided by 255 on one side only.",
    "other_order": "x and y are shuffled by two calls, each with its own permutation.",
    "other_weights": "The gradients are computed after the step, or from weights that were saved and rounded.",
    "convention_transposed": "Many books write u = W z, with one sample as a column and W of shape (n_out, n_in).",
    "mean_in_kernel": "dE/dW = 1/N z_prevᵀ δ keeps δ that of a sum. Both agree in dE/dW.",
}
"""id → why."""
