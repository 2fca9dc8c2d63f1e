"""tools/setup.sh finds a Python that fits, or says in one sentence what is missing. Nothing is installed here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# A Python that answers as one of the given version would; $0 names it, and all it is asked to do goes to log.
FAKE = """#!/bin/sh
echo "$(basename "$0") $*" >> "{log}"
case "$*" in
*version_info*) echo {version} ;;
*ensurepip*) exit {no_venv} ;;
*"venv --clear"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
*"pip install"*) exit {pip} ;;
esac
"""


class Clone:
    """A folder with the script and what it reads, and a PATH on which only chosen Pythons are found."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path, self.log = folder / "a clone", folder / "bin", folder / "log"
        (self.folder / "tools").mkdir(parents=True)
        self.path.mkdir()
        shutil.copy(ROOT / "tools" / "setup.sh", self.folder / "tools")
        for name in ("pyproject.toml", "constraints.txt"):
            (self.folder / name).touch()
        for tool in ("basename", "cat", "cp", "cut", "dirname", "find", "mkdir", "sh"):
            found = shutil.which(tool)
            assert found, tool
            (self.path / tool).symlink_to(found)

    def add(self, name: str, version: str, no_venv: int = 0, pip: int = 0) -> None:
        self.script(name, FAKE.format(version=version, no_venv=no_venv, pip=pip, log=self.log))

    def script(self, name: str, text: str) -> None:
        (self.path / name).write_text(text)
        (self.path / name).chmod(0o755)

    def setup(self, **environment: str) -> subprocess.CompletedProcess[str]:
        self.log.write_text("")
        command = ["sh", str(self.folder / "tools" / "setup.sh")]
        environment = {"PATH": str(self.path), **environment}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    def calls(self, words: str) -> list[str]:
        """Names of the Pythons that were asked to do this."""
        return [line.split()[0] for line in self.log.read_text().splitlines() if words in line]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


NEED = "gradient-diff needs Python 3.11, 3.12 or 3.13, since TensorFlow has no wheels for others, and found "
ADVICE = ": install one of them, or name it as in: make run PYTHON=/path/to/python3.12\n"


def test_no_python_at_all(clone: Clone) -> None:
    done = clone.setup()
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{NEED}none{ADVICE}")


def test_only_unsuitable_pythons(clone: Clone) -> None:
    clone.add("python3", "3.14.1")
    clone.add("python", "2.7.18")
    assert clone.setup().stderr == f"{NEED}python3 3.14.1, python 2.7.18{ADVICE}"


def test_a_shim_that_fails_is_passed_over(clone: Clone) -> None:
    clone.script("python3.13", "#!/bin/sh\necho 'pyenv: python3.13: command not found' >&2\nexit 127\n")
    clone.add("python3.12", "3.12.1")
    assert clone.setup().returncode == 0
    assert clone.calls("venv --clear") == ["python3.12"]


def test_a_python_without_venv(clone: Clone) -> None:
    clone.add("python3", "3.11.2", no_venv=1)
    done = clone.setup()
    sentence = "python3 3.11.2 has no venv module: on Debian and Ubuntu, apt install python3.11-venv brings it.\n"
    assert (done.returncode, done.stderr) == (1, sentence)


def test_a_python_with_venv_is_preferred(clone: Clone) -> None:
    clone.add("python3.13", "3.13.0", no_venv=1)
    clone.add("python3.11", "3.11.7")
    assert clone.setup().returncode == 0
    assert clone.calls("venv --clear") == ["python3.11"]


def test_the_first_call_announces_the_download_and_the_second_does_nothing(clone: Clone) -> None:
    clone.add("python3", "3.12.1")
    first, installed, second = clone.setup(), clone.calls("pip install"), clone.setup()
    assert "TensorFlow, where it is not there yet, is a download of about 600 MB" in first.stderr
    assert installed == ["python"]
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert clone.calls("pip") == []


def test_a_changed_project_is_installed_again_into_the_same_venv(clone: Clone) -> None:
    clone.add("python3", "3.12.1")
    clone.setup()
    (clone.folder / "constraints.txt").write_text("numpy==2.4.6\n")
    clone.setup()
    assert clone.calls("venv --clear") == []
    assert clone.calls("pip install") == ["python"]


def test_an_interrupted_installation_starts_anew(clone: Clone) -> None:
    clone.add("python3", "3.12.1", pip=3)
    assert clone.setup().returncode == 3
    clone.add("python3", "3.12.1")
    assert clone.setup().returncode == 0
    assert clone.calls("venv --clear") == ["python3"]


def test_a_broken_venv_starts_anew(clone: Clone) -> None:
    clone.add("python3", "3.12.1")
    clone.setup()
    (clone.folder / ".venv" / "bin" / "python").unlink()
    assert clone.setup().returncode == 0
    assert clone.calls("venv --clear") == ["python3"]


def test_a_moved_folder_starts_anew(clone: Clone) -> None:
    clone.add("python3", "3.12.1")
    clone.setup()
    clone.folder = clone.folder.rename(clone.folder.with_name("moved"))
    clone.setup()
    assert clone.calls("venv --clear") == ["python3"]


def test_python_can_be_named(clone: Clone) -> None:
    clone.add("python3.13", "3.13.0")
    clone.add("my python", "3.12.1")
    clone.setup()
    assert clone.setup(PYTHON=str(clone.path / "my python")).returncode == 0
    assert clone.calls("venv --clear") == ["my"]
    assert clone.setup().stderr == ""


def test_a_named_python_that_does_not_fit(clone: Clone) -> None:
    clone.add("python3.13", "3.13.0")
    clone.add("old", "3.9.18")
    assert clone.setup(PYTHON="old").stderr == f"{NEED}old 3.9.18{ADVICE}"
