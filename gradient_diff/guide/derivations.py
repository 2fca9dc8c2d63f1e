"""The right formulas, derived step by step with shapes; mistakes that break one formula share its derivation.

They are written as the equations of the reports are, so that terminal and page show one text.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One line of a derivation.

    Attributes:
        formula: the equation.
        shapes: of what it combines and of what comes out; empty for scalars.
        words: why it holds.
    """

    formula: str
    shapes: str
    words: str


_U = Step("u = z_prev W + b", "(N, n_in) (n_in, n_out) + (n_out,) → (N, n_out)", "the layer, forward")
_DELTA = Step("δ = dE/du", "(N, n_out)", "what comes down to the layer; each u acts on E by itself")
_DOWN = Step("dE/dz_prev = δ Wᵀ", "(N, n_out) (n_out, n_in) → (N, n_in)", "dE/dz_prev[n, i] = Σ_j δ[n, j] W[i, j]")
_X_HAT = Step("x̂ = (z_prev − μ)/√(v + ε)", "(N, n)", "each column by its own mean and variance")
_SCALED = Step("z = γ ⊙ x̂ + β", "(n,) and (N, n) → (N, n)", "γ and β are shared by all samples")

DERIVATIONS: dict[str, tuple[Step, ...]] = {
    "update": (
        Step("E(W + h) = E(W) + h dE/dW", "", "to first order: E grows along dE/dW"),
        Step("W ← W − lr dE/dW", "(n_in, n_out)", "so a step against it, one minus, makes E smaller"),
        Step("dE/dW = (W_before − W_after)/lr", "(n_in, n_out)", "what a step of plain descent tells of the gradient"),
        Step("dE/dW = z_prevᵀ δ", "(n_in, N) (N, n_out) → (n_in, n_out)", "of this batch alone, begun at zero"),
    ),
    "mean over the batch": (
        Step("E = c Σ_n Σ_k e[n, k]²", "(N, K) → ()", "c is 1, ½, 1/N or 1/(N K), as the loss is written"),
        Step("dE/dz[n, k] = 2 c e[n, k]", "(N, K)", "a constant factor stays in front"),
        Step("dE/dW = z_prevᵀ δ", "(n_in, N) (N, n_out) → (n_in, n_out)", "adds up the samples: c is in δ, once"),
        Step("dE/db = Σ_n δ[n]", "(N, n_out) → (n_out,)", "the same for the bias"),
    ),
    "squared error": (
        Step("e = z − y", "(N, K) − (N, K) → (N, K)", "prediction minus target, of one shape"),
        Step("E = c Σ_n Σ_k e[n, k]²", "(N, K) → ()", "Keras: c = 1/(N K); in books often ½"),
        Step("d(e²)/de = 2 e", "", "and d(½ e²)/de = e"),
        Step("dE/dz = 2 c (z − y)", "(N, K)", "since de/dz = 1: it hangs on z and on y"),
    ),
    "sum over the batch": (
        Step("E = Σ_n E_n", "", "each sample adds its part, its 1/N included"),
        Step("dE/dW = Σ_n dE_n/dW", "(n_in, n_out)", "so do the gradients"),
        Step("dE_n/dW = z_prev[n]ᵀ δ[n]", "(n_in, 1) (1, n_out) → (n_in, n_out)", "row n of both, one sample"),
        Step("dE/dW = z_prevᵀ δ", "(n_in, N) (N, n_out) → (n_in, n_out)", "the product sums over n"),
    ),
    "layer": (
        _U,
        _DELTA,
        Step("du[n, j]/dW[i, j] = z_prev[n, i]", "", "W[i, j] acts on u[n, j] of every sample n"),
        Step("dE/dW[i, j] = Σ_n z_prev[n, i] δ[n, j]", "", "the chain rule adds up all ways"),
        Step("dE/dW = z_prevᵀ δ", "(n_in, N) (N, n_out) → (n_in, n_out)", "the same as a product"),
        Step("dE/db = Σ_n δ[n]", "(N, n_out) → (n_out,)", "likewise, with the input 1"),
    ),
    "bias": (
        _U,
        Step("du[n, j]/db[j] = 1", "", "b[j] is added to u[n, j] of every sample n"),
        Step("dE/db[j] = Σ_n δ[n, j]", "", "so all samples add up; a 1/N, if E has one, is in δ"),
        Step("dE/db = Σ_n δ[n]", "(N, n_out) → (n_out,)", "over the batch, axis 0, and not over the units"),
    ),
    "activation": (
        Step("z = f(u)", "(N, n) → (N, n)", "entry by entry"),
        Step("δ = dE/dz ⊙ f′(u)", "(N, n) ⊙ (N, n) → (N, n)", "the chain rule, entry by entry"),
        Step("σ′(u) = z (1 − z)", "", "since σ = 1/(1 + exp(−u))"),
        Step("tanh′(u) = 1 − z²", "", "since cosh² − sinh² = 1"),
        Step("relu′(u) = [u > 0]", "", "1 where the unit is on, else 0"),
    ),
    "down": (
        _U,
        Step("du[n, j]/dz_prev[n, i] = W[i, j]", "", "z_prev[n, i] acts on all units j of the layer"),
        _DOWN,
        Step("δ = dE/dz ⊙ f′(u)", "(N, n) ⊙ (N, n) → (N, n)", "of each layer, with its own f′, before it goes on"),
    ),
    "cross-entropy": (
        Step("p[k] = exp(u[k])/Σ_j exp(u[j])", "(N, K) → (N, K)", "softmax, sample by sample"),
        Step("E = −1/N Σ_n Σ_k y[n, k] log p[n, k]", "(N, K) → ()", "categorical cross-entropy"),
        Step("dp[k]/du[j] = p[k] ([k = j] − p[j])", "", "every p hangs on every u"),
        Step("dE/du[n, j] = −1/N (y[n, j] − p[n, j] Σ_k y[n, k])", "", "the chain rule; the p in 1/p cancels"),
        Step("δ = (p − y)/N", "(N, K)", "since Σ_k y = 1: f′ is in it already"),
    ),
    "binary cross-entropy": (
        Step("p = σ(u)", "(N, 1)", "the output"),
        Step("E = −1/N Σ_n (y log p + (1 − y) log(1 − p))", "(N, 1) → ()", "binary cross-entropy"),
        Step("d(log(1 − p))/dp = −1/(1 − p)", "", "the inner −1"),
        Step("dE/dp = −1/N (y/p − (1 − y)/(1 − p))", "(N, 1)", "both terms"),
        Step("δ = dE/dp ⊙ p (1 − p)", "(N, 1)", "through σ"),
        Step("δ = (p − y)/N", "(N, 1)", "what is left of it: no logarithm, nothing to clip"),
    ),
    "softmax": (
        Step("p[n, k] = exp(u[n, k])/Σ_j exp(u[n, j])", "(N, K) → (N, K)", "the sum is over the classes of one sample"),
        Step("dp[k]/du[j] = p[k] ([k = j] − p[j])", "(K, K) a sample", "a full matrix: p (1 − p) is its diagonal"),
        Step("δ[n, j] = Σ_k g[n, k] p[n, k] ([k = j] − p[n, j])", "", "with g = dE/dp"),
        Step("δ = p ⊙ (g − Σ_k g[k] p[k])", "(N, K) ⊙ ((N, K) − (N, 1)) → (N, K)", "the same for all at once"),
    ),
    "sample weights": (
        Step("E = 1/N Σ_n w[n] E_n", "", "Keras divides by N, whatever the weights sum to"),
        Step("dE/dz[n] = w[n] dE_n/dz[n]/N", "(N, K)", "a weight is a constant factor of its sample"),
        Step("δ = w ⊙ δ_plain", "(N, 1) ⊙ (N, K) → (N, K)", "so it goes into δ of the output, and from there down"),
    ),
    "label smoothing": (
        Step("y_smooth = (1 − α) y + α/K", "(N, K)", "as label_smoothing=α has it; its rows sum to 1, too"),
        Step("E = −1/N Σ_n Σ_k y_smooth[n, k] log p[n, k]", "(N, K) → ()", "cross-entropy with these labels"),
        Step("δ = (p − y_smooth)/N", "(N, K)", "as always, with the labels that E has"),
    ),
    "L2": (
        Step("E = E_0 + λ Σ W²", "", "Keras's L2, without a ½ and without a 1/N"),
        Step("d(λ W²)/dW = 2 λ W", "(n_in, n_out)", "entry by entry"),
        Step("dE/dW = z_prevᵀ δ + 2 λ W", "(n_in, n_out)", "a plus: the minus is that of the update"),
        Step("dE/db = Σ_n δ[n]", "(n_out,)", "a bias has no penalty, unless it is given one"),
    ),
    "L1": (
        Step("E = E_0 + λ Σ |W|", "", "Keras's L1"),
        Step("d|W|/dW = sign W", "(n_in, n_out)", "1 above 0, −1 below: no 2, no W"),
        Step("dE/dW = z_prevᵀ δ + λ sign W", "(n_in, n_out)", "a plus: the minus is that of the update"),
    ),
    "penalty of an output": (
        Step("E = E_0 + λ/N Σ_n Σ_k z[n, k]²", "", "Keras divides by N, not by the units"),
        Step("d(λ/N z²)/dz = 2 λ/N z", "(N, n)", "a second way in which z acts on E"),
        Step("dE/dz = δ_next W_nextᵀ + 2 λ/N z", "(N, n)", "both ways add up, before f′"),
        Step("δ = dE/dz ⊙ f′(u)", "(N, n) ⊙ (N, n) → (N, n)", "and then as always"),
    ),
    "dropout": (
        Step("m = kept/(1 − rate)", "(N, n)", "drawn once for each step: 0 where a unit is dropped"),
        Step("z = z_prev ⊙ m", "(N, n) ⊙ (N, n) → (N, n)", "on average z is z_prev"),
        Step("dE/dz_prev = dE/dz ⊙ m", "(N, n) ⊙ (N, n) → (N, n)", "the same m: what is dropped acts on nothing"),
    ),
    "normalisation": (
        _X_HAT,
        _SCALED,
        Step("ĝ = γ ⊙ dE/dz", "(n,) and (N, n) → (N, n)", "dE/dx̂: with γ, as it came up"),
        Step("dx̂[m]/dz_prev[n] = ([m = n] − 1/N − x̂[m] x̂[n]/N)/√(v + ε)", "", "by itself, by μ, and by v"),
        Step("dE/dz_prev = (ĝ − mean ĝ − x̂ mean(ĝ x̂))/√(v + ε)", "(N, n)", "the three ways; means over the batch"),
    ),
    "gamma and beta": (
        _X_HAT,
        _SCALED,
        Step("dE/dγ = Σ_n dE/dz[n] ⊙ x̂[n]", "(N, n) → (n,)", "dz/dγ = x̂, before γ and β"),
        Step("dE/dβ = Σ_n dE/dz[n]", "(N, n) → (n,)", "dz/dβ = 1"),
    ),
    "statistics": (
        Step("μ = 1/N Σ_n z_prev[n]", "(N, n) → (n,)", "over the batch; of a LayerNormalization over the units"),
        Step("v = 1/N Σ_n (z_prev[n] − μ)²", "(N, n) → (n,)", "divided by N, not by N − 1"),
        _X_HAT,
        Step("z = γ ⊙ x̂ + β", "(N, n)", "in training by these; in inference by the moving ones, which are constants"),
    ),
}
"""Name → steps."""
