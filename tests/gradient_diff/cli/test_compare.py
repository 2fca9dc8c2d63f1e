"""`gradient-diff compare`: files in, verdicts out."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from manual_mlp import Evaluation

ROOT = Path(__file__).parents[3]
Call = Callable[..., tuple[int, str, str]]
Write = Callable[..., Path]


def by_hand(answer: Evaluation, derivative: bool = True) -> dict[str, np.ndarray]:
    """The same gradients, written down by somebody else; f′ can be forgotten."""
    p, x, y = answer.problem.parameters, answer.problem.x, answer.problem.y
    z = 1 / (1 + np.exp(-(x @ p["dense_1/kernel"] + p["dense_1/bias"])))
    d2 = 2 * (z @ p["dense_2/kernel"] + p["dense_2/bias"] - y) / y.size
    d1 = d2 @ p["dense_2/kernel"].T * (z * (1 - z) if derivative else 1)
    return {
        "dense_1/kernel": x.T @ d1,
        "dense_1/bias": d1.sum(0),
        "dense_2/kernel": z.T @ d2,
        "dense_2/bias": d2.sum(0),
    }


def test_a_planted_mistake_in_a_plain_npz_is_named(
    call: Call, answer: Evaluation, reference: Path, tmp_path: Path
) -> None:
    np.savez(tmp_path / "mine.npz", **by_hand(answer, derivative=False))
    code, text, _ = call(tmp_path / "mine.npz", reference)
    assert code == 1
    assert text.startswith("✗ MISMATCH")
    assert "1. f′(u) is not applied, in dense_1 (missing_derivative)" in text
    assert "the complex-step witness" in text
    np.savez(tmp_path / "right.npz", **by_hand(answer))
    code, text, _ = call(tmp_path / "right.npz", reference)
    assert (code, text.split(":")[0]) == (0, "✓ MATCH")


def test_several_files_make_one_summary(
    call: Call, write: Write, reference: Path, answer: Evaluation, tmp_path: Path
) -> None:
    bias = answer.gradients["dense_1/bias"]
    kernel = answer.gradients["dense_2/kernel"]
    files = [
        write("right"),
        write("mean", dense_1__bias=bias / 7),
        write("turned", dense_2__kernel=kernel.T),
        write("forgot", dense_1__bias=None),
        write("nan", dense_1__bias=np.full(3, np.nan)),
        write("huge", dense_1__bias=np.full(3, 1e300)),
        write("inf", dense_1__bias=np.full(3, np.inf)),
    ]
    code, text, told = call(*files, reference, "--format", "csv")
    assert code == 1
    assert told == f"Comparing 7 files with {reference} …".replace("  ", " ")
    rows = list(csv.DictReader(io.StringIO(text)))
    verdicts = {Path(row["file"]).stem: (row["verdict"], row["culprit"]) for row in rows}
    assert verdicts == {
        "right": ("MATCH", ""),
        "mean": ("MISMATCH", "dense_1/dE_dbias"),
        "turned": ("SHAPE", "dense_2/dE_dkernel"),
        "forgot": ("MISSING", "dense_1/dE_dbias"),
        "nan": ("NONFINITE", "dense_1/dE_dbias"),
        "huge": ("MISMATCH", "dense_1/dE_dbias"),
        "inf": ("NONFINITE", "dense_1/dE_dbias"),
    }
    assert "(bias_mean)" in rows[1]["cause"]
    assert "7 is the batch size" in rows[1]["message"]
    assert "(transposed)" in rows[2]["cause"]


def test_an_unreadable_file_is_a_line_and_the_others_go_on(
    call: Call, write: Write, reference: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty.npz").touch()
    (tmp_path / "list.npz").write_bytes(b"")
    np.savez(tmp_path / "list.npz", np.ones(3))
    files = [tmp_path / "empty.npz", tmp_path / "gone.npz", tmp_path / "list.npz", write("right")]
    code, text, _ = call(*files, reference, columns=200)
    assert code == 2
    assert "4 files: 1 MATCH, 3 UNREADABLE" in text
    told = " ".join(text.split())
    assert "empty.npz is empty, 0 bytes" in told
    assert "gone.npz: It cannot be opened: No such file or directory." in told
    assert "list.npz: Arrays without names are taken in order only if" in told
    assert call(files[0], reference)[0] == 2


def test_a_wrong_file_gives_1_whatever_the_others_are(
    call: Call, write: Write, reference: Path, tmp_path: Path
) -> None:
    wrong, gone = write("wrong", dense_1__bias=np.ones(3)), tmp_path / "gone.npz"
    assert call(wrong, reference)[0] == 1
    assert call(wrong, gone, reference)[0] == call(gone, wrong, write("right"), reference)[0] == 1
    assert call(gone, write("right"), reference)[0] == 2
    _, text, _ = call("--help", columns=200)
    words = "1 if any file is wrong or different; else 2 if of any not all is proved or it cannot be read; else 0."
    assert f"Exit code: {words}" in " ".join(text.split())


@pytest.mark.parametrize("name", ["gone.npz", "empty.npz", "other.txt", "pickle.npz"])
def test_without_a_reference_nothing_is_compared(call: Call, name: str, write: Write, tmp_path: Path) -> None:
    for made, content in (("empty.npz", b""), ("other.txt", b"x"), ("pickle.npz", b"\x80\x04N.")):
        (tmp_path / made).write_bytes(content)
    code, text, told = call(write("right"), tmp_path / name, "--out", tmp_path / "marks")
    assert (code, text) == (4, "")
    assert "Invalid value for REFERENCE" in told
    assert not (tmp_path / "marks").exists()


def test_a_list_in_order_is_taken_where_it_fits(
    call: Call, answer: Evaluation, reference: Path, tmp_path: Path
) -> None:
    np.savez(tmp_path / "list.npz", *answer.gradients.values())
    assert call(tmp_path / "list.npz", reference)[0] == 0
    np.savez(tmp_path / "list.npz", *reversed(answer.gradients.values()))
    assert call(tmp_path / "list.npz", reference, "--layout", "as given")[0] == 2
    assert call(tmp_path / "list.npz", reference)[0] == 0


def test_names_of_nodes_and_of_parameters_are_understood(
    call: Call, answer: Evaluation, reference: Path, tmp_path: Path
) -> None:
    nodes = {f"dense_{i}/dE_d{kind}": f"dense_{i}/{kind}" for i in (1, 2) for kind in ("kernel", "bias")}
    np.savez(tmp_path / "nodes.npz", **{node: answer.gradients[name] for node, name in nodes.items()})
    np.savez(tmp_path / "plain.npz", **answer.gradients)
    assert call(tmp_path / "nodes.npz", reference)[0] == 0
    assert call(tmp_path / "nodes.npz", tmp_path / "plain.npz")[0] == 0
    assert call(tmp_path / "plain.npz", tmp_path / "nodes.npz")[0] == 0


def test_rename(call: Call, answer: Evaluation, reference: Path, tmp_path: Path) -> None:
    own = {name.replace("dense_", "fc").replace("/kernel", ".w").replace("/bias", ".b") for name in answer.gradients}
    assert own == {"fc1.w", "fc1.b", "fc2.w", "fc2.b"}
    mine = {
        name.replace("dense_", "fc").replace("/kernel", ".w").replace("/bias", ".b"): a
        for name, a in answer.gradients.items()
    }
    np.savez(tmp_path / "mine.npz", **mine)
    rules = ("--rename", r"fc(\d)\.w=>dense_\1/kernel", "--rename", r"fc(\d)\.b=>dense_\1/bias")
    assert call(tmp_path / "mine.npz", reference, *rules)[0] == 0
    code, text, _ = call(tmp_path / "mine.npz", reference, "--layout", "as given")
    assert code == 2
    assert "No name is known to both sides" in text
    code, text, _ = call(tmp_path / "mine.npz", reference)
    assert code == 0
    assert "fc1.w → dense_1/kernel" in " ".join(text.split())
    code, text, told = call(tmp_path / "mine.npz", reference, "--rename", "zzz=>a")
    assert (code, text) == (4, "")
    assert "The pattern 'zzz' is found in none of fc1.w, fc1.b, fc2.w, fc2.b." in told
    code, text, told = call(tmp_path / "mine.npz", reference, "--rename", "fc")
    assert (code, text, "is no rule" in told) == (4, "", True)


def test_a_rule_need_not_be_of_use_in_every_file(
    call: Call, answer: Evaluation, write: Write, reference: Path, tmp_path: Path
) -> None:
    short = {"dense_1/kernel": "W1", "dense_1/bias": "b1", "dense_2/kernel": "W2", "dense_2/bias": "b2"}
    np.savez(tmp_path / "short.npz", **{short[n]: a for n, a in answer.gradients.items()})
    rules = ("--rename", r"W(\d)=>dense_\1/kernel", "--rename", r"b(\d)=>dense_\1/bias")
    (tmp_path / "empty.npz").touch()
    assert call(write("right"), tmp_path / "short.npz", reference, *rules)[0] == 0
    assert call(tmp_path / "short.npz", write("right"), tmp_path / "empty.npz", reference, *rules)[0] == 2
    assert call(write("right"), reference, *rules)[0] == 0  # one late file, whose names are right
    odd = write("odd", dense_1__bias=None, c1=answer.gradients["dense_1/bias"])
    code, text, told = call(write("right"), odd, reference, *rules)
    assert (code, text, "The pattern 'W" in told) == (4, "", True)
    code, text, _ = call(tmp_path / "short.npz", reference, "--rename", ".*=>dense_1/kernel")
    assert (code, "W1 and b1 would both be called dense_1/kernel." in " ".join(text.split())) == (2, True)


@pytest.mark.parametrize("form", ["f2", "f4", "f8"])
def test_a_handout_is_told_from_gradients(
    call: Call, form: str, answer: Evaluation, write: Write, reference: Path, tmp_path: Path
) -> None:
    problem = answer.problem
    handout = {**problem.parameters, "x": problem.x, "y": problem.y}
    np.savez(tmp_path / "handout.npz", **{name: array.astype(form) for name, array in handout.items()})
    code, text, _ = call(tmp_path / "handout.npz", reference)
    assert code == 2
    assert "handout.npz holds the problem's own parameters, as its handout does, and not gradients" in " ".join(
        text.split()
    )
    code, text, told = call(write("right"), tmp_path / "handout.npz")
    assert (code, text) == (4, "")
    assert "holds x and y beside its other arrays, as the handout of a problem does" in told
    np.savez(tmp_path / "own.npz", x=np.ones(2), y=np.ones(2), w=np.ones(2))  # gradients of a function of x, y and w
    assert call(tmp_path / "own.npz", tmp_path / "own.npz")[0] == 0


def test_a_reference_given_first_is_hinted_at(call: Call, write: Write, reference: Path, answer: Evaluation) -> None:
    wrong = write("wrong", dense_1__bias=-answer.gradients["dense_1/bias"])
    code, _, told = call(reference, wrong)
    assert code == 1
    assert f"{reference} knows its network and {wrong} does not. Are the two swapped?" in told
    for files in ((wrong, reference), (reference, write("right")), (wrong, write("right"))):
        assert "swapped" not in call(*files)[2]


def test_a_file_held_against_itself_is_hinted_at(call: Call, write: Write, reference: Path) -> None:
    code, _, told = call(write("right"), reference.parent / "." / reference.name, reference)
    assert code == 0
    assert "was held against itself, which proves nothing" in told
    assert "itself" not in call(write("right"), reference)[2]


def test_an_evaluation_of_another_problem_is_not_compared(
    call: Call, answer: Evaluation, reference: Path, tmp_path: Path
) -> None:
    problem = answer.problem
    other = problem.mlp.backpropagate(problem.parameters, problem.x + 1, problem.y, "mse").save(tmp_path / "other.npz")
    code, text, _ = call(other, reference)
    assert code == 2
    assert "are of different problems" in " ".join(text.split())
    assert call(reference, reference)[0] == 0
    code, text, _ = call(reference, reference, "--rename", "a=>b")
    assert (code, "--rename has no use" in text) == (2, True)


def test_one_file_is_no_comparison(call: Call, reference: Path) -> None:
    code, text, told = call(reference)
    assert (code, text) == (4, "")
    assert "One file is no comparison: give yours first, and the reference last." in told


def test_neither_tensorflow_nor_what_is_not_needed_is_loaded(write: Write, reference: Path) -> None:
    code = """
