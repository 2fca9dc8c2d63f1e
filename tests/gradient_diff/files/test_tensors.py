"""`.safetensors`: bfloat16, with and without what NumPy needs for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from gradient_diff import read_gradients
from gradient_diff.files import tensors

BRAIN = np.array([1.0, 2.5, -3.0], ml_dtypes.bfloat16)


def test_bfloat16_keeps_its_dtype(tmp_path: Path) -> None:
    save_file({"w": BRAIN}, tmp_path / "g.safetensors")
    read = read_gradients(tmp_path / "g.safetensors")
    assert isinstance(read, dict)
    assert read["w"].dtype == ml_dtypes.bfloat16
    assert read["w"].astype(np.float32).tolist() == [1.0, 2.5, -3.0]


def test_nobody_else_need_have_imported_ml_dtypes(tmp_path: Path) -> None:
    save_file({"w": BRAIN}, tmp_path / "g.safetensors")
    code = "import sys; from gradient_diff import read_gradients; print(read_gradients(sys.argv[1])['w'].dtype)"
    command = [sys.executable, "-c", code, str(tmp_path / "g.safetensors")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["bfloat16"]


def test_without_ml_dtypes_bfloat16_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_file({"w": BRAIN, "v": np.ones(2)}, tmp_path / "g.safetensors")
    monkeypatch.setattr(tensors, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="w is bfloat16, for which NumPy needs ml_dtypes: pip install ml_dtypes"):
        read_gradients(tmp_path / "g.safetensors")
    save_file({"v": np.ones(2)}, tmp_path / "g.safetensors")
    assert list(read_gradients(tmp_path / "g.safetensors")) == ["v"]  # type: ignore[call-overload]  # a dict


def test_a_header_that_promises_more_than_there_is(tmp_path: Path) -> None:
    text = b'{"w":{"dtype":"F64","shape":[1000000000000],"data_offsets":[0,8000000000000]}}'
    (tmp_path / "g.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(ValueError, match="cannot be read as safetensors"):
        read_gradients(tmp_path / "g.safetensors")
