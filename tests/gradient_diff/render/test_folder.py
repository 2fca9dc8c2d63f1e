import dataclasses
import errno
import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gradient_diff import Cause, GradientDiff, compare, write_report
from gradient_diff.render.folder import save_tables, whole_folder
from gradient_diff.render.html import to_html
from manual_mlp import Evaluation

REPORT = [
    *(".gradient-diff", "diff.csv", "diff.json", "diff.md", "figures", "guide", "ledger.csv", "manifest.json"),
    *("panels.npz", "report.html"),
]


@pytest.fixture
def previous(tmp_path: Path) -> Path:
    """A folder with a result of an earlier run."""
    with whole_folder(tmp_path / "run") as folder:
        (folder / "result.txt").write_text("earlier")
    return tmp_path / "run"


@contextmanager
def _intact(previous: Path) -> Iterator[None]:
    """Whatever happens inside, the earlier result stands and nothing lies beside it."""
    yield
    assert (previous / "result.txt").read_text() == "earlier"
    assert [p.name for p in previous.parent.iterdir()] == ["run"]


def test_the_guard_can_fail(previous: Path) -> None:
    with pytest.raises(AssertionError), _intact(previous):
        (previous.parent / ".run-leftover").mkdir()


def test_a_report_is_written_whole(mixed: GradientDiff, tmp_path: Path) -> None:
    page = write_report(mixed, tmp_path / "a" / "b", "My title", {"seed": 3})
    assert page == tmp_path / "a" / "b" / "report.html"
    assert sorted(p.name for p in page.parent.iterdir()) == REPORT
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b"]
    text = page.read_text("utf-8")
    assert "My title</title>" in text
    assert "seed" in text
    assert "data:image" not in text
    figures = sorted(path.name for path in (page.parent / "figures").iterdir())
    assert figures == ["array_1_dense_1_dE_dbias.svg", "difference_per_layer.svg", "network.svg"]
    assert json.loads((page.parent / "diff.json").read_text("utf-8"))["verdict"] == "SHAPE"


def test_the_same_diff_gives_the_same_bytes(
    different: GradientDiff, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    first, second = (write_report(different, tmp_path / name).parent for name in "ab")
    files = [p.relative_to(first) for p in first.rglob("*") if p.is_file()]
    assert len(files) == 11
    assert all((first / f).read_bytes() == (second / f).read_bytes() for f in files)


def dead_links(folder: Path) -> list[str]:
    """What pages of a folder link, in it or in each other, and is not there."""
    links = ((page, to) for page in folder.rglob("*.html") for to in re.findall(r'href="(.*?)"', page.read_text()))
    return [f"{page.name} → {to}" for page, to in links if not to.startswith("#") and not (page.parent / to).is_file()]


def test_each_mistake_that_the_page_names_has_its_page_of_the_guide_beside_it_and_no_other(
    evaluation: Evaluation, tmp_path: Path
) -> None:
    diff = compare({name: 7 * array for name, array in evaluation.gradients.items()}, evaluation)
    page = write_report(diff, tmp_path / "run")
    names = {"missing_batch_mean", *diff.causes[0].same_as}
    assert {path.stem for path in (page.parent / "guide").iterdir()} == names
    text = page.read_text("utf-8")
    assert set(re.findall(r'href="guide/(\w+)\.html"', text)) == names
    assert "gradient-diff explain" not in text
    assert dead_links(page.parent) == []
    (page.parent / "guide" / "missing_batch_mean.html").unlink()
    assert "report.html → guide/missing_batch_mean.html" in dead_links(page.parent)


def test_a_page_alone_names_the_command(evaluation: Evaluation) -> None:
    text = to_html(compare({name: -array for name, array in evaluation.gradients.items()}, evaluation))
    assert "gradient-diff explain sign" in text
    assert "guide/" not in text


def test_what_the_guide_does_not_know_is_not_linked(different: GradientDiff, tmp_path: Path) -> None:
    cause = Cause("../../etc", "", "it is <b>", "", "", 1.0, same_as=("sign", "unheard_of"))
    page = write_report(dataclasses.replace(different, causes=(cause,)), tmp_path / "run")
    assert [path.name for path in (page.parent / "guide").iterdir()] == ["sign.html"]
    assert dead_links(page.parent) == []


def test_the_folder_appears_only_at_the_end(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "run") as folder:
        (folder / "a").write_text("1")
        assert not (tmp_path / "run").exists()
    assert (tmp_path / "run" / "a").read_text() == "1"


def test_a_later_run_replaces_the_whole_folder(previous: Path) -> None:
    with whole_folder(previous) as folder:
        assert (previous / "result.txt").read_text() == "earlier"
        (folder / "other.txt").write_text("later")
    assert sorted(p.name for p in previous.iterdir()) == [".gradient-diff", "other.txt"]
    assert [p.name for p in previous.parent.iterdir()] == ["run"]


def test_the_folder_is_as_open_to_others_as_any_new_one(previous: Path) -> None:
    plain = previous.parent / "plain"
    plain.mkdir()
    assert stat.S_IMODE(previous.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt, SystemExit, MemoryError])
