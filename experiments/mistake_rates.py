"""How often is a mistake named rightly? Independent wrong derivations on random nets, pairs, and correct ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from experiments.blocks import blocks
from experiments.running import main
from experiments.slips import Slip, possible_slips
from experiments.small_nets import data, small_net
from experiments.student import student_nodes
from experiments.study import Part, Result, Settings, Table, paragraphs
from experiments.wrong_derivations import Gradients, wrong_gradients
from gradient_diff import MISTAKES, Cause, compare, diagnose
from manual_mlp import MLP, Dense, Evaluation, Problem, evaluation_of, gradient_node

if TYPE_CHECKING:
    import pandas as pd
    from rich.progress import Progress

SHORT, FULL = (2, 10, 60), (12, 150, 10_000)  # nets, pairs of mistakes, correct pairs
DTYPES = ("float64", "float32")
TRIES = 6  # pairs of mistakes drawn per net
MOST_DIGITS = {"float64": 1e-6, "float32": 1e-3}  # relative: two mistakes at once must differ as much from one alone
SIZES = (784, 50, 100, 10)
REPEATS = 5


@dataclass(frozen=True)
class Trial:
    """One mistake made on one net, and what the diagnosis said.

    Attributes:
        id: of the mistake.
        seed, dtype: of the net.
        slip: the mistake in words.
        visible: some row's difference is more than rounding explains.
        first: it was named first, or tied with the first.
        named: it is among the causes.
        wrong: something else was named first, and it is not tied with it.
        said: what was named first.
    """

    id: str
    seed: int
    dtype: str
    slip: str
    visible: bool
    first: bool
    named: bool
    wrong: bool
    said: str


def run(settings: Settings, progress: Progress) -> Result:
    """Make every mistake on random nets and count what is said of it.

    Args:
        settings: `full` takes 12 nets in both dtypes, 150 pairs of mistakes and 10,000 correct pairs; else a few.
        progress: bars.

    Returns:
        The table per mistake, and one claim per target.
    """
    nets, pairs, correct = FULL if settings.full else SHORT
    seeds = range(settings.seed, settings.seed + nets)
    trials = [t for s in progress.track(seeds, description="one mistake") for t in trials_on(s)]
    two = list(_two_mistakes(progress, settings.seed, pairs))
    wrongly = list(_correct_pairs(progress, settings.seed, correct))
    costs = _costs()
    parts = (_single(trials), _double(two), _correct(wrongly, correct), _cost(costs))
    return Result("How often a mistake is named", parts)


def trials_on(seed: int) -> Iterator[Trial]:
    """Every mistake that one random net allows, in float64 and float32.

    Example:
        >>> next(trials_on(1)).first
        True
    """
    for dtype in DTYPES:
        problem = small_net(seed, dtype)
        reference = evaluation_of(problem)
        for slip in possible_slips(problem, seed):
            hand = derived(problem, slip)
            if hand is not None:
                yield _trial(seed, slip, hand, reference)


def derived(problem: Problem, *slips: Slip) -> Gradients | None:
    """What a student with these mistakes computes; None where they cannot be made, or overflow.

    Example:
        >>> sorted(derived(small_net(1), Slip("sign")))
        ['dense_1/bias', 'dense_1/kernel', 'dense_2/bias', 'dense_2/kernel']
    """
    decay = next((s.value for s in slips if s.id.startswith("l2_")), 0.0)
    try:
        with np.errstate(all="ignore"):
            data = problem.x, problem.y, problem.loss, decay, problem.draws
            hand = wrong_gradients(slips, problem.parameters, problem.mlp, *data)
    except (ValueError, IndexError):
        return None
    return hand if all(np.isfinite(g).all() for g in hand.values()) else None


def with_decay(reference: Evaluation, rate: float) -> Evaluation:
    """The reference of an E that has a decay, E += λ Σ W².

    Example:
        >>> e = evaluation_of(small_net(1))
        >>> more = with_decay(e, 0.5).gradients["dense_1/kernel"] - e.gradients["dense_1/kernel"]
        >>> bool(np.allclose(more, e.problem.parameters["dense_1/kernel"]))
        True
    """
    weights = {n: a for n, a in reference.problem.parameters.items() if n.endswith("/kernel")}
    added = {gradient_node(n): reference.gradients[n] + a.dtype.type(2 * rate) * a for n, a in weights.items()}
    return replace(reference, nodes={**reference.nodes, **added})


def _trial(seed: int, slip: Slip, hand: Gradients, reference: Evaluation) -> Trial:
    if slip.id.startswith("l2_"):
        reference = with_decay(reference, slip.value)
    diff = compare(hand, reference)
    ids, firsts = [cause.id for cause in diff.causes], named_first(diff.causes)
    told = Trial(slip.id, seed, reference.problem.dtype.name, str(slip), diff.verdict.bad, False, False, False, "")
    if not told.visible:
        return told
    said = ids[0] if ids else "nothing"
    wrong = bool(ids) and slip.id not in firsts
    return replace(told, first=slip.id in firsts, named=slip.id in ids, wrong=wrong, said=said)


def named_first(causes: tuple[Cause, ...]) -> set[str]:
    """The first cause and what the data cannot tell from it.

    Example:
        >>> sorted(named_first((Cause("factor_two", "", "", "", "", 0.0, ("accumulated",)),)))
        ['accumulated', 'factor_two']
    """
    return {causes[0].id, *causes[0].same_as} if causes else set()


# Two mistakes at once.


@dataclass(frozen=True)
class Pair:
    """Two mistakes at once: how many of them are named, and what was said."""

    first: str
    second: str
    seed: int
    dtype: str
    named: int
    said: str


def _two_mistakes(progress: Progress, start: int, count: int) -> Iterator[Pair]:
    task = progress.add_task("two mistakes", total=count)
    seed, done = start, 0
    while done < count:
        for pair in pairs_on(seed, DTYPES[seed % 2]):
            if done < count:
                yield pair
                done += 1
                progress.advance(task)
        seed += 1


def pairs_on(seed: int, dtype: str) -> Iterator[Pair]:
    """Pairs of mistakes drawn for one random net, where each of them shows beside the other.

    Example:
        >>> {pair.dtype for pair in pairs_on(6, "float64")}
        {'float64'}
    """
    problem = small_net(seed, dtype)
    reference, rng = evaluation_of(problem), np.random.default_rng(seed)
    slips = [slip for slip in possible_slips(problem, seed) if not slip.id.startswith("l2_")]
    for _ in range(TRIES):
        a, b = (slips[i] for i in rng.choice(len(slips), 2, replace=False))
        hands = [derived(problem, *chosen) for chosen in ((a, b), (a,), (b,))]
        if a.id != b.id and _all_differ(hands, reference, MOST_DIGITS[dtype]):
            assert hands[0] is not None
            causes = compare(hands[0], reference).causes
            ids = {name for cause in causes for name in (cause.id, *cause.same_as)}
            said = " + ".join(cause.id for cause in causes[:2]) or "nothing"
            yield Pair(str(a), str(b), seed, dtype, len({a.id, b.id} & ids), said)


def _all_differ(hands: list[Gradients | None], reference: Evaluation, digits: float) -> bool:
    """Both together, each alone and none at all are four different results."""
    sets = [*hands, dict(reference.gradients)]
    known = [s for s in sets if s is not None]
    pairs = [(a, b) for i, a in enumerate(known) for b in known[i + 1 :]]
    return len(known) == len(sets) and all(_differ(a, b, digits) for a, b in pairs)


def _differ(a: Gradients, b: Gradients, digits: float) -> bool:
    return any(
        a[n].shape != b[n].shape or np.abs(a[n] - b[n]).max(initial=0.0) > digits * np.abs(b[n]).max(initial=0.0)
        for n in a
    )


# Nothing wrong.


def _correct_pairs(progress: Progress, start: int, count: int) -> Iterator[str]:
    """What was named on correct pairs, in words."""
    task = progress.add_task("correct pairs", total=count)
    seed, done = start, 0
    while done < count:
        for who, hand, reference in correct_pairs_on(seed):
            causes = (*compare(hand, reference).causes, *diagnose(hand, reference))
            if causes:
                yield f"{who}, net {seed}: {', '.join(sorted({cause.id for cause in causes}))}"
            done += 1
            progress.advance(task)
        seed += 1


def correct_pairs_on(seed: int) -> Iterator[tuple[str, Gradients, Evaluation]]:
    """Everyone who derives one net's gradients rightly, against the house's derivation in float64 and float32.

    Example:
        >>> [who for who, _, _ in correct_pairs_on(1)][:2]
        ['NumPy float32 | float64', 'student float64 | float64']
    """
    coarse = small_net(seed, "float32")
    fine = coarse.float64  # the same numbers on both sides
    exact, rounded = evaluation_of(fine), evaluation_of(coarse)
    yield "NumPy float32 | float64", dict(rounded.gradients), exact
    for problem, reference in ((fine, exact), (coarse, rounded)):
        name = problem.dtype.name
        plain = derived(problem)
        if plain is not None:
            yield f"student {name} | {name}", plain, reference
        yield f"permuted {name} | {name}", _permuted(problem, seed), reference
        if all(f"{block.name}/bias" in problem.parameters for block in blocks(problem.mlp)):
            nodes = student_nodes(problem)
            loop = {n: nodes[gradient_node(n)] for n in problem.parameters}
            yield f"sample by sample {name} | {name}", loop, reference


def _permuted(problem: Problem, seed: int) -> Gradients:
    """The samples in another order: another order of every sum over the batch."""
    order = np.random.default_rng(seed).permutation(problem.batch)
    return dict(evaluation_of(replace(problem, x=problem.x[order], y=problem.y[order])).gradients)


# What it costs.


def _costs() -> dict[str, float]:
    """Diagnosis of 784-50-100-10, batch 100, in units of hand evaluations."""
    rng = np.random.default_rng(0)
    layers = [Dense(n, f) for n, f in zip(SIZES[1:], ("sigmoid", "sigmoid", "softmax"), strict=True)]
    mlp = MLP(SIZES[0], layers)
    x, y = data(rng, 100, mlp, "categorical_crossentropy")
    problem = mlp.problem(mlp.initialize(rng), x, y, "categorical_crossentropy")
    reference = evaluation_of(problem)
    unit = _seconds(lambda: evaluation_of(problem), REPEATS * 4)
    noisy = {n: g + 1e-3 * np.abs(g).max() * rng.normal(size=g.shape) for n, g in reference.gradients.items()}
    slips = (
        Slip("sign"),
        Slip("missing_derivative", 1),
        Slip("stale_or_updated_kernel", value=0.1),
        Slip("transposed", 2),
    )
    hands = {str(slip): derived(problem, slip) for slip in slips}
    hands["sign + bias_from_kernel in layer 1"] = derived(problem, Slip("sign"), Slip("bias_from_kernel", 0))
    hands["noise, which nothing explains"] = noisy
    return {
        words: _seconds(lambda hand=hand: diagnose(hand, reference), 2) / unit  # type: ignore[misc]  # bound at once
        for words, hand in hands.items()
        if hand is not None
    }


def _seconds(call: Callable[[], object], repeats: int) -> float:
    """The shortest of several runs: what else the machine does only adds to it."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


