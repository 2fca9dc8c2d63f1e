"""The commands `run` and `list`. Their first line appears before anything heavy is imported."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from experiments import STUDIES

if TYPE_CHECKING:
    from rich.progress import Progress

    from experiments.frame.running import Outcome
    from experiments.frame.study import Settings

app = typer.Typer(pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]})


@app.command("list")
def list_studies(
    form: Annotated[Literal["text", "json"], typer.Option("--format", help="Of what is printed.")] = "text",
) -> None:
    """List the experiments, in the order in which `run all` runs them."""
    if form == "json":
        studies = [{"name": name, "about": e.line, "in_all": e.in_all, "takes": e.takes} for name, e in STUDIES.items()]
        _show(json.dumps(studies, indent=1))
        return
    width = max(map(len, STUDIES))
    for name, entry in STUDIES.items():
        _show(f"{name:<{width}}  {entry.line}{'' if entry.in_all else ' (by name only)'}")


@app.command()
def run(
    names: Annotated[list[str], typer.Argument(help="Experiments to run, or `all`. See `gradient-diff list`.")],
    dtype: Annotated[Literal["float64", "float32"], typer.Option(help="Of both twins.")] = "float64",
    mode: Annotated[Literal["eager", "graph", "xla"], typer.Option(help="How TensorFlow runs the tape.")] = "eager",
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.", min=0)] = 0,
    full: Annotated[bool, typer.Option("--full", help="The real sizes; some experiments then take an hour.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for the results, one inside it for each.")] = Path("results"),
    dataset: Annotated[
        Literal["digits", "mnist", "fashion_mnist"] | None,
        typer.Option(help="digits if not given; with --full mnist, if $GRADIENT_DIFF_DATA holds it."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Of training; usually the experiment's own.", min=1)] = None,
    data: Annotated[Path | None, typer.Option(help="The dataset's .npz, or the folder that holds it.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Trained weights, .npz, in place of training.")] = None,
    jobs: Annotated[
        int | None, typer.Option(help="Processes at a time of a sweep; one a core if not given.", min=1)
    ] = None,
) -> None:
    """Run experiments; write tables, figures and an HTML report for each.

    Example: gradient-diff run three_layer_network --dtype float32

    The exit code is 0 only if every verdict is the one that the experiment expects.
    """
    chosen = _chosen(names)
    special = {"dataset": dataset, "epochs": epochs, "data": data, "weights": weights, "jobs": jobs}
    _check_taken(names, chosen, special)
    _show(f"Running {', '.join(chosen)} into {out}{os.sep} (TensorFlow takes some seconds to start) …")
    from experiments.frame.running import run_study
    from experiments.frame.study import Settings
    from experiments.support.datasets import DataError, dataset_of

    outcomes: list[Outcome] = []
    settings = {name: _settings_of(name, Settings(dtype, mode, seed, full), special) for name in chosen}
    try:
        if dataset or data:  # a wrong file is told at once, and not after an hour
            dataset_of(next(settings[name] for name in chosen if "dataset" in STUDIES[name].takes))
        with progress_bars() as progress:
            for name in chosen:
                outcomes.append(run_study(name, settings[name], out, progress))  # noqa: PERF401  (kept if the next fails)
    except ImportError as error:
        if error.name not in ("keras", "tensorflow"):
            raise
        raise typer.BadParameter(str(error), param_hint="NAMES") from error
    except DataError as error:
        raise typer.BadParameter(str(error), param_hint="--dataset, --data, --weights") from error
    except OSError as error:
        if not _concerns(error, out):
            raise
        place = f"{error.filename}: " if error.filename else ""  # otherwise the text names it
        raise typer.BadParameter(f"{place}{error.strerror}", param_hint="--out") from error
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    finally:
        if outcomes:  # also those that were done before something went wrong
            _print_outcomes(outcomes)
    if any(outcome.failed for outcome in outcomes):
        raise typer.Exit(1)


def _chosen(names: list[str]) -> list[str]:
    """The names, `all` spelt out, each once; an unknown one is an error with the nearest suggestion."""
    known = [*STUDIES, "all"]
    for name in names:
        if name not in known:
            wanted = name.lower().replace("-", "_")
            nearest = [n for n in known if n.startswith(wanted)] or get_close_matches(wanted, known)
            hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
            text = f"There is no experiment {name!r}.{hint} Known: {', '.join(known)}."
            raise typer.BadParameter(text, param_hint="NAMES")
    everything = [name for name, entry in STUDIES.items() if entry.in_all]
    return list(dict.fromkeys(n for name in names for n in (everything if name == "all" else [name])))


def _settings_of(name: str, common: Settings, special: Mapping[str, object]) -> Settings:
    """With those of the special options that the study takes."""
    taken: dict[str, Any] = {option: special[option] for option in STUDIES[name].takes}
    return replace(common, **taken)


def _check_taken(names: list[str], chosen: list[str], special: Mapping[str, object]) -> None:
    """An option that nothing chosen takes, or an experiment called by name does not, would be silently lost."""
    for option in (option for option, value in special.items() if value is not None):
        takers = [name for name, entry in STUDIES.items() if option in entry.takes]
        unfit = [name for name in names if name in chosen and name not in takers]
        if unfit or not set(chosen) & set(takers):
            who = ", ".join(unfit or chosen)
            text = f"{who}: no use for it. It is for {', '.join(takers)}; `all` gives it to these alone."
            raise typer.BadParameter(text, param_hint=f"--{option}")


def _concerns(error: OSError, out: Path) -> bool:
    """Whether it is the folder of the results that cannot be written, and not some file that an experiment reads."""
    if error.filename is None:
        return True
    place, folder = Path(error.filename).resolve(), out.resolve()
    return place.is_relative_to(folder) or folder.is_relative_to(place)


def progress_bars() -> Progress:
    """One line a task, which 60 columns hold with its count; none where nobody sits before a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column

    words = TextColumn("{task.description}", table_column=Column(overflow="ellipsis", no_wrap=True, max_width=28))
    columns = (words, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())  # 60 columns hold them
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _print_outcomes(outcomes: list[Outcome]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("experiment", box=box.SIMPLE_HEAD, show_edge=False)
    table.add_column("verdict and report", overflow="fold")
    for outcome in outcomes:
        verdict = Text("\n".join([outcome.summary, *(f"✗ {text}" for text in outcome.failed)]))
        verdict.stylize("red" if outcome.failed else "green")
        table.add_row(outcome.name, verdict + Text(f"\n{outcome.report}"))
    Console().print(table)
    for place in dict.fromkeys(outcome.report.parents[1] for outcome in outcomes):
        Console().print(f"All together: {place / 'index.html'}, {place / 'summary.csv'}", soft_wrap=True)
    Console().print(f"{sum(not outcome.failed for outcome in outcomes)} of {len(outcomes)} as expected")


def _show(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
