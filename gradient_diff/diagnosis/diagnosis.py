"""diagnose: which known mistake, made on purpose, gives just the hand's arrays?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from gradient_diff.diagnosis.catalogue import CONVENTIONS, MISTAKES
from gradient_diff.diagnosis.factors import NOTHING, Found, Guess, Known
from gradient_diff.diagnosis.mistake import Mistake
from gradient_diff.diagnosis.mistakes.regularisation import decay_between
from gradient_diff.diagnosis.reenactment.enact import Committed, described
from gradient_diff.diagnosis.reenactment.scene import Scene
from gradient_diff.diagnosis.search import Explanation, explanations
from gradient_diff.diagnosis.settings import SETTINGS
from gradient_diff.diagnosis.signatures import signatures
from gradient_diff.noise.network import Kind, Noise, rounding_noise
from gradient_diff.result.findings import Cause
from manual_mlp import Array, Evaluation, Problem, gradient_node
from manual_mlp.extend import GATE, UNITS, Arrays, is_gradient

_ORDER = list(MISTAKES)


def diagnose(
    hand: Evaluation | Arrays,
    reference: Evaluation | Arrays,
    *,
    quick: bool = False,
    noise: Noise | None = None,
    sizes: tuple[int, int] | None = None,
) -> tuple[Cause, ...]:
    """Name the mistake, best explanation first.

    Where the network is known (an Evaluation on either side), each mistake of the list is made on purpose, in each
    layer, alone, in several layers and in pairs, and the result held against the hand's arrays. Otherwise the arrays
    alone are looked at.

    Args:
        hand: the derivation under test: an Evaluation or a dict, parameter or node name → array.
        reference: what it is held against.
        quick: look at the arrays alone; of a known network only the sizes, the weights and the rates are used.
        noise: the rounding to expect where it is more than the network's own, e.g. of gradients inferred from weights.
        sizes: (N, K), where no Evaluation tells them.

    Returns:
        Causes; empty if the hand is right, or if no known mistake explains it. Two mistakes that act at once stand
        one after the other.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import MLP, Dense
        >>> mlp = MLP(2, [Dense(3, "tanh"), Dense(3)])
        >>> e = mlp.backpropagate(mlp.initialize(0), np.ones((5, 2)), np.zeros((5, 3)), "mse")
        >>> print(diagnose({name: 5 * g for name, g in e.gradients.items()}, e)[0].message)
        your gradients are 5 times the reference's; 5 is the batch size. Divide δ of the output by N, once.
    """
    problem = next((side.problem for side in (reference, hand) if isinstance(side, Evaluation)), None)
    sides = _plain(hand, problem), _plain(reference, problem)
    known = _known(problem) if problem else Known(*sizes) if sizes else NOTHING
    return find_causes(*sides, None if quick else problem, noise, known)


def find_causes(
    hand: Arrays, reference: Arrays, problem: Problem | None, noise: Noise | None = None, known: Known = NOTHING
) -> tuple[Cause, ...]:
    """`diagnose` for arrays by node: by re-enactment where the problem is known, else by signature."""
    zeros = _all_zero(hand, reference, [gradient_node(n) for n in problem.parameters] if problem else list(reference))
    if problem is None:
        return zeros or _by_signature(hand, reference, known)
    arrays, given = _usable(hand, problem), _usable(reference, problem)
    for unit in _units(arrays, given):
        scene = _scene(problem, arrays, given, unit, noise)
        if not scene.off:
            return ()
        coarsely = _is_finer(arrays, given, unit)
        causes = _named(scene, explanations(scene, alone=coarsely))
        if causes:
            causes = _said_coarsely(causes) if coarsely else causes
            alike = tuple(dict.fromkeys(cause.id for cause in causes))
            return (*(replace(z, same_as=alike, tell_apart=causes[0].tell_apart) for z in zeros), *causes)
    return zeros


def _by_signature(hand: Arrays, reference: Arrays, known: Known) -> tuple[Cause, ...]:
    found = _as_causes(signatures(hand, reference, known))
    if found or not _is_finer(hand, reference, "float32"):
        return found
    with np.errstate(all="ignore"):
        coarse = {n: a.astype(np.float32) for n, a in hand.items()}
        if any(np.any(hand[n]) and not 0 < np.abs(a).max(initial=0.0) < np.inf for n, a in coarse.items()):
            return ()  # beyond the range of float32
        return _said_coarsely(_as_causes(signatures(coarse, reference, known)))


def _is_finer(hand: Arrays, reference: Arrays, unit: str) -> bool:
    """Whether both sides are stored finer than a unit says that they were computed."""
    return all(UNITS[_coarsest(side)] < UNITS[unit] for side in (hand, reference))


def _said_coarsely(causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
    more = "Your arrays are float64, but fit to within the rounding of float32 only: something on the way was float32."
    return tuple(replace(cause, message=f"{cause.message} {more}") for cause in causes)


def _all_zero(hand: Arrays, reference: Arrays, gradients: list[str]) -> tuple[Cause, ...]:
    """Where every gradient is zero: that says more than any derivation of which zeros come out, too."""
    theirs = [n for n in gradients if n in reference]
    if not any(np.any(reference[n]) for n in theirs) or not all(n in hand and not np.any(hand[n]) for n in theirs):
        return ()
    message = "every gradient of yours is zero: nothing was computed, or nothing was stored where you read it. "
    cure = "Look at what the backward pass returns, and whether the step was taken."
    equations, title = ("dE/dW = 0, dE/db = 0", ""), "every gradient is zero"
    return (Cause("missing_gradient", "", message + cure, *equations, float("nan"), title=title, cure=cure),)


def _known(problem: Problem) -> Known:
    """What signatures may use of a network."""
    weights = {gradient_node(n): a for n, a in problem.parameters.items() if n.endswith("/kernel")}
    rates = tuple(layer.rate for layer, _ in problem.mlp.masks.values())
    return Known(problem.batch, problem.mlp.units[-1], weights, rates)


def _plain(side: Evaluation | Arrays, problem: Problem | None) -> dict[str, Array]:
    """node → array; parameter names become the names of their gradients."""
    arrays = side.nodes if isinstance(side, Evaluation) else side
    names = problem.parameters if problem else {}
    return {gradient_node(n) if n in names else n: np.asarray(a) for n, a in arrays.items()}


def _usable(side: Arrays, problem: Problem) -> dict[str, Array]:
    """Arrays of the derivation that hold numbers; E itself is no gradient, and its scale another question."""
    known = {e.node for e in problem.equations} - {"loss"}
    return {n: a for n, a in side.items() if n in known and np.isfinite(np.asarray(a, np.float64)).all()}


def _units(hand: Arrays, reference: Arrays) -> list[str]:
    """The dtype of the hand's rounding: its own; or a coarser one, where it was only stored in a finer one."""
    own, other = (_coarsest(side) for side in (hand, reference))
    if own == other == "float64":
        return [own, "float32"]
    return [own, other] if UNITS[other] > UNITS[own] else [own]


