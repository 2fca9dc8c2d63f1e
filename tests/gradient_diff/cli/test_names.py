"""Files whose layout or names are not the reference's: undone where its network is known, else told ready to paste."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.students.layouts import LAYOUTS
from gradient_diff import read_gradients
from manual_mlp import Evaluation

Call = Callable[..., tuple[int, str, str]]


def saved(layout: str, answer: Evaluation, path: Path) -> Path:
    arrays = list(answer.gradients.values())
    given: Any = LAYOUTS[layout](list(zip(arrays[::2], arrays[1::2], strict=True)))
    named = given if isinstance(given, dict) else {}
    np.savez(path, *([] if named else given if isinstance(given, list) else [given]), **named)
    return path


@pytest.mark.parametrize("layout", ["all in columns", "W1 b1", "PyTorch", "TensorFlow 1", "Θ, bias last", "vector"])
def test_a_layout_is_undone_where_the_reference_knows_its_network(
    layout: str, call: Call, answer: Evaluation, reference: Path, tmp_path: Path
) -> None:
    file = saved(layout, answer, tmp_path / "mine.npz")
    code, text, _ = call(file, reference)
    assert code == 0
    assert "Layout of your arrays" in text
    assert call(file, reference, "--layout", "as given")[0] != 0


def test_another_word_for_a_layout_is_a_wrong_command_line(call: Call, reference: Path) -> None:
    assert call(reference, reference, "--layout", "torch")[0] == 4


def test_a_plain_reference_gets_the_rename_that_fits(call: Call, answer: Evaluation, tmp_path: Path) -> None:
    np.savez(tmp_path / "reference.npz", **answer.gradients)
    file = saved("PyTorch", answer, tmp_path / "mine.npz")
    code, text, _ = call(file, tmp_path / "reference.npz", "--rtol", "1e-9")
    assert code == 2
    assert "By shape and order, kernels as (n_out, n_in):" in " ".join(text.split())
    flat = "".join(text.split())
    rules = re.findall(r"--rename('[^']+'|[^-]+)", flat)
    pasted = shlex.split(" ".join(f"--rename {rule}" for rule in rules))
    code, text, _ = call(file, tmp_path / "reference.npz", "--rtol", "1e-9", *pasted)
    assert "nothing is undone" in " ".join(text.split())
    assert code == 1


def test_names_of_tensorflow_1_come_with_a_rename_that_makes_them_match(
    call: Call, answer: Evaluation, tmp_path: Path
) -> None:
    np.savez(tmp_path / "reference.npz", **answer.gradients)
    file = saved("TensorFlow 1", answer, tmp_path / "mine.npz")
    _, text, _ = call(file, tmp_path / "reference.npz", "--rtol", "1e-9", "--format", "json")
    rules = re.search(r"(--rename '\^.*)\"", text)
    assert rules
    pasted = shlex.split(rules[1].replace("\\\\", "\\"))
    assert call(file, tmp_path / "reference.npz", "--rtol", "1e-9", *pasted)[0] == 0


def test_a_file_that_fits_in_no_layout_is_refused_as_before(
    call: Call, answer: Evaluation, reference: Path, tmp_path: Path
) -> None:
    np.savez(tmp_path / "mine.npz", a=np.ones((9, 9)), b=np.ones(7))
    code, text, _ = call(tmp_path / "mine.npz", reference)
    assert (code, "No name is known to both sides" in text) == (2, True)
    assert isinstance(read_gradients(reference), Evaluation)
