"""What is wrong with data or loss, told before any code of the user's is called."""

from __future__ import annotations

import keras
import tensorflow as tf

from gradient_diff.keras.gradients.data import Data
from gradient_diff.keras.gradients.loss.resolving import resolve_loss
from gradient_diff.keras.gradients.objective import Objective
from keras_mlp.extend import alone, kept_seeds


def check_data(model: keras.Model, x: object, y: object, sample_weight: object, loss: object) -> None:
    """Compute E once, if Keras can; a ValueError or TypeError says in one sentence why it cannot."""
    with alone(model), kept_seeds(model):
        data = Data.of(model, x, y).weighed(sample_weight, None)
        resolved = resolve_loss(loss, model)
        if resolved.stepped:  # only its own train_step knows what it does with them
            return
        x, y, *weight = (keras.tree.map_structure(tf.convert_to_tensor, part) for part in data.parts)
        Objective(model, resolved, data, None).value(x, y, *weight, fine=False)
