"""Which samples count, and how often: one only, the first m, a ragged last batch; and gradients of an earlier step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradient_diff.diagnosis.factors import fit, is_close, nearest_whole
from gradient_diff.diagnosis.mistake import STEP, makes
from gradient_diff.diagnosis.reenactment.enact import Committed, Finish, but_decay, everywhere
from gradient_diff.diagnosis.reenactment.formula import Formula
from gradient_diff.diagnosis.reenactment.scene import SMALLEST, Scene
from manual_mlp import Array, Equation, gradient_node
from manual_mlp.extend import evaluate, variable_of

MOST = 4  # of all weightings, the likeliest by the last layer's gradient, are tried in full
STEPS = 6  # of the secant method
FAR = 0.5  # relative: so far off after a step, this is no earlier gradient

Weighting = tuple[str, str, Array]


def commit(scene: Scene) -> Iterator[Committed]:
    """Every mistake in what is summed over the batch, or over steps."""
    if scene.batch > 1:
        yield from _weigh(scene)
        yield from _divide_by_another_count(scene)
    if not scene.granted:
        yield from _keep_earlier_step(scene)


@makes(
    "only_last_sample",
    "reduction",
    title="only one sample counts",
    equation="dE/dW = Σ_n z_prev[n]ᵀ δ[n]",
    cure="Use += over the batch.",
    alike=("mini_batch_dropped", "output_not_loss", "wrong_target", "probability_clip"),
)
@makes(
    "mini_batch_dropped",
    "reduction",
    title="the last samples are ignored or mis-scaled",
    equation="E = 1/N Σ_N E_n",
    cure="Divide by the samples that you summed.",
    alike=("missing_batch_mean", "missing_output_mean", "only_last_sample", "other_loss"),
)
def _weightings(n: int) -> Iterator[Weighting]:
    """(id, sentence, weight of each sample) for every way to lose some."""
    rows = np.arange(n)
    for sample in range(n):
        which = rows == sample
        yield "only_last_sample", f"only sample {sample} of {n} counts", 1.0 * which
        yield "only_last_sample", f"only sample {sample} of {n} counts, as if it were the whole batch", n * which
    for m in range(2, n):
        for which, some in (("first", rows < m), ("last", rows >= n - m)):
            words = f"only the {which} {m} of {n} samples are summed"
            yield "mini_batch_dropped", words, 1.0 * some
            yield "mini_batch_dropped", f"{words}, and divided by {m}", n / m * some
        if n % m:
            batches = -(-n // m)
            sizes = np.where(rows < n - n % m, m, n % m)
            words = f"the mean of {batches} means over batches of {m} is taken, though the last one has {n % m} samples"
            yield "mini_batch_dropped", words, n / (batches * sizes)


def _weigh(scene: Scene) -> Iterator[Committed]:
    contributions, wanted = _contributions(scene)
    if contributions is None:
        return
    ways = list(_weightings(scene.batch))
    predicted = np.stack([weights for _, _, weights in ways]) @ contributions
    near = np.argsort(np.abs(predicted - wanted).sum(axis=1), kind="stable")[:MOST]
    along = np.argsort(-_cosine(predicted, wanted), kind="stable")[:MOST]  # a second mistake may be a factor
    for k in dict.fromkeys([*near, *along]):
        kind, sentence, weights = ways[k]
        yield Committed(kind, "", sentence, _weigh_delta(scene, weights[:, None]))


def _cosine(rows: Array, vector: Array) -> Array:
    sizes = np.linalg.norm(rows, axis=1) * np.linalg.norm(vector)
    return np.abs(rows @ vector) / np.maximum(sizes, SMALLEST)


def _contributions(scene: Scene) -> tuple[Array | None, Array]:
    """(N, q): what each sample adds to q numbers of the last layer's gradients, and what the hand has there."""
    name = scene.last
    delta, below = scene.values[f"{name}/dE_du"], scene.values[scene.below(len(scene.names) - 1)]
    kernel, bias = f"{name}/dE_dkernel", f"{name}/dE_dbias"
    if kernel in scene.gradients:
        rng = np.random.default_rng(0)
        a, b = rng.normal(size=(below.shape[1], 4)), rng.normal(size=(delta.shape[1], 4))
        wanted = scene.hand[kernel] - scene.decayed(kernel)
        return (below @ a) * (delta @ b), np.einsum("iq,ij,jq->q", a, wanted, b)
    return (delta, scene.hand[bias]) if bias in scene.gradients else (None, delta)


