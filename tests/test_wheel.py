"""The wheel, built from the tree and installed beside a project with folders of its own: offline, by itself."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tomllib
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", str(ROOT), "--no-build-isolation", "--wheel-dir", str(folder))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def project(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's project, whose own experiments/ and tests/ are packages, with the wheel installed into lib/."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("experiments", "tests"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").touch()
        (folder / name / "command.py").write_text(f"app = main = 'the own {name}'\n")
    pip("install", str(wheel), "--target", str(folder / "lib"))
    return folder


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", *arguments, "--no-deps", "--no-index", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def python(project: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Code run in the user's project, which sees the installed wheel and not this tree."""
    dependencies = sysconfig.get_path("purelib")
    path = [str(project), str(project / "lib"), dependencies]  # as a path no .pth in it is followed
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path), "COLUMNS": "120"}
    command = [sys.executable, "-S", "-c", code]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def command(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.argv = ['gradient-diff', *{arguments!r}]; from gradient_diff.cli import main; main()"
    return python(project, code)


def test_it_holds_three_packages_and_what_they_need(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (n for n in names if n.endswith("/METADATA"))
        told = HeaderParser().parsestr(archive.read(metadata).decode())
    assert {n.split("/")[0] for n in names} == {"gradient_diff", "keras_mlp", "manual_mlp", metadata.split("/")[0]}
    packages = [ROOT / name for name in ("gradient_diff", "keras_mlp", "manual_mlp")]
    files = {str(path.relative_to(ROOT)) for package in packages for path in package.rglob("*") if path.is_file()}
    needed = {name for name in files if "__pycache__" not in name}
    assert needed >= {"gradient_diff/py.typed", "gradient_diff/render/templates/answer.html.j2"}
    assert needed - set(names) == set()
    assert told["Version"] == PROJECT["version"]
    required = [line for line in told.get_all("Requires-Dist") if "extra ==" not in line]
    assert not any("tensorflow" in line for line in required)
    assert set(told.get_all("Provides-Extra")) == set(PROJECT["optional-dependencies"])


def test_both_packages_named_experiments_work(project: Path) -> None:
    code = "from experiments.command import app; from tests.command import main; import gradient_diff; print(app, main)"
    assert python(project, code).stdout == "the own experiments the own tests\n"
    assert python(project, "import gradient_diff; print(gradient_diff.__file__)").stdout.startswith(
        str(project / "lib")
    )


def test_the_version_is_that_of_the_wheel(project: Path) -> None:
    assert command(project, "--version").stdout == f"gradient-diff {PROJECT['version']}\n"
    assert (project / "lib" / "bin" / "gradient-diff").is_file()


def test_a_class_problem_is_made_and_marked(project: Path) -> None:
    made = command(project, "problem", "4-5-3", "--out", "r.npz")
    assert (made.returncode, "4-5-3 (sigmoid, linear)" in made.stdout) == (0, True)
    done = command(project, "compare", "r.npz", "r.npz", "--out", "marks")
    assert (done.returncode, done.stdout.split(":")[0]) == (0, "✓ MATCH")
    assert (project / "marks" / "r" / "report.html").is_file()


@pytest.mark.parametrize("name", ["list", "run"])
def test_the_experiments_are_said_to_be_elsewhere(project: Path, name: str) -> None:
    done = command(project, name)
    assert (done.returncode, done.stdout) == (4, "")
    assert "Clone its repository" in done.stderr
