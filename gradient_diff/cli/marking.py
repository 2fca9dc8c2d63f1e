"""Files of gradients held against a reference, one after the other; a bad file is a line, and the others go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from gradient_diff.cli.folder_names import folder_names
from gradient_diff.cli.marks_folder import Marks, marks_folder
from gradient_diff.cli.names import named
from gradient_diff.cli.reference import Reference, check_no_handout
from gradient_diff.comparison import compare
from gradient_diff.desk.letters import letter
from gradient_diff.files.capture import read_capture, two_captures
from gradient_diff.files.naming import Rule, listed, matched, renamed, unused_rules
from gradient_diff.files.reading import read_within
from gradient_diff.guide.words import Language
from gradient_diff.metrics.measuring import worst_entries
from gradient_diff.metrics.record import Entry
from gradient_diff.render.folder import write_report
from gradient_diff.render.summary import SummaryLine, summary_line, unreadable
from gradient_diff.result.diff import GradientDiff
from gradient_diff.running.loading import is_code
from gradient_diff.running.process import Apart, Given
from gradient_diff.source.attached import of_one_story
from gradient_diff.wording import printable
from manual_mlp import Evaluation
from manual_mlp.extend import Arrays

Reports = Literal["wrong", "all", "none"]
MANY = 20


@dataclass(frozen=True, eq=False)
class Marked:
    """What came of one file.

    Attributes:
        line: of the summary.
        diff: the comparison, without its arrays; None where there is none.
        entries: the worst, where they were asked for.
    """

    line: SummaryLine
    diff: GradientDiff | None = None
    entries: Mapping[str, Sequence[Entry]] = field(default_factory=dict)

    def code(self, allow_kinks: bool = False, allow_vacuous: bool = False) -> int:
        """0 proved right, 1 something is wrong or different, 2 not proved or not read."""
        return 2 if self.diff is None else self.diff.exit_code(allow_kinks, allow_vacuous)


def exit_code(marked: Sequence[Marked], allow_kinks: bool, allow_vacuous: bool) -> int:
    """Of all together: 1 if one is wrong or different, else 2 if one is not all proved or was not read, else 0."""
    codes = {one.code(allow_kinks, allow_vacuous) for one in marked}
    return 1 if 1 in codes else max(codes, default=2)


def mark(
    files: Sequence[Path],
    reference: Reference,
    rules: Sequence[Rule] = (),
    top: int = 0,
    out: Path | None = None,
    turns: Iterable[Path] | None = None,
    layout: str | None = None,
    reports: Reports | None = None,
    apart: Apart | None = None,
    language: Language = "en",
) -> list[Marked]:
    """Compare each file with the reference; of more than MANY the right ones get no report, if nothing else is said.

    Code is run where it is said how, and else refused.
    """
    wanted = reports or ("wrong" if len(files) > MANY else "all")
    with _destination(out, files, reference) as marks:
        folders = folder_names(files, marks.taken if marks else ())
        marked = []
        for file, folder in zip(turns or files, folders, strict=True):
            place = None if marks is None else marks.folder / folder
            one = _mark(file, reference, rules, top, place, layout, wanted, apart)
            if marks is not None:
                text = letter(one.line, one.diff, language)
                one = replace(one, line=replace(one.line, letter=marks.write_letter(folder, text)))
            marked.append(one)
        if marks is not None:
            marks.summarize([one.line for one in marked], Path(reference.origin).name, language)
    return marked


def check_rules(files: Sequence[Path], reference: Reference, rules: Sequence[Rule]) -> None:
    """Refuse a rule that is of use in none of the files, unless all names are right without it."""
    unused = list(rules)
    odd: list[str] = []
    for file in files:
        if not unused:
            return
        try:
            arrays = read_within(file, reference.most)
        except (OSError, ValueError):
            continue
        if not isinstance(arrays, Evaluation):
            unused = [rule for rule in unused if rule in unused_rules(arrays, rules)]
            odd += [] if _all_known(arrays, reference, rules) else arrays
    if unused and odd:
        raise ValueError(
            f"The pattern '{printable(unused[0][0].pattern)}' is found in none of {listed(dict.fromkeys(odd))}."
        )


def _all_known(arrays: Arrays, reference: Reference, rules: Sequence[Rule]) -> bool:
    try:
        named = matched(renamed(arrays, rules), reference.parameters, reference.others)
    except ValueError:
        return False
    return named.keys() <= {*reference.parameters, *reference.others}


@contextmanager
def _destination(out: Path | None, files: Sequence[Path], reference: Reference) -> Iterator[Marks | None]:
    if out is None:
        yield None
        return
    with marks_folder(out, files, reference.judged_by) as marks:
        yield marks


def _mark(
    file: Path,
    reference: Reference,
    rules: Sequence[Rule],
    top: int,
    place: Path | None,
    layout: str | None,
    wanted: Reports,
    apart: Apart | None,
) -> Marked:
    try:
        diff = _compared(file, reference, rules, layout, apart)
    except OSError as error:
        return Marked(unreadable(str(file), f"It cannot be opened: {error.strerror or error}."))
    except (ValueError, TypeError) as error:
        return Marked(unreadable(str(file), str(error)))
    except MemoryError:
        return Marked(unreadable(str(file), "It is too large for this machine's memory."))
    except Exception as error:  # noqa: BLE001  # whatever it is, the other files are marked
        return Marked(unreadable(str(file), f"It cannot be compared: {type(error).__name__}: {error}."))
    names = [row.name for row in diff.rows]
    entries = worst_entries(diff.hand, diff.reference, names, top) if top else {}
    place = place if wanted == "all" or (wanted == "wrong" and not diff.ok) else None
    if place is not None:
        write_report(diff, place, printable(f"{file.name} against {Path(reference.origin).name}"))
    line = summary_line(str(file), diff, f"{place.name}/report.html" if place else "")
    return Marked(line, _without_arrays(diff), entries)


def _compared(
    file: Path, reference: Reference, rules: Sequence[Rule], layout: str | None, apart: Apart | None
) -> GradientDiff:
    given = _given(file, reference, rules, layout, apart)
    own = None if reference.captured is None or is_code(file) else read_capture(file)
    noise = reference.captured.noise(own) if reference.captured else reference.noise
    diff = compare(given.gradients, reference.side, noise=noise, rtol=reference.rtol, layout=layout)
    if reference.captured and own:
        diff = replace(diff, notes=(two_captures(own, reference.captured), *diff.notes))
    mine, right = printable(str(file)), printable(reference.origin)
    diff = replace(diff, hand_origin=mine, reference_origin=right, changed=given.changed)
    return diff if given.code is None else of_one_story(diff, given.code)


def _given(file: Path, reference: Reference, rules: Sequence[Rule], layout: str | None, apart: Apart | None) -> Given:
    """The gradients of a file, under the reference's names where they have names."""
    if not is_code(file):
        return Given(_named(file, read_within(file, reference.most), reference, rules, layout))
    if apart is None:
        raise ValueError(f"{printable(str(file))} is code, and none of it was run: --run-code does.")
    given = apart.run(file, reference.most)
    arrays = given.gradients
    plain = isinstance(arrays, Mapping) and all(isinstance(a, np.ndarray) for a in arrays.values())
    return replace(given, gradients=_named(file, arrays, reference, rules, layout)) if plain else given


