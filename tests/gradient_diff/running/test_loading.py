"""A derivation from somebody's file: what is found in it, and what is said where nothing is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gradient_diff.running.failing import Raised, his_traceback, in_one_line, is_his
from gradient_diff.running.loading import Place, Unloadable, at_home, load_derivation

Put = Callable[..., Path]


@pytest.mark.parametrize(
    ("text", "path", "name"),
    [
        ("net.py", "net.py", ""),
        ("a/b.py:f", "a/b.py", "f"),
        ("net.py: Net(3, 2).step ", "net.py", "Net(3, 2).step"),
        ("net.py:{'a': f}['a']", "net.py", "{'a': f}['a']"),
        (r"C:\net.py:f", r"C:\net.py", "f"),
    ],
)
def test_a_place_is_a_file_and_perhaps_a_name(text: str, path: str, name: str) -> None:
    assert Place.of(text) == Place(Path(path), name)


@pytest.mark.parametrize("text", ["net", "net.npz:f", "net.py:", "net.py:f(", "net.py:a = 1", "net.pyx"])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected FILE\.py or FILE\.py:NAME|is no expression\. Expected the name of"):
        Place.of(text)


def test_the_name_that_is_looked_for() -> None:
    wanted = [Place(Path("n.py"), name, step).wanted for name in ("", "f") for step in (False, True)]
    assert wanted == ["gradients", "step", "f", "f"]


HOUSE = """
import helper
name = __name__
class Net:
    def __init__(self, n): self.n = n
    def step(self, x, y): return self.n
    def broken(self): raise RuntimeError("no")
def gradients(p, x, y): return helper.VALUE
def _hidden(): pass
nets = [Net(1), Net(2)]
if __name__ == "__main__": raise SystemExit
"""


@pytest.fixture
def house(put: Put) -> Path:
    """A file with a module beside it."""
    put("helper.py", whole="VALUE = 7")
    return put("house.py", whole=HOUSE)


def load(path: Path, name: str = "", step: bool = False) -> Callable[..., object]:
    with at_home(path):
        return load_derivation(Place(path, name, step))


def test_it_is_found_by_its_name_and_imports_what_lies_beside_it(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "helper", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    before = list(sys.path)
    assert load(house)(0, 0, 0) == 7
    assert load(house, "Net(3).step", step=True)(0, 0) == 3
    assert load(house, "nets[1].step", step=True)(0, 0) == 2
    assert sys.path == before
    assert sorted(p.name for p in house.parent.iterdir()) == ["helper.py", "house.py"]  # no bytecode
    monkeypatch.delitem(sys.modules, "helper")
    with pytest.raises(ModuleNotFoundError):
        __import__("helper")


def test_it_is_not_the_main_module_and_not_another_s(put: Put) -> None:
    file = put("json.py", whole="def gradients(p, x, y): return __name__")
    assert load(file)(0, 0, 0) == "_user_json"
    file.write_text("def gradients(p, x, y): return 'anew'")
    assert load(file)(0, 0, 0) == "anew"


@pytest.mark.parametrize(
    ("name", "step", "told"),
    [
        (
            "other",
            False,
            r"has no other\. Looked for a function other\(parameters, x, y\)\. It has class Net, gradients\(",
        ),
        ("", True, r"has no step\. Looked for a function step\(x, y\)\. .* Name another by house\.py:NAME\.$"),
        (
            "Net",
            True,
            r"Net in .*house\.py is a class: expected a function \(x, y\)\. A method is named by what makes its",
        ),
        ("nets", False, r"nets in .*house\.py is list: expected a function \(parameters, x, y\)"),
        ("nets[0].no", False, r"has no nets\[0\]\.no\."),
        ("nets[7]", False, r"nets\[7\] in .*house\.py: IndexError: list index out of range\.$"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(name: str, step: bool, told: str, house: Path) -> None:
    with pytest.raises(Unloadable, match=told) as raised:
        load(house, name, step)
    assert "_hidden" not in str(raised.value)


def test_a_script_says_what_was_looked_for(put: Put) -> None:
    with pytest.raises(
        Unloadable, match=r"It defines no function\. Name another by .* or a training step \(x, y\) by --"
    ):
        load(put(whole="dW1 = 3"))


@pytest.mark.parametrize("name", ["gone.py", "."])
def test_a_file_that_is_none(name: str, tmp_path: Path) -> None:
    with pytest.raises(Unloadable, match=r"there is no such file|is a folder"):
        load(tmp_path / name)


@pytest.mark.parametrize(
    ("whole", "name", "told"),
    [
        (
            "\nimport os\nos.listdir('gone')",
            "",
            "line 3: FileNotFoundError: [Errno 2] No such file or directory: 'gone'",
        ),
        ("\n\n1 / 0", "", "line 3: ZeroDivisionError: division by zero"),
        ("raise SystemExit(0)", "", "line 1: SystemExit: 0"),
        (
            "class Net:\n  def __init__(self): self.no",
            "Net().step",
            "line 2: AttributeError: 'Net' object has no attribute 'no'",
        ),
    ],
)
def test_what_its_code_raises_is_its_own(whole: str, name: str, told: str, put: Put) -> None:
    file = put(whole=whole)
    with pytest.raises(Raised) as raised:
        load(file, name)
    assert in_one_line(raised.value.error, file) == told


def test_ctrl_c_is_nobody_s_error(put: Put) -> None:
    with pytest.raises(KeyboardInterrupt):
        load(put(whole="raise KeyboardInterrupt"))


# what is told of it


def test_the_traceback_has_his_frames_and_the_notes_only(house: Path) -> None:
    house.with_name("helper.py").write_text("import numpy as np\ndef f(x): return np.linalg.inv(x)\n")
    house.write_text("import helper\ndef gradients(p, x, y):\n    return helper.f([[0.0]])\n")
    sys.modules.pop("helper", None)
    with at_home(house):
        function = load_derivation(Place(house))
    with pytest.raises(Exception, match="Singular") as raised:
        function(0, 0, 0)
    raised.value.add_note("It was called so.")
    told = his_traceback(raised.value, house)
    assert [line.strip() for line in told.splitlines() if line.startswith("  File")] == [
        f'File "{house}", line 3, in gradients',
        f'File "{house.with_name("helper.py")}", line 2, in f',
    ]
    assert told.endswith("LinAlgError: Singular matrix\nIt was called so.")
    assert is_his(raised.value, house)
    sys.modules.pop("helper", None)


def test_the_errors_that_led_to_it_are_cut_likewise(put: Put) -> None:
    head = "import json\ndef gradients(p, x, y):\n"
    code = f"{head}    try: json.loads('')\n    except ValueError as e: raise KeyError(1) from e"
    file = put(whole=code)
    with pytest.raises(KeyError) as raised:
        load(file)(0, 0, 0)
    told = his_traceback(raised.value, file)
    assert told.count("  File") == told.count(str(file)) == 2
    assert "direct cause" in told


def test_an_error_of_ours_is_not_his(house: Path) -> None:
    with pytest.raises(ValueError, match="expected") as raised:
        Place.of("x")
    assert not is_his(raised.value, house)
