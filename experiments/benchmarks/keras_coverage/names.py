"""Every name that the installed Keras exports: walked, or not walked for a reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from experiments.benchmarks.keras_coverage import functions, layers, losses, pictures, sequences, spaces
from experiments.benchmarks.keras_coverage.case import Make, Table

# isort: split
import keras

WALKED: dict[str, Table] = {
    "layers": {**layers.LAYERS, **sequences.RECURRENT, **spaces.SPACES, **pictures.PREPARING},
    "activations": functions.ACTIVATIONS,
    "losses": losses.LOSSES,
    "regularizers": functions.REGULARIZERS,
    "optimizers": functions.OPTIMIZERS,
}
"""Module of Keras's → name → the smallest model that uses it."""

STYLES: dict[str, dict[tuple[str, str], Make]] = {
    "layers": {**layers.STYLES, **sequences.STYLES, **spaces.STYLES},
    "activations": functions.ACTIVATION_STYLES,
    "losses": losses.STYLES,
    "regularizers": functions.REGULARIZER_STYLES,
}
"""Module → (name, another way to use it) → model."""

CONFIGS = "reads or writes a config, and computes nothing"
NO_WEIGHT = "takes integers or text, and has no trainable weight"

NOT_WALKED: dict[str, dict[str, str]] = {
    "layers": {
        **dict.fromkeys(("deserialize", "serialize"), CONFIGS),
        **dict.fromkeys(
            (
                *("CategoryEncoding", "HashedCrossing", "Hashing", "IntegerLookup", "StringLookup"),
                "TextVectorization",
            ),
            NO_WEIGHT,
        ),
        "Discretization": "gives integers, which let no gradient through, and has no trainable weight",
        "FlaxLayer": "needs Flax",
        "InputSpec": "describes an input, and computes nothing",
        "JaxLayer": "needs JAX",
        "MaxNumBoundingBoxes": "takes bounding boxes, and has no trainable weight",
        "TorchModuleWrapper": "needs PyTorch",
    },
    "activations": dict.fromkeys(("deserialize", "get", "serialize"), CONFIGS),
    "losses": dict.fromkeys(("deserialize", "get", "serialize"), CONFIGS),
    "regularizers": dict.fromkeys(("deserialize", "get", "serialize"), CONFIGS),
    "optimizers": dict.fromkeys(("deserialize", "get", "serialize"), CONFIGS),
}
"""Module → name that has and lets through no trainable float weight here → why."""

LETS_NOTHING_THROUGH: dict[str, str] = {
    "ContrastLimitedAdaptiveHistogramEqualization": "looks a number up by an integer",
    "Equalization": "looks a number up by an integer",
    "RandomColorJitter": "rounds on its way to another colour space",
    "RandomHue": "rounds on its way to another colour space",
    "RandomPosterization": "keeps the upper bits of an integer",
    "RandomSaturation": "rounds on its way to another colour space",
}
"""Layer that is walked, with a weight below it, and is found to give that weight no gradient → why."""


EVERYDAY: dict[str, frozenset[str]] = {
    "layers": frozenset({"Activation", "Dense", "Dropout", "ReLU", "Softmax"}),
    "activations": frozenset(functions.ACTIVATIONS),
    "losses": frozenset(
        {"BinaryCrossentropy", "CategoricalCrossentropy", "MeanSquaredError", "SparseCategoricalCrossentropy"}
    ),
    "regularizers": frozenset({"L1", "L2"}),
    "optimizers": frozenset({"SGD"}),
}
"""Module → what a Sequential of Dense layers is made of: the part of the walk that is quick enough for every day."""


@dataclass(frozen=True, eq=False)
class Entry:
    """One line of the walk: a thing of Keras's, a way to use it, and a model that does."""

    kind: str  # the module, without `keras.`
    name: str
    style: str
    make: Make

    @property
    def everyday(self) -> bool:
        """Whether it belongs to the quick part of the walk."""
        return not self.style and self.name in EVERYDAY[self.kind]

    def __str__(self) -> str:
        return f"{self.kind}.{self.name}" + (f", {self.style}" if self.style else "")


def exported(kind: str) -> dict[str, Any]:
    """Name → thing, of a module of Keras's, without the modules in it."""
    module = getattr(keras, kind)
    names = (name for name in dir(module) if not name.startswith("_"))
    return {name: thing for name in names if not isinstance(thing := getattr(module, name), ModuleType)}


def aliases(kind: str) -> dict[str, str]:
    """Exported name that no table has → the walked one of the very same object."""
    things, known = exported(kind), {**WALKED[kind], **NOT_WALKED[kind]}
    originals = {id(thing): name for name, thing in things.items() if name in WALKED[kind]}
    return {n: originals[id(t)] for n, t in things.items() if n not in known and id(t) in originals}


def unknown(kind: str) -> list[str]:
    """The exported names of which nobody has said anything: those that a new Keras brings."""
    return sorted(exported(kind).keys() - WALKED[kind].keys() - NOT_WALKED[kind].keys() - aliases(kind).keys())


def entries() -> Iterator[Entry]:
    """All that the walk comes to, as far as the installed Keras has it, in the order of the tables."""
    for kind, table in WALKED.items():
        has = exported(kind)
        styles = STYLES.get(kind, {})
        for name, make in table.items():
            if name in has:
                yield Entry(kind, name, "", make)
                yield from (Entry(kind, name, style, other) for (of, style), other in styles.items() if of == name)
