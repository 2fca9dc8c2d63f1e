"""Layers that move numbers and have no weights: Flatten, Reshape, Permute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from manual_mlp.arrays import Shape
from manual_mlp.equations.equations import Equation
from manual_mlp.equations.operations import Operation
from manual_mlp.equations.reshaping import Permute as PermuteAxes
from manual_mlp.equations.reshaping import Reshape as ReshapeTo
from manual_mlp.equations.reshaping import ReshapeLike
from manual_mlp.network.layers.layer import Layer, check_name


class _Moving(Layer):
    """One operation forward, and what puts each number back where it came from."""

    @property
    def operation(self) -> Operation:
        """What is done to z_prev."""
        raise NotImplementedError

    def shape(self, below: Shape, width: str = "") -> Shape:
        """That of its output for one sample."""
        return self.operation.shape(("N", *below))[1:]

    def forward(self, below: str, training: bool = True) -> tuple[Equation, ...]:
        """z from the output of the layer below."""
        return (Equation(str(self.name), f"{self.name}/z", self.operation, (below,)),)

    def backward(
        self, below: str, gradient_below: str, fused: bool = False, training: bool = True
    ) -> tuple[Equation, ...]:
        """dE/dz_prev: dE/dz in the shape that came in."""
        return (Equation(str(self.name), gradient_below, ReshapeLike(), (f"{self.name}/dE_dz", below)),)


@dataclass(frozen=True)
class Flatten(_Moving):
    """All axes of a sample as one, the last running fastest: (N, …) → (N, n).

    Backward:  dE/dz_prev is dE/dz in the shape that came in.

    Args:
        name: "flatten_1", "flatten_2", … by position if None.

    Raises:
        ValueError: a name with a slash.

    Source: Keras's `Flatten` layer, data_format="channels_last".

    Example:
        >>> Flatten().shape((28, 28))
        (784,)
    """

    kind: ClassVar[str] = "flatten"

    name: str | None = None

    def __post_init__(self) -> None:
        check_name(self.name)

    @property
    def operation(self) -> Operation:
        return ReshapeTo()


@dataclass(frozen=True)
class Reshape(_Moving):
    """The entries of each sample in another shape, the last axis running fastest: (N, …) → (N, *target).

    Backward:  dE/dz_prev is dE/dz in the shape that came in.

    Args:
        target: the shape of one sample, without N.
        name: "reshape_1", "reshape_2", … by position if None.

    Raises:
        ValueError: sizes below 1, a name with a slash.
        TypeError: sizes that are no whole numbers.

    Source: Keras's `Reshape` layer.

    Example:
        >>> Reshape((2, 3)).shape((6,))
        (2, 3)
    """

    kind: ClassVar[str] = "reshape"

    target: tuple[int, ...]
    name: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "target", _sizes("Reshape(target=…)", self.target))
        check_name(self.name)

    @property
    def operation(self) -> Operation:
        return ReshapeTo(self.target)


@dataclass(frozen=True)
class Permute(_Moving):
    """The axes of a sample in another order: (N, …) → (N, …).

    Backward:  dE/dz_prev is dE/dz with its axes put back.

    Args:
        order: which axis comes first, second, …, counted from 1, without N.
        name: "permute_1", "permute_2", … by position if None.

    Raises:
        ValueError: an order that has not each axis once, a name with a slash.
        TypeError: an order that holds no whole numbers.

    Source: Keras's `Permute` layer.

    Example:
        >>> Permute((2, 1)).shape((3, 5))
        (5, 3)
    """

    kind: ClassVar[str] = "permute"

    order: tuple[int, ...]
    name: str | None = None

    def __post_init__(self) -> None:
        order = _sizes("Permute(order=…)", self.order)
        if sorted(order) != list(range(1, len(order) + 1)):
            raise ValueError(f"Permute(order={order}): expected each axis of a sample once, from 1 on, such as (2, 1).")
        object.__setattr__(self, "order", order)
        check_name(self.name)

    @property
    def operation(self) -> Operation:
        return PermuteAxes(self.order)

    def backward(
        self, below: str, gradient_below: str, fused: bool = False, training: bool = True
    ) -> tuple[Equation, ...]:
        """dE/dz_prev: dE/dz with its axes put back."""
        back = PermuteAxes(tuple(self.order.index(axis) + 1 for axis in range(1, len(self.order) + 1)))
        return (Equation(str(self.name), gradient_below, back, (f"{self.name}/dE_dz",)),)


def _sizes(what: str, sizes: object) -> tuple[int, ...]:
    """Whole numbers of 1 and above; a list, as JSON has it, becomes a tuple."""
    given = tuple(sizes) if isinstance(sizes, Sequence) and not isinstance(sizes, str) else ()
    if not given or any(isinstance(n, bool) or not isinstance(n, int) for n in given):
        raise TypeError(f"{what} is {sizes!r}: expected whole numbers such as (2, 3).")
    if min(given) < 1:
        raise ValueError(f"{what} is {given}: expected numbers of 1 and above.")
    return given
