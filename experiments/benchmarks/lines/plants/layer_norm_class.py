"""Mistakes in layers as objects, with a normalisation of each sample behind each hidden layer."""

from experiments.benchmarks.lines.hidden import layer_normalised, rms_normalised
from experiments.benchmarks.lines.plant import Plant, Style, Variant

DOWN = "(g - mean_g - self.norm * mean_gn) / self.std"
SUMS = "[np.sum(dz * self.norm, axis=0), np.sum(dz, axis=0)]"
MEAN = "mean = x.mean(axis=-1, keepdims=True)"
VAR = "var = ((x - mean) ** 2).mean(axis=-1, keepdims=True)"
SLOPE = "dz * self.z * (1 - self.z)"

MSE = Variant(
    ("sigmoid", "sigmoid", "linear"),
    "mse",
    hidden=layer_normalised,
    plants=(
        Plant("μ and v are taken for constants", "statistics_constant", DOWN, "g / self.std"),
        Plant(
            "nothing comes back through μ",
            "statistics_path_missing",
            "g - mean_g - self",
            "g - self",
            "return (g - self",
        ),
        Plant("nothing comes back through v", "statistics_path_missing", " - self.norm * mean_gn", "", "(g - mean_g)"),
        Plant("γ is not sent down", "gamma_not_sent_down", "g = dz * self.gamma", "g = dz", "dz"),
        Plant("β for γ on the way down", "wrong_operand", "dz * self.gamma", "dz * self.beta"),
        Plant(
            "the gradients of γ and β exchanged",
            "gamma_beta_exchanged",
            SUMS,
            "[np.sum(dz, axis=0), np.sum(dz * self.norm, axis=0)]",
        ),
        Plant(
            "dγ as if it were dβ",
            "gamma_without_normalising",
            "np.sum(dz * self.norm, axis=0)",
            "np.sum(dz, axis=0)",
            "[np.sum(dz, axis=0), np.sum(dz, axis=0)]",
        ),
        Plant(
            "dγ of what comes out",
            "gamma_without_normalising",
            "np.sum(dz * self.norm",
            "np.sum(dz * (self.gamma * self.norm + self.beta)",
        ),
        Plant("PyTorch's ε", "other_epsilon", "var + self.eps", "var + 1e-5"),
        Plant("no ε", "other_epsilon", "np.sqrt(var + self.eps)", "np.sqrt(var)"),
        Plant(
            "divided by n − 1",
            "unbiased_variance",
            "((x - mean) ** 2).mean(axis=-1, keepdims=True)",
            "((x - mean) ** 2).sum(axis=-1, keepdims=True) / (x.shape[-1] - 1)",
        ),
        Plant("the mean over the batch", "statistics_axis", MEAN, "mean = x.mean(axis=0)", "x.mean(axis=0)"),
        Plant(
            "v over the batch",
            "statistics_axis",
            VAR,
            "var = ((x - mean) ** 2).mean(axis=0)",
            "((x - mean) ** 2).mean(axis=0)",
        ),
        Plant("√ is forgotten", "wrong_function", "np.sqrt(var + self.eps)", "var + self.eps"),
        Plant("multiplied by the deviation", "wrong_function", "(x - mean) / self.std", "(x - mean) * self.std"),
        Plant("what is not centred is divided", "wrong_operand", "(x - mean) / self.std", "x / self.std"),
        Plant(
            "z_prev is centred by v",
            "wrong_operand",
            "(x - mean) / self.std",
            "(x - var) / self.std",
            also=("x - var",),
        ),
        Plant("β is forgotten", "forward_bias", "self.gamma * self.norm + self.beta", "self.gamma * self.norm"),
        Plant("γ of z_prev", "wrong_operand", "self.gamma * self.norm +", "self.gamma * x +"),
        Plant("the mean of ĝ over the batch", "wrong_axis", "g.mean(axis=-1, keepdims=True)", "g.mean(axis=0)"),
        Plant(
            "the mean of ĝ x̂ over the batch",
            "wrong_axis",
            "(g * self.norm).mean(axis=-1, keepdims=True)",
            "(g * self.norm).mean(axis=0)",
        ),
        Plant("the sum of ĝ", "sum_for_mean", "g.mean(axis=-1, keepdims=True)", "g.sum(axis=-1, keepdims=True)"),
        Plant("the mean of dE/dz x̂", "wrong_operand", "(g * self.norm).mean", "(dz * self.norm).mean"),
        Plant("x̂ is lost before its mean", "wrong_operand", "self.norm * mean_gn", "mean_gn"),
        Plant(
            "+ before the path through v",
            "sign",
            "- self.norm * mean_gn",
            "+ self.norm * mean_gn",
            "(g - mean_g + self.norm * mean_gn)",
        ),
        Plant("divided by v + ε", "wrong_power", "mean_gn) / self.std", "mean_gn) / self.std**2", "return (g"),
        Plant("not divided", "missing_factor", DOWN, "(g - mean_g - self.norm * mean_gn)"),
        Plant("σ′ is forgotten", "missing_f_prime", SLOPE, "dz"),
        Plant("dβ is a mean", "double_average", "np.sum(dz, axis=0)", "np.mean(dz, axis=0)"),
    ),
    raising=(
        Plant("the axis of the mean is lost", "wrong_axis", MEAN, "mean = x.mean(axis=-1)"),
        Plant("the kernel as it is", "transposed", "du @ self.W.T", "du @ self.W"),
    ),
    pairs=((3, 10), (0, 27), (6, 17), (8, 23)),
)

