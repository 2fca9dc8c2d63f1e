"""A ledger is a sequence of lines that prints itself."""

import pytest

from gradient_diff import Ledger, ledger
from gradient_diff.ledger.ledger import LedgerLine
from gradient_diff.render.figures.drawing import draw_ledger
from manual_mlp import MLP, Dense


@pytest.fixture
def book() -> Ledger:
    return ledger(MLP(3, [Dense(2)]), "mse", 4)


def test_it_is_a_sequence(book: Ledger) -> None:
    assert len(book) == len(list(book)) == 8
    assert book[0] in book
    assert book[-1] is book.lines[-1]
    assert book[:2] == book.lines[:2]


def test_one_line_that_does_not_fit_is_enough(book: Ledger) -> None:
    assert book.fits
    assert not Ledger((*book, LedgerLine("", "", "", "", "", False, "given (2, 3)"))).fits
    assert Ledger().fits


def test_some_of_its_lines_by_node_or_parameter(book: Ledger) -> None:
    part = book.of("dense_1/kernel", "dense_1/u")
    assert [line.node for line in part] == ["dense_1/u", "dense_1/dE_dkernel"]
    assert part.title == book.title
    with pytest.raises(KeyError, match=r"dense_9/dE_dkernel is no line of this ledger\. Lines: dense_1/u, "):
        book.of("dense_9/kernel")


def test_its_renderings_are_text_markdown_frame_and_drawing(book: Ledger) -> None:
    assert str(book).startswith("Matrix ledger: 3-2, mean_squared_error, batch 4\n\nforward\n")
    assert book.to_markdown().splitlines()[2] == "| layer | equation | in letters | in numbers | fits |"
    assert book.to_frame()["numbers"][5] == "(3, 4)(4, 2) → (3, 2)"
    drawn, right = book.of("dense_1/kernel").to_figure(), draw_ledger(book.of("dense_1/kernel"))
    assert [t.get_text() for t in drawn.axes[0].texts] == [t.get_text() for t in right.axes[0].texts]


def test_a_ledger_without_lines_prints_nothing() -> None:
    assert str(Ledger()) == ""
