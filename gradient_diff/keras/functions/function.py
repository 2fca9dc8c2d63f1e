"""check_function: for the gradient that comes with a tf.custom_gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf

from gradient_diff.backward.checks import diff_of
from gradient_diff.backward.evidence import Evidence
from gradient_diff.backward.subject import check_point
from gradient_diff.keras.functions.arguments import Arguments, read_arguments
from gradient_diff.keras.functions.calls import called, explained
from gradient_diff.keras.functions.subject import TapedFunction, counted_title, recast_arguments
from gradient_diff.keras.functions.tracing import draws_in, traced
from gradient_diff.result.diff import GradientDiff
from keras_mlp import Mode
from keras_mlp.extend import check_mode, start_devices
from manual_mlp import Array


def check_function(
    f: Callable[..., Any],
    inputs: object,
    reference: Callable[..., Any] | None = None,
    *,
    mode: Mode = "eager",
) -> GradientDiff:
    """Hold the gradient of a function, such as that of a `tf.custom_gradient`, against the function itself.

    With L = Σ ⟨c, output⟩ and c random, the tape's dL/d(input) runs through f's own gradient. The reference is the
    tape through a plain twin; without one it is Ridders' extrapolation of L, for each entry of a small array, and for
    some entries and random directions of a large one. Where f runs in float64, it is judged there.

    Args:
        f: takes tensors, returns a tensor or a list, tuple or dict of them; None, integers and text among them are
            left out. Variables that it reads are further inputs.
        inputs: one array, a list or tuple of positional arguments, or a dict of keyword arguments. Each may again be a
            list or dict of arrays. What has no derivative, such as whole numbers, is named in the diff's `remark`.
        reference: the same function without a gradient of its own. None for Ridders.
        mode: of f's gradient: "eager", "graph" or "xla".

    Returns:
        A `GradientDiff` with a row `inputs/<name>` per input, `weights/<name>` per variable, and `outputs/<name>` where
        there is a reference. Large arrays without one are compared along directions.

    Raises:
        ValueError: f and reference return different things; f changes its inputs; the inputs hold NaN; the gradient
            function returns a wrong number of gradients; f or its gradient raises, in f's own words.
        TypeError: f or reference is no function, or does not take these inputs, whole numbers among them; complex
            numbers, sparse tensors, no float output, or a gradient function without `variables=`.

    Source: Ridders, Advances in Engineering Software 4, 1982; for c, the projection of JAX's check_grads.

    Example:
        >>> import numpy as np
        >>> import tensorflow as tf
        >>> @tf.custom_gradient
        ... def softplus(x):
        ...     return tf.math.softplus(x), lambda upstream: tf.sigmoid(x)  # upstream is forgotten
        >>> diff = check_function(softplus, np.array([-1.0, 0.5, 2.0]))
        >>> diff.verdict.name, diff.causes[0].id
        ('MISMATCH', 'local_replaces_upstream')
    """
    start_devices()
    check_mode(mode)
    _check_functions(f, reference)
    arguments = read_arguments(f, inputs)
    functions = [f] if reference is None else [f, reference]
    graphs = [traced(g, arguments) for g in functions]
    variables = [_variables(g, arguments, graph) for g, graph in zip(functions, graphs, strict=True)]
    touched = list({v.ref(): v for found in variables for v in found}.values())
    with restored(touched) as state:
        changed = {ref for g in functions for ref in _changed(g, arguments, touched)}
        # Only what a call changes has to be put back before each one.
        common = arguments, _weights(touched), {ref: state[ref] for ref in changed}, mode, recast_arguments
        pairs = zip(functions, map(draws_in, graphs), strict=True)
        subject, *plain = (TapedFunction(_title(g), g, *common, draws=draws) for g, draws in pairs)
        words = ("it changes variables, which were put back",) if changed else ()
        return run_check(subject, plain[0] if plain else None, words, _cure(subject, bool(plain)))


def _check_functions(f: object, reference: object) -> None:
    if not callable(f):
        raise TypeError(f"f is {type(f).__name__}: expected a function. Write check_function(f, inputs).")
    if reference is not None and not callable(reference):
        raise TypeError(
            f"reference is {type(reference).__name__}: expected a function, or None. "
            "Several arguments of f go into one list: check_function(f, [a, b])."
        )


def _cure(subject: TapedFunction, twin: bool) -> str:
    """How to have more proved: only by what is not so already."""
    fine = all(a.dtype == np.float64 for a in subject.point.values())
    wishes = ([] if twin else ["reference="]) + (["other inputs"] if fine else ["float64 inputs", "or other ones"])
    return f"Give {', '.join(wishes) if not fine else ' or '.join(wishes)}."


def run_check(subject: TapedFunction, plain: TapedFunction | None, remarks: tuple[str, ...], cure: str) -> GradientDiff:
    """Check a subject whose state somebody puts back afterwards."""
    if not subject.point:
        raise ValueError(
            f"{subject.title} has no input with a derivative: {_listed(subject.arguments.skipped)}. Give it floats."
        )
    check_point(subject)
    if plain is not None:
        _same_outputs(subject, plain)
    evidence = Evidence(subject, plain)
    with explained(subject):  # asked first, so that what somebody else's code raises is told apart from our own
        evidence.hand  # noqa: B018
    if plain is not None:
        with explained(plain):
            plain.gradients(plain.point, evidence.cotangents)
    return diff_of(evidence, remarks, cure)


def _same_outputs(subject: TapedFunction, plain: TapedFunction) -> None:
    mine, other = ({n: a.shape for n, a in s.outputs.items()} for s in (subject, plain))
    if mine != other:
        raise ValueError(
            f"{subject.title} returns {_listed(mine)}, but {plain.title} returns {_listed(other)}. "
            "reference= has to be the same function, with the same outputs."
        )


def _listed(items: Mapping[str, Any]) -> str:
    return ", ".join(f"{n} {value}" for n, value in items.items()) or "nothing"


def _title(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def _variables(f: Callable[..., Any], arguments: Arguments, graph: Any | None) -> list[Any]:
    """All variables that a call touches; those of a trace where there is one, since a trace changes none."""
    if graph is not None:
        return list(graph.variables)
    with tf.GradientTape() as tape:
        called(_title(f), f, arguments)
    return list(tape.watched_variables())


def _weights(variables: list[Any]) -> dict[str, Any]:
    """Those with a gradient, by name; equal names are counted."""
    named: dict[str, Any] = {}
    for variable in variables:
        if variable.trainable and variable.dtype.is_floating:
            named[counted_title(f"weights/{variable.name.split(':')[0]}", named)] = variable
    return named


def _changed(f: Callable[..., Any], arguments: Arguments, variables: list[Any]) -> set[Any]:
    """Call it once: which variables it changes. Its own inputs it may not."""
    tensors = arguments.tensors
    inputs, held = _bytes(tensors), [v.numpy().tobytes() for v in variables]
    called(_title(f), f, arguments, tensors)
    mutated = [n for n, a in _bytes(tensors).items() if a != inputs[n]]
    if mutated:
        raise ValueError(f"{_title(f)} changes its own inputs: {', '.join(mutated)}. Let it work on a copy.")
    return {v.ref() for v, a in zip(variables, held, strict=True) if v.numpy().tobytes() != a}


def _bytes(tensors: Mapping[str, Any]) -> dict[str, bytes]:
    return {n: t.numpy().tobytes() for n, t in tensors.items() if isinstance(t, tf.Tensor) and t.dtype != tf.string}


@contextmanager
def restored(variables: Iterable[Any]) -> Iterator[dict[Any, Array]]:
    """Within it variables may be changed; afterwards they hold what they held. Gives variable.ref() → its value."""
    state = {v.ref(): v.numpy().copy() for v in variables}
    try:
        yield state
    finally:
        for variable, array in state.items():
            variable.deref().assign(array)
