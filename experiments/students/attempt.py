"""A student's attempt at a network's gradients: its numbers, forward, and the mistakes that are made in it."""

from __future__ import annotations

import numpy as np

from experiments.students.blocks import blocks, input_mask
from experiments.students.slips import Slip
from experiments.students.wrong_activations import f
from manual_mlp import Array, Problem


class Attempt:
    """What a student has before going back: names, f, masks, W, b, targets, then u, f(u) and z of every layer."""

    def __init__(self, problem: Problem, slips: tuple[Slip, ...], decay: float) -> None:
        mlp, parameters, draws, x, y = problem.mlp, problem.parameters, problem.draws, problem.x, problem.y
        found = blocks(mlp)
        self.names, self.f = [block.name for block in found], [block.activation for block in found]
        self.m = [draws[name] if name else None for name in (input_mask(mlp), *(block.mask for block in found))]
        self.W = [parameters[f"{name}/kernel"].copy() for name in self.names]
        self.b = [parameters.get(f"{name}/bias") for name in self.names]
        self.x, self.loss, self.slips = x, problem.loss, slips
        self.real = x.dtype.type
        self.decay = [self.real(block.decay or decay) for block in found]
        self.decayed_W = list(self.W)
        k = self.W[-1].shape[1]
        self.y = np.eye(k, dtype=x.dtype)[y.reshape(-1)] if problem.loss.function.class_indices else y.astype(x.dtype)
        if problem.loss.label_smoothing and not any(s.form == "labels as they are" for s in slips):
            share = 2 if problem.loss.name == "binary_crossentropy" else k
            alpha = self.real(problem.loss.label_smoothing)
            self.y = self.y * (1 - alpha) + alpha / self.real(share)
        self.N, self.K, self.L = len(x), k, len(self.W)
        self.above = x  # δ of the layer above, on the way back
        self.g: dict[int, Array] = {}  # dE/dz of f(u), layer by layer, on the way back
        self.forward()

    def slip(self, name: str, i: int | None = None) -> Slip | None:
        """The mistake, if it is made here."""
        fits = (s for s in self.slips if s.id == name and (s.layer is None or s.layer == i))
        return next((s for s in fits if s.form != "hidden" or i is None or i < self.L - 1), None)

    def forward(self) -> None:
        """u, f(u) and, with what dropout leaves of it, z of every layer."""
        self.a, self.u = [self.x], []
        self.z = [self.dropped(-1, self.x)]
        for i, (W, b, name) in enumerate(zip(self.W, self.b, self.f, strict=True)):
            self.u.append(self.z[-1] @ W if b is None else self.z[-1] @ W + self.added(i, b))
            self.a.append(f(name, self.u[-1]))
            self.z.append(self.dropped(i, self.a[-1]))

    def added(self, i: int, b: Array) -> Array:
        """b, whose column NumPy adds to a square z W, too."""
        slip = self.slip("bias_column", i)
        return b.reshape(-1, 1) if slip and slip.form == "forward" else b

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

    def of(self, rows: Array) -> Attempt:
        """The same attempt on some of the samples; E's 1/N stays that of the whole batch."""
        part = object.__new__(Attempt)
        part.__dict__.update(self.__dict__)
        part.z = [a[rows] for a in self.z]
        part.u, part.a = [a[rows] for a in self.u], [a[rows] for a in self.a]
        part.m = [m if m is None else m[rows] for m in self.m]
        part.g = {}
        part.x, part.y, part.W = self.x[rows], self.y[rows], list(self.W)
        return part
