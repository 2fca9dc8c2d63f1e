"""The command line. Its first line appears before anything heavy is imported."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

import typer

from experiments import BY_NAME_ONLY, STUDIES

app = typer.Typer(
    name="gradient-diff",
    help="Compare hand-written backpropagation with TensorFlow's GradientTape, layer by layer, and say what is off.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command("list")
def list_studies() -> None:
    """List the experiments, in the order in which `run all` runs them."""
    width = max(map(len, [*STUDIES, *BY_NAME_ONLY]))
    for name, line in STUDIES.items():
        typer.echo(f"{name:<{width}}  {line}")
    for name, line in BY_NAME_ONLY.items():
        typer.echo(f"{name:<{width}}  {line} (by name only)")


@app.command()
def run(
    names: Annotated[list[str], typer.Argument(help="Experiments to run, or `all`. See `gradient-diff list`.")],
    dtype: Annotated[Literal["float64", "float32"], typer.Option(help="Of both twins.")] = "float64",
    mode: Annotated[Literal["eager", "graph", "xla"], typer.Option(help="How TensorFlow runs the tape.")] = "eager",
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.", min=0)] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("results"),
) -> None:
    """Run experiments; write tables, figures and an HTML report for each.

    Example: gradient-diff run three_layer_network --dtype float32

    The exit code is 0 only if every verdict is the one that the experiment expects.
    """
    chosen = _chosen(names)
    typer.echo(f"Running {', '.join(chosen)} into {out}{os.sep} (TensorFlow takes some seconds to start) …")
    from experiments.running import Outcome, run_study
    from experiments.study import Settings

    outcomes: list[Outcome] = []
    settings = Settings(dtype, mode, seed)
    with _progress() as progress:
        for name in chosen:
            try:
                outcomes.append(run_study(name, settings, out, progress))
            except OSError as error:
                raise typer.BadParameter(str(error), param_hint="--out") from error
    _print_outcomes(outcomes)
    if any(outcome.failed for outcome in outcomes):
        raise typer.Exit(1)


def _chosen(names: list[str]) -> list[str]:
    """The names, `all` spelt out, each once; an unknown one is an error with the nearest suggestion."""
    known = [*STUDIES, *BY_NAME_ONLY]
    for name in names:
        if name not in (*known, "all"):
            nearest = get_close_matches(name, [*known, "all"], n=1)
            hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
            raise typer.BadParameter(f"There is no experiment {name!r}.{hint} Known: {', '.join(known)}, all.")
    return list(dict.fromkeys(n for name in names for n in (STUDIES if name == "all" else [name])))


def _progress():  # type: ignore[no-untyped-def]  # rich is imported late; the type is its Progress
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _print_outcomes(outcomes: list) -> None:  # type: ignore[type-arg]  # of running.Outcome, imported late
    from rich.console import Console
    from rich.table import Table

    table = Table("experiment", "verdict", "report")
    for outcome in outcomes:
        problems = "".join(f"\n✗ {text}" for text in outcome.failed)
        table.add_row(outcome.name, outcome.summary + problems, str(outcome.report))
    Console().print(table)


def main() -> None:
    """The console script `gradient-diff`."""
    app()
