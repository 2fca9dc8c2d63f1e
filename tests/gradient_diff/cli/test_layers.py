"""How shapes that are partly open are written."""

from __future__ import annotations

from gradient_diff.cli.layers import layer_table
from keras_mlp.extend import LayerShapes


def test_what_is_open_is_the_batch_in_the_first_place_and_unknown_elsewhere() -> None:
    line = LayerShapes("a/b", "Odd", ((None, None, 3), (4,)), (), (("w", (3, 2)), ("v", (1,))))
    (cells,) = layer_table("m.keras", [line], "B").sheet.cells
    assert cells == ("a/b", "Odd", "(B, ?, 3), (4,)", "–", "w (3, 2), v (1,)")
    assert layer_table("m.keras", [line], 5).sheet.cells[0][2] == "(5, ?, 3), (4,)"


def test_a_name_means_nothing_to_markdown() -> None:
    table = layer_table("a|b*.keras", [LayerShapes("x|y", "Odd", (), (), ())], "N")
    assert table.to_markdown().splitlines()[0].startswith(r"**Layers of a\|b\*.keras: ")
    assert table.to_markdown().splitlines()[-1] == r"| x\|y | Odd | – | – |  |"
