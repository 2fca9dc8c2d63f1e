"""f′ of another activation, of the other form of it, or with another argument; and the other factor of a gate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradient_diff.diagnosis.reenactment.enact import Committed
from gradient_diff.diagnosis.reenactment.formula import Formula
from gradient_diff.diagnosis.reenactment.graph import Slope
from gradient_diff.diagnosis.reenactment.scene import Scene
from manual_mlp import Array
from manual_mlp.extend import activation, arguments_of, written

SLOPES = (0.01, 0.1, 0.2, 0.3)
CLASSIC = ("sigmoid", "tanh", "relu")
OTHERS = (
    *(*CLASSIC, "linear", "gelu", "silu", "softplus", "elu", "selu", "leaky_relu", "mish", "softsign"),
    *("hard_sigmoid", "hard_tanh"),
)
FORMULAS = {"sigmoid": "z(1 − z)", "tanh": "1 − z²", "relu": "[u > 0]"}
GATED = ("silu", "gelu", "mish", "hard_silu")


def words_of(kind: str) -> tuple[str, str]:
    """Title and cure where f′ is not that of this activation; with the formula where it is a short one."""
    formula = FORMULAS.get(kind)
    if formula is None:
        return f"f′ is not that of {kind}", f"δ = dE/dz ⊙ f′(u), with f′ of {kind}."
    return f"f′ is not {kind}′ = {formula}", f"{kind}′(u) is {formula}."


def other_functions(scene: Scene, slope: Slope) -> Iterator[Committed]:
    """Each that is not the right one on these data."""
    u, right = scene.values[slope.u], derivative(slope.kind, scene.values[slope.u])
    said = words_of(slope.kind)
    if arguments_of(slope.kind)[0] in GATED:
        formula = Formula("{0} ⊙ {2}/{1}", _gate_alone)
        sentence = "f′ is the gate alone: that the gate itself depends on u is left out"
        swap = scene.swap(slope.node, formula, slope.g, slope.u, slope.z)
        yield Committed("derivative_wrong", slope.layer, sentence, swap, words=said)
    for name, words in _others(slope.kind):
        if not np.allclose(derivative(name, u), right, rtol=1e-12, atol=0):
            text = f"{{0}} ⊙ {name}′({{1}})"
            formula = Formula(text, lambda g, at, name=name: g * derivative(name, at))
            sentence = f"f′ is that of {name}, and not of {slope.kind}{words}"
            swap = scene.swap(slope.node, formula, slope.g, slope.u)
            yield Committed("derivative_wrong", slope.layer, sentence, swap, words=said)


def derivative(name: str, u: Array) -> Array:
    """f′(u) of an activation of one number."""
    record = activation(name)
    assert record.backward is not None  # a step is in no derivation
    with np.errstate(over="ignore", invalid="ignore"):
        return record.backward(np.ones_like(u), u if record.reads == "u" else record.value(u))


def _gate_alone(g: Array, u: Array, z: Array) -> Array:
    return g * np.divide(z, u, out=np.full_like(z, 0.5), where=u != 0)


def _others(kind: str) -> Iterator[tuple[str, str]]:
    """Names, and what is to be said beside."""
    base, options = arguments_of(kind)
    if base == "gelu":
        yield written("gelu", {"approximate": not options.get("approximate", False)}), ", the other form of it"
    if base in ("leaky_relu", "relu") and kind != "relu":
        yield "relu", ": the slope below 0, or another argument, is forgotten"
        yield from ((written("leaky_relu", {"negative_slope": a}), "") for a in SLOPES)
    if options:
        yield base if base != "threshold" else "relu", ", with the arguments that it has by default"
    if base in ("elu", "celu"):
        yield from ((written(base, {"alpha": a}), "") for a in (0.1, 0.5, 1.0))
    yield from ((name, "") for name in (CLASSIC if kind in CLASSIC else OTHERS) if name != kind and name != base)
