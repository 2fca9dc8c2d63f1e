"""A derivation as somebody writes it, and the mistakes planted in it before anything was run."""

from __future__ import annotations

from dataclasses import dataclass, field

from experiments.benchmarks.lines.hidden import Hidden, dense


@dataclass(frozen=True)
class Plant:
    """One mistake: a piece of text written otherwise."""

    what: str
    kind: str
    right: str
    wrong: str
    guilty: str = ""  # the expression to underline, in `wrong`'s lines; empty: all of `wrong`
    also: tuple[str, ...] = ()  # what a fair judge accepts, too
    nth: int = 0  # which occurrence of `right`
    square: bool = False  # runs only where all widths are equal


@dataclass(frozen=True)
class Variant:
    """Another activation and loss: replacements in the file, and the network that it is then."""

    activations: tuple[str, ...]  # of the Dense layers, by house names
    loss: str
    replacements: tuple[tuple[str, str], ...] = ()
    plants: tuple[Plant, ...] = ()
    raising: tuple[Plant, ...] = ()
    pairs: tuple[tuple[int, int], ...] = ()  # plants that are planted together, by place
    hidden: Hidden = field(default=dense, repr=False)  # what stands for each layer but the last


@dataclass(frozen=True)
class Style:
    """A file under styles/, how it is called, and its variants."""

    file: str
    call: str  # "gradients" | "step" | "script"
    # the function; or the expression that makes the object's step, e.g. "Network([3, 4, 2], seed=0).train_step"
    use: str = "gradients"
    widths: tuple[int, ...] = (5, 4, 3)  # n_0, …, K; where the code takes any
    batch: int = 6
    fixed: bool = False  # the file insists on these widths
    learning_rate: float | None = None  # of a step
    variants: tuple[Variant, ...] = field(default=())
