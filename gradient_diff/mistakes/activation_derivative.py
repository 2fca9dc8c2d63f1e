"""The derivative of the activation: left out, taken at the wrong place, or of the wrong function."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from gradient_diff.mistakes.enactment import Enactment
from gradient_diff.mistakes.formula import Formula
from gradient_diff.mistakes.setting import Array, Setting
from manual_mlp import Activate, Equation, Pullback, activation

WRONG: dict[str, tuple[tuple[str, Callable[[Array, Array, Array], Array]], ...]] = {
    "sigmoid": (
        ("{0} ⊙ {2}", lambda g, u, z: g * z),
        ("{0} ⊙ (1 − {2})", lambda g, u, z: g * (1 - z)),
        ("{0} ⊙ {2}²", lambda g, u, z: g * z * z),
        ("{0} ⊙ (1 − {2}²)", lambda g, u, z: g * (1 - z * z)),
        ("{0} ⊙ {1}(1 − {1})", lambda g, u, z: g * u * (1 - u)),
        ("{0} ⊙ {2}(1 + {2})", lambda g, u, z: g * z * (1 + z)),
        ("{0} ⊙ exp(−{1})", lambda g, u, z: g * np.exp(-u)),
    ),
    "tanh": (
        ("{0} ⊙ (1 − {2})", lambda g, u, z: g * (1 - z)),
        ("{0} ⊙ {2}", lambda g, u, z: g * z),
        ("{0} ⊙ {2}²", lambda g, u, z: g * z * z),
        ("{0} ⊙ {2}(1 − {2})", lambda g, u, z: g * z * (1 - z)),
        ("{0} ⊙ (1 − {1}²)", lambda g, u, z: g * (1 - u * u)),
        ("{0} ⊙ (1 + {2}²)", lambda g, u, z: g * (1 + z * z)),
        ("{0} / cosh {1}", lambda g, u, z: g / np.cosh(u)),
        ("{0} ⊙ (1 − {2}²)/2", lambda g, u, z: g * (1 - z * z) / 2),
    ),
    "relu": (
        ("{0} ⊙ {1}", lambda g, u, z: g * u),
        ("{0} ⊙ {2}", lambda g, u, z: g * z),
        ("{0} ⊙ sigmoid({1})", lambda g, u, z: g / (1 + np.exp(-u))),
        *(
            (
                f"{{0}} ⊙ ([{{1}} > 0] + {slope:g} [{{1}} ≤ 0])",
                lambda g, u, z, slope=slope: g * np.where(u > 0, 1, slope),
            )
            for slope in (0.01, 0.1, 0.2, 0.3)
        ),
    ),
}
"""Activation → functions of dE/dz, u and z that have been taken for its pullback."""

MASKS: tuple[tuple[str, Callable[[Array, Array], Array]], ...] = (
    ("{0} ⊙ [{1} ≥ 0]", lambda g, u: g * (u >= 0)),
    ("{0} ⊙ [{1} < 0]", lambda g, u: g * (u < 0)),
    ("{0} ⊙ [{0} > 0]", lambda g, u: g * (g > 0)),
    ("{0} ⊙ [{0} > 0] ⊙ [{1} > 0]", lambda g, u: g * (g > 0) * (u > 0)),
)
"""ReLU's backward pass with a mask that is not [u > 0]."""


def activation_derivative(setting: Setting) -> Iterator[Enactment]:
    """Every mistake in a δ = dE/dz ⊙ f′."""
    for i, name in enumerate(setting.names):
        if f"{name}/dE_du" in setting.by_node and f"{name}/dE_dz" in setting.by_node:
            yield from _one_layer(setting, i, name)
    yield from _in_all_hidden(setting)


def _in_all_hidden(setting: Setting) -> Iterator[Enactment]:
    """The same slip in every hidden layer counts as one."""
    hidden = [(i, name) for i, name in enumerate(setting.names[:-1]) if setting.activations[name] != "linear"]
    groups: dict[tuple[str, str], list[Enactment]] = {}
    for i, name in hidden if len(hidden) > 1 else []:
        for mistake in _one_layer(setting, i, name):
            operation = next(iter(mistake.swaps.values())).operation
            kind = mistake.id if mistake.id == "derivative_sign" else operation.render("g", "u", "z")
            groups.setdefault((mistake.id, kind), []).append(mistake)
    for (kind, _), group in groups.items():
        if len(group) == len(hidden):
            swaps = {n: e for m in group for n, e in m.swaps.items()}
            before = {n: e for m in group for n, e in m.before.items()}
            yield Enactment(kind, "", f"in every hidden layer, {group[0].sentence}", swaps, before, places=len(group))


