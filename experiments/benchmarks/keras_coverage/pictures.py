"""Layer that prepares pictures → smallest model in which its gradient, if it has one, reaches a weight below."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from experiments.benchmarks.keras_coverage.case import Case, Make, Table, Written, above, normal, picture

# isort: split
from keras import layers

UNIT = (0, 1)  # the range of the values below


def _plain(name: str, **arguments: Any) -> Make:
    return lambda: picture(getattr(layers, name)(**arguments))


def _ranged(name: str, **arguments: Any) -> Make:
    return _plain(name, value_range=UNIT, **arguments)


def _of(function: Callable[[], Any]) -> Make:
    return lambda: picture(function())


def _written(name: str, **arguments: Any) -> Make:
    """In a model of a class of its own: the layer tells a functional one that its output is its input."""

    def make() -> Case:
        below = layers.Conv2D(3, 1, activation="sigmoid")
        return Case(Written(below, getattr(layers, name)(**arguments)), normal(8, 8, 2))

    return make


PREPARING: Table = {
    "AugMix": _ranged("AugMix"),
    "AutoContrast": _ranged("AutoContrast"),
    "CenterCrop": _plain("CenterCrop", height=4, width=4),
    "ContrastLimitedAdaptiveHistogramEqualization": _ranged(
        "ContrastLimitedAdaptiveHistogramEqualization", tile_grid_size=(2, 2)
    ),
    "CutMix": _plain("CutMix"),
    "Equalization": _written("Equalization", value_range=UNIT),
    "MixUp": _plain("MixUp"),
    "Pipeline": _of(lambda: layers.Pipeline([layers.Rescaling(2.0), layers.RandomFlip()])),
    "RandAugment": _ranged("RandAugment"),
    "RandomBrightness": _ranged("RandomBrightness", factor=0.2),
    "RandomColorDegeneration": _ranged("RandomColorDegeneration", factor=0.5),
    "RandomColorJitter": _ranged(
        "RandomColorJitter", brightness_factor=0.2, contrast_factor=0.2, saturation_factor=0.2, hue_factor=0.2
    ),
    "RandomContrast": _ranged("RandomContrast", factor=0.2),
    "RandomCrop": _plain("RandomCrop", height=4, width=4),
    "RandomElasticTransform": _ranged("RandomElasticTransform"),
    "RandomErasing": _ranged("RandomErasing"),
    "RandomFlip": _plain("RandomFlip"),
    "RandomGaussianBlur": _ranged("RandomGaussianBlur", sigma=1.0),
    "RandomGrayscale": _written("RandomGrayscale"),
    "RandomHue": _ranged("RandomHue", factor=0.2),
    "RandomInvert": _ranged("RandomInvert"),
    "RandomPerspective": _plain("RandomPerspective", factor=0.5),
    "RandomPosterization": _ranged("RandomPosterization", factor=4),
    "RandomRotation": _plain("RandomRotation", factor=0.2),
    "RandomSaturation": _ranged("RandomSaturation", factor=0.4),
    "RandomSharpness": _ranged("RandomSharpness", factor=0.4),
    "RandomShear": _plain("RandomShear", x_factor=0.2, y_factor=0.2),
    "RandomTranslation": _plain("RandomTranslation", height_factor=0.2, width_factor=0.2),
    "RandomZoom": _plain("RandomZoom", height_factor=0.2),
    "Rescaling": lambda: above(layers.Rescaling(2.0, -1.0), (4,)),
    "Resizing": _plain("Resizing", height=5, width=5),
    "Solarization": _ranged("Solarization", threshold_factor=0.5),
}