def test_a_failure_leaves_the_previous_results_alone(previous: Path, failure: type[BaseException]) -> None:
    def fail_half_way() -> None:
        with whole_folder(previous) as folder:
            (folder / "result.txt").write_text("half")
            raise failure

    with _intact(previous), pytest.raises(failure):
        fail_half_way()


def test_ctrl_c_between_the_two_renames_brings_the_previous_results_back(
    previous: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, calls = Path.replace, []

    monkeypatch.setattr("gradient_diff.render.folder.exchanged", lambda one, other: False)

    def interrupted(self: Path, target: Path) -> Path:
        calls.append(self.name)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with _intact(previous), pytest.raises(KeyboardInterrupt), whole_folder(previous):
        pass
    assert calls == ["run", "new", "previous"]


def test_a_full_disk_while_a_report_is_written(
    previous: Path, different: GradientDiff, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_text

    def full(self: Path, *args: str, **kwargs: str) -> int:
        if self.name == "report.html":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(self, *args, **kwargs)

    monkeypatch.setattr(Path, "write_text", full)
    with _intact(previous), pytest.raises(OSError, match="The disk is full: free some space") as caught:
        write_report(different, previous)
    assert f"The results could not be written to {previous}: No space left on device." in str(caught.value)
    assert "What stood there before is untouched." in str(caught.value)
    assert caught.value.errno == errno.ENOSPC


def test_a_parent_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make = Path.mkdir

    def refused(self: Path, *args: Any, **kwargs: Any) -> None:
        if self.parent == tmp_path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))
        make(self, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", refused)
    with (
        pytest.raises(PermissionError, match="You may not write there: choose another folder") as caught,
        whole_folder(tmp_path / "run"),
    ):
        pytest.fail("it must not begin")
    assert str(tmp_path / "run") in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_signal_right_after_the_folder_is_made_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = os.mkdir

    def interrupted(path: Any, *args: Any, **kwargs: Any) -> None:
        make(path, *args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "mkdir", interrupted)
    with pytest.raises(KeyboardInterrupt), whole_folder(tmp_path / "run"):
        pytest.fail("it must not begin")
    assert list(tmp_path.iterdir()) == []


def test_a_parent_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file" / "run", tmp_path / "file" / "a" / "run"):
        with pytest.raises(OSError, match="A part of that path is a file, not a folder") as caught, whole_folder(place):
            pytest.fail("it must not begin")
        assert str(place) in str(caught.value)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_path_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with (
        pytest.raises(FileExistsError, match=r"file is a file\. Choose another folder"),
        whole_folder(tmp_path / "file"),
    ):
        pytest.fail("it must not begin")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_with_files_of_somebody_else_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with (
        pytest.raises(FileExistsError, match="holds files that gradient-diff did not write, and would replace"),
        whole_folder(tmp_path),
    ):
        pytest.fail("it must not begin")
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_an_empty_folder_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with whole_folder(tmp_path / "run") as folder:
        (folder / "a").write_text("1")
    assert (tmp_path / "run" / "a").exists()


def test_a_symbolic_link_keeps_pointing_to_the_new_folder(previous: Path) -> None:
    link = previous.parent / "latest"
    link.symlink_to(previous)
    with whole_folder(link) as folder:
        (folder / "a").write_text("1")
    assert link.is_symlink()
    assert (previous / "a").read_text() == "1"


def test_an_error_about_another_file_stays_as_it_is(previous: Path) -> None:
    with _intact(previous), pytest.raises(FileNotFoundError) as caught, whole_folder(previous):
        Path("/nowhere/input.csv").read_text()
    assert caught.value.filename == "/nowhere/input.csv"
    assert "could not be written" not in str(caught.value)


def test_tables_of_several_diffs_stand_side_by_side(match: GradientDiff, mixed: GradientDiff, tmp_path: Path) -> None:
    paths = save_tables(match, tmp_path, "step_0") + save_tables(mixed, tmp_path, "step_1")
    assert len(set(paths)) == 8
    assert all(path.read_bytes() and b"\r" not in path.read_bytes() for path in paths)


def test_what_is_no_diff_is_refused_before_anything_is_written(different: GradientDiff, tmp_path: Path) -> None:
    with pytest.raises(
        TypeError, match=r"^write_report: diff is list: expected one GradientDiff, as compare returns it\.$"
    ):
        write_report([different], tmp_path / "a" / "report")  # type: ignore[arg-type]  # on purpose
    assert not (tmp_path / "a").exists()
