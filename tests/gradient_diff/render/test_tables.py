import csv
import io
import json
import math
import re
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from gradient_diff import Code, Finding, GradientDiff, Metrics, Row, Status, compare
from gradient_diff.ledger.ledger import LedgerLine
from gradient_diff.render.tables import to_csv, to_frame, to_json, to_markdown
from gradient_diff.wording import printable

COLUMNS = [f.name for f in fields(Row) if f.name not in ("metrics", "by_sigma")]
REFERENCE = Path(__file__).parents[3] / "results" / "reference"


def test_the_frame_has_one_line_per_row_and_every_metric(different: GradientDiff) -> None:
    frame = to_frame(different)
    numbers = [f.name for f in fields(Metrics) if f.name not in ("shape", "worst", "spread")]
    assert frame.columns.tolist() == [*COLUMNS, *numbers, "median_difference", "p90_difference", "p99_difference"]
    assert frame.columns[:4].tolist() == ["name", "layer", "formula", "dtype"]
    assert frame["name"].tolist() == [row.name for row in different.rows]
    line = frame.set_index("name").loc["dense_2/dE_dkernel"]
    metrics = different["dense_2/dE_dkernel"].metrics
    assert metrics is not None
    assert line["relative_l2"] == metrics.relative_l2
    assert line["worst_index"] == metrics.worst_index
    assert (line["status"], line["shape_hand"], line["differing"]) == ("DIFFERENT", (5, 2), 10)


def test_the_columns_of_the_csv_are_those_of_the_committed_runs(match: GradientDiff) -> None:
    heads = {path.read_text("utf-8").partition("\n")[0] for path in REFERENCE.glob("*/diffs/*.csv")}
    assert heads == {to_csv(match).partition("\n")[0]}


def test_every_extreme_is_a_frame_also_where_nearly_all_floats_lie_between_two(extreme: GradientDiff) -> None:
    frame = to_frame(extreme)
    known = [row.metrics.max_ulps for row in extreme.rows if row.metrics is not None]
    assert frame["max_ulps"].dropna().tolist() == known


def test_what_was_not_measured_is_missing_in_the_frame(mixed: GradientDiff) -> None:
    frame = to_frame(mixed).set_index("name")
    assert frame["relative_l2"].dtype == np.float64
    assert str(frame["differing"].dtype) == "Int64"
    assert frame.loc["dense_1/dE_dkernel", ["relative_l2", "differing", "worst_index"]].isna().all()
    assert not np.isnan(frame.loc["dense_2/dE_dkernel", "relative_l2"])


def test_the_ledger_as_a_frame(mixed: GradientDiff, extreme: GradientDiff) -> None:
    frame = mixed.ledger.to_frame()
    assert frame.columns.tolist() == [
        f.name for f in fields(LedgerLine) if f.name not in ("operands", "boxes", "signs")
    ]
    assert len(frame) == len(mixed.ledger) > 0
    assert frame.loc[~frame["fits"], "clash"].tolist() == ["given (5, 3): the transpose"]
    assert len(extreme.ledger.to_frame()) == 0


def test_csv_keeps_every_digit_and_every_name(mixed: GradientDiff, different: GradientDiff) -> None:
    read = list(csv.DictReader(io.StringIO(to_csv(different))))
    metrics = different.rows[0].metrics
    assert metrics is not None
    assert float(read[0]["norm_hand"]) == metrics.norm_hand
    names = [line["name"] for line in csv.DictReader(io.StringIO(to_csv(mixed)))]
    assert names == [printable(r.name) for r in mixed.rows]


def _strict(text: str) -> object:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_the_strict_reader_can_fail() -> None:
    with pytest.raises(AssertionError, match="NaN is no JSON"):
        _strict(json.dumps({"a": math.nan}))


def test_json_is_strict_whatever_the_numbers(extreme: GradientDiff) -> None:
    data = _strict(to_json(extreme))
    assert isinstance(data, dict)
    assert [row["name"] for row in data["rows"]] == [row.name for row in extreme.rows]
    assert data["verdict"] == extreme.verdict.name


def test_json_tells_verdict_culprit_origins_rows_and_ledger(mixed: GradientDiff) -> None:
    data = _strict(to_json(mixed))
    assert isinstance(data, dict)
    assert (data["verdict"], data["exit_code"], data["ok"]) == ("SHAPE", 1, False)
    assert (data["message"], data["advice"]) == (Status.SHAPE.message, Status.SHAPE.advice)
    assert (data["hand_origin"], data["reference_origin"]) == ("given arrays", "manual_mlp")
    assert data["culprit"] == "dense_2/dE_dbias"
    assert len(data["ledger"]) == len(mixed.ledger)
    missing = next(row for row in data["rows"] if row["status"] == "MISSING")
    assert (missing["relative_l2"], missing["shape_hand"], missing["shape_reference"]) == (None, None, [2])
    assert data["problem"]["inputs"] == 3


