"""What holds for the project as a whole: packaging and cleanliness; who may import what is in test_architecture."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
HEAVY = ("tensorflow", "keras", "pandas", "matplotlib.pyplot")


def test_three_rooms_are_packaged_and_the_name_experiments_is_left_to_users() -> None:
    assert sorted(PACKAGES) == ["gradient_diff", "keras_mlp", "manual_mlp"]


@pytest.mark.parametrize("package", [*PACKAGES, "experiments"])
def test_each_package_says_that_it_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


def test_the_installed_version_is_this_one() -> None:
    assert version("gradient-diff") == PROJECT["project"]["version"]


def test_constraints_are_names_and_versions_only() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line)] == []


def test_every_direct_dependency_is_pinned() -> None:
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["tensorflow"], *extras["dev"], *extras["experiments"], *extras["docs"]]
    needed = {_name(line) for line in wanted}
    pinned = {_name(line) for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()}
    assert needed - pinned == set()


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower()


def test_tensorflow_is_an_extra_that_make_run_installs() -> None:
    assert not any(_name(line) in ("tensorflow", "keras") for line in PROJECT["project"]["dependencies"])
    assert "'.[tensorflow,dev,experiments,docs]'" in (ROOT / "tools" / "setup.sh").read_text(encoding="utf-8")


def test_ci_runs_make_test_and_then_the_slow_ones() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").splitlines()[-2:] == ["make test", "exec make slow"]


def _asked_of_make(target: str) -> str:
    """What make would do, with a setup that has nothing to do."""
    command = ["make", "--dry-run", "--no-print-directory", target]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_every_test_is_in_one_of_two_tiers() -> None:
    quick, slow, everything = (_asked_of_make(target) for target in ("checks", "slow", "test-all"))
    assert 'pytest -n 2 --dist loadgroup --no-loadscope-reorder -m "not slow"' in quick
    assert "pytest -n 2 --dist loadgroup --no-loadscope-reorder -m slow\n" in slow
    assert 'timed.sh "make test"' in everything
    assert everything.endswith("-m slow\n")


def test_the_documentation_is_built_with_warnings_as_errors() -> None:
    """tests/docs/test_site.py builds it in the same way, and looks at it."""
    assert ".venv/bin/mkdocs build --strict" in _asked_of_make("docs")
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    site = re.search(r"^site_dir: (\S+)$", config, re.MULTILINE)
    assert site
    ignored = subprocess.run(["git", "check-ignore", site[1]], cwd=ROOT, capture_output=True, check=False).returncode
    assert ignored in (0, 128)  # 128: not a git checkout


@pytest.mark.parametrize("page", ["README.md", "README.ko.md", "CONTRIBUTING.md"])
def test_every_target_of_make_that_a_page_names_exists(page: str) -> None:
    named = re.findall(r"^ *make ([a-z-]+)", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {"run", "test"} <= {*named}
    assert {*named} <= {*targets}


# Each has one letter in brackets, so that this file is clean itself.
MACHINE_TRACES = re.compile(
    rb"(?<![\w.])/(?:wor[k]|roo[t]|hom[e]/\w+|op[t]/pypi|tm[p]/w)/"
    rb"|pyp[i]\.org|pythonhoste[d]\.org|registry\.npmj[s]|deb\.debia[n]"
)


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_tracked_file_tells_of_a_machine() -> None:
    assert [str(path) for path in _tracked() if MACHINE_TRACES.search(path.read_bytes())] == []


@pytest.mark.parametrize(
    "trace", ["open('/{}/main')".format("work"), "/{}/x".format("root"), "https://{}.org/simple".format("pypi")]
)
def test_a_trace_of_a_machine_would_be_seen(trace: str) -> None:
    assert MACHINE_TRACES.search(trace.encode())


def heavy_imports(modules: str, path: Path = ROOT) -> set[str]:
    """Which of HEAVY a fresh interpreter has loaded after importing the modules, looked for in path and ROOT."""
    code = f"import sys, {modules}; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(path), str(ROOT)])}
    command = [sys.executable, "-c", code]
    return set(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    "module", ["manual_mlp", "gradient_diff", "gradient_diff.cli", "experiments", "experiments.command"]
)
def test_light_modules_import_nothing_heavy(module: str) -> None:
    assert heavy_imports(module) == set()


@pytest.mark.parametrize("name", HEAVY)
def test_a_heavy_import_would_be_seen(name: str, tmp_path: Path) -> None:
    stub = tmp_path.joinpath(*name.split(".")).with_suffix(".py")
    stub.parent.mkdir(exist_ok=True)
    stub.touch()
    (tmp_path / "careless.py").write_text(f"import manual_mlp, gradient_diff, {name}")
    assert heavy_imports("careless", tmp_path) == {name}
