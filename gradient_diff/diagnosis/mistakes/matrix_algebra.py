"""Matrix algebra: transpositions, the wrong matrix, the wrong order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from gradient_diff.diagnosis.mistake import makes
from gradient_diff.diagnosis.reenactment.enact import Committed, Finish, is_kernel
from gradient_diff.diagnosis.reenactment.formula import Formula
from gradient_diff.diagnosis.reenactment.scene import Scene
from manual_mlp import Equation, gradient_node
from manual_mlp.extend import Product, SumOverBatch, kind_of, layer_of

MOST_SHIFTS = 3  # of the batch, the likeliest by a random projection, are tried in full


@makes(
    "convention_transposed",
    "matrix",
    title="matrices of shape (n_out, n_in)",
    equation="dE/dW = z_prevᵀ δ",
    cure="Nothing: transpose to compare.",
    alike=("transposed",),
    convention=True,
)
def commit(scene: Scene) -> Iterator[Committed]:
    """Every mistake in a product."""
    kernels = [n for n in scene.nodes if is_kernel(n)]
    if kernels:
        name, sentence, turn = "convention_transposed", "all your matrices are (n_out, n_in)", _transpose(kernels)
        written, right = "dE/dW = δᵀ z_prev", "dE/dW = z_prevᵀ δ"
        yield Committed(name, "", sentence, finish=turn, undo=turn, written=written, right=right)
    for i, name in enumerate(scene.names):
        yield from _change_kernel_gradient(scene, i, name)
        yield from _take_another_layers(scene, i, name)
        if i:
            yield from _send_down(scene, name)
    yield from _send_all_down(scene)
    yield from _update_first(scene)
    yield from _reverse(scene)
    yield from _misalign(scene)


def _transpose(nodes: list[str]) -> Finish:
    return lambda arrays: {n: a.T if n in nodes else a for n, a in arrays.items()}


def _change_kernel_gradient(scene: Scene, i: int, name: str) -> Iterator[Committed]:
    yield _transpose_gradient(scene, i, name)
    yield from _take_other_inputs(scene, i, name)
    yield from _multiply_elementwise(scene, i, name)


@makes(
    "transposed",
    "matrix",
    title="a kernel gradient is transposed",
    equation="dE/dW = z_prevᵀ δ",
    cure="dE/dW = z_prevᵀ δ, not δᵀ z_prev.",
    alike=("convention_transposed",),
)
def _transpose_gradient(scene: Scene, i: int, name: str) -> Committed:
    swap = scene.swap(f"{name}/dE_dkernel", Product(transpose_left=True), f"{name}/dE_du", scene.below(i))
    return Committed("transposed", name, "your kernel gradient is the transpose of the reference's", swap)


@makes(
    "wrong_input",
    "matrix",
    title="another array stands in for z_prev",
    equation="dE/dW = z_prevᵀ δ",
    cure="dE/dW takes the input of its own layer.",
)
def _take_other_inputs(scene: Scene, i: int, name: str) -> Iterator[Committed]:
    below = scene.below(i)
    right = scene.values[below]
    for other in scene.graph.signals:
        array = scene.values[other]
        if array.shape == right.shape and not np.array_equal(array, right):
            swap = scene.swap(f"{name}/dE_dkernel", Product(transpose_left=True), other, f"{name}/dE_du")
            yield Committed("wrong_input", name, f"dE/dW takes {_words(other)} in place of {_words(below)}", swap)


@makes(
    "elementwise_for_matmul",
    "matrix",
    title="⊙ where @ belongs",
    equation="dE/dW = z_prevᵀ δ, dE/dz_prev = δ Wᵀ",
    cure="Sum over the inner index: use @.",
    tell_apart="N different from the widths",
)
def _multiply_elementwise(scene: Scene, i: int, name: str) -> Iterator[Committed]:
    delta, below = f"{name}/dE_du", scene.below(i)
    if scene.values[below].shape == scene.values[delta].shape:
        swap = scene.swap(f"{name}/dE_dkernel", Formula("{0} ⊙ {1}", lambda z, d: z * d), below, delta)
        yield Committed("elementwise_for_matmul", name, "dE/dW is z_prev ⊙ δ instead of z_prevᵀ δ", swap)


def _words(node: str) -> str:
    layer = layer_of(node)
    return f"{kind_of(node)} of {layer}" if layer else node


def _take_another_layers(scene: Scene, i: int, name: str) -> Iterator[Committed]:
    """Both indices of z and δ are another layer's, with its bias or without."""
    for j, other in enumerate(scene.names):
        if j == i:
            continue
        swap = scene.swap(f"{name}/dE_dkernel", Product(transpose_left=True), scene.below(j), f"{other}/dE_du")
        sentence = f"dE/dW takes z_prev and δ of {other}: the indices are those of another layer"
        yield Committed("wrong_input", name, sentence, swap)
        bias = f"{name}/dE_dbias"
        if {bias, f"{other}/dE_dbias"} <= scene.by_node.keys():
            both = swap | scene.swap(bias, SumOverBatch(), f"{other}/dE_du")
            yield Committed("wrong_input", name, f"{sentence}, for the bias, too", both)


