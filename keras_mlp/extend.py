"""Names for the neighbouring packages, which extend what a user of `keras_mlp` sees."""

from keras_mlp.constants import (
    adapted_statistics,
    computes_in_float64,
    held_in_float32,
    left_in_float32,
    rounded_constants,
    rounded_masks,
)
from keras_mlp.copies import (
    alone,
    copied,
    floatx,
    holding,
    is_float,
    kept_attributes,
    kept_generators,
    layers_of,
    variables_of,
)
from keras_mlp.draws import DrawsReader, kept_seeds, read_draws, replayed, seeds_of, set_seeds
from keras_mlp.held import held_constants, with_held_constants
from keras_mlp.layer_table import LayerShapes, layer_shapes
from keras_mlp.losses import LossTensor, options_of
from keras_mlp.modes import check_mode, in_mode, made_for
from keras_mlp.optimizers import check_optimizer
from keras_mlp.replay import recorded_draws, replayed_draws
from keras_mlp.sample_weights import sample_weights_of
from keras_mlp.startup import start_devices, tf32_enabled
from keras_mlp.tape import evaluate_tape, tape_origin, total_loss
from keras_mlp.twin import layer_weights, mixed_precision, refuse_unreadable

__all__ = [
    "DrawsReader",
    "LayerShapes",
    "LossTensor",
    "adapted_statistics",
    "alone",
    "check_mode",
    "check_optimizer",
    "computes_in_float64",
    "copied",
    "evaluate_tape",
    "floatx",
    "held_constants",
    "held_in_float32",
    "holding",
    "in_mode",
    "is_float",
    "kept_attributes",
    "kept_generators",
    "kept_seeds",
    "layer_shapes",
    "layer_weights",
    "layers_of",
    "left_in_float32",
    "made_for",
    "mixed_precision",
    "options_of",
    "read_draws",
    "recorded_draws",
    "refuse_unreadable",
    "replayed",
    "replayed_draws",
    "rounded_constants",
    "rounded_masks",
    "sample_weights_of",
    "seeds_of",
    "set_seeds",
    "start_devices",
    "tape_origin",
    "tf32_enabled",
    "total_loss",
    "variables_of",
    "with_held_constants",
]
