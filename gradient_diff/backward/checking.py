"""check_backward: for a layer's own backward pass in NumPy."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gradient_diff.backward.calls import Calls, generators, restart, takes_inputs
from gradient_diff.backward.checks import diff_of
from gradient_diff.backward.evidence import Evidence
from gradient_diff.backward.live import LiveFunction, changed_in_place, kept
from gradient_diff.backward.subject import check_point
from gradient_diff.result.diff import GradientDiff
from manual_mlp import Array
from manual_mlp.extend import UNITS, Arrays, read_array

CURE = "Give inputs and parameters in float64, or other ones."
OTHERS = "Give other inputs."


def check_backward(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    inputs: object,
    *,
    parameters: Mapping[str, Array] | None = None,
    gradients: Callable[[], Any] | None = None,
) -> GradientDiff:
    """Hold a backward function in NumPy against the values of its forward function.

    With L = Σ ⟨c, output⟩ and c random, backward(c) has to be dL/d(input), and what the parameters' gradients hold
    afterwards dL/d(parameter). The reference is Ridders' extrapolation of L, for each entry of a small array, and for
    some entries and random directions of a large one. Where all of it runs in float64, it is judged there. Random
    numbers of `np.random` and `random` are the same in each pass. It needs no TensorFlow; its twin for functions that
    do is `gradient_diff.keras.check_function`.

    Args:
        forward: forward(*inputs) returns an array, or a tuple, list or dict of them.
        backward: backward(upstream), or backward(upstream, *inputs) if its signature asks for more; called right after
            forward. The upstream dL/d(output) has the shapes of what forward returned. It returns the gradient of the
            one input, or a tuple of one per input, None for an input without.
        inputs: one array, or a list or tuple of the arguments. Whole numbers, such as labels, have no derivative.
        parameters: name → the array that forward reads, itself: it is changed in place, and put back in any case.
        gradients: a function that returns the parameters' gradients after backward, by the same names.

    Returns:
        A `GradientDiff` with a row `inputs/<name>` per input and `parameters/<name>` per parameter. A value that jumps
        or has a kink at the point is a `KINK`.

    Raises:
        TypeError: forward or backward is no function or takes other arguments; what they return are no arrays;
            a parameter is no array that can be changed in place.
        ValueError: forward or backward raises, in its own words; NaN in inputs or parameters; a wrong number of
            gradients, or gradients of other names; nothing with a derivative.

    Source: Ridders, Advances in Engineering Software 4, 1982; for c, the projection of JAX's check_grads.

    Example:
        >>> import numpy as np
        >>> class Dense:
        ...     def __init__(self):
        ...         self.W = np.array([[0.5, -1.0], [2.0, 0.3], [1.0, 0.7]])
        ...     def forward(self, x):
        ...         self.x = x
        ...         return x @ self.W
        ...     def backward(self, dout):
        ...         self.dW = 2 * self.x.T @ dout
        ...         return dout @ self.W.T
        >>> layer = Dense()
        >>> diff = check_backward(
        ...     layer.forward,
        ...     layer.backward,
        ...     np.array([[1.0, -0.5, 0.2]]),
        ...     parameters={"W": layer.W},
        ...     gradients=lambda: {"W": layer.dW},
        ... )
        >>> [(row.name, row.status.name) for row in diff.rows], diff.causes[0].id
        ([('inputs/x', 'MATCH'), ('parameters/W', 'MISMATCH')], 'factor_two')
    """
    live = _parameters(parameters, gradients)
    read = _inputs(forward, inputs)
    _check_functions(forward, backward, gradients)
    states = generators()
    calls = Calls(forward, backward, gradients, takes_inputs(backward, len(read)), states)
    try:
        with kept(live) as start:
            return _checked(LiveFunction(_title(forward), calls, read, _skipped(read), live, start))
    finally:
        restart(states)


def _checked(subject: LiveFunction) -> GradientDiff:
    if not subject.point:
        listed = ", ".join(f"{n} ({why})" for n, why in subject.skipped.items()) or "it takes none"
        raise ValueError(f"{subject.title} has no input with a derivative: {listed}. Give it floats.")
    check_point(subject)
    evidence = Evidence(subject, None)
    changed = changed_in_place(subject, evidence.cotangents)
    fine = all(a.dtype == np.float64 for a in subject.point.values())
    return replace(diff_of(evidence, (), OTHERS if fine else CURE), changed=changed)


def _title(forward: Callable[..., Any]) -> str:
    owner = getattr(forward, "__self__", None)
    name = str(getattr(forward, "__name__", type(forward).__name__))
    return name if owner is None else f"{type(owner).__name__}.{name}"


def _check_functions(forward: object, backward: object, gradients: object) -> None:
    for name, given in (("forward", forward), ("backward", backward), ("gradients", gradients or print)):
        if not callable(given):
            how = "lambda: {'W': layer.dW}" if name == "gradients" else f"layer.{name}"
            raise TypeError(f"{name} is {type(given).__name__}: expected a function, such as {how}.")


# what it is given


def _inputs(forward: object, inputs: object) -> dict[str, Any]:
    """Name → array or what else was given, in the order of the arguments."""
    if isinstance(inputs, Mapping):
        raise TypeError("inputs is a dict: forward(*inputs) takes them by position. Give a list.")
    given = list(inputs) if isinstance(inputs, tuple | list) else [inputs]
    titles = _titles(forward, len(given))
    return {f"inputs/{title}": _read(title, value) for title, value in zip(titles, given, strict=True)}


def _titles(forward: object, count: int) -> list[str]:
    """Names of the positional parameters, where the function tells them; else numbers."""
    try:
        known = list(inspect.signature(forward).parameters.values())  # type: ignore[arg-type]  # it says what is none
    except (TypeError, ValueError):
        known = []
    ordinary = [p.name for p in known if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [*ordinary[:count], *map(str, range(len(ordinary), count))]


def _read(title: str, value: object) -> Any:
    if value is None or isinstance(value, bool | str | bytes) or callable(value):
        return value
    array = read_array(f"inputs: {title}", value, "A list or tuple is several arguments; one is np.array([...]).")
    if array.dtype.kind == "c":
        raise TypeError(f"inputs: {title} is {array.dtype}: only real functions can be checked.")
    if array.dtype.kind == "f" and array.dtype.name not in UNITS:
        raise TypeError(f"inputs: {title} is {array.dtype}: expected {', '.join(UNITS)}.")
    return value if array.dtype == object else array


def _skipped(inputs: Mapping[str, Any]) -> dict[str, str]:
    kinds = {n: a.dtype.name if isinstance(a, np.ndarray) else type(a).__name__ for n, a in inputs.items()}
    return {n: f"{kind} has no derivative" for n, kind in kinds.items() if kind not in UNITS}


def _parameters(parameters: object, gradients: object) -> Arrays:
    if parameters is None and gradients is None:
        return {}
    if not isinstance(parameters, Mapping):
        raise TypeError(
            f"parameters is {type(parameters).__name__}: expected a dict, name → the array that forward reads, "
            "such as {'W': layer.W}."
        )
    if parameters and gradients is None:
        raise TypeError("gradients= is missing: a function that reads the gradients of parameters= after backward.")
    for name, array in parameters.items():
        _check_live(name, array)
    for (a, one), (b, other) in itertools.combinations(parameters.items(), 2):
        if np.shares_memory(one, other):
            raise ValueError(f"parameters {a!r} and {b!r} share their memory: name each array once.")
    return {f"parameters/{name}": array for name, array in parameters.items()}


def _check_live(name: object, array: object) -> None:
    title = f"parameters[{name!r}]"
    if not isinstance(array, np.ndarray):
        raise TypeError(
            f"{title} is {type(array).__name__}: expected the NumPy array that forward reads, which can be changed in "
            "place. A number goes into an array: np.array(0.5)."
        )
    if array.dtype.name not in UNITS:
        raise TypeError(f"{title} is {array.dtype}: expected floats. What has no gradient is left out.")
    if not array.flags.writeable:
        raise ValueError(f"{title} cannot be written to: it has to be moved a little. Give one that can.")
