"""Every layer that has equations, by the name that it has in `keras.layers`."""

from manual_mlp.network.layers.activation import Activation
from manual_mlp.network.layers.dense import Dense
from manual_mlp.network.layers.dropout import Dropout
from manual_mlp.network.layers.normalization import BatchNormalization, LayerNormalization, RMSNormalization
from manual_mlp.network.layers.reshaping import Flatten, Permute, Reshape
from manual_mlp.network.layers.scaling import ActivityRegularization, Identity, Rescaling
from manual_mlp.network.layers.standardizing import Normalization

__all__ = [
    "Activation",
    "ActivityRegularization",
    "BatchNormalization",
    "Dense",
    "Dropout",
    "Flatten",
    "Identity",
    "LayerNormalization",
    "Normalization",
    "Permute",
    "RMSNormalization",
    "Rescaling",
    "Reshape",
]