def _named(
    file: Path, hand: Evaluation | Arrays, reference: Reference, rules: Sequence[Rule], layout: str | None
) -> Evaluation | Arrays:
    if isinstance(hand, Evaluation):
        if rules:
            raise ValueError(f"{file} is a saved Evaluation, whose names belong to its network: --rename has no use.")
        return hand
    arrays = dict(named(renamed(hand, rules), reference, layout))
    check_no_handout(file, arrays, reference)
    return arrays


def hint(marked: Sequence[Marked], reference: Reference) -> str:
    """What the order of the files tells: the reference is among its own judged, or swapped with one; else empty.

    Swapped is what knows its network, is held against one that does not, and disagrees.
    """
    itself = [one.line.file for one in marked if Path(one.line.file).resolve() == Path(reference.origin).resolve()]
    if itself:
        return f"Hint: {printable(itself[0])} was held against itself, which proves nothing."
    knowing = [one for one in marked if one.diff is not None and one.diff.problem is not None and not one.diff.ok]
    if isinstance(reference.side, Evaluation) or not knowing:
        return ""
    mine, last = printable(knowing[0].line.file), printable(reference.origin)
    return f"Hint: {mine} knows its network and {last} does not. Are the two swapped? The reference comes last."


def _without_arrays(diff: GradientDiff) -> GradientDiff:
    """Names and shapes only: of forty large submissions the arrays alone would fill the memory."""
    hand, reference = (
        {name: np.broadcast_to(np.zeros((), a.dtype), a.shape) for name, a in side.items()}
        for side in (diff.hand, diff.reference)
    )
    return replace(diff, hand=hand, reference=reference)
