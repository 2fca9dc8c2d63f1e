"""The same network in Keras, and its gradients by tf.GradientTape. The only room that imports TensorFlow."""

from keras_mlp.startup import import_tensorflow, tf32_enabled

import_tensorflow()  # quietly, and before anything else imports it

from keras_mlp.checking import check_gradients  # noqa: E402  (TensorFlow must have started)
from keras_mlp.losses import to_tensorflow  # noqa: E402  (TensorFlow must have started)
from keras_mlp.tape import backpropagate  # noqa: E402
from keras_mlp.twin import from_keras, named_weights, parameters_of, prove_same_weights, to_keras  # noqa: E402

__all__ = [
    "backpropagate",
    "check_gradients",
    "from_keras",
    "named_weights",
    "parameters_of",
    "prove_same_weights",
    "tf32_enabled",
    "to_keras",
    "to_tensorflow",
]
