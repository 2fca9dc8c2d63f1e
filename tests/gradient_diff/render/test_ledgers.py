import io
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image
from rich.cells import cell_len
from rich.console import Console

from gradient_diff import Ledger, ledger
from gradient_diff.render.figures import canvas
from gradient_diff.render.figures.canvas import save as save_figure
from gradient_diff.render.figures.drawing import draw_ledger
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


# the drawing


def texts(figure: Figure) -> list[str]:
    return [t.get_text() for t in figure.findobj(mpl.text.Text) if t.get_text()]


def red(figure: Figure) -> list[str]:
    found = figure.findobj(mpl.text.Text)
    return [t.get_text() for t in found if to_hex(t.get_color()) == canvas.INK["bad"] and t.get_text()]


def boxes(figure: Figure) -> list[tuple[float, float]]:
    found = [p for p in figure.axes[0].patches if isinstance(p, Rectangle)]
    return [(round(p.get_width(), 6), round(p.get_height(), 6)) for p in found]


def test_one_box_per_operand_and_result_with_its_dimensions() -> None:
    figure = draw_ledger(BOOK.of("dense_2/kernel"))
    assert len(boxes(figure)) == 3
    shown = texts(figure)
    for text in ("z⁽¹⁾ᵀ", "δ⁽²⁾", "dE/dW⁽²⁾", "n₁ = 5", "N = 2", "n₂ = 3", "dE/dW⁽²⁾ = z⁽¹⁾ᵀ δ⁽²⁾"):
        assert text in shown
    assert shown.count("N = 2") == 2
    assert red(figure) == []


def test_boxes_have_the_proportions_of_their_matrices() -> None:
    left, right, result = boxes(draw_ledger(BOOK.of("dense_2/kernel")))
    assert left[0] == right[1]  # N, side by side
    assert (result[0], result[1]) == (right[0], left[1])
    assert left[1] > right[0] > left[0]  # 5 > 3 > 2


def test_a_clashing_pair_is_red_and_nothing_comes_out() -> None:
    figure = draw_ledger(CLASH.of("dense_2/u"))
    assert sorted(red(figure)) == sorted(["n₁ = 5", "3", "✗", "✗ the inner dimensions 5 and 3 differ"])
    assert len(boxes(figure)) == 3
    figure = draw_ledger(CLASH.of("dense_1/dE_dbias"))
    assert sorted(red(figure)) == sorted(["2", "5", "✗ given (2, 5)"])


@pytest.mark.parametrize("book", [BOOK, CLASH, HOSTILE, ledger(NET, "mse"), Ledger()], ids=lambda b: b.title or "none")
def test_every_ledger_is_drawn_without_a_warning_and_nothing_overlaps_the_edge(book: Ledger, tmp_path: Path) -> None:
    figure = book.to_figure()
    with Image.open(save_figure(figure, tmp_path / "ledger.png")) as image:
        assert image.width > 300
    if not book:
        return
    for text in figure.findobj(mpl.text.Text):
        if text.get_text():
            box = text.get_window_extent()
            assert box.x0 >= 0
            assert box.x1 <= figure.bbox.width


def test_a_large_network_is_drawn(tmp_path: Path) -> None:
    book = ledger(
        MLP(784, [Dense(50, "sigmoid"), Dense(100, "sigmoid"), Dense(10, "softmax")]), "categorical_crossentropy", 100
    )
    figure = book.to_figure()
    assert sum(len(line.boxes) for line in book) == len(boxes(figure))
    save_figure(figure, tmp_path / "ledger.png")
