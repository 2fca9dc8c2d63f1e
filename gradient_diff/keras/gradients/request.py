"""What a check is asked, read once at the door, and the reference that answers it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import keras
import numpy as np
import numpy.typing as npt

from gradient_diff.comparison import compare
from gradient_diff.keras.gradients.arguments import as_named
from gradient_diff.keras.gradients.loss_arguments import ResolvedLoss
from gradient_diff.noise.network import Noise
from gradient_diff.result.diff import GradientDiff
from gradient_diff.witnesses.complex_step import Asked
from keras_mlp import Mode, from_keras, parameters_of
from keras_mlp.extend import read_draws
from manual_mlp import MLP, Array, Evaluation, Loss, gradient_node
from manual_mlp.extend import Arrays, read_array


@dataclass(frozen=True, eq=False)
class Options:
    """What `compare` takes, too, and means the same there."""

    noise: Noise | Arrays | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    rtol: float | None = None
    sizes: tuple[int, int] | None = None

    @property
    def silent(self) -> bool:
        """Whether nothing is said of rounding: then it is computed or measured here."""
        return self.noise is None and self.rtol is None


@dataclass(frozen=True, eq=False)
class Request:
    """One check, read once at the door; `mlp` is None where the model's layers are no chain that is understood.

    `parameters` has frozen weights, too, `trainable` the names of the others; `draws` are the masks of the next pass.
    """

    model: keras.Model
    mlp: MLP | None
    parameters: dict[str, Array]
    trainable: tuple[str, ...]
    x: Array
    y: Array
    draws: dict[str, Array]
    loss: ResolvedLoss
    mode: Mode
    options: Options

    @classmethod
    def of(
        cls,
        model: keras.Model,
        trainable: Iterable[str],
        data: tuple[npt.ArrayLike, npt.ArrayLike],
        loss: ResolvedLoss,
        mode: Mode,
        options: Options,
    ) -> Request:
        x, y = (_array(title, given) for title, given in zip("xy", data, strict=True))
        mlp, parameters = _read(model)
        draws = {} if mlp is None else read_draws(model, mlp, len(x) if x.ndim else 1, mode)
        return cls(model, mlp, parameters, tuple(trainable), x, y, draws, loss, mode, options)

    @property
    def network(self) -> tuple[MLP, Loss] | None:
        """Where a description is known of both: then the house has a derivation of its own."""
        mlp, loss = self.mlp, self.loss.house
        if mlp is None or loss is None or (self.loss.dtype in (None, self.stored) and _takes_other_logits(mlp, loss)):
            return None
        return mlp, loss

    @property
    def stored(self) -> str:
        """The dtype of the weights."""
        return str(next((a.dtype for a in self.parameters.values()), "float64"))

    def named(self, title: str, given: object) -> dict[str, Array]:
        return as_named(title, given, self.trainable, list(self.parameters), self.options.names)


@dataclass(frozen=True, eq=False)
class Rounded:
    """Constants that Keras holds in float32, and the gradients with the other of the two: exact or rounded."""

    held: tuple[float, ...]
    others: Arrays


def nearest_of(mine: Arrays, candidates: Sequence[Arrays]) -> int:
    """Which of several references a hand is nearest to; of equals the first."""

    def distance(reference: Arrays) -> float:
        shared = [n for n in mine if n in reference and mine[n].shape == reference[n].shape]
        sizes = {n: max(float(np.abs(reference[n]).max(initial=0.0)), np.finfo(float).tiny) for n in shared}
        return max((float(np.abs(mine[n] - reference[n]).max(initial=0.0)) / sizes[n] for n in shared), default=0.0)

    distances = [distance(candidate) for candidate in candidates]
    return distances.index(min(distances))


@dataclass(frozen=True, eq=False)
class Reference:
    """The model's gradients, with the noise and the witness that are known of them."""

    given: Evaluation | Arrays
    noise: Noise | Arrays | None
    options: Options
    witness: Asked | None = None
    sizes: tuple[int, int] | None = None
    rounded: Rounded | None = None

    def compared(self, mine: Evaluation | Arrays, hidden: Mapping[str, Array | float] | None = None) -> GradientDiff:
        """Against these; `hidden`, by weight, is what storing the weights hides of gradients inferred from a step."""
        noise, sizes = self.noise, self.options.sizes or self.sizes
        if hidden and isinstance(noise, Noise):
            by_node = isinstance(self.given, Evaluation)
            noise = wider(noise, {gradient_node(n) if by_node else n: b for n, b in hidden.items()})
        rtol = self.options.rtol
        diff = compare(mine, self.given, noise=noise, rtol=rtol, witness=self.witness, sizes=sizes)
        return self._with_constants(diff) if self.rounded else diff

    def _with_constants(self, diff: GradientDiff) -> GradientDiff:
        """Where float64 tells the rounded constants from the exact ones, the row says what Keras holds."""
        assert self.rounded is not None
        words = f"; Keras holds this constant as {', '.join(map(repr, self.rounded.held))}"
        others = {gradient_node(n) if diff.problem else n: a for n, a in self.rounded.others.items()}
        apart = {n for n, a in others.items() if n in diff.reference and self._tells_apart(n, a, diff.reference[n])}
        rows = (replace(r, reason=r.reason + words) if r.name in apart and r.metrics else r for r in diff.rows)
        return replace(diff, rows=tuple(rows))

    def _tells_apart(self, name: str, a: Array, b: Array) -> bool:
        noise = self.noise if isinstance(self.noise, Noise) and name in self.noise.sigma else None
        return bool((np.abs(a - b) > (0.0 if noise is None else noise.tolerance(name))).any())


def _takes_other_logits(mlp: MLP, loss: Loss) -> bool:
    """Whether Keras computes a cross-entropy from the u below another activation than the loss is made for."""
    last = next((z for z in reversed(mlp.layers) if not z.transparent), None)
    wanted = None if loss.from_logits else loss.function.fused_activation
    return wanted is not None and getattr(last, "activation", None) in {"sigmoid", "softmax"} - {wanted}


def _array(title: str, given: npt.ArrayLike) -> Array:
    """A copy: a function may know the original."""
    hint = "Expected numbers, one row per sample; gradients come after x and y."
    return read_array(title, given, hint).copy()


def _read(model: keras.Model) -> tuple[MLP | None, dict[str, Array]]:
    try:
        return from_keras(model)
    except (TypeError, ValueError):
        return None, parameters_of(model)


def is_finer(mine: Arrays | None, of_step: bool) -> bool:
    """Whether gradients deserve a float64 reference; what a step of float32 weights says of them does not."""
    return mine is not None and not of_step and all(a.dtype == np.float64 for a in mine.values())


def wider(noise: Noise, hidden: Mapping[str, Array | float]) -> Noise:
    """A noise that grants what storing the weights hides, too; both by name as in `noise`."""
    bound = {node: b + hidden.get(node, 0.0) for node, b in noise.bound.items()}
    return replace(noise, bound=bound, source=f"{noise.source}, and what storing the weights hides")
