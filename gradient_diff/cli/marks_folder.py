"""A folder of marks to which later calls add: reports and lines of files that a call does not name are kept."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from gradient_diff.desk.page import marks_page
from gradient_diff.guide.folder import pages_beside
from gradient_diff.guide.words import RECORDS, Language
from gradient_diff.render.folder import GUIDE, building_of, own_folder
from gradient_diff.render.summary import SummaryLine, summary_from_csv, summary_to_csv
from gradient_diff.wording import printable

SUMMARY, PAGE, LETTERS = "summary.csv", "index.html", "letters"
_JUDGED_BY = ".judged-by"  # the digest of the reference and of what names the noise
_OWN = (SUMMARY, PAGE, _JUDGED_BY, ".gradient-diff")
_ENCODING = "utf-8-sig"  # without its mark a spreadsheet takes UTF-8 for something else
_LINK = rf"\(\.\./{GUIDE}/(\w+)\.html\)"  # of a letter to the guide
_CURE = "Choose another --out, or remove that folder first."


def digest(reference: Path, noise: Path | None = None, rtol: float | None = None, layout: str | None = None) -> str:
    """What files were held against: the bytes of the reference, and how much was called rounding."""
    total = hashlib.sha256(f"{rtol!r}{layout or ''}".encode())
    for path in (reference, *([noise] if noise else [])):
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


@dataclass(frozen=True)
class Marks:
    """A folder of marks that is being built.

    Attributes:
        folder: to write reports into.
        judged_by: see `digest`.
        earlier: lines of earlier calls.
        named: what tells apart the files of this call, whose earlier lines are replaced.
    """

    folder: Path
    judged_by: str
    earlier: tuple[SummaryLine, ...]
    named: frozenset[str]

    @property
    def kept(self) -> list[SummaryLine]:
        """Lines of files that this call does not name."""
        return [line for line in self.earlier if _key(line.file) not in self.named]

    @property
    def replaced(self) -> set[str]:
        """Folders of earlier reports on the files of this call."""
        return {_report_folder(line) for line in self.earlier if _key(line.file) in self.named}

    @property
    def taken(self) -> set[str]:
        """Names in the folder that a new report cannot have."""
        present = {path.name for path in self.folder.iterdir()} | {_report_folder(line) for line in self.kept} - {""}
        return present | {PAGE, LETTERS, GUIDE} | {Path(_letter(line)).stem for line in self.kept if _letter(line)}

    def write_letter(self, name: str, text: str) -> str:
        """Put a letter where it belongs, and say where that is."""
        place = self.folder / LETTERS / f"{name}.md"
        place.parent.mkdir(exist_ok=True)
        place.write_text(text, "utf-8", newline="\n")
        return f"{LETTERS}/{place.name}"

    def summarize(self, lines: Sequence[SummaryLine], reference: str, language: Language) -> None:
        """Write summary, page and guide; earlier lines keep their order, new ones stand where their file's did."""
        new: dict[str, list[SummaryLine]] = {}
        for line in lines:
            new.setdefault(_key(line.file), []).append(line)
        every = []
        for line in self.earlier:
            key = _key(line.file)
            every += new.pop(key, []) if key in self.named else [line]
        every += [line for rest in new.values() for line in rest]
        (self.folder / SUMMARY).write_text(summary_to_csv(every), _ENCODING, newline="\n")
        (self.folder / PAGE).write_text(marks_page(every, reference, language), "utf-8", newline="\n")
        (self.folder / _JUDGED_BY).write_text(f"{self.judged_by}\n", "utf-8")
        self._write_guide({line.mistake for line in every})

    def _write_guide(self, mistakes: set[str]) -> None:
        """The pages of the guide that the page and the letters link, those of earlier calls, too; and no others."""
        guide, letters = self.folder / GUIDE, (self.folder / LETTERS).glob("*.md")
        if guide.is_symlink() or (guide / "index.html").exists():
            return  # somebody has put the whole guide there
        linked = {found for path in letters for found in re.findall(_LINK, path.read_text("utf-8", "replace"))}
        for name in RECORDS:
            (guide / f"{name}.html").unlink(missing_ok=True)
        pages = pages_beside([name for name in RECORDS if name in mistakes | linked], (f"../{PAGE}", "All files"))
        for name, text in pages.items():
            guide.mkdir(exist_ok=True)
            (guide / f"{name}.html").write_text(text, "utf-8", newline="\n")


@contextmanager
def marks_folder(out: Path, files: Sequence[Path], judged_by: str) -> Iterator[Marks]:
    """Build a folder of marks, whole or not at all; whatever is in it of other files stays."""
    with own_folder(out) as target:  # read under its lock: another run may just have added marks
        marks = Marks(out, judged_by, tuple(earlier_lines(out)), frozenset(_key(str(file)) for file in files))
        if marks.kept and _read(out / _JUDGED_BY).strip() != judged_by:
            raise _refused(
                f"{printable(str(out))} holds marks of {len(marks.kept)} other files against another reference, or "
                "with another --float64, --repeat, --rtol or --layout"
            )
        with building_of(target) as building:
            _copy(out, building, marks.replaced)
            for line in marks.earlier:
                if _key(line.file) in marks.named and (letter := _letter(line)):
                    (building / letter).unlink(missing_ok=True)
            yield replace(marks, folder=building)


def earlier_lines(out: Path) -> list[SummaryLine]:
    """The summary of a folder of marks."""
    present = {path.name for path in out.iterdir()} if out.is_dir() else set()
    if not present - {".gradient-diff"} or ".gradient-diff" not in present:
        return []
    if not {SUMMARY, _JUDGED_BY} <= present:
        raise _refused(f"{printable(str(out))} holds results that are no marks, or of an earlier version")
    try:
        return summary_from_csv(_read(out / SUMMARY))
    except ValueError as error:
        raise _refused(f"{printable(str(out / SUMMARY))} was changed: {error}") from None


def _refused(text: str) -> FileExistsError:
    return FileExistsError(errno.EEXIST, f"{text}. {_CURE} What stands there is untouched.")


def _read(path: Path) -> str:
    with path.open(encoding=_ENCODING, newline="") as file:
        return file.read()


def _key(file: str) -> str:
    """Two ways to one file are one; the summary puts an apostrophe before what looks like a formula."""
    return os.path.abspath(re.sub("^'(?=[-=+@])", "", printable(file)))  # noqa: PTH100  (resolve() follows links)


def _report_folder(line: SummaryLine) -> str:
    """The folder of a report; a summary edited by hand may say anything, such as somebody's own file."""
    parts = Path(line.report).parts
    return parts[0] if len(parts) == 2 else ""


def _letter(line: SummaryLine) -> str:
    """The letter of a line, as suspiciously."""
    parts = Path(line.letter).parts
    return line.letter if len(parts) == 2 and parts[0] == LETTERS and parts[1].endswith(".md") else ""


def _copy(out: Path, building: Path, replaced: set[str]) -> None:
    if not out.is_dir():
        return
    for path in out.iterdir():
        if path.name in _OWN or path.name in replaced:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, building / path.name, symlinks=True)
        else:
            shutil.copy2(path, building / path.name, follow_symlinks=False)
