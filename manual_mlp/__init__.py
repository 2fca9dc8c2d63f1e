"""A multi-layer perceptron with hand-written backpropagation in NumPy, built from equations as records.

It knows neither TensorFlow nor Keras: it is the derivation that they are compared with.
"""

from manual_mlp.arrays import Array
from manual_mlp.equations.activations import ACTIVATIONS
from manual_mlp.equations.equations import Equation
from manual_mlp.equations.functions.classic import linear, relu, sigmoid, step, tanh
from manual_mlp.equations.functions.softmax import softmax
from manual_mlp.equations.loss import Loss
from manual_mlp.equations.losses import LOSSES
from manual_mlp.errors import ShapeError
from manual_mlp.network.initializers import INITIALIZERS
from manual_mlp.network.layers.activation import Activation
from manual_mlp.network.layers.dense import Dense
from manual_mlp.network.layers.dropout import Dropout
from manual_mlp.network.memory import keep_freed_memory
from manual_mlp.network.network import MLP, Evaluation, Problem, evaluation_of
from manual_mlp.network.parameters import load_parameters, save_parameters
from manual_mlp.nodes import gradient_node
from manual_mlp.training.optimizers import SGD, Adam, RMSprop
from manual_mlp.training.train import History, Progress, train
from manual_mlp.training.update_rule import Optimizer

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "LOSSES",
    "MLP",
    "SGD",
    "Activation",
    "Adam",
    "Array",
    "Dense",
    "Dropout",
    "Equation",
    "Evaluation",
    "History",
    "Loss",
    "Optimizer",
    "Problem",
    "Progress",
    "RMSprop",
    "ShapeError",
    "evaluation_of",
    "gradient_node",
    "linear",
    "load_parameters",
    "relu",
    "save_parameters",
    "sigmoid",
    "softmax",
    "step",
    "tanh",
    "train",
]

keep_freed_memory()
