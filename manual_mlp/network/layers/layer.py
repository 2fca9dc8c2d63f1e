"""What a network asks of each of its layers."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from manual_mlp.arrays import Shape
from manual_mlp.equations.equations import Equation
from manual_mlp.equations.penalties import Penalty

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Layer(ABC):
    """A frozen description that knows its equations, backward right below forward.

    A shape here is that of one sample, without N: (n,), or (T, n) of a sequence; letters may stand for numbers.

    Attributes:
        kind: what layers without a name are called, `dense_1`; also its name in files.
        starts: short name of a parameter → what all of its entries start as, where they are not drawn.
        untrained: short names of parameters that have no gradient.
    """

    kind: ClassVar[str]
    starts: ClassVar[Mapping[str, float]] = NOTHING
    untrained: ClassVar[tuple[str, ...]] = ()
    name: str | None

    @property
    def transparent(self) -> bool:
        """Whether Keras hands on the very tensor that came in, and with it the logits that it remembers."""
        return False

    @property
    def head(self) -> str | None:
        """The activation that it ends with, which a loss may take in."""
        return None

    @property
    def kernel(self) -> str | None:
        """The name of its matrix of weights."""
        return None

    @property
    def penalties(self) -> Mapping[str, Penalty]:
        """Parameter, or its own output `<name>/z` → what E adds for it."""
        return NOTHING

    @property
    def updates(self) -> Mapping[str, tuple[str, float]]:
        """Parameter without a gradient → (the node that moves it in training, m of m · old + (1 − m) · node)."""
        return NOTHING

    @property
    def draws(self) -> tuple[str, ...]:
        """Names of what it reads from outside, each of the shape of its output."""
        return ()

    @property
    def word(self) -> int | str:
        """What it is called in a title."""
        return self.kind

    def shape(self, below: Shape, width: str = "") -> Shape:
        """That of its output from that of the layer below; `width` is the letter for a width of its own.

        Raises:
            ShapeError: what comes from below cannot be taken.
        """
        return below

    def parameter_shapes(self, below: Shape, width: str = "") -> dict[str, Shape]:
        """Short name → shape."""
        return {}

    @abstractmethod
    def forward(self, below: str, training: bool = True) -> tuple[Equation, ...]:
        """Its nodes from the output of the layer below."""

    @abstractmethod
    def backward(
        self, below: str, gradient_below: str, fused: bool = False, training: bool = True
    ) -> tuple[Equation, ...]:
        """The gradients of its parameters and of what it reads, from dE/dz; where fused, the loss has given δ."""

    def fused_ends(self, below: str, gradient_below: str) -> tuple[str, str]:
        """(what a fused loss reads, the node that it gives)."""
        return below, gradient_below

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON; `layer_from_dict` reads it back."""
        return {"kind": self.kind, **asdict(self)}  # type: ignore[call-overload]  # every layer is a dataclass


def check_name(name: str | None) -> None:
    """A name without what separates layer and array."""
    if name is not None and not re.fullmatch(r"[^/]+", name):
        raise ValueError(f"Layer name {name!r}: expected text without '/', which separates layer and array.")


def number(what: str, value: object) -> float:
    """A number, as a plain float."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating)):
        raise TypeError(f"{what} is {type(value).__name__}: expected a number.")
    return float(value)


def coefficient(what: str, value: object) -> float:
    """A λ."""
    found = number(what, value)
    if not 0 <= found < math.inf:
        raise ValueError(f"{what.replace('…', str(value))}: expected a finite λ of 0 or more, such as 1e-4.")
    return found
