"""Lines of source, and where a span stands in them."""

import pytest
from rich.cells import cell_len

from gradient_diff.render.excerpts import columns_of, excerpt, lit_parts, shown_line, window

LINE = "\tδ1 = 平均 * (1 - z1)  # e\u0301\u202e"
CODE = "平均 * (1"
SPAN = (3, 3, LINE.index(CODE), LINE.index(CODE) + len(CODE))


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp949"])
def test_a_span_keeps_its_text_whatever_stands_before_it(encoding: str) -> None:
    shown = shown_line(LINE, encoding)
    begin, end = shown.part(*SPAN[2:])
    alone = shown_line(CODE, encoding)
    assert shown.text[begin:end] == alone.text
    assert shown.text.startswith("    ")
    assert "\t" not in shown.text
    assert "\u202e" not in shown.text
    assert shown.text.encode(encoding)


def test_tabs_go_to_the_next_stop_by_cells() -> None:
    assert [shown_line(text).text for text in ("\tx", "ab\tx", "平\tx", "abcd\tx")] == [
        *("    x", "ab  x", "平  x", "abcd    x"),
    ]


def test_a_span_over_lines_leaves_out_their_indentation() -> None:
    lines = ["a = (b", "      + c  ", "", "  ) * d"]
    parts = [columns_of((1, 4, 4, 3), number, line) for number, line in enumerate(lines, 1)]
    assert parts == [(4, 6), (6, 9), None, (2, 3)]
    assert columns_of((1, 4, 4, 3), 5, "x") is None


@pytest.mark.parametrize("room", [12, 20, 40])
@pytest.mark.parametrize("begin", [0, 1, 5, 50, 190, 199])
@pytest.mark.parametrize("cut", ["…", "..."])
@pytest.mark.parametrize("sign", ["x", "平"])
def test_a_window_fits_and_holds_the_beginning_of_the_span(room: int, begin: int, cut: str, sign: str) -> None:
    text = sign * begin + "@" + sign * (199 - begin)
    piece, left, right = window(text, begin, begin + 1, room, cut)
    assert cell_len(piece) <= room
    assert piece[left:right] == "@"
    assert (piece.startswith(cut), piece.endswith(cut)) == (begin > room // 3, not piece.endswith(text[-1:]))


def test_what_fits_is_not_cut() -> None:
    assert window("abcdef", 2, 3, 6, "…") == ("abcdef", 2, 3)


def test_of_a_very_long_span_the_first_lines_are_shown() -> None:
    lines = [(number, f"line {number}") for number in range(1, 100)]
    shown = list(excerpt(lines, (1, 99, 0, 4), 40))
    assert [line.text for line in shown] == [*(f"line {n}" for n in range(1, 7)), "…"]
    assert [line.marked for line in shown] == [6] * 6 + [0]


def test_of_a_source_that_has_changed_since_nothing_is_underlined() -> None:
    (line,) = excerpt([(1, "x")], (1, 1, 30, 40), 40)
    assert (line.text, line.marked) == ("x", 0)


def test_lit_parts_are_the_line_in_pieces_and_overlaps_are_lit_once() -> None:
    parts = lit_parts(1, "a + b * c + d", [(1, 1, 4, 9), (1, 1, 8, 13), (2, 2, 0, 1)])
    assert "".join(text for text, _ in parts) == "a + b * c + d"
    assert [text for text, lit in parts if not lit] == ["a + "]
    assert lit_parts(1, "", [(1, 1, 0, 1)]) == []
