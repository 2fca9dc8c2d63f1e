"""What shows itself asks here, and the package of renderings answers."""

from pathlib import Path

import numpy as np
import pytest

from gradient_diff import compare, explain_shapes, measure, shown, write_report
from gradient_diff.render import ledgers, tables, terminal
from manual_mlp import Evaluation

FORMS = (shown.text_of, shown.html_of, shown.markdown_of, shown.frame_of, shown.figure_of)


def test_each_form_is_that_of_the_renderings(evaluation: Evaluation) -> None:
    diff = compare(evaluation, evaluation)
    assert shown.text_of(diff) == terminal.to_text(diff)
    assert shown.text_of(diff.ledger) == ledgers.to_text(diff.ledger)
    assert shown.markdown_of(diff) == tables.to_markdown(diff)
    assert shown.frame_of(diff.ledger).equals(ledgers.to_frame(diff.ledger))
    assert "What gives" in shown.text_of(explain_shapes({"z": (2, 3)}, (3, 2)))
    assert "entries differ" in shown.text_of(measure([1.0], [2.0]))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_what_nobody_shows_is_refused_by_name(form: object) -> None:
    with pytest.raises(TypeError, match=r"_of: nobody shows a int so\."):
        form(3)  # type: ignore[operator]  # each is a function
    with pytest.raises(TypeError, match=r"save_report: nobody shows a int so\."):
        shown.save_report(3, "folder")


def test_the_writers_are_loaded_once_something_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from gradient_diff.shown import text_of\ntext_of.register(complex, lambda number: 'a complex one')\n"
    (tmp_path / "writers_of_a_test.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(shown, "WRITERS", "writers_of_a_test")
    with pytest.raises(TypeError):
        shown.html_of(1j)
    assert shown.text_of(1j) == "a complex one"


def test_to_save_a_diff_is_to_write_its_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    diff = compare({"w": np.eye(2)}, {"w": np.eye(2) * 1.5}, rtol=1e-3)
    pages = diff.save(tmp_path / "saved"), write_report(diff, tmp_path / "written")
    files = [sorted(p.relative_to(page.parent) for p in page.parent.rglob("*")) for page in pages]
    assert files[0] == files[1]
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_text_is_text_in_a_notebook_too(evaluation: Evaluation, monkeypatch: pytest.MonkeyPatch) -> None:
    """There rich would send everything to the cell, and leave nothing for the text."""
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    diff = compare(evaluation, evaluation)
    for value in (diff, diff.ledger, explain_shapes({"z": (2, 3)}, (3, 2))):
        assert len(str(value)) > 20
    assert terminal.to_text(diff).startswith(("✓", "✗", "?"))
