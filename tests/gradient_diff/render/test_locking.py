"""Two writers of one folder, and writers that are killed: nothing is lost, and never is there neither old nor new."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradient_diff.render import locking
from gradient_diff.render.folder import whole_folder
from gradient_diff.render.locking import exchanged, locked

linux = pytest.mark.skipif(sys.platform != "linux", reason="two folders change places in one step on Linux alone")


def _names(folder: Path) -> list[str]:
    return [p.name for p in folder.iterdir()]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder that an earlier run wrote."""
    with whole_folder(tmp_path / "run") as building:
        (building / "result.txt").write_text("old")
    return tmp_path / "run"


@pytest.fixture
def owner(place: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until its input ends."""
    code = "import pathlib, sys; from gradient_diff.render.locking import locked\n"
    code += "with locked(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_writer_refuses_and_names_the_first(
    place: Path, owner: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locking, "WAIT", 0.2)
    words = (
        f"{place} is being written by another run of gradient-diff, process {owner.pid}. "
        "Wait for it, or choose another folder. Nothing was written."
    )
    with pytest.raises(FileExistsError) as refused, whole_folder(place):
        raise AssertionError
    assert refused.value.strerror == words
    assert (place / "result.txt").read_text() == "old"


def test_it_waits_for_the_first(place: Path, owner: subprocess.Popen[str]) -> None:
    code = "import sys; from gradient_diff.render.folder import whole_folder\n"
    code += "with whole_folder(sys.argv[1]) as f: (f / 'result.txt').write_text('new')"
    with subprocess.Popen([sys.executable, "-c", code, str(place)]) as second:
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(1.5)
        owner.communicate("")
        assert second.wait(60) == 0
    assert (place / "result.txt").read_text() == "new"
    assert _names(place.parent) == ["run"]  # the lock is gone, too


def test_the_lock_of_a_killed_process_binds_nobody(place: Path, owner: subprocess.Popen[str]) -> None:
    owner.kill()
    owner.wait()
    with locked(place):
        pass


KILLED = """
import os, pathlib, signal, sys
from gradient_diff.render import folder
count = int(sys.argv[2])

def dying(step):
    def run(*arguments, **named):
        global count
        count -= 1
        if count == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        done = step(*arguments, **named)
        count -= 1
        if count == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    return run

pathlib.Path.replace = dying(pathlib.Path.replace)
pathlib.Path.mkdir = dying(pathlib.Path.mkdir)
folder.exchanged = dying(folder.exchanged)
folder.shutil.rmtree = dying(folder.shutil.rmtree)
with folder.whole_folder(sys.argv[1]) as building:
    (building / "result.txt").write_text("new")
"""


@linux
def test_killed_at_every_step_it_leaves_the_old_or_the_new(place: Path) -> None:
    seen: list[str] = []
    for step in range(1, 40):
        done = subprocess.run([sys.executable, "-c", KILLED, str(place), str(step)], check=False)
        seen.append((place / "result.txt").read_text())
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        with whole_folder(place) as building:  # the next run removes what was left
            (building / "result.txt").write_text("old")
        assert _names(place.parent) == ["run"]
    assert seen[0] == "old"
    assert seen[-1] == "new"
    assert len(seen) > 6


@pytest.mark.slow
@linux
def test_without_one_step_for_two_folders_a_kill_could_leave_neither(place: Path) -> None:
    code = KILLED.replace("dying(folder.exchanged)", "lambda one, other: False")
    lost = []
    for step in range(1, 40):
        done = subprocess.run([sys.executable, "-c", code, str(place), str(step)], check=False)
        lost.append(not place.exists())
        if done.returncode == 0:
            break
        with whole_folder(place) as building:  # and brings the old one back first
            assert (place / "result.txt").exists()
            (building / "result.txt").write_text("old")
    assert any(lost)


@linux
def test_two_folders_change_places(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    assert exchanged(tmp_path / "a", tmp_path / "b")
    assert _names(tmp_path / "a") == ["b"]
    assert not exchanged(tmp_path / "a", tmp_path / "c")


def test_a_folder_of_somebody_else_with_such_a_name_stays(place: Path) -> None:
    other = place.parent / ".run-mine"
    (other / "new").mkdir(parents=True)
    with whole_folder(place) as building:
        (building / "result.txt").write_text("new")
    assert (other / "new").is_dir()


@pytest.mark.parametrize("around", [".", ".."])
def test_the_folder_that_one_is_in_is_refused(around: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    with pytest.raises(FileExistsError, match="is the folder that you are in, or around it"), whole_folder(around):
        raise AssertionError
    assert [p.name for p in tmp_path.rglob("*")] == ["a", "b"]
