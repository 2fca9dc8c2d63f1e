"""Code is run again to find a line: what it prints, draws, keeps and takes for given accuses nobody."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradient_diff import compare
from gradient_diff.source.frames import Scope
from gradient_diff.source.known import Known
from gradient_diff.source.patching import patched
from gradient_diff.source.text import Edit, Source
from gradient_diff.source.tracing import UNSTEADY
from manual_mlp import MLP, Dense, Evaluation
from manual_mlp.extend import draw_data

Written = Callable[..., Any]

TWO_LAYERS = """import numpy as np
def gradients(p, x, y):
    {first}
    W1, b1, W2, b2 = p.values()
    z = np.tanh(x @ W1 + b1)
    d = 2 * (z @ W2 + b2 - y) / {size}
    d1 = d @ W2.T * ({slope})
    return [x.T @ d1, d1.sum(0), z.T @ d, d.sum(0)]
"""


def two_layers(first: str = "pass", size: str = "y.size", slope: str = "1 - z") -> str:
    return TWO_LAYERS.format(first=first, size=size, slope=slope)


@pytest.fixture
def written(tmp_path: Any) -> Written:
    """What a file of this text defines as `gradients`."""

    def write(text: str, name: str = "mine.py") -> Any:
        path = tmp_path / name
        path.write_text(text, "utf-8")
        space: dict[str, Any] = {"__name__": "mine"}
        exec(compile(text, str(path), "exec", dont_inherit=True), space)
        return space["gradients"]

    return write


def evaluation(batch: int = 6, activation: str = "tanh", loss: str = "mse") -> Evaluation:
    mlp, rng = MLP(3, [Dense(4, activation), Dense(2)]), np.random.default_rng(0)
    x, y = draw_data(rng, batch, mlp, loss)
    return mlp.backpropagate(mlp.initialize(rng, "glorot_normal", "normal(0.3)"), x, y, loss)


OWN_WEIGHTS = "global W; W = globals().get('W') or {n: a.copy() for n, a in p.items()}; p = W"


@pytest.mark.parametrize(
    ("text", "batch"),
    [
        (two_layers(size="12"), 6),  # N·K, as a number
        (two_layers("x, y = x[:1], y[:1]"), 1),  # written for one sample
        (two_layers(OWN_WEIGHTS), 6),  # reads weights of its own, not those it is given
    ],
)
def test_what_is_right_in_the_users_case_is_not_accused(text: str, batch: int, written: Written) -> None:
    diff = compare(written(text), evaluation(batch))
    assert [f.text for f in diff.code.findings] == ["1 - z"]


def test_of_right_code_the_listing_is_of_a_problem_on_which_it_is_right(written: Written) -> None:
    code = compare(written(two_layers(size="12", slope="1 - z**2")), evaluation(), trace=True).code
    assert code.listing[6].endswith("dE/dz of dense_2")
    assert code.listing[7].endswith("δ of dense_1")
    assert "times δ" not in code.listing[7]


@pytest.mark.parametrize(
    "first",
    [
        "global rng; rng = globals().get('rng') or np.random.default_rng(0); x = x + rng.normal(size=x.shape)",
        "global calls; calls = globals().get('calls', 0) + 1; y = y * calls",
    ],
)
def test_what_gives_something_else_each_time_has_no_line(first: str, written: Written) -> None:
    diff = compare(written(two_layers(first)), evaluation())
    assert (diff.code.findings, diff.code.silent) == ((), UNSTEADY)


def test_what_draws_from_the_shared_generators_draws_the_same_in_every_run(written: Written) -> None:
    text = two_layers("import random; y = y * 1.0; noise = np.random.rand(4) + random.random()", slope="noise - z")
    code = compare(written(text), evaluation()).code
    assert [f.text for f in code.findings] == ["noise - z"]


def test_runs_of_ours_print_nothing_and_draw_nothing(written: Written, capsys: pytest.CaptureFixture[str]) -> None:
    function = written(two_layers("import random; print('once'); random.random(); np.random.rand()"))
    states = []
    for trace in (False, None):
        np.random.seed(0)  # noqa: NPY002  # users draw from here
        random.seed(0)
        assert compare(function, evaluation(), trace=trace).verdict.bad
        states.append((np.random.rand(), random.random()))  # noqa: NPY002
    assert states[0] == states[1]
    assert capsys.readouterr().out == "once\nonce\n"


def test_what_the_code_warns_of_it_warns_of_once(written: Written) -> None:
    with pytest.warns(UserWarning, match="mine") as warned:
        assert compare(written(two_layers("import warnings; warnings.warn('mine')")), evaluation()).verdict.bad
    assert len(warned) == 1


def test_the_same_code_in_another_file_is_that_file_s(written: Written) -> None:
    """Code objects of the same text are equal, whatever their file: a notebook cell that is run twice is two files."""
    found = [compare(written(two_layers(), name), evaluation()).code.findings[0].name for name in ("a.py", "b.py")]
    assert found == ["a.py", "b.py"]


def test_a_file_that_was_edited_and_imported_anew(written: Written) -> None:
    assert compare(written(two_layers()), evaluation()).code.findings[0].line == 7
    finding = compare(written("# another line\n" + two_layers()), evaluation()).code.findings[0]
    assert (finding.text, finding.line) == ("1 - z", 8)


def test_two_lambdas_on_one_line(written: Written) -> None:
    text = two_layers(slope="slope(z)").replace(
        "def", "tanh, slope = (lambda u: np.tanh(u)), (lambda z: 1 - z)\ndef", 1
    )
    finding = compare(written(text), evaluation()).code.findings[0]
    assert (finding.text, finding.line) == ("1 - z", 2)
    assert "+tanh, slope = (lambda u: np.tanh(u)), (lambda z: (1 - z ** 2))\n" in finding.fix


def test_two_comprehensions_on_one_line(written: Written) -> None:
    gathered = "gW, gb = [a.T @ e for a, e in ((x, d1), (z, d))], [e.mean(0) for e in (d1, d)]"
    text = two_layers(slope="1 - z**2").replace("return [x.T @ d1, d1.sum(0), z.T @ d, d.sum(0)]", gathered)
    finding = compare(written(f"{text}    return [gW[0], gb[0], gW[1], gb[1]]\n"), evaluation()).code.findings[0]
    assert finding.text == "e.mean(0)"
    assert "[e.sum(0) for e in (d1, d)]" in finding.fix


def test_a_change_is_run_in_the_lambda_in_which_it_stands() -> None:
    space: dict[str, Any] = {}
    source = Source("<two>", "a, b = (lambda n: n), (lambda n: n)\n")
    exec(compile(source.text, source.file, "exec", dont_inherit=True), space)
    with patched(source, source.edited(Edit(33, 34, "-n")), [space["b"]]):
        assert (space["a"](1), space["b"](1)) == (1, -1)


class Items:
    """As `np.c_`: of any index there is something."""

    asked = 0

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: object) -> float:
        Items.asked += 1
        if Items.asked > 3:
            raise IndexError
        return 0.0


def test_objects_with_items_are_no_arrays() -> None:
    import sys

    items = Items()
    scope = Scope(sys._getframe(), Source("", ""), Known(evaluation().problem))  # noqa: SLF001  # this very frame
    assert scope.array("items") is None
    assert (items.asked, scope.array("items.asked + 1").tolist()) == (0, 1)  # type: ignore[union-attr]


def test_a_mistake_beside_c_(written: Written) -> None:
    text = """import numpy as np
def gradients(p, x, y):
    W1, b1, W2, b2 = p.values()
    T2 = np.vstack([b2, W2])
    z = np.tanh(x @ W1 + b1)
    ones = np.c_[np.ones(len(x)), z]
    d = 2 * (ones @ T2 - y) / y.size
    d1 = d @ T2[:-1].T * (1 - z**2)
    g2 = ones.T @ d
    return [x.T @ d1, d1.sum(0), g2[1:], g2[0]]
"""
    assert compare(written(text), evaluation()).code.findings[0].text == "T2[:-1]"
