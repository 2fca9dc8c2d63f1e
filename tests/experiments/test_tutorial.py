"""experiments/tutorial.ipynb, run from its first cell to its last, says what is committed in it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "experiments" / "tutorial.ipynb"

# In a process of its own, since nbclient leaves sockets open; the kernel is this Python's.
EXECUTE = """
import json, sys, nbclient, nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
notebook = nbformat.read(sys.argv[1], 4)
nbclient.NotebookClient(notebook, km=manager, timeout=300).execute()
json.dump(notebook, sys.stdout)
"""


def said(notebook: dict[str, Any]) -> list[str]:
    """What each cell prints and shows as text; what TensorFlow says on the standard error is its own affair.

    A cell has a number for a file's name, and how many σ hangs on the machine.
    """
    texts = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            parts = [_text(output) for output in cell["outputs"] if output.get("name") != "stderr"]
            texts.append(re.sub(r"\b\d{5,}\.py", "cell.py", "".join(parts)))
    return texts


def _text(output: dict[str, Any]) -> str:
    return "".join(output["text"] if output["output_type"] == "stream" else output["data"]["text/plain"])


COMMITTED = json.loads(TUTORIAL.read_text("utf-8"))


def test_it_leads_from_a_gradient_that_differs_to_the_line_and_to_one_that_does_not() -> None:
    text = "\n".join(said(COMMITTED))
    assert "[False, False, True, True]" in text
    assert "line 6: 1 - z1\n`1 - z1` should be f′ of dense.\n" in text
    assert "+    d1 = d2 @ W2.T * ((1 - z1 ** 2))" in text
    assert said(COMMITTED)[-1] == "True"


@pytest.mark.slow
def test_a_run_says_what_is_committed(tmp_path: Path) -> None:
    homes = {name: str(tmp_path) for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR")}
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, str(TUTORIAL)],
        env={**os.environ, **homes, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert said(json.loads(done.stdout)) == said(COMMITTED)


def test_no_path_of_a_machine_is_in_it() -> None:
    assert not re.search(r"/(home|work|tmp|Users|root)/", TUTORIAL.read_text("utf-8"))