BCE = Variant(
    ("tanh", "tanh", "sigmoid"),
    "bce",
    hidden=layer_normalised,
    replacements=(
        ("1 / (1 + np.exp(-self.u))", "np.tanh(self.u)"),
        (SLOPE, "dz * (1 - self.z**2)"),
        (VAR, "self.n = x.shape[-1]\n        var = x.var(axis=-1, keepdims=True)"),
        ("self.std = np.sqrt(var + self.eps)", "self.rstd = (var + self.eps) ** -0.5"),
        ("(x - mean) / self.std", "(x - mean) * self.rstd"),
        ("mean_g = g.mean", "sum_g = g.sum"),
        ("mean_gn = (g * self.norm).mean", "sum_gn = (g * self.norm).sum"),
        (DOWN, "self.rstd / self.n * (self.n * g - sum_g - self.norm * sum_gn)"),
        ("delta = 2 * (out - y) / y.size", "delta = (1 / (1 + np.exp(-out)) - y) / y.size"),
    ),
    plants=(
        Plant("the n before ĝ is lost", "missing_N", "(self.n * g - sum_g", "(g - sum_g"),
        Plant("not divided by n", "missing_1_over_N", "self.rstd / self.n * (", "self.rstd * ("),
        Plant(
            "n samples",
            "wrong_count",
            "self.n = x.shape[-1]",
            "self.n = x.shape[0]",
            "x.shape[0]",
            ("self.rstd / self.n * (self.n",),
        ),
        Plant(
            "ĝ for dE/dz in the sum",
            "wrong_operand",
            "sum_g = g.sum",
            "sum_g = dz.sum",
            "dz.sum(axis=-1, keepdims=True)",
        ),
        Plant("x̂ squared", "wrong_operand", "self.norm * sum_gn", "self.norm**2 * sum_gn"),
        Plant(
            "z_prev for x̂",
            "gamma_without_normalising",
            "self.norm = (x - mean) * self.rstd",
            "self.norm = x * self.rstd",
            "x * self.rstd",
        ),
        Plant("γ twice", "wrong_operand", "self.n * g - sum_g", "self.n * self.gamma * g - sum_g"),
        Plant("γ is added on the way down", "wrong_operation", "dz * self.gamma", "dz + self.gamma"),
        Plant("to the power of ½", "wrong_power", "(var + self.eps) ** -0.5", "(var + self.eps) ** 0.5"),
        Plant("to the power of −1", "wrong_power", "(var + self.eps) ** -0.5", "(var + self.eps) ** -1"),
        Plant("ε is subtracted", "other_epsilon", "var + self.eps", "var - self.eps", also=("(var - self.eps)",)),
        Plant("the ε of nobody", "other_epsilon", "var + self.eps", "var + 1e-8", also=("(var + 1e-8)",)),
        Plant("ddof=1", "unbiased_variance", "x.var(axis=-1, keepdims=True)", "x.var(axis=-1, keepdims=True, ddof=1)"),
        Plant("v over the batch", "statistics_axis", "x.var(axis=-1, keepdims=True)", "x.var(axis=0)"),
        Plant(
            "the median for the mean",
            "wrong_statistic",
            "x.mean(axis=-1, keepdims=True)",
            "np.median(x, axis=-1, keepdims=True)",
        ),
        Plant(
            "γ and β change places",
            "wrong_operand",
            "self.gamma * self.norm + self.beta",
            "self.beta * self.norm + self.gamma",
        ),
        Plant("1 − z without the square", "wrong_derivative", "(1 - self.z**2)", "(1 - self.z)"),
        Plant("+ before the sum of ĝ", "sign", "self.n * g - sum_g", "self.n * g + sum_g"),
        Plant(
            "μ and v are taken for constants",
            "statistics_constant",
            "self.rstd / self.n * (self.n * g - sum_g - self.norm * sum_gn)",
            "self.rstd * g",
        ),
        Plant(
            "dγ of ĝ",
            "wrong_operand",
            SUMS,
            "[np.sum(dz * self.gamma * self.norm, axis=0), np.sum(dz, axis=0)]",
            "np.sum(dz * self.gamma * self.norm, axis=0)",
        ),
    ),
    raising=(Plant("dW the wrong way round", "order_of_product", "self.x.T @ du", "self.x @ du"),),
    pairs=((7, 12), (1, 15), (4, 19)),
)

