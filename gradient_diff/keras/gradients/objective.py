"""The E that Keras trains, as one record: tape, float64 run, witness and rounding all read it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from traceback import walk_tb
from typing import Any

import keras
import tensorflow as tf

from gradient_diff.keras.gradients.data import Data
from gradient_diff.keras.gradients.loss.resolved import NO_LOSS, KerasError, ResolvedLoss
from gradient_diff.source.positions import is_users
from keras_mlp.extend import is_float, layers_of, variables_of
from manual_mlp.extend import UNITS


@dataclass(frozen=True, eq=False)
class Objective:
    """E of a model, of its data and loss, in training or in inference.

    `training` is None for a model whose call takes no such argument: its layers run by their own defaults, as in fit.
    `outputs` is the dtype of the outputs as the model runs, `penalties` the number of what is added to the loss, once
    they are known. `parts` multiply the loss and each of the penalties, for the gradient of one of them.
    """

    model: keras.Model
    loss: ResolvedLoss
    data: Data
    training: bool | None
    outputs: str = ""
    penalties: int = 0
    parts: tuple[float, ...] = ()

    @property
    def stored(self) -> str:
        """The coarsest dtype of the model's weights."""
        return _coarsest(str(w.dtype) for w in self.model.weights if is_float(w.dtype))

    @property
    def computed(self) -> str:
        """The coarsest dtype in which a layer computes; a model's own is only what its layers would have by default."""
        layers = [z for z in layers_of(self.model) if not isinstance(z, keras.Model | keras.layers.InputLayer)]
        return _coarsest(str(z.compute_dtype) for z in layers)

    @property
    def coarsest(self) -> str:
        """The coarsest dtype on the way to E, that of the loss included."""
        return _coarsest((self.computed, self.loss.dtype or self.computed))

    @property
    def has_state(self) -> bool:
        """Whether a pass moves seeds, statistics or states on, so that the order of samples may matter."""
        return len(variables_of(self.model)) > len(self.model.trainable_variables)

    def value(self, x: Any, y: Any, weight: Any = None, *, fine: bool) -> tuple[Any, Any, Any]:
        """E, the part of it that is the loss, and the outputs that it was computed from."""
        model, loss = self.model, self.loss
        with told(self):
            outputs = model(x) if self.training is None else model(x, training=self.training)
            if loss.own is not None:
                total = first = loss.own(x, y, outputs, weight, self.training)
            else:
                total = first = (loss.computed_finely(self.outputs) if fine else loss.tensor)(y, outputs, weight)
                if loss.empty and not model.losses:  # layers may add theirs in their call, so that only a pass tells
                    raise KerasError(NO_LOSS)
                total = self._added(total, model.losses) if tf.is_tensor(total) else total
        _check_value(total)
        return total, first, outputs

    def _added(self, loss: Any, penalties: Sequence[Any]) -> Any:
        """The loss and the penalties, each once."""
        parts = self.parts or (1.0,) * (1 + len(penalties))
        total = loss if parts[0] == 1 else parts[0] * loss
        for part, penalty in zip(parts[1:], penalties, strict=True):
            total = total + tf.cast(penalty if part == 1 else part * penalty, total.dtype)
        return total


def _coarsest(dtypes: Iterable[str]) -> str:
    return max(dtypes, key=lambda d: UNITS.get(d, 0.0), default="float32")


@contextmanager
def told(objective: Objective) -> Iterator[None]:
    """Say in one sentence what Keras, TensorFlow or NumPy could not do."""
    try:
        yield
    except KerasError:
        raise
    except Exception as error:
        if place := _raised_at(error):
            raise KerasError(
                f"E of {objective.model.name} cannot be computed, in its own code: {type(error).__name__}, "
                f"{reason_of(error)}, {place}. The data are {objective.data}. Mend it there, or the shapes of the "
                "data; fit would raise it, too."
            ) from error
        raise KerasError(
            f"Keras itself cannot compute E of {objective.model.name}: {reason_of(error)}. The data are "
            f"{objective.data}. Look at their shapes; bring model, loss and penalties to one dtype; or pass loss=, a "
            "name or a function, in place of a loss object."
        ) from error


def _raised_at(error: Exception) -> str:
    """Where a user's own code raised it; "" where a library did, though his code may have called that."""
    frames = list(walk_tb(error.__traceback__))
    if not frames:
        return ""
    frame, line = frames[-1]
    code = frame.f_code
    return f"in {code.co_name}, {Path(code.co_filename).name}:{line}" if is_users(code) else ""


NOISE = re.compile(r"\x1b\[[0-9;]*m|\{\{function_node [^}]*\}\} | \[Op:.*")  # colours and ops


def reason_of(error: Exception) -> str:
    """The line of an error of Keras or TensorFlow that tells."""
    own = error.args[0] if len(error.args) == 1 and isinstance(error.args[0], str) else error  # KeyError quotes its own
    text = NOISE.sub("", str(getattr(error, "message", None) or own))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith("Exception encountered when calling")]
    return (telling or lines or [type(error).__name__])[0].rstrip(".")


def _check_value(total: Any) -> None:
    if total is None:
        raise KerasError("The loss returned None: expected E, a tensor. Does it end without a return?")
    if not tf.is_tensor(total):
        raise KerasError(
            f"The loss leaves TensorFlow: it returned {type(total).__name__}, which no tape can differentiate. "
            "Write it with tf or keras.ops, and without .numpy()."
        )


def check_reached(tape: tf.GradientTape, first: Any, outputs: Sequence[Any], weights: Sequence[Any]) -> None:
    """Refuse a loss on which no output has an effect; of logits that Keras keeps only the weights below know."""
    if all(g is None for g in tape.gradient(first, [*outputs, *weights])):
        raise KerasError(
            "The loss does not depend on the outputs of the model: every gradient would be zero, or that of a penalty "
            "alone. Compute it from y_pred, with tf or keras.ops."
        )
