"""One step of a Keras optimizer from given gradients, on stand-ins for weights and state: nothing given is changed."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gradient_diff.keras.gradients.loss.resolved import KerasError
from manual_mlp import Array
from manual_mlp.extend import UNITS, Arrays

PROBES = 3  # of a state that is led back: one entry of it may hang on another
_CANCELLED = 64.0  # unit roundoffs: what is left of a difference is none

Weights = Mapping[str, Any]
"""name → Keras variable, as it stands before the step."""


@dataclass(frozen=True, eq=False)
class Choice:
    """An optimizer that may have made a step.

    `state` is what it starts from: its own ("given"), a fresh one, or the one before a step of its own ("earlier").
    `settings` are others than its own. `constrained` is whether the constraints of the weights are applied, `finalized`
    whether averaged weights are put in at the end, as `fit` does. `exact` computes in float64 with constants as
    they were said: Keras brings each to float32, also in a float64 model, and 1 − β₂ᵗ loses what 0.999 was rounded by.
    `words` say what it is, `argument` how a caller says it.
    """

    optimizer: Any
    words: str
    argument: str = ""
    state: str = "given"
    settings: Mapping[str, Any] = field(default_factory=dict)
    constrained: bool = True
    finalized: bool = False
    exact: bool = False

    @property
    def rate(self) -> float | None:
        """The learning rate of its step; None of one that has several."""
        return self.settings.get("learning_rate", rate_of(self.optimizer))

    @property
    def steps(self) -> int:
        """How many were taken before."""
        return int(np.asarray(self.optimizer.iterations)) if self.optimizer.built and self.state != "fresh" else 0

    def moves(self, weights: Weights, gradients: Arrays, swayed: Arrays | None = None) -> dict[str, Array]:
        """name → W_after − W_before, in float64; a weight without a gradient is left out of the step.

        `swayed` is name → by how much of its largest entry to change what is held of earlier gradients.
        """
        places = {n: _stand_in(v, self.constrained, "float64" if self.exact else v.dtype) for n, v in weights.items()}
        before = {n: p.numpy().astype(np.float64) for n, p in places.items()}
        optimizer = self._copied(list(weights.values()), list(places.values()))
        if optimizer.built and self.state != "fresh" and self.optimizer.built:
            _sway(optimizer, places, swayed or {})
        pairs = [(gradients[n], p) for n, p in places.items() if n in gradients]
        try:
            if self.state == "earlier":
                _lead_back(optimizer, pairs)
            _apply(optimizer, pairs)
            if self.finalized:
                optimizer.finalize_variable_values(list(places.values()))
        except Exception as error:
            raise KerasError(f"Keras itself cannot take a step of {self.words} on these weights: {error}") from error
        return {n: p.numpy().astype(np.float64) - before[n] for n, p in places.items()}

    def at(self, rate: float) -> Choice:
        """The same at another learning rate."""
        settings = {**self.settings, "learning_rate": rate}
        words = spelled(self.optimizer, settings)
        return replace(self, settings=settings, words=words, argument=f"optimizer={words}")

    def _copied(self, weights: Sequence[Any], places: Sequence[Any]) -> Any:
        """An optimizer of the same settings and state for other variables."""
        optimizer = self.optimizer
        try:
            twin = _again(optimizer, self.settings)
            _exclude(optimizer, twin, weights, places)
            if self.exact:  # what it starts from, too: an accumulator of 0.1
                _make_exact(twin)
            twin.build(places)
        except Exception as error:
            kind = type(optimizer).__name__
            raise KerasError(
                f"optimizer={kind} cannot be made again from its config, so that no step can be replayed: {error}. "
                "Give it a get_config and a from_config that make it again."
            ) from error
        if optimizer.built and self.state != "fresh":
            _take_over(twin, optimizer, kept="learning_rate" in self.settings)
        return twin


def rate_of(optimizer: Any) -> float | None:
    """The learning rate of the next step; None of one that has several."""
    try:
        return float(np.asarray(optimizer.learning_rate))
    except AttributeError:
        return None


def said_rate(optimizer: Any) -> float | None:
    """The same as it was said: Keras holds 0.01 in float32, also of a float64 model, and a schedule computes there."""
    rate = getattr(optimizer, "_learning_rate", None)
    if isinstance(rate, keras.Variable):
        return float(str(rate.numpy()))
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        return float(np.asarray(_exact_rate(rate)(np.float64(optimizer.iterations.numpy()))))
    return rate_of(optimizer)


def spelled(optimizer: Any, settings: Mapping[str, Any]) -> str:
    """How a caller writes it, with these settings: its rate, and whatever is not the default."""
    rate = settings.get("learning_rate", rate_of(optimizer))
    others = (f"{k}={v}" for k, v in _others(optimizer, settings).items() if k not in ("name", "learning_rate"))
    shown = [*([] if rate is None else [f"{rate:.6g}"]), *others]
    return f"keras.optimizers.{type(optimizer).__name__}({', '.join(shown)})"


def _others(optimizer: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that are not the default; of one that cannot be made without any, those that are named."""
    try:
        default = config_of(type(optimizer)())
    except TypeError:
        return dict(settings)
    return {k: v for k, v in {**config_of(optimizer), **settings}.items() if k in settings or v != default.get(k)}


