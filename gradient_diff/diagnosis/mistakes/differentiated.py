"""What was differentiated: the output instead of E, another loss, other targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from gradient_diff.diagnosis.factors import is_squared
from gradient_diff.diagnosis.mistake import makes
from gradient_diff.diagnosis.mistakes import output_delta
from gradient_diff.diagnosis.mistakes.output_delta import Head, LogitsHead, clip_as_keras, dense, logits_head, unfuse
from gradient_diff.diagnosis.reenactment.enact import Committed
from gradient_diff.diagnosis.reenactment.formula import Formula
from gradient_diff.diagnosis.reenactment.scene import Scene
from manual_mlp import LOSSES, Array, Loss
from manual_mlp.extend import Activate, LossFunction, LossGradient

MOST_SHIFTS = 3  # of the targets, the likeliest by a random projection, are tried in full


OWN_ENTROPIES: dict[str, tuple[tuple[str, Callable[[int], int], str], ...]] = {
    "sigmoid": (
        ("binary_crossentropy", lambda k: 1, ""),
        ("binary_crossentropy", lambda k: k, ", summed over the outputs"),
    ),
    "softmax": (("categorical_crossentropy", lambda k: 1, ""),),
}
"""Output → the cross-entropies whose δ is c (z − y) there; their c, as often as K outputs say."""


@makes(
    "output_not_loss",
    "differentiated",
    title="the output was differentiated, not E",
    equation="dE/dz = c · 2(z − y), for a squared error c Σ (z − y)²",
    cure="tape.gradient(loss, …), not of y_pred.",
    alike=("local_replaces_upstream", "only_last_sample", "wrong_target", "probability_clip"),
)
def commit(scene: Scene) -> Iterator[Committed]:
    """Every mistake above the output's δ."""
    yield _derive_from_output(
        scene, "output_not_loss", "the output was differentiated, not E: dE/dz is 1", "1", np.ones_like
    )
    head = logits_head(scene)
    yield from _forget_smoothing(scene)
    yield from _replace_squares(scene) if head is None else _replace_entropy(scene, head)
    yield from _replace_loss(scene)
    yield from output_delta.commit(scene)
    yield from clip_as_keras(scene)
    yield from _replace_targets(scene, head)


def _derive_from_output(
    scene: Scene, kind: str, sentence: str, text: str, function: Callable[..., Array], *more: str
) -> Committed:
    """dE/dz of the output by another function of it, then the pullback of its activation.

    What reads targets is the gradient of some E, and weighed as that of the right one.
    """
    head, top = scene.graph.head, scene.graph.output
    z = head.operands[0] if not scene.problem.fused or top is None else top.z
    formula = Formula(text, function)
    made = scene.weigh(formula, z, *more) if more else (formula, z)
    if not scene.problem.fused or top is None:
        return Committed(kind, head.layer, sentence, scene.swap(head.node, *made))
    return unfuse(scene, top, kind, sentence, *made)


def _squared_factors(scene: Scene) -> dict[str, float]:
    """Name → c of every squared loss."""
    squared = filter(is_squared, LOSSES.values())
    return {f.name: f.factor(scene.batch, scene.outputs) for f in squared}


def _replace_entropy(scene: Scene, head: LogitsHead) -> Iterator[Committed]:
    """The gradient of a squared error of the probabilities, with f′, without, or with the diagonal of softmax's."""
    for name, factor in _squared_factors(scene).items():
        sentence = f"it is the gradient of {name}, not of {scene.problem.loss.name}"
        for text, words, function in _squared_heads(head, 2 * scene.problem.loss.scale * factor):
            yield Committed("other_loss", head.layer, sentence + words, head.swap(scene, text, function))


def _squared_heads(head: LogitsHead, c: float) -> Iterator[tuple[str, str, Head]]:
    yield "f′ ⊙ 2c (p − y)", "", lambda u, p, y: head.pull(c * (p - y), p)
    yield "2c (p − y)", ", and without f′ of the output", lambda u, p, y: c * (p - y)
    if head.kind == "softmax":
        yield "2c (p − y) ⊙ p(1 − p)", ", and through p(1 − p) alone", lambda u, p, y: c * (p - y) * p * (1 - p)