# The report.


def _single(trials: list[Trial]) -> Part:
    import pandas as pd

    frame = pd.DataFrame([asdict(t) for t in trials])
    seen = frame[frame["visible"]]
    first, named, wrong = (float(seen[what].mean()) for what in ("first", "named", "wrong"))
    missed = seen[~seen["first"]]
    return Part(
        "One mistake",
        paragraphs(f"""
            {len(frame):,} wrong derivations on {frame["seed"].nunique()} random nets in float64 and float32. They are
            written without the engine, in plain NumPy. {len(seen):,} of them differ from the right one by more than
            rounding explains; only these can be named, and only these count.

            Named first or tied with the first: {first:.2%}. Named at all: {named:.2%}. Something else named first:
            {wrong:.2%}.
        """),
        tables={
            "Rates per mistake": Table(rates(frame)),
            "Not named first": Table(missed.drop(columns=["visible", "first"])),
        },
        claims={
            f"a mistake is named first, or tied, in at least 95 % (measured {first:.2%})": first >= 0.95,
            f"it is among the causes in at least 99 % (measured {named:.2%})": named >= 0.99,
            f"something else is named in less than 1 % (measured {wrong:.2%})": wrong < 0.01,
        },
    )


def rates(frame: pd.DataFrame) -> pd.DataFrame:
    """One line per mistake, in the order of the catalogue, and one for all.

    Args:
        frame: columns as `Trial` has them.

    Returns:
        Counts per mistake.
    """
    import pandas as pd

    def line(name: str, group: pd.DataFrame) -> dict[str, object]:
        seen = group[group["visible"]]
        counts = {"derivations": len(group), "nets": group["seed"].nunique(), "above rounding": len(seen)}
        named = {"named first": int(seen["first"].sum()), "in the set": int(seen["named"].sum())}
        return {"id": name, **counts, **named, "wrong name": int(seen["wrong"].sum())}

    order = [name for name in (*MISTAKES, "convention_transposed") if (frame["id"] == name).any()]
    return pd.DataFrame([*(line(name, frame[frame["id"] == name]) for name in order), line("all", frame)])


