"""Every kind of layer, and the way back from a file."""

from __future__ import annotations

from collections.abc import Mapping

from manual_mlp.network.layers.activation import Activation
from manual_mlp.network.layers.dense import Dense
from manual_mlp.network.layers.dropout import Dropout
from manual_mlp.network.layers.layer import Layer
from manual_mlp.network.layers.normalization import BatchNormalization, LayerNormalization, RMSNormalization
from manual_mlp.network.layers.reshaping import Flatten, Permute, Reshape
from manual_mlp.network.layers.scaling import ActivityRegularization, Identity, Rescaling
from manual_mlp.network.layers.standardizing import Normalization

_WEIGHTED = (Dense, BatchNormalization, LayerNormalization, RMSNormalization)
_OTHERS = (Dropout, Activation, Flatten, Reshape, Permute, Identity, Rescaling, ActivityRegularization, Normalization)

LAYERS: dict[str, type[Layer]] = {layer.kind: layer for layer in (*_WEIGHTED, *_OTHERS)}
"""kind → layer."""


def layer_from_dict(data: Mapping[str, object]) -> Layer:
    """The layer that `to_dict` wrote down."""
    fields = dict(data)
    kind = fields.pop("kind", None)
    if kind not in LAYERS:
        raise ValueError(f"Unknown layer kind {kind!r}: this version reads {', '.join(LAYERS)}.")
    return LAYERS[str(kind)](**fields)
