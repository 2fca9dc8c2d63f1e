"""What a check is asked, read once at the door."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property

import keras
import numpy as np

from gradient_diff.keras.gradients.arguments import as_named
from gradient_diff.keras.gradients.data import Data
from gradient_diff.keras.gradients.in_layout import Door
from gradient_diff.keras.gradients.loss.resolved import ResolvedLoss
from gradient_diff.keras.gradients.measured import Measured
from gradient_diff.keras.gradients.objective import Objective
from gradient_diff.keras.gradients.options import Options
from gradient_diff.keras.gradients.runs import Runs
from gradient_diff.layouts.reading import Reading
from gradient_diff.layouts.undoing import Undone
from keras_mlp import Mode, from_keras
from keras_mlp.extend import kept_seeds, layer_weights, read_draws
from manual_mlp import MLP, Array, Loss
from manual_mlp.extend import LOSS, UNITS, Arrays


@dataclass(frozen=True, eq=False)
class Request:
    """One check, read once at the door; `mlp` is None where the model's layers are no chain that is understood.

    `parameters` has frozen weights, too, `trainable` the names of the others. `training` is as it was given, None for
    as `fit` runs the model; `mode` is the tape's. `as_trained`: E as Keras trains it, its loss in floatx, where a
    float64 model deserves it in float64; `coarsely`: judged by the rounding of that loss, too.
    """

    model: keras.Model
    mlp: MLP | None
    parameters: dict[str, Array]
    trainable: tuple[str, ...]
    data: Data
    loss: ResolvedLoss
    training: bool | None
    mode: Mode
    options: Options
    as_trained: bool = False
    coarsely: bool = False

    @classmethod
    def of(
        cls,
        model: keras.Model,
        trainable: tuple[str, ...],
        data: Data,
        loss: ResolvedLoss,
        training: bool | None,
        mode: Mode,
        options: Options,
    ) -> Request:
        mlp, parameters = _read(model)
        return cls(model, mlp, parameters, trainable, data, loss, training, mode, options)

    def read_anew(self) -> Request:
        """The same request of the model as it stands now."""
        mlp, parameters = _read(self.model)
        return replace(self, mlp=mlp, parameters=parameters)

    @cached_property
    def objective(self) -> Objective:
        takes = inspect.signature(self.model.call).parameters.values()
        asks = any(p.name == "training" or p.kind is p.VAR_KEYWORD for p in takes)
        training = True if self.training is None and asks else self.training
        return Objective(self.model, self.loss, self.data, training)

    def measured(self, asked: Collection[str]) -> Measured:
        """What runs of the model tell of the gradients of these weights; of the same ones it is asked once."""
        names = {id(weight): name for name, weight in layer_weights(self.model).items()}
        backwards = [names[id(w)] for layer in reversed(self.model.layers) for w in layer.weights if id(w) in names]
        return self._measured(tuple(n for n in dict.fromkeys([*backwards, *names.values()]) if n in asked))

    @cached_property
    def _measured(self) -> Callable[[tuple[str, ...]], Measured]:
        return cache(lambda wanted: Measured(self.objective, wanted, self.mode))

    @property
    def in_training(self) -> bool:
        """Whether layers behave as in training, as far as the model is told."""
        return self.objective.training is not False

    @cached_property
    def masks(self) -> dict[str, Array]:
        """Of a chain that is understood: what its Dropout layers draw next; in inference, that they drop nothing."""
        if self.mlp is None:
            return {}
        if self.in_training:
            return read_draws(self.model, self.mlp, self.data.batch, self.mode)
        return {m: np.ones((self.data.batch, *own), self.stored) for m, (_, own) in self.mlp.masks.items()}

    @property
    def exact_masks(self) -> dict[str, Array]:
        """What is kept divided by 1 − rate in float64, and not in the dtype of the model."""
        rates = {m: layer.rate for m, (layer, _) in self.mlp.masks.items()} if self.mlp else {}
        if not self.in_training:
            return self.masks
        return {n: np.where(mask != 0, 1 / (1 - rates[n]), 0.0) for n, mask in self.masks.items()}

    @cached_property
    def network(self) -> tuple[MLP, Loss] | None:
        """Where a description is known of both: then the house has a derivation of its own."""
        mlp, loss = self.mlp, self.loss.house
        if mlp is None or loss is None or (self.loss.dtype in (None, self.stored) and _takes_other_logits(mlp, loss)):
            return None
        rank = len(mlp.input_shape) + 1
        plain = isinstance(self.data.x, np.ndarray) and self.data.x.ndim == rank and isinstance(self.data.y, np.ndarray)
        return (mlp, loss) if plain else None

    @property
    def stored(self) -> str:
        """The dtype of the weights."""
        return str(next((a.dtype for a in self.parameters.values()), "float64"))

    @property
    def handed(self) -> dict[str, Array]:
        """What a function is given: the parameters, and what is a constant of the description, as a statistic."""
        return {**_weights(self.model), **self.parameters}

    @property
    def coarser_loss(self) -> float:
        """How many times coarser than the weights Keras computes the loss; 1 where it does not."""
        return max(1.0, UNITS[self.loss.dtype] / UNITS[self.stored]) if self.loss.dtype in UNITS else 1.0

    def read(self, given: object) -> Undone:
        """Gradients by weight, their layout undone; they may come with E, and with outputs of a description."""
        return self._door(self.parameters, self._tape).read(given)

    def read_again(self, given: object, weights: Arrays, reading: Reading) -> Arrays:
        """The same layout undone of what a function returns on a smaller network with these weights."""
        return self._door(weights, dict).again(given, reading)

    def read_after(self, given: object, before: Reading) -> Undone:
        """Weights after a step, in the layout of those before it, or as these tell."""
        read = door("after", self.trainable, self.parameters, self.options, lambda: self.parameters)
        return Undone(read.again(given, before), before) if before.changes else read.read(given)

    def _door(self, weights: Arrays, known: Callable[[], Arrays]) -> Door:
        names = [n for n in weights if n in self.trainable]
        return replace(door("gradients", names, weights, self.options, known, self.nodes), costly=True)

    def _tape(self) -> Arrays:
        """What one pass gives, to read a layout by; nothing where Keras cannot compute it, which is said elsewhere."""
        try:
            with kept_seeds(self.model):
                found = Runs(self.objective, list(self.trainable)).gradients().gradients
        except Exception:  # noqa: BLE001  # a model may raise anything, and does so again when it is judged
            return {}
        return {n: found[n] for n in self.trainable}

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        """What may be handed over beside gradients."""
        known = self.mlp.forward_equations if self.network and self.mlp else ()
        return (LOSS, *(e.node for e in known if not e.internal))


def _takes_other_logits(mlp: MLP, loss: Loss) -> bool:
    """Whether Keras computes a cross-entropy from the u below another activation than the loss is made for."""
    last = next((z for z in reversed(mlp.layers) if not z.transparent), None)
    wanted = None if loss.from_logits else loss.function.fused_activation
    return wanted is not None and getattr(last, "activation", None) in {"sigmoid", "softmax"} - {wanted}


def door(
    title: str,
    trainable: Sequence[str],
    weights: Arrays,
    options: Options,
    known: Callable[[], Arrays],
    nodes: tuple[str, ...] = (),
) -> Door:
    """How arrays of a model's weights are read."""

    def named(given: object) -> dict[str, Array]:
        return as_named(title, given, trainable, list(weights), options.names, nodes)

    shapes = {n: a.shape for n, a in weights.items()}
    return Door(title, named, shapes, known, False, options.names, nodes, options.layout)


def _read(model: keras.Model) -> tuple[MLP | None, dict[str, Array]]:
    try:
        return from_keras(model)
    except (TypeError, ValueError):
        return None, _weights(model)


def _weights(model: keras.Model) -> dict[str, Array]:
    return {name: weight.numpy().copy() for name, weight in layer_weights(model).items()}


def is_finer(mine: Arrays | None, of_step: bool, stored: str) -> bool:
    """Whether gradients deserve a float64 reference; what a step of float32 weights says of them does not."""
    if mine is None or (of_step and stored != "float64"):
        return False
    return all(a.dtype == np.float64 for a in mine.values())
