"""A script without functions as a derivation: its x, y and weights are exchanged as it binds them."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from gradient_diff.source.events import not_watching
from gradient_diff.source.recorded import Recorded, follow, plain
from gradient_diff.source.text import compiled
from manual_mlp import Array, ShapeError
from manual_mlp.extend import Arrays

Path_ = tuple[str | int, ...]
"""A name of the script, and keys below it: ("params", "W1")."""
Way = Callable[[Array], Array]

WAYS: tuple[Way, ...] = (
    lambda a: a,
    lambda a: a.T,
    lambda a: a.reshape(-1, 1),
    lambda a: a.reshape(1, -1),
    np.ravel,
)
"""How an array of the reference may stand in a script."""
_LABELS: Way = lambda a: a.argmax(1)  # noqa: E731  # of one-hot rows
_MARKED = re.compile(r"^(?:d|g|nabla|delta)(?=[A-Z_0-9])|^[dg](?=[wbvuk]\w{0,3}$)|grad|Grad|GRAD|delta_|nabla_")
MOST_LEAVES = 500


class Space(dict[str, Any]):
    """A module's names. What is bound for the first time may be exchanged for something else, and is noted."""

    def __init__(self) -> None:
        super().__init__()
        self.exchanged: Mapping[Path_, Array] = {}
        self.bound: dict[Path_, Array] = {}

    def __setitem__(self, name: str, value: Any) -> None:
        new = [(path, a) for path, a in leaves(value, (name,)) if path not in self.bound]
        with not_watching():
            for path, a in new[:MOST_LEAVES]:
                self.bound[path] = np.array(plain(a))
                if path in self.exchanged:
                    value = _with(value, path[1:], self.exchanged[path])
        super().__setitem__(name, value)


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

    inputs: Mapping[str, tuple[Path_, Way]]
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
        given = {**parameters, "x": x, "y": y}
        with not_watching():
            exchanged = {p: _like(way(plain(given[n])), given[n]) for n, (p, way) in self.plan.inputs.items()}
        self._run(exchanged)
        left = dict(self._left())
        return {n: left[path] for n, path in self.plan.gradients.items() if path in left}

    @property
    def told(self) -> str:
        """What was found, in a sentence."""
        if self.plan is None:
            return ""
        found = [f"{spelled(p)} is {n}" for n, (p, _) in self.plan.inputs.items()]
        found += [f"{spelled(p)} the gradient of {n}" for n, p in self.plan.gradients.items()]
        return f"A script, run as it is: {', '.join(found)}."

    def _run(self, exchanged: Mapping[Path_, Array]) -> dict[Path_, Array]:
        """Its bindings, each as it was first."""
        self.space.clear()
        self.space.exchanged, self.space.bound = exchanged, {}
        dict.update(self.space, __name__="__main__", __file__=str(self.path), __builtins__=__builtins__)
        with contextlib.redirect_stdout(io.StringIO()):
            self.body()
        return self.space.bound

    def _left(self) -> Iterator[tuple[Path_, Array]]:
        for name, value in list(self.space.items()):
            if not name.startswith("__"):
                yield from leaves(value, (name,))

    # finding

    def _planned(self, parameters: Arrays, x: Array, y: Array) -> Plan:
        bound = {p: a.copy() for p, a in self._run({}).items()}
        left = {p: np.array(a) for p, a in self._left()}
        inputs = _inputs(bound, {"x": x, "y": y, **parameters})
        weights = {n: inputs[n][0] for n in parameters}
        taken = {p for p, _ in inputs.values()}
        gradients = {}
        for name, a in parameters.items():
            rest = {p: v for p, v in left.items() if p not in taken}
            gradients[name] = _gradient(name, weights[name], a, rest)
            taken.add(gradients[name])
        return Plan(inputs, gradients)


def spelled(path: Path_) -> str:
    """As one writes it: params['W1']."""
    name, *keys = path
    return f"`{name}{''.join(f'[{key!r}]' for key in keys)}`"


def _like(a: Array, given: Array) -> Array:
    """A copy, which records where what was given does."""
    return follow(a.copy()) if isinstance(given, Recorded) else a.copy()


