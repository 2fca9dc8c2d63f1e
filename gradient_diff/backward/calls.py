"""How a forward and a backward function in NumPy are called, and their outputs and gradients by name."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from manual_mlp import Array
from manual_mlp.extend import UNITS, Arrays, read_array

CACHE = (
    "Keep what backward needs to yourself: def forward(*inputs): output, kept['cache'] = f(*inputs); return output; "
    "def backward(upstream): return df(upstream, kept['cache'])"
)


Floats: TypeAlias = Literal["ignore", "warn"]


@dataclass(frozen=True, eq=False)
class Calls:
    """A forward function, and what runs right after it.

    `with_inputs` says whether backward gets the inputs, too; `generators` how NumPy's and Python's own random numbers
    start at each forward pass.
    """

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    gradients: Callable[[], Any] | None
    with_inputs: bool
    generators: tuple[Any, Any]

    def run(self, inputs: Sequence[Any], floats: Floats = "ignore") -> Any:
        """One forward pass: what it draws is the same each time; `floats` is what NumPy does where a number is none."""
        np.random.set_state(self.generators[0])  # noqa: NPY002  # the one that most layers draw from
        random.setstate(self.generators[1])
        with np.errstate(all=floats, under="ignore"), _told("forward", inputs):
            return self.forward(*inputs)

    def run_back(self, upstream: Any, inputs: Sequence[Any], floats: Floats = "ignore") -> Any:
        """What backward makes of the pass just made."""
        given = inputs if self.with_inputs else ()
        with np.errstate(all=floats, under="ignore"), _told("backward", [upstream, *given]):
            return self.backward(upstream, *given)

    def parameter_gradients(self) -> Any:
        """What the parameters' gradients hold after that."""
        with _told("gradients", ()):
            return self.gradients() if self.gradients is not None else {}


@contextmanager
def _told(what: str, given: Sequence[Any]) -> Iterator[None]:
    """What somebody else's code raises, with what it was given."""
    try:
        yield
    except Exception as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        words = f"{type(error).__name__}: {str(error).rstrip('.')}"
        listed = ", ".join(map(_described, given)) or "nothing"
        raise kind(f"{what} fails on these inputs: {words}. It was given {listed}.") from error


def _described(value: Any) -> str:
    if isinstance(value, Mapping | tuple | list):
        return f"{type(value).__name__} of {len(value)}"
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__


def generators() -> tuple[Any, Any]:
    """Where NumPy's and Python's own random numbers stand."""
    return np.random.get_state(), random.getstate()  # noqa: NPY002  # to put it back


def restart(states: tuple[Any, Any]) -> None:
    """Put both back."""
    np.random.set_state(states[0])  # noqa: NPY002  # as it was
    random.setstate(states[1])


def takes_inputs(backward: Callable[..., Any], count: int) -> bool:
    """Whether a backward function wants (upstream, *inputs), or the upstream alone, by its signature."""
    try:
        signature = inspect.signature(backward)
    except (TypeError, ValueError):
        return False
    if any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values()):
        return True
    if _binds(signature, 1):
        return False
    if _binds(signature, 1 + count):
        return True
    raise TypeError(
        f"backward{signature} can be called neither with (upstream) nor with (upstream, *inputs), which are "
        f"{1 + count} arguments. One that takes nothing starts at E: write lambda upstream: upstream * backward()."
    )


