"""A folder that appears whole or not at all, and a diff's report in it."""

from __future__ import annotations

import errno
import glob
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from gradient_diff.files.diff_json import read_diff
from gradient_diff.render import sheet
from gradient_diff.render.causes import named
from gradient_diff.render.figures.panels import Drawn, panels_of
from gradient_diff.render.figures.panels_file import load_panels, save_panels
from gradient_diff.render.figures.saving import save_figures
from gradient_diff.render.html import to_html
from gradient_diff.render.ledgers import ledger_data
from gradient_diff.render.locking import BusyError, exchanged, locked
from gradient_diff.render.provenance import provenance
from gradient_diff.render.tables import to_csv, to_json, to_markdown
from gradient_diff.result.diff import GradientDiff
from gradient_diff.shown import guide_pages

MARKER = ".gradient-diff"
REPORT, GUIDE, FIGURES = "report.html", "guide", "figures"
_BUILDING = ".building"  # ends the name of a folder to build in: whoever finds one under the lock may remove it
_CURES = {
    errno.ENOSPC: "The disk is full: free some space, or choose a folder on another disk.",
    errno.EDQUOT: "Your disk quota is used up: free some space, or choose a folder on another disk.",
    errno.EROFS: "The disk is read-only: choose a folder elsewhere.",
    errno.EACCES: "You may not write there: choose another folder, or change its permissions.",
    errno.EPERM: "You may not write there: choose another folder, or change its permissions.",
    errno.ENOTDIR: "A part of that path is a file, not a folder: choose another folder, or move the file away.",
    errno.EEXIST: "A part of that path is a file, not a folder: choose another folder, or move the file away.",
    errno.ENAMETOOLONG: "The name is too long: choose a shorter one.",
}


@contextmanager
def whole_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Build a folder beside its place and rename it last: it appears whole or not at all.

    What stood there before is replaced as a whole, and stays untouched if anything fails on the way, Ctrl-C included; a
    process that is killed leaves the old folder or the new one, and what else it leaves the next run removes. A folder
    with files in it is replaced only where it was written this way (it then holds a file `.gradient-diff`). Another run
    into the same folder waits for ten seconds, and then refuses.

    Args:
        path: the folder; its parents are made where they are missing.

    Yields:
        The folder to write into.

    Raises:
        OSError: it cannot be written, or the disk is full; the text names the folder and the cure.
        FileExistsError: the path is a file, the working directory, a folder with files of somebody else, or one that
            another process is writing.

    Example:
        >>> import tempfile
        >>> place = Path(tempfile.mkdtemp()) / "run"
        >>> with whole_folder(place) as folder:
        ...     _ = (folder / "result.txt").write_text("42")
        >>> (place / "result.txt").read_text()
        '42'
    """
    with own_folder(path) as target, building_of(target) as building:
        yield building


@contextmanager
def own_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A folder that may be written and that no other process writes meanwhile, resolved; for `building_of`."""
    target = Path(path).resolve()
    _check_replaceable(target)
    with ExitStack() as stack:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(target))
            _remove_leftovers(target)
        except BusyError:
            raise
        except OSError as error:
            raise _explained(error, target, None) from error
        yield target


@contextmanager
def building_of(target: Path) -> Iterator[Path]:
    """Where the new folder is built, which takes the target's place at the end; of an `own_folder`."""
    beside = target.parent / f".{target.name}-{secrets.token_hex(8)}{_BUILDING}"  # named before it is: signals may come
    try:
        beside.mkdir(mode=0o700)
        building = beside / "new"
        building.mkdir()  # inside, as the one around is closed to all other users
        (building / MARKER).write_text("Written by gradient-diff, which replaces this folder as a whole.\n", "utf-8")
        yield building
        _put_in_place(building, target, beside / "previous")
    except OSError as error:
        raise _explained(error, target, beside) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def write_report(
    diff: GradientDiff,
    folder: str | os.PathLike[str],
    title: str | None = None,
    manifest: Mapping[str, Any] | None = None,
) -> Path:
    """Write tables, figures, manifest.json and report.html into a folder, whole or not at all.

    The page links the field guide's pages of the mistakes that it names; these lie beside it in the folder guide.

    Tables and diff.json hold no time and no folder; date and command stand in manifest.json and at the page's foot,
    and the date is that of `SOURCE_DATE_EPOCH` where it is set. panels.npz holds what heat maps are drawn of, so that
    `gradient-diff report` draws the page again. The smallest case that shows an unexplained difference, where one was
    found, is saved as smallest.npz.

    Args:
        diff: the comparison.
        folder: where to; see `whole_folder`.
        title: of the page.
        manifest: how the result was made, name → value, beside what is known anyway: a seed, for instance.

    Returns:
        The path of report.html.

    Raises:
        OSError: as `whole_folder`.
        TypeError: `diff` is no GradientDiff.

    Example:
        >>> import numpy as np, tempfile
        >>> from gradient_diff import compare
        >>> page = write_report(compare({"w": np.eye(2)}, {"w": np.eye(2)}), Path(tempfile.mkdtemp()) / "run")
        >>> page.name, sorted(p.name for p in page.parent.glob("*.[cj]s*"))  # and Markdown, panels, figures
        ('report.html', ['diff.csv', 'diff.json', 'ledger.csv', 'manifest.json'])
    """
    if not isinstance(diff, GradientDiff):
        raise TypeError(
            f"write_report: diff is {type(diff).__name__}: expected one GradientDiff, as compare returns it."
        )
    with whole_folder(folder) as building:
        save_tables(diff, building)
        if diff.smallest is not None:
            diff.smallest.evaluation.save(building / "smallest.npz")
        drawn, facts = panels_of(diff), provenance(diff, manifest)
        save_panels(drawn, [row.name for row in diff.rows], building / "panels.npz")
        _text(building / "manifest.json", json.dumps({"title": title, **facts}, indent=2, ensure_ascii=False) + "\n")
        draw_report(diff, drawn, title, facts, building)
    return Path(folder) / REPORT


