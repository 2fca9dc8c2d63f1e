import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from gradient_diff import Ledger, ledger
from gradient_diff.render.ledgers import print_ledger, to_text
from manual_mlp import MLP, Dense

NET = MLP(7, [Dense(5, "tanh"), Dense(3)])
BOOK = ledger(NET, "mse", 2)
CLASH = ledger(NET, "mse", 2, shapes={"dense_2/kernel": (3, 5), "dense_1/dE_dbias": (2, 5)})
HOSTILE = ledger(MLP(2, [Dense(3, name="<b>|[red]`x`\x1b[31m"), Dense(2, name="層")]), "mse", 4)


# text


@pytest.mark.parametrize("width", [60, 80, 100, 130, 200])
@pytest.mark.parametrize("book", [BOOK, CLASH, HOSTILE], ids=["fits", "clash", "hostile"])
def test_no_line_is_wider_than_the_terminal_and_none_ends_in_spaces(book: Ledger, width: int) -> None:
    lines = to_text(book, width).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)
    assert "\x1b" not in to_text(book, width)


def test_a_wide_terminal_has_one_line_per_equation() -> None:
    lines = [" ".join(line.split()) for line in to_text(BOOK, 140).splitlines()]
    for line in BOOK:
        assert " ".join(f"{line.layer} {line.equation} fits".split()) in lines
    assert [line for line in lines if line in ("forward", "loss", "backward")] == ["forward", "loss", "backward"]


def test_where_it_is_narrow_shapes_stand_below_their_equation() -> None:
    lines = [" ".join(line.split()) for line in to_text(BOOK, 90).splitlines()]
    place = lines.index("dense_2 dE/dW⁽²⁾ = z⁽¹⁾ᵀ δ⁽²⁾")
    assert lines[place + 1] == "(n₁, N)(N, n₂) → (n₁, n₂) (5, 2)(2, 3) → (5, 3) fits"
    lines = [" ".join(line.split()) for line in to_text(BOOK, 60).splitlines()]
    place = lines.index("dense_2 dE/dW⁽²⁾ = z⁽¹⁾ᵀ δ⁽²⁾")
    assert lines[place + 1 : place + 3] == ["(n₁, N)(N, n₂) → (n₁, n₂)", "(5, 2)(2, 3) → (5, 3) fits"]


def test_a_clash_says_what() -> None:
    text = to_text(CLASH, 140)
    assert "(2, 5)(3, 5) + (3,) → ✗" in text
    assert text.count("✗ the inner dimensions 5 and 3 differ") == 1
    assert "✗ given (2, 5)" in text


def test_a_ledger_prints_itself_with_its_title_and_its_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    book = ledger(NET, "mse", 5)
    assert str(book) == to_text(book, 120)
    assert str(book).startswith("Matrix ledger: 7-5-3, mean_squared_error, batch 5\n")
    assert "N = n₁ = 5: there a matrix fits either way round" in str(book)
    assert "N = " not in str(BOOK)


def test_a_terminal_has_colour() -> None:
    out = io.StringIO()
    print_ledger(CLASH, Console(file=out, force_terminal=True, color_system="standard", width=140))
    assert "\x1b[1;31m✗ given (2, 5)" in out.getvalue()
    assert "\x1b[32mfits" in out.getvalue()


# tables


def test_the_frame_has_a_row_per_equation() -> None:
    frame = CLASH.to_frame()
    assert frame["node"].tolist() == [line.node for line in CLASH]
    assert frame.loc[~frame["fits"], "node"].tolist() == [
        *("dense_2/u", "dense_2/dE_dkernel", "dense_1/dE_dz", "dense_1/dE_dbias"),
    ]
    line = frame.set_index("node").loc["dense_2/dE_dkernel"]
    assert line["symbolic"] == "dE/dW⁽²⁾ = z⁽¹⁾ᵀ δ⁽²⁾"
    assert (line["letters"], line["numbers"]) == ("(n₁, N)(N, n₂) → (n₁, n₂)", "(5, 2)(2, 3) → (5, 3)")
    assert len(Ledger().to_frame()) == 0


def test_markdown_is_one_table_that_no_name_breaks() -> None:
    lines = HOSTILE.to_markdown().splitlines()
    assert lines[0] == "**Matrix ledger: 2-3-2, mean_squared_error, batch 4**"
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 2 + len(HOSTILE)
    assert {row.replace("\\|", "").count("|") for row in rows} == {6}
    assert "&lt;b&gt;\\|\\[red\\]\\`x\\`\\\\x1b\\[31m" in rows[2]
