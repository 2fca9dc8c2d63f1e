"""Where the gradient fades on its way down: over depth, activation and initial weights, and which dtype loses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from experiments.beyond.vanishing.dtypes import DTYPES, dtypes_part, losing, vacuous_part
from experiments.beyond.vanishing.nets import BATCH, WIDTH, by_tape, norms, untrained
from experiments.beyond.vanishing.pictures import by_depth, by_layer
from experiments.beyond.vanishing.training import training_part
from experiments.frame.study import Comparison, Part, Picture, Result, Settings, Table, paragraphs
from experiments.support.datasets import Dataset, dataset_of

if TYPE_CHECKING:
    from rich.progress import Progress

DEPTH, MANY = 20, 50  # hidden layers
DEPTHS = (1, 2, 3, 5, 10, 20)
ACTIVATIONS = ("sigmoid", "tanh", "relu")
INITIALIZERS = ("glorot_uniform", "he_normal", "normal(0.05)")
BY_LAYER, BY_DEPTH = "Norm of dE/dW by layer", "Lowest over highest, by depth"
WATCHED = "glorot_uniform"  # for these the tape looks, too


def run(settings: Settings, progress: Progress) -> Result:
    """The study."""
    data = dataset_of(settings)
    depth = MANY if settings.full else DEPTH
    lost = {dtype: losing(data, dtype, settings) for dtype in progress.track(DTYPES, description="vanishing: dtypes")}
    parts = (
        layers_part(data, depth, settings, progress),
        depth_part(data, depth, settings),
        training_part(data, DEPTH, settings, progress),
        dtypes_part(lost),
        vacuous_part(lost["float32"], settings.mode),
    )
    return Result(f"Vanishing gradients ({data.name})", parts, data=data.facts)


def layers_part(data: Dataset, depth: int, settings: Settings, progress: Progress) -> Part:
    """‖dE/dW‖ layer by layer."""
    cases = [(activation, initial) for activation in ACTIVATIONS for initial in INITIALIZERS]
    columns, diffs = {}, {}
    for activation, initial in progress.track(cases, description="vanishing: layers"):
        hand = untrained(data, depth, activation, initial, settings.seed)
        columns[f"{activation}, {initial}"] = norms(hand)
        if initial == WATCHED:
            diffs[activation] = by_tape(hand, settings)
    frame = pd.DataFrame({"layer": range(1, depth + 2), **columns})
    fading = {name: column[0] / column[-1] for name, column in columns.items()}
    return Part(
        "Layer by layer",
        paragraphs(f"""
            A network of {depth} hidden layers of {WIDTH} units, before any training, on {BATCH} images of
            {data.name}. Going down one layer multiplies δ by Wᵀ and by f′. If that product is below 1 on the average,
            the gradient fades, layer by layer, and the lowest layers learn nothing. f′ of the sigmoid is at most ¼.
            f′ of tanh and ReLU is 1 where they are not saturated, so there the weights decide: Glorot's variance
            keeps δ about the same size for tanh, He's for ReLU, which lets half of it through.

            With weights from N(0, 0.05²) δ fades going down and, with tanh and ReLU, the signal z fades going up.
            Their product dE/dW = z_prevᵀ δ then comes out alike in all layers, and next to nothing in all.
        """),
        tables={BY_LAYER: Table(frame, tuple(frame.columns))},
        comparisons={f"{activation}, {WATCHED}": Comparison(diff) for activation, diff in diffs.items()},
        claims={
            "sigmoid with Glorot's weights: the lowest layer gets less than a thousandth": (
                fading[f"sigmoid, {WATCHED}"] < 1e-3
            ),
            "ReLU with He's weights: the lowest layer gets more than a hundredth": fading["relu, he_normal"] > 1e-2,
        },
        pictures={"‖dE/dW‖ by layer": Picture((BY_LAYER,), by_layer)},
    )


def depth_part(data: Dataset, depth: int, settings: Settings) -> Part:
    """The lowest layer's share of the gradient against the depth."""
    depths = [d for d in (*DEPTHS, depth) if d <= depth]
    frame = pd.DataFrame({"hidden layers": sorted(set(depths))})
    for activation in ACTIVATIONS:
        for initial in INITIALIZERS:
            found = [norms(untrained(data, d, activation, initial, settings.seed)) for d in frame["hidden layers"]]
            frame[f"{activation}, {initial}"] = [n[0] / n[-1] for n in found]
    return Part(
        "The lowest layer against the highest",
        ("‖dE/dW‖ of the lowest layer, divided by that of the highest, as networks get deeper.",),
        tables={BY_DEPTH: Table(frame, tuple(frame.columns))},
        pictures={"‖dE/dW‖ of the lowest layer over that of the highest": Picture((BY_DEPTH,), by_depth)},
    )
