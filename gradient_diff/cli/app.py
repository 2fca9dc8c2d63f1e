"""The app: a command per file, and beside them those of the experiments."""

from __future__ import annotations

from functools import cache
from typing import Annotated

import typer

from gradient_diff import __version__
from gradient_diff.cli.capture import capture
from gradient_diff.cli.check import check
from gradient_diff.cli.compare import compare
from gradient_diff.cli.ending import Commands, run_to_its_end
from gradient_diff.cli.experiments import experiment_commands
from gradient_diff.cli.explain import explain
from gradient_diff.cli.problem import problem
from gradient_diff.cli.report import report
from gradient_diff.cli.shapes import shapes
from gradient_diff.cli.telling import show


def _print_version(wanted: bool) -> None:
    if wanted:
        show(f"gradient-diff {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Compare hand-written backpropagation with TensorFlow's GradientTape, layer by layer, and say what is off."""


@cache
def app() -> typer.Typer:
    """All commands; those of the experiments are loaded where they are."""
    made = typer.Typer(
        name="gradient-diff",
        cls=Commands,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(_options)
    for command in (check, compare, report, capture, problem, shapes, explain):
        made.command()(command)
    made.registered_commands += experiment_commands()
    return made


def main() -> None:
    """The console script `gradient-diff`."""
    run_to_its_end(app())
