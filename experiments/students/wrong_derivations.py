"""Backpropagation with a mistake in it, as people write it: plain NumPy, sharing nothing with the engine.

One student, one loop over the layers. Every mistake of the list is a branch where it is made in real code. The engine
makes the same mistakes by substituting in its equation records; that the two agree is what the diagnosis rests on.

Not here: batch_norm_partial, which needs a layer that is yet to come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from experiments.students.blocks import blocks, input_mask
from experiments.students.slips import AFTER_DROPOUT, Slip
from experiments.students.wrong_activations import WRONG_DERIVATIVES, df, df_of_z, f, jacobian
from experiments.students.wrong_outputs import change_targets, head
from manual_mlp import MLP, Array, Loss
from manual_mlp.extend import as_loss

Gradients = dict[str, Array]

CLOSE = 1e-13  # such a step leads to the weights
STEPS_BACK = 200  # of the fixed point W_before = W + lr dE/dW(W_before)


def wrong_gradients(
    slips: Slip | Sequence[Slip],
    parameters: Mapping[str, Array],
    mlp: MLP,
    x: Array,
    y: Array,
    loss: str | Loss,
    decay: float = 0.0,
    draws: Mapping[str, Array] | None = None,
) -> Gradients:
    """The parameter gradients of a student who makes these mistakes.

    Args:
        slips: one, several, or none (then the gradients are right).
        parameters: name → array, of a network of blocks (see `experiments.students.blocks`).
        mlp: the network.
        x: (N, n_0).
        y: (N, K), or class indices (N,).
        loss: any of the house's; a cross-entropy only behind its own activation, or from logits.
        decay: λ of E += λ Σ W² in every layer, where the layers have none of their own.
        draws: name → mask.

    Returns:
        Parameter name → array; its shape may be wrong, too.

    Raises:
        ValueError: the mistake cannot be made here: NumPy will not multiply its shapes, or no earlier step leads to
            these weights.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import Dense
        >>> mlp = MLP(1, [Dense(1)])
        >>> w = {"dense_1/kernel": np.array([[2.0]]), "dense_1/bias": np.array([0.0])}
        >>> wrong_gradients(Slip("sign"), w, mlp, np.array([[3.0]]), np.array([[5.0]]), "half_sum_squared_error")
        {'dense_1/kernel': array([[-3.]]), 'dense_1/bias': array([-1.])}
    """
    chosen = (slips,) if isinstance(slips, Slip) else tuple(slips)
    earlier = next((s for s in chosen if s.id == "accumulated" and s.form == "step"), None)
    masks = draws or {}
    student = Student(parameters, mlp, x, y, as_loss(loss), chosen, decay, masks)
    found = student.gradients()
    if earlier is None:
        return found
    # Never reset: the step before was W = before − lr dE/dW(before), and its gradient is still in the sum.
    before = {n: np.asarray(a, np.float64) for n, a in parameters.items()}
    wide = x.astype(np.float64), y if y.dtype.kind in "iu" else y.astype(np.float64)
    for _ in range(STEPS_BACK):
        step = Student(before, mlp, *wide, as_loss(loss), (), decay, masks).gradients()
        before = {n: parameters[n] + earlier.value * step[n] for n in step}
    again = Student(before, mlp, *wide, as_loss(loss), (), decay, masks).gradients()
    if any(np.abs(before[n] - earlier.value * again[n] - parameters[n]).max() > CLOSE for n in again):
        raise ValueError(f"No step of lr = {earlier.value:g} leads to these weights: the mistake cannot be made here.")
    rounded = {n: a.astype(x.dtype) for n, a in before.items()}
    first = Student(rounded, mlp, x, y, as_loss(loss), (), decay, masks).gradients()
    return {n: found[n] + first[n] for n in found}


class Student:
    """One derivation by hand; every method is one line of the chain rule, and what can go wrong in it."""

    def __init__(
        self,
        parameters: Mapping[str, Array],
        mlp: MLP,
        x: Array,
        y: Array,
        loss: Loss,
        slips: tuple[Slip, ...],
        decay: float,
        draws: Mapping[str, Array],
    ) -> None:
        found = blocks(mlp)
        self.names, self.f = [block.name for block in found], [block.activation for block in found]
        self.m = [draws[name] if name else None for name in (input_mask(mlp), *(block.mask for block in found))]
        self.W = [parameters[f"{name}/kernel"].copy() for name in self.names]
        self.b = [parameters.get(f"{name}/bias") for name in self.names]
        self.x, self.loss, self.slips = x, loss, slips
        self.real = x.dtype.type
        self.decay = [self.real(block.decay or decay) for block in found]
        self.decayed_W = list(self.W)
        k = self.W[-1].shape[1]
        self.y = np.eye(k, dtype=x.dtype)[y.reshape(-1)] if loss.function.class_indices else y.astype(x.dtype)
        self.N, self.K, self.L = len(x), k, len(self.W)

    def slip(self, name: str, i: int | None = None) -> Slip | None:
        """The mistake, if it is made here."""
        fits = (s for s in self.slips if s.id == name and (s.layer is None or s.layer == i))
        return next((s for s in fits if s.form != "hidden" or i is None or i < self.L - 1), None)

    def gradients(self) -> Gradients:
        """Forward, then back."""
        self.forward()
        change_targets(self)
        if slip := self.slip("mini_batch_dropped"):
            return self.finish(*self.in_mini_batches(slip))
        if slip := self.slip("only_last_sample"):
            return self.finish(*self.one_sample(slip))
        return self.finish(*self.back())

    def forward(self) -> None:
        """u, f(u) and, with what dropout leaves of it, z of every layer."""
        self.a, self.u = [self.x], []
        self.z = [self.dropped(-1, self.x)]
        for i, (W, b, name) in enumerate(zip(self.W, self.b, self.f, strict=True)):
            self.u.append(self.z[-1] @ W if b is None else self.z[-1] @ W + b)
            self.a.append(f(name, self.u[-1]))
            self.z.append(self.dropped(i, self.a[-1]))

    def dropped(self, i: int, z: Array) -> Array:
        """z ⊙ m."""
        m = self.m[i + 1]
        if m is None:
            return z
        slip = self.slip("dropout_scale_missing", i)
        if slip and slip.form == "mask twice":
            return z * m * m
        if (gone := self.slip("dropout_mask_missing", i)) and gone.form == "nowhere":
            return z
        return np.where(m > 0, z, 0) if slip and slip.form in ("forward", "both") else z * m

    def back(self) -> tuple[list[Array], list[Array]]:
        """dW and db, from the output down."""
        dW, db = [self.x] * self.L, [self.x] * self.L
        delta = head(self)
        for i in range(self.L - 1, -1, -1):
            dW[i], db[i] = self.kernel(i, delta), self.bias(i, delta)
            if slip := self.slip("bias_from_kernel", i):
                db[i] = dW[i].sum(axis=0)
            if slip := self.slip("stale_or_updated_kernel"):
                full = dW[i] + 2 * self.decay[i] * self.W[i]
                self.W[i] = self.W[i] - self.real(slip.value) * full
            self.above = delta
            if i:
                delta = self.pull(i - 1, self.down(i, delta))
        return dW, db

    # The chain rule, line by line.

    def pull(self, i: int, g: Array) -> Array:
        """δ = dE/dz ⊙ f′(u)."""
        u, z, name = self.u[i], self.a[i + 1], self.f[i]
        g = self.undropped(i, g)
        if name == "softmax":
            return jacobian(z, g)
        slope = df(name, u)
        if self.slip("missing_derivative", i):
            return g
        if self.slip("derivative_sign", i):
            slope = {"sigmoid": z * (z - 1), "tanh": z**2 - 1}.get(name, -slope)
        if self.slip("derivative_at_output", i):
            slope = df(name, z)
        if slip := self.slip("derivative_wrong", i):
            z = self.z[i + 1] if slip.form == AFTER_DROPOUT else z
            slope = df_of_z(name, z) if slip.form == AFTER_DROPOUT else WRONG_DERIVATIVES[name][slip.form](u, z)
        if slip := self.slip("wrong_layer_derivative", i):
            slope = df(name, self.u[int(slip.value)])
        if self.slip("local_replaces_upstream", i):
            return slope
        if slip := self.slip("relu_mask", i):
            return self.masked(slip, u, g)
        if (slip := self.slip("elementwise_for_matmul", i)) and slip.form == "derivative":
            return g @ slope
        return g * slope

    def undropped(self, i: int, g: Array) -> Array:
        """dE/dz ⊙ m."""
        m = self.m[i + 1]
        if m is None:
            return g
        if slip := self.slip("dropout_mask_missing", i):
            return g * m.max() if slip.form == "scale without mask" else g
        slip = self.slip("dropout_scale_missing", i)
        if slip and slip.form == "mask twice":
            return g * m * m
        return np.where(m > 0, g, 0) if slip and slip.form in ("backward", "both") else g * m

    def masked(self, slip: Slip, u: Array, g: Array) -> Array:
        """ReLU's backward pass with another mask."""
        g = g.copy()
        if slip.form == "u >= 0":
            g[u < 0] = 0
        elif slip.form == "u < 0":
            g[u >= 0] = 0
        elif slip.form == "g > 0":
            g[g <= 0] = 0
        elif slip.form == "g > 0 and u > 0":
            g[(g <= 0) | (u <= 0)] = 0
        return g

    def kernel(self, i: int, delta: Array) -> Array:
        """dE/dW = z_prevᵀ δ."""
        z = self.z[i]
        if slip := self.slip("wrong_input", i):
            if slip.form == "next layer's":  # article C: both indices one too high
                return self.z[i + 1].T @ self.above
            z = {"own z": self.z[i + 1], "x": self.x, "u": self.u[i - 1], "unmasked": self.a[i]}.get(
                slip.form, self.z[int(slip.value)]
            )
        if slip := self.slip("batch_misaligned", i):
            z = np.roll(z, int(slip.value), axis=0)
        if (slip := self.slip("elementwise_for_matmul", i)) and slip.form == "kernel":
            return z * delta
        dW = delta.T @ z if self.slip("transposed", i) else z.T @ delta
        if slip := self.slip("batch_mean_twice", i):
            dW = dW / self.real(self.N)
        return np.asarray(dW)

    def bias(self, i: int, delta: Array) -> Array:
        """dE/db = Σ_N δ."""
        db = delta.sum(axis=0)
        if self.slip("bias_mean", i):
            db = delta.mean(axis=0)
        if self.slip("bias_not_summed", i):
            return delta
        if slip := self.slip("bias_summed_over_all", i):
            if slip.form == "units":
                return delta.sum(axis=1)
            return np.asarray(np.sum(delta)) if slip.form == "number" else np.full_like(db, np.sum(delta))
        if (slip := self.slip("batch_mean_twice", i)) and slip.form != "kernels":
            db = db / self.real(self.N)
        return np.asarray(db)

    def down(self, i: int, delta: Array) -> Array:
        """dE/dz_prev = δ Wᵀ."""
        W = self.W[i]
        if self.slip("backprop_untransposed", i):
            return delta @ W
        if slip := self.slip("wrong_kernel", i):
            W = self.W[int(slip.value)]
        if (slip := self.slip("elementwise_for_matmul", i)) and slip.form == "down":
            return delta * W
        return delta @ W.T

    # Loops over samples.

    def of(self, rows: Array) -> Student:
        """The same student on some of the samples; E's 1/N stays that of the whole batch."""
        part = object.__new__(Student)
        part.__dict__.update(self.__dict__)
        part.z = [a[rows] for a in self.z]
        part.u, part.a = [a[rows] for a in self.u], [a[rows] for a in self.a]
        part.m = [m if m is None else m[rows] for m in self.m]
        part.x, part.y, part.W = self.x[rows], self.y[rows], list(self.W)
        return part

    def one_sample(self, slip: Slip) -> tuple[list[Array], list[Array]]:
        """= where += belongs."""
        dW, db = self.of(np.array([int(slip.value) % self.N])).back()
        factor = self.real(self.N if slip.form == "its own mean" else 1)
        return [g * factor for g in dW], [g * factor for g in db]

    def in_mini_batches(self, slip: Slip) -> tuple[list[Array], list[Array]]:
        """A ragged last batch, ignored or given too much weight."""
        m, N = int(slip.value), self.N
        batches = [np.arange(N)[s : s + m] for s in range(0, N, m)]
        if slip.form == "mean of means":
            weights = [N / (len(batches) * len(rows)) for rows in batches]
        else:
            batches = [rows for rows in batches if len(rows) == m]
            seen = m * len(batches)
            weights = [N / seen if slip.form == "ignored, mean over the rest" else 1.0] * len(batches)
        if slip.form == "divided by another count":
            batches, weights = [np.arange(N)], [N / m]
        parts = [self.of(rows).back() for rows in batches]
        sums = [
            [sum(self.real(w) * part[which][i] for w, part in zip(weights, parts, strict=True)) for i in range(self.L)]
            for which in (0, 1)
        ]
        return sums[0], sums[1]

    # What is handed over.

    def finish(self, dW: list[Array], db: list[Array]) -> Gradients:
        """Decay, and everything that goes wrong once the gradients are there."""
        for i in range(self.L):
            dW[i], db[i] = self.decayed(i, dW[i], db[i])
            dW[i], db[i] = self.damaged(i, dW[i], db[i])
        reversed_list = self.slip("layers_reversed")
        if reversed_list and reversed_list.form != "flat":
            dW, db = dW[::-1], db[::-1]
        if self.slip("convention_transposed"):
            dW = [g.T for g in dW]
        factor = 1.0
        if self.slip("sign"):
            factor = -1.0
        if slip := self.slip("learning_rate_inside"):
            factor *= slip.value
        if (slip := self.slip("accumulated")) and slip.form == "twice":
            factor *= 2
        named: Gradients = {}
        for name, kernel, bias, has in zip(self.names, dW, db, self.b, strict=True):
            named[f"{name}/kernel"] = kernel if factor == 1 else kernel * self.real(factor)
            if has is not None:
                named[f"{name}/bias"] = bias if factor == 1 else bias * self.real(factor)
        if reversed_list and reversed_list.form == "flat":
            return dict(zip(named, reversed(named.values()), strict=True))
        return named

    def decayed(self, i: int, dW: Array, db: Array) -> tuple[Array, Array]:
        """+ 2λW, and what becomes of it."""
        decay, b = self.decay[i], self.b[i]
        if not decay:
            return dW, db
        factor: float = 0 if self.slip("l2_missing", i) else -2 if self.slip("l2_sign", i) else 2
        if slip := self.slip("l2_factor", i):
            factor = {"λW": 1, "4λW": 4, "2λW/N": 2 / self.N, "λW/N": 1 / self.N}[slip.form]
        if self.slip("l2_bias", i) and b is not None:
            db = db + 2 * decay * b
        return dW + self.real(factor) * decay * self.decayed_W[i], db

    def damaged(self, i: int, dW: Array, db: Array) -> tuple[Array, Array]:
        """Zeros and stray factors."""
        if self.slip("bias_missing", i):
            db = np.zeros_like(db)
        if slip := self.slip("row_missing", i):
            dW = dW.copy()
            if slip.form == "first row":
                dW[0] = 0
            elif slip.form == "last row":
                dW[-1] = 0
            else:
                dW[:, -1] = 0
        if slip := self.slip("stray_constant", i):
            if slip.form == "bias":
                db = db * self.real(slip.value)
            else:
                dW = dW * self.real(slip.value)
        return dW, db