def _take_over(twin: Any, optimizer: Any, kept: bool) -> None:
    """Let an optimizer start from the state of another one; its learning rate may be kept."""
    given, own = optimizer.variables, twin.variables
    if [tuple(v.shape) for v in given] != [tuple(v.shape) for v in own]:
        raise KerasError(
            "optimizer= was built for other weights than this model's: pass one that was built for its trainable "
            "weights, or one that is not built yet."
        )
    for variable, state in zip(own, given, strict=True):
        if not (kept and _is_rate(variable)):
            variable.assign(tf.cast(state.value, variable.dtype))


def _sway(optimizer: Any, places: Weights, swayed: Arrays) -> None:
    """Change what is held of earlier gradients: a sum of squares by what changes its root."""
    for name, off in swayed.items():
        of_weight = f"/{places[name].path.replace('/', '_')}_"
        for state in (v for v in optimizer.variables if of_weight in v.path and tuple(v.shape) == off.shape):
            held = np.asarray(state.numpy(), np.float64)
            root = np.sqrt(held) if (held >= 0).all() else held
            moved = root + off * np.abs(root).max(initial=0.0)
            state.assign((np.maximum(moved, 0.0) ** 2 if root is not held else moved).astype(state.dtype))


def _stand_in(variable: Any, constrained: bool, dtype: str) -> Any:
    """A Keras variable of the same path and constraint, which holds a copy."""
    place = copy.copy(variable)
    name = variable.value.name.partition(":")[0]
    object.__setattr__(place, "_value", tf.Variable(tf.cast(variable.value, dtype), name=name, trainable=True))
    object.__setattr__(place, "_dtype", dtype)
    if not constrained:
        object.__setattr__(place, "_constraint", None)
    return place


def _apply(optimizer: Any, pairs: Sequence[tuple[Any, Any]]) -> None:
    """One step; the optimizer takes gradients of a loss that it has scaled."""
    scale = float(np.asarray(optimizer.scale_loss(tf.ones(()))))
    if pairs:
        gradients = [tf.cast(g, p.dtype) * tf.cast(scale, p.dtype) for g, p in pairs]
        optimizer.apply(gradients, [p for _, p in pairs])


def _again(optimizer: Any, settings: Mapping[str, Any]) -> Any:
    """A fresh one of the same settings; what computes a learning rate is shared, since it holds no state."""
    config = config_of(optimizer)
    rate = getattr(optimizer, "_learning_rate", None)
    if callable(rate):
        config["learning_rate"] = rate
    return type(optimizer).from_config({**config, **settings})


