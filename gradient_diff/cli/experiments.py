"""The commands `run` and `list`: those of the checkout that this package lies in, or a sentence on how to get one."""

from __future__ import annotations

import sys
import tomllib
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import typer
from typer.models import CommandInfo

import gradient_diff
from gradient_diff.cli.ending import USAGE

NAME = "experiments"
_ELSEWHERE = (
    "The experiments come with the source of gradient-diff, not with the installed package. Clone its repository, and "
    "type `make run` there for all of them, or `.venv/bin/gradient-diff run NAME` afterwards for one."
)


def experiment_commands() -> list[CommandInfo]:
    """`run` and `list`."""
    folder = Path(gradient_diff.__file__).resolve().parents[1]
    if not is_checkout(folder):
        return [_stand_in("run", "Run experiments (in a checkout)."), _stand_in("list", "List them (in a checkout).")]
    _load(folder / NAME)
    commands: list[CommandInfo] = import_module(f"{NAME}.command").app.registered_commands
    return commands


def is_checkout(folder: Path) -> bool:
    """Whether a folder is the project's source: its pyproject.toml says so, and the experiments are there."""
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]["name"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return project == "gradient-diff" and (folder / NAME / "command.py").is_file()


def _load(package: Path) -> ModuleType:
    """From this path and no other: the name on `sys.path` may be a user's own."""
    loaded = sys.modules.get(NAME)
    if loaded is not None and Path(str(loaded.__file__)).resolve().parent == package:
        return loaded
    for name in [n for n in sys.modules if n.partition(".")[0] == NAME]:
        del sys.modules[name]
    spec = spec_from_file_location(NAME, package / "__init__.py", submodule_search_locations=[str(package)])
    assert spec is not None
    assert spec.loader is not None
    sys.modules[NAME] = module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _stand_in(name: str, line: str) -> CommandInfo:
    app = typer.Typer()

    @app.command(name, help=line, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
    def say_where() -> None:
        typer.echo(_ELSEWHERE, err=True)
        raise typer.Exit(USAGE)

    return app.registered_commands[0]
