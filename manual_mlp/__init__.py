"""A multi-layer perceptron with hand-written backpropagation in NumPy, built from equations as records.

It knows neither TensorFlow nor Keras: it is the derivation that they are compared with.
"""

from manual_mlp.activations import ACTIVATIONS, Activation, activation, linear, relu, sigmoid, softmax, step, tanh
from manual_mlp.equations import Equation, evaluate, infer_shapes, symbol
from manual_mlp.errors import ShapeError
from manual_mlp.evaluation import Evaluation, Problem, gradient_node
from manual_mlp.initializers import INITIALIZERS, generator, initializer
from manual_mlp.layers import Dense
from manual_mlp.losses import LOSSES, Loss, LossFunction, as_loss
from manual_mlp.network import MLP
from manual_mlp.parameters import load_parameters, save_parameters
from manual_mlp.training import History, Progress, train

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "LOSSES",
    "MLP",
    "Activation",
    "Dense",
    "Equation",
    "Evaluation",
    "History",
    "Loss",
    "LossFunction",
    "Problem",
    "Progress",
    "ShapeError",
    "activation",
    "as_loss",
    "evaluate",
    "generator",
    "gradient_node",
    "infer_shapes",
    "initializer",
    "linear",
    "load_parameters",
    "relu",
    "save_parameters",
    "sigmoid",
    "softmax",
    "step",
    "symbol",
    "tanh",
    "train",
]
