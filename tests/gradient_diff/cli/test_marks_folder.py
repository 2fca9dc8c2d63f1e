"""What stays in a folder of marks, what is replaced, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gradient_diff.cli.marks_folder import SUMMARY, digest, earlier_lines, marks_folder
from gradient_diff.render.folder import whole_folder
from gradient_diff.render.summary import SummaryLine

Put = Callable[..., list[str]]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Mark files of these names by one call; the text of each report is given, and the summary's files come back."""
    monkeypatch.chdir(tmp_path)

    def call(*names: str, text: str = "1", judged_by: str = "r") -> list[str]:
        with marks_folder(Path("marks"), list(map(Path, names)), judged_by) as marks:
            lines = []
            for name in names:
                folder = Path(name).stem if Path(name).stem not in marks.taken else f"{Path(name).stem}-2"
                (marks.folder / folder).mkdir()
                (marks.folder / folder / "report.html").write_text(text)
                lines.append(SummaryLine(name, "MATCH", message=text, report=f"{folder}/report.html"))
            marks.summarize(lines, "r.npz", "en")
        return [line.file for line in earlier_lines(Path("marks"))]

    return call


def reports() -> dict[str, str]:
    return {path.parent.name: path.read_text() for path in Path("marks").rglob("report.html")}


def test_files_that_are_not_named_again_are_kept(put: Put) -> None:
    assert put("a.npz", "b.npz") == ["a.npz", "b.npz"]
    assert put("c.npz", "a.npz", text="2") == ["a.npz", "b.npz", "c.npz"]
    assert reports() == {"a": "2", "b": "1", "c": "2"}
    assert [line.message for line in earlier_lines(Path("marks"))] == ["2", "1", "2"]


def test_two_ways_to_a_file_are_one_and_two_files_of_a_name_are_two(put: Put, tmp_path: Path) -> None:
    put("a.npz")
    assert put("x/../a.npz", text="2") == ["x/../a.npz"]
    assert put(str(tmp_path / "a.npz"), text="3") == [str(tmp_path / "a.npz")]
    assert put("x/a.npz") == [str(tmp_path / "a.npz"), "x/a.npz"]
    assert reports() == {"a": "3", "a-2": "1"}
    assert put("=1.npz") == put("=1.npz")  # which the summary writes with an apostrophe
    assert put("'a.npz") == [str(tmp_path / "a.npz"), "x/a.npz", "'=1.npz", "'a.npz"]


def test_a_file_named_twice_has_two_lines(put: Put) -> None:
    assert put("a.npz", "a.npz") == ["a.npz", "a.npz"]
    assert put("a.npz", text="2") == ["a.npz"]
    assert reports() == {"a": "2"}


def test_what_others_put_there_stays(put: Put) -> None:
    put("a.npz")
    Path("marks/notes.txt").write_text("late twice")
    Path("marks/link").symlink_to("nowhere")
    put("a.npz", "b.npz")
    assert Path("marks/notes.txt").read_text() == "late twice"
    assert Path("marks/link").is_symlink()


def test_marks_of_another_reference_are_not_mixed(put: Put) -> None:
    put("a.npz", "b.npz")
    with pytest.raises(
        FileExistsError, match=r"holds marks of 1 other files against another reference, or with anothe"
    ):
        put("a.npz", text="2", judged_by="other")
    assert reports() == {"a": "1", "b": "1"}
    assert put("a.npz", "b.npz", text="2", judged_by="other") == ["a.npz", "b.npz"]  # nothing would be mixed
    assert put("c.npz", judged_by="other") == ["a.npz", "b.npz", "c.npz"]


def test_results_of_another_kind_are_not_replaced(put: Put) -> None:
    with whole_folder("marks") as folder:
        (folder / "report.html").write_text("of an hour")
    with pytest.raises(FileExistsError, match="holds results that are no marks, or of an earlier version"):
        put("a.npz")
    assert Path("marks/report.html").read_text() == "of an hour"


