"""The gradients of a model on the device and in the precision that is there, with their rounding."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from gradient_diff.files.capture import Capture
from gradient_diff.keras.gradients.checking import trainable_names
from gradient_diff.keras.gradients.data import Data
from gradient_diff.keras.gradients.loss.resolving import resolve_loss
from gradient_diff.keras.gradients.options import Options
from gradient_diff.keras.gradients.request import Request
from keras_mlp import Mode
from keras_mlp.extend import alone, kept_seeds, layer_weights
from manual_mlp import Array


def capture(
    model: keras.Model,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    loss: object = None,
    sample_weight: npt.ArrayLike | None = None,
    training: bool | None = None,
    mode: Mode = "graph",
) -> Capture:
    """Compute dE/dW once as the model does it here, once in float64, and draw how much of it is rounding.

    All arguments are as of `check_gradients`, and so is what is raised.
    """
    with alone(model), kept_seeds(model):
        data = Data.of(model, x, y).weighed(sample_weight, None)
        resolved, names = resolve_loss(loss, model), tuple(trainable_names(model))
        request = Request.of(model, names, data, resolved, training, mode, Options())
        measured = request.measured(names)
        own = measured.first.gradients
        noise = measured.noise(own)
        fine = measured.fine.found.gradients if measured.fine else {}
        facts = {
            **_machine(),
            "model": model.name,
            "dtype": request.stored,
            "policy": ", ".join(sorted({str(z.dtype_policy.name) for z in model.layers})),
            "mode": mode,
            "weights": _digest(w.numpy() for w in layer_weights(model).values()),
            "data": _digest(data.leaves),
            "E": f"{resolved.words}, {'inference' if request.objective.training is False else 'training'}",
        }
    return Capture(dict(own), dict(fine), {n: np.asarray(noise.sigma[n]) for n in own if n in noise.sigma}, facts)


def _machine() -> dict[str, str]:
    devices = tf.config.list_physical_devices("GPU")
    described = [tf.config.experimental.get_device_details(d).get("device_name", d.name) for d in devices]
    lowered = tf.config.experimental.tensor_float_32_execution_enabled() and bool(devices)
    return {
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "device": f"{', '.join(described)}{', products in TF32' if lowered else ''}" if devices else "CPU",
    }


def _digest(arrays: Iterable[Any]) -> str:
    """Of the values, whatever dtype holds them."""
    found = hashlib.sha256()
    for array in map(np.asarray, arrays):
        value: Array = (
            array.astype(np.float64) if array.dtype.kind in "fiub" or array.dtype.name == "bfloat16" else array
        )
        found.update(repr(value.shape).encode() + np.ascontiguousarray(value).tobytes())
    return found.hexdigest()[:16]
