from __future__ import annotations

import errno
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from experiments import STUDIES, command
from experiments.frame import running
from experiments.frame.running import Outcome
from experiments.frame.study import Settings
from experiments.support.datasets import DataError
from gradient_diff.cli import app
from gradient_diff.cli.ending import Output
from gradient_diff.plain import ERRORS

ROOT = Path(__file__).parents[2]
HEAVY = ("tensorflow", "keras", "pandas", "matplotlib")


def call(*arguments: str) -> tuple[int, str]:
    """Exit code and text of a call, without boxes and line breaks."""
    result = CliRunner().invoke(app(), [*arguments], env={"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, " ".join(re.sub(r"[─-╿]", " ", result.output).split())


def without_heavy_modules(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A call in a process in which an import of anything heavy fails."""
    code = f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {HEAVY!r}:
            raise ImportError(name + " was imported")
sys.meta_path.insert(0, Blocked())
from gradient_diff.cli import main
sys.argv = ["gradient-diff", *{arguments!r}]
main()
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def studies(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[str, Settings, Path]]]:
    """Put quick studies in place of the real ones: name → what fails, or an exception to raise."""

    def put(**outcomes: tuple[str, ...] | BaseException) -> list[tuple[str, Settings, Path]]:
        calls = []

        def run_study(name: str, settings: Settings, out: Path, progress: object) -> Outcome:
            calls.append((name, settings, out))
            failed = outcomes.get(name, ())
            if isinstance(failed, BaseException):
                raise failed
            return Outcome(name, "MATCH", failed, out / name / "report.html")

        monkeypatch.setattr(running, "run_study", run_study)
        return calls

    return put


def test_list_names_every_study_in_order() -> None:
    code, text = call("list")
    assert code == 0
    places = [text.index(f"{name} {line}") for name, line in {n: e.line for n, e in STUDIES.items()}.items()]
    assert places == sorted(places)
    assert text.count("(by name only)") == sum(not entry.in_all for entry in STUDIES.values())


def test_the_list_as_json_is_data() -> None:
    code, text = call("list", "--format", "json")
    assert code == 0
    assert [study["name"] for study in json.loads(text)] == list(STUDIES)
    assert json.loads(text)[0] == {
        "name": "three_layer_network",
        "about": STUDIES["three_layer_network"].line,
        "in_all": True,
        "takes": [],
    }


@pytest.mark.parametrize("width", [60, 80])
def test_progress_stays_on_one_line_with_its_count_in_a_narrow_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.console import Console

    progress = command.progress_bars()
    progress.add_task("batch sizes: file of weights and some more", total=1234, completed=567)
    console = Console(width=width, file=io.StringIO(), force_terminal=True, color_system=None)
    console.print(progress.get_renderable())
    lines = [line for line in console.file.getvalue().splitlines() if line.strip()]  # type: ignore[attr-defined]
    assert len(lines) == 1
    assert "567/1234 -:--:--" in lines[0]
    assert lines[0].startswith("batch sizes: file")


def test_help_says_what_a_newcomer_needs() -> None:
    code, text = call("run", "--help")
    assert code == 0
    for word in (
        "--dtype",
        "float64|float32",
        "--mode",
        "eager|graph|xla",
        "--seed",
        "--full",
        "--out",
        "results",
        "`all`",
    ):
        assert word in text
    assert "Example: gradient-diff run three_layer_network --dtype float32" in text
    assert "The exit code is 0 only if every verdict is the one that the experiment expects." in text


@pytest.mark.parametrize(
    ("given", "nearest"),
    [
        ("sine", "sine_regression"),
        ("three_layer_netwrok", "three_layer_network"),
        ("Tape-Pitfalls", "tape_pitfalls"),
        ("sped", "speed"),
        ("al", "all"),
    ],
)
def test_an_unknown_name_gets_the_nearest_one(given: str, nearest: str) -> None:
    code, text = call("run", given)
    assert code == 4
    assert f"There is no experiment '{given}'. Did you mean '{nearest}'? Known: {', '.join(STUDIES)}" in text


def test_a_name_like_no_other_gets_only_the_list() -> None:
    code, text = call("run", "xyzzy")
    assert (code, "Did you mean" in text, "Known: three_layer_network" in text) == (4, False, True)


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--dtype", "float16", "'float16' is not one of 'float64', 'float32'"),
        ("--mode", "jit", "'jit' is not one of 'eager', 'graph', 'xla'"),
        ("--seed", "-1", "-1: expected 0 or more."),
        ("--seed", "x", "x: expected a whole number."),
    ],
)
def test_a_wrong_option_is_named(option: str, value: str, words: str) -> None:
    code, text = call("run", "speed", option, value)
    assert code == 4
    assert option in text
    assert words in text


def test_options_reach_the_study(studies: Callable[..., list[tuple[str, Settings, Path]]], tmp_path: Path) -> None:
    calls = studies()
    options = ["--dtype", "float32", "--mode", "xla", "--seed", "5", "--full", "--out", str(tmp_path)]
    assert call("run", "speed", *options)[0] == 0
    assert calls == [("speed", Settings("float32", "xla", 5, full=True), tmp_path)]


def test_options_for_some_reach_those_that_take_them(
    studies: Callable[..., list[tuple[str, Settings, Path]]], tmp_path: Path
) -> None:
    calls = studies()
    weights = tmp_path / "w.npz"
    assert call("run", "all", "--dataset", "digits", "--epochs", "3", "--weights", str(weights))[0] == 0
    given = {"dataset": "digits", "epochs": 3, "weights": weights}
    for name, settings, _ in calls:
        assert settings == Settings(
            **{option: value for option, value in given.items() if option in STUDIES[name].takes}
        )
    assert next(settings for name, settings, _ in calls if name == "mnist_batches") == Settings(**given)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("three_layer_network", "--dataset", "digits"), "--dataset: three_layer_network: no use for it."),
        (("mnist_batches", "stage_by_stage", "--epochs", "3"), "--epochs: stage_by_stage: no use for it."),
        (("all", "speed", "--weights", "w.npz"), "--weights: speed: no use for it. It is for mnist_batches; `all`"),
        (("digit_network", "--weights", "w.npz"), "--weights: digit_network: no use for it."),
        (("logic_gates", "--data", "mnist.npz"), "--data: logic_gates: no use for it."),
        (("mnist_batches", "--epochs", "0"), "0: expected 1 or more."),
        (("mnist_batches", "--dataset", "letters"), "'letters' is not one of 'digits', 'mnist', 'fashion_mnist'"),
    ],
)
def test_an_option_that_would_be_lost_is_refused(
    arguments: tuple[str, ...], words: str, studies: Callable[..., list[tuple[str, Settings, Path]]]
) -> None:
    calls = studies()
    code, text = call("run", *arguments)
    assert (code, calls) == (4, [])
    assert words in text


def test_a_wrong_file_of_data_is_told_before_anything_runs(
    studies: Callable[..., list[tuple[str, Settings, Path]]], tmp_path: Path
) -> None:
    calls = studies()
    (tmp_path / "mnist.npz").write_bytes(b"no archive")
    code, text = call("run", "all", "--data", str(tmp_path))
    assert (code, calls) == (4, [])
    assert "cannot be read as arrays of numbers: it is damaged, no .npz, or holds objects" in text
    assert "Invalid value for --dataset, --data, --weights" in text


def test_weights_that_a_study_cannot_use_are_a_message_and_exit_code_4(studies: Callable[..., object]) -> None:
    studies(mnist_batches=DataError("--weights w.npz does not fit"))
    code, text = call("run", "mnist_batches", "--weights", "w.npz")
    assert code == 4
    assert "--weights w.npz does not fit" in text


def test_all_means_the_studies_in_order_and_each_once(studies: Callable[..., list[tuple[str, Settings, Path]]]) -> None:
    calls = studies()
    assert call("run", "tape_pitfalls", "all", "tape_pitfalls", "speed")[0] == 0
    rest = [name for name, entry in STUDIES.items() if entry.in_all and name != "tape_pitfalls"]
    assert [name for name, *_ in calls] == ["tape_pitfalls", *rest, "speed"]
    assert calls[0][1:] == (Settings(), Path("results"))


def test_a_run_ends_with_a_table(studies: Callable[..., object]) -> None:
    studies()
    code, text = call("run", "speed", "tape_pitfalls", "--out", "r")
    assert code == 0
    assert text.startswith("Running speed, tape_pitfalls into r/ (TensorFlow takes some seconds to start) …")
    assert text.endswith(
        "experiment verdict and report speed MATCH r/speed/report.html tape_pitfalls MATCH r/tape_pitfalls/report.html "
        "All together: r/index.html, r/summary.csv 2 of 2 as expected"
    )


def test_an_unexpected_verdict_gives_exit_code_1_and_is_told(studies: Callable[..., object]) -> None:
    calls = studies(speed=("a: MISMATCH, expected MATCH", "does not hold: [b] is c"))
    code, text = call("run", "speed", "tape_pitfalls")
    assert code == 1
    assert "✗ a: MISMATCH, expected MATCH" in text
    assert text.endswith("1 of 2 as expected")
    assert "✗ does not hold: [b] is c" in text
    assert len(calls) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "The results could not be written to r: No space left on device."),
        FileNotFoundError(errno.ENOENT, "No such file or directory", "r/speed"),
    ],
)
def test_a_folder_that_cannot_be_written_is_a_message_and_exit_code_4(
    error: OSError, studies: Callable[..., object]
) -> None:
    studies(speed=error)
    code, text = call("run", "speed", "--out", "r")
    assert code == 4
    assert "Invalid value for --out" in text
    assert str(error.strerror) in text
    assert "Errno" not in text


def test_a_real_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, text = call("run", "three_layer_network", "--out", str(tmp_path / "file"))
    assert code == 4
    assert "A part of that path is a file, not a folder" in text.replace("\n", " ")


def test_a_file_that_a_study_cannot_read_is_no_matter_of_the_folder(studies: Callable[..., object]) -> None:
    studies(speed=FileNotFoundError(errno.ENOENT, "No such file or directory", "data/weights.npz"))
    with pytest.raises(FileNotFoundError, match=r"weights\.npz"):
        call("run", "speed", "--out", "r")


def test_ctrl_c_is_exit_code_130_without_a_word(studies: Callable[..., object]) -> None:
    studies(speed=KeyboardInterrupt())
    code, text = call("run", "speed")
    assert code == 130
    assert text.endswith("(TensorFlow takes some seconds to start) …")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "The disk is full")])
def test_what_was_done_before_a_failure_is_still_told(error: BaseException, studies: Callable[..., object]) -> None:
    studies(tape_pitfalls=error)
    assert "speed MATCH results/speed/report.html" in call("run", "speed", "tape_pitfalls")[1]


@pytest.mark.parametrize("arguments", [["list"], ["--help"], ["run", "--help"]])
def test_verbs_that_need_no_tensorflow_load_nothing_heavy(arguments: list[str]) -> None:
    done = without_heavy_modules(*arguments)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_first_line_appears_before_anything_heavy_is_imported(tmp_path: Path) -> None:
    done = without_heavy_modules("run", "three_layer_network", "--out", str(tmp_path))
    assert done.stdout.startswith("Running three_layer_network into ")
    assert " was imported" in done.stderr  # so an import would have been seen


@pytest.mark.slow
def test_a_module_can_be_run(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "experiments", "three_layer_network", "--out", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "300"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert str(tmp_path / "three_layer_network" / "report.html") in done.stdout
    assert (tmp_path / "three_layer_network" / "report.html").is_file()


def test_a_module_ends_as_the_command_does() -> None:
    """Not with click's 2, which is a verdict here."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-m", "experiments", "nonsense"], env=environment, stderr=-1, check=False)
    assert done.returncode == 4
    assert b"Usage: python -m experiments" in done.stderr


@pytest.mark.parametrize("encoding", ["utf-8", "cp949", "cp932", "cp1252", "latin-1", "ascii"])
def test_studies_run_and_are_listed_where_signs_are_few(
    encoding: str, studies: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    studies(speed=("σ: MISMATCH, expected MATCH",))
    for arguments, code in ((["list"], 0), (["run", "speed", "tape_pitfalls"], 1)):
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", Output(raw, encoding, ERRORS))
        with pytest.raises(SystemExit) as left:
            app()(arguments)
        sys.stdout.flush()
        assert int(left.value.code or 0) == code
        assert "\\u" not in raw.getvalue().decode(encoding)
