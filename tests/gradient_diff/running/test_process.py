"""Somebody's code in a process of its own: what it gives comes back, and whatever it does, the caller goes on."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gradient_diff import Code, Finding, compare
from gradient_diff.files.code_json import code_to_json
from gradient_diff.running.process import Apart, Given, read_answer
from manual_mlp import Evaluation

Put = Callable[..., Path]
MOST = 2**20
POSIX = pytest.mark.skipif(not hasattr(os, "killpg"), reason="it needs process groups")


@pytest.fixture
def given(reference: Path) -> Callable[..., Given]:
    """What came of a file."""
    return lambda file, seconds=60.0, **more: Apart(reference, seconds, **more).run(file, MOST)


# What is tried here runs as whoever runs the tests, root included, and must be harmless where a protection is missing:
# nothing walks a tree, nothing outside of pytest's own folders is named, nothing touches much memory.
HARMLESS = {
    "nothing odd": {},
    "it prints a lot": {"inside": "[print('x' * 10**6, file=f) for f in (sys.stdout, sys.stderr) for _ in range(30)]"},
    "it prints what we read": {"after": "print('{\"reason\": \"none\"}', flush=True); os.write(1, b'{}')"},
    "it writes into its folder": {"inside": "open('here.txt', 'w').write('x'); os.mkdir('there')"},
    "it deletes its own file": {"after": "os.remove(__file__)"},
    # Founder: NEVER rmtree in a test submission. An earlier version of this line deleted /etc of this machine.
    "it deletes the working directory": {"inside": "os.rmdir(os.environ['HOME'])"},
    "a thread goes on for ever": {
        "after": "threading.Thread(target=lambda: [time.sleep(1) for _ in iter(int, 1)]).start()"
    },
    "it wants to do something at the end": {"after": "import atexit; atexit.register(time.sleep, 999)"},
    "its name is a module's": {"name": "numpy.py"},
    "its name is no identifier": {"name": "anna maria-2.py"},
    "it is in the way of others": {"after": "sys.modules['json'] = None"},
}


@pytest.mark.matrix(most=2)
@pytest.mark.parametrize("what", HARMLESS)
def test_right_code_is_right_whatever_else_it_does(
    what: str,
    given: Callable[..., Given],
    put: Put,
    answer: Evaluation,
    reference: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    file = put(**HARMLESS[what])
    text, kept, start = file.read_text("utf-8"), reference.read_bytes(), time.monotonic()
    assert compare(given(file).gradients, answer).ok
    assert time.monotonic() - start < 55
    assert (file.read_text("utf-8"), reference.read_bytes()) == (text, kept)
    assert [p.name for p in file.parent.iterdir()] == [file.name]
    assert list((tmp_path / "temporary").iterdir()) == []


WITHOUT = {
    "a loop without end": ("while True: pass", r"It took longer than 4 s, and was stopped\. --time-limit "),
    "it leaves at once": ("os._exit(0)", r"ended by itself, with code 0, before it gave gradients\.$"),
    "a signal": ("os.kill(os.getpid(), 11)", r"Its process was ended by SIGSEGV before it gave gradients"),
    "too much memory": ("np.empty(5 * 2**26)", r"^It took more memory than it may\.$"),
    "input": ("input('which? ')", r"^It raised an exception\. line 6: EOFError: EOF when reading a line"),
    "a secret": ("os.environ['A_SECRET']", r"^It raised an exception\. line 6: KeyError: 'A_SECRET'$"),
    "a broken NumPy": ("np.savez = None", r"ended by itself, with code 1, before it gave gradients\.$"),
}


@pytest.mark.matrix(most=2)
@pytest.mark.parametrize("what", WITHOUT)
def test_why_there_are_no_gradients_is_one_sentence(
    what: str, given: Callable[..., Given], put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "sesame")
    inside, told = WITHOUT[what]
    with pytest.raises(ValueError, match=told) as raised:
        given(put(inside=inside), 4.0 if "loop" in what else 60.0)
    assert "\n" not in str(raised.value)


def test_no_more_comes_back_than_can_be_right(given: Callable[..., Given], put: Put) -> None:
    with pytest.raises(
        ValueError, match=r"^What it returned holds 2,097,\d+ bytes of arrays, where 1,048,576 are the most"
    ):
        given(put(whole="import numpy as np\ndef gradients(p, x, y): return np.ones(2**18)"))


FORGED = """
import json, os, sys
order = json.load(open(sys.argv[1]))
def answer(name, text):
    open(os.path.join(order["answer"], name), "w").write(text)
