"""A function under test: its values, and what its own gradient makes of a cotangent, at any point."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gradient_diff.keras.functions.arguments import Arguments
from gradient_diff.keras.roundings import further_than_order
from gradient_diff.witnesses.along_a_line import value_noise
from keras_mlp import Mode, quiet_stderr
from keras_mlp.extend import made_for
from manual_mlp import Array
from manual_mlp.extend import GATE, UNITS, Arrays

BETWEEN = 2.0**-38  # float32 rounds by 2⁻²⁴, float64 by 2⁻⁵³

Recast = Callable[["Subject", str], "Subject"]


@dataclass(frozen=True, eq=False)
class Subject:
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

    @cached_property
    def point(self) -> dict[str, Array]:
        """Where it is checked: name → array, of each input and weight that has a derivative."""
        inputs = {n: a for n, a in self.arguments.leaves.items() if n not in self.arguments.skipped}
        return inputs | {n: np.array(v.numpy()) for n, v in self.variables.items()}

    @cached_property
    def outputs(self) -> dict[str, Array]:
        """Its float outputs at the point, by name."""
        return self.values(self.point)

    @cached_property
    def dtype(self) -> str:
        """The coarsest that is known to take part; its rounding is what to expect."""
        names = [a.dtype.name for arrays in (self.point, self.outputs) for a in arrays.values()]
        return max([*names, self.computes_in or "float64"], key=UNITS.__getitem__)

    def values(self, point: Arrays) -> dict[str, Array]:
        """Its float outputs at any point, by name."""
        if self._drawn_by_xla:
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
    def in_float64(self) -> Subject | None:
        """The same function computed in float64; None if it does not run there, or only in part."""
        return self._in_dtype("float64")

    @cached_property
    def in_float32(self) -> Subject | None:
        """The same in float32."""
        return self._in_dtype("float32")

    def _in_dtype(self, dtype: str) -> Subject | None:
        try:
            other = self.recast(self, dtype)
            ones = {n: np.ones_like(a) for n, a in other.outputs.items()}
            own, found = self.gradients(self.point, ones), other.gradients(other.point, ones)
            kinds = {a.dtype.name for a in (*other.outputs.values(), *found.values())}
        except Exception:  # noqa: BLE001  # a function may refuse a dtype with any error of its own
            return None
        if kinds != {dtype} or found.keys() != own.keys():  # a graph that is kept may know none of its variables
            return None
        return other if dtype != "float64" or responds(other) else None

    @property
    def _drawn_by_xla(self) -> bool:
        """Whether its gradient draws from XLA's own generator: its values have to, too."""
        return self.draws and self.mode == "xla"

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
                made = tf.function(call, autograph=False, jit_compile=self._drawn_by_xla)
                graph = made.get_concrete_function(*start)
                same = graph(*start)
        except Exception:  # noqa: BLE001  # plain Python may be no graph, for any reason; then it runs as it is
            return call
        if self._drawn_by_xla:
            return graph
        close = [not further_than_order(same[n].numpy(), a, self.terms) for n, a in self.outputs.items() if n in same]
        return graph if len(close) == len(self.outputs) and all(close) else call

    @cached_property
    def terms(self) -> int:
        """The most numbers that a sum in it can have, as far as its arguments and outputs tell."""
        return sum(a.size for arrays in (self.point, self.outputs) for a in arrays.values())


def float_outputs(title: str, outputs: object) -> dict[str, Any]:
    """The float tensors among a function's outputs, by name; None, whole numbers and text have no derivative."""
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


def recast_arguments(subject: Subject, dtype: str) -> Subject:
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


def prove_same_values(subject: Subject, other: Subject) -> None:
    """Raise unless another dtype gives the same values, up to what rounding usually comes to in sums so long."""
    unit, spread = max(UNITS[s.dtype] for s in (subject, other)), np.sqrt(subject.terms)
    for name, values in subject.outputs.items():
        a, b = (np.asarray(v, np.float64) for v in (values, other.outputs[name]))
        if not np.allclose(a, b, 0.0, GATE * unit * spread * np.abs(a).max(initial=0.0), equal_nan=True):
            raise ValueError(f"{subject.title} has other values in {other.dtype}: it is another function there.")


def responds(fine: Subject) -> bool:
    """Whether no part of a function that says float64 is computed in float32.

    Either its values follow a change far below what float32 holds, in proportion; or their own rounding, measured, is
    far below float32's. Rounding to float32 anywhere would give no response, or a jump.
    """
    rng = np.random.default_rng(0)
    signs = {n: rng.choice([-1.0, 1.0], a.shape) for n, a in fine.point.items()}
    own = {n: signs[n] * a for n, a in fine.point.items()}
    ways = {n: np.where(a == 0, signs[n], own[n]) for n, a in fine.point.items()}
    weights = {n: rng.uniform(0.5, 1.5, a.shape) for n, a in fine.outputs.items()}

    def response(step: float, ways: Arrays = ways) -> float:
        moved = fine.fast({n: a + step * ways[n] for n, a in fine.point.items()})
        return sum(float(np.nansum(weights[n] * (moved[n] - start))) for n, start in fine.outputs.items())

    with np.errstate(all="ignore"):
        # What is 0 would follow in every dtype: near 0 all have numbers.
        once, twice = response(2.0**-36, own), response(2.0**-35, own)
        if once != 0 and 1.5 < twice / once < 3.0:
            return True
        size = np.sqrt(sum(float(np.nansum(np.square(a))) for a in fine.outputs.values()))
        # What is 0 here, as x² is, is measured by what it grows to.
        seen = [(value_noise(response, s, side=1), max(size, abs(response(8 * s)))) for s in (1e-3, 1e-5)]
    return any(0 < noise < BETWEEN * reached for noise, reached in seen)