def _binds(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


# outputs


def named_outputs(title: str, given: Any) -> dict[str, Array]:
    """The float arrays among what forward returned, copied; whole numbers have no derivative."""
    arrays = {f"outputs/{key}": _output(f"{title} returns {key}", item) for key, item in _items(given).items()}
    floats = {n: a for n, a in arrays.items() if a.dtype.name in UNITS}
    if not floats:
        kinds = ", ".join(a.dtype.name for a in arrays.values()) or type(given).__name__
        raise TypeError(f"{title} returns no array of floats: {kinds}. Does it end without a return?")
    return floats


def upstream_of(given: Any, cotangents: Arrays) -> Any:
    """Cotangents in the structure of what forward returned; None for an output without a derivative."""
    made = {key: _upstream(cotangents.get(f"outputs/{key}"), item) for key, item in _items(given).items()}
    if isinstance(given, Mapping):
        return made
    return tuple(made.values()) if isinstance(given, tuple | list) else made[0]


def _upstream(cotangent: Array | None, output: Any) -> Any:
    if cotangent is None:
        return None
    dtype = np.asarray(output).dtype
    return np.array(cotangent, dtype) if isinstance(output, np.ndarray) else dtype.type(cotangent)


def _items(given: Any) -> dict[Any, Any]:
    if isinstance(given, Mapping):
        return dict(given)
    return dict(enumerate(given)) if isinstance(given, tuple | list) else {0: given}


def _output(what: str, item: Any) -> Array:
    if inspect.isroutine(item):
        raise TypeError(f"{what} as a function. If that is the gradient, give it as backward, and return values alone.")
    if item is None or isinstance(item, Mapping | tuple | list) or not _is_number(item):
        raise TypeError(f"{what} as {type(item).__name__}: expected an array, or a tuple of arrays. {CACHE}.")
    array = np.array(item)
    if array.dtype.kind == "c":
        raise TypeError(f"{what} as {array.dtype}: only real functions can be checked. Return real and imaginary part.")
    return array


def _is_number(item: Any) -> bool:
    try:
        return np.asarray(item).dtype.kind in "fiubcV"
    except (TypeError, ValueError):
        return False


# gradients


def named_gradients(given: Any, names: Sequence[str], floats: Sequence[str]) -> dict[str, Array]:
    """Gradient by input; `floats` are the inputs that have a derivative. None is left out."""
    alone = names if len(names) == 1 else floats if len(floats) == 1 else ()
    if not isinstance(given, tuple | list):
        if given is not None and not alone:
            raise ValueError(_miscounted(1, names))
        given = (given,) * bool(alone) or (None,) * len(names)
        names = alone or names
    elif len(given) == len(floats) != len(names):
        names = floats
    if len(given) != len(names):
        raise ValueError(_miscounted(len(given), names))
    pairs = zip(names, given, strict=True)
    return {n: gradient(f"backward's gradient of {_short(n)}", g) for n, g in pairs if g is not None and n in floats}


def _miscounted(count: int, names: Sequence[str]) -> str:
    wanted = ", ".join(_short(n) for n in names)
    return (
        f"backward returned {count} gradient{'s' * (count != 1)} for {len(names)} inputs ({wanted}). Return one per "
        "input, in their order, and None for one without."
    )


def gradient(title: str, given: Any) -> Array:
    """A copy, since layers write into the same memory again."""
    array = np.array(read_array(title, given))
    if array.dtype.kind in "iub":
        return array.astype(np.float64)
    if array.dtype.name not in UNITS:
        raise TypeError(f"{title} is {array.dtype}: expected an array of floats.")
    return array


def named_parameter_gradients(given: Any, names: Sequence[str]) -> dict[str, Array]:
    """What `gradients` gives, by the parameters' names."""
    if isinstance(given, tuple | list) and len(given) == len(names):
        given = dict(zip(names, given, strict=True))
    if not isinstance(given, Mapping):
        raise TypeError(
            f"gradients() returned {type(given).__name__}: expected a dict with the names of parameters= "
            f"({', '.join(map(_short, names))}), or a list in their order."
        )
    by_name = {f"parameters/{key}": value for key, value in given.items()}
    if not by_name.keys() & set(names):
        raise ValueError(
            f"gradients() names {', '.join(map(str, given)) or 'nothing'}, and parameters= "
            f"{', '.join(map(_short, names))}. Use the same names in both."
        )
    found = {n: by_name.get(n) for n in names}
    return {n: gradient(f"gradients()[{_short(n)!r}]", g) for n, g in found.items() if g is not None}


def _short(name: str) -> str:
    return name.partition("/")[2]