import sys
from gradient_diff.cli import app
app()(["compare", *sys.argv[1:]], standalone_mode=False)
"""
    heavy = ("tensorflow", "keras", "pandas", "matplotlib", "h5py", "safetensors", "jinja2")
    probe = f"import atexit, sys; atexit.register(lambda: print(*(n for n in {heavy!r} if n in sys.modules)))\n{code}"
    command = [sys.executable, "-c", probe, str(write("a")), str(reference)]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == ""
    assert done.stderr.startswith("Comparing ")


def test_the_first_line_comes_before_anything_that_takes_longer_than_numpy(tmp_path: Path) -> None:
    """Imports are watched while the line is not yet out; the file's own reader comes after it."""
    watched = """
import sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name in ("tensorflow", "keras", "pandas", "matplotlib", "h5py", "safetensors", "jinja2", "rich.table"):
            sys.stderr.write(f"{name} was imported\\n")
sys.meta_path.insert(0, Watch())
from gradient_diff.cli import main
sys.argv = ["gradient-diff", "compare", "a.h5", "b.h5"]
main()
"""
    for name in ("a.h5", "b.h5"):
        (tmp_path / name).write_bytes(b"\x89HDF\r\n\x1a\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", watched]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    first, *others = done.stderr.splitlines()
    assert first == "Comparing a.h5 with b.h5 …"
    assert "h5py was imported" in others  # so an import would have been seen
