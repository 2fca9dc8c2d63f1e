"""A script without functions as a derivation: its x, y and weights are exchanged as it binds them."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from gradient_diff.noise.draws import further_than_order
from gradient_diff.running.inputs import END, Binding, Inputs, Path_, Way, gradient_of, is_filled, is_marked, spelled
from gradient_diff.source.events import not_watching
from gradient_diff.source.quiet import quietly, same_draws
from gradient_diff.source.recorded import Recorded, follow, plain
from gradient_diff.source.text import compiled
from manual_mlp import Array, ShapeError
from manual_mlp.extend import Arrays

MOST_LEAVES = 500
MOST_LATER = 100  # bindings behind the first change of a weight
MOST_PARTS, MOST_SPELLED = 4, 8
MOST_TIMES = 8  # that a name is bound: data are standardised, weights scaled, and then a loop begins


class Space(dict[str, Any]):
    """A module's names. What is bound for the first times may be exchanged for something else, and is noted."""

    def __init__(self) -> None:
        super().__init__()
        self.begin({}, ())

    def begin(self, exchanged: Mapping[Binding, Array], weights: Iterable[Binding]) -> None:
        """Empty, for another run."""
        self.clear()
        self.weights, self.start = dict(weights), dict[Path_, Array]()
        self.at_first: dict[Path_, Array] = {}
        self.once: dict[Path_, Array] = {}
        self.steps = 0
        self.exchanged = exchanged
        self.bound: dict[Binding, Array] = {}
        self.times: Counter[Path_] = Counter()

    def __setitem__(self, name: str, value: Any) -> None:
        with not_watching():
            for path, a in islice(leaves(value, (name,)), MOST_LEAVES):
                self.times[path] += 1
                key = path, self.times[path]
                if key[1] <= MOST_TIMES:
                    self.bound[key] = np.array(plain(a))
                if key in self.exchanged:
                    value = _with(value, path[1:], self.exchanged[key])
                if self.weights.get(path) == key[1]:
                    self.start[path] = np.array(plain(self.exchanged.get(key, a)))
        super().__setitem__(name, value)
        if self.weights:
            with not_watching():
                self._look_for_a_step()

    def _look_for_a_step(self) -> None:
        """What is left by the first round of a training: gradients as they are when a weight first changes, or later.

        What is filled with one number is computed later, by a round in which the layers step one after the other.
        """
        if not self.steps and all(np.array_equal(plain(at(self, p)), a) for p, a in self.start.items()):
            return
        self.steps += 1
        if self.steps <= MOST_LATER:
            for name in [n for n in self if not n.startswith("__")]:
                for path, a in leaves(self[name], (name,)):
                    if self.steps == 1 and self.times[path] == 1:
                        self.once[path] = np.array(plain(a))
                    if is_marked(path) and path not in self.at_first and not is_filled(a):
                        self.at_first[path] = np.array(plain(a))