"""
NOTHING = r"^Its process ended by itself, with code 0, before it gave gradients\.$"
FORGERIES = {
    "no structure": ("answer('answer.json', json.dumps({'skeleton': 7}))", r"^What it returned did not come back\.$"),
    "a deep one": ("answer('answer.json', '[' * 10**6)", NOTHING),
    "no record": ("answer('answer.json', '[1]')", NOTHING),
    "arrays that are none": (
        "answer('answer.json', '{\"skeleton\": 0}'); answer('gradients.npz', 'PK')",
        r"^What it returned should be a zip archive",
    ),
    "a pipe": ("os.mkfifo(os.path.join(order['answer'], 'answer.json'))", NOTHING),
    "a link": ("os.symlink(sys.argv[1], os.path.join(order['answer'], 'answer.json'))", NOTHING),
    "a long reason": ("answer('answer.json', json.dumps({'reason': 'x' * 10**6}))", r"^x{600}…$"),
}


@pytest.mark.matrix(most=3)
@POSIX
@pytest.mark.parametrize("what", FORGERIES)
def test_what_is_forged_is_no_answer(what: str, given: Callable[..., Given], put: Put) -> None:
    statement, told = FORGERIES[what]
    with pytest.raises(ValueError, match=told):
        given(put(whole=f"{FORGED}{statement}\nos._exit(0)\n"))


@POSIX
def test_the_reference_that_it_finds_is_a_copy(given: Callable[..., Given], put: Put, reference: Path) -> None:
    kept = reference.read_bytes()
    text = f"{FORGED}open(order['reference'], 'w').write('mine')\nprint(json.dumps(order))\n"
    with pytest.raises(ValueError, match="has no gradients"):
        given(put(whole=text))
    assert reference.read_bytes() == kept


@pytest.mark.matrix(most=1)
@POSIX
@pytest.mark.parametrize("ending", ["while True: pass", "pass"])
def test_what_it_started_is_ended_with_it(ending: str, given: Callable[..., Given], put: Put, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    start = f"import subprocess; open({str(note)!r}, 'w').write(str(subprocess.Popen(['sleep', '600']).pid))"
    file = put(after=f"{start}\n{ending}")
    if "while" in ending:
        with pytest.raises(ValueError, match="was stopped"):
            given(file, 10.0)
    else:
        given(file)
    assert _is_gone(int(note.read_text()))


def _is_gone(pid: int) -> bool:
    """Ended, whether or not anybody has asked for it."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    return False


def test_where_and_how_it_runs(given: Callable[..., Given], put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "sesame")
    told = "raise ValueError(repr((os.listdir('.'), os.getcwd() == os.environ['HOME'], sorted(os.environ))))"
    with pytest.raises(ValueError, match="ValueError: ") as raised:
        given(put(inside=told))
    words = str(raised.value)
    assert "ValueError: ([], True, [" in words
    assert "'PATH'" in words
    assert not {name for name in ("TOKEN", "USER", "SSH", "VIRTUAL_ENV", "PWD") if f"{name}'" in words}


def test_a_file_that_is_not_there(given: Callable[..., Given], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"No such file or directory: '.*gone\.py'"):
        given(tmp_path / "gone.py")


# what comes back of its lines

FINDING = Finding(
    "mine.py", 9, (9, 9, 9, 15), "gradients", (), "d2 @ W2.T", "dense_1/dE_dz", (), "wrong", ("dense_1/bias",)
)
CODE = Code((FINDING,), {9: "δ of dense_1"}, {9: "    d1 = d2 @ W2.T"}, "mine.py")


@pytest.fixture
def answered(tmp_path: Path) -> Path:
    """The folder of an answer with one array."""
    np.savez(tmp_path / "gradients.npz", np.ones(2))
    (tmp_path / "answer.json").write_text(json.dumps({"skeleton": {"list": [0]}, "changed": ["x"]}))
    return tmp_path


def _read(folder: Path, ended: int | None = 0) -> Code | None:
    return read_answer(folder, ended, MOST, 60.0).code


def test_its_lines_come_back(answered: Path) -> None:
    assert _read(answered) is None
    (answered / "code.json").write_text(json.dumps(code_to_json(CODE)))
    assert _read(answered) == CODE


def test_lines_that_are_damaged_cost_no_gradients(answered: Path) -> None:
    (answered / "code.json").write_text(json.dumps({**code_to_json(CODE), "findings": 3}))
    assert _read(answered) == Code(silent="what tracing says of it cannot be read")


def test_tracing_that_takes_too_long_costs_no_gradients(answered: Path) -> None:
    assert _read(answered, None) == Code(silent="tracing was stopped after 60 s")


@pytest.mark.slow
@POSIX
def test_so_it_is_in_truth(given: Callable[..., Given], put: Put, answer: Evaluation) -> None:
    lines = (
        "_first = gradients",
        "def gradients(*given):",
        "    if os.path.exists('once'): time.sleep(99)",
        "    open('once', 'w')",
        "    return _first(*given)",
    )
    found = given(put(after="\n".join(lines)), 12.0)
    assert found.code == Code(silent="tracing was stopped after 12 s")
    assert compare(found.gradients, answer).ok
