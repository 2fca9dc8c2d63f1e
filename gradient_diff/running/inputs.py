"""Which arrays of a script are its x, its y and its weights: by value, else by shape, and by what hangs on them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from manual_mlp import Array, ShapeError

Path_ = tuple[str | int, ...]
"""A name of the script, and keys below it: ("params", "W1")."""
Binding = tuple[Path_, int]
"""A name, and which of the times that it is bound, from 1."""
END = 0
"""In place of a time: as it stands at the end, written in place or by its key."""
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
MOST_TRIED = 24  # arrays, each of which costs a run of the script


@dataclass(eq=False)
class Inputs:
    """The inputs of a script, as far as they are found.

    `bound` is what may be one, `all` that and what stands at the end; `run` gives all with others in their place.
    """

    bound: Mapping[Binding, Array]
    all: Mapping[Binding, Array]
    run: Callable[[Mapping[Binding, Array]], Mapping[Binding, Array]]
    found: dict[str, tuple[Binding, Way]] = field(default_factory=dict)
    changed: dict[Binding, frozenset[Binding]] = field(default_factory=dict)

    def find(self, wanted: Mapping[str, Array]) -> dict[str, tuple[Binding, Way]]:
        """By value; what is not found so by shape, where no other input has its shape."""
        for name, a in wanted.items():
            if by_value := list(self._by_value(name, a)):
                self.found[name] = self._first_read(name, by_value)
        lost = {n: a for n, a in wanted.items() if n not in self.found}
        shapes = {n: frozenset(way(a).shape for way in WAYS if stands(way, a)) for n, a in lost.items()}
        places = {n: list(self._by_shape(a)) for n, a in lost.items()}
        for name, a in lost.items():
            if not places[name] or sum(bool(shapes[name] & other) for other in shapes.values()) > 1:
                raise ShapeError(
                    f"The script holds no array that is {name} {a.shape} of what it is checked against: none by value, "
                    "nor as the only input of its shape. Let it read the very data and weights, with np.load or as "
                    "numbers."
                )
            others = [key for n in wanted if _computes(n, name) for key in self._keys(n, places)]
            self.found[name] = self._only_one(name, a, places[name], list(dict.fromkeys(others)))
        for name in wanted.keys() - lost.keys():
            self._check_not_bound_again(name)
        return self.found

    def _keys(self, name: str, places: Mapping[str, Sequence[tuple[Binding, Way]]]) -> list[Binding]:
        return [self.found[name][0]] if name in self.found else [key for key, _ in places[name]]

    def _check_not_bound_again(self, name: str) -> None:
        """Data that are standardised after they were read are others than those that they are by value."""
        (path, time), _ = self.found[name]
        value = self.bound[path, time]
        again = [k for k, a in self.bound.items() if k[0] == path and k[1] > time and a.shape == value.shape]
        if not again or all(_same(self.bound[k], value) for k in again):
            return
        computed = {k for n, (key, _) in self.found.items() if _computes(n, name) for k in self._hang_on(key)}
        changed = [k for k in again if k in self._hang_on((path, time)) and k not in computed and self._is_read(k)]
        if any(not _same_rows(self.bound[k], value) for k in changed):
            raise ShapeError(
                f"{spelled(path)} is {name} by value, and the script changes it before its network reads it: what it "
                "is checked against reads it as it is. Save the data and weights that the network sees."
            )

    @property
    def _taken(self) -> set[Path_]:
        return {path for (path, _), _ in self.found.values()}

    def _by_value(self, name: str, a: Array) -> Iterator[tuple[Binding, Way]]:
        labels = [_LABELS] if name == "y" and a.ndim == 2 and a.shape[1] > 1 else []
        ways = [*(way for way in WAYS if stands(way, a)), *labels]
        for key, value in self.bound.items():
            if key[0] not in self._taken and not is_marked(key[0]):
                yield from ((key, way) for way in ways if _equal(value, way(a)))

    def _by_shape(self, a: Array) -> Iterator[tuple[Binding, Way]]:
        for key, value in self.bound.items():
            if key[0] not in self._taken and not is_marked(key[0]) and not (a.ndim > 1 and is_filled(value)):
                yield from ((key, way) for way in WAYS if stands(way, a) and way(a).shape == value.shape)

    def _first_read(self, name: str, places: Sequence[tuple[Binding, Way]]) -> tuple[Binding, Way]:
        """Of arrays of one value, such as biases of 0: what is numbered as its kernel, and what a gradient hangs on."""
        keys = list(dict.fromkeys(key for key, _ in places))
        if len(keys) == 1:
            return places[0]
        kernel = self.found.get(f"{name.rpartition('/')[0]}/kernel")
        if kernel is not None and (alike := [p for p in places if _numbers(p[0]) == _numbers(kernel[0])]):
            places = alike
        return next((p for p in places if self._is_read(p[0])), places[0])

    def _only_one(
        self, name: str, a: Array, places: Sequence[tuple[Binding, Way]], others: Sequence[Binding]
    ) -> tuple[Binding, Way]:
        """Of arrays of one shape: the one that gradients hang on, and that hangs on none of the other inputs.

        Of a name that is bound again, scaled or standardised, it is what the network sees.
        """
        keys = list(dict.fromkeys(key for key, _ in places if key[0] not in self._taken))
        if len(keys) > 1:
            done = next((i for i, key in enumerate(self.bound) if is_marked(key[0])), len(self.bound))
            keys = [key for i, key in enumerate(self.bound) if key in keys and (i < done or key[1] == 1)]
            computed = {key for other in others[:MOST_TRIED] for key in self._hang_on(other)}
            free = [key for key in keys if key not in computed][:MOST_TRIED]
            read = [key for key in free if self._is_read(key)] or free  # of a wrong script none may be
            keys = self._without_aliases(list({path: (path, time) for path, time in read}.values()))
            keys = next(([key] for key in keys if self._hides(key, keys)), keys)
        if len(keys) != 1:
            told = ", ".join(spelled(path) for path, _ in keys) or "none that hangs on no other"
            raise ShapeError(
                f"Which array of the script is {name} {a.shape} of what it is checked against? None by value, and by "
                f"its shape it may be: {told}. Let it read the very data and weights, with np.load or as numbers."
            )
        return next(place for place in places if place[0] == keys[0])

    def _hides(self, key: Binding, keys: Sequence[Binding]) -> bool:
        """Whether gradients hang on the others by this one alone: data that are standardised under another name."""
        others = {k: _moved(self.bound[k]) for k in keys if k != key}
        again = self._again({**others, key: self.bound[key]})
        return again is not None and all(_same(a, again.get(k)) for k, a in self.all.items() if is_marked(k[0]))

    def _without_aliases(self, keys: Sequence[Binding]) -> list[Binding]:
        """Of names for one array the first."""
        kept: list[Binding] = []
        for key in keys:
            if not any(_same(self.bound[key], self.bound[other]) for other in kept):
                kept.append(key)
        return kept

    def _is_read(self, key: Binding) -> bool:
        return any(is_marked(path) for path, _ in self._hang_on(key))

    def _hang_on(self, key: Binding) -> frozenset[Binding]:
        """What is bound to something else where this is moved; nothing is known where the script then fails."""
        if key not in self.changed:
            again = self._again({key: _moved(self.bound[key])})
            moved = {} if again is None else {k: a for k, a in self.all.items() if not _same(a, again.get(k))}
            self.changed[key] = frozenset(moved) - {key}
        return self.changed[key]

    def _again(self, exchanged: Mapping[Binding, Array]) -> Mapping[Binding, Array] | None:
        """All that is bound then; None where the script fails."""
        try:
            return self.run(exchanged)
        except Exception:  # noqa: BLE001  # it is anybody's code
            return None


def _computes(other: str, name: str) -> bool:
    """Whether what hangs on another input cannot be this one: y may be made of x, and weights be scaled by it."""
    if other == name:
        return False
    return name == "x" or other not in ("x", "y") or (other == "y" and name != "y")


def _moved(a: Array) -> Array:
    """Other values of its kind, and no multiple of them: to standardise would undo that."""
    if a.dtype.kind != "f":
        return np.roll(a, 1)
    size = float(np.abs(a).mean()) or 1.0
    return a + (0.1 * size * np.sin(1.0 + np.arange(a.size)).reshape(a.shape)).astype(a.dtype)


def _same(a: Array, b: Array | None) -> bool:
    return b is not None and a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == b.dtype.kind == "f")


def _same_rows(a: Array, b: Array) -> bool:
    """The same samples, in whatever order."""
    return a.shape == b.shape and bool(a.ndim) and sorted(map(bytes, a)) == sorted(map(bytes, b))


def _numbers(key: Binding) -> list[str]:
    """By which it is told from others of its kind: 1 of W1, 0 of weights[0]."""
    return re.findall(r"\d+", str(key[0]))


def is_filled(a: Array) -> bool:
    """Whether one number is everywhere, as in what is added to later: no data, and no kernel, is so."""
    return a.size > 1 and bool((a == a.flat[0]).all())


def stands(way: Way, a: Array) -> bool:
    """Rows or columns are made of vectors alone, and of what has one column."""
    return way is WAYS[0] or (a.ndim == 2 and way is WAYS[1]) or a.ndim == 1 or (a.ndim == 2 and a.shape[1] == 1)


def _equal(a: Array, b: Array) -> bool:
    """As they were stored: numbers that were written in float32 are those of float64 rounded."""
    if a.shape != b.shape:
        return False
    return np.array_equal(a, b) or (a.dtype == np.float32 and np.array_equal(a, np.asarray(b, np.float32)))


def spelled(path: Path_) -> str:
    """As one writes it: params['W1']."""
    name, *keys = path
    return f"`{name}{''.join(f'[{key!r}]' for key in keys)}`"


def gradient_of(name: str, weight: Path_, a: Array, left: Mapping[Path_, Array]) -> Path_:
    """Where the gradient of a weight is left: by its name, or by its shape among what is named as a gradient."""
    marked = [p for p in left if is_marked(p)]
    named = [p for p in marked if _belongs(p, weight)]
    own = [p for p in marked if any(stands(way, a) and left[p].shape == way(a).shape for way in WAYS)]
    for found in ([p for p in named if p in own], named, own if len(own) == 1 else []):
        shortest = min((len(str(p)) for p in found), default=0)  # dW1, and not dW1_before or dW1_check
        if len(chosen := [p for p in found if len(str(p)) == shortest]) == 1:
            return chosen[0]
        if chosen:
            raise ShapeError(
                f"Which is the gradient of {spelled(weight)}, which is {name} {a.shape}: "
                f"{' or '.join(map(spelled, chosen))}? Leave one array that is named so, such as d{weight[0]}."
            )
    raise ShapeError(
        f"The script leaves no array that is named as the gradient of {spelled(weight)}, which is {name} {a.shape}: "
        f"expected one such as d{weight[0]}. It leaves {', '.join(spelled(p) for p in list(marked)[:6]) or 'none'}."
    )


def is_marked(path: Path_) -> bool:
    """Whether it is named as a gradient: dW1, grad_W, grads["W1"]."""
    return any(isinstance(key, str) and _MARKED.search(key) for key in path)


def _belongs(path: Path_, weight: Path_) -> bool:
    """Whether it is named as what belongs to a weight: dW1 to W1, grads["W1"] to params["W1"], dW[0] to W[0]."""
    (mine, at), (its, its_at) = (
        ([k for k in p if isinstance(k, str)][-1], [k for k in p if isinstance(k, int)]) for p in (path, weight)
    )
    return at == its_at and bool(re.search(rf"{re.escape(its)}(?!\d)", mine, re.IGNORECASE))
