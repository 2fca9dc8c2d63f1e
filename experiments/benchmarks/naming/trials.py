"""Wrong derivations of random nets, one mistake or two, and right ones: what the diagnosis says of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from experiments.students.blocks import blocks
from experiments.students.deriving import student_of
from experiments.students.slips import Slip, possible_slips
from experiments.students.small_nets import small_net
from experiments.students.student import student_nodes
from experiments.students.wrong_derivations import with_decay
from gradient_diff import Cause, compare
from manual_mlp import Evaluation, Problem, evaluation_of, gradient_node
from manual_mlp.extend import Arrays

DTYPES = ("float64", "float32")
TRIES = 6  # pairs of mistakes drawn per net
MOST_DIGITS = {"float64": 1e-6, "float32": 1e-3}  # relative: two mistakes at once must differ as much from one alone


@dataclass(frozen=True)
class Naming:
    """One mistake made on one net, and what the diagnosis said."""

    id: str  # of the mistake
    seed: int  # seed, dtype: of the net
    dtype: str
    slip: str  # the mistake in words
    visible: bool  # some row's difference is more than rounding explains
    first: bool  # it was named first, or tied with the first
    named: bool  # it is among the causes
    wrong: bool  # something else was named first, and it is not tied with it
    said: str  # what was named first


def trials_on(seed: int) -> Iterator[Naming]:
    """Every mistake that one random net allows, in float64 and float32."""
    for dtype in DTYPES:
        problem = small_net(seed, dtype)
        reference = evaluation_of(problem)
        for slip in possible_slips(problem, seed):
            hand = derive(problem, slip)
            if hand is not None:
                yield trial(seed, slip, hand, reference)


def derive(problem: Problem, *slips: Slip) -> Arrays | None:
    """What a student with these mistakes computes; None where they cannot be made, or overflow."""
    try:
        hand = student_of(problem).gradients(problem, *slips)
    except (ValueError, IndexError):
        return None
    return hand if all(np.isfinite(g).all() for g in hand.values()) else None


def trial(seed: int, slip: Slip, hand: Arrays, reference: Evaluation) -> Naming:
    """What the diagnosis says of one mistake."""
    if slip.id.startswith("l2_"):
        reference = with_decay(reference, slip.value)
    layout = "as given" if slip.id == "convention_transposed" else None  # else it is undone
    diff = compare(hand, reference, layout=layout)
    ids, firsts = [cause.id for cause in diff.causes], named_first(diff.causes)
    told = Naming(slip.id, seed, reference.problem.dtype.name, str(slip), diff.verdict.bad, False, False, False, "")
    if not told.visible:
        return told
    said = ids[0] if ids else "nothing"
    wrong = bool(ids) and slip.id not in firsts
    return replace(told, first=slip.id in firsts, named=slip.id in ids, wrong=wrong, said=said)


def named_first(causes: tuple[Cause, ...]) -> set[str]:
    """The first cause and what the data cannot tell from it."""
    return {causes[0].id, *causes[0].same_as} if causes else set()


@dataclass(frozen=True)
class Pair:
    """Two mistakes at once: how many of them are named, and what was said."""

    first: str
    second: str
    seed: int
    dtype: str
    named: int
    said: str


def pairs_on(seed: int, dtype: str) -> Iterator[Pair]:
    """Pairs of mistakes drawn for one random net, where each of them shows beside the other."""
    problem = small_net(seed, dtype)
    reference, rng = evaluation_of(problem), np.random.default_rng(seed)
    slips = [slip for slip in possible_slips(problem, seed) if not slip.id.startswith("l2_")]
    for _ in range(TRIES):
        a, b = (slips[i] for i in rng.choice(len(slips), 2, replace=False))
        hands = [derive(problem, *chosen) for chosen in ((a, b), (a,), (b,))]
        if a.id != b.id and _all_differ(hands, reference, MOST_DIGITS[dtype]):
            assert hands[0] is not None
            causes = compare(hands[0], reference).causes
            ids = {name for cause in causes for name in (cause.id, *cause.same_as)}
            said = " + ".join(cause.id for cause in causes[:2]) or "nothing"
            yield Pair(str(a), str(b), seed, dtype, len({a.id, b.id} & ids), said)


def _all_differ(hands: list[Arrays | None], reference: Evaluation, digits: float) -> bool:
    """Both together, each alone and none at all are four different results."""
    sets = [*hands, dict(reference.gradients)]
    known = [s for s in sets if s is not None]
    pairs = [(a, b) for i, a in enumerate(known) for b in known[i + 1 :]]
    return len(known) == len(sets) and all(_differ(a, b, digits) for a, b in pairs)


def _differ(a: Arrays, b: Arrays, digits: float) -> bool:
    return any(
        a[n].shape != b[n].shape or np.abs(a[n] - b[n]).max(initial=0.0) > digits * np.abs(b[n]).max(initial=0.0)
        for n in a
    )


def correct_pairs_on(seed: int) -> Iterator[tuple[str, Arrays, Evaluation]]:
    """Everyone who derives one net's gradients rightly, against the house's derivation in float64 and float32."""
    coarse = small_net(seed, "float32")
    fine = coarse.float64  # the same numbers on both sides
    exact, rounded = evaluation_of(fine), evaluation_of(coarse)
    yield "NumPy float32 | float64", dict(rounded.gradients), exact
    for problem, reference in ((fine, exact), (coarse, rounded)):
        name = problem.dtype.name
        plain = derive(problem)
        if plain is not None:
            yield f"student {name} | {name}", plain, reference
        yield f"permuted {name} | {name}", _permuted(problem, seed), reference
        if all(f"{block.name}/bias" in problem.parameters for block in blocks(problem.mlp)):
            nodes = student_nodes(problem)
            loop = {n: nodes[gradient_node(n)] for n in problem.parameters}
            yield f"sample by sample {name} | {name}", loop, reference


def _permuted(problem: Problem, seed: int) -> Arrays:
    """The samples in another order: another order of every sum over the batch."""
    order = np.random.default_rng(seed).permutation(problem.batch)
    return dict(evaluation_of(replace(problem, x=problem.x[order], y=problem.y[order])).gradients)
