"""Who sees a wrong gradient, and who accuses a right one? We and the peers on the same cases, each by its defaults."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from experiments.benchmarks.detection.cases import DrawnNet
from experiments.benchmarks.detection.nets import DTYPES, SCALES, draw_normalised, draw_penalised, draw_problem
from experiments.benchmarks.detection.pictures import draw_errors, draw_sharpness
from experiments.benchmarks.detection.sharpness import NETWORK, sharpness, smallest_seen
from experiments.benchmarks.detection.sizes import SHOWS
from experiments.benchmarks.detection.tables import (
    by_dtype_and_scale,
    frame_of,
    not_named,
    our_misses,
    per_mistake,
    rates,
    refusals,
    unplanted,
    unseen,
    verdicts,
    wrongly_refused,
)
from experiments.benchmarks.detection.trials import (
    Asked,
    Tools,
    trials_of_correct,
    trials_of_mistakes,
    trials_of_scaling,
)
from experiments.frame.study import Part, Picture, Result, Settings, Table, paragraphs

if TYPE_CHECKING:
    import pandas as pd
    from rich.progress import Progress

PACKAGES = ("numpy", "tensorflow", "keras", "torch", "jax", "scipy")
PAIRS, AGAINST = "Refused pairs", "Refused against epsilon"
NETS, NETS_FULL = 6, 16
OTHERS, OTHERS_FULL = 6, 16  # with a normalisation, and as many with penalties
CORRECT, CORRECT_FULL = 200, 10_000
# Tools that differentiate E themselves cost a hundred times as much: they are asked about every so many cases. The
# numbers have no factor in common with those of dtypes, scales and kinds, so that all of these take their turn.
MISTAKES_PER_ASKING = 13
NETS_PER_SCALING = 5
NETS_PER_ASKING = 23
NETS_PER_OTHER = 7  # of each sort among the correct ones
APART = {8_000: draw_normalised, 16_000: draw_penalised}
"""Their numbers begin there: multiples of 8, which change no kind."""

VARIANTS = tuple(itertools.product(DTYPES, SCALES))


def run(settings: Settings, progress: Progress) -> Result:
    """Plant every mistake, scale what is right, show right gradients, and count what everyone says."""
    tools = Tools.installed()
    trials = [*_faulty(settings, progress, tools), *_correct(settings, progress, tools)]
    frame = frame_of(trials)
    parts = (_rates(frame, tools), _invisible(frame), _alarms(frame), _sharp(frame))
    return Result("Detection: misses, false alarms and the smallest error seen", parts)


def settings_of_mistakes(settings: Settings) -> list[DrawnNet]:
    """The networks that mistakes are planted in: each in every dtype at every scale, or one after the other."""
    if settings.full:
        plain = list(itertools.product(range(settings.seed, settings.seed + NETS_FULL), VARIANTS))
        others = list(itertools.product(range(settings.seed, settings.seed + OTHERS_FULL), VARIANTS))
    else:
        plain = [(settings.seed + i, VARIANTS[i % len(VARIANTS)]) for i in range(NETS)]
        others = [(settings.seed + i + NETS, VARIANTS[i % len(VARIANTS)]) for i in range(OTHERS)]
    drawn = [DrawnNet(number, draw_problem(number, *variant)) for number, variant in plain]
    for apart, draw in APART.items():
        drawn += [DrawnNet(number + apart, draw(number, *variant)) for number, variant in others]
    return drawn


def _faulty(settings: Settings, progress: Progress, tools: Tools) -> Iterator[Asked]:
    planted = settings_of_mistakes(settings)
    for i, setting in enumerate(progress.track(planted, description="mistakes")):
        yield from trials_of_mistakes(setting, tools, lambda k, i=i: (k + i) % MISTAKES_PER_ASKING == 0)  # type: ignore[misc]  # bound at once
        if i % NETS_PER_SCALING == 0:
            yield from trials_of_scaling(setting, tools, slow=True)


def _correct(settings: Settings, progress: Progress, tools: Tools) -> Iterator[Asked]:
    """Right gradients until there are enough of them."""
    count = CORRECT_FULL if settings.full else CORRECT
    task, done = progress.add_task("correct pairs", total=count), 0
    for number in itertools.count(settings.seed):
        dtype, scale = VARIANTS[number % len(VARIANTS)]
        draw = {0: draw_normalised, 1: draw_penalised}.get(number % NETS_PER_OTHER, draw_problem)
        setting = DrawnNet(number, draw(number, dtype, scale))
        for trial in trials_of_correct(setting, tools, slow=number % NETS_PER_ASKING == 0):
            yield trial
            done += 1
            progress.advance(task)
        if done >= count:
            return


def _rates(frame: pd.DataFrame, tools: Tools) -> Part:
    planted = frame[frame["what"] == "mistake"]
    missed = our_misses(frame)
    alarms, pairs = len(wrongly_refused(frame)), int((frame["what"] == "correct").sum())
    absent = unplanted(planted)
    networks = planted.groupby(NETWORK).ngroups
    missing = ", ".join(f"{name} ({package})" for name, package in tools.absent.items())
    versions = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    return Part(
        "The rates",
        paragraphs(f"""
            {len(planted):,} wrong derivations, written without the engine, in {networks} networks: square and not, of
            one sample and of several, saturated and not, with dropout, a normalisation, penalties and without, in
            float64 and float32, at loss scales 1, 1e-3 and 1e-6. The reference is TensorFlow's tape. A mistake shows
            where what it adds in exact arithmetic is more than {SHOWS:g} σ in some entry: 16 σ are what rounding
            explains, and rounding may take as much off. Only what shows can be missed. We miss a mistake that we pass
            as right; where rows prove nothing (all that differs is lost in the rounding of a saturated unit) we say so,
            and pass nobody: that is counted as not proved. What is undone as a layout, such as a bias (1, n) of one
            sample, is judged as given.

            {pairs:,} correct pairs: the engine, a student, the batch in another order and a sum sample by sample,
            against the tape.

            Tools that compare arrays are shown the tape's. Tools that differentiate E are given E, computed in the
            network's dtype, and the hand gradient as its backward pass; they cost a hundred times as much and
            are asked about fewer cases, the same for all of them. Every tool runs with its own defaults; where it gives
            a number and no verdict, the cut-off is in the table. Most of them are made for float64 and gradients of
            size 1: the second table begins with these networks. PyTorch's backward pass sums a bias gradient that
            kept its batch axis, and so mends `bias_not_summed`; NumPy broadcasts it, and compares what no bias is.

            {f"Not installed: {missing}." if missing else "All peers are installed."} Versions: {versions}.
        """),
        tables={
            "Detection": Table(rates(frame, tools)),
            "By dtype and loss scale: missed % | false alarms %": Table(by_dtype_and_scale(frame, tools)),
            "Mistakes of the list that are not planted": Table(absent),
        },
        claims={
            f"no false alarm on {pairs:,} correct pairs (measured {alarms})": alarms == 0,
            f"no mistake that shows is missed (measured {len(missed)})": missed.empty,
            "every mistake of the list is planted": absent.empty,
        },
        pictures={"Misses and false alarms": Picture((PAIRS,), draw_errors)},
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _invisible(frame: pd.DataFrame) -> Part:
    hidden = unseen(frame)
    return Part(
        "What is not seen, and why",
        paragraphs(f"""
            {int(hidden["cases"].sum()):,} planted mistakes are not refused by `compare`. For each the reason is
            computed: the same derivation, wrong and right, in extended precision. A mistake without effect gives the
            very same gradients there: a mean over one sample, a kernel of one unit transposed, the mask of a unit
            that is off. The others change them by less than rounding can explain or hide. Beside it stands how
            many times as large as the rounding that really happened in that tensor they are.

            Where a decay was left out, the reference is blamed: the network that `compare` is told of has no decay, and
            the witness, which differentiates that network, sides with the hand.
        """),
        tables={
            "Per mistake": Table(per_mistake(frame)),
            "Why a mistake is not seen": Table(hidden),
            "Missed though it shows": Table(our_misses(frame)),
            "Seen, but not named first": Table(not_named(frame)),
        },
    )


def _alarms(frame: pd.DataFrame) -> Part:
    table = wrongly_refused(frame)
    text = "Correct pairs that `compare` refuses, which should be none, and what it says of all of them."
    tables = {"Correct pairs refused": Table(table), "Verdicts on correct pairs": Table(verdicts(frame))}
    return Part("False alarms", paragraphs(text), tables=tables)


def _sharp(frame: pd.DataFrame) -> Part:
    changed = frame[frame["what"] == "scaled"]
    networks = changed.groupby(NETWORK).ngroups
    return Part(
        "The smallest error seen",
        paragraphs(f"""
            In {networks} networks one entry, one row, one column or all of a kernel's right gradient is multiplied by
            1 + ε, ε from 0.1 down to 1e-14 by decades. Every tool is asked about every case. Seen is an ε that is
            refused together with all larger ones, where the tool accepts the gradient as it was: a tool that refuses
            everything sees nothing. The published number is the median over networks and the four parts.
        """),
        tables={
            "Smallest ε seen": Table(smallest_seen(frame)),
            AGAINST: Table(sharpness(frame), in_report=False),
            PAIRS: Table(refusals(frame), in_report=False),
        },
        pictures={"Share refused against ε": Picture((AGAINST, PAIRS), draw_sharpness)},
    )
