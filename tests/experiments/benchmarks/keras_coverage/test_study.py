from __future__ import annotations

import pytest
from rich.progress import Progress

from experiments.benchmarks.keras_coverage import study
from experiments.benchmarks.keras_coverage.names import entries
from experiments.benchmarks.keras_coverage.study import by_way, result, slow, ways_of
from experiments.benchmarks.keras_coverage.walk import Step, Way
from experiments.frame.study import Settings

GOOD = Step("layers", "Dense", "", Way.EQUATIONS, "MATCH", "MISMATCH", "MISMATCH", seconds=0.01, gradients=2.0)
DRAWN = Step("layers", "LSTM", "", Way.DRAWS, "MATCH", "MISMATCH", "not visible", seconds=0.1, gradients=10.0)
REFUSED = Step("layers", "GRU", "", Way.REFUSED, "refused", reason="ValueError: no.")


def failed(*steps: Step, seconds: float = 1.0) -> list[str]:
    return result([GOOD, *steps], seconds).failed


def test_all_as_asked() -> None:
    assert failed(DRAWN) == []


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Step("layers", "LSTM", "", Way.CRASH, failed=("right",)), "no exception of Keras's or NumPy's comes out"),
        (Step("layers", "LSTM", "", Way.DRAWS, failed=("right",)), "every right gradient is found right"),
        (Step("layers", "LSTM", "", Way.DRAWS, failed=("unchanged",)), "no model is changed"),
        (Step("layers", "LSTM", "", Way.DRAWS, failed=("twice",)), "twice a gradient is never found right"),
        (Step("layers", "LSTM", "", Way.DRAWS, failed=("one percent",)), "1 % in one entry is never found right"),
        (REFUSED, "at most 2% of the names that carry weight are refused"),
        (Step("layers", "LSTM", "", Way.DRAWS, seconds=0.9, gradients=90.0), "no check takes longer than 24 eager"),
    ],
)
def test_each_claim_may_fail(step: Step, words: str) -> None:
    assert any(claim.startswith(f"does not hold: {words}") for claim in failed(step))


def test_what_a_check_may_take() -> None:
    """12 gradients of 10 ms and a fifth of an import of one second."""
    within, over = (Step("layers", "LSTM", "", Way.DRAWS, seconds=s, gradients=s / 0.01) for s in (0.31, 0.33))
    assert slow([within, over, REFUSED], 1.0, room=1.0) == [over]


def test_a_name_goes_the_way_of_its_smallest_model() -> None:
    frame = by_way([GOOD, Step("layers", "Dense", "of three axes", Way.DRAWS), REFUSED])
    assert frame.to_dict("records") == [
        {
            "kind": kind,
            "names": 2,
            "by equations": 1,
            "by draws": 0,
            "refused": 1,
            "carries no weight": 0,
            "crash": 0,
        }
        for kind in ("layers", "all")
    ]


def test_a_name_has_no_way_where_a_style_of_it_has_none() -> None:
    styles = [Step("layers", "Dense", style, way) for style, way in (("a", Way.REFUSED), ("b", Way.CRASH))]
    for more in (styles, styles[::-1]):
        assert ways_of([GOOD, *more]) == {("layers", "Dense"): Way.CRASH}
    assert ways_of([GOOD, styles[0]]) == {("layers", "Dense"): Way.REFUSED}


def test_the_table_has_every_exported_name() -> None:
    frame = result([Step(e.kind, e.name, e.style, Way.DRAWS) for e in entries()], 1.0).tables["Coverage"].frame
    lines = {(row["kind"], row["name"]): row for row in frame.to_dict("records")}
    assert {("layers", "Dense"), ("losses", "huber"), ("optimizers", "SGD")} <= lines.keys()
    assert lines["layers", "Convolution2D"]["reason"] == "the same as Conv2D"
    assert lines["layers", "JaxLayer"]["reason"] == "needs JAX"


def test_what_is_not_as_asked_says_so() -> None:
    frame = result([Step("layers", "LSTM", "", Way.CRASH, failed=("right", "twice"))], 1.0).tables["Coverage"].frame
    assert frame["status"][0] == "not as asked: right, twice"


def test_a_small_run_end_to_end(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    few = [entry for entry in entries() if str(entry) in ("layers.Dense", "activations.relu")]
    monkeypatch.setattr(study, "entries", lambda: iter(few))
    monkeypatch.setattr(study, "seconds_of_import", lambda: 3.0)
    found = study.run(Settings(), Progress(disable=True))
    assert found.failed == []
    assert found.tables["Names by way"].frame["by equations"].tolist() == [1, 1, 2]
    assert "by equations" in capsys.readouterr().out