def redraw(folder: str | os.PathLike[str]) -> Path:
    """Draw figures and pages of a report's folder again, from what is saved in it; all else in it stays."""
    place = Path(folder)
    diff, facts = read_diff(place / "diff.json"), _facts(place / "manifest.json")
    drawn = load_panels(place / "panels.npz", [row.name for row in diff.rows])
    with whole_folder(place) as building:
        for path in place.iterdir():
            if path.name not in (MARKER, FIGURES, GUIDE, REPORT):
                (shutil.copytree if path.is_dir() else shutil.copy2)(path, building / path.name)
        draw_report(diff, drawn, facts.pop("title", None), facts, building)
    return place / REPORT


def _facts(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path.name} is no JSON: {error}") from None
    if not isinstance(facts, dict):
        raise ValueError(f"{path.name}: expected an object with fields. Write the report again.")  # noqa: TRY004  # of a file
    return facts


def draw_report(diff: GradientDiff, drawn: Drawn, title: str | None, facts: Mapping[str, Any], folder: Path) -> None:
    """Figures, the page, and what the guide says of the mistakes that it names."""
    save_figures(diff, drawn, folder / FIGURES)
    _text(folder / REPORT, to_html(diff, title, drawn, manifest=facts, guide=guide_beside([diff], folder)))


def guide_beside(diffs: Iterable[GradientDiff], folder: str | os.PathLike[str]) -> list[str]:
    """Write the field guide's pages of all mistakes that comparisons name into `guide/`, beside a report.html.

    Args:
        diffs: the comparisons.
        folder: of the report.

    Returns:
        The mistakes that have a page there.

    Example:
        >>> import numpy as np, tempfile
        >>> from gradient_diff import compare
        >>> folder = Path(tempfile.mkdtemp())
        >>> guide_beside([compare({"w": -np.eye(2)}, {"w": np.eye(2)}, rtol=1e-6)], folder)
        ['sign']
        >>> [path.name for path in (folder / "guide").iterdir()]
        ['sign.html']
    """
    pages = guide_pages(named(cause for diff in diffs for cause in diff.causes), (f"../{REPORT}", "The report"))
    for name, text in pages.items():
        place = Path(folder) / GUIDE / f"{name}.html"
        place.parent.mkdir(exist_ok=True)
        _text(place, text)
    return list(pages)


def save_tables(diff: GradientDiff, folder: str | os.PathLike[str], stem: str = "diff") -> list[Path]:
    """Write the rows as CSV, JSON and Markdown, and the ledger as CSV."""
    ledger = "ledger.csv" if stem == "diff" else f"{stem}_ledger.csv"
    texts = {
        f"{stem}.csv": to_csv(diff),
        f"{stem}.json": to_json(diff),
        f"{stem}.md": to_markdown(diff),
        ledger: sheet.to_csv(ledger_data(diff.ledger)),
    }
    for name, text in texts.items():
        _text(Path(folder) / name, text)
    return [Path(folder) / name for name in texts]


def _text(path: Path, text: str) -> None:
    path.write_text(text, "utf-8", newline="\n")


def _check_replaceable(target: Path) -> None:
    if Path.cwd().is_relative_to(target):
        text = f"{target} is the folder that you are in, or around it. Choose one for the results alone."
        raise FileExistsError(errno.EEXIST, text)
    if target.is_file():
        text = f"{target} is a file. Choose another folder for the results, or move the file away."
        raise FileExistsError(errno.EEXIST, text)
    if target.is_dir() and not (target / MARKER).exists() and any(target.iterdir()):
        raise FileExistsError(
            errno.EEXIST,
            f"{target} holds files that gradient-diff did not write, and would replace. "
            "Choose a new folder, or empty this one first.",
        )


def _remove_leftovers(target: Path) -> None:
    """What a killed run has left: the previous folder, if it was on its way, comes back, and the rest goes."""
    for beside in target.parent.glob(f".{glob.escape(target.name)}-{'[0-9a-f]' * 16}{_BUILDING}"):
        if (beside / "previous").exists() and not target.exists():
            (beside / "previous").replace(target)
        shutil.rmtree(beside, ignore_errors=True)


def _put_in_place(building: Path, target: Path, previous: Path) -> None:
    if target.is_dir() and exchanged(building, target):
        return  # so that a process that is killed leaves one of the two
    try:
        if target.exists():
            target.replace(previous)
        building.replace(target)
    except BaseException:  # Ctrl-C between the two as well
        if previous.exists() and not target.exists():
            previous.replace(target)
        raise


def _explained(error: OSError, target: Path, beside: Path | None) -> OSError:
    """The error with folder and cure; one about another place, such as a file that the caller reads, as it is."""
    if error.errno not in _CURES or _is_elsewhere(error, target, beside):
        return error
    what = f"The results could not be written to {target}: {error.strerror}."
    return OSError(error.errno, f"{what} {_CURES[error.errno]} What stood there before is untouched.")


def _is_elsewhere(error: OSError, target: Path, beside: Path | None) -> bool:
    if beside is None or not isinstance(error.filename, str | os.PathLike):
        return False  # nothing of the caller's has run yet, or no name is told, as with a full disk
    return not Path(error.filename).resolve().is_relative_to(target.parent)
