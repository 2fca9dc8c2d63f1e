"""The output's δ under cross-entropy, where f′ has cancelled: kept all the same, or with half a Jacobian."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from gradient_diff.diagnosis.mistake import makes
from gradient_diff.diagnosis.reenactment.enact import Committed
from gradient_diff.diagnosis.reenactment.formula import Formula
from gradient_diff.diagnosis.reenactment.graph import Slope
from gradient_diff.diagnosis.reenactment.scene import Scene
from manual_mlp import Array, Equation, Loss
from manual_mlp.extend import Activate, LossGradient, Operation, Pullback

Head = Callable[[Array, Array, Array], Array]

CLIPS = (1e-7, 1e-15, 1e-12, 1e-10, 1e-9, 1e-8, 1e-6, 1e-5)  # what people keep probabilities away from 0 and 1 by


@dataclass(frozen=True)
class LogitsHead:
    """Where δ is a function of the logits: fused by Keras, or a loss from logits.

    Attributes:
        layer: the output's.
        node: of δ.
        logits: the node of u.
        kind: sigmoid or softmax.
        c: in front of the sum in E.
        loss: E, which may smooth its labels.
    """

    layer: str
    node: str
    logits: str
    kind: str
    c: float
    loss: Loss

    def targets(self, y: Array, like: Array) -> Array:
        """Dense, and smoothed where E smooths them."""
        return self.loss.targets(dense(y, like), like.shape[1])

    def swap(self, scene: Scene, text: str, head: Head) -> dict[str, Equation]:
        """δ as another function of u, p and y (dense)."""
        formula = Formula(text, lambda u, y: head(u, Activate(self.kind).evaluate(u), self.targets(y, u)))
        return scene.swap(self.node, *scene.weigh(formula, self.logits, "y"))

    def pull(self, g: Array, p: Array) -> Array:
        """Through the activation."""
        return Pullback(self.kind).evaluate(g, p)


def logits_head(scene: Scene) -> LogitsHead | None:
    """The head of this problem, if it is one from logits."""
    loss, head = scene.problem.loss, scene.graph.head
    kind = loss.function.fused_activation
    if kind is None or not (scene.problem.fused or loss.from_logits):
        return None
    c = loss.factor(scene.batch, scene.outputs)
    return LogitsHead(head.layer, head.node, head.operands[0], kind, c, loss)


def dense(y: Array, like: Array) -> Array:
    """Class indices as one-hot rows; other targets as they are."""
    return np.eye(like.shape[1])[y.reshape(-1)] if y.dtype.kind in "iu" else y


def commit(scene: Scene) -> Iterator[Committed]:
    """Every mistake in the output's δ under cross-entropy."""
    head = logits_head(scene)
    if head is None:
        return
    for kind, sentence, text, function in _heads(head):
        yield Committed(kind, head.layer, sentence, head.swap(scene, text, function))
    if head.kind == "sigmoid":
        yield from _forget_inner_sign(scene, head)
    yield from _clip(scene, head)


@makes(
    "output_derivative_kept",
    "activation",
    title="f′ is multiplied in although cross-entropy cancels it",
    equation="δ = (p − y)/N",
    cure="δ = (p − y)/N is all.",
    alike=("other_loss",),
)
@makes(
    "softmax_twice",
    "activation",
    title="probabilities are fed to a loss that expects logits",
    equation="δ = (p − y)/N, p = f(u)",
    cure="from_logits=True wants u, not z.",
)
def _heads(head: LogitsHead) -> Iterator[tuple[str, str, str, Head]]:
    c = head.c
    kept, twice = "output_derivative_kept", "softmax_twice"
    sentence = "δ of the output is multiplied by p(1 − p) once more"
    yield kept, sentence, "c (p − y) ⊙ p(1 − p)", lambda u, p, y: c * (p - y) * p * (1 - p)
    if head.kind == "softmax":
        sentence = "δ of the output is multiplied by the softmax Jacobian once more"
        yield kept, sentence, "J c (p − y)", lambda u, p, y: head.pull(c * (p - y), p)
        sentence = "p(1 − p) is used as the whole softmax Jacobian: δ = −c y(1 − p)"
        yield "softmax_elementwise", sentence, "−c y(1 − p)", lambda u, p, y: -c * y * (1 - p)
    sentence = f"the loss takes the probabilities for logits and applies {head.kind} again"
    again = Activate(head.kind).evaluate
    yield twice, sentence, "f′ ⊙ c (f(p) − y)", lambda u, p, y: head.pull(c * (again(p) - y), p)
    sentence = f"{head.kind} is applied twice, and δ = c ({head.kind}(p) − y) is not sent back through the inner one"
    yield twice, sentence, "c (f(p) − y)", lambda u, p, y: c * (again(p) - y)


