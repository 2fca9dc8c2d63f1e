"""Mistakes in one function with a normalisation over the batch: its way back in three spellings."""

from experiments.benchmarks.lines.hidden import batch_normalised
from experiments.benchmarks.lines.plant import Plant, Style, Variant

DOWN = "da = (dahat - dahat.mean(axis=0) - ahat * (dahat * ahat).mean(axis=0)) * inv"
STATISTICS = "mu = a.mean(axis=0)\n    var = a.var(axis=0)"
MOVING = 'params["batch_normalization_1/moving_mean"]'

MSE = Variant(
    ("tanh", "linear"),
    "mse",
    hidden=batch_normalised,
    plants=(
        Plant("μ and v are taken for constants", "statistics_constant", DOWN, "da = dahat * inv", "dahat * inv"),
        Plant("nothing comes back through μ", "statistics_path_missing", "dahat - dahat.mean(axis=0) - ", "dahat - "),
        Plant(
            "nothing comes back through v",
            "statistics_path_missing",
            "dahat - dahat.mean(axis=0) - ahat * (dahat * ahat).mean(axis=0)",
            "dahat - dahat.mean(axis=0)",
        ),
        Plant("γ is not sent down", "gamma_not_sent_down", "dahat = ds * gamma", "dahat = ds", "ds"),
        Plant("β for γ on the way down", "wrong_operand", "ds * gamma", "ds * beta"),
        Plant("dγ of what is not normalised", "gamma_without_normalising", "(ds * ahat).sum", "(ds * a).sum"),
        Plant("dγ of what the activation reads", "gamma_without_normalising", "(ds * ahat).sum", "(ds * s).sum"),
        Plant("dγ as if it were dβ", "gamma_without_normalising", "(ds * ahat).sum(axis=0)", "ds.sum(axis=0)"),
        Plant("PyTorch's ε", "other_epsilon", "var + EPS", "var + 1e-5", also=("np.sqrt(var + 1e-5)",)),
        Plant("no ε", "other_epsilon", "np.sqrt(var + EPS)", "np.sqrt(var)"),
        Plant("divided by m − 1", "unbiased_variance", "a.var(axis=0)", "a.var(axis=0, ddof=1)"),
        Plant(
            "moving statistics in training",
            "moving_statistics",
            STATISTICS,
            f"mu = {MOVING}\n    var = {MOVING.replace('mean', 'variance')}",
            MOVING,
            (f"var = {MOVING.replace('mean', 'variance')}",),
        ),
        Plant(
            "v of each sample",
            "statistics_axis",
            "a.var(axis=0)",
            "a.var(axis=1, keepdims=True)",
        ),
        Plant("one mean of all numbers", "statistics_axis", "a.mean(axis=0)", "a.mean()"),
        Plant("the standard deviation for the variance", "wrong_statistic", "a.var(axis=0)", "a.std(axis=0)"),
        Plant("√ is forgotten", "wrong_function", "1 / np.sqrt(var + EPS)", "1 / (var + EPS)"),
        Plant("multiplied by √(v + ε)", "wrong_function", "1 / np.sqrt(var + EPS)", "np.sqrt(var + EPS)"),
        Plant("μ is added", "sign", "a - mu", "a + mu", also=("(a + mu) * inv",)),
        Plant("β is subtracted", "sign", "gamma * ahat + beta", "gamma * ahat - beta"),
        Plant("γ before what is not normalised", "wrong_operand", "gamma * ahat", "gamma * a"),
        Plant("mean(ĝ x̂) without the x̂", "wrong_operand", "(dahat * ahat).mean(axis=0)", "dahat.mean(axis=0)", nth=0),
        Plant("a sum where a mean belongs", "sum_for_mean", "dahat - dahat.mean(axis=0)", "dahat - dahat.sum(axis=0)"),
        Plant("the sum of ĝ x̂", "sum_for_mean", "(dahat * ahat).mean(axis=0)", "(dahat * ahat).sum(axis=0)"),
        Plant("+ before the path through v", "sign", "dahat.mean(axis=0) - ahat", "dahat.mean(axis=0) + ahat"),
        Plant("1/√(v + ε) is lost on the way down", "missing_factor", " * inv\n    dW1", "\n    dW1", "da = "),
        Plant("f′ is forgotten", "missing_f_prime", "ds = dh * act_prime(s)", "ds = dh", "dh"),
        Plant(
            "f′ of the normalised value",
            "f_prime_of_other",
            "dh * act_prime(s)",
            "dh * act_prime(ahat)",
        ),
        Plant("dW1 reads δ of the layer's end", "dz_for_delta", "x.T @ da", "x.T @ ds"),
        Plant("dβ is a mean", "double_average", "dbeta = ds.sum(axis=0)", "dbeta = ds.mean(axis=0)", "ds.mean(axis=0)"),
        Plant("dβ of what has no f′ yet", "dz_for_delta", "dbeta = ds.sum", "dbeta = dh.sum", "dh.sum(axis=0)"),
        Plant(
            "the answers of γ and β exchanged",
            "gamma_beta_exchanged",
            'gamma": dgamma,\n        "batch_normalization_1/beta": dbeta',
            'gamma": dbeta,\n        "batch_normalization_1/beta": dgamma',
            'gamma": dbeta',
            ('beta": dgamma', "(ds * ahat).sum(axis=0)", "ds.sum(axis=0)"),
        ),
    ),
    raising=(
        Plant("μ of each sample, without its axis", "wrong_axis", "a.mean(axis=0)", "a.mean(axis=1)"),
        Plant("dW1 without the transpose", "transposed", "x.T @ da", "x @ da"),
    ),
    pairs=((3, 10), (5, 24), (0, 25), (7, 8)),
)

