"""The app as a whole: its help, its version, and where it finds the experiments."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from typer.testing import CliRunner

import gradient_diff
from gradient_diff.cli import app
from gradient_diff.cli.experiments import is_checkout
from manual_mlp import MLP, Dense

ROOT = Path(__file__).parents[3]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def call(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app(), [*arguments], env={"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"})
    return result.exit_code, " ".join(re.sub(r"[─-╿]", " ", result.output).split())


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_the_help_says_what_it_is_for_and_names_every_command(option: str) -> None:
    code, text = call(option)
    assert code == 0
    assert "Compare hand-written backpropagation with TensorFlow's GradientTape" in text
    assert [
        name for name in ("check", "compare", "problem", "shapes", "explain", "list", "run") if f" {name} " not in text
    ] == []
    assert "--install-completion" in text


@pytest.mark.parametrize("command", ["check", "compare", "problem", "shapes", "explain", "list", "run"])
def test_each_command_has_help_by_both_names(command: str) -> None:
    assert call(command, "-h") == call(command, "--help")
    assert call(command, "-h")[0] == 0


def test_no_arguments_show_the_help() -> None:
    assert "Usage:" in call()[1]


def test_the_version_is_that_of_the_package() -> None:
    assert gradient_diff.__version__ == VERSION
    assert call("--version") == (0, f"gradient-diff {VERSION}")


def run_in(folder: Path, *command: str, path: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(path), "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_package_runs_as_a_module(tmp_path: Path) -> None:
    done = run_in(tmp_path, "-m", "gradient_diff", "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"gradient-diff {VERSION}\n", "")


def test_the_shell_completes_mistakes(tmp_path: Path) -> None:
    code = "import sys; sys.argv = ['gradient-diff']; from gradient_diff.cli import main; main()"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "_GRADIENT_DIFF_COMPLETE": "complete_bash",
        "COMP_WORDS": "gradient-diff explain dropout_s",
        "COMP_CWORD": "2",
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["dropout_scale_missing"]


WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in ("tensorflow", "keras"):
            raise ModuleNotFoundError("No module named " + repr(name), name=name)
sys.meta_path.insert(0, Missing())
from gradient_diff.cli import main
sys.argv = ["gradient-diff", *{arguments!r}]
main()
"""


@pytest.mark.matrix(most=2)
@pytest.mark.parametrize(
    "arguments",
    [
        ("problem", "4-3-2", "--out", "another.npz"),
        ("compare", "reference.npz", "reference.npz", "--out", "marks"),
        ("check", "mine.py", "reference.npz"),
        ("shapes", "4-3-2", "--format", "csv", "--out", "ledger"),
        ("explain", "transposed"),
        ("list",),
        ("run", "-h"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_commands_that_need_no_model_work_without_tensorflow(arguments: tuple[str, ...], tmp_path: Path) -> None:
    mlp = MLP(2, [Dense(1)])
    mlp.backpropagate(mlp.initialize(0), np.ones((3, 2)), np.ones((3, 1)), "mse").save(tmp_path / "reference.npz")
    code = "def gradients(p, x, y):\n    d = 2 * (x @ p['dense_1/kernel'] + p['dense_1/bias'] - y) / y.size"
    (tmp_path / "mine.py").write_text(f"{code}\n    return [x.T @ d, d.sum(0)]")
    done = run_in(tmp_path, "-c", WITHOUT.format(arguments=arguments))
    assert (done.returncode, "Traceback" in done.stderr, bool(done.stdout)) == (0, False, True)


NEED_IT = [
    ("shapes", "model.keras"),
    ("check", "mine.py", "model.keras", "data.npz"),
    ("run", "three_layer_network", "--out", "results"),
]
LINE = "Type: pip install 'gradient-diff[tensorflow]'"


@pytest.mark.parametrize("arguments", NEED_IT, ids=lambda arguments: arguments[0])
def test_commands_that_need_it_say_the_line_to_type(arguments: tuple[str, ...], tmp_path: Path) -> None:
    with ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    np.savez(tmp_path / "data.npz", x=np.ones((2, 2)), y=np.ones((2, 1)))
    done = run_in(tmp_path, "-c", WITHOUT.format(arguments=arguments))
    assert (done.returncode, "Traceback" in done.stderr) == (4, False)
    assert LINE in " ".join(re.sub(r"[─-╿]", " ", done.stderr).split())


# where the experiments are


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A user's project with packages of the same names as ours."""
    for name in ("experiments", "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("print('not ours')\n")
        (tmp_path / name / "command.py").write_text("print('not ours')\n")
    return tmp_path


def test_somebody_elses_experiments_are_not_run(own: Path) -> None:
    code = "import sys; sys.argv = ['gradient-diff', 'list']; from gradient_diff.cli import main; main()"
    for command in (("-c", code), ("-m", "gradient_diff", "list")):  # both have the folder itself on sys.path
        path = Path(os.pathsep.join([str(own), str(ROOT)]))
        done = run_in(own, *command, path=path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("three_layer_network ")
        assert "not ours" not in done.stdout
    assert "not ours" in run_in(own, "-c", "import experiments", path=own).stdout  # it would have been seen


def test_even_if_they_are_already_loaded(own: Path) -> None:
    code = "import sys, experiments.command; sys.argv[1:] = ['list']; from gradient_diff.cli import main; main()"
    done = run_in(own, "-c", code, path=Path(os.pathsep.join([str(own), str(ROOT)])))
    assert done.stdout.splitlines()[:3][-1].startswith("three_layer_network ")


SENTENCE = (
    "The experiments come with the source of gradient-diff, not with the installed package. Clone its repository, and "
    "type `make run` there for all of them, or `.venv/bin/gradient-diff run NAME` afterwards for one.\n"
)


@pytest.mark.parametrize("arguments", [("run", "speed", "--full"), ("list",)])
def test_elsewhere_they_say_how_to_get_them(arguments: tuple[str, ...], own: Path) -> None:
    code = f"""
import sys, gradient_diff
gradient_diff.__file__ = {str(own / "gradient_diff" / "__init__.py")!r}
from gradient_diff.cli import main
sys.argv = ["gradient-diff", *{arguments!r}]
main()
"""
    done = run_in(own, "-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (4, "", SENTENCE)
    assert "(in a checkout)" in run_in(own, "-c", code.replace(f"*{arguments!r}", "'-h'")).stdout


def test_a_checkout_is_known_by_its_name_and_its_experiments(own: Path) -> None:
    assert is_checkout(ROOT)
    assert not is_checkout(own)
    (own / "pyproject.toml").write_text('[project]\nname = "somebody-elses"\n')
    assert not is_checkout(own)
    (own / "pyproject.toml").write_text("no toml")
    assert not is_checkout(own)
    (own / "pyproject.toml").write_text('[project]\nname = "gradient-diff"\n')
    assert is_checkout(own)
    (own / "experiments" / "command.py").unlink()
    assert not is_checkout(own)
