"""Layer of one, two or three axes → smallest model: convolutions, pooling, padding, and spectra."""

from __future__ import annotations

from typing import Any

from experiments.benchmarks.keras_coverage.case import Case, Make, Table, above, chain

# isort: split
from keras import layers

SHAPES: dict[str, tuple[int, ...]] = {"1D": (6, 2), "2D": (4, 4, 2), "3D": (4, 4, 4, 2)}
"""Axes, then channels."""


def _convolution(name: str) -> Make:
    shape = SHAPES[name.removesuffix("Transpose")[-2:]]

    def make() -> Case:
        layer = getattr(layers, name)
        return chain(layer(2) if name.startswith("Depthwise") else layer(2, 2), shape=shape)

    return make


def _above(name: str, *arguments: Any) -> Make:
    return lambda: above(getattr(layers, name)(*arguments), SHAPES[name[-2:]])


def _each(*families: str) -> list[str]:
    return [f"{family}{axes}" for family in families for axes in SHAPES]


CONVOLUTIONS: Table = {
    name: _convolution(name)
    for name in (
        *_each("Conv"),
        *(f"{name}Transpose" for name in _each("Conv")),
        *("DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"),
    )
}

POOLING: Table = {
    **{name: _above(name, 2) for name in _each("AdaptiveAveragePooling", "AdaptiveMaxPooling")},
    **{name: _above(name, 2) for name in _each("AveragePooling", "MaxPooling")},
    **{name: _above(name) for name in _each("GlobalAveragePooling", "GlobalMaxPooling")},
}

RESIZING: Table = {
    **{name: _above(name, 1) for name in _each("Cropping", "ZeroPadding")},
    **{name: _above(name, 2) for name in _each("UpSampling")},
}

SPECTRA: Table = {
    "MelSpectrogram": lambda: chain(
        layers.Dense(40),
        layers.MelSpectrogram(16, 8, 16, sampling_rate=100, num_mel_bins=4, min_freq=5.0),
    ),
    "STFTSpectrogram": lambda: chain(
        layers.Dense(2), layers.STFTSpectrogram(frame_length=8, frame_step=4, fft_length=8), shape=(16, 2)
    ),
}

SPACES: Table = {**CONVOLUTIONS, **POOLING, **RESIZING, **SPECTRA}

STYLES: dict[tuple[str, str], Any] = {
    ("Conv1D", "causal"): lambda: chain(layers.Conv1D(2, 2, padding="causal", dilation_rate=2), shape=(6, 2)),
    ("Conv2D", "a small classifier"): lambda: chain(
        layers.Conv2D(2, 2, strides=2, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
        shape=(8, 8, 1),
    ),
    ("Conv2D", "in groups"): lambda: chain(layers.Conv2D(4, 2, groups=2), shape=(3, 3, 2)),
}
"""Further ways to use some of them: (layer, style) → model."""
