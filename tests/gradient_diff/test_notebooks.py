"""What a notebook shows, seen by running one: a real Jupyter kernel, and one that rich takes for Google Colab's.

rich sends to the notebook whatever is printed on a console of its own, and asks the class of `get_ipython()` whether it
is in one: Jupyter's is named ZMQInteractiveShell, Colab's lies in the module google.colab._shell. Here the kernel is
Jupyter's; then its shell is given a class such as Colab's, which is all that rich sees of Colab.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from gradient_diff import shown

MAKE = """
import numpy as np
from gradient_diff import compare, explain_shapes, ledger, measure
from gradient_diff.render import terminal, ledgers
from manual_mlp import MLP, Dense

mlp = MLP(3, [Dense(4, "tanh"), Dense(2)])
rng = np.random.default_rng(0)
tape = mlp.backpropagate(mlp.initialize(0), rng.normal(size=(5, 3)), rng.normal(size=(5, 2)), "mse")
diff = compare({name: -gradient for name, gradient in tape.gradients.items()}, tape)
"""
VALUES = {
    "GradientDiff": "diff",
    "Ledger": "diff.ledger",
    "ShapeExplanation": "explain_shapes({'z': (2, 3), 'δ': (2, 4)}, (3, 4), given=(4, 3))",
    "Metrics": "measure([1.0, 2.0], [1.0, 3.0])",
}
TEXTS = (
    *(text for value in VALUES.values() for text in (f"str({value})", value)),
    "terminal.to_text(diff)",
    "terminal.to_text(diff, width=60)",
    "ledgers.to_text(diff.ledger)",
)
AS_IN_COLAB = """
from ipykernel.zmqshell import ZMQInteractiveShell
class Shell(ZMQInteractiveShell): pass
Shell.__module__ = "google.colab._shell"
get_ipython().__class__ = Shell
"""
PLACES = ("jupyter", "colab")

Outputs = dict[tuple[str, str], list[Any]]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    """(jupyter or colab, code of a cell) → what the cell shows."""
    there = [*(f"print({text})" for text in TEXTS), "diff", "terminal.print_diff(diff)", "Console().is_jupyter"]
    codes = [MAKE, "from rich.console import Console", *there, AS_IN_COLAB, *there]
    shows = _executed(codes, tmp_path_factory.mktemp("notebook"))
    cells = zip(("jupyter", "colab"), (shows[2 : 2 + len(there)], shows[-len(there) :]), strict=True)
    return {(place, code): shown for place, every in cells for code, shown in zip(there, every, strict=True)}


# In a process of its own, since nbclient leaves sockets open, of which Python warns. The kernel is this Python's and
# none that the machine's user has installed.
EXECUTE = """
import json, sys, nbclient, nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
cells = [nbformat.v4.new_code_cell(code) for code in json.load(sys.stdin)]
notebook = nbformat.v4.new_notebook(cells=cells)
nbclient.NotebookClient(notebook, km=manager, timeout=300).execute()
json.dump([cell["outputs"] for cell in notebook["cells"]], sys.stdout)
"""


def _executed(codes: Sequence[str], home: Path) -> list[list[Any]]:
    """What each cell shows; the kernel's own files go below home."""
    places = {name: str(home) for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR")}
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE],
        input=json.dumps(codes),
        env={**os.environ, **places, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


@pytest.fixture(scope="module")
def said() -> Callable[[str], str]:
    """Code → what the same Python prints outside a notebook."""
    names: dict[str, Any] = {}
    exec(MAKE, names)

    def run(code: str) -> str:
        with redirect_stdout(io.StringIO()) as out, pytest.MonkeyPatch.context() as patch:
            patch.setenv("COLUMNS", "100")
            exec(code, names)
        return out.getvalue()

    return run


@pytest.mark.matrix(most=1)
@pytest.mark.parametrize("place", PLACES)
def test_rich_sees_a_notebook(place: str, outputs: Outputs) -> None:
    (answer,) = outputs[place, "Console().is_jupyter"]
    assert answer["data"]["text/plain"] == "True"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", TEXTS)
def test_text_is_the_text_that_it_is_elsewhere(
    place: str, text: str, outputs: Outputs, said: Callable[[str], str]
) -> None:
    shows = outputs[place, f"print({text})"]
    assert {output["output_type"] for output in shows} == {"stream"}, "shown by the notebook, and no text"
    assert "".join(output["text"] for output in shows) == said(f"print({text})")


@pytest.mark.parametrize("place", PLACES)
def test_a_diff_shows_itself_as_a_table(place: str, outputs: Outputs) -> None:
    (value,) = outputs[place, "diff"]
    assert "<table" in value["data"]["text/html"]


@pytest.mark.parametrize("place", PLACES)
def test_what_is_printed_in_colour_arrives(place: str, outputs: Outputs) -> None:
    shows = outputs[place, "terminal.print_diff(diff)"]
    assert "MISMATCH" in "".join(output["data"]["text/plain"] for output in shows)


def test_each_kind_that_has_a_text_is_shown() -> None:
    kinds = {kind.__name__ for kind in shown.text_of.registry if kind.__module__.startswith("gradient_diff")}
    assert kinds == set(VALUES)
