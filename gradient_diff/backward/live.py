"""A forward and a backward function in NumPy that share a state, checked where that state lives."""

from __future__ import annotations

import linecache
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from gradient_diff.backward.calls import (
    Calls,
    named_gradients,
    named_outputs,
    named_parameter_gradients,
    upstream_of,
)
from gradient_diff.backward.singular import Singular
from gradient_diff.backward.subject import Subject, not_checked, prove_same_values, recast_or_none
from manual_mlp import Array
from manual_mlp.extend import Arrays


@dataclass(frozen=True, eq=False)
class LiveFunction(Subject):
    """A function of its inputs and of arrays that it reads, which are changed in place and put back afterwards.

    `inputs` is name → what forward gets, `skipped` says of which there is no derivative and why, `parameters` are the
    live arrays, and `start` is what they held.
    """

    title: str
    calls: Calls
    inputs: Mapping[str, Any]
    skipped: Mapping[str, str]
    parameters: Arrays
    start: Arrays
    computes_in: str = ""
    freeze: ClassVar[str] = (
        "Let forward draw from NumPy's own np.random, which is put back here, or make its generator anew in each call; "
        "and put back what else it changes: forward=lambda x: (reset(), layer.forward(x))[1]"
    )
    reset: ClassVar[str] = (
        "Does backward add to what is there? Set it to zero first: "
        "backward=lambda upstream: (zero_gradients(), layer.backward(upstream))[1]"
    )

    @cached_property
    def point(self) -> dict[str, Array]:
        """The inputs with a derivative and the parameters."""
        return {n: a for n, a in self.inputs.items() if n not in self.skipped} | dict(self.start)

    @property
    def names(self) -> tuple[str, ...]:
        """The inputs, then the parameters."""
        return (*self.inputs, *self.parameters)

    @property
    def weights(self) -> tuple[str, ...]:
        """The parameters."""
        return tuple(self.parameters)

    @property
    def left_out(self) -> str:
        """The inputs without a derivative."""
        return not_checked(self.skipped)

    @property
    def _floats(self) -> list[str]:
        return [n for n in self.inputs if n not in self.skipped]

    def called(self) -> dict[str, Array]:
        """Its outputs at the point; whatever it raises is let through."""
        return named_outputs(self.title, self.calls.run(self._placed(self.point)))

    def values(self, point: Arrays) -> dict[str, Array]:
        """The same at any point: NaN where it raises, or returns arrays of other shapes."""
        try:
            found = named_outputs(self.title, self.calls.run(self._placed(point)))
        except Exception:  # noqa: BLE001  # it ran at the point itself, and may refuse others for any reason
            found = {}
        like = self._like
        same = found.keys() == like.keys() and all(a.shape == like[n].shape for n, a in found.items())
        return found if same else {n: np.full_like(a, np.nan) for n, a in like.items()}

    @cached_property
    def _like(self) -> dict[str, Array]:
        return self.called()

    def gradients(self, point: Arrays, cotangents: Arrays) -> dict[str, Array]:
        """By backward, right after the forward pass, and what the parameters' own say then."""
        inputs = self._placed(point)
        outputs = self.calls.run(inputs)
        given = self.calls.run_back(upstream_of(outputs, cotangents), inputs)
        found = named_gradients(given, list(self.inputs), self._floats)
        if self.calls.gradients is not None:
            found |= named_parameter_gradients(self.calls.parameter_gradients(), list(self.parameters))
        return found

    def _placed(self, point: Arrays) -> list[Any]:
        """Write the parameters where they live; give copies of the inputs."""
        for name, array in self.parameters.items():
            array[...] = point[name]
        return [_copy(point.get(n, a)) for n, a in self.inputs.items()]

    @cached_property
    def in_float64(self) -> LiveFunction | None:
        """It on inputs of float64, where its parameters are, too: live arrays keep their dtype."""
        return self._in_dtype("float64")

    @cached_property
    def in_float32(self) -> LiveFunction | None:
        """The same in float32."""
        return self._in_dtype("float32")

    def _in_dtype(self, dtype: str) -> LiveFunction | None:
        if any(a.dtype.name != dtype for a in self.parameters.values()):
            return None
        cast = {n: a if n in self.skipped else a.astype(dtype) for n, a in self.inputs.items()}
        other = replace(self, inputs=cast)
        try:
            prove_same_values(self, other)
            return recast_or_none(self, other, dtype)
        except Exception:  # noqa: BLE001  # a function may refuse a dtype with any error of its own
            return None

    def computing_in(self, dtype: str) -> LiveFunction:
        """The same function, known to compute in no more than this dtype."""
        return replace(self, computes_in=dtype)

    @cached_property
    def singular(self) -> tuple[Singular, ...]:
        """What NumPy warns of on the way forward and back, and in which line."""
        inputs = self._placed(self.point)
        ones = {n: np.isfinite(np.asarray(a, np.float64)) * 1.0 for n, a in self.outputs.items()}
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            outputs = self.calls.run(inputs, "warn")
            self.calls.run_back(upstream_of(outputs, ones), inputs, "warn")
        found = [w for w in seen if issubclass(w.category, RuntimeWarning)]
        return tuple(dict.fromkeys(Singular(str(w.message), _where(w.filename, w.lineno), CURE) for w in found))

    @cached_property
    def doubts(self) -> Mapping[str, str]:
        """The parameters that change no value at all, wherever they are moved to: they may be copies."""
        rng, start = np.random.default_rng(0), self.values(self.point)
        found = {}
        for name, array in self.start.items():
            size = float(np.abs(array).max(initial=0.0)) or 1.0
            moved = {**self.point, name: (array + size * rng.normal(size=array.shape)).astype(array.dtype)}
            if all(np.array_equal(a, start[n], equal_nan=True) for n, a in self.values(moved).items()):
                found[name] = f"forward gives the same values whatever stands in {name}. {LIVE}"
        return found


CURE = "Keep its argument away from there, or add a small ε below a root, a logarithm or a division"
LIVE = "Is it the array that forward reads (layer.W), and no copy, nor one that it replaces? Or does nothing reach it?"


@contextmanager
def kept(arrays: Arrays) -> Iterator[dict[str, Array]]:
    """Within it arrays may be changed in place; afterwards they hold what they held. Gives copies of that."""
    held = {n: a.copy() for n, a in arrays.items()}
    try:
        yield held
    finally:
        for name, array in arrays.items():
            array[...] = held[name]


def changed_in_place(subject: LiveFunction, cotangents: Arrays) -> tuple[str, ...]:
    """The inputs that forward or backward changes."""
    given = [_copy(a) for a in subject.inputs.values()]
    made = subject.calls.run(given)
    subject.calls.run_back(upstream_of(made, cotangents), given)
    pairs = zip(subject.inputs.items(), given, strict=True)
    return tuple(n.partition("/")[2] for (n, a), b in pairs if isinstance(a, np.ndarray) and a.tobytes() != b.tobytes())


def _where(path: str, line: int) -> str:
    source = linecache.getline(path, line).strip()
    return f"{Path(path).name}, line {line}" + f", `{source}`" * bool(source)


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value