def _make_exact(settings: Any) -> None:
    """Let an optimizer or a schedule compute with its constants in float64: Keras keeps the dtype of a NumPy number."""
    for name, value in list(vars(settings).items()):
        if name == "_learning_rate":
            settings._learning_rate = _exact_rate(value)  # noqa: SLF001  (the setter takes no number of another dtype)
        elif name == "inner_optimizer":
            _make_exact(value)
        elif isinstance(value, float):
            setattr(settings, name, np.float64(value))


def _exact_rate(rate: Any) -> Any:
    """What gives a rate in float64: a schedule's, or the decimal number that a float32 was said as."""
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        schedule = copy.copy(rate)
        _make_exact(schedule)
        return schedule
    return rate if not isinstance(rate, keras.Variable) else lambda: np.float64(str(rate.numpy()))


def config_of(optimizer: Any) -> dict[str, Any]:
    """The settings of an optimizer, as it tells them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a lambda that computes the rate, which is not read from here
        return dict(optimizer.get_config())


def _exclude(optimizer: Any, twin: Any, weights: Sequence[Any], places: Sequence[Any]) -> None:
    """Weights that were excluded from weight decay are no part of a config."""
    inner = getattr(optimizer, "inner_optimizer", None)
    if inner is not None:
        _exclude(inner, twin.inner_optimizer, weights, places)
    excluded: set[Any] = getattr(optimizer, "_exclude_from_weight_decay", set())
    pattern = getattr(optimizer, "_exclude_from_weight_decay_pattern", None)
    if excluded or pattern:
        known = optimizer._trainable_variables or weights  # noqa: SLF001  (Keras tells it no other way)
        pairs = zip(known, places, strict=True)
        out = [p for v, p in pairs if optimizer._var_key(v) in excluded]  # noqa: SLF001
        twin.exclude_from_weight_decay(var_list=out, var_names=[pattern.pattern] if pattern else None)


def _lead_back(optimizer: Any, pairs: Sequence[tuple[Any, Any]]) -> None:
    """Lead a state back to that before a step with these gradients.

    Averages, velocities and sums are linear in what they were: two probes give slope and offset of every entry.
    """
    start = [(p, p.numpy()) for _, p in pairs]
    count, after = _counters(optimizer), {id(v): v.numpy() for v in optimizer.variables}
    states = [v for v in optimizer.variables if v.dtype.startswith(("float", "bfloat"))]

    def stepped(held: Mapping[int, Array]) -> dict[int, Array]:
        for v in optimizer.variables:
            v.assign(after[id(v)] - 1 if id(v) in count else held.get(id(v), after[id(v)]))
        _apply(optimizer, pairs)
        found = {id(v): np.asarray(v.numpy(), np.float64) for v in states}
        for place, array in start:
            place.assign(array)
        return found

    earlier = {id(v): np.zeros(v.shape) for v in states if not _is_rate(v)}
    for _ in range(PROBES):
        offset, moved = stepped(earlier), stepped({k: a + after[k] for k, a in earlier.items()})
        for v in states:
            if (key := id(v)) in earlier:
                earlier[key] = _solved(earlier[key], after[key].astype(np.float64), offset[key], moved[key])
    for v in optimizer.variables:
        v.assign(after[id(v)] - 1 if id(v) in count else earlier.get(id(v), after[id(v)]))


def _solved(probe: Array, after: Array, offset: Array, moved: Array) -> Array:
    """x with f(x) = after, of a linear f by f(probe) = offset and f(probe + after) = moved; 0 where nothing is left."""
    with np.errstate(all="ignore"):
        slope = (moved - offset) / after
        found = probe + (after - offset) / slope
        small = np.abs(found) <= _CANCELLED * UNITS["float32"] * (np.abs(after) + np.abs(offset)) / np.abs(slope)
    found = np.where(np.isfinite(found) & ~small, found, 0.0)
    return np.maximum(found, 0.0) if (after >= 0).all() else found


def _counters(optimizer: Any) -> set[int]:
    """The variables that count steps."""
    return {id(v) for v in optimizer.variables if "iteration" in v.name and int(v.numpy()) > 0}


def _is_rate(variable: Any) -> bool:
    return "learning_rate" in variable.name
