"""Make a mistake on purpose and see what comes out: substitutions in the equation records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from gradient_diff.diagnosis.factors import fit
from gradient_diff.diagnosis.reenactment.scene import Scene, levelled
from gradient_diff.noise.network import rounding_noise
from manual_mlp import Array, Equation, Problem
from manual_mlp.extend import Arrays, is_gradient

NONE: Arrays = MappingProxyType({})
Finish = Callable[[dict[str, Array]], dict[str, Array]]


@dataclass(frozen=True, eq=False)
class Committed:
    """One mistake, committed in one place or everywhere.

    Attributes:
        id: of the mistake.
        layer: where; "" for everywhere.
        sentence: what was done, with numbers, in the reader's terms.
        swaps: node → the equation that stands there instead.
        before: node → equations to run just before that node.
        data: arrays that replace or join data and parameters.
        finish: a map of the finished gradients, node → array; affine.
        undo: the inverse of `finish`, where it has one.
        erased: node → entries that it overwrites, so that nothing can be read off them.
        factor: what it multiplies every gradient with, if it does just that.
        places: in how many layers.
        constants: how many were fitted.
        written, right: the equation as it was written and as it should be.
        words: title and cure, where more is known than the record of the mistake says.
    """

    id: str
    layer: str
    sentence: str
    swaps: Mapping[str, Equation] = field(default_factory=dict)
    before: Mapping[str, tuple[Equation, ...]] = field(default_factory=dict)
    data: Arrays = field(default_factory=dict)
    finish: Finish | None = None
    undo: Finish | None = None
    erased: Arrays = field(default_factory=dict)
    factor: float | None = None
    places: int = 1
    constants: int = 0
    written: str = ""
    right: str = ""
    words: tuple[str, str] = ("", "")


@dataclass(frozen=True, eq=False)
class _Wrong(Problem):
    """A problem whose derivation has substitutions in it, so that its rounding can be computed like any other's."""

    plan: tuple[Equation, ...] = ()
    data: Arrays = field(default_factory=dict)

    @property
    def equations(self) -> tuple[Equation, ...]:
        return self.plan

    @property
    def environment(self) -> dict[str, Array]:
        return {**super().environment, **self.data}


def is_far(scene: Scene, node: str, predicted: Array) -> bool:
    """Whether these mistakes do not explain the hand: an array of it is not what they give."""
    return not scene.near(node, predicted)


def spoils(scene: Scene, node: str, predicted: Array) -> bool:
    """Whether an array is spoiled that is right, before any that is wrong: no other mistake mends that.

    But for a factor of all gradients: what is a multiple of the right array is left to it.
    """
    if node not in scene.before_off or scene.near(node, predicted):
        return False
    factor = fit(scene.hand, {node: predicted}, [node]) if predicted.shape == scene.hand[node].shape else None
    return not factor or not np.isfinite(factor) or not scene.near(node, factor * predicted)


def enact(
    scene: Scene, mistakes: Iterable[Committed], ends: Callable[[Scene, str, Array], bool] | None = None
) -> dict[str, Array] | None:
    """The hand's arrays as a derivation with these mistakes gives them, recomputing only what they change.

    None where the mistakes cannot be made together on this net, or at the first array that `ends` it.
    """
    mistakes = tuple(mistakes)
    finishes = [m.finish for m in mistakes if m.finish is not None]
    if ends is is_far and not finishes and _leaves_bad_rows(scene, mistakes):
        return None
    values, changed = dict(scene.values), {n for m in mistakes for n in m.data}
    for mistake in mistakes:
        values.update(mistake.data)
    try:
        plan = _changed(scene, mistakes) or _merged(scene, mistakes)
    except ValueError:
        return None
    for equation in plan:
        if equation is scene.by_node.get(equation.node) and not changed.intersection(equation.operands):
            continue
        try:
            values[equation.node] = equation.evaluate(values)
        except (ValueError, IndexError):
            return None  # the shapes of this net do not allow the mistake
        changed.add(equation.node)
        node = equation.node
        if ends and not finishes and node in scene.hand and ends(scene, node, _with_decay(scene, node, values[node])):
            return None
    result = {n: _with_decay(scene, n, values[n]) for n in scene.nodes}
    return _finished(finishes, result)


def _with_decay(scene: Scene, node: str, array: Array) -> Array:
    term = scene.added.get(node)
    return array if term is None or term.shape != array.shape else array + term


