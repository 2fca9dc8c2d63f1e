"""What was found, as sentences and as data: the expression, what goes into it, what it should be; what each line is."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from gradient_diff.names import node_words
from gradient_diff.result.code import Caller, Code, Finding
from gradient_diff.source.events import Act, Event
from gradient_diff.source.forms import Recognised
from gradient_diff.source.frames import Scope
from gradient_diff.source.known import Known
from gradient_diff.source.mending import Fix
from gradient_diff.source.positions import Frames, Place
from gradient_diff.source.suspicion import Suspicion
from gradient_diff.source.text import Source
from gradient_diff.source.trial import Trial

MOST_NAMES = 3  # of one line


def code_of(trial: Trial, found: Sequence[Suspicion], mended: Sequence[Fix]) -> Code:
    """Everything that was found, and what each line is in the run as it was."""
    if mended:
        found = found[: len(mended)]
    told = [_finding(trial, one, mended[i] if mended else None) for i, one in enumerate(found)]
    listed = listing(trial, found[0].place.file)
    findings = tuple(f for f in told if f is not None)
    return Code(findings, *listed, silent="" if findings else "The source of what is off cannot be read.")


def listing(trial: Trial, file: str = "") -> tuple[dict[int, str], dict[int, str], str]:
    """(line → what it is, line → its text, the file), of one run as the code is."""
    trial.fixed.clear()
    run = trial.again(light=False)
    events = [e for e in run[1].events if e.places] if run else []
    file = file or next((e.places[-1].file for e in events), "")
    own = [(e, p) for e in events for p in e.places if p.file == file]
    source = next((s for _, p in own if (s := Source.of(p.code))), None)
    if source is None:
        return {}, {}, file
    named: dict[int, list[Recognised]] = {}
    for event, place in own:
        if place is event.places[0] and (name := trial.known.recognise(event.value)) is not None:
            _note(named.setdefault(place.line, []), event, name)
    lines = {i: source.lines[i - 1].rstrip("\n") for i in _lines(source, (p for _, p in own))}
    return {i: "; ".join(_folded(n)[-MOST_NAMES:]) for i, n in sorted(named.items())}, lines, file


def _note(said: list[Recognised], event: Event, name: Recognised) -> None:
    """What is computed, and of what is selected the first, with the other samples or numbers of it."""
    if event.act is Act.COMPUTES or not said or _in_general(name) == _in_general(said[0]):
        said.append(name)


def _folded(names: Sequence[Recognised]) -> list[str]:
    """In words, in order, each once; single samples and numbers of a loop would drown the rest, and are one."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(_in_general(name), []).append(name.words)
    return [words[0] if len(set(words)) == 1 else general for general, words in found.items()]


def _in_general(name: Recognised) -> str:
    """Without saying which sample or number it is."""
    form = name.form
    if form.rows is not None:
        return f"{name.of_all}, sample by sample"
    return f"{name.of_all}, entry by entry" if form.at else name.words


def _lines(source: Source, places: Iterable[Place]) -> list[int]:
    """Those of the functions that ran."""
    found: set[int] = set()
    for place in dict.fromkeys(places):
        function = source.function(place.span)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            found |= set(range(function.lineno, (function.end_lineno or function.lineno) + 1))
        else:
            found |= set(range(place.span[0], place.span[1] + 1))
    return sorted(found)


def _finding(trial: Trial, found: Suspicion, fix: Fix | None) -> Finding | None:
    place = found.place
    source = Source.of(place.code)
    if source is None:
        return None
    operands = _operands(trial, found, source)
    node = found.argument.form.node if found.argument else found.form.node
    return Finding(
        place.file,
        place.line,
        _in_characters(source, place),
        place.function,
        tuple(_caller(p) for p in found.first.places[found.level + 1 :]),
        source.at(place.span),
        node,
        operands,
        _message(trial, found, source),
        tuple(n for n in trial.right if n in found.healed),
        fix.diff if fix else "",
        _tried(trial, fix) if fix else "",
    )


def _in_characters(source: Source, place: Place) -> tuple[int, int, int, int]:
    line, end, _, _ = place.span
    start, behind = source.range(place.span)
    return line, end, start - source.offset(line, 0), behind - source.offset(end, 0)


def _caller(place: Place) -> Caller:
    source = Source.of(place.code)
    return Caller(place.file, place.line, place.function, source.at(place.span) if source else "")


def _tried(trial: Trial, fix: Fix) -> str:
    n, net = trial.problem.batch, trial.problem.mlp.outline
    more = "other weights, data and batch, and other widths" if fix.widths else "other weights, data and batch"
    only = "" if fix.widths else "; at these widths only"
    return f"run on {net} with batch {n} and on {more}{only}: every gradient matches"


def _message(trial: Trial, found: Suspicion, source: Source) -> str:
    """What it is, what it should be, and the equation that says so."""
    known, text = trial.known, source.at(found.place.span)
    short = text if len(text) <= 60 and "\n" not in text else f"{text.splitlines()[0][:57]} …"
    if found.argument is not None:
        what = node_words(found.argument.form.node)
        return f"In `{short}` the argument `{found.argument.name}` should be {what}."
    name = known.recognise(found.first.value)
    should = f"{_times(found.factor)}{node_words(found.form.node)}"
    equation = known.ladder.equations.get(found.form.node)
    formula = f", {equation.formula}" if equation is not None and found.factor == "1" else ""
    if found.level and found.handed_on is None:
        return f"`{short}` gives something else than {should}{formula}; what it calls is right elsewhere."
    if name is None:
        return f"`{short}` should be {should}{formula}."
    return f"`{short}` is {name.words}; it should be {should}{formula}."


def _times(factor: str) -> str:
    return {"1": "", "−1": "minus "}.get(factor, f"{factor} times ")


def _operands(trial: Trial, found: Suspicion, source: Source) -> tuple[tuple[str, str], ...]:
    """The names in the expression, and what each is where it is at work."""
    said: dict[str, str] = {}

    def look(frames: Frames) -> None:
        node = source.expression(found.computed.span) or source.statement(found.computed.span)
        frame = frames[found.level] if found.level < len(frames) else None
        if frame is not None and node is not None:
            scope = Scope(frame, source, trial.known)
            names = {o.text: o for o in scope.expressions(node)}
            wanted = {ast.unparse(n) for n in ast.walk(node) if isinstance(n, ast.expr)}
            said.update({t: _words(o.name, trial.known) for t, o in names.items() if t in wanted and o.value.ndim})

    trial.again(watched={found.first.index: look})
    return tuple((t, w) for t, w in said.items() if not any(t != other and t in other for other in said))


def _words(name: Recognised | None, known: Known) -> str:
    return "unknown" if name is None else name.words