@makes(
    "backprop_untransposed",
    "matrix",
    title="δ W instead of δ Wᵀ",
    equation="dE/dz_prev = δ Wᵀ",
    cure="dE/dz_prev = δ Wᵀ.",
)
@makes(
    "wrong_kernel",
    "matrix",
    title="W of another layer is used",
    equation="dE/dz_prev = δ Wᵀ",
    cure="δ goes down through the W that it came up by.",
)
def _send_down(scene: Scene, name: str) -> Iterator[Committed]:
    node, delta, kernel = scene.graph.sent(name), f"{name}/dE_du", f"{name}/kernel"
    shape = scene.values[kernel].shape
    if shape[0] == shape[1]:
        swap = scene.swap(node, Product(), delta, kernel)
        yield Committed("backprop_untransposed", name, "δ is sent down through W instead of Wᵀ", swap)
    for other in scene.names:
        if other != name and scene.values[f"{other}/kernel"].shape == shape:
            swap = scene.swap(node, Product(transpose_right=True), delta, f"{other}/kernel")
            yield Committed("wrong_kernel", name, f"δ is sent down through the W of {other}", swap)
    if scene.values[delta].shape == shape == scene.values[node].shape:
        for text, product in (("{0} ⊙ {1}", lambda d, w: d * w), ("{0} ⊙ {1}ᵀ", lambda d, w: d * w.T)):
            swap = scene.swap(node, Formula(text, product), delta, kernel)
            sentence = f"δ is sent down as {text.format('δ', 'W')}"
            yield Committed("elementwise_for_matmul", name, sentence, swap)


def _send_all_down(scene: Scene) -> Iterator[Committed]:
    square = [i for i, n in enumerate(scene.names) if i and len(set(scene.values[f"{n}/kernel"].shape)) == 1]
    if len(square) > 1:
        swaps: dict[str, Equation] = {}
        for i in square:
            name = scene.names[i]
            swaps |= scene.swap(scene.graph.sent(name), Product(), f"{name}/dE_du", f"{name}/kernel")
        sentence = "in every square layer δ is sent down through W instead of Wᵀ"
        yield Committed("backprop_untransposed", "", sentence, swaps, places=len(square))


@makes(
    "stale_or_updated_kernel",
    "matrix",
    title="W is updated before δ is sent through it",
    equation="dE/dz_prev = δ Wᵀ",
    cure="First all gradients, then all updates.",
)
def _update_first(scene: Scene) -> Iterator[Committed]:
    """δ sent through W − lr dE/dW; lr is fitted from the highest layer that it touches."""
    rate = _fit_rate(scene)
    if not rate:
        return
    swaps: dict[str, Equation] = {}
    before: dict[str, tuple[Equation, ...]] = {}
    for i in range(1, len(scene.names)):
        name = scene.names[i]
        node = scene.graph.sent(name)
        update = Formula("{0} − lr {1}", lambda w, g: w - rate * g)
        fresh = Equation(name, f"{name}/updated", update, (f"{name}/kernel", f"{name}/dE_dkernel"))
        before[node] = (fresh,)
        swaps |= scene.swap(node, Product(transpose_right=True), f"{name}/dE_du", f"{name}/updated")
    sentence = (
        f"δ is sent down through kernels that the step has already updated (lr = {rate:.6g}): "
        "only the last layer is exact"
    )
    written, right = "dE/dz_prev = δ (W − lr dE/dW)ᵀ", "dE/dz_prev = δ Wᵀ"
    kind = "stale_or_updated_kernel"
    yield Committed(kind, "", sentence, swaps, before, constants=1, written=written, right=right)


def _fit_rate(scene: Scene) -> float | None:
    """lr from hand − right in the layer below the output, where the effect is exactly proportional to lr."""
    if len(scene.names) < 2:
        return None
    top, name = scene.names[-1], scene.names[-2]
    sent, delta = scene.graph.sent(top), f"{name}/dE_du"
    signal = scene.values[f"{top}/dE_du"] @ scene.values[f"{top}/dE_dkernel"].T
    for e in scene.graph.path(sent, delta):
        signal = scene.by_node[e.node].parts[0].evaluate({**scene.values, e.operands[0]: signal})
    below = scene.values[scene.below(len(scene.names) - 2)]
    effects = {f"{name}/dE_dkernel": below.T @ signal, f"{name}/dE_dbias": signal.sum(axis=0)}
    effects = {n: e for n, e in effects.items() if n in scene.gradients}
    size = sum(float(np.vdot(e, e)) for e in effects.values())
    change = sum(float(np.vdot(e, scene.right[n] - scene.hand[n])) for n, e in effects.items())
    return change / size if size > 0 else None


