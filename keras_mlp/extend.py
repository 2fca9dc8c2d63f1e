"""Names for the neighbouring packages, which extend what a user of `keras_mlp` sees."""

from keras_mlp.constants import hold_constants, rounded_constants, with_held_decay
from keras_mlp.draws import DrawsReader, kept_seeds, read_draws, replayed, seeds_of, set_seeds
from keras_mlp.losses import LossTensor
from keras_mlp.modes import check_mode, in_mode
from keras_mlp.optimizers import check_optimizer
from keras_mlp.sample_weights import sample_weights_of
from keras_mlp.startup import start_devices, tf32_enabled
from keras_mlp.tape import evaluate_tape, tape_origin, total_loss
from keras_mlp.twin import layer_weights, mixed_precision

__all__ = [
    "DrawsReader",
    "LossTensor",
    "check_mode",
    "check_optimizer",
    "evaluate_tape",
    "hold_constants",
    "in_mode",
    "kept_seeds",
    "layer_weights",
    "mixed_precision",
    "read_draws",
    "replayed",
    "rounded_constants",
    "sample_weights_of",
    "seeds_of",
    "set_seeds",
    "start_devices",
    "tape_origin",
    "tf32_enabled",
    "total_loss",
    "with_held_decay",
]