def leaves(value: Any, path: Path_) -> Iterator[tuple[Path_, Array]]:
    """The arrays in a value, in its dicts and lists."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        yield path, value
    elif isinstance(value, dict):
        for key, item in list(value.items()):
            if isinstance(key, str | int):
                yield from leaves(item, (*path, key))
    elif type(value) in (list, tuple) and not all(isinstance(v, int | float) for v in value):
        for i, item in enumerate(value):
            yield from leaves(item, (*path, i))


def at(value: Any, path: Path_) -> Any:
    """What stands there; None where nothing does any more."""
    for key in path:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _with(value: Any, path: Path_, other: Array) -> Any:
    if not path:
        return other
    key, *rest = path
    if isinstance(value, dict):
        return {**value, key: _with(value[key], tuple(rest), other)}
    return type(value)(_with(v, tuple(rest), other) if i == key else v for i, v in enumerate(value))


@dataclass(frozen=True, eq=False)
class Plan:
    """Where a script holds what it is given, and what it leaves.

    Attributes:
        inputs: "x", "y" or a parameter → where it is bound, and how it stands there.
        gradients: parameter → where its gradient is left.
    """

    inputs: Mapping[str, tuple[Binding, Way]]
    gradients: Mapping[str, Path_]


@dataclass(eq=False)
class Script:
    """A script as a function (parameters, x, y): it is run from its first line to its last at each call.

    Its arrays that are x, y and the weights are found by value in what it binds, or else by shapes that are the only
    ones of their kind, in any layout; its gradients by their names beside those of the weights, dW1 beside W1.
    """

    path: Path
    code: CodeType
    otherwise: str = ""  # what is said, too, where it is no such script
    space: Space = field(default_factory=Space)
    plan: Plan | None = None
    samples: list[int] | None = None  # of a script that goes through its data in parts: those of the first step

    @classmethod
    def of(cls, path: Path, text: str, otherwise: str = "") -> Script:
        file = str(path.resolve())
        return cls(path.resolve(), compiled(text, file), otherwise)

    def __post_init__(self) -> None:
        self.body = FunctionType(self.code, self.space, self.path.stem)
        self.__globals__ = self.space  # where tracing looks for what his names mean
        self.__name__ = self.path.stem

    def __call__(self, parameters: Arrays, x: Array, y: Array) -> dict[str, Array]:
        """The gradients by parameter."""
        if self.plan is None:
            try:
                self.plan = self._planned({n: plain(a) for n, a in parameters.items()}, plain(x), plain(y))
            except ShapeError as error:
                raise ShapeError(f"{error} {self.otherwise}".rstrip()) from None
            found = self._gradients(parameters, x, y)
            with not_watching():
                self.samples = self._first_part(found, parameters, plain(x), plain(y))
            return found
        return self._gradients(parameters, x, y)

    def _gradients(self, parameters: Arrays, x: Array, y: Array) -> dict[str, Array]:
        assert self.plan is not None
        given = {**parameters, "x": x, "y": y}
        with not_watching():
            exchanged = {p: _like(way(plain(given[n])), given[n]) for n, (p, way) in self.plan.inputs.items()}
        self._run(exchanged, (self.plan.inputs[n][0] for n in parameters))
        left = {**dict(self._left()), **self.space.at_first}
        return {n: left[path] for n, path in self.plan.gradients.items() if path in left}

    @property
    def told(self) -> str:
        """What was found, in a sentence."""
        if self.plan is None:
            return ""
        found = [f"{spelled(path)} is {n}" for n, ((path, _), _) in self.plan.inputs.items()]
        found += [f"{spelled(p)} the gradient of {n}" for n, p in self.plan.gradients.items()]
        part = (
            ""
            if self.samples is None
            else f" Its first step is made of {_spelled(self.samples)} alone, on which it is checked."
        )
        return f"A script, run as it is: {', '.join(found)}.{part}"

    def _run(self, exchanged: Mapping[Binding, Array], weights: Iterable[Binding] = ()) -> dict[Binding, Array]:
        """Its bindings, each as it was then."""
        self.space.begin(exchanged, weights)
        dict.update(self.space, __name__="__main__", __file__=str(self.path), __builtins__=__builtins__)
        with contextlib.redirect_stdout(io.StringIO()):
            self.body()
        return self.space.bound

    def _left(self) -> Iterator[tuple[Path_, Array]]:
        for name, value in list(self.space.items()):
            if not name.startswith("__"):
                yield from leaves(value, (name,))

    # finding

    def _first_part(self, whole: Arrays, parameters: Arrays, x: Array, y: Array) -> list[int] | None:
        """The samples that the first step is made of, where it is of some: with these alone it gives the same.

        What a loop over samples binds more than once before a step is no such part: it adds them up.
        """
        assert self.plan is not None
        parts = [a for a in self.space.once.values() if a.dtype.kind == "f"]
        for rows in islice(_parts(self.plan.inputs["x"][1](x), len(x), parts), MOST_PARTS):
            with contextlib.suppress(Exception), quietly(), same_draws():  # some scripts count their samples
                part = self._gradients({n: plain(a) for n, a in parameters.items()}, x[rows], y[rows])
                if not any(further_than_order(plain(a), part[n], len(rows) * a.size) for n, a in whole.items()):
                    return rows
        return None

    def _planned(self, parameters: Arrays, x: Array, y: Array) -> Plan:
        with same_draws():
            bound = self._run({})
        left = {p: np.array(a) for p, a in self._left()}

        def again(exchanged: Mapping[Binding, Array]) -> Mapping[Binding, Array]:
            with quietly():
                return {**self._run(exchanged), **{(p, END): np.array(plain(a)) for p, a in self._left()}}

        inputs = Inputs(bound, {**bound, **{(p, END): a for p, a in left.items()}}, again).find(
            {"x": x, "y": y, **parameters}
        )
        weights = {n: inputs[n][0][0] for n in parameters}
        taken = {path for (path, _), _ in inputs.values()}
        gradients = {}
        for name, a in parameters.items():
            rest = {p: v for p, v in left.items() if p not in taken}
            gradients[name] = gradient_of(name, weights[name], a, rest)
            taken.add(gradients[name])
        return Plan(inputs, gradients)


def _parts(x: Array, count: int, arrays: Iterable[Array]) -> Iterator[list[int]]:
    """The samples of which an array is, where it is of some of x, as x stands in the script."""
    for axis in [i for i, n in enumerate(x.shape) if n == count]:
        rows = np.moveaxis(x, axis, 0)
        for a in arrays:
            if a.ndim == x.ndim and a.shape[:axis] + a.shape[axis + 1 :] == rows.shape[1:] and a.shape[axis] < count:
                found = [_places(rows, row) for row in np.moveaxis(a, axis, 0)]
                if all(found):
                    yield [places[0] for places in found]


def _places(rows: Array, row: Array) -> list[int]:
    return [i for i, other in enumerate(rows) if np.array_equal(other, row)]


def _spelled(samples: list[int]) -> str:
    whole = samples == list(range(samples[0], samples[-1] + 1))
    if whole and len(samples) > 1:
        return f"samples {samples[0]} to {samples[-1]}"
    few = ", ".join(map(str, samples[:MOST_SPELLED])) + ", …" * (len(samples) > MOST_SPELLED)
    return f"sample {few}" if len(samples) == 1 else f"samples {few}"


def _like(a: Array, given: Array) -> Array:
    """A copy, which records where what was given does."""
    return follow(a.copy()) if isinstance(given, Recorded) else a.copy()