STAGED = """dvar = (dahat * amu).sum(axis=0) * -0.5 * std**-3
    dmu = -(dahat / std).sum(axis=0) - 2 * dvar * amu.mean(axis=0)
    da = dahat / std + 2 * dvar * amu / m + dmu / m"""

BCE = Variant(
    ("sigmoid", "sigmoid"),
    "bce",
    hidden=batch_normalised,
    replacements=(
        ("def act(s):\n    return np.tanh(s)", "def act(s):\n    return 1 / (1 + np.exp(-s))"),
        ("return 1 - np.tanh(s) ** 2", "return act(s) * (1 - act(s))"),
        ("var = a.var(axis=0)", "amu = a - mu\n    var = (amu**2).mean(axis=0)"),
        ("inv = 1 / np.sqrt(var + EPS)", "std = np.sqrt(var + EPS)"),
        ("(a - mu) * inv", "amu / std"),
        (DOWN, STAGED),
        ("out = h @ W2 + b2", "p = act(h @ W2 + b2)"),
        ("2 * (out - y) / y.size", "(p - y) / y.size"),
    ),
    plants=(
        Plant("v is taken for a constant", "statistics_path_missing", "+ 2 * dvar * amu / m + dmu / m", "+ dmu / m"),
        Plant("nothing comes back through μ", "statistics_path_missing", " * amu / m + dmu / m", " * amu / m", "da = "),
        Plant(
            "μ and v are taken for constants",
            "statistics_constant",
            "dahat / std + 2 * dvar * amu / m + dmu / m",
            "dahat / std",
        ),
        Plant(
            "the ½ of the root is lost", "missing_half", "sum(axis=0) * -0.5 * std", "sum(axis=0) * -1 * std", "std**-3"
        ),
        Plant("the sign of the root's derivative", "sign", "* -0.5 *", "* 0.5 *", "0.5"),
        Plant("to the power of −½ already, −3/2 again", "wrong_power", "std**-3", "std**-1.5"),
        Plant("std² for std³", "wrong_power", "std**-3", "std**-2"),
        Plant("the variance for its root", "wrong_operand", "* -0.5 * std**-3", "* -0.5 * var**-3", "var**-3"),
        Plant("dv of the normalised value", "wrong_operand", "(dahat * amu).sum", "(dahat * ahat).sum"),
        Plant("dv of what is not centred", "wrong_operand", "(dahat * amu).sum", "(ds * amu).sum"),
        Plant("dμ has the sign of ĝ", "sign", "dmu = -(dahat / std)", "dmu = (dahat / std)", "(dahat / std)"),
        Plant("dμ is not divided by √(v + ε)", "missing_factor", "-(dahat / std).sum(axis=0)", "-dahat.sum(axis=0)"),
        Plant("the 2 of the square is lost", "missing_2", "+ 2 * dvar * amu / m", "+ dvar * amu / m"),
        Plant("dv is not shared among the samples", "missing_1_over_N", "+ 2 * dvar * amu / m", "+ 2 * dvar * amu"),
        Plant("dμ is not shared among the samples", "missing_1_over_N", "+ dmu / m", "+ dmu"),
        Plant("dμ is subtracted", "sign", "+ dmu / m", "- dmu / m"),
        Plant("z_prev for z_prev − μ", "wrong_operand", "2 * dvar * amu / m +", "2 * dvar * a / m +"),
        Plant("ĝ goes down undivided", "missing_factor", "da = dahat / std +", "da = dahat +"),
        Plant("divided by v + ε", "wrong_function", "np.sqrt(var + EPS)", "(var + EPS)"),
        Plant("ε for each sample", "other_epsilon", "np.sqrt(var + EPS)", "np.sqrt(var + m * EPS)"),
        Plant("v of z_prev², without μ", "wrong_operand", "(amu**2).mean", "(a**2).mean"),
        Plant("Σ for the mean", "sum_for_mean", "(amu**2).mean(axis=0)", "(amu**2).sum(axis=0)"),
        Plant("divided by m − 1", "unbiased_variance", "(amu**2).mean(axis=0)", "(amu**2).sum(axis=0) / (m - 1)"),
        Plant("the square is forgotten", "wrong_function", "(amu**2).mean(axis=0)", "abs(amu).mean(axis=0)"),
        Plant("what is sent down has no f′ in it", "missing_f_prime", "ds * gamma", "dh * gamma"),
        Plant("σ′ at the output, too", "output_f_prime_kept", "(p - y) / y.size", "(p - y) * p * (1 - p) / y.size"),
        Plant("dγ with β's sum", "gamma_without_normalising", "(ds * ahat).sum(axis=0)", "(ds * amu).sum(axis=0)"),
    ),
    raising=(Plant("the kernel is not transposed", "transposed", "dout @ W2.T", "dout @ W2"),),
    pairs=((3, 20), (14, 24), (10, 26)),
)

