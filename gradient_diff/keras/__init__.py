"""The door for Keras users: a model, a custom gradient or a training, held against a derivation."""

import keras_mlp  # noqa: F401  (first: it starts TensorFlow quietly, or says what to install)
from gradient_diff.keras.functions.function import check_function
from gradient_diff.keras.functions.layer import check_layer
from gradient_diff.keras.gradients.checking import check_gradients
from gradient_diff.keras.gradients.own_step import check_step
from gradient_diff.keras.gradients.sharing import share_weights
from gradient_diff.keras.training.callback import GradientDiffCallback
from gradient_diff.keras.training.run import Trained
from gradient_diff.keras.training.together import TrainedTogether, fit_keras, train_together

__all__ = [
    "GradientDiffCallback",
    "Trained",
    "TrainedTogether",
    "check_function",
    "check_gradients",
    "check_layer",
    "check_step",
    "fit_keras",
    "share_weights",
    "train_together",
]
