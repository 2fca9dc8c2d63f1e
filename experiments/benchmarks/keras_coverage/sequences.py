"""Recurrent layer → smallest model."""

from __future__ import annotations

from typing import Any

from experiments.benchmarks.keras_coverage.case import BATCH, Case, Table, chain, normal

# isort: split
import keras
from keras import layers

SHAPE = (3, 2)  # steps, features


def _over(layer: Any) -> Case:
    return chain(layer, shape=SHAPE)


def _stateful() -> Case:
    entry = keras.Input(batch_shape=(BATCH, *SHAPE))
    return Case(keras.Sequential([entry, layers.SimpleRNN(2, stateful=True)]), normal(*SHAPE))


RECURRENT: Table = {
    "Bidirectional": lambda: _over(layers.Bidirectional(layers.SimpleRNN(2))),
    "ConvLSTM1D": lambda: chain(layers.ConvLSTM1D(2, 2), shape=(2, 4, 2)),
    "ConvLSTM2D": lambda: chain(layers.ConvLSTM2D(2, 2), shape=(2, 3, 3, 1)),
    "ConvLSTM3D": lambda: chain(layers.ConvLSTM3D(1, 2), shape=(2, 3, 3, 3, 1)),
    "GRU": lambda: _over(layers.GRU(2)),
    "GRUCell": lambda: _over(layers.RNN(layers.GRUCell(2))),
    "LSTM": lambda: _over(layers.LSTM(2)),
    "LSTMCell": lambda: _over(layers.RNN(layers.LSTMCell(2))),
    "RNN": lambda: _over(layers.RNN(layers.SimpleRNNCell(2), return_sequences=True)),
    "SimpleRNN": lambda: _over(layers.SimpleRNN(2)),
    "SimpleRNNCell": lambda: _over(layers.RNN(layers.SimpleRNNCell(2))),
    "StackedRNNCells": lambda: _over(layers.RNN(layers.StackedRNNCells([layers.GRUCell(2), layers.LSTMCell(2)]))),
    "TimeDistributed": lambda: _over(layers.TimeDistributed(layers.Dense(2))),
}

STYLES: dict[tuple[str, str], Any] = {
    ("Bidirectional", "LSTM, whole sequence"): lambda: _over(
        layers.Bidirectional(layers.LSTM(2, return_sequences=True), merge_mode="sum")
    ),
    ("GRU", "with dropout"): lambda: _over(layers.GRU(2, dropout=0.3, recurrent_dropout=0.3)),
    ("LSTM", "two, with dropout"): lambda: chain(
        layers.LSTM(2, return_sequences=True, dropout=0.3), layers.LSTM(2), layers.Dense(1), shape=SHAPE
    ),
    ("SimpleRNN", "stateful"): _stateful,
}
"""Further ways to use some of them: (layer, style) → model."""
