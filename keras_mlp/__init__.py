"""The same network in Keras, and its gradients by tf.GradientTape."""

from keras_mlp.startup import import_tensorflow, quiet_stderr

import_tensorflow()  # quietly, and before anything else imports it

from keras_mlp.losses import to_tensorflow  # noqa: E402  (TensorFlow must have started)
from keras_mlp.modes import Mode  # noqa: E402  (TensorFlow must have started)
from keras_mlp.optimizers import to_keras_optimizer  # noqa: E402  (TensorFlow must have started)
from keras_mlp.tape import backpropagate  # noqa: E402  (TensorFlow must have started)
from keras_mlp.twin import from_keras, named_weights, parameters_of, prove_same_weights, to_keras  # noqa: E402  (TensorFlow must have started)

__all__ = [
    "Mode",
    "backpropagate",
    "from_keras",
    "named_weights",
    "parameters_of",
    "prove_same_weights",
    "quiet_stderr",
    "to_keras",
    "to_keras_optimizer",
    "to_tensorflow",
]
