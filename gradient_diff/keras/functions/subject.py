"""A function under test: its values, and what its own gradient makes of a cotangent, at any point."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from gradient_diff.backward.overwritten import Overwriting
from gradient_diff.backward.singular import Singular
from gradient_diff.backward.subject import Subject, not_checked, prove_same_values, recast_or_none
from gradient_diff.keras.functions.arguments import Arguments
from gradient_diff.keras.functions.overwriting import gradients_of_the_last
from gradient_diff.keras.functions.singular import singular_operations
from gradient_diff.keras.functions.tracing import draws_in, inlined, traced
from gradient_diff.noise.draws import further_than_order
from keras_mlp import Mode, quiet_stderr
from keras_mlp.extend import made_for
from manual_mlp import Array
from manual_mlp.extend import UNITS, Arrays

Recast = Callable[["TapedFunction", str], "TapedFunction"]


@dataclass(frozen=True, eq=False)
class TapedFunction(Subject):
    """A function of named arrays: of its arguments and of the variables that it reads.

    `state` are variables that a call changes, put back before each one, so that each starts alike; `recast` makes the
    same function in another dtype; `computes_in` is the coarsest dtype that it is known to compute in, "" if its
    arguments and outputs tell. One that `draws` draws other numbers in another dtype, and others by XLA.
    """

    title: str
    function: Callable[..., Any]
    arguments: Arguments
    variables: Mapping[str, Any]
    state: Mapping[Any, Array]
    mode: Mode
    recast: Recast
    computes_in: str = ""
    draws: bool = False
    freeze: ClassVar[str] = "Freeze the seed: only a function of its inputs has a gradient"
    reset: ClassVar[str] = freeze

    @cached_property
    def point(self) -> dict[str, Array]:
        """Where it is checked: name → array, of each input and weight that has a derivative."""
        inputs = {n: a for n, a in self.arguments.leaves.items() if n not in self.arguments.skipped}
        return inputs | {n: np.array(v.numpy()) for n, v in self.variables.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """The arguments, then the variables."""
        return (*self.arguments.leaves, *self.variables)

    @property
    def weights(self) -> tuple[str, ...]:
        """The variables."""
        return tuple(self.variables)

    @property
    def left_out(self) -> str:
        """The arguments without a derivative."""
        return not_checked(self.arguments.skipped)

    def computing_in(self, dtype: str) -> TapedFunction:
        """The same function, known to compute in no more than this dtype."""
        return replace(self, computes_in=dtype)

    def values(self, point: Arrays) -> dict[str, Array]:
        """Its float outputs at any point, by name."""
        if self._by_xla:
            return self.fast(point)
        self.assign(point)
        return {n: t.numpy() for n, t in self._called(self._tensors(point)).items()}

    def fast(self, point: Arrays) -> dict[str, Array]:
        """The same as a graph where that can be had, for many points."""
        tensors = (t if point[n] is self.point[n] else tf.constant(point[n]) for n, t in self._start.items())
        return {n: t.numpy() for n, t in self._graph(*tensors).items()}

    def gradients(self, point: Arrays, cotangents: Arrays) -> dict[str, Array]:
        """What it says of Σ ⟨cotangent, output⟩: name → its gradient; a name is missing where it says None."""
        self.assign(point)
        upstream = [tf.constant(cotangents[n], a.dtype) for n, a in self.outputs.items()]
        found = self._differentiated(*(tf.constant(point[n]) for n in self._inputs), *upstream)
        return {n: np.array(g.numpy()) for n, g in found.items()}

    @cached_property
    def _inputs(self) -> list[str]:
        return [n for n in self.point if n not in self.variables]

    @cached_property
    def _differentiated(self) -> Callable[..., dict[str, Any]]:
        """(inputs, cotangents) → gradients, where the variables stand; in another mode than eager it is built once."""

        def run(*tensors: Any) -> dict[str, Any]:
            given, upstream = dict(zip(self._inputs, tensors, strict=False)), tensors[len(self._inputs) :]
            sources = {n: self.variables.get(n, given.get(n)) for n in self.point}
            with tf.GradientTape() as tape:
                tape.watch(list(given.values()))
                outputs = self._called(self._tensors(given))
            found = tape.gradient(list(outputs.values()), list(sources.values()), output_gradients=list(upstream))
            return {n: tf.convert_to_tensor(g) for n, g in zip(sources, found, strict=True) if g is not None}

        cotangents = (tf.constant(a) for a in self.outputs.values())
        return made_for(run, self.mode, *(self._start[n] for n in self._inputs), *cotangents)

    def assign(self, point: Mapping[str, Any]) -> None:
        """Set the variables, and what a call changes back to where it starts."""
        for variable, array in self.state.items():
            variable.deref().assign(array)
        for name, variable in self.variables.items():
            variable.assign(tf.cast(point[name], variable.dtype))

    @cached_property
    def in_float64(self) -> TapedFunction | None:
        """The same function computed in float64; None if it does not run there, or only in part."""
        return self._in_dtype("float64")

    @cached_property
    def in_float32(self) -> TapedFunction | None:
        """The same in float32."""
        return self._in_dtype("float32")

    def _in_dtype(self, dtype: str) -> TapedFunction | None:
        try:
            return recast_or_none(self, self.recast(self, dtype), dtype)
        except Exception:  # noqa: BLE001  # a function may refuse a dtype with any error of its own
            return None

    @property
    def _by_xla(self) -> bool:
        """Whether XLA computes its gradient: its values, too, since XLA rewrites and draws as it likes."""
        return self.mode == "xla"

    @cached_property
    def eagerly(self) -> Mapping[str, Array]:
        """Where XLA compiles it, and nothing that stands in it draws, its outputs as it runs without."""
        if not self._by_xla:
            return {}
        with inlined():  # what XLA draws that is not written there, such as weights anew, counts as its fault
            graph = traced(self.function, self.arguments)
        return {} if draws_in(graph) else replace(self, mode="eager").outputs

    @cached_property
    def singular(self) -> tuple[Singular, ...]:
        """Of its graph."""
        self.assign(self.point)
        return singular_operations(lambda: list(self._called(self._tensors(self.point)).values()))

    def overwriting(self, cotangents: Arrays) -> Overwriting | None:
        """Seen in its graph."""
        self.assign(self.point)

        def call() -> tuple[dict[str, Any], dict[str, Any]]:
            given = {n: tf.constant(self.point[n]) for n in self._inputs}
            return self._called(self._tensors(given)), {n: self.variables.get(n, given.get(n)) for n in self.point}

        return gradients_of_the_last(call, cotangents)

    def _tensors(self, point: Mapping[str, Any]) -> dict[str, Any]:
        given = {n: point.get(n, leaf) for n, leaf in self.arguments.leaves.items()}
        return {n: tf.constant(a) if isinstance(a, np.ndarray) else a for n, a in given.items()}

    def _called(self, tensors: Mapping[str, Any]) -> dict[str, Any]:
        positional, named = self.arguments.packed(tensors)
        return float_outputs(self.title, self.function(*positional, **named))

    @cached_property
    def _start(self) -> dict[str, Any]:
        return {n: tf.constant(a) for n, a in self.point.items()}

    @cached_property
    def _graph(self) -> Callable[..., dict[str, Any]]:
        start = self._start.values()

        def call(*tensors: Any) -> dict[str, Any]:
            given = dict(zip(self.point, tensors, strict=True))
            self.assign(given)  # within the graph: one by one from outside takes longer than most functions
            return self._called(self._tensors(given))

        try:
            with quiet_stderr():  # the compilers chat
                # One concrete function: tf.function itself would warn of retracing when many functions are checked.
                made = tf.function(call, autograph=False, jit_compile=self._by_xla)
                graph = made.get_concrete_function(*start)
                same = graph(*start)
        except Exception:  # noqa: BLE001  # plain Python may be no graph, for any reason; then it runs as it is
            return call
        if self._by_xla:
            return graph
        close = [not further_than_order(same[n].numpy(), a, self.terms) for n, a in self.outputs.items() if n in same]
        return graph if len(close) == len(self.outputs) and all(close) else call


def float_outputs(title: str, outputs: object) -> dict[str, Any]:
    """The float tensors among a function's outputs, by name; None, whole numbers and text have no derivative."""
    if any(inspect.isroutine(leaf) for leaf in keras.tree.flatten(outputs)):
        raise TypeError(
            f"{title} returns a function beside its values: is @tf.custom_gradient missing above it? "
            "With it TensorFlow takes the function for the gradient."
        )
    flat = {
        f"outputs/{'/'.join(map(str, path)) or '0'}": _tensor(title, leaf)
        for path, leaf in keras.tree.flatten_with_path(outputs)
        if leaf is not None
    }
    odd = [f"{n} ({t.dtype.name})" for n, t in flat.items() if t.dtype.is_complex]
    if odd:
        raise TypeError(f"{title} returns complex numbers: {', '.join(odd)}. Only real functions can be checked.")
    floats = {n: t for n, t in flat.items() if t.dtype.name in UNITS}
    if not floats:
        raise TypeError(
            f"{title} returns no tensor of floats: {', '.join(t.dtype.name for t in flat.values()) or None}."
        )
    return floats


def _tensor(title: str, output: Any) -> Any:
    try:
        return tf.convert_to_tensor(output)
    except (TypeError, ValueError) as error:
        kind = type(output).__name__
        raise TypeError(f"{title} returns no tensor, but {kind}: only dense tensors can be checked.") from error


def counted_title(title: str, taken: Collection[str]) -> str:
    """A name, with a number where others are called so, too."""
    alike = sum(n == title or n.startswith(f"{title}_") for n in taken)
    return f"{title}_{alike}" if alike else title


def recast_arguments(subject: TapedFunction, dtype: str) -> TapedFunction:
    """The same function on arguments of another dtype; only one without variables can follow."""
    if subject.variables:
        raise TypeError(f"{subject.title} reads variables, whose dtype is fixed.")
    leaves = {
        n: subject.point[n].astype(dtype) if n in subject.point else a for n, a in subject.arguments.leaves.items()
    }
    other = replace(subject, arguments=replace(subject.arguments, leaves=leaves))
    if subject.draws:
        prove_same_values(subject, other)
    return other