def _coarsest(side: Arrays) -> str:
    return max((a.dtype.name for a in side.values() if a.dtype.name in UNITS), key=UNITS.__getitem__, default="float64")


def _scene(problem: Problem, hand: Arrays, reference: Arrays, unit: str, given: Noise | None) -> Scene:
    own = rounding_noise(problem, unit, loops=1.0 if given is not None and given.loops else 0.0)
    scene = Scene(problem.float64, own, {n: np.asarray(a, np.float64) for n, a in hand.items()})
    extra: dict[str, Array] = {}
    if given is not None and given.kind is Kind.NETWORK:  # the network's own σ, made wider by the caller
        shared = [n for n in scene.nodes if n in given.sigma]
        extra = {n: np.maximum(given.tolerance(n) - own.tolerance(n), 0.0) for n in shared}
    decay, unsure = _decay(scene, reference)
    for n in scene.nodes if decay else ():
        if is_gradient(n, "kernel", "bias"):
            extra[n] = extra.get(n, 0.0) + 4 * unsure * np.abs(scene.weights(n))
    return replace(scene, decay=decay, extra=extra)


def _decay(scene: Scene, reference: Arrays) -> tuple[float, float]:
    """λ and how well it is known, where the reference's kernels differ from the problem's by 2λW; else 0."""
    kernels = [n for n in scene.by_node if is_gradient(n, "kernel") and n in reference]
    kernels = [n for n in kernels if reference[n].shape == scene.values[n].shape and reference[n].dtype.name in UNITS]
    off = {n: np.asarray(reference[n], np.float64) - scene.values[n] for n in kernels}
    weights = {n: scene.weights(n) for n in kernels}
    twice = decay_between(off, weights)
    if not twice:
        return 0.0, 0.0
    unit = max((reference[n].dtype.name for n in kernels), key=UNITS.__getitem__)
    noise = rounding_noise(scene.problem, unit, loops=scene.noise.loops)
    limit = {n: noise.tolerance(n) + GATE * UNITS[unit] * np.abs(reference[n]) for n in kernels}
    size = sum(float(np.square(w).sum()) for w in weights.values())
    unsure = float(np.sqrt(sum(float(np.square(a).sum()) for a in limit.values()) / size))
    seen = any((np.abs(off[n]) > limit[n]).any() for n in kernels)
    fits = all((np.abs(off[n] - twice * w) <= limit[n] + unsure * np.abs(w)).all() for n, w in weights.items())
    return (twice / 2, unsure) if seen and fits else (0.0, 0.0)