CCE = Variant(
    ("relu", "relu", "softmax"),
    "cce",
    hidden=rms_normalised,
    replacements=(
        ("1 / (1 + np.exp(-self.u))", "np.maximum(self.u, 0)"),
        (SLOPE, "dz * (self.u > 0)"),
        ("class LayerNorm:", "class RMSNorm:"),
        ("LayerNorm(next(p), next(p))", "RMSNorm(next(p))"),
        ("gamma, beta, eps=1e-3", "gamma, eps=1e-6"),
        ("self.gamma, self.beta, self.eps = gamma, beta, eps", "self.gamma, self.eps = gamma, eps"),
        (f"{MEAN}\n        {VAR}", "square = (x**2).mean(axis=-1, keepdims=True)"),
        ("np.sqrt(var + self.eps)", "np.sqrt(square + self.eps)"),
        ("(x - mean) / self.std", "x / self.std"),
        ("self.gamma * self.norm + self.beta", "self.gamma * self.norm"),
        (SUMS, "[np.sum(dz * self.norm, axis=0)]"),
        ("        mean_g = g.mean(axis=-1, keepdims=True)\n", ""),
        ("g - mean_g - self.norm", "g - self.norm"),
        (
            "delta = 2 * (out - y) / y.size",
            (
                "e = np.exp(out - out.max(axis=1, keepdims=True))\n"
                "        delta = (e / e.sum(axis=1, keepdims=True) - y) / len(y)"
            ),
        ),
    ),
    plants=(
        Plant(
            "the root mean square is taken for a constant",
            "statistics_constant",
            "(g - self.norm * mean_gn) / self.std",
            "g / self.std",
        ),
        Plant("dγ goes down for γ", "wrong_operand", "dz * self.gamma", "dz * self.grads[0]"),
        Plant("γ is divided by on the way down", "wrong_operation", "dz * self.gamma", "dz / self.gamma"),
        Plant(
            "dγ without x̂",
            "gamma_without_normalising",
            "np.sum(dz * self.norm, axis=0)",
            "np.sum(dz * self.gamma, axis=0)",
        ),
        Plant(
            "centred, as a layer normalisation is",
            "wrong_statistic",
            "(x**2).mean(axis=-1, keepdims=True)",
            "x.var(axis=-1, keepdims=True)",
        ),
        Plant(
            "the mean over the batch", "statistics_axis", "(x**2).mean(axis=-1, keepdims=True)", "(x**2).mean(axis=0)"
        ),
        Plant(
            "the square is forgotten",
            "wrong_function",
            "(x**2).mean(axis=-1, keepdims=True)",
            "x.mean(axis=-1, keepdims=True)",
        ),
        Plant(
            "the sum of squares",
            "sum_for_mean",
            "(x**2).mean(axis=-1, keepdims=True)",
            "(x**2).sum(axis=-1, keepdims=True)",
        ),
        Plant("√ is forgotten", "wrong_function", "np.sqrt(square + self.eps)", "square + self.eps"),
        Plant("ε as in a layer normalisation", "other_epsilon", "square + self.eps", "square + 1e-3"),
        Plant("the sum of ĝ x̂", "sum_for_mean", "(g * self.norm).mean", "(g * self.norm).sum"),
        Plant("x̂² for ĝ x̂", "wrong_operand", "(g * self.norm).mean", "(self.norm * self.norm).mean"),
        Plant("+ before the path through v", "sign", "g - self.norm", "g + self.norm", "(g + self.norm * mean_gn)"),
        Plant("multiplied by the root", "wrong_operation", "mean_gn) / self.std", "mean_gn) * self.std", "* self.std"),
        Plant("dγ is a mean", "double_average", "np.sum(dz * self.norm, axis=0)", "np.mean(dz * self.norm, axis=0)"),
        Plant("γ is forgotten", "forward_scale", "self.gamma * self.norm", "self.norm"),
        Plant("the mask of those that are off", "wrong_mask", "(self.u > 0)", "(self.u < 0)"),
        Plant("p is not divided", "softmax_sum", "(e / e.sum(axis=1, keepdims=True) - y)", "(e - y)"),
    ),
    raising=(
        Plant(
            "the axis of the mean is lost", "wrong_axis", "(x**2).mean(axis=-1, keepdims=True)", "(x**2).mean(axis=-1)"
        ),
    ),
    pairs=((1, 7), (3, 16), (0, 14)),
)

STYLE = Style("layer_norm_class.py", "gradients", widths=(6, 5, 4, 3), batch=8, variants=(MSE, BCE, CCE))
