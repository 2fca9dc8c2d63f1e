"""E as a plain function of the parameters, for those who differentiate it themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from manual_mlp import Array, Problem
from manual_mlp.extend import evaluate


class Energy:
    """E of a problem, a function of its parameters in their order; each point is computed once.

    A check by differences comes back to the same points for every gradient that it is shown of one network. What it is
    told there does not change by being remembered.
    """

    def __init__(self, problem: Problem, decay: float = 0.0) -> None:
        self.names = list(problem.trained)
        self.start = [problem.parameters[name] for name in self.names]
        self.dtype = problem.dtype
        self._data = {n: a for n, a in problem.environment.items() if n not in self.names}
        forward = set(problem.forward_nodes)
        self._equations = [e for e in problem.equations if e.node in forward]
        self._decay = decay
        self._known: dict[bytes, Any] = {}

    @property
    def size(self) -> int:
        """How many numbers E depends on."""
        return sum(array.size for array in self.start)

    def __call__(self, *parameters: Array) -> Any:
        """E, one number of the problem's dtype."""
        arrays = [np.asarray(a, self.dtype) for a in parameters]
        key = b"".join(a.tobytes() for a in arrays)
        if key not in self._known:
            self._known[key] = self._value(arrays)
        return self._known[key]

    def flat(self, theta: Array) -> Any:
        """E of all parameters in one vector."""
        return self(*self.split(theta))

    def split(self, theta: Array) -> list[Array]:
        """The parameters in a vector."""
        ends = np.cumsum([a.size for a in self.start])
        parts = np.split(np.asarray(theta), ends[:-1])
        return [part.reshape(a.shape) for part, a in zip(parts, self.start, strict=True)]

    def _value(self, arrays: list[Array]) -> Any:
        parameters = dict(zip(self.names, arrays, strict=True))
        real: Any = self.dtype.type
        with np.errstate(all="ignore"):
            value = evaluate(self._equations, {**self._data, **parameters})["loss"]
            if self._decay:
                kernels = (a for name, a in parameters.items() if name.endswith("/kernel"))
                value = value + real(self._decay) * sum(np.sum(W * W) for W in kernels)
        return real(value)