def test_a_summary_that_was_changed_is_not_overwritten(put: Put) -> None:
    put("a.npz")
    for text in ("file;verdict;grade\n", ""):
        Path("marks", SUMMARY).write_text(text)
        with pytest.raises(FileExistsError, match=r"summary\.csv was changed: expected the columns file, verdict, "):
            put("a.npz")
        assert Path("marks", SUMMARY).read_text() == text


@pytest.mark.parametrize("report", ["notes.txt", "../x", "/x", ""])
def test_a_line_that_names_no_report_of_ours_costs_nobody_a_file(put: Put, tmp_path: Path, report: str) -> None:
    put("a.npz")
    (tmp_path / "x").touch()
    Path("marks/notes.txt").touch()
    text = Path("marks", SUMMARY).read_text("utf-8-sig").replace("a/report.html", report)
    Path("marks", SUMMARY).write_text(text)
    assert put("a.npz") == ["a.npz"]
    assert Path("marks/notes.txt").exists()
    assert (tmp_path / "x").exists()


def test_a_failure_on_the_way_leaves_everything_as_it_was(put: Put) -> None:
    put("a.npz")
    with pytest.raises(IsADirectoryError):  # a report that takes the summary's place
        put("a.npz", "b.npz", f"{SUMMARY}.npz")
    assert reports() == {"a": "1"}
    assert [line.file for line in earlier_lines(Path("marks"))] == ["a.npz"]


def test_a_spreadsheet_is_told_that_it_is_utf_8(put: Put) -> None:
    put("ä.npz")
    assert Path("marks", SUMMARY).read_bytes().startswith(b"\xef\xbb\xbffile,")


def test_the_digest_is_of_all_that_judges(tmp_path: Path) -> None:
    first, second, alike = (tmp_path / name for name in "123")
    for path, content in ((first, b"a"), (second, b"b"), (alike, b"a")):
        path.write_bytes(content)
    assert digest(first) == digest(alike)
    every = [digest(first), digest(second), digest(first, second), digest(first, first), digest(first, rtol=0.1)]
    assert len(set(every)) == len(every)


def test_a_letter_is_replaced_with_its_file_and_no_other_file_is_its_letter(tmp_path: Path) -> None:
    out = tmp_path / "marks"
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "own.md").write_text("mine")

    def call(name: str, text: str, letter: str = "") -> None:
        with marks_folder(out, [Path(name)], "r") as marks:
            written = marks.write_letter(Path(name).stem, text)
            marks.summarize([SummaryLine(name, "MATCH", letter=letter or written)], "r.npz", "en")

    call("a.npz", "first")
    call("b.npz", "of b")
    assert "a" in marks_taken(out, "c.npz")
    call("a.npz", "second", letter="../letters/own.md")
    call("a.npz", "third")
    assert {p.name: p.read_text() for p in (out / "letters").iterdir()} == {"a.md": "third", "b.md": "of b"}
    assert (tmp_path / "letters" / "own.md").read_text() == "mine"


def test_the_guide_lies_there_as_far_as_letters_and_page_lead_to_it(tmp_path: Path) -> None:
    out = tmp_path / "marks"

    def call(name: str, mistake: str, *letters: str) -> set[str]:
        with marks_folder(out, [Path(name)], "r") as marks:
            written = marks.write_letter(Path(name).stem, " ".join(f"[more](../guide/{m}.html)" for m in letters))
            marks.summarize([SummaryLine(name, "MISMATCH", mistake=mistake, letter=written)], "r.npz", "en")
            assert "guide" in marks.taken
        return {path.stem for path in (out / "guide").glob("*")}

    assert call("a.npz", "sign", "sign", "wrong_kernel", "unheard_of") == {"sign", "wrong_kernel"}
    assert call("b.npz", "transposed", "transposed") == {"sign", "wrong_kernel", "transposed"}
    assert call("a.npz", "") == {"transposed"}
    (out / "guide" / "index.html").write_text("all of it")
    assert call("a.npz", "sign", "sign") == {"transposed", "index"}


def marks_taken(out: Path, name: str) -> set[str]:
    with marks_folder(out, [Path(name)], "r") as marks:
        marks.summarize([], "r.npz", "en")
        return marks.taken