@makes(
    "other_loss",
    "differentiated",
    title="it is the gradient of another loss",
    equation="dE/dz = c · 2(z − y), for a squared error c Σ (z − y)²",
    cure="Differentiate the E that is trained.",
    alike=(
        "missing_batch_mean",
        "factor_two",
        "accumulated",
        "missing_output_mean",
        "output_derivative_dropped",
        "output_derivative_kept",
        "mini_batch_dropped",
        "wrong_target",
    ),
)
def _replace_squares(scene: Scene) -> Iterator[Committed]:
    """The gradient of a cross-entropy, or of the absolute error, of the network's output."""
    loss, n, k = scene.problem.loss, scene.batch, scene.outputs
    if not is_squared(loss.function):
        return
    kind, head, top = "other_loss", scene.graph.head, scene.graph.output
    bare_node = head.node if top is None else top.node
    for other, times, words in OWN_ENTROPIES.get(top.kind if top else "linear", ()):
        bare = Formula("c (z − y)", _difference(times(k) * loss.scale * LOSSES[other].factor(n, k)))
        sentence = f"it is the gradient of {other}{words}, not of {loss.name}"
        swap = scene.swap(bare_node, *scene.weigh(bare, head.operands[0], "y"))
        yield Committed(kind, head.layer, sentence, swap)
    for other in ("binary_crossentropy", "categorical_crossentropy"):
        c = loss.scale * LOSSES[other].factor(n, k)
        sentence = f"it is the gradient of {other}, not of {loss.name}"
        yield _derive_from_output(scene, kind, sentence, "dE/dp of cross-entropy", _slope_of(LOSSES[other], c), "y")
    for c, words in ((1 / (n * k), "the mean of |z − y|"), (1 / n, "Σ_k |z − y|, its mean over N"), (1.0, "Σ |z − y|")):
        sentence = f"it is the gradient of {words}, not of {loss.name}"
        yield _derive_from_output(scene, kind, sentence, "c sign(z − y)", _signs(loss.scale * c), "y")


def _forget_smoothing(scene: Scene) -> Iterator[Committed]:
    operation = scene.graph.head.operation
    assert isinstance(operation, LossGradient)
    if scene.problem.loss.label_smoothing:
        other = replace(scene.problem.loss, label_smoothing=0.0)
        sentence = "your gradients are those of labels that are not smoothed"
        yield replace(_with_loss(scene, other, operation.logits, sentence), id="label_smoothing", layer="")


def _replace_loss(scene: Scene) -> Iterator[Committed]:
    """The gradient of another loss of one output and one target, or of huber with δ = 1."""
    loss = scene.problem.loss
    if loss.function.logits is not None:
        return
    told = "mean_absolute_error" if loss.function.squared else loss.name  # which is among the mistakes with squares
    for name, other in LOSSES.items():
        if other.logits is None and not (other.squared and loss.function.squared) and name != told:
            sentence = f"it is the gradient of {name}, not of {loss.name}"
            yield _with_loss(scene, Loss(name, scale=loss.scale), False, sentence)
    if loss.delta not in (None, 1.0):
        sentence = f"it is the gradient of huber with δ = 1, not {loss.delta:g}"
        yield _with_loss(scene, replace(loss, delta=1.0), False, sentence)


def _with_loss(scene: Scene, other: Loss, logits: bool, sentence: str) -> Committed:
    head = scene.graph.head
    slope = LossGradient(other, logits)
    formula = Formula(slope.render("{0}", "{1}"), slope.evaluate)
    return Committed(
        "other_loss", head.layer, sentence, scene.swap(head.node, *scene.weigh(formula, head.operands[0], "y"))
    )


def _difference(c: float) -> Callable[..., Array]:
    return lambda z, y: c * (z - y)


def _signs(c: float) -> Callable[..., Array]:
    return lambda z, y: c * np.sign(z - y)


def _slope_of(loss: LossFunction, c: float) -> Callable[..., Array]:
    return lambda z, y: loss.plain.gradient(z, y, c)


@makes(
    "wrong_target",
    "differentiated",
    title="the targets are other ones",
    equation="dE/dz = c · 2(z − y), for a squared error c Σ (z − y)²",
    cure="Do not overwrite y; keep its order.",
    alike=("local_replaces_upstream", "only_last_sample", "output_not_loss", "other_loss", "probability_clip"),
)
@makes(
    "targets_broadcast",
    "differentiated",
    title="(N,) targets against (N, 1) outputs",
    equation="e = z − y, both of shape (N, 1)",
    cure="Give y the shape (N, 1).",
)
def _replace_targets(scene: Scene, head: LogitsHead | None) -> Iterator[Committed]:
    z = scene.values[scene.graph.head.operands[0]]
    p = Activate(head.kind).evaluate(scene.values[head.logits]) if head else z
    y = dense(scene.values["y"], z)
    for other, words in _other_targets(scene, y, p):
        yield _set_targets(scene, head, "wrong_target", other, words)
    if head is not None and not scene.problem.fused:
        words = "the targets are overwritten by the network's own output, its logits"
        yield _set_targets(scene, head, "wrong_target", z.copy(), words)
        yield _set_targets(scene, head, "wrong_target", np.round(z), f"{words}, rounded")
    if y.shape[1] == 1 and len(y) > 1:
        mean = np.broadcast_to(y.mean(axis=0), y.shape)
        n = len(y)
        sentence = f"({n},) targets against ({n}, 1) outputs became ({n}, {n}): each output is held against all targets"
        for factor, words in ((1.0, ""), (float(n), ", and all of it is summed")):
            yield _set_targets(scene, head, "targets_broadcast", mean, sentence + words, factor)


