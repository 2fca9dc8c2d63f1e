"""A change to the user's source that was run: with it every gradient matches, here and on a second problem."""

from __future__ import annotations

import ast
import difflib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import FunctionType

import numpy as np

from gradient_diff.source.changing import changed
from gradient_diff.source.frames import Scope
from gradient_diff.source.mutations import mutations
from gradient_diff.source.patching import NotPatchedError, functions_with, patched
from gradient_diff.source.positions import Frames
from gradient_diff.source.proposals import Wanted, fitting, in_place_of
from gradient_diff.source.spelling import candidates
from gradient_diff.source.suspicion import Suspicion
from gradient_diff.source.text import Edit, Source, span_of
from gradient_diff.source.trial import Trial

MOST_TRIED = 60
MOST_FITTING = 12


@dataclass(frozen=True, eq=False)
class Fix:
    """One expression of a source written otherwise.

    Attributes:
        source: as it is.
        edit: the change.
        widths: it was tried at other widths, too.
    """

    source: Source
    edit: Edit
    widths: bool

    @property
    def diff(self) -> str:
        """As a unified diff."""
        return self.source.diff(self.source.edited(self.edit))


def fixes(trial: Trial, found: Sequence[Suspicion], others: Sequence[Trial]) -> list[Fix]:
    """One per mistake, in their order; none unless all together make every gradient match, on other problems, too."""
    source = Source.of(found[0].computed.code) if found else None
    if source is None or any(f.computed.file != source.file for f in found):
        return []
    edits: list[Edit] = []
    healed: set[str] = set(trial.healthy(_plainly(trial)))
    for one in found:
        healed |= one.healed
        edit = _edit(trial, one, source, edits, healed, others)
        if edit is None:
            break
        edits.append(edit)
        functions = _functions(one, source)
        if _heals(trial, source, edits, functions, set(trial.right), others):
            wide = any(o.problem.mlp != trial.problem.mlp for o in others)
            return [Fix(source, e, wide) for e in edits]  # what was found beside these only followed
    return []


def _plainly(trial: Trial) -> dict[str, np.ndarray]:
    return trial.likeliest(trial.subject.gradients(trial.problem, trial.right))


def _edit(
    trial: Trial, found: Suspicion, source: Source, edits: list[Edit], healed: set[str], others: Sequence[Trial]
) -> Edit | None:
    """The smallest change of one expression with which these gradients are right, or all on every problem."""
    functions = _functions(found, source)
    for edit in itertools.islice(_proposals(trial, found, source), MOST_TRIED):
        if trial.is_late:
            return None
        tried = [*edits, edit]
        if _heals(trial, source, tried, functions, healed, ()) and (
            healed < trial.right.keys() or _heals(trial, source, tried, functions, healed, others)
        ):
            return edit
    return None


def _functions(found: Suspicion, source: Source) -> list[FunctionType]:
    places = [*found.first.places, found.place]
    return functions_with(source.file, [p.code for p in places if p.file == source.file])


def _heals(
    trial: Trial,
    source: Source,
    edits: Sequence[Edit],
    functions: Sequence[FunctionType],
    healed: set[str],
    others: Sequence[Trial],
) -> bool:
    try:
        with patched(source, source.edited(*edits), functions):
            return _right(trial, healed) and all(_right(other, set(other.right)) for other in others)
    except (NotPatchedError, SyntaxError, ValueError):
        return False


def _right(trial: Trial, names: set[str]) -> bool:
    try:
        with np.errstate(all="ignore"):
            return trial.healthy(_plainly(trial)) >= names
    except Exception:  # noqa: BLE001  # a change that makes the code raise mends nothing
        return False


def _proposals(trial: Trial, found: Suspicion, source: Source) -> Iterator[Edit]:
    """Changes that give what is wanted, the smallest first; then any small change of the statement."""
    fitting, others = _in_the_frame(trial, found, source)
    ranked = sorted(fitting, key=lambda f: (f[0], _size(source, f[1])))
    yield from dict.fromkeys([edit for _, edit in ranked][:MOST_FITTING])
    ranked = sorted(others, key=lambda f: (f[0], _size(source, f[1])))
    yield from dict.fromkeys([edit for _, edit in ranked][:MOST_TRIED])
    yield from mutations(source, found.computed.span)


def _in_the_frame(
    trial: Trial, found: Suspicion, source: Source
) -> tuple[list[tuple[int, Edit]], list[tuple[int, Edit]]]:
    """Changes evaluated in the user's frame at the first such operation: those that fit; and of a call, any."""
    fits: list[tuple[int, Edit]] = []
    free: list[tuple[int, Edit]] = []

    def look(frames: Frames) -> None:
        node = source.expression(found.computed.span)
        frame = frames[found.level] if found.level < len(frames) else None
        if frame is None or node is None:
            return
        scope = Scope(frame, source, trial.known)
        own = scope.expressions(source.function(found.computed.span))
        for part, wanted in _targets(found, node, scope):
            own = [*own, *scope.parts_of(part)]
            meant = candidates(part, wanted, own, trial.known, scope.functions)
            fits.extend(fitting(source, part, meant, wanted, scope.array))
        fits.extend(_at_handing_on(found, source, scope))
        if found.level and found.argument is None:
            free.extend((p.cost, in_place_of(source, p)) for p in changed(node, own))
            free.extend(_with_another_function(node, source, scope))

    trial.again(watched={found.first.index: look})
    return fits, free


def _with_another_function(node: ast.expr, source: Source, scope: Scope) -> Iterator[tuple[int, Edit]]:
    """A call of another one of the user's functions."""
    if isinstance(node, ast.Call):
        yield from ((1, Edit(*source.range(span_of(node.func)), name)) for name in scope.functions)


def _at_handing_on(found: Suspicion, source: Source, scope: Scope) -> Iterator[tuple[int, Edit]]:
    """What is handed on as it is, put into each of the user's functions."""
    if found.handed_on is not None:
        start, end = source.range(found.handed_on.span)
        yield from ((0, Edit(start, end, f"{name}({source.text[start:end]})")) for name in scope.functions)


def _targets(found: Suspicion, node: ast.expr, scope: Scope) -> Iterator[tuple[ast.expr, Wanted]]:
    """The guilty expression and what it should be; of a call, the argument."""
    if found.argument is not None and isinstance(node, ast.Call):
        form = found.argument.form
        for argument in (*node.args, *(k.value for k in node.keywords)):
            now = scope.array(ast.unparse(argument))
            if now is not None and form.array.shape == now.shape:
                yield argument, Wanted(form, form.array, now)
    elif not found.level:
        form = found.forms[[e.index for e in found.events].index(found.first.index)]
        yield node, Wanted(form, found.put[found.first.index], found.first.value)


def _size(source: Source, edit: Edit) -> tuple[int, int]:
    """How much of the text a change touches."""
    old = source.text[edit.start : edit.end]
    same = sum(m.size for m in difflib.SequenceMatcher(None, old, edit.new).get_matching_blocks())
    return len(old) + len(edit.new) - 2 * same, len(edit.new)
