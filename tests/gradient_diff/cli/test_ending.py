"""How a command ends: its code, a closed pipe, a full disk, a signal, and outputs that know few signs."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gradient_diff import compare
from gradient_diff.cli import app
from gradient_diff.cli import ending as end
from gradient_diff.cli.ending import Output
from gradient_diff.plain import ERRORS

Write = Callable[..., Path]
ENCODINGS = ("utf-8", "cp949", "cp932", "cp1252", "latin-1", "ascii")
PROGRAM = (sys.executable, "-m", "gradient_diff")


def _commands(write: Write, reference: Path) -> dict[str, tuple[str, ...]]:
    wrong = write("wrong", dense_1__bias=np.ones(3))
    pair = ("compare", str(wrong), str(reference))
    return {
        "compare": pair,
        "compare --top": (*pair, "--top", "2"),
        "compare, several": ("compare", str(wrong), str(write("right")), str(reference)),
        **{f"compare --format {form}": (*pair, "--format", form) for form in ("csv", "json", "markdown")},
        "check": ("check", str(_code(wrong.parent)), str(reference)),
        "check, unreadable": ("check", str(wrong.parent / "gone.py"), str(reference)),
        "shapes": ("shapes", "4-3-2"),
        "shapes --format": ("shapes", "4-3-2", "--format", "markdown"),
        "problem": ("problem", "4-3-2", "--out", str(wrong.parent / "p.npz")),
        "explain": ("explain",),
        "explain ID": ("explain", "derivative_wrong"),
        "list": ("list",),
        "--help": ("--help",),
        "compare --help": ("compare", "--help"),
        "a typo": ("explane",),
    }


ENDS = {"a typo": end.USAGE, "check, unreadable": end.UNPROVED}


def _code(folder: Path) -> Path:
    """Wrong code."""
    (folder / "mine.py").write_text("def gradients(p, x, y): return p", "utf-8")
    return folder / "mine.py"


def _run(arguments: tuple[str, ...], encoding: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", Output(raw, encoding, ERRORS))
    with pytest.raises(SystemExit) as left:
        app()(list(arguments))
    sys.stdout.flush()
    return int(left.value.code or 0), raw.getvalue().decode(encoding)


@pytest.mark.matrix(most=3)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_command_can_write_where_signs_are_few(
    encoding: str, write: Write, reference: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for title, arguments in _commands(write, reference).items():
        code, text = _run(arguments, encoding, monkeypatch)
        wrong = title.startswith(("compare", "check")) and "help" not in title
        assert code == ENDS.get(title, end.WRONG if wrong else 0), title
        assert text or title == "a typo"
        assert "\\u" not in text or title.endswith("json"), title  # no sign of ours is without its plain form


def test_a_stream_of_another_kind_would_fail(write: Write, reference: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))
    with pytest.raises(UnicodeEncodeError):
        app()(["explain", "derivative_wrong"])


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_diff_can_be_printed_where_signs_are_few(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    diff = compare({"σ": np.ones((2, 2))}, {"σ": np.eye(2)}, rtol=1e-3)
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding))
    print(diff)  # noqa: T201  (this is what is tested)
    sys.stdout.flush()
    assert "DIFFERENT" in raw.getvalue().decode(encoding)


def _told(arguments: tuple[str, ...], **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload,no-any-return]


ALL, OUT, ERR = ("stdout", "stderr"), ("stdout",), ("stderr",)


def _unread(streams: tuple[str, ...], arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """A run whose streams are pipes that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        ends = dict.fromkeys(ALL, subprocess.PIPE) | dict.fromkeys(streams, closed.fileno())
        return subprocess.run([*PROGRAM, *arguments], text=True, check=False, **ends)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize(
    ("kind", "code", "streams"),
    [("right", 0, OUT), ("wrong", 1, OUT), ("right", 0, ERR), ("right", 0, ALL), ("gone", end.USAGE, ALL)],
    ids=str,
)
def test_a_closed_pipe_is_quiet_and_keeps_the_verdict(
    kind: str, code: int, streams: tuple[str, ...], write: Write, reference: Path
) -> None:
    mine = write("mine", **({"dense_1__bias": np.ones(3)} if kind == "wrong" else {}))
    done = _unread(streams, ("compare", str(mine), str(reference if kind != "gone" else mine.with_name("gone.npz"))))
    assert done.returncode == code
    assert "Traceback" not in (done.stderr or "")
    assert "rror" not in (done.stderr or "")


@pytest.mark.skipif(not Path("/bin/sh").exists(), reason="no shell that closes a stream")
@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-"])
def test_without_an_output_the_verdict_is_the_same(closed: str, write: Write, reference: Path) -> None:
    command = ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", *PROGRAM, "compare", str(write("right")), str(reference)]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_output_is_no_verdict() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*PROGRAM, "explain"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, "cannot be written" in done.stderr, "Traceback" in done.stderr) == (end.USAGE, True, False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_notes_that_find_no_room_are_lost_and_the_verdict_is_not(write: Write, reference: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [*PROGRAM, "compare", str(write("right")), str(reference)]
        assert subprocess.run(command, stdout=subprocess.DEVNULL, stderr=full, check=False).returncode == 0


def test_a_broken_backend_of_matplotlib_is_none_of_its_business(write: Write, reference: Path, tmp_path: Path) -> None:
    arguments = ("compare", str(write("right")), str(reference), "--out", str(tmp_path / "marks"))
    done = _told(arguments, env={**os.environ, "MPLBACKEND": "nonsense"})
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0)


def test_a_crash_is_no_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    def crash() -> None:
        raise ZeroDivisionError

    assert end.code_of(crash) == end.CRASH
    assert "Please report" in capsys.readouterr().err


@pytest.mark.matrix(most=1)
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_leaves_nothing_half_done(name: str, write: Write, reference: Path, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    files = [str(write(f"a{i}", dense_1__bias=np.ones(3))) for i in range(40)]
    # jobs in the background are deaf to SIGINT, and whatever runs below nohup to SIGHUP
    obeying = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    obeying += "signal.signal(signal.SIGHUP, signal.SIG_DFL)"
    program = (sys.executable, "-c", f"{obeying}; from gradient_diff.cli import main; main()")
    command = [*program, "compare", *files, str(reference), "--out", str(marks)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True) as run:
        waited = time.monotonic()
        while not list(tmp_path.glob(".marks-*")) and time.monotonic() < waited + 60:
            time.sleep(0.02)
        run.send_signal(getattr(signal, name))
        run.communicate(timeout=60)
    assert run.returncode == (end.INTERRUPTED if name == "SIGINT" else 128 + getattr(signal, name))
    assert not list(tmp_path.glob(".marks-*"))
    assert not marks.exists()


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no SIGHUP here")
@pytest.mark.parametrize(("before", "code"), [("SIG_DFL", 129), ("SIG_IGN", 0)])
def test_a_run_below_nohup_outlives_its_terminal(before: str, code: int) -> None:
    begin = f"import os, signal; signal.signal(signal.SIGHUP, signal.{before})\n"
    begin += "from gradient_diff.cli.ending import run_to_its_end\n"
    begin += "run_to_its_end(lambda: os.kill(os.getpid(), signal.SIGHUP))"
    assert subprocess.run([sys.executable, "-c", begin], check=False).returncode == code
