"""What an update rule is: a frozen description, a state of plain arrays, and a step that works in place.

A step works entry by entry on arrays of any shape, so that training can run it block by block over one flat vector.

Keras keeps some of its numbers in float32 whatever the dtype of the weights: the learning rate is a float32 variable,
and SGD's μ and the β of Adam's bias correction pass through float32 on their way to a tensor. In float64 that moves a
step by up to 6e-8 of itself, and Adam's first, with its usual β₂, by 6e-6. The rules here do the same: otherwise no
step could be held to Keras's.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.operations import show
from manual_mlp.errors import ShapeError

Rule: TypeAlias = Callable[..., None]  # (W, g, *state, a, b): changes W and the state in place; a and b are scratch
SCRATCH = 2  # buffers of W's size that a step may use


@dataclass(frozen=True)
class Optimizer(ABC):
    """A description of an update rule, with no arrays inside.

    Attributes:
        learning_rate: lr.

    Example:
        >>> from manual_mlp import SGD
        >>> isinstance(SGD(0.1), Optimizer), SGD(0.1).learning_rate
        (True, 0.1)
    """

    learning_rate: float

    @property
    @abstractmethod
    def formula(self) -> tuple[str, ...]:
        """The step as a book writes it, line by line."""

    @property
    @abstractmethod
    def slots(self) -> tuple[str, ...]:
        """What is kept from step to step for each parameter, by Keras's names."""

    @abstractmethod
    def rule(self, step: int, dtype: np.dtype[Any]) -> Rule:
        """The step number t, from 1, with its numbers worked out in a dtype: a `Rule`."""

    def initial_state(self, parameters: Mapping[str, Array]) -> dict[str, Array]:
        """The state before the first step: zeros.

        Args:
            parameters: name → array.

        Returns:
            `<name>/<slot>` → zeros of the parameter's shape.

        Example:
            >>> import numpy as np
            >>> from manual_mlp import SGD
            >>> SGD(momentum=0.9).initial_state({"dense_1/bias": np.ones(2)})
            {'dense_1/bias/momentum': array([0., 0.])}
        """
        return {f"{name}/{slot}": np.zeros_like(array) for name, array in parameters.items() for slot in self.slots}

    def updated(
        self, parameters: Mapping[str, Array], gradients: Mapping[str, Array], state: Mapping[str, Array], step: int
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """One step, from values to values; `train` does the same in place.

        Args:
            parameters: name → W.
            gradients: name → dE/dW, of the same names and shapes.
            state: `<name>/<slot>` → array, from `initial_state` or the step before.
            step: t, 1 for the first.

        Returns:
            The parameters and the state after the step; nothing that came in is changed.

        Raises:
            ValueError: a step below 1, or names that differ.
            ShapeError: a gradient or a state that is not of its parameter's shape.

        Example:
            >>> import numpy as np
            >>> from manual_mlp import SGD
            >>> w, g, sgd = {"w": np.array([1.0])}, {"w": np.array([2.0])}, SGD(0.5)
            >>> sgd.updated(w, g, {}, step=1)[0]
            {'w': array([0.])}
        """
        if step < 1:
            raise ValueError(f"step={step}: steps are counted from 1.")
        _check_names("gradients", gradients, {name: array.shape for name, array in parameters.items()})
        _check_names("state", state, {name: array.shape for name, array in self.initial_state(parameters).items()})
        values, kept = ({n: array.copy() for n, array in given.items()} for given in (parameters, state))
        for name, w in values.items():
            own = [kept[f"{name}/{slot}"] for slot in self.slots]
            self.rule(step, w.dtype)(w, gradients[name], *own, *(np.empty_like(w) for _ in range(SCRATCH)))
        return values, kept

    def _check(self, **shares: float) -> None:
        """The settings are numbers, lr a finite one above 0, the shares from 0 up to but not with 1."""
        kind = type(self).__name__
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "bool":
                if not isinstance(value, (bool, np.bool_)):
                    raise TypeError(f"{kind}({field.name}=…) is {type(value).__name__}: expected True or False.")
            elif isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
                raise TypeError(f"{kind}({field.name}=…) is {type(value).__name__}: expected a number.")
        for name in ("learning_rate", "epsilon"):
            value = getattr(self, name, 1.0)
            if not 0 < value < math.inf:
                raise ValueError(f"{kind}({name}={value}): expected a finite number above 0.")
        for name, value in shares.items():
            if not 0 <= value < 1:
                raise ValueError(f"{kind}({name}={value}): expected 0 or more and below 1.")


def through_float32(value: float, dtype: np.dtype[Any]) -> Any:
    """A number as Keras holds some of them: rounded to float32 first."""
    return dtype.type(np.float32(value))


def _check_names(what: str, given: Mapping[str, Array], expected: Mapping[str, tuple[int, ...]]) -> None:
    if differing := sorted(given.keys() ^ expected.keys()):
        raise ValueError(
            f"{what}: {', '.join(differing)} on one side only. Expected {', '.join(expected) or 'nothing'}."
        )
    for name, shape in expected.items():
        if given[name].shape != shape:
            raise ShapeError(f"{what}: {name} has shape {show(given[name].shape)}, expected {show(shape)}.")
