"""The command `compare`: files in, verdicts out, without TensorFlow."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from gradient_diff.cli.marking import check_rules, exit_code, hint, mark
from gradient_diff.cli.marks_folder import digest, earlier_lines
from gradient_diff.cli.output import print_marked
from gradient_diff.cli.reference import Reference, reference_of, with_noise
from gradient_diff.cli.telling import blame, count, say
from gradient_diff.files.capture import read_capture
from gradient_diff.files.naming import read_rules
from gradient_diff.files.reading import read_gradients
from gradient_diff.guide.words import Language
from gradient_diff.running.loading import is_code
from gradient_diff.running.process import Apart
from manual_mlp import Evaluation

SECONDS = 60.0  # that a file of code may take


def compare(
    files: Annotated[
        list[Path], typer.Argument(metavar="MINE… REFERENCE", help="Gradients; the last file is the reference.")
    ],
    rename: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'PATTERN=>TEXT'", help=r"For MINE's names, such as 'W(\d+)=>dense_\1/kernel'; repeatable."
        ),
    ] = None,
    float64: Annotated[
        Path | None, typer.Option(help="The reference again in float64: says how much is rounding.")
    ] = None,
    repeat: Annotated[
        Path | None, typer.Option(help="The reference by another run: says how much is rounding.")
    ] = None,
    rtol: Annotated[
        float | None, typer.Option(help="A tolerance of your own, relative to each array's largest entry.")
    ] = None,
    layout: Annotated[
        Literal["as given"] | None,
        typer.Option(
            help="Undo nothing: else the layout of MINE is found and undone, where REFERENCE knows its network."
        ),
    ] = None,
    top: Annotated[int, typer.Option(help="Show so many of the worst entries of each array.", min=0)] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for index.html, summary.csv, a letter and a report of each; later calls add to it."),
    ] = None,
    allow_kinks: Annotated[bool, typer.Option("--allow-kinks", help="Exit code 0 also for KINK.")] = False,
    allow_vacuous: Annotated[
        bool, typer.Option("--allow-vacuous", help="Exit code 0 also where rows prove nothing.")
    ] = False,
    reports: Annotated[
        Literal["wrong", "all", "none"] | None,
        typer.Option(help="Which files get one in --out; not the right ones, where there are more than 20."),
    ] = None,
    run_code: Annotated[
        bool,
        typer.Option(
            "--run-code", help="Run files that are .py, each in a process of its own. It has limits, but is no sandbox."
        ),
    ] = False,
    time_limit: Annotated[
        float | None, typer.Option(help="Seconds that a .py may take, its start and tracing included; 60 if not given.")
    ] = None,
    lang: Annotated[Language, typer.Option(help="Of the letters in --out, and of the mistakes on its page.")] = "en",
    form: Annotated[
        Literal["text", "csv", "json", "markdown"], typer.Option("--format", help="Of what is printed.")
    ] = "text",
) -> None:
    """Compare files of gradients with a reference: .npz, .safetensors, .h5 or .weights.h5; of code by --run-code: .py.

    A reference from `gradient-diff problem` or `Evaluation.save` knows its network: then rounding is computed, and
    mistakes are named. One from `gradient-diff capture` has its rounding with it. Of any other say how much is
    rounding: --float64, --repeat or --rtol.

    A .py defines gradients(parameters, x, y), which returns them by parameter name. By --run-code it is imported and
    called in a process with 2 GB of memory, a time limit, an empty folder and a bare environment, on copies of files.
    This is no sandbox: such code may read, change and delete whatever you may, and use your network. Never run it as
    root, and run code of people whom you do not trust in a container.

    Example: gradient-diff compare submissions/*.npz reference.npz --out marks

    Exit code: 1 if any file is wrong or different; else 2 if of any not all is proved or it cannot be read; else 0.
    """
    *mine, last = files
    _check_options(mine, {"--float64": float64, "--repeat": repeat, "--rtol": rtol})
    say(f"Comparing {count(mine)} with {last} …")
    with blame("--rename"):
        rules = read_rules(rename or [])
    reference = _reference(last, float64, repeat, rtol, layout)
    apart = _apart(mine, last, reference, run_code, time_limit, layout)
    with blame("--rename"):
        check_rules(mine, reference, rules)
    with blame("--out", (OSError,)), _watched(mine) as turns:
        marked = mark(mine, reference, rules, top, out, turns, layout, reports, apart, lang)
    code = exit_code(marked, allow_kinks, allow_vacuous)
    print_marked(marked, form, str(last), code)
    if words := hint(marked, reference):
        say(words)
    if out is not None:
        others = len(earlier_lines(out)) - len(mine)
        kept = f"; {count(range(others), 'other file')} there kept" if others else ""
        written = f"{count(marked, 'letter')} and {count([o for o in marked if o.line.report], 'report')}"
        say(f"Wrote {out / 'index.html'}, summary.csv, {written}{kept}")
    raise typer.Exit(code)


def _check_options(mine: Sequence[Path], noise: dict[str, object]) -> None:
    if not mine:
        raise typer.BadParameter("One file is no comparison: give yours first, and the reference last.")
    named = [option for option, value in noise.items() if value is not None]
    if len(named) > 1:
        raise typer.BadParameter("they say twice how much is rounding; choose one.", param_hint=" and ".join(named))
    rtol = noise["--rtol"]
    if isinstance(rtol, float) and not 0 < rtol < float("inf"):
        raise typer.BadParameter(f"{rtol:g}: expected a finite number above 0, such as 1e-6.", param_hint="--rtol")


def _reference(
    path: Path, float64: Path | None, repeat: Path | None, rtol: float | None, layout: str | None
) -> Reference:
    with blame("REFERENCE"):
        reference = replace(
            reference_of(read_gradients(path), str(path)), rtol=rtol, judged_by=digest(path, rtol=rtol, layout=layout)
        )
    noise = float64 or repeat
    if noise is None and rtol is None:
        with blame("REFERENCE"):
            return replace(reference, captured=read_capture(path))
    if noise is None:
        return reference
    with blame("--float64" if float64 else "--repeat"):
        reference = with_noise(reference, noise, float64 is not None)
        return replace(reference, judged_by=digest(path, noise, layout=layout))


def _apart(
    mine: Sequence[Path], last: Path, reference: Reference, wanted: bool, seconds: float | None, layout: str | None
) -> Apart | None:
    """How code is run; None where it is not."""
    if seconds is not None and not wanted:
        raise typer.BadParameter("nothing is run without --run-code.", param_hint="--time-limit")
    if seconds is not None and not 0 < seconds < float("inf"):
        text = f"{seconds:g}: expected a finite number of seconds above 0, such as 60."
        raise typer.BadParameter(text, param_hint="--time-limit")
    if not wanted:
        return None
    if any(map(is_code, mine)) and not isinstance(reference.side, Evaluation):
        raise typer.BadParameter(
            f"{last} holds arrays alone, and does not say on which weights and data code is called. Give a file from "
            "`gradient-diff problem` or Evaluation.save.",
            param_hint="REFERENCE",
        )
    if any(map(is_code, mine)) and getattr(os, "geteuid", lambda: 1)() == 0:
        say("You are root: a single wrong line in a submission can delete this machine's files. Run as somebody else.")
    return Apart(last, SECONDS if seconds is None else seconds, layout)


@contextmanager
def _watched(files: Sequence[Path]) -> Iterator[Iterable[Path]]:
    """Forty reports take a minute: somebody who sits before a terminal sees them go by."""
    if len(files) < 2 or not sys.stderr.isatty():
        yield files
        return
    with typer.progressbar(files, file=sys.stderr, label="Compared") as bar:
        yield bar
