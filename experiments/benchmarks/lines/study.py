"""Does the product point at the user's line? Mistakes planted in many styles of code, and right code."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from experiments.benchmarks.lines import tables
from experiments.benchmarks.lines.aiming import Aim
from experiments.benchmarks.lines.cases import FOLDERS, Case, pair_cases, right_cases, sample, single_cases, styles_of
from experiments.benchmarks.lines.harness import (
    Pointed,
    PointedPair,
    RightRun,
    pointed,
    pointed_pair,
    right_run,
)
from experiments.benchmarks.lines.tables import TOLD, aimed, share
from experiments.frame.kept import Kept
from experiments.frame.study import Part, Picture, Result, Settings, Table, paragraphs
from experiments.frame.sweep import sweep

if TYPE_CHECKING:
    from rich.progress import Progress

SINGLES, PAIRS, RIGHT = 24, 6, 40  # of a short run; a full one takes all
SIZES, SEEDS = ("own", "wider", "square"), 6  # each variant of right code runs at each of them so often
ASIDE, BOTH = "aside", 2
SMALL_NETS = 4_000  # hand evaluations
BLOCK = 40  # files that a process reads


def run(settings: Settings, progress: Progress) -> Result:
    """Plant, compare, and hold what is said against what was planted."""
    mistakes, two, right = chosen_singles(settings), chosen_pairs(settings), chosen_right(settings)
    task = progress.add_task("files", total=len(mistakes) + len(two) + len(right))
    shared = partial(
        sweep, jobs=settings.jobs, advance=partial(progress.advance, task), kept=Kept.of(settings), block=BLOCK
    )
    return result(
        shared(partial(pointed, seed=settings.seed), mistakes),
        shared(partial(pointed_pair, seed=settings.seed), two),
        shared(_right_run, right),
    )


def _right_run(chosen: tuple[Case, int, str]) -> RightRun:
    return right_run(*chosen)


def chosen_singles(settings: Settings) -> list[Case]:
    """Mistakes alone, as many of each part."""
    return _from_each([list(single_cases(part)) for part in FOLDERS], SINGLES, settings)


def chosen_pairs(settings: Settings) -> list[Case]:
    """Mistakes in pairs, as many of each part."""
    return _from_each([list(pair_cases(part)) for part in FOLDERS], PAIRS, settings)


def chosen_right(settings: Settings) -> list[tuple[Case, int, str]]:
    """Variants × seeds × sizes, without other sizes where these stand in the code."""
    every = [
        (case, settings.seed + i, sizes)
        for part in FOLDERS
        for case in right_cases(part)
        for i in range(SEEDS)
        for sizes in SIZES
        if not case.style.fixed or sizes == "own"
    ]
    return sample(every, None if settings.full else RIGHT, settings.seed)


def _from_each(parts: Sequence[list[Case]], count: int, settings: Settings) -> list[Case]:
    each = None if settings.full else count // len(parts)
    return [case for cases in parts for case in sample(cases, each, settings.seed)]


def result(singles: Sequence[Pointed], pairs: Sequence[PointedPair], right: Sequence[RightRun]) -> Result:
    """What was said, as a report."""
    parts = (_single(singles), _fixes(singles, pairs), _double(pairs), _right_code(right), _cost(singles))
    return Result("From the verdict to the line", parts)


def _single(singles: Sequence[Pointed]) -> Part:
    aside = [s for s in singles if s.part == ASIDE]
    whole = len(aside)
    exact, near = aimed(aside, Aim.EXACT), aimed(aside, Aim.EXACT, Aim.CHAIN)
    other = aimed(aside, Aim.OTHER)
    styles = sum(len(styles_of(part)) for part in FOLDERS)
    return Part(
        "One mistake",
        paragraphs(f"""
            {len(singles)} mistakes, planted before anything was run, in {styles} styles of code: {len(singles) - whole}
            in styles that rules were tuned on, {whole} in styles kept aside, of which only counts are shown. Each file
            is called as a user calls it, and the first finding counts: it points at the guilty line, at a line of the
            call chain through it, at another line, or there is none.
        """),
        tables={
            "Per style": Table(tables.per_style(singles)),
            "Per kind of mistake": Table(tables.per_kind(singles)),
            "Missed, in the tuned styles": Table(tables.misses(singles)),
        },
        claims={
            f"kept aside: the exact line in at least 85 % (measured {_of(exact, whole)})": share(exact, whole) >= 0.85,
            f"kept aside: the line or its call chain in at least 95 % (measured {_of(near, whole)})": share(near, whole)
            >= 0.95,
            f"kept aside: another line in at most 2 of 120 (measured {_of(other, whole)})": 120 * other <= 2 * whole,
        },
        pictures={"Where the first finding points": Picture(("Per style",), tables.bars)},
    )


def _fixes(singles: Sequence[Pointed], pairs: Sequence[PointedPair]) -> Part:
    aside = [s for s in singles if s.part == ASIDE]
    every: list[Pointed | PointedPair] = [*singles, *pairs]
    offered, wrong = [one for one in every if one.fix], [one for one in every if one.fix and not one.mends]
    mended = sum(s.fix and s.mends for s in aside)
    return Part(
        "Fixes",
        paragraphs("""
            All fixes that are offered of a file are made in it; it is loaded anew and compared on other weights and
            data. A fix counts as right where every gradient matches then.
        """),
        tables={"Fixes that are wrong, in the tuned styles": Table(tables.wrong_fixes(every))},
        claims={
            f"kept aside: a fix that is right for at least 70 % (measured {_of(mended, len(aside))})": share(
                mended, len(aside)
            )
            >= 0.7,
            f"every fix that is offered is right ({len(offered)} offered, {len(wrong)} wrong)": not wrong,
        },
    )


def _double(pairs: Sequence[PointedPair]) -> Part:
    aside = [p for p in pairs if p.part == ASIDE]
    both = sum(p.found == BOTH for p in aside)
    return Part(
        "Two mistakes at once",
        paragraphs(f"{len(pairs)} pairs of mistakes in one file, neither of which hides the other."),
        tables={
            "Pairs": Table(tables.pairs_per_style(pairs)),
            "Pairs not found, in the tuned styles": Table(tables.pairs_not_found(pairs)),
        },
        claims={
            f"kept aside: both lines in at least 80 % (measured {_of(both, len(aside))})": share(both, len(aside))
            >= 0.8
        },
    )


def _right_code(right: Sequence[RightRun]) -> Part:
    accused = [r for r in right if r.accused]
    return Part(
        "Right code",
        paragraphs(f"""
            {len(right)} runs of right code, each traced: every variant with several seeds, at its own sizes, at other
            ones and with all widths equal. A run counts as accused where a line is named or the verdict is not a match.
        """)
        + tuple(f"{r.style}, {r.loss}, {r.sizes}, seed {r.seed}: {r.accused}" for r in accused if r.part == TOLD),
        tables={"Runs of right code": Table(tables.right_code(right))},
        claims={f"no line is accused in {len(right)} runs of right code (measured {len(accused)})": not accused},
    )


def _cost(singles: Sequence[Pointed]) -> Part:
    took = sorted(s.hands for s in singles if s.hands > 0)
    middle, most = (median(took), took[-1]) if took else (0.0, 0.0)
    return Part(
        "What it costs",
        paragraphs("""
            CPU time of a whole comparison that finds something wrong, the diagnosis and the fix included, over the
            median time of a hand evaluation of the same network in the same process.
        """),
        tables={"Cost in hand evaluations": Table(tables.costs(singles))},
        claims={
            f"small nets: at most {SMALL_NETS:,} hand evaluations in the median (measured {middle:,.0f}, "
            f"at most {most:,.0f})": bool(took) and middle <= SMALL_NETS,
        },
    )


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole}, {share(part, whole):.1%}"