def _finished(finishes: list[Finish], arrays: dict[str, Array]) -> dict[str, Array] | None:
    try:
        for finish in finishes:
            arrays = finish(arrays)
    except ValueError:
        return None  # one mistake has changed a shape that the other needs
    return arrays


def _changed(scene: Scene, mistakes: tuple[Committed, ...]) -> list[Equation]:
    """Of the derivation with every substitution made, what is not as it was; empty where the order is another, too."""
    swaps = {node: e for m in mistakes for node, e in m.swaps.items()}
    data = {n for m in mistakes for n in m.data}
    known = scene.problem.environment.keys() | data
    if any(m.before for m in mistakes) or any(
        o not in known and scene.places[o] >= scene.places[n] for n, e in swaps.items() for o in e.operands
    ):
        return []
    places = sorted(frozenset().union(*(scene.downstream.get(n, frozenset()) for n in (*swaps, *data))))
    return [swaps.get(e.node, e) for e in (scene.equations[place] for place in places)]


def _merged(scene: Scene, mistakes: tuple[Committed, ...]) -> list[Equation]:
    """The derivation with every substitution made."""
    plan: list[Equation] = []
    for equation in scene.equations:
        for mistake in mistakes:
            plan.extend(mistake.before.get(equation.node, ()))
        chosen = [m.swaps[equation.node] for m in mistakes if equation.node in m.swaps]
        plan.append(chosen[-1] if chosen else equation)
    return _in_order(plan, {*scene.problem.environment, *(n for m in mistakes for n in m.data)})


def _in_order(plan: list[Equation], known: set[str]) -> list[Equation]:
    """An equation that reads what comes later, such as the δ of a layer below, waits for it."""
    ordered, waiting = [], plan
    while waiting:
        still = []
        for equation in waiting:
            if known.issuperset(equation.operands):
                ordered.append(equation)
                known.add(equation.node)
            else:
                still.append(equation)
        if len(still) == len(waiting):
            raise ValueError("These mistakes need each other's results.")
        waiting = still
    return ordered


def _leaves_bad_rows(scene: Scene, mistakes: tuple[Committed, ...]) -> bool:
    """Whether some array that is off would stay as the right derivation has it."""
    if any(m.data for m in mistakes):
        return False
    nodes = {n for m in mistakes for n in (*m.swaps, *m.before)}
    reached = frozenset().union(*(scene.reached.get(n, frozenset()) for n in nodes))
    return any(node not in reached for node in scene.off)


def residual(scene: Scene, mistakes: Iterable[Committed]) -> float:
    """What these mistakes leave of the hand's difference, in units of their own derivation's rounding.

    At most 1 if they explain every array, one that is off visibly; inf where they do not come near.
    """
    mistakes = tuple(mistakes)
    predicted = enact(scene, mistakes, is_far)
    if predicted is None or not all(scene.near(n, predicted[n]) for n in scene.nodes):
        return np.inf
    left = _left(scene, predicted)
    if left <= 1:
        return left
    own = _tolerance(scene, mistakes)  # what cancels in the right derivation need not cancel in this
    on_the_whole = {n: levelled(own[n], predicted[n].shape) for n in scene.nodes}
    left = _left(scene, predicted, on_the_whole, _may_leave_noise(scene, mistakes, predicted))
    if left <= 1 or scene.granted or any(m.constants for m in mistakes):  # a few entries are met by any free constant
        return left
    return _left(scene, predicted, own, digits=scene.has_digits(predicted))


def _may_leave_noise(scene: Scene, mistakes: tuple[Committed, ...], predicted: Arrays) -> bool:
    """Whether noise may be all that a wrong derivation gives.

    Other equations may cancel; but a factor of noise is no finding, targets that are the output's own copy leave exact
    zeros, and where no array is off on the whole any hand of that size would be met.
    """
    if scene.granted or all(scene.good.values()) or any(m.finish is not None or not m.swaps for m in mistakes):
        return False
    return not any(m.data for m in mistakes) or any(np.any(predicted[n]) for n in scene.nodes)


def _left(
    scene: Scene, predicted: Arrays, tolerance: Arrays = NONE, noise: bool = False, digits: bool = False
) -> float:
    """The worst residual; inf where nothing that is off is visibly explained, so that anything would fit as well."""
    left = max((scene.residual(n, predicted[n], tolerance.get(n)) for n in scene.nodes), default=np.inf)
    told = digits or any(scene.tells(n, predicted[n], tolerance.get(n), noise) for n in scene.off if left <= 1)
    return left if told or left > 1 else np.inf


