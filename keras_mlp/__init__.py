"""The same network in Keras, and its gradients by tf.GradientTape. The only room that imports TensorFlow."""

from keras_mlp.startup import import_tensorflow, quiet_stderr, tf32_enabled

import_tensorflow()  # quietly, and before anything else imports it

from keras_mlp.checking import check_gradients  # noqa: E402  (TensorFlow must have started)
from keras_mlp.functions import check_function  # noqa: E402
from keras_mlp.layer_checks import check_layer  # noqa: E402
from keras_mlp.losses import to_tensorflow  # noqa: E402  (TensorFlow must have started)
from keras_mlp.optimizers import to_keras_optimizer  # noqa: E402
from keras_mlp.sides import Trained  # noqa: E402
from keras_mlp.tape import backpropagate  # noqa: E402
from keras_mlp.training import Look, TrainedTogether, fit_keras, train_together  # noqa: E402
from keras_mlp.twin import from_keras, named_weights, parameters_of, prove_same_weights, to_keras  # noqa: E402

__all__ = [
    "Look",
    "Trained",
    "TrainedTogether",
    "backpropagate",
    "check_function",
    "check_gradients",
    "check_layer",
    "fit_keras",
    "from_keras",
    "named_weights",
    "parameters_of",
    "prove_same_weights",
    "quiet_stderr",
    "tf32_enabled",
    "to_keras",
    "to_keras_optimizer",
    "to_tensorflow",
    "train_together",
]