def _one_layer(setting: Setting, i: int, name: str) -> Iterator[Enactment]:
    kind = setting.activations[name]
    if kind != "linear":
        yield from _left_out(setting, i, name, kind)
        yield from _at_output(setting, name, kind)
        yield from _other_layers(setting, i, name, kind)
    minus = Formula("−f′ ⊙ {0}", lambda g, r: -_right(setting, name, g, r))
    sentence = "from δ of this layer downwards the sign is turned"
    yield Enactment("derivative_sign", name, sentence, _delta(setting, name, minus, activation(kind).reads))
    for text, function in WRONG.get(kind, ()):
        sentence = f"δ is {text.format('dE/dz', 'u', 'z')}"
        yield Enactment("derivative_wrong", name, sentence, _delta(setting, name, Formula(text, function), "u", "z"))
    for text, mask in MASKS if kind == "relu" else ():
        sentence = f"δ is {text.format('dE/dz', 'u')}"
        yield Enactment("relu_mask", name, sentence, _delta(setting, name, Formula(text, mask), "u"))
    if kind == "softmax":
        diagonal = Formula("{0} ⊙ {1}(1 − {1})", lambda g, z: g * z * (1 - z))
        sentence = "only the diagonal p(1 − p) of the Jacobian is used"
        yield Enactment("softmax_elementwise", name, sentence, _delta(setting, name, diagonal, "z"))


def _delta(setting: Setting, name: str, operation: Formula | Pullback, *reads: str) -> dict[str, Equation]:
    """δ of a layer by another operation on its dE/dz, and on its u or z."""
    return setting.swap(f"{name}/dE_du", operation, f"{name}/dE_dz", *(f"{name}/{which}" for which in reads))


def _right(setting: Setting, name: str, g: Array, read: Array) -> Array:
    """δ of a layer as it should be, from another dE/dz."""
    return Pullback(setting.activations[name]).evaluate(g, read)


def _left_out(setting: Setting, i: int, name: str, kind: str) -> Iterator[Enactment]:
    """One of the two factors is not there, or they meet in the wrong product."""
    reads = activation(kind).reads
    missing = "output_derivative_dropped" if i == len(setting.names) - 1 else "missing_derivative"
    yield Enactment(missing, name, "δ is dE/dz: f′ is not applied", _delta(setting, name, Pullback("linear"), "u"))
    slope = Formula("f′({1})", lambda g, r: _right(setting, name, np.ones_like(g), r))
    sentence = "δ is f′ alone: what comes from above is not multiplied in"
    yield Enactment("local_replaces_upstream", name, sentence, _delta(setting, name, slope, reads))
    if setting.batch == setting.values[f"{name}/u"].shape[1] and kind != "softmax":
        product = Formula("{0} f′({1})", lambda g, r: g @ _right(setting, name, np.ones_like(g), r))
        sentence = "δ is the matrix product of dE/dz and f′, not the elementwise one"
        yield Enactment("elementwise_for_matmul", name, sentence, _delta(setting, name, product, reads))


def _at_output(setting: Setting, name: str, kind: str) -> Iterator[Enactment]:
    """f′ evaluated at z: σ′(σ(u))."""
    if kind not in ("sigmoid", "tanh", "softmax"):
        return
    again = Equation(name, f"{name}/f(z)", Activate(kind), (f"{name}/z",))
    swap = setting.swap(f"{name}/dE_du", Pullback(kind), f"{name}/dE_dz", f"{name}/f(z)")
    sentence = "f′ is evaluated at z, the output, instead of at u"
    yield Enactment("derivative_at_output", name, sentence, swap, {f"{name}/dE_du": (again,)})


def _other_layers(setting: Setting, i: int, name: str, kind: str) -> Iterator[Enactment]:
    """f′ at another layer's u; where that layer has another activation, its z is no f(u) of this one."""
    node, g = f"{name}/dE_du", f"{name}/dE_dz"
    for j, other in enumerate(setting.names):
        if j == i or setting.values[f"{other}/u"].shape != setting.values[f"{name}/u"].shape:
            continue
        sentence = f"f′ is taken at {other}'s u"
        if activation(kind).reads == "u" or setting.activations[other] == kind:
            swap = setting.swap(node, Pullback(kind), g, f"{other}/{activation(kind).reads}")
            yield Enactment("wrong_layer_derivative", name, sentence, swap)
            continue
        theirs = Equation(name, f"{name}/f(u)", Activate(kind), (f"{other}/u",))
        swap = setting.swap(node, Pullback(kind), g, f"{name}/f(u)")
        yield Enactment("wrong_layer_derivative", name, sentence, swap, {node: (theirs,)})
        swap = setting.swap(node, Pullback(kind), g, f"{other}/z")
        yield Enactment("wrong_layer_derivative", name, f"f′ is written with {other}'s z", swap)