CCE = Variant(
    ("relu", "softmax"),
    "cce",
    hidden=batch_normalised,
    replacements=(
        ("return np.tanh(s)", "return np.maximum(s, 0)"),
        ("return 1 - np.tanh(s) ** 2", "return (s > 0).astype(float)"),
        (DOWN, "da = (m * dahat - dahat.sum(axis=0) - ahat * (dahat * ahat).sum(axis=0)) * inv / m"),
        (
            "out = h @ W2 + b2",
            (
                "u = h @ W2 + b2\n    e = np.exp(u - u.max(axis=1, keepdims=True))\n"
                "    p = e / e.sum(axis=1, keepdims=True)"
            ),
        ),
        ("2 * (out - y) / y.size", "(p - y) / m"),
    ),
    plants=(
        Plant("the m before ĝ is lost", "missing_N", "m * dahat -", "dahat -"),
        Plant("not divided by m", "missing_1_over_N", " * inv / m", " * inv", "da = "),
        Plant(
            "x̂ is lost behind the sum",
            "wrong_operand",
            "- ahat * (dahat * ahat).sum(axis=0)",
            "- (dahat * ahat).sum(axis=0)",
        ),
        Plant("z_prev for x̂", "wrong_operand", "ahat * (dahat * ahat)", "a * (dahat * a)"),
        Plant("the sums along the units", "wrong_axis", "- dahat.sum(axis=0)", "- dahat.sum(axis=1, keepdims=True)"),
        Plant("+ before the sum", "sign", "m * dahat - dahat.sum", "m * dahat + dahat.sum"),
        Plant("γ twice", "wrong_operand", ") * inv / m", ") * inv * gamma / m", "* gamma"),
        Plant("γ is divided by on the way down", "wrong_operation", "ds * gamma", "ds / gamma"),
        Plant("v + ε for its root", "wrong_function", ") * inv / m", ") / (var + EPS) / m", "(var + EPS)"),
        Plant("the mask of z_prev", "wrong_mask", "dh * act_prime(s)", "dh * act_prime(a)"),
        Plant("γ is added, β multiplies", "wrong_operand", "gamma * ahat + beta", "beta * ahat + gamma"),
        Plant("β is forgotten", "forward_bias", "gamma * ahat + beta", "gamma * ahat"),
        Plant("γ is forgotten", "forward_scale", "gamma * ahat + beta", "ahat + beta"),
        Plant("no root", "wrong_function", "1 / np.sqrt(var + EPS)", "1 / (var + EPS) ** 2"),
        Plant("the maximum for the mean", "wrong_statistic", "a.mean(axis=0)", "a.max(axis=0)"),
        Plant("v of the inputs' layer, of one unit", "wrong_statistic", "a.var(axis=0)", "a.var()"),
        Plant(
            "μ and v are taken for constants",
            "statistics_constant",
            "(m * dahat - dahat.sum(axis=0) - ahat * (dahat * ahat).sum(axis=0)) * inv / m",
            "dahat * inv",
        ),
        Plant("dβ along the units", "wrong_axis", "dbeta = ds.sum(axis=0)", "dbeta = ds.sum()", "ds.sum()"),
        Plant("dW2 reads the activation's argument", "wrong_operand", "h.T @ dout", "s.T @ dout"),
    ),
    raising=(Plant("dγ along the units", "wrong_axis", "np.sqrt(var + EPS)", "np.sqrt(a.var(axis=1) + EPS)"),),
    pairs=((0, 18), (11, 16), (7, 17)),
)

STYLE = Style("batch_norm.py", "gradients", widths=(6, 4, 3), batch=7, variants=(MSE, BCE, CCE))
