"""Layers that normalise: over the batch, over the units of each sample, or by their root mean square alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from manual_mlp.arrays import Array, Shape
from manual_mlp.equations.equations import Equation
from manual_mlp.equations.normalization import Mean, Normalize, NormalizedSum, NormalizePullback, Over, Variance
from manual_mlp.equations.operations import Operation, SumOverBatch
from manual_mlp.network.layers.layer import Layer, check_name, number


class _Normalization(Layer):
    """z = γ (z_prev − μ)/√(v + ε) + β with statistics over the batch or over each sample; a part may be missing."""

    over: ClassVar[Over]
    centred: ClassVar[bool] = True
    epsilon: float

    @property
    def weights(self) -> tuple[str, ...]:
        """Short names of γ and β, where they are there."""
        raise NotImplementedError

    def statistics(self, training: bool) -> tuple[str, ...]:
        """Short names of μ and v, or of v alone."""
        return ("mean", "variance") if self.centred else ("variance",)

    def parameter_shapes(self, below: Shape, width: str = "") -> dict[str, Shape]:
        """Short name → shape."""
        return dict.fromkeys((*self.weights, *self.untrained), below[-1:])

    def forward(self, below: str, training: bool = True) -> tuple[Equation, ...]:
        """μ and v, where they are of these data, and z."""
        names = self._named(self.statistics(training))
        own = self.statistics(training) != self.untrained
        mean = (self._equation("mean", Mean(self.over), below, internal=True),) if own and self.centred else ()
        spread = (self._equation("variance", Variance(self.over), below, *names[:-1], internal=True),) if own else ()
        operation = Normalize(self.over, self.epsilon, self.centred, self._scaled, len(self.weights) > self._scaled)
        return (*mean, *spread, self._equation("z", operation, below, *names, *self._named(self.weights)))

    def backward(
        self, below: str, gradient_below: str, fused: bool = False, training: bool = True
    ) -> tuple[Equation, ...]:
        """dE/dγ, dE/dβ and dE/dz_prev from dE/dz."""
        signal, names = f"{self.name}/dE_dz", self._named(self.statistics(training))
        fixed = self.statistics(training) == self.untrained
        settings = self.over, self.epsilon, self.centred, self._scaled
        gamma = self._named(self.weights[: self._scaled])
        reads = (names[-1],) if fixed else (below, *names)
        sums = NormalizedSum(*settings)
        return (
            *(self._equation(f"dE_d{w}", sums, signal, below, *names) for w in self.weights[: self._scaled]),
            *(self._equation(f"dE_d{w}", SumOverBatch(), signal) for w in self.weights[self._scaled :]),
            Equation(str(self.name), gradient_below, NormalizePullback(*settings, fixed), (signal, *reads, *gamma)),
        )

    @property
    def _scaled(self) -> bool:
        return self.weights[:1] in (("gamma",), ("scale",))

    def _named(self, short: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"{self.name}/{name}" for name in short)

    def _equation(self, node: str, operation: Operation, *operands: str, internal: bool = False) -> Equation:
        return Equation(str(self.name), f"{self.name}/{node}", operation, operands, internal)

    def _check(self) -> None:
        title = type(self).__name__
        epsilon = number(f"{title}(epsilon=…)", self.epsilon)
        if not 0 < epsilon < math.inf:
            raise ValueError(f"{title}(epsilon={self.epsilon}): expected a number above 0, such as 1e-3.")
        object.__setattr__(self, "epsilon", epsilon)
        check_name(self.name)


@dataclass(frozen=True)
class BatchNormalization(_Normalization):
    """Over the batch: μ = 1/N Σ_N z_prev, v = 1/N Σ_N (z_prev − μ)², z = γ (z_prev − μ)/√(v + ε) + β.

    In inference μ and v are the moving ones, which are parameters without a gradient; in training these are moved on,
    moving ← m · moving + (1 − m) · of the batch, and `Evaluation.updates` has them.

    Backward, with x̂ = (z_prev − μ)/√(v + ε) and ĝ = γ dE/dz:  dE/dγ = Σ_N dE/dz ⊙ x̂,  dE/dβ = Σ_N dE/dz,
    dE/dz_prev = (ĝ − mean ĝ − x̂ mean ĝ x̂)/√(v + ε); in inference ĝ/√(v + ε).

    Args:
        momentum: m, 0 ≤ m ≤ 1.
        epsilon: ε, above 0.
        center: whether there is a β (n,).
        scale: whether there is a γ (n,).
        trainable: a frozen one takes its moving statistics in training, too, as Keras does.
        name: "batch_normalization_1", "batch_normalization_2", … by position if None.

    Raises:
        ValueError: a momentum or an ε out of range, a name with a slash.
        TypeError: a momentum or an ε that is no number.

    Source: Ioffe and Szegedy, 2015; Keras's conventions for names and defaults.

    Example:
        >>> sorted(BatchNormalization().parameter_shapes((3,)))
        ['beta', 'gamma', 'moving_mean', 'moving_variance']
    """

    kind: ClassVar[str] = "batch_normalization"
    over: ClassVar[Over] = "batch"
    starts: ClassVar[Mapping[str, float]] = MappingProxyType(
        {"gamma": 1.0, "beta": 0.0, "moving_mean": 0.0, "moving_variance": 1.0}
    )
    untrained: ClassVar[tuple[str, ...]] = ("moving_mean", "moving_variance")

    momentum: float = 0.99
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    trainable: bool = True
    name: str | None = None

    def __post_init__(self) -> None:
        momentum = number("BatchNormalization(momentum=…)", self.momentum)
        if not 0 <= momentum <= 1:
            raise ValueError(
                f"BatchNormalization(momentum={self.momentum}): expected a share from 0 to 1, such as 0.99."
            )
        object.__setattr__(self, "momentum", momentum)
        self._check()

    @property
    def weights(self) -> tuple[str, ...]:
        return ("gamma",) * self.scale + ("beta",) * self.center

    def statistics(self, training: bool) -> tuple[str, ...]:
        """Those of the batch in training, else the moving ones."""
        return ("mean", "variance") if training and self.trainable else self.untrained

    @property
    def updates(self) -> Mapping[str, tuple[str, float]]:
        pairs = zip(self._named(self.untrained), self._named(self.statistics(True)), strict=True)
        return {moving: (node, self.momentum) for moving, node in pairs} if self.trainable else {}


@dataclass(frozen=True)
class LayerNormalization(_Normalization):
    """Over the units of each sample: μ = mean_k z_prev, v = mean_k (z_prev − μ)², z = γ (z_prev − μ)/√(v + ε) + β.

    Backward, with x̂ = (z_prev − μ)/√(v + ε) and ĝ = γ dE/dz:  dE/dγ = Σ_N dE/dz ⊙ x̂,  dE/dβ = Σ_N dE/dz,
    dE/dz_prev = (ĝ − mean_k ĝ − x̂ mean_k ĝ x̂)/√(v + ε).

    Args:
        epsilon: ε, above 0.
        center: whether there is a β (n,).
        scale: whether there is a γ (n,).
        name: "layer_normalization_1", "layer_normalization_2", … by position if None.

    Raises:
        ValueError: an ε of 0 or below, a name with a slash.
        TypeError: an ε that is no number.

    Source: Ba, Kiros and Hinton, 2016; Keras's conventions for names and defaults.

    Example:
        >>> LayerNormalization(center=False).parameter_shapes((3,))
        {'gamma': (3,)}
    """

    kind: ClassVar[str] = "layer_normalization"
    over: ClassVar[Over] = "row"
    starts: ClassVar[Mapping[str, float]] = MappingProxyType({"gamma": 1.0, "beta": 0.0})

    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    name: str | None = None

    def __post_init__(self) -> None:
        self._check()

    @property
    def weights(self) -> tuple[str, ...]:
        return ("gamma",) * self.scale + ("beta",) * self.center


@dataclass(frozen=True)
class RMSNormalization(_Normalization):
    """By the root mean square of each sample: z = γ z_prev/√(mean_k z_prev² + ε), where Keras calls γ `scale`.

    Backward, with x̂ = z_prev/√(v + ε), ĝ = γ dE/dz:  dE/dγ = Σ_N dE/dz ⊙ x̂,  dE/dz_prev = (ĝ − x̂ mean_k ĝ x̂)/√(v + ε).

    Args:
        epsilon: ε, above 0.
        name: "rms_normalization_1", "rms_normalization_2", … by position if None.

    Raises:
        ValueError: an ε of 0 or below, a name with a slash.
        TypeError: an ε that is no number.

    Source: Zhang and Sennrich, 2019; Keras's conventions for names and defaults.

    Example:
        >>> RMSNormalization().parameter_shapes((3,))
        {'scale': (3,)}
    """

    kind: ClassVar[str] = "rms_normalization"
    over: ClassVar[Over] = "row"
    centred: ClassVar[bool] = False
    starts: ClassVar[Mapping[str, float]] = MappingProxyType({"scale": 1.0})

    epsilon: float = 1e-6
    name: str | None = None

    def __post_init__(self) -> None:
        self._check()

    @property
    def weights(self) -> tuple[str, ...]:
        return ("scale",)


def move_on(moving: Array, statistic: Array, momentum: float) -> Array:
    """A moving statistic after a batch: m · old + (1 − m) · the batch's own."""
    kind = moving.dtype.type
    return moving * kind(momentum) + statistic * kind(1 - momentum)
