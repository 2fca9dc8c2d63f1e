"""What was handed over, read once: a side of a comparison, and both under the names of one problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from manual_mlp import Array, Evaluation, Problem, gradient_node
from manual_mlp.extend import LOSS, Arrays, read_array

Derivation: TypeAlias = Callable[[Mapping[str, Array], Array, Array], Mapping[str, Array]]
"""(parameters, x, y) → gradients, parameter name → array: what is under test, to be called on other data and nets."""


@dataclass(frozen=True, eq=False)
class Side:
    """Hand or reference as it was given: arrays by the caller's names, and the whole run where there is one."""

    arrays: Arrays
    run: Evaluation | None = None

    @classmethod
    def of(cls, title: str, given: Evaluation | Arrays, names: Mapping[str, str] | None = None) -> Side:
        """Read what was given; `title` is whose it is, for messages, `names` renames arrays."""
        if isinstance(given, Evaluation):
            return cls(given.gradients, given)
        return cls(_checked(title, with_loss(given), {} if names is None else names))

    @property
    def origin(self) -> str:
        """Who computed it."""
        return self.run.origin if self.run else "given arrays"

    def by_node(self, problem: Problem | None) -> dict[str, Array]:
        """node → array; parameter names become the names of their gradients' nodes."""
        if self.run:
            return {gradient_node(n): a for n, a in self.arrays.items()}
        parameters = problem.parameters if problem else {}
        return {gradient_node(n) if n in parameters else n: a for n, a in self.arrays.items()}


def with_loss(given: object) -> object:
    """(loss, gradients) or (gradients, loss) as one dict by name, as a function that returns both has it."""
    if not isinstance(given, tuple | list) or len(given) != 2:
        return given
    numbers = [item for item in given if not isinstance(item, Mapping | tuple | list) and np.size(item) == 1]
    held = [item for item in given if isinstance(item, Mapping)]
    return {LOSS: numbers[0], **held[0]} if len(numbers) == len(held) == 1 else given


def _checked(title: str, given: object, names: Mapping[str, str]) -> dict[str, Array]:
    if not isinstance(given, Mapping):
        raise TypeError(
            f"{title} is {type(given).__name__}: expected an Evaluation or a dict, name → array. {_instead(given)}"
        )
    if not given:
        raise ValueError(f"{title} is an empty dict: there is nothing to compare.")
    _check_keys(title, given)
    _check_names(names)
    unknown = names.keys() - given.keys()
    if unknown:
        raise ValueError(f"names= renames {', '.join(sorted(unknown))}, which {title} has not: {', '.join(given)}.")
    renamed = {names.get(n, n): checked_array(title, n, a) for n, a in given.items()}
    if len(renamed) != len(given):
        raise ValueError(f"names= sends two of {title}'s arrays to one name: {dict(names)}.")
    return renamed


def _instead(given: object) -> str:
    """How to come to a dict from what was given."""
    if is_model(given):
        return (
            "A model holds weights, no gradients: give those of a batch, or call gradient_diff.keras.check_gradients."
        )
    if isinstance(given, type):
        return "It is a class: give an object, or a function that returns the gradients."
    if hasattr(given, "backpropagate"):
        return "A description has no gradients: give what its backpropagate(parameters, x, y, loss) returns."
    if isinstance(given, str):
        return "Of a file read_gradients(path) gives one."
    return "Of a list say which is which: dict(zip(names, arrays))."


def is_model(given: object) -> bool:
    """Whether something is a model or a layer of Keras, or a module of PyTorch: they can be called, too."""
    return callable(given) and (hasattr(given, "trainable_weights") or hasattr(given, "named_parameters"))


def _check_keys(title: str, given: Mapping[object, object]) -> None:
    odd = next((key for key in given if not isinstance(key, str)), "")
    if not isinstance(odd, str):
        raise TypeError(
            f"{title} has the key {odd!r}, which is {type(odd).__name__}: expected names as text, such as "
            f"'dense_1/kernel'. {title} = {{str(key): array for key, array in {title}.items()}} makes them so."
        )


def _check_names(names: object) -> None:
    if not isinstance(names, Mapping):
        raise TypeError(f"names is {type(names).__name__}: {_RENAMING}.")
    for old, new in names.items():
        if not isinstance(old, str) or not isinstance(new, str):
            raise TypeError(f"names renames {old!r} to {new!r}: {_RENAMING}.")


_RENAMING = "expected a dict, hand's name → reference's name, such as names={'W1': 'dense_1/kernel'}"