def _named(scene: Scene, found: list[Explanation]) -> tuple[Cause, ...]:
    """Look-alikes are named together: those with as few constants as the best; two at once come after one alone."""
    if not found:
        return ()
    single, pairs = ([e for e in found if (len(e.mistakes) > 1) is two] for two in (False, True))
    both = _two_causes(scene, pairs) if pairs else ()
    if not single:
        return both
    fewest = single[0].rank[0]
    alike = list(dict.fromkeys(e.mistakes[0].id for e in single if e.rank[0] == fewest))
    causes: dict[str, Cause] = {}
    for e in single:
        mistake = e.mistakes[0]
        others = tuple(name for name in alike if name != mistake.id) if e.rank[0] == fewest else ()
        causes.setdefault(mistake.id, _cause(scene, mistake, e.residual, others))
    return *causes.values(), *both


def _two_causes(scene: Scene, found: list[Explanation]) -> tuple[Cause, ...]:
    """The best pair; a look-alike of one of the two is what explains the hand together with the other."""
    best, constants = found[0], found[0].rank[0]
    pairs = [[m.id for m in e.mistakes] for e in found if len(e.mistakes) == 2 and e.rank[0] == constants]
    causes = []
    for which, mistake in enumerate(best.mistakes):
        other = best.mistakes[1 - which].id
        alike = (name for pair in pairs if other in pair for name in pair if name not in (other, mistake.id))
        cause = _cause(scene, mistake, best.residual, tuple(dict.fromkeys(alike)))
        causes.append(replace(cause, together=(other,)))
    return tuple(causes)


def _cause(scene: Scene, mistake: Committed, residual: float, same_as: tuple[str, ...] = ()) -> Cause:
    mistake = described(scene, mistake)
    equations = mistake.written, mistake.right
    cause = _as_cause(mistake.id, mistake.layer, mistake.sentence, same_as, equations, residual * GATE, mistake.words)
    return replace(cause, cure="") if mistake.constants > 1 else cause  # several numbers describe, and mend nothing


def _as_cause(
    name: str,
    layer: str,
    sentence: str,
    same_as: tuple[str, ...],
    equations: tuple[str, str] = ("", ""),
    residual: float = float("nan"),
    words: tuple[str, str] = ("", ""),
) -> Cause:
    record = _record(name)
    title, cure = words[0] or record.title, words[1] or record.cure
    said = sentence if sentence.endswith("?") else f"{sentence}."
    message = f"{layer}: {said} {cure}" if layer else f"{said} {cure}"
    return Cause(
        name,
        layer,
        message,
        *equations,
        residual,
        same_as,
        record.tell_apart,
        record.convention,
        title=title,
        cure=cure,
    )


def _record(name: str) -> Mistake:
    return next(records[name] for records in (MISTAKES, CONVENTIONS, SETTINGS) if name in records)


def _as_causes(found: Iterable[Found]) -> tuple[Cause, ...]:
    """Causes from signatures."""
    named = sorted(found, key=lambda f: _ORDER.index(f[0]) if f[0] in MISTAKES else -1)
    alike = list(dict.fromkeys(name for name, _, _ in named))
    return tuple(
        replace(_as_cause(*f, tuple(n for n in alike if n != f[0])), asked=isinstance(f, Guess)) for f in named
    )
