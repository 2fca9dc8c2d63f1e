"""The command `check`: one derivation as code, held against a reference or a model, down to its lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from gradient_diff.cli.against import Asked, Check, check_against
from gradient_diff.cli.marking import Marked
from gradient_diff.cli.output import print_marked
from gradient_diff.cli.telling import UNUSABLE, blame, say, show
from gradient_diff.render.annotated import annotated
from gradient_diff.render.folder import write_report
from gradient_diff.render.summary import summary_line, unreadable
from gradient_diff.result.diff import GradientDiff
from gradient_diff.running.failing import Raised, his_traceback, in_one_line, is_his
from gradient_diff.running.loading import Place, at_home, load_derivation
from gradient_diff.running.prints import prints_aside
from gradient_diff.running.script import Script
from gradient_diff.wording import printable


def check(
    derivation: Annotated[
        str, typer.Argument(metavar="FILE.py[:NAME]", help="Your code; NAME is `gradients`, or `step`, if not given.")
    ],
    against: Annotated[
        list[Path],
        typer.Argument(metavar="REFERENCE.npz | MODEL.keras DATA.npz", help="What it is held against."),
    ],
    step: Annotated[bool, typer.Option("--step", help="NAME is a training step (x, y), and is run once.")] = False,
    loss: Annotated[str | None, typer.Option(help="Of MODEL; as it was compiled if not given.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of the step; looked for if not given.")] = None,
    annotate: Annotated[
        bool, typer.Option("--annotate", help="Print what each line of your code is, also where all is right.")
    ] = False,
    layout: Annotated[
        Literal["as given"] | None, typer.Option(help="Undo nothing: else your layout is found and undone.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for a report.")] = None,
    allow_kinks: Annotated[bool, typer.Option("--allow-kinks", help="Exit code 0 also for KINK.")] = False,
    allow_vacuous: Annotated[
        bool, typer.Option("--allow-vacuous", help="Exit code 0 also where rows prove nothing.")
    ] = False,
    form: Annotated[
        Literal["text", "csv", "json", "markdown"], typer.Option("--format", help="Of what is printed.")
    ] = "text",
) -> None:
    """Check a derivation in code: its gradients, and where they are wrong, its lines.

    NAME is a function (parameters, x, y) that returns the gradients by parameter name; with --step a training step
    (x, y), of which nothing else is asked, also as 'net.py:Net(3, 2).step'. A script without functions is run as it is:
    its x, y and weights are found by value, or by shapes that leave no choice, its gradients by names, dW1 beside W1.
    The file is imported from its own folder, and runs in this process: check code that you would run yourself. What it
    prints goes to the standard error.

    DATA holds arrays x and y, and perhaps sample_weight. REFERENCE is a file from `gradient-diff problem` or
    Evaluation.save, and needs no TensorFlow.

    Example: gradient-diff check net.py:gradients reference.npz --annotate

    Exit code: 0 if all is proved right; 1 if something is wrong; 2 if not all is proved, or your code raised or cannot
    be read; 4 if the command line, the model, the data or the reference is at fault.
    """
    with blame("FILE.py"):
        place = Place.of(derivation, step)
    _check_options(step, learning_rate, layout)
    asked = Asked(step, loss, learning_rate, layout, annotate)
    with blame(None, (*UNUSABLE, ImportError)):  # TensorFlow is not there, or Keras runs on another backend
        held = check_against(against, asked)
    reference = " with ".join(map(str, against))
    say(f"Checking {derivation} against {reference} …")
    marked = _marked(place, held)
    code = marked.code(allow_kinks, allow_vacuous)
    print_marked([marked], form, reference, code)
    if annotate:
        _print_listing(marked.diff, form)
    if out is not None and marked.diff is not None:
        with blame("--out", (OSError,)):
            say(f"Wrote {_report(marked.diff, out, place, against)}")
    raise typer.Exit(code)


def _check_options(step: bool, learning_rate: float | None, layout: str | None) -> None:
    if learning_rate is not None and not step:
        raise typer.BadParameter("it is that of a training step: add --step.", param_hint="--learning-rate")
    if layout is not None and step:
        raise typer.BadParameter("the weights of a step are found in any layout. Leave it out.", param_hint="--layout")


def _marked(place: Place, held: Check) -> Marked:
    """What came of it; what the user's code raises is told by his own frames, and is no verdict."""
    file = str(place.path)
    try:
        with prints_aside(), at_home(place.path):
            derivation = load_derivation(place)
            diff = held(derivation)
            if isinstance(derivation, Script) and derivation.samples:
                diff = held(derivation, derivation.samples)  # a training in mini-batches is no mistake
        if isinstance(derivation, Script):
            say(derivation.told)
    except Raised as raised:
        return _failed(place, raised.error)
    except (Exception, SystemExit) as error:
        if is_his(error, place.path):
            return _failed(place, error)
        if isinstance(error, ValueError | TypeError):
            return Marked(unreadable(file, str(error)))
        raise
    return Marked(summary_line(file, diff), diff)


def _failed(place: Place, error: BaseException) -> Marked:
    for line in his_traceback(error, place.path).split("\n"):
        say(line)
    reason = f"Your code raised an exception. {in_one_line(error, place.path)}"
    return Marked(unreadable(str(place.path), reason))


def _print_listing(diff: GradientDiff | None, form: str) -> None:
    """Beside the verdict as text; JSON holds it anyway, and a table of rows has no room for it."""
    if diff is None:
        return
    if diff.code is None or not diff.code.listing:
        why = diff.code.silent if diff.code is not None and diff.code.silent else "nothing of it was traced"
        say(f"No line is annotated: {why.rstrip('.')}.")
    elif form == "text":
        show(f"\n{annotated(diff.code)}")


def _report(diff: GradientDiff, out: Path, place: Place, against: Sequence[Path]) -> Path:
    title = printable(f"{place.path.name} against {' with '.join(path.name for path in against)}")
    facts = {"hand": printable(place.path.name), "reference": printable(" with ".join(path.name for path in against))}
    return write_report(diff, out, title, facts)
