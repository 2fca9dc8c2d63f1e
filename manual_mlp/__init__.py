"""A multi-layer perceptron with hand-written backpropagation in NumPy, built from equations as records.

It knows neither TensorFlow nor Keras: it is the derivation that they are compared with.
"""

from manual_mlp._types import Shape
from manual_mlp.activations import (
    ACTIVATIONS,
    ActivationFunction,
    activation,
    linear,
    relu,
    sigmoid,
    softmax,
    step,
    tanh,
)
from manual_mlp.checks import check_parameters
from manual_mlp.equations import Equation, evaluate, infer_shapes, symbol
from manual_mlp.errors import ShapeError
from manual_mlp.evaluation import Evaluation, Problem, gradient_node
from manual_mlp.initializers import INITIALIZERS, generator, initializer
from manual_mlp.layers import Activation, Dense, Dropout, Layer
from manual_mlp.local_rounding import GATE, Local
from manual_mlp.loss_operations import LossGradient, LossValue
from manual_mlp.losses import ALIASES, EPSILON, LOSSES, Loss, LossFunction, as_loss
from manual_mlp.memory import keep_freed_memory
from manual_mlp.network import MLP, evaluation_of
from manual_mlp.operations import Activate, Multiply, Operation, Product, Pullback, SumOverBatch
from manual_mlp.optimizers import SGD, Adam, RMSprop
from manual_mlp.parameters import load_parameters, save_parameters
from manual_mlp.rounding import MORE_DRAWS, UNITS, Noise, local_distance, on_branch, rounding_noise, update_bound
from manual_mlp.training import History, Progress, train
from manual_mlp.update_rule import Optimizer

__all__ = [
    "ACTIVATIONS",
    "ALIASES",
    "EPSILON",
    "GATE",
    "INITIALIZERS",
    "LOSSES",
    "MLP",
    "MORE_DRAWS",
    "SGD",
    "UNITS",
    "Activate",
    "Activation",
    "ActivationFunction",
    "Adam",
    "Dense",
    "Dropout",
    "Equation",
    "Evaluation",
    "History",
    "Layer",
    "Local",
    "Loss",
    "LossFunction",
    "LossGradient",
    "LossValue",
    "Multiply",
    "Noise",
    "Operation",
    "Optimizer",
    "Problem",
    "Product",
    "Progress",
    "Pullback",
    "RMSprop",
    "Shape",
    "ShapeError",
    "SumOverBatch",
    "activation",
    "as_loss",
    "check_parameters",
    "evaluate",
    "evaluation_of",
    "generator",
    "gradient_node",
    "infer_shapes",
    "initializer",
    "linear",
    "load_parameters",
    "local_distance",
    "on_branch",
    "relu",
    "rounding_noise",
    "save_parameters",
    "sigmoid",
    "softmax",
    "step",
    "symbol",
    "tanh",
    "train",
    "update_bound",
]

keep_freed_memory()
