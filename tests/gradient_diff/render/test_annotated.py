"""The listing that `--annotate` prints."""

import io
import sys
from dataclasses import replace

import pytest
from rich.cells import cell_len

from gradient_diff import Code
from gradient_diff.render.annotated import annotated


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_line_is_wider_than_asked_and_nothing_is_lost(any_code: Code, width: int, encoding: str) -> None:
    text = annotated(any_code, width, encoding)
    lines = text.splitlines()
    assert max(map(cell_len, lines)) <= width
    assert all(line == line.rstrip() and (line.isprintable() or not line) for line in lines)
    for number in any_code.lines:
        assert (
            sum(
                line.startswith((f"  {number} ", f"✓ {number} ", f"✗ {number} ", f"+ {number} ", f"x {number} "))
                for line in lines
            )
            == 1
        )


def test_words_stand_beside_their_lines_in_one_column(codes: dict[str, Code]) -> None:
    lines = annotated(codes["right"], 160, "utf-8").splitlines()
    assert lines[0] == "  26 │ def gradients(parameters, x, y):"
    assert lines[3].startswith("✓ 29 │     z1 = np.tanh(x @ W1 + b1)   ")
    described = [line for line in lines if line.startswith("✓")]
    places = {cell_len(line[: line.rindex("  ")]) for line in described}
    assert len(described) == 6
    assert len(places) == 1
    assert next(line for line in described if "33" in line).endswith("  δ of dense_1")


def test_where_there_is_no_room_the_words_of_a_long_line_stand_below_it(codes: dict[str, Code]) -> None:
    lines = annotated(codes["right"], 60, "utf-8").splitlines()
    long = next(i for i, line in enumerate(lines) if line.startswith("✓ 34"))
    below = " ".join(line.partition("│")[2].strip() for line in lines[long + 1 :])
    assert "dE/dW of dense_1, dE/db of dense_1, dE/dW of dense_2" in below
    short = next(line for line in lines if line.startswith("✓ 29"))
    assert short.endswith("z of dense_1")  # a long line does not move the words of the others


def test_the_guilty_line_says_what_it_should_be_and_the_others_what_they_are(codes: dict[str, Code]) -> None:
    lines = annotated(codes["two"], 160, "utf-8").splitlines()
    guilty = [line for line in lines if line.startswith("✗")]
    assert [line.split()[1] for line in guilty] == ["31", "33"]
    assert guilty[0].endswith("should be δ of dense_2")
    assert guilty[1].endswith("should be δ of dense_1")
    assert not any(line.startswith("✗") for line in annotated(codes["right"], 160, "utf-8").splitlines())


def test_every_line_of_a_span_is_marked(codes: dict[str, Code]) -> None:
    lines = annotated(codes["spread"], 120, "utf-8").splitlines()
    assert [line[:4] for line in lines if line.startswith("✗")] == ["✗ 33", "✗ 34"]


def test_lines_left_out_are_seen_to_be_left_out(codes: dict[str, Code]) -> None:
    assert sum(line.strip() == "⋮" for line in annotated(codes["evil"], 60, "utf-8").splitlines()) == 1
    assert "⋮" not in annotated(codes["one"], 160, "utf-8")


def test_columns_hold_where_the_output_knows_ascii_only(codes: dict[str, Code]) -> None:
    code = replace(codes["right"], lines={1: "δ = y", 2: "dd = y"}, listing={1: "a", 2: "b"})
    one, two = annotated(code, 80, "ascii").splitlines()
    assert one == "+ 1 | delta = y  a"
    assert two == "+ 2 | dd = y     b"


def test_width_and_encoding_are_those_of_the_output(codes: dict[str, Code], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))
    assert annotated(codes["one"]) == annotated(codes["one"], 70, "ascii") != annotated(codes["one"], 90, "ascii")


def test_a_width_that_holds_nothing_is_refused(codes: dict[str, Code]) -> None:
    with pytest.raises(ValueError, match=r"annotated\(width=39\): expected at least 40 columns"):
        annotated(codes["one"], 39)


def test_of_no_lines_it_is_said_why(codes: dict[str, Code]) -> None:
    assert annotated(codes["silent"], 60, "utf-8") == "no Python source is known of it"
    assert annotated(codes["nothing"], 60, "utf-8") == "No line of it was traced."
