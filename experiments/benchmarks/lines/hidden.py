"""What stands for one hidden layer of a network: a dense layer, perhaps with a normalisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from manual_mlp import Activation, Dense
from manual_mlp.extend import Layer
from manual_mlp.layers import BatchNormalization, LayerNormalization, RMSNormalization

Hidden: TypeAlias = Callable[[int, str], tuple[Layer, ...]]
"""(units, the name of an activation) → layers."""


def dense(units: int, activation: str) -> tuple[Layer, ...]:
    """One layer."""
    return (Dense(units, activation),)


def batch_normalised(units: int, activation: str) -> tuple[Layer, ...]:
    """Over the batch, before the activation: a bias would be of no use."""
    return Dense(units, use_bias=False), BatchNormalization(), Activation(activation)


def layer_normalised(units: int, activation: str) -> tuple[Layer, ...]:
    """Sample by sample, behind the activation."""
    return Dense(units, activation), LayerNormalization()


def rms_normalised(units: int, activation: str) -> tuple[Layer, ...]:
    """By the root mean square of each sample, behind the activation."""
    return Dense(units, activation), RMSNormalization()