def _inputs(bound: Mapping[Path_, Array], wanted: Mapping[str, Array]) -> dict[str, tuple[Path_, Way]]:
    """By value; what is not found so by shape, the first that is bound, where no other input has its shape."""
    found: dict[str, tuple[Path_, Way]] = {}
    for name, a in wanted.items():
        if (place := _by_value(bound, found, name, a)) is not None:
            found[name] = place
    lost = {n: a for n, a in wanted.items() if n not in found}
    shapes = [frozenset(way(a).shape for way in WAYS if _stands(way, a)) for a in lost.values()]
    for (name, a), own in zip(lost.items(), shapes, strict=True):
        taken = {q for q, _ in found.values()}
        free = {p: v for p, v in bound.items() if p not in taken and not (a.ndim > 1 and _is_filled(v))}
        same = [(p, way) for p, v in free.items() for way in WAYS if _stands(way, a) and way(a).shape == v.shape]
        if not same or sum(bool(own & other) for other in shapes) > 1:
            raise ShapeError(
                f"The script holds no array that is {name} {a.shape} of what it is checked against: none by value, nor "
                "as the only input of its shape. Let it read the very data and weights, with np.load or as numbers."
            )
        found[name] = same[0]
    return found


def _is_filled(a: Array) -> bool:
    """Whether one number is everywhere, as in what is added to later: no data, and no kernel, is so."""
    return a.size > 1 and bool((a == a.flat[0]).all())


def _by_value(
    bound: Mapping[Path_, Array], found: Mapping[str, tuple[Path_, Way]], name: str, a: Array
) -> tuple[Path_, Way] | None:
    taken = {p for p, _ in found.values()} | {p for p in bound if _is_marked(p)}
    labels = [_LABELS] if name == "y" and a.ndim == 2 and a.shape[1] > 1 else []
    ways = [way for way in WAYS if _stands(way, a)]
    places = ((p, way) for p, v in bound.items() if p not in taken for way in (*ways, *labels) if _equal(v, way(a)))
    return next(places, None)


def _stands(way: Way, a: Array) -> bool:
    """Rows or columns are made of vectors alone, and of what has one column."""
    return way is WAYS[0] or (a.ndim == 2 and way is WAYS[1]) or a.ndim == 1 or (a.ndim == 2 and a.shape[1] == 1)


def _equal(a: Array, b: Array) -> bool:
    """As they were stored: numbers that were written in float32 are those of float64 rounded."""
    if a.shape != b.shape:
        return False
    return np.array_equal(a, b) or (a.dtype == np.float32 and np.array_equal(a, np.asarray(b, np.float32)))


def _gradient(name: str, weight: Path_, a: Array, left: Mapping[Path_, Array]) -> Path_:
    """Where the gradient of a weight is left: by its name, or by its shape among what is named as a gradient."""
    marked = [p for p in left if _is_marked(p)]
    named = [p for p in marked if _belongs(p, weight)]
    own = [p for p in marked if any(_stands(way, a) and left[p].shape == way(a).shape for way in WAYS)]
    for found in ([p for p in named if p in own], named, own if len(own) == 1 else []):
        if found:
            return found[-1]
    raise ShapeError(
        f"The script leaves no array that is named as the gradient of {spelled(weight)}, which is {name} {a.shape}: "
        f"expected one such as d{weight[0]}. It leaves {', '.join(spelled(p) for p in list(marked)[:6]) or 'none'}."
    )


def _is_marked(path: Path_) -> bool:
    """Whether it is named as a gradient: dW1, grad_W, grads["W1"]."""
    return any(isinstance(key, str) and _MARKED.search(key) for key in path)


def _belongs(path: Path_, weight: Path_) -> bool:
    """Whether it is named as what belongs to a weight: dW1 to W1, grads["W1"] to params["W1"], dW[0] to W[0]."""
    (mine, at), (its, its_at) = (
        ([k for k in p if isinstance(k, str)][-1], [k for k in p if isinstance(k, int)]) for p in (path, weight)
    )
    return at == its_at and bool(re.search(rf"{re.escape(its)}(?!\d)", mine, re.IGNORECASE))
