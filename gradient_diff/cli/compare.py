"""The commands `compare` and `problem`: files in, verdicts out, without TensorFlow."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from gradient_diff.cli.reference import Reference


_INPUT = (OSError, ValueError, TypeError)  # what is raised of files and texts that make no sense


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
    top: Annotated[int, typer.Option(help="Show so many of the worst entries of each array.", min=0)] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder for a report of each file and summary.csv; later calls add to it.")
    ] = None,
    allow_kinks: Annotated[bool, typer.Option("--allow-kinks", help="Exit code 0 also for KINK.")] = False,
    form: Annotated[
        Literal["text", "csv", "json", "markdown"], typer.Option("--format", help="Of what is printed.")
    ] = "text",
) -> None:
    """Compare files of gradients with a reference: .npz, .safetensors, .h5 or .weights.h5.

    A reference from `gradient-diff problem` or `Evaluation.save` knows its network: then rounding is computed, and
    mistakes are named. Of any other say how much is rounding: --float64, --repeat or --rtol.

    Example: gradient-diff compare submissions/*.npz reference.npz --out marks

    Exit code: 1 if any file is wrong or different; else 2 if of any nothing is proved or it cannot be read; else 0.
    """
    *mine, last = files
    _check_options(mine, {"--float64": float64, "--repeat": repeat, "--rtol": rtol})
    _say(f"Comparing {_counted(mine)} with {last} …")
    from gradient_diff.cli.marking import check_rules, exit_code, hint, mark
    from gradient_diff.cli.marks_folder import earlier_lines
    from gradient_diff.cli.output import print_marked
    from gradient_diff.files.naming import read_rules

    with _told("--rename"):
        rules = read_rules(rename or [])
    reference = _reference(last, float64, repeat, rtol)
    with _told("--rename"):
        check_rules(mine, reference, rules)
    with _told("--out", (OSError,)), _watched(mine) as turns:
        marked = mark(mine, reference, rules, top, out, turns)
    code = exit_code(marked, allow_kinks)
    print_marked(marked, form, str(last), code)
    if words := hint(marked, reference):
        _say(words)
    if out is not None:
        others = len(earlier_lines(out)) - len(mine)
        kept = f"; {_counted(range(others), 'other file')} there kept" if others else ""
        _say(f"Wrote {out / 'summary.csv'} and {_counted([o for o in marked if o.line.report], 'report')}{kept}")
    raise typer.Exit(code)


def problem(
    network: Annotated[str, typer.Argument(help="Widths from the inputs to the outputs, such as 4-3-2.")],
    loss: Annotated[str, typer.Option(help="Of the output.")] = "mean_squared_error",
    activation: Annotated[str, typer.Option(help="Of the hidden layers.")] = "sigmoid",
    batch: Annotated[int | None, typer.Option(help="Samples; 7 if not given.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.", min=0)] = 0,
    dtype: Annotated[Literal["float64", "float32"], typer.Option(help="Of all arrays.")] = "float64",
    parameters: Annotated[Path | None, typer.Option(help="A file of parameters, in place of drawn ones.")] = None,
    data: Annotated[Path | None, typer.Option(help="An .npz with x and y, in place of drawn ones.")] = None,
    out: Annotated[Path, typer.Option(help="The reference, for `compare`: keep it.")] = Path("reference.npz"),
    handout: Annotated[Path | None, typer.Option(help="An .npz without the answer, for the class.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there already.")] = False,
) -> None:
    """Make a problem for a class: a reference with the answer, and a handout without it.

    Example: gradient-diff problem 4-5-3 --out reference.npz --handout problem.npz
    """
    _say(f"Evaluating {network} by the hand-written derivation …")
    from gradient_diff.cli.problem import check_places, made, saved, told

    with _told("--out, --handout"):
        check_places(out, handout, force)
    with _told("NETWORK", (MemoryError,)), _told(None):
        evaluation = made(network, loss, activation, batch, seed, dtype, parameters, data)
        lines = told(evaluation, [out.with_suffix(".npz"), *([handout.with_suffix(".npz")] if handout else [])])
    with _told("--out, --handout"):
        saved(evaluation, out, handout)
    for line in lines:
        typer.echo(line)


def _check_options(mine: Sequence[Path], noise: dict[str, object]) -> None:
    if not mine:
        raise typer.BadParameter("One file is no comparison: give yours first, and the reference last.")
    named = [option for option, value in noise.items() if value is not None]
    if len(named) > 1:
        raise typer.BadParameter("they say twice how much is rounding; choose one.", param_hint=" and ".join(named))
    rtol = noise["--rtol"]
    if isinstance(rtol, float) and not 0 < rtol < float("inf"):
        raise typer.BadParameter(f"{rtol:g}: expected a finite number above 0, such as 1e-6.", param_hint="--rtol")


def _reference(path: Path, float64: Path | None, repeat: Path | None, rtol: float | None) -> Reference:
    from dataclasses import replace

    from gradient_diff.cli.marks_folder import digest
    from gradient_diff.cli.reference import reference_of, with_noise
    from gradient_diff.files.reading import read_gradients

    with _told("REFERENCE"):
        reference = replace(reference_of(read_gradients(path), str(path)), rtol=rtol, judged_by=digest(path, rtol=rtol))
    noise = float64 or repeat
    if noise is None:
        return reference
    with _told("--float64" if float64 else "--repeat"):
        reference = with_noise(reference, noise, float64 is not None)
        return replace(reference, judged_by=digest(path, noise))


@contextmanager
def _watched(files: Sequence[Path]) -> Iterator[Iterable[Path]]:
    """Forty reports take a minute: somebody who sits before a terminal sees them go by."""
    if len(files) < 2 or not sys.stderr.isatty():
        yield files
        return
    with typer.progressbar(files, file=sys.stderr, label="Compared") as bar:
        yield bar


@contextmanager
def _told(option: str | None, kinds: tuple[type[Exception], ...] = _INPUT) -> Iterator[None]:
    """What a file or a text lacks, as the command line tells it: exit code 2."""
    try:
        yield
    except kinds as error:
        raise typer.BadParameter(_in_words(error), param_hint=option) from error


def _in_words(error: Exception) -> str:
    from gradient_diff.wording import printable

    text = str(error)
    if isinstance(error, MemoryError):
        text = f"too large for this machine's memory ({text}). Choose smaller widths, or a smaller batch."
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return "\n".join(printable(line) for line in text.split("\n"))


def _counted(things: Sequence[object], kind: str = "file") -> str:
    if len(things) == 1 and kind == "file":
        return str(things[0])
    return f"{len(things)} {kind}{'s' * (len(things) != 1)}"


def _say(text: str) -> None:
    """To the standard error: what is printed there can be piped away from the result. Control characters are shown."""
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    typer.echo(plain, err=True)
