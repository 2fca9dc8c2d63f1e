"""The matrix ledger as a drawing."""

from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from gradient_diff import Ledger, ledger
from gradient_diff.render.figures import canvas
from gradient_diff.render.figures.canvas import save_figure
from gradient_diff.render.figures.drawing import draw_ledger
from manual_mlp import MLP, Dense

NET = MLP(7, [Dense(5, "tanh"), Dense(3)])
BOOK = ledger(NET, "mse", 2)
CLASH = ledger(NET, "mse", 2, shapes={"dense_2/kernel": (3, 5), "dense_1/dE_dbias": (2, 5)})
HOSTILE = ledger(MLP(2, [Dense(3, name="<b>|[red]`x`\x1b[31m"), Dense(2, name="層")]), "mse", 4)


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


@pytest.mark.matrix(most=2)
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