def checked_array(title: str, name: str, value: object) -> Array:
    """An array of numbers, as it is."""
    if value is None:
        raise TypeError(f"{title}[{name!r}] is None: no gradient was computed.")
    array = read_array(f"{title}[{name!r}]", value)
    if array.dtype.kind not in "fiu" and array.dtype.name != "bfloat16":
        kind = array.dtype if array.ndim or array.dtype != object else type(value).__name__
        raise TypeError(f"{title}[{name!r}] is {kind}: expected an array of numbers.{_cure(value, array)}")
    return array


def _cure(value: object, array: Array) -> str:
    """How to make an array of numbers of it; empty where nobody knows."""
    if hasattr(value, "toarray"):
        return " It is sparse: give its .toarray()."
    if hasattr(value, "dense_shape"):
        return " It is sparse: give tf.convert_to_tensor of it, or tf.sparse.to_dense of a SparseTensor."
    if hasattr(value, "row_splits"):
        return " It is ragged: give its .to_tensor(), the same on both sides."
    if isinstance(value, Mapping):
        return " Give each array a name of its own, such as 'dense_1/kernel', in one dict."
    if array.dtype.kind == "c":
        return " Give its real and its imaginary part, each by a name."
    if array.dtype.kind == "b" or array.dtype.name.startswith(("float", "int", "uint")):
        return " Nothing is known of its rounding: give it as .astype('float32')."
    return ""


@dataclass(frozen=True, eq=False)
class Pair:
    """Hand and reference under the names of one problem, node → array.

    Attributes:
        problem: what both are of, where at least one side says so.
        runs: the whole evaluations of hand and reference, where given.
        origins: who computed them.
    """

    hand: Arrays
    reference: Arrays
    problem: Problem | None = None
    runs: tuple[Evaluation | None, Evaluation | None] = (None, None)
    origins: tuple[str, str] = ("given arrays", "given arrays")

    @classmethod
    def of(cls, hand: Side, reference: Side) -> Pair:
        """Both sides, of one problem: of two whole runs every node, else gradients and what the other side asks for."""
        problem = _common_problem(hand.run, reference.run)
        if hand.run and reference.run:
            h, r = _comparable(hand.run, reference.run), _comparable(reference.run, hand.run)
        else:
            h, r = hand.by_node(problem), reference.by_node(problem)
            if reference.run:
                r |= {n: reference.run.nodes[n] for n in h if n in reference.run.nodes}
            if hand.run:
                h |= {n: hand.run.nodes[n] for n in r if n in hand.run.nodes}
        return cls(h, r, problem, (hand.run, reference.run), (hand.origin, reference.origin))

    @cached_property
    def formulas(self) -> Mapping[str, tuple[str, str]]:
        """node → its layer and its equation, where the network is known."""
        return {e.node: (e.layer, e.formula) for e in self.problem.equations} if self.problem else {}

    @cached_property
    def order(self) -> list[str]:
        """The names of both sides in the order of the computation, then those that it does not know."""
        present = dict.fromkeys([*self.reference, *self.hand])
        known = [n for n in self.formulas if n in present]
        return [*known, *(n for n in present if n not in set(known))]

    @cached_property
    def known(self) -> Arrays:
        """Data, parameters and nodes, the hand's own where it brings them."""
        if self.problem is None:
            return {}
        hand, reference = self.runs
        nodes = [run.nodes for run in (reference, hand) if run]
        return {name: array for arrays in (self.problem.environment, *nodes) for name, array in arrays.items()}

    @cached_property
    def noisier(self) -> Problem | None:
        """Whose rounding to expect: where one side fuses the last activation into the loss, the other's longer way."""
        problems = [run.problem for run in self.runs if run]
        return next((p for p in problems if not p.fused), self.problem)


def _comparable(side: Evaluation, other: Evaluation) -> dict[str, Array]:
    """All nodes but those that exist on this side alone: steps on the way, and dE/dz of what only the other fuses."""
    equations = side.problem.equations
    extra = {e.node for e in equations if e.internal} - other.nodes.keys()
    if other.problem.fused and not side.problem.fused:
        extra |= {e.node for e in equations} - {e.node for e in other.problem.equations}
    return {name: array for name, array in side.nodes.items() if name not in extra}


def _common_problem(hand: Evaluation | None, reference: Evaluation | None) -> Problem | None:
    if hand and reference:
        _check_same(hand.problem, reference.problem)
    run = hand or reference
    return run.problem if run else None


def _check_same(a: Problem, b: Problem) -> None:
    mine, other = ({k: v for k, v in p.to_dict().items() if k != "fused"} for p in (a, b))
    differing = [key for key in dict.fromkeys([*mine, *other]) if mine.get(key) != other.get(key)]
    if not differing:
        left, right = a.environment, b.environment
        differing = [name for name, array in left.items() if not np.array_equal(array, right[name])]
    if differing:
        raise ValueError(
            f"The two Evaluations are of different problems: {', '.join(differing)} differ. "
            "Evaluate both sides on the same network, parameters and data."
        )