def _weigh_delta(scene: Scene, weight: Array) -> dict[str, Equation]:
    """Each sample's δ of the output times its weight: everything below is linear in it."""
    right = scene.by_node[f"{scene.last}/dE_du"].parts[0]
    text = f"weight per sample ⊙ {right.operation.render(*(f'{{{i}}}' for i in range(len(right.operands))))}"
    operation = Formula(text, lambda *operands: weight * right.operation.evaluate(*operands))
    return scene.swap(right.node, operation, *right.operands)


def _divide_by_another_count(scene: Scene) -> Iterator[Committed]:
    """All samples summed, but divided by another count."""
    n, decays = scene.batch, scene.penalised
    hand, right = ({k: a - decays.get(k, 0.0) for k, a in side.items()} for side in (scene.hand, scene.right))
    factor = fit(hand, right, scene.gradients)
    if not factor or factor < 0:
        return
    m = nearest_whole(n / factor)
    if 0 < m < n and is_close(n / m, factor):
        sentence = f"your gradients are {n}/{m} of the reference's: divided by {m} samples, not {n}"
        there, back = (but_decay(decays, everywhere(f)) for f in (n / m, m / n))
        yield Committed(
            "mini_batch_dropped",
            "",
            sentence,
            finish=there,
            undo=back,
            factor=None if decays else n / m,
            written=f"{n}/{m} · dE/dW",
            right="dE/dW",
        )


@makes(
    "accumulated",
    "reduction",
    title="the gradients were not reset between steps",
    equation="dE/dW = z_prevᵀ δ, dE/db = Σ_N δ",
    cure="Set them to zero before each step.",
    alike=("factor_two", "missing_output_mean", "other_loss"),
    tell_apart=STEP,
)
def _keep_earlier_step(scene: Scene) -> Iterator[Committed]:
    """hand = right + the gradient of the weights before the last step, W + lr E with E = hand − right.

    lr is found by the secant method; no recursion: the earlier gradient is the hand's own excess.
    """
    nodes = [gradient_node(n) for n in scene.problem.parameters]
    if not set(nodes) <= set(scene.gradients):
        return
    excess = {n: scene.hand[n] - scene.right[n] for n in nodes}
    rate, slope = 0.0, 1e-6
    here = _gradients_before(scene, excess, rate)
    for _ in range(STEPS):
        there = _gradients_before(scene, excess, rate + slope)
        change = {n: (there[n] - here[n]) / slope for n in nodes}
        size = sum(float(np.vdot(c, c)) for c in change.values())
        step = -sum(float(np.vdot(change[n], here[n] - excess[n])) for n in nodes) / size if size > 0 else 0.0
        if not np.isfinite(step) or not step:
            return
        rate, slope = rate + step, max(abs(step), 1e-9) * 1e-3
        here = _gradients_before(scene, excess, rate)
        if _distance(here, excess) > FAR:
            return
    sentence = f"the gradient of the step before is still in it: an update with lr = {rate:.6g} ago"
    added = {n: here[n] + scene.added.get(n, 0.0) for n in nodes}
    written, right = "dE/dW += …", "dE/dW = …"
    yield Committed("accumulated", "", sentence, finish=_plus(added), constants=1, written=written, right=right)


def _plus(added: dict[str, Array]) -> Finish:
    return lambda arrays: {n: a + added[n] if n in added else a for n, a in arrays.items()}


def _distance(a: dict[str, Array], b: dict[str, Array]) -> float:
    """|a − b| / |b| over all arrays."""
    off = sum(float(np.square(a[n] - b[n]).sum()) for n in b)
    return float(np.sqrt(off / max(sum(float(np.square(x).sum()) for x in b.values()), SMALLEST)))


def _gradients_before(scene: Scene, excess: dict[str, Array], rate: float) -> dict[str, Array]:
    """The gradients at W + rate · excess."""
    moved = {variable_of(n): scene.weights(n) + rate * e for n, e in excess.items()}
    values = evaluate(scene.equations, {**scene.problem.environment, **moved})
    return {n: values[n] for n in excess}
