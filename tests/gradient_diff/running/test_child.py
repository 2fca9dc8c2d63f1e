"""What the process of somebody's code writes, without the process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradient_diff import Code, compare
from gradient_diff.running import child
from gradient_diff.running.process import Given, read_answer
from manual_mlp import Evaluation

Put = Callable[..., Path]


@pytest.fixture
def given(answer: Evaluation, tmp_path: Path) -> Callable[..., Given]:
    """What came of a file."""

    def run(file: Path) -> Given:
        folder = tmp_path / "answer"
        folder.mkdir()
        child.answer(file, answer, None, folder)
        return read_answer(folder, 0, 2**20, 60.0)

    return run


WITHOUT: dict[str, tuple[dict[str, str], str]] = {
    "exit": ({"after": "sys.exit('done')"}, r"^It left Python before it gave gradients: line 12: SystemExit: done\.$"),
    "an exception": (
        {"inside": "x @ x"},
        r"^It raised an exception\. line 6: ValueError: matmul: .*size 7 is different",
    ),
    "its first line": ({"inside": "raise ValueError('a\\nb')"}, r"^It raised an exception\. line 6: ValueError: a$"),
    "no Exception": (
        {"after": "class E(BaseException): pass\nraise E('x')"},
        r"^It raised an exception\. line 13: E: x$",
    ),
    "one that cannot be told": (
        {"after": "class E(Exception):\n    def __str__(self): return 1 / 0\nraise E"},
        r"^It raised an exception\. line 14: E$",
    ),
    "of what it calls": (
        {"after": "def f(n): return n.no\nf(3)"},
        r"^It raised an exception\. line 12: AttributeError: 'int' object has no attribute 'no'$",
    ),
    "Ctrl-C": ({"inside": "raise KeyboardInterrupt"}, r"^It raised an exception\. line 6: KeyboardInterrupt$"),
    "a typo": ({"whole": "\n\ndef gradients(:\n"}, r"^It raised an exception\. line 3: SyntaxError: invalid syntax$"),
    "no function": (
        {"whole": "def g(p, x, y): return p\nclass Net: pass\nfrom math import cos"},
        r"mine\.py has no gradients\. Looked for .*x, y\)\. It has g\(p, x, y\), class Net\. Name another",
    ),
    "a number": ({"whole": "gradients = 3"}, r"^gradients in .*mine\.py is int: expected a function"),
    "None": ({"whole": "def gradients(p, x, y): p"}, r"gradients returned None: expected the gradients"),
    "an object": (
        {"whole": "def gradients(p, x, y): return object()"},
        r"it returned object where an array of numbers",
    ),
    "texts": ({"whole": "def gradients(p, x, y): return {'w': 'x'}"}, r"it returned str where an array of numbers"),
    "odd keys": ({"whole": "def gradients(p, x, y): return {1: x}"}, r"a dict with the key 1, int: expected names"),
    "nothing": ({"whole": "def gradients(p, x, y): return {}"}, r"^What it returned holds no arrays"),
    "too few arguments": ({"whole": "def gradients(p): return p"}, r"cannot be called with \(parameters, x, y\)"),
    "no Python": ({"whole": "\0"}, r"^It raised an exception\. (line \d: )?(SyntaxError|ValueError): source code"),
}


@pytest.mark.parametrize("what", WITHOUT)
def test_why_there_are_no_gradients_is_one_sentence(what: str, given: Callable[..., Given], put: Put) -> None:
    file, told = WITHOUT[what]
    with pytest.raises(ValueError, match=told) as raised:
        given(put(**file))
    assert "\n" not in str(raised.value)


ARRAYS = "dW1, db1, dW2, db2 = (np.full(s, float(i)) for i, s in enumerate([(4, 3), 3, (3, 2), 2], 1))"


@pytest.mark.parametrize("form", ["[dW1, db1, dW2, db2]", "(0.5, [dW1, db1, dW2, db2])", "{'a': [dW1, (db1,)]}", "dW1"])
def test_whatever_form_the_gradients_have_comes_back(form: str, given: Callable[..., Given], put: Put) -> None:
    scope: dict[str, Any] = {"np": np}
    exec(ARRAYS, scope)  # the same arrays here
    wanted = eval(form, scope)
    found = given(
        put(whole=f"import numpy as np\ndef gradients(p, x, y):\n    {ARRAYS}\n    return {form}\n")
    ).gradients
    np.testing.assert_equal(found, wanted)
    assert type(found) is type(wanted)


def test_arguments_that_it_changed_are_named(given: Callable[..., Given], put: Put) -> None:
    changing = "x -= 1; y[:] = y + 0.0; parameters['dense_1/bias'][0] += 1"
    assert given(put(inside=changing)).changed == ("dense_1/bias", "x")


def test_what_tracing_says_is_written_in_the_layout_that_was_asked_for(
    answer: Evaluation, put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = Code(silent="no Python source is known of it")

    def traced(*given: Any, **more: Any) -> Any:
        asked.update(more)
        return replace(compare(*given, **more), code=said)

    asked: dict[str, Any] = {}
    monkeypatch.setattr(child, "compare", traced)
    child.answer(put(), answer, "as given", tmp_path)
    assert read_answer(tmp_path, 0, 2**20, 60.0).code == said
    assert asked == {"layout": "as given"}


def test_what_goes_wrong_in_tracing_costs_no_gradients(
    given: Callable[..., Given], put: Put, answer: Evaluation
) -> None:
    found = given(put(after="_first = [gradients]\ndef gradients(*given): return _first.pop()(*given)"))
    assert found.code == Code(silent="it was called again, and raised IndexError")
    assert compare(found.gradients, answer).ok


def test_nothing_half_written_is_left(answer: Evaluation, put: Put, tmp_path: Path) -> None:
    folder = tmp_path / "answer"
    folder.mkdir()
    child.answer(put(), answer, None, folder)
    assert sorted(p.name for p in folder.iterdir()) == ["answer.json", "code.json", "gradients.npz"]