@makes(
    "bce_inner_sign",
    "sign",
    title="the inner minus of log(1 − p) is forgotten",
    equation="d log(1 − p)/dp = −1/(1 − p)",
    cure="d log(1 − p)/dp is −1/(1 − p).",
)
def _forget_inner_sign(scene: Scene, head: LogitsHead) -> Iterator[Committed]:
    c = head.c
    sentence = "the inner minus of log(1 − p) is forgotten: right only where y = 1"
    swap = head.swap(scene, "−c (y(1 − p) + (1 − y)p)", lambda u, p, y: -c * (y * (1 - p) + (1 - y) * p))
    yield Committed("bce_inner_sign", head.layer, sentence, swap)


@makes(
    "probability_clip",
    "differentiated",
    title="log of probabilities that were clipped",
    equation="δ = (p − y)/N",
    cure="Compute cross-entropy from logits.",
    alike=("only_last_sample", "output_not_loss", "wrong_target"),
)
def _clip(scene: Scene, head: LogitsHead) -> Iterator[Committed]:
    """Probabilities kept away from 0 and 1, each way, where that changes anything."""
    y = head.targets(scene.values["y"], scene.values[head.logits])
    p = Activate(head.kind).evaluate(scene.values[head.logits])
    for epsilon in CLIPS:
        touched = ((p < epsilon) | (p > 1 - epsilon)) & (True if head.kind == "sigmoid" else y > 0)
        if not touched.any():
            continue
        count = f"{int(touched.any(axis=1).sum())} of {len(p)} samples"
        sentence = f"probabilities are clipped to [{epsilon:g}, 1 − {epsilon:g}]"
        swap = head.swap(scene, "c (clip(p) − y)", _clip_value(head, epsilon))
        yield Committed("probability_clip", head.layer, f"{sentence}, which moves δ of {count}", swap)
        swap = head.swap(scene, "f′ ⊙ dE/dp, 0 where p was clipped", _stop_gradient(head, epsilon))
        yield Committed("probability_clip", head.layer, f"{sentence}, so that no gradient reaches {count}", swap)
    for epsilon in CLIPS:
        swap = head.swap(scene, "f′ ⊙ c (−y/(p + ε) …)", _pad_logarithm(head, epsilon))
        sentence = f"the logarithm is taken of p + {epsilon:g}"
        yield Committed("probability_clip", head.layer, sentence, swap)


def _clip_value(head: LogitsHead, epsilon: float) -> Head:
    return lambda u, p, y: head.c * (np.clip(p, epsilon, 1 - epsilon) - y)


def _stop_gradient(head: LogitsHead, epsilon: float) -> Head:
    def delta(u: Array, p: Array, y: Array) -> Array:
        inside = (p >= epsilon) & (p <= 1 - epsilon)
        q = np.clip(p, epsilon, 1 - epsilon)
        slope = (1 - y) / (1 - q) - y / q if head.kind == "sigmoid" else -y / q
        return head.pull(head.c * slope * inside, p)

    return delta


def _pad_logarithm(head: LogitsHead, epsilon: float) -> Head:
    def delta(u: Array, p: Array, y: Array) -> Array:
        slope = (1 - y) / (1 - p + epsilon) - y / (p + epsilon) if head.kind == "sigmoid" else -y / (p + epsilon)
        return head.pull(head.c * slope, p)

    return delta


def probability_gradient(scene: Scene, top: Slope) -> Equation:
    """dE/dz of an output whose loss gives δ at once: what its derivation has no line for."""
    loss = replace(scene.problem.loss, from_logits=False)
    operation, *operands = scene.weigh(LossGradient(loss, False), top.z, "y")
    return Equation(top.layer, top.g, operation, tuple(operands))


def clip_as_keras(scene: Scene) -> Iterator[Committed]:
    """What Keras itself does where it has lost the logits: the house's own unfused gradient."""
    top = scene.graph.output
    if not scene.problem.fused or top is None:
        return
    sentence = "the cross-entropy is taken of clipped probabilities: saturated samples get no gradient"
    clipped = probability_gradient(scene, top)
    yield unfuse(scene, top, "probability_clip", sentence, clipped.operation, *clipped.operands)


def unfuse(scene: Scene, top: Slope, kind: str, sentence: str, operation: Operation, *operands: str) -> Committed:
    """dE/dz of a fused output by an operation on z, then the pullback of its activation."""
    extra = Equation(top.layer, top.g, operation, operands)
    swap = scene.swap(top.node, Pullback(top.kind), top.g, top.reads)
    right = scene.by_node[top.node].formula
    return Committed(kind, top.layer, sentence, swap, {top.node: (extra,)}, written=extra.formula, right=right)
