"""What files are held against: a reference of either kind, its names, its noise, and what is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gradient_diff.files.capture import Capture
from gradient_diff.files.naming import listed, matched
from gradient_diff.files.reading import read_gradients
from gradient_diff.noise.given import measured_noise
from gradient_diff.noise.network import Noise
from manual_mlp import Array, Evaluation, gradient_node
from manual_mlp.extend import Arrays

_MOST, _MOST_AT_LEAST = 64, 2**20  # times the reference, in float64; and bytes


@dataclass(frozen=True, eq=False)
class Reference:
    """What all files are held against.

    Attributes:
        side: an Evaluation, or name → array.
        parameters: parameter → gradient, in order; empty if the file keeps no order.
        others: more names.
        origin: the file's name.
        noise: how much rounding to expect, where the caller names it.
        rtol: or his own tolerance.
        judged_by: see `gradient_diff.cli.marks_folder.digest`; empty where no folder is written.
        captured: the file of `gradient-diff capture` that it is, and that says how much is rounding.
    """

    side: Evaluation | Arrays
    parameters: Arrays
    others: tuple[str, ...]
    origin: str
    noise: Noise | None = None
    rtol: float | None = None
    judged_by: str = ""
    captured: Capture | None = None

    @property
    def most(self) -> int:
        """Bytes of arrays that a file held against it may have, with nodes and data of its own."""
        run = self.side if isinstance(self.side, Evaluation) else None
        arrays = [*run.nodes.values(), *run.problem.environment.values()] if run else list(self.side.values())  # type: ignore[union-attr]
        return _MOST * 8 * sum(a.size for a in arrays) + _MOST_AT_LEAST


def reference_of(side: Evaluation | Arrays, origin: str) -> Reference:
    """Names and order of a reference; only an archive and an Evaluation keep an order."""
    if not isinstance(side, Evaluation) and _is_handout(side):
        raise ValueError(
            f"{origin} holds x and y beside its other arrays, as the handout of a problem does: parameters and data, "
            "and not gradients. The reference is the file that `gradient-diff problem` wrote to --out."
        )
    if isinstance(side, Evaluation):
        parameters = {
            name: side.gradients[name] for name in side.problem.mlp.parameter_shapes if name in side.gradients
        }
        nodes = {gradient_node(name) for name in parameters}  # they have the parameter's name
        return Reference(side, parameters, tuple(name for name in side.nodes if name not in nodes), origin)
    kept = origin.lower().endswith(".npz")
    return Reference(side, side if kept else {}, () if kept else tuple(side), origin)


def _is_handout(arrays: Arrays) -> bool:
    """Parameters of layers, with x and y: one sample each in their rows."""
    others = arrays.keys() - {"x", "y"}
    if len(others) != len(arrays) - 2 or not others or not all("/" in name for name in others):
        return False
    return bool(arrays["x"].ndim and arrays["y"].ndim and len(arrays["x"]) == len(arrays["y"]))


def with_noise(reference: Reference, path: Path, float64: bool) -> Reference:
    """Rounding measured from a second set of the reference's gradients.

    A tensor of which both sets are bit-equal says nothing of rounding, and is left out.
    """
    arrays = _node_names(reference, _gradients(read_gradients(path)))
    first = _gradients(reference.side)
    values = {
        gradient_node(n) if n in reference.parameters and _has_problem(reference) else n: a for n, a in first.items()
    }
    coarse = [name for name in values if name in arrays and arrays[name].dtype != np.float64]
    if float64 and coarse:
        raise ValueError(
            f"{path}: {coarse[0]} is {arrays[coarse[0]].dtype}. Compute this set in float64, or use --repeat."
        )
    try:
        noise = measured_noise(values, arrays)
    except ValueError as error:
        raise ValueError(f"{path} does not fit the reference. {error}") from None
    told = {name: sigma for name, sigma in noise.sigma.items() if sigma.any()}
    if not told:
        text = "bit-equal to the reference, which says nothing about rounding"
        raise ValueError(f"{path} is {text}. Repeat the run in another order of summation, or give a float64 set.")
    return replace(reference, noise=replace(noise, sigma=told))


def _has_problem(reference: Reference) -> bool:
    return isinstance(reference.side, Evaluation)


def _gradients(side: Evaluation | Arrays) -> Arrays:
    return side.gradients if isinstance(side, Evaluation) else side


def _node_names(reference: Reference, arrays: Arrays) -> dict[str, Array]:
    """Under the names that rows have."""
    named = matched(arrays, reference.parameters, reference.others)
    if not _has_problem(reference):
        return named
    return {gradient_node(n) if n in reference.parameters else n: a for n, a in named.items()}


def check_no_handout(file: Path, hand: Arrays, reference: Reference) -> None:
    """Refuse the handout itself, or the parameters that it holds, handed in for gradients."""
    own = reference.side.problem.parameters if isinstance(reference.side, Evaluation) else {}
    equal = [n for n, array in own.items() if n in hand and np.array_equal(hand[n], array.astype(hand[n].dtype))]
    if equal and len(equal) == len(own) and any(array.any() for array in own.values()):
        raise ValueError(
            f"{file} holds the problem's own parameters, as its handout does, and not gradients: "
            f"{listed(equal)} are equal to them. Save dE/dW and dE/db under these names."
        )
    if _is_handout(hand) and not {"x", "y"} & {*reference.parameters, *reference.others}:
        raise ValueError(
            f"{file} holds x and y beside its other arrays, as a handout does, which the reference has not. "
            "If the others are gradients, and no parameters, save them alone."
        )
