"""How often is a mistake named rightly? Independent wrong derivations on random nets, pairs, and correct ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from experiments.benchmarks.naming.newer import newer_trials_on
from experiments.benchmarks.naming.trials import DTYPES, Naming, Pair, correct_pairs_on, derive, pairs_on, trials_on
from experiments.frame.study import Part, Result, Settings, Table, paragraphs
from experiments.students.slips import Slip
from gradient_diff import MISTAKES, compare, diagnose
from manual_mlp import MLP, Dense, evaluation_of
from manual_mlp.extend import draw_data

if TYPE_CHECKING:
    import pandas as pd
    from rich.progress import Progress

SHORT, FULL = (2, 10, 60), (12, 150, 10_000)  # nets, pairs of mistakes, correct pairs
SIZES = (784, 50, 100, 10)
REPEATS = 5


def run(settings: Settings, progress: Progress) -> Result:
    """Make every mistake on random nets and count what is said of it."""
    nets, pairs, correct = FULL if settings.full else SHORT
    seeds = range(settings.seed, settings.seed + nets)
    trials = [t for s in progress.track(seeds, description="one mistake") for t in trials_on(s)]
    newer = [t for s in progress.track(seeds, description="newer mistakes") for t in newer_trials_on(s)]
    two = list(_two_mistakes(progress, settings.seed, pairs))
    wrongly = list(_correct_pairs(progress, settings.seed, correct))
    costs = _costs()
    parts = (_single(trials), _newer(newer), _double(two), _correct(wrongly, correct), _cost(costs))
    return Result("How often a mistake is named", parts)


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


def _costs() -> dict[str, float]:
    """Diagnosis of 784-50-100-10, batch 100, in units of hand evaluations."""
    rng = np.random.default_rng(0)
    layers = [Dense(n, f) for n, f in zip(SIZES[1:], ("sigmoid", "sigmoid", "softmax"), strict=True)]
    mlp = MLP(SIZES[0], layers)
    x, y = draw_data(rng, 100, mlp, "categorical_crossentropy")
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
    hands = {str(slip): derive(problem, slip) for slip in slips}
    hands["sign + bias_from_kernel in layer 1"] = derive(problem, Slip("sign"), Slip("bias_from_kernel", 0))
    hands["noise, which nothing explains"] = noisy
    return {
        words: _seconds(lambda hand=hand: diagnose(hand, reference), 2) / unit  # type: ignore[misc]  # bound at once
        for words, hand in hands.items()
        if hand is not None
    }


def _seconds(call: Callable[[], object], repeats: int) -> float:
    """CPU time of the shortest of several runs: what else the machine does only adds to it."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def _single(trials: list[Naming]) -> Part:
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


def _newer(trials: list[Naming]) -> Part:
    import pandas as pd

    frame = pd.DataFrame([asdict(t) for t in trials])
    seen = frame[frame["visible"]]
    first, wrong = float(seen["first"].mean()), float(seen["wrong"].mean())
    return Part(
        "Newer mistakes",
        paragraphs(f"""
            {len(frame):,} wrong derivations of networks with a normalisation, with activations beside sigmoid, tanh and
            relu, and with losses beside the squared ones and plain cross-entropies. {len(seen):,} of them can be seen.

            Named first or tied with the first: {first:.2%}. Something else named first: {wrong:.2%}.
        """),
        tables={
            "Rates per newer mistake": Table(rates(frame)),
            "Newer, not named first": Table(seen[~seen["first"]].drop(columns=["visible", "first"])),
        },
        claims={
            f"a newer mistake is named first, or tied, in at least 97 % (measured {first:.2%})": first >= 0.97,
            f"something else than a newer mistake is named in at most 0.5 % (measured {wrong:.2%})": wrong <= 0.005,
        },
    )


def rates(frame: pd.DataFrame) -> pd.DataFrame:
    """One line per mistake, in the order of the catalogue, and one for all."""
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
        paragraphs("784-50-100-10, batch 100: CPU time for a full diagnosis, in units of one hand evaluation."),
        tables={"Cost of a diagnosis": Table(frame)},
        claims={f"a full diagnosis costs at most 500 hand evaluations (measured {most:.0f})": most <= 500},
    )
