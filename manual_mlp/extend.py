"""Names for the neighbouring packages, which extend what a user of `manual_mlp` sees."""

from manual_mlp.arrays import Arrays, Shape, read_array, refuse_masked
from manual_mlp.dtypes import LOST, SMALLEST, SUMS, UNITS
from manual_mlp.equations.activations import FAMILIES, activation, arguments_of, written
from manual_mlp.equations.equations import evaluate, symbol
from manual_mlp.equations.local_rounding import GATE, Local, Precision
from manual_mlp.equations.loss import ALIASES, REDUCTIONS, as_loss
from manual_mlp.equations.loss_operations import LossGradient
from manual_mlp.equations.loss_record import EPSILON, LossFunction
from manual_mlp.equations.normalization import Mean, Normalize, NormalizedSum, NormalizePullback, Variance
from manual_mlp.equations.operations import Activate, Multiply, Operation, Product, Pullback, SumOverBatch, rows, show
from manual_mlp.equations.penalties import Penalty, PenaltyGradient, Plus
from manual_mlp.equations.summing import joined
from manual_mlp.network.checks import check_parameters
from manual_mlp.network.description import Description
from manual_mlp.network.drawn_data import draw_data, draw_parameters, draw_targets
from manual_mlp.network.initializers import generator
from manual_mlp.network.layers.layer import Layer
from manual_mlp.nodes import INPUT_GRADIENT, LOSS, SAMPLE_WEIGHT, is_gradient, kind_of, layer_of, variable_of

__all__ = [
    "ALIASES",
    "EPSILON",
    "FAMILIES",
    "GATE",
    "INPUT_GRADIENT",
    "LOSS",
    "LOST",
    "REDUCTIONS",
    "SAMPLE_WEIGHT",
    "SMALLEST",
    "SUMS",
    "UNITS",
    "Activate",
    "Arrays",
    "Description",
    "Layer",
    "Local",
    "LossFunction",
    "LossGradient",
    "Mean",
    "Multiply",
    "Normalize",
    "NormalizePullback",
    "NormalizedSum",
    "Operation",
    "Penalty",
    "PenaltyGradient",
    "Plus",
    "Precision",
    "Product",
    "Pullback",
    "Shape",
    "SumOverBatch",
    "Variance",
    "activation",
    "arguments_of",
    "as_loss",
    "check_parameters",
    "draw_data",
    "draw_parameters",
    "draw_targets",
    "evaluate",
    "generator",
    "is_gradient",
    "joined",
    "kind_of",
    "layer_of",
    "read_array",
    "refuse_masked",
    "rows",
    "show",
    "symbol",
    "variable_of",
    "written",
]
