"""Gradients as one machine computes them, with the rounding that was measured there: the file of a capture."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gradient_diff.noise.network import Kind, Noise
from gradient_diff.wording import printable
from manual_mlp import Array, load_parameters, save_parameters
from manual_mlp.extend import UNITS, Arrays

FORMAT = 1
MARK = "capture"
_GROUPS = ("gradients", "float64", "sigma")
_SOURCE = "σ drawn on the machines that captured them"


@dataclass(frozen=True, eq=False)
class Capture:
    """The gradients of one model, on the device and in the precision that was there.

    Attributes:
        gradients: parameter → dE/dW, in the dtype of the model and the shape of its weight, e.g. (n_in, n_out).
        float64: the same of the model in float64 on the same data and draws; empty where no such run can be had.
        sigma: one standard deviation of rounding per entry, drawn on the model itself.
        facts: what ran: versions, device, dtype, loss, mode; and `weights` and `data`, digests of both.
    """

    gradients: Arrays
    float64: Arrays
    sigma: Arrays
    facts: Mapping[str, str]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it as `.npz`, whole or not at all."""
        text = np.array(json.dumps({"format": FORMAT, **self.facts}))
        groups = zip(_GROUPS, (self.gradients, self.float64, self.sigma), strict=True)
        named = {f"{group}/{name}": _storable(array) for group, arrays in groups for name, array in arrays.items()}
        return save_parameters(path, {MARK: text, **named})

    def noise(self, hand: Capture | None) -> Noise:
        """The rounding to expect between the two: of each entry the larger σ, where both were drawn.

        Raises:
            ValueError: the other was captured at other weights, or on other data.
        """
        if hand is not None:
            _check_same(hand, self)
        drawn = self.sigma if hand is None else {n: np.maximum(s, hand.sigma.get(n, s)) for n, s in self.sigma.items()}
        values = {n: np.asarray(a, np.float64) for n, a in (self.float64 or self.gradients).items()}
        return Noise("", values, drawn, dict.fromkeys(drawn, 0.0), 0, source=_SOURCE, kind=Kind.DRAWN)


def two_captures(hand: Capture, reference: Capture) -> str:
    """What the two were computed by, and whether both are one function: what is left of a difference in float64."""
    ran = [" ".join(filter(None, map(one.facts.get, ("policy", "mode", "device")))) for one in (hand, reference)]
    versions = [", ".join(f"{n} {one.facts.get(n)}" for n in ("tensorflow", "keras")) for one in (hand, reference)]
    told = f"Captured as {ran[0]} ({versions[0]}), and the reference as {ran[1]} ({versions[1]})."
    if not hand.float64 or not reference.float64:
        return f"{told} Of one of them there is no float64 run."
    apart = _apart_in_float64(hand, reference)
    if apart:
        return f"{told} In float64, too, {', '.join(apart)} differ by more than rounding: these are not one function."
    return f"{told} In float64 the two agree: both compute one function, and only its precision or its machine differs."


def _apart_in_float64(hand: Capture, reference: Capture) -> list[str]:
    """The gradients that differ by more than σ would be, were all of it computed in float64."""
    noise = reference.noise(hand)
    scale = {n: UNITS["float64"] / UNITS[a.dtype.name] for n, a in reference.gradients.items()}
    return [
        name
        for name, value in reference.float64.items()
        if name in hand.float64
        and hand.float64[name].shape == value.shape
        and (np.abs(hand.float64[name] - value) > scale[name] * noise.tolerance(name)).any()
    ]


def capture_in(arrays: Arrays, shown: str) -> Capture | None:
    """What a file holds, where it is a capture."""
    if MARK not in arrays:
        return None
    try:
        facts = json.loads(str(arrays[MARK]))
        version = facts.pop("format")
    except (json.JSONDecodeError, AttributeError, KeyError, TypeError):
        raise ValueError(f"{shown} is a damaged capture: its {MARK!r} is no description. Capture again.") from None
    if version != FORMAT:
        raise ValueError(f"{shown} has format {version!r}; this version reads {FORMAT}. Update gradient-diff.")
    gradients, float64, sigma = (_under(group, arrays) for group in _GROUPS)
    return Capture(gradients, float64, sigma, facts)


def read_capture(path: Path) -> Capture | None:
    """The capture in a file; None where it holds something else."""
    if path.suffix.lower() != ".npz":
        return None
    return capture_in(load_parameters(path), printable(str(path)))


def _storable(array: Array) -> Array:
    """NumPy's files forget what bfloat16 is; float32 holds each of its numbers."""
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else np.asarray(array)


def _under(group: str, arrays: Arrays) -> dict[str, Array]:
    return {n.removeprefix(f"{group}/"): a for n, a in arrays.items() if n.startswith(f"{group}/")}


def _check_same(hand: Capture, reference: Capture) -> None:
    """σ compares two computations of one thing."""
    for what, cure in (
        ("weights", "Capture both from one MODEL.keras: weights that another dtype rounds are other weights."),
        ("data", "Capture both on one DATA.npz."),
        ("E", "Capture both with one loss, both in training or both in inference."),
    ):
        if hand.facts.get(what) != reference.facts.get(what):
            raise ValueError(f"It was captured with other {what} than the reference. {cure}")
