"""The derivative of the activation: left out, taken at the wrong place, or of the wrong function."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from gradient_diff.diagnosis.mistake import makes
from gradient_diff.diagnosis.mistakes.other_functions import derivative, other_functions, words_of
from gradient_diff.diagnosis.reenactment.enact import Committed, join
from gradient_diff.diagnosis.reenactment.formula import Formula
from gradient_diff.diagnosis.reenactment.graph import Slope
from gradient_diff.diagnosis.reenactment.scene import Scene
from manual_mlp import Array, Equation
from manual_mlp.extend import Activate, Product, Pullback, SumOverBatch, activation

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


def commit(scene: Scene) -> Iterator[Committed]:
    """Every mistake in a δ = dE/dz ⊙ f′."""
    for slope in reversed(scene.graph.slopes):
        yield from _commit_in(scene, slope)
    yield from _commit_in_all_hidden(scene)


def _commit_in_all_hidden(scene: Scene) -> Iterator[Committed]:
    """The same slip in every hidden layer counts as one."""
    hidden = scene.graph.hidden
    groups: dict[tuple[str, str], list[Committed]] = {}
    for slope in hidden if len(hidden) > 1 else []:
        for mistake in _commit_in(scene, slope):
            operation = next(iter(mistake.swaps.values())).parts[0].operation
            kind = mistake.id if mistake.id == "derivative_sign" else operation.render("g", "u", "z")
            groups.setdefault((mistake.id, kind), []).append(mistake)
    for group in groups.values():
        if len(group) == len(hidden):
            yield join(group, "in every hidden layer")


def _commit_in(scene: Scene, slope: Slope) -> Iterator[Committed]:
    if slope.kind != "linear":
        yield from _leave_out(scene, slope)
        yield from _evaluate_at_output(scene, slope)
        yield from _take_other_layers(scene, slope)
    yield _turn_sign(scene, slope)
    yield from _take_other_functions(scene, slope)
    yield from _take_other_masks(scene, slope)
    yield from _take_diagonal(scene, slope)


@makes(
    "derivative_sign",
    "sign",
    title="a sign is lost in f′",
    equation="δ = dE/dz ⊙ f′(u)",
    cure="Check the sign of f′ in this layer.",
    alike=("sign",),
)
def _turn_sign(scene: Scene, slope: Slope) -> Committed:
    minus = Formula("−f′ ⊙ {0}", lambda g, r: -_pull(slope, g, r))
    sentence = "from δ of this layer downwards the sign is turned"
    return Committed("derivative_sign", slope.layer, sentence, _swap_delta(scene, slope, minus, slope.reads))


@makes(
    "derivative_wrong",
    "activation",
    title="f′ is not the derivative of f",
    equation="sigmoid′ = z(1 − z), tanh′ = 1 − z², relu′ = [u > 0]",
    cure="sigmoid: z(1 − z); tanh: 1 − z²; relu: [u > 0].",
)
def _take_other_functions(scene: Scene, slope: Slope) -> Iterator[Committed]:
    kind, name, words = slope.kind, slope.layer, words_of(slope.kind)
    for text, function in WRONG.get(kind, ()):
        sentence = f"δ is {text.format('dE/dz', 'u', 'z')}"
        wrong = _swap_delta(scene, slope, Formula(text, function), slope.u, slope.z)
        yield Committed("derivative_wrong", name, sentence, wrong, words=words)
    if kind not in ("linear", "softmax", "log_softmax"):
        yield from other_functions(scene, slope)
    for dropped in scene.graph.dropped(slope.z) if kind in ("sigmoid", "tanh") else ():
        sentence = "f′ is taken from the output after dropout, not from the activation's own"
        wrong = _swap_delta(scene, slope, Pullback(kind), dropped)
        yield Committed("derivative_wrong", name, sentence, wrong, words=words)


@makes(
    "relu_mask",
    "activation",
    title="the ReLU mask is another one",
    equation="δ = dE/dz ⊙ [u > 0]",
    cure="The mask is [u > 0], from the forward pass.",
)
def _take_other_masks(scene: Scene, slope: Slope) -> Iterator[Committed]:
    for text, mask in MASKS if slope.kind == "relu" else ():
        sentence = f"δ is {text.format('dE/dz', 'u')}"
        swap = _swap_delta(scene, slope, Formula(text, mask), slope.u)
        yield Committed("relu_mask", slope.layer, sentence, swap)


@makes(
    "softmax_elementwise",
    "activation",
    title="p(1 − p) is used as the whole softmax Jacobian",
    equation="δ = p ⊙ (g − Σ g p), g = dE/dp",
    cure="δ = p ⊙ (g − Σ g p).",
)
def _take_diagonal(scene: Scene, slope: Slope) -> Iterator[Committed]:
    if slope.kind == "softmax":
        diagonal = Formula("{0} ⊙ {1}(1 − {1})", lambda g, z: g * z * (1 - z))
        sentence = "only the diagonal p(1 − p) of the Jacobian is used"
        swap = _swap_delta(scene, slope, diagonal, slope.z)
        yield Committed("softmax_elementwise", slope.layer, sentence, swap)


def _swap_delta(scene: Scene, slope: Slope, operation: Formula | Pullback, *reads: str) -> dict[str, Equation]:
    """δ by another operation on dE/dz, and on u, z or both."""
    return scene.swap(slope.node, operation, slope.g, *reads)


def _pull(slope: Slope, g: Array, read: Array) -> Array:
    """δ as it should be, from another dE/dz."""
    return Pullback(slope.kind).evaluate(g, read)


@makes(
    "missing_derivative",
    "activation",
    title="f′(u) is not applied",
    equation="δ = dE/dz ⊙ f′(u)",
    cure="δ = dE/dz ⊙ f′(u).",
)
@makes(
    "output_derivative_dropped",
    "activation",
    title="f′ of the output is left out",
    equation="δ = dE/dz ⊙ f′(u)",
    cure="Only a matching cross-entropy cancels it.",
    alike=("other_loss",),
)
@makes(
    "local_replaces_upstream",
    "activation",
    title="δ = f′ without what comes from above",
    equation="δ = dE/dz ⊙ f′(u)",
    cure="Multiply f′ by dE/dz.",
    alike=("output_not_loss", "wrong_target"),
)
def _leave_out(scene: Scene, slope: Slope) -> Iterator[Committed]:
    """One of the two factors is not there, or they meet in the wrong product."""
    name = slope.layer
    missing = "output_derivative_dropped" if slope is scene.graph.output else "missing_derivative"
    bare = _swap_delta(scene, slope, Pullback("linear"), slope.u)
    yield Committed(missing, name, "δ is dE/dz: f′ is not applied", bare)
    if slope.node == f"{name}/dE_du":
        sentence = "dE/dW and dE/db are made of dE/dz: f′ is applied on the way down only"
        yield Committed(missing, name, sentence, _own_gradients(scene, name, slope.g))
    alone = Formula("f′({1})", lambda g, r: _pull(slope, np.ones_like(g), r))
    sentence = "δ is f′ alone: what comes from above is not multiplied in"
    yield Committed("local_replaces_upstream", name, sentence, _swap_delta(scene, slope, alone, slope.reads))
    if scene.batch == scene.values[slope.u].shape[1] and slope.kind != "softmax":
        product = Formula("{0} f′({1})", lambda g, r: g @ _pull(slope, np.ones_like(g), r))
        sentence = "δ is the matrix product of dE/dz and f′, not the elementwise one"
        yield Committed("elementwise_for_matmul", name, sentence, _swap_delta(scene, slope, product, slope.reads))


def _own_gradients(scene: Scene, name: str, g: str) -> dict[str, Equation]:
    """dE/dW and dE/db of a layer from another δ than the one that it sends down."""
    below, bias = scene.graph.below(name), f"{name}/dE_dbias"
    kernel = scene.swap(f"{name}/dE_dkernel", Product(transpose_left=True), below, g)
    return kernel | (scene.swap(bias, SumOverBatch(), g) if bias in scene.by_node else {})


@makes(
    "derivative_at_output",
    "activation",
    title="f′ is evaluated at z instead of u",
    equation="δ = dE/dz ⊙ f′(u)",
    cure="σ′(u) is z(1 − z): do not apply σ again.",
)
def _evaluate_at_output(scene: Scene, slope: Slope) -> Iterator[Committed]:
    """f′ evaluated at z: σ′(σ(u))."""
    sentence = "f′ is evaluated at z, the output, instead of at u"
    if activation(slope.kind).reads == "u":
        z, u = scene.values[slope.z], scene.values[slope.u]
        if not np.array_equal(derivative(slope.kind, z), derivative(slope.kind, u)):  # relu's is the same
            swap = _swap_delta(scene, slope, Pullback(slope.kind), slope.z)
            yield Committed("derivative_at_output", slope.layer, sentence, swap)
        return
    fresh = f"{slope.layer}/f(z)"
    again = Equation(slope.layer, fresh, Activate(slope.kind), (slope.z,))
    swap = _swap_delta(scene, slope, Pullback(slope.kind), fresh)
    yield Committed("derivative_at_output", slope.layer, sentence, swap, {slope.node: (again,)})


@makes(
    "wrong_layer_derivative",
    "activation",
    title="f′ of another layer is used",
    equation="δ = dE/dz ⊙ f′(u)",
    cure="δ of a layer takes f′ at its own u.",
)
def _take_other_layers(scene: Scene, slope: Slope) -> Iterator[Committed]:
    """f′ at another layer's u; where that layer has another activation, its z is no f(u) of this one."""
    kind, name, own = slope.kind, slope.layer, scene.values[slope.u]
    for other, theirs, u, z in scene.graph.units:
        if other == name or scene.values[u].shape != own.shape or np.array_equal(scene.values[u], own):
            continue
        sentence = f"f′ is taken at {other}'s u"
        if activation(kind).reads == "u" or theirs == kind:
            swap = _swap_delta(scene, slope, Pullback(kind), u if activation(kind).reads == "u" else z)
            yield Committed("wrong_layer_derivative", name, sentence, swap)
            continue
        fresh = Equation(name, f"{name}/f(u)", Activate(kind), (u,))
        swap = _swap_delta(scene, slope, Pullback(kind), fresh.node)
        yield Committed("wrong_layer_derivative", name, sentence, swap, {slope.node: (fresh,)})
        swap = _swap_delta(scene, slope, Pullback(kind), z)
        yield Committed("wrong_layer_derivative", name, f"f′ is written with {other}'s z", swap)
