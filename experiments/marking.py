"""Files of gradients held against a reference, one after the other; a bad file is a line, and the others go on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.folder_names import folder_names
from gradient_diff import GradientDiff, Status, compare, measured_noise
from gradient_diff.files import matched, read_gradients, renamed
from gradient_diff.metrics import Entry
from gradient_diff.render import (
    SummaryLine,
    printable,
    summary_line,
    summary_to_csv,
    unreadable,
    whole_folder,
    worst_entries,
    write_report,
)
from manual_mlp import Evaluation, Noise, gradient_node

Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Reference:
    """What all files are held against.

    Attributes:
        side: an Evaluation, or name → array.
        parameters: parameter → gradient, in order; empty if the file keeps no order.
        others: more names.
        origin: the file's name.
        noise: how much rounding to expect, where the caller names it.
        rtol: or his own tolerance.

    Example:
        >>> import numpy as np
        >>> reference_of({"w": np.ones(2)}, "reference.npz").parameters
        {'w': array([1., 1.])}
    """

    side: Evaluation | Arrays
    parameters: Arrays
    others: tuple[str, ...]
    origin: str
    noise: Noise | None = None
    rtol: float | None = None


@dataclass(frozen=True, eq=False)
class Marked:
    """What came of one file.

    Attributes:
        line: of the summary.
        diff: the comparison, without its arrays; None where there is none.
        entries: the worst, where they were asked for.

    Example:
        >>> Marked(unreadable("a.npz", "it is empty")).code(allow_kinks=False)
        2
    """

    line: SummaryLine
    diff: GradientDiff | None = None
    entries: Mapping[str, Sequence[Entry]] = field(default_factory=dict)

    def code(self, allow_kinks: bool) -> int:
        """0 proved right, 1 something is wrong or different, 2 nothing could be proved or read."""
        status = self.line.status
        if status is None:
            return 2
        return 1 if status is Status.KINK and not allow_kinks else status.exit_code


def exit_code(marked: Sequence[Marked], allow_kinks: bool) -> int:
    """Of all files together: 2 if one could not be read, else 1 if one is wrong, 2 if one proves nothing, else 0.

    Example:
        >>> right, wrong, empty = (Marked(SummaryLine("a", v)) for v in ("MATCH", "MISMATCH", "VACUOUS"))
        >>> exit_code([right], False), exit_code([right, wrong, empty], False), exit_code([right, empty], False)
        (0, 1, 2)
    """
    codes = {one.code(allow_kinks) for one in marked}
    if any(one.line.status is None for one in marked):
        return 2
    return 1 if 1 in codes else max(codes, default=2)


def reference_of(side: Evaluation | Arrays, origin: str) -> Reference:
    """Names and order of a reference; only an archive and an Evaluation keep an order.

    Example: see `Reference`.
    """
    if isinstance(side, Evaluation):
        parameters = {
            name: side.gradients[name] for name in side.problem.mlp.parameter_shapes if name in side.gradients
        }
        nodes = {gradient_node(name) for name in parameters}  # they have the parameter's name
        return Reference(side, parameters, tuple(name for name in side.nodes if name not in nodes), origin)
    kept = origin.lower().endswith(".npz")
    return Reference(side, side if kept else {}, () if kept else tuple(side), origin)


def with_noise(reference: Reference, path: Path, float64: bool) -> Reference:
    """Rounding measured from a second set of the reference's gradients.

    A tensor of which both sets are bit-equal says nothing of rounding, and is left out.

    Args:
        reference: so far.
        path: the second set.
        float64: whether it should be one computed in float64, or a repeated run.

    Returns:
        The reference with its noise.

    Raises:
        OSError, ValueError: it cannot be read, has other names or shapes, is not in float64, or is bit-equal.
    """
    arrays = _node_names(reference, _gradients(read_gradients(path)))
    first = _gradients(reference.side)
    values = {
        gradient_node(n) if n in reference.parameters and _has_problem(reference) else n: a for n, a in first.items()
    }
    coarse = [name for name in values if name in arrays and arrays[name].dtype != np.float64]
    if float64 and coarse:
        raise ValueError(
            f"{path}: {coarse[0]} is {arrays[coarse[0]].dtype}. Compute this set in float64, or use --repeat."
        )
    noise = measured_noise(values, arrays)
    told = {name: sigma for name, sigma in noise.sigma.items() if sigma.any()}
    if not told:
        text = "bit-equal to the reference, which says nothing about rounding"
        raise ValueError(f"{path} is {text}. Repeat the run in another order of summation, or give a float64 set.")
    return replace(reference, noise=replace(noise, sigma=told))


def _has_problem(reference: Reference) -> bool:
    return isinstance(reference.side, Evaluation)


def _gradients(side: Evaluation | Arrays) -> Arrays:
    return side.gradients if isinstance(side, Evaluation) else side


def _node_names(reference: Reference, arrays: Arrays) -> dict[str, npt.NDArray[Any]]:
    """Under the names that rows have."""
    named = matched(arrays, reference.parameters, reference.others)
    if not _has_problem(reference):
        return named
    return {gradient_node(n) if n in reference.parameters else n: a for n, a in named.items()}


def mark(
    files: Sequence[Path],
    reference: Reference,
    rules: Sequence[tuple[re.Pattern[str], str]] = (),
    top: int = 0,
    out: Path | None = None,
    turns: Iterable[Path] | None = None,
) -> list[Marked]:
    """Compare each file with the reference.

    Args:
        files: of gradients.
        reference: from `reference_of`.
        rules: for the files' names; see `gradient_diff.files.read_rules`.
        top: how many of the worst entries of each tensor to keep.
        out: folder for a report of each and summary.csv, written whole or not at all.
        turns: the files again, from something that wants to know which one has its turn.

    Returns:
        What came of each, in order.

    Raises:
        OSError: `out` cannot be written.
    """
    with _destination(out) as building:
        folders = folder_names(files)
        marked = []
        for file, folder in zip(turns or files, folders, strict=True):
            place = None if building is None else building / folder
            marked.append(_mark(file, reference, rules, top, place))
        if building is not None:
            text = summary_to_csv([one.line for one in marked])
            (building / "summary.csv").write_text(text, "utf-8", newline="\n")
    return marked


@contextmanager
def _destination(out: Path | None) -> Iterator[Path | None]:
    if out is None:
        yield None
        return
    with whole_folder(out) as building:
        yield building


def _mark(
    file: Path,
    reference: Reference,
    rules: Sequence[tuple[re.Pattern[str], str]],
    top: int,
    place: Path | None,
) -> Marked:
    try:
        diff = _compared(file, reference, rules)
    except OSError as error:
        return Marked(unreadable(str(file), f"It cannot be opened: {error.strerror or error}."))
    except (ValueError, TypeError) as error:
        return Marked(unreadable(str(file), str(error)))
    entries = worst_entries(diff, top) if top else {}
    if place is not None:
        facts = {"file": diff.hand_origin, "reference": diff.reference_origin}
        write_report(diff, place, printable(f"{file.name} against {Path(reference.origin).name}"), facts)
    line = summary_line(str(file), diff, f"{place.name}/report.html" if place else "")
    return Marked(line, _without_arrays(diff), entries)


def _compared(file: Path, reference: Reference, rules: Sequence[tuple[re.Pattern[str], str]]) -> GradientDiff:
    hand = read_gradients(file)
    if isinstance(hand, Evaluation):
        if rules:
            raise ValueError(f"{file} is a saved Evaluation, whose names belong to its network: --rename has no use.")
    else:
        hand = matched(renamed(hand, rules), reference.parameters, reference.others)
    with np.errstate(over="ignore"):  # however absurd a number is, it is a mistake to name
        diff = compare(hand, reference.side, noise=reference.noise, rtol=reference.rtol)
    return replace(diff, hand_origin=printable(str(file)), reference_origin=printable(reference.origin))


def _without_arrays(diff: GradientDiff) -> GradientDiff:
    """Names only: of forty large submissions the arrays alone would fill the memory."""
    none = np.empty(0)
    return replace(diff, hand=dict.fromkeys(diff.hand, none), reference=dict.fromkeys(diff.reference, none))