def _tolerance(scene: Scene, mistakes: tuple[Committed, ...]) -> dict[str, Array]:
    """The rounding of the wrong derivation itself, entry by entry."""
    noise = scene.noise
    if any(m.swaps or m.before or m.data for m in mistakes):
        with np.errstate(all="ignore"):
            noise = rounding_noise(_wrong(scene, mistakes), noise.dtype, loops=noise.loops)
    spread = {n: np.asarray(noise.tolerance(n, scene.sides)) for n in scene.nodes}
    finishes = [m.finish for m in mistakes if m.finish is not None]
    mapped = _finished(finishes, dict(spread))
    none = _finished(finishes, {n: np.zeros_like(a) for n, a in spread.items()})
    assert mapped is not None  # the same maps have just gone through
    assert none is not None
    return {n: np.abs(mapped[n] - none[n]) for n in scene.nodes}


def _wrong(scene: Scene, mistakes: tuple[Committed, ...]) -> Problem:
    p = scene.problem
    known = p.data if isinstance(p, _Wrong) else {}
    data = {**known, **{n: a for m in mistakes for n, a in m.data.items()}}
    plan = tuple(_merged(scene, mistakes))
    return _Wrong(
        p.mlp, p.parameters, p.x, p.y, p.loss, p.fused, p.draws, p.sample_weight, p.training, plan=plan, data=data
    )


def after(scene: Scene, mistake: Committed) -> Scene | None:
    """The scene in which a second mistake is looked for: the first is granted, its derivation counts as the right one.

    None where the first cannot be made, or undone.
    """
    if mistake.finish is not None and mistake.undo is None and not mistake.erased:
        return None
    ignored = {**scene.ignored, **mistake.erased}
    hand = dict(scene.hand) if mistake.undo is None else mistake.undo(dict(scene.hand))
    try:
        granted = replace(scene, problem=_wrong(scene, (mistake,)), hand=hand, ignored=ignored, granted=True)
        granted.values  # noqa: B018  (a mistake that this net's shapes do not allow shows here)
    except (ValueError, IndexError):
        return None
    return granted


def explained(scene: Scene, predicted: Arrays) -> set[str]:
    """The hand's arrays that a prediction meets."""
    unchanged = {n for n in scene.nodes if predicted[n] is scene.values[n]}
    met = {n for n in scene.nodes if n not in unchanged and scene.residual(n, predicted[n]) <= 1}
    met = {n for n in met if scene.good[n] or scene.tells(n, predicted[n])}
    return met | {n for n in unchanged if scene.good[n]}


def join(mistakes: Sequence[Committed], where: str) -> Committed:
    """The same mistake in several layers as one: `where` stands before the sentence."""
    swaps = {n: e for m in mistakes for n, e in m.swaps.items()}
    before = {n: e for m in mistakes for n, e in m.before.items()}
    words = {m.words for m in mistakes}
    own = words.pop() if len(words) == 1 else ("", "")  # layers of several activations share no words
    return Committed(
        mistakes[0].id, "", f"{where}, {mistakes[0].sentence}", swaps, before, places=len(mistakes), words=own
    )


def everywhere(factor: float, nodes: Callable[[str], bool] = lambda node: True) -> Finish:
    """A map: multiply the finished gradients whose node fulfils a condition; what is no gradient stays."""
    return lambda arrays: {n: a * factor if is_gradient(n) and nodes(n) else a for n, a in arrays.items()}


def but_decay(decays: Arrays, change: Finish) -> Finish:
    """A map of the finished gradients that leaves what penalties make of them as it is."""

    def finish(arrays: dict[str, Array]) -> dict[str, Array]:
        changed = change({n: a - decays[n] if n in decays else a for n, a in arrays.items()})
        return {n: a + decays[n] if n in decays else a for n, a in changed.items()}

    return finish


def is_kernel(node: str) -> bool:
    """Whether a node is a kernel's gradient."""
    return is_gradient(node, "kernel")


def is_bias(node: str) -> bool:
    """Whether a node is a bias's gradient."""
    return is_gradient(node, "bias")


def described(scene: Scene, mistake: Committed) -> Committed:
    """With the equation as written and as it should be, read off the first substitution."""
    node = next((n for n in mistake.swaps if n in scene.by_node), None)
    if mistake.written or node is None:
        return mistake
    return replace(mistake, written=mistake.swaps[node].formula, right=scene.by_node[node].formula)