def test_json_tells_the_worst_entries_and_the_decades(different: GradientDiff, mixed: GradientDiff) -> None:
    row = next(r for r in json.loads(to_json(different))["rows"] if r["name"] == "dense_2/dE_dkernel")
    metrics = different["dense_2/dE_dkernel"].metrics
    assert metrics is not None
    assert [tuple(entry["index"]) for entry in row["worst"]] == [entry.index for entry in metrics.worst]
    assert row["worst"][0]["hand"] == metrics.worst_hand
    assert sum(n for _, n in row["decades"]) == row["differing"] == 10
    assert next(r for r in json.loads(to_json(mixed))["rows"] if r["status"] == "MISSING")["worst"] is None


def test_infinities_and_nan_are_words_in_json() -> None:
    row = json.loads(to_json(compare({"w": np.ones(2)}, {"w": np.zeros(2)})))["rows"][0]
    assert (row["relative_l2"], row["cosine"]) == ("Infinity", "NaN")


def test_json_holds_all_of_a_finding_and_the_text_of_its_function(
    wrong: Callable[[Code], GradientDiff], codes: dict[str, Code], mixed: GradientDiff
) -> None:
    code = json.loads(to_json(wrong(codes["two"])))["code"]
    assert [finding.keys() for finding in code["findings"]] == [{f.name for f in fields(Finding)}] * 2
    assert code["findings"][0]["fix"] == codes["two"].findings[0].fix
    assert list(code["lines"].values()) == list(codes["two"].lines.values())
    assert json.loads(to_json(mixed))["code"] is None


def test_csv_says_nothing_of_code(wrong: Callable[[Code], GradientDiff], codes: dict[str, Code]) -> None:
    diff = wrong(codes["two"])
    assert to_csv(diff) == to_csv(replace(diff, code=None))


def test_markdown_shows_line_operands_fix_and_listing(
    wrong: Callable[[Code], GradientDiff], codes: dict[str, Code]
) -> None:
    text = to_markdown(wrong(codes["two"]))
    assert "### Where it is wrong\n\n**net.py:33, in gradients**: should be δ of dense_1\n" in text
    assert "```\n33 |     d1 = dz1 * z1 * (1 - z1)\n   |          ^^^^^^^^^^^^^^^^^^^\n```\n" in text
    assert "\n- dz1 is dE/dz of dense_1\n" in text
    assert f"```diff\n{codes['two'].findings[0].fix}```\n" in text
    assert "✗ 31 │     d2 = 2 * (z2 - y) / y.size  should be δ of dense_2" in text
    assert "No Python source is known of it." in to_markdown(wrong(codes["silent"]))


def test_no_line_of_source_closes_its_fence(wrong: Callable[[Code], GradientDiff], any_code: Code) -> None:
    """Fences stand in pairs; outside of them nothing of the source is left to be interpreted."""
    text, fence = to_markdown(wrong(any_code)), ""
    for line in text.split("\n"):
        assert line.isprintable()
        if fence:
            fence = "" if re.fullmatch(f" {{0,3}}{fence}`* *", line) else fence  # as GitHub reads it
        elif found := re.fullmatch("(`{3,})(diff)?", line):
            fence = found[1]
        else:
            assert "<script>" not in line
    assert not fence


def test_markdown_tables_have_one_number_of_cells_per_table(mixed: GradientDiff) -> None:
    text = to_markdown(mixed)
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 2
    for table in tables:
        assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {len(re.findall(r"(?<!\\)\|", table[0]))}
    assert len(tables[0]) == 2 + len(mixed.rows)
    assert len(tables[1]) == 2 + len(mixed.ledger)
    assert "✗ given (5, 3): the transpose" in tables[1][-3]


def test_markdown_shows_a_hostile_name_and_interprets_nothing(mixed: GradientDiff) -> None:
    text = to_markdown(mixed)
    assert "<" not in text
    assert "&lt;script&gt;" in text
    assert r"\|\`\*\_\[a\](b)\$\\n\\x1b\[31m" in text
    assert "\x1b" not in text
    assert "dense_2/dE_dkernel" in text  # an underscore inside a word needs no escape


def test_markdown_names_the_reason_of_each_row_that_is_off_and_of_no_other(mixed: GradientDiff) -> None:
    reasons = [line for line in to_markdown(mixed).splitlines() if line.startswith("- ")]
    assert len(reasons) == sum(not row.status.ok for row in mixed.rows) == 4
    assert any(Status.NONFINITE.advice in line and " in hand, the first at" in line for line in reasons)


def test_markdown_of_a_match_has_no_reasons_and_without_a_network_no_ledger(match: GradientDiff) -> None:
    assert "Not MATCH" not in to_markdown(match)
    assert "Matrix ledger" in to_markdown(match)
    assert "Matrix ledger" not in to_markdown(compare({"w": np.ones(1)}, {"w": np.ones(1)}))
