"""Passes of a model over copies of its variables: eagerly or as a graph, in its own dtype or in float64."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from gradient_diff.keras.gradients.data import Data
from gradient_diff.keras.gradients.objective import Objective, check_reached, told
from gradient_diff.keras.gradients.train_steps import handed_over
from keras_mlp import Mode
from keras_mlp.extend import copied, kept_generators, layer_weights, made_for, recorded_draws, replayed_draws
from manual_mlp import Array

Draws: TypeAlias = tuple[Array, ...]
"""What layers draw in one pass, in order."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one pass gave: E, dE/dW by weight, what was drawn on the way, and from what outputs and penalties.

    `unreached` are the weights of which the tape says None.
    """

    loss: float
    gradients: dict[str, Array]
    draws: Draws
    outputs: tuple[tf.TensorSpec, ...]
    penalties: int = 0
    unreached: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Case:
    """Data, and weights in the model's order, where they are not its own."""

    data: Data
    weights: Sequence[Array] | None = None


@dataclass(frozen=True, eq=False)
class Runs:
    """One way to run: in another dtype on these draws; `exact`: with constants as written."""

    objective: Objective
    wanted: Sequence[str]
    dtype: str | None = None
    exact: bool = False
    draws: Draws | None = None
    exact_masks: bool = False

    def gradients(self) -> Outcome:
        """One eager pass from where the model stands."""
        return self.each([Case(self.objective.data)])[0]

    def each(self, cases: Iterable[Case]) -> list[Outcome]:
        """An eager pass of each case, all from where the model stands."""
        with self.passes() as run:
            return [run(self.objective, case) for case in cases]

    @contextmanager
    def passes(self) -> Iterator[Callable[[Objective, Case], Outcome]]:
        """Within it, eager passes of any E of the model, all from where the model stands."""
        model = self.objective.model
        with copied(model, self.dtype, self.exact) as copies:
            start = _start(copies)

            def run(objective: Objective, case: Case) -> Outcome:
                _assign(model, copies, start, case.weights)
                facts: dict[str, Any] = {}
                runs = replace(self, objective=objective)
                with kept_generators():
                    return _outcome(runs.differentiated(copies, facts, *runs.tensors(case.data)), facts)

            yield run

    def tensors(self, data: Data | None = None) -> tuple[Any, ...]:
        """The data as this run takes them."""
        return (data or self.objective.data).tensors(self.dtype or self.objective.stored)

    def differentiated(self, copies: dict[int, tf.Variable], facts: dict[str, Any], *data: Any) -> dict[str, Any]:
        """E, its gradients and the draws; `facts` are what is known when it is built."""
        objective = self.objective
        variables = layer_weights(objective.model)
        sources = {n: copies[id(variables[n])] for n in self.wanted}
        with self._drawing() as drawn:
            if objective.loss.stepped:
                with told(objective):
                    found = handed_over(objective.model, *data)
                total, facts["outputs"] = tf.zeros(()), ()
                gradients = [found.get(id(variables[n])) for n in self.wanted]
            else:
                with tf.GradientTape(persistent=True) as tape:
                    total, first, outputs = objective.value(*data, fine=self.dtype == "float64")
                flat = [o for o in keras.tree.flatten(outputs) if tf.is_tensor(o)]
                gradients = tape.gradient(total, list(sources.values()))
                if not objective.loss.empty and (total is not first or all(g is None for g in gradients)):
                    check_reached(tape, first, flat, list(sources.values()))
                facts["penalties"] = len(objective.model.losses)
                facts["outputs"] = tuple(tf.TensorSpec(o.shape, o.dtype) for o in flat)
        facts["unreached"] = frozenset(n for n, g in zip(sources, gradients, strict=True) if g is None)
        dense = {n: _dense(g, v) for (n, v), g in zip(sources.items(), gradients, strict=True)}
        return {"loss": total, **dense, **{f"{DRAW}{i}": d for i, d in enumerate(drawn or ())}}

    def _drawing(self) -> AbstractContextManager[list[Any] | None]:
        """Another dtype or XLA would draw other numbers."""
        return recorded_draws() if self.draws is None else replayed_draws(self.draws, self.exact_masks)

    def evaluated(self, copies: dict[int, tf.Variable], facts: dict[str, Any], *data: Any) -> dict[str, Any]:
        """E alone."""
        with self._drawing():
            return {"loss": tf.reduce_sum(self.objective.value(*data, fine=self.dtype == "float64")[0])}


DRAW = "draw "


def _dense(gradient: Any, variable: tf.Variable) -> Any:
    """No gradient is one of zeros; an Embedding's rows are added up."""
    return tf.zeros_like(variable) if gradient is None else tf.convert_to_tensor(gradient)


def _outcome(tensors: dict[str, Any], facts: dict[str, Any]) -> Outcome:
    arrays = {n: np.array(t.numpy()) for n, t in tensors.items()}
    draws = tuple(a for n, a in arrays.items() if n.startswith(DRAW))
    gradients = {n: a for n, a in arrays.items() if n != "loss" and not n.startswith(DRAW)}
    known = {n: facts[n] for n in ("outputs", "penalties", "unreached") if n in facts}
    return Outcome(float(arrays["loss"].sum()), gradients, draws, **{"outputs": (), **known})


def _start(copies: dict[int, tf.Variable]) -> dict[int, Array]:
    return {key: copy.numpy() for key, copy in copies.items()}


def _assign(
    model: keras.Model, copies: dict[int, tf.Variable], start: dict[int, Array], weights: Sequence[Array] | None
) -> None:
    """Let every copy hold what it held at the start, and weights others where they are given."""
    for key, array in start.items():
        copies[key].assign(array)
    for variable, array in zip(layer_weights(model).values(), weights or (), strict=weights is not None):
        copies[id(variable)].assign(tf.cast(array, copies[id(variable)].dtype))


class Traced:
    """Passes as one graph, built once, over copies that it keeps: nothing of the model is touched any more."""

    def __init__(self, runs: Runs, mode: Mode = "graph", values: bool = False) -> None:
        self._runs, self._facts = runs, dict[str, Any]()
        function = runs.evaluated if values else runs.differentiated
        model, like = runs.objective.model, runs.tensors()
        with copied(model, runs.dtype, runs.exact) as self._copies:
            self._start = _start(self._copies)
            if len(getattr(model, "outputs", None) or ()) > 1:  # Keras makes variables at the first call of such a loss
                runs.objective.value(*like, fine=runs.dtype == "float64")

            def call(*flat: Any) -> dict[str, Any]:
                with tf.name_scope("check"):  # below the root even the name of a class _Net is one
                    return function(self._copies, self._facts, *keras.tree.pack_sequence_as(like, list(flat)))

            self._run = made_for(call, mode, *keras.tree.flatten(like))

    def __call__(self, weights: Sequence[Array] | None = None) -> Outcome:
        """One pass from where the model stood, with other weights where these are given."""
        _assign(self._runs.objective.model, self._copies, self._start, weights)
        return _outcome(self._run(*keras.tree.flatten(self._runs.tensors())), self._facts)

    @property
    def graph(self) -> Any:
        """What was built, to look at."""
        return self._run.graph  # type: ignore[attr-defined]