def _set_targets(
    scene: Scene, head: LogitsHead | None, kind: str, y: Array, words: str, factor: float = 1.0
) -> Committed:
    """The right derivation with other targets; under cross-entropy δ = c (p − y), whatever they sum to."""
    key = "other targets"
    if head is not None:
        c = head.c * factor
        formula = Formula("c (p − {1})", lambda u, t: c * (Activate(head.kind).evaluate(u) - head.targets(t, u)))
        swap = scene.swap(head.node, *scene.weigh(formula, head.logits, key))
    else:
        right = LossGradient(scene.problem.loss, scene.problem.loss.from_logits)
        formula = Formula(right.render("{0}", "{1}"), lambda z, t: factor * right.evaluate(z, t))
        top = scene.graph.head
        swap = scene.swap(top.node, *scene.weigh(formula, top.operands[0], key))
        if scene.problem.loss.function.class_indices:
            y = y.argmax(axis=1)
    return Committed(kind, "", words, swap, data={key: y}, written=words, right="y as given")


def _other_targets(scene: Scene, y: Array, p: Array) -> Iterator[tuple[Array, str]]:
    yield p.copy(), "the targets are overwritten by the network's own output"
    yield np.round(p), "the targets are overwritten by the network's rounded output"
    yield np.zeros_like(y), "the targets are all zero"
    yield np.ones_like(y), "the targets are all one"
    yield y[::-1].copy(), "the targets are in reverse order"
    yield np.sort(y, axis=0), "the targets are sorted"
    for shift in likely_shifts(scene, y):
        yield np.roll(y, shift, axis=0), f"the targets are shifted by {shift} samples"
    yield 1 - y, "the targets are 1 − y"
    if y.shape[1] > 1:
        yield y[:, ::-1].copy(), "the outputs of the targets are in reverse order"
        labels = y.argmax(axis=1)
        yield np.eye(y.shape[1])[labels], "the targets were made one-hot"
        yield (
            np.repeat(labels[:, None], y.shape[1], axis=1).astype(float),
            "class labels stand where one-hot rows belong",
        )


def likely_shifts(scene: Scene, y: Array) -> list[int]:
    """Shifts of the targets that come nearest, all N of them at the cost of one.

    hand − right of the last kernel is Σ_n z_prev[n] δ′[n], and δ′ is linear in the shifted targets; held against one
    random vector on either side, it is a correlation of two sequences.
    """
    name, node = scene.last, f"{scene.last}/dE_dkernel"
    if node not in scene.gradients or node not in scene.off or len(y) < 2:
        return []
    rng = np.random.default_rng(0)
    below = scene.values[scene.below(len(scene.names) - 1)]
    a, b = rng.normal(size=below.shape[1]), np.asarray(rng.normal(size=y.shape[1]))
    wanted = float(a @ (scene.hand[node] - scene.right[node]) @ b)
    along = np.broadcast_to(b, scene.values[f"{name}/u"].shape)
    weights = (below @ a)[:, None] * _slope(scene, name, along)
    spectrum = np.fft.rfft(weights, axis=0) * np.fft.rfft(y, axis=0).conj()
    products = np.fft.irfft(spectrum.sum(axis=1), len(y))  # Σ_n weights[n] · y[n − s]
    order = np.argsort(np.abs(products - products[0] - wanted), kind="stable")
    return [int(s) for s in order if s][:MOST_SHIFTS]


def _slope(scene: Scene, name: str, along: Array) -> Array:
    """(N, K): how the sum of a kernel's δ, weighted along a direction, changes with y.

    Masks, f′ and softmax's Jacobian are symmetric, so that the direction goes up through them as a gradient goes down.
    """
    loss, head = scene.problem.loss, scene.graph.head
    c = loss.factor(scene.batch, scene.outputs)
    for e in reversed(scene.graph.path(head.node, f"{name}/dE_du")):
        along = e.operation.evaluate(along, *(scene.values[o] for o in e.operands[1:]))
    if scene.problem.sample_weight is not None:
        along = scene.problem.sample_weight[:, None] * along
    if logits_head(scene) is not None:
        return -c * along
    if is_squared(loss.function):
        return -2 * c * along
    if loss.function.logits is None:
        return -c * along  # how ℓ′ changes with y is another matter for each loss: at its size only
    z = scene.values[head.operands[0]]
    return -c * (1 / z + 1 / (1 - z)) * along