def _double(pairs: list[Pair]) -> Part:
    import pandas as pd

    frame = pd.DataFrame([asdict(p) for p in pairs])
    both, one = float((frame["named"] == 2).mean()), float((frame["named"] == 1).mean())
    return Part(
        "Two mistakes at once",
        paragraphs(f"""
            {len(frame):,} pairs of different mistakes, drawn at random, where each shows beside the other. Both named:
            {both:.1%}; one of them: {one:.1%}.
        """),
        tables={"Pairs": Table(frame, in_report=False), "Pairs not found": Table(frame[frame["named"] < 2].head(40))},
        claims={f"both of two mistakes are named in at least 80 % (measured {both:.1%})": both >= 0.8},
    )


def _correct(wrongly: list[str], count: int) -> Part:
    text = f"""
        {count:,} or a few more correct pairs: NumPy in float32 against float64, two derivations that are independent of
        the engine, and the batch in another order, each in both dtypes. {len(wrongly)} of them were given a mistake.
    """
    return Part(
        "Nothing wrong",
        paragraphs(text) + tuple(wrongly[:10]),
        claims={f"no mistake is named on {count:,} correct pairs (measured {len(wrongly)})": not wrongly},
    )


def _cost(costs: dict[str, float]) -> Part:
    import pandas as pd

    frame = pd.DataFrame({"hand": list(costs), "evaluations": [round(c, 1) for c in costs.values()]})
    most = max(costs.values())
    return Part(
        "What it costs",
        paragraphs("784-50-100-10, batch 100: time for a full diagnosis, in units of one hand evaluation."),
        tables={"Cost of a diagnosis": Table(frame)},
        claims={f"a full diagnosis costs at most 500 hand evaluations (measured {most:.0f})": most <= 500},
    )


if __name__ == "__main__":
    main("mistake_rates")