@makes(
    "layers_reversed",
    "matrix",
    title="the gradients are listed output first",
    equation="dE/d(W_1, …, W_L) = (dE/dW_1, …, dE/dW_L)",
    cure="Reverse the list.",
)
def _reverse(scene: Scene) -> Iterator[Committed]:
    """Layers in reverse order, kernel before bias; or the whole flat list turned round."""
    nodes = [gradient_node(n) for n in scene.problem.parameters if n not in scene.problem.mlp.untrained]
    if len(nodes) < 2 or not set(nodes) <= set(scene.nodes):
        return
    names = list(dict.fromkeys(layer_of(n) for n in nodes))
    turned = dict(zip(names, reversed(names), strict=True))
    by_layer = {n: f"{turned[n.rsplit('/', 1)[0]]}/{n.rsplit('/', 1)[1]}" for n in nodes}
    sentence = "your list of gradients begins at the output"
    for source in (by_layer, dict(zip(nodes, reversed(nodes), strict=True))):
        if any(n != other for n, other in source.items()) and set(source.values()) <= set(nodes):
            there, back = _rename(source), _rename({there: here for here, there in source.items()})
            written, right = "dE/dW_L, …, dE/dW_1", "dE/dW_1, …, dE/dW_L"
            yield Committed("layers_reversed", "", sentence, finish=there, undo=back, written=written, right=right)


def _rename(source: Mapping[str, str]) -> Finish:
    return lambda arrays: {n: arrays[source.get(n, n)] for n in arrays}


@makes(
    "batch_misaligned",
    "matrix",
    title="rows of z_prev and δ are out of step",
    equation="dE/dW = Σ_n z_prev[n]ᵀ δ[n]",
    cure="Use one order of the samples everywhere.",
)
def _misalign(scene: Scene) -> Iterator[Committed]:
    """z_prev out of step with δ by a shift of the batch: in one layer, or in all of them."""
    for i, name in enumerate(scene.names):
        for shift in _likely_shifts(scene, i):
            sentence = f"the rows of z_prev and δ are out of step by {shift} samples"
            yield Committed("batch_misaligned", name, sentence, _roll(scene, i, shift))
    layers = range(len(scene.names))
    for shift in _likely_shifts(scene, len(scene.names) - 1) if len(layers) > 1 else []:
        swaps = {n: e for i in layers for n, e in _roll(scene, i, shift).items()}
        sentence = f"in every layer the rows of z_prev and δ are out of step by {shift} samples"
        yield Committed("batch_misaligned", "", sentence, swaps, places=len(layers))
    if scene.batch > 1:
        for i, name in enumerate(scene.names):
            back = Formula("reversed({0})ᵀ {1}", lambda z, d: z[::-1].T @ d)
            swap = scene.swap(f"{name}/dE_dkernel", back, scene.below(i), f"{name}/dE_du")
            yield Committed("batch_misaligned", name, "the rows of z_prev are in reverse order", swap)


def _roll(scene: Scene, i: int, shift: int) -> dict[str, Equation]:
    name = scene.names[i]
    rolled = Formula(f"roll({{0}}, {shift})ᵀ {{1}}", lambda z, d: np.roll(z, shift, axis=0).T @ d)
    return scene.swap(f"{name}/dE_dkernel", rolled, scene.below(i), f"{name}/dE_du")


def _likely_shifts(scene: Scene, i: int) -> list[int]:
    """Shifts for which aᵀ roll(z)ᵀ δ b comes nearest aᵀ H b, for a few random a and b: all N at the cost of one."""
    name = scene.names[i]
    node = f"{name}/dE_dkernel"
    if node not in scene.gradients or node not in scene.off:
        return []
    z, delta = scene.values[scene.below(i)], scene.values[f"{name}/dE_du"]
    wanted = scene.hand[node] - scene.decayed(node)
    rng = np.random.default_rng(0)
    error = np.zeros(len(z))
    for _ in range(4):
        a, b = rng.normal(size=z.shape[1]), rng.normal(size=delta.shape[1])
        spectrum = np.fft.rfft(z @ a).conj() * np.fft.rfft(delta @ b)
        error += np.abs(np.fft.irfft(spectrum, len(z)) - float(a @ wanted @ b))
    return [int(s) for s in np.argsort(error, kind="stable")[:MOST_SHIFTS] if s]
