"""Which expression is to blame: run the user's code again with the right value put in at one, and see what heals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from types import FrameType

import numpy as np

from gradient_diff.source.calls import Call, WrongArgument, call_of, wrong_argument
from gradient_diff.source.events import Act, Event, Run, TooLongError
from gradient_diff.source.known import Form, Known, Recognised, entries_of, forms_of
from gradient_diff.source.pieces import Piece
from gradient_diff.source.positions import Place
from gradient_diff.source.subject import Subject
from gradient_diff.source.text import where_handed_on
from manual_mlp import Array, Problem, gradient_node
from manual_mlp.extend import Shape, is_gradient

MOST_RUNS = 900
MOST_STEPS = 4  # of a right derivation between what is known and what is known again

Rows = tuple[int, ...] | None
"""The samples that are at work; None for all."""
Meant = tuple[tuple[Event, ...], tuple[Form, ...]]
"""Operations, and what each of them might have to be."""


@dataclass(frozen=True, eq=False)
class Suspicion:
    """An expression, and what heals with the right values in its place.

    Attributes:
        events: the operations of that expression for which another value was put in.
        put: index → that value.
        forms: what each should be.
        factor: a convention factor before them.
        healed: gradients that are right with it and were not before.
        gained: how many recorded values are recognised with it that were not before.
        argument: of the call that is to blame, where one is.
        handed_on: where a value that is right as it is, but lacks a step, is passed on by its bare name.
    """

    events: tuple[Event, ...]
    put: Mapping[int, Array]
    forms: tuple[Form, ...]
    factor: str
    healed: frozenset[str]
    gained: int = 0
    argument: WrongArgument | None = None
    handed_on: Place | None = None
    level: int = 0  # of the places: 0 the innermost; above it the calls, where what they call is right elsewhere

    @property
    def place(self) -> Place:
        return self.handed_on or self.computed

    @property
    def computed(self) -> Place:
        """Where the value is computed; it may be right there, and wrong where it is handed on."""
        return self.first.places[self.level]

    @property
    def form(self) -> Form:
        """What the first of them should be."""
        return self.forms[[e.index for e in self.events].index(self.first.index)]

    @property
    def first(self) -> Event:
        """The first operation for which another value was put in."""
        return next(e for e in self.events if e.index in self.put)


@dataclass(eq=False)
class Trial:
    """One problem, the right gradients of it, and the user's code."""

    subject: Subject
    problem: Problem
    known: Known
    right: Mapping[str, Array]
    tolerance: Mapping[str, Array]
    runs: int = 0
    fixed: dict[int, Array] = field(default_factory=dict)

    def again(
        self,
        put: Mapping[int, Array] | None = None,
        light: bool = True,
        watched: Mapping[int, Callable[[list[FrameType]], None]] | None = None,
    ) -> tuple[dict[str, Array], Run] | None:
        """The user's code once more, with what was found before and this put in; None where it raises."""
        self.runs += 1
        run = Run(put={**self.fixed, **(put or {})}, light=light, watched=watched or {})
        try:
            given = self.subject.gradients(self.problem, self.right, run)
            return self.likeliest(given), run
        except (Exception, TooLongError):  # noqa: BLE001  # with another value in it, code may raise anything
            return None

    def likeliest(self, answers: Sequence[dict[str, Array]]) -> dict[str, Array]:
        """Of several layouts that an answer may be in, the one in which most of it is right."""
        best = max(range(len(answers)), key=lambda i: len(self.healthy(answers[i])))
        self.subject.answers.likeliest = self.subject.answers.ways[best]
        return answers[best]

    def healthy(self, given: Mapping[str, Array]) -> frozenset[str]:
        """The gradients that are right."""
        return frozenset(n for n, right in self.right.items() if self.is_right(n, given.get(n), right))

    def is_right(self, name: str, given: Array | None, right: Array) -> bool:
        if given is None or np.shape(given) != right.shape:
            return False
        with np.errstate(all="ignore"):
            return bool((np.abs(given - right) <= self.tolerance[name]).all())


def find_guilty(trial: Trial, most: int = 4) -> list[Suspicion]:
    """Mistakes, one after the other; the right values of those found before are left in."""
    found: list[Suspicion] = []
    while len(found) < most:
        best = _Search.of(trial)
        chosen = best.find() if best is not None else None
        if chosen is None:
            break
        found.append(chosen)
        trial.fixed |= dict(chosen.put)
        after = trial.again()
        if after is None or trial.healthy(after[0]) == trial.right.keys():
            break
    return found


@dataclass(eq=False)
class _Search:
    """For one mistake: the run as it is, and what each value in it is."""

    trial: Trial
    run: Run
    names: dict[int, Recognised | None]
    rows: dict[int, tuple[Rows, Rows]]
    healthy: frozenset[str]
    misshapen: frozenset[str]
    given: Mapping[str, Array]

    @classmethod
    def of(cls, trial: Trial) -> _Search | None:
        result = trial.again(light=False)
        if result is None:
            return None
        given, run = result
        names = {e.index: trial.known.recognise(e.value, _magnitude(e)) for e in run.events}
        rows = dict(_contexts(run.events, names))
        misshapen = frozenset(n for n, a in trial.right.items() if np.shape(given.get(n, a)) != a.shape)
        return cls(trial, run, names, rows, trial.healthy(given), misshapen, given)

    def find(self) -> Suspicion | None:
        tries = list(self._heal())
        if not tries:
            return None
        best = max(len(t.healed) for t in tries)
        ranked = sorted((self._scored(t) for t in tries if len(t.healed) == best), key=lambda s: s[0])
        found = self._with_call(replace(ranked[0][1], level=self._level(ranked[0][1])))
        lacks = self._is_exact(found.first) and not found.level and found.first.act is Act.COMPUTES
        return replace(found, handed_on=where_handed_on(found.place)) if lacks else found

    def _is_exact(self, event: Event) -> bool:
        name = self.names[event.index]
        return name is not None and name.exact

    def _with_call(self, found: Suspicion) -> Suspicion:
        """Up the calls, as long as what is called does right by another argument."""
        first = found.first
        while found.level < len(first.places) - 1:
            call = self._call(first.index, found.level)
            if call is None:
                break
            rows = self.rows[first.index][0]
            wanted, known = found.put[first.index], self.trial.known
            wrong = wrong_argument(call, first, wanted, known, partial(_of_samples, known, rows))
            if wrong is None:
                break
            found = replace(found, level=found.level + 1, argument=wrong)
        return found

    def _call(self, index: int, level: int) -> Call | None:
        """The call at a level of the frames, seen while the code runs once more."""
        seen: list[Call | None] = []

        def look(frames: list[FrameType]) -> None:
            seen.append(call_of(frames[level]) if level < len(frames) else None)

        self.trial.again(watched={index: look})
        return seen[0] if seen else None

    def _level(self, found: Suspicion) -> int:
        """A helper that is right elsewhere is not blamed: the call is."""
        first, level = found.first, 0
        while level < len(first.places) - 1:
            inner = (first.operation, first.places[: level + 1])
            others = [e for e in self.run.events if (e.operation, e.places[: level + 1]) == inner]
            if not any(self._is_alike(e, found) for e in others if e.index not in found.put):
                break
            level += 1
        return level

    def _is_alike(self, event: Event, found: Suspicion) -> bool:
        """Whether an event is as right as that which was put in would be."""
        name = self.names[event.index]
        return name is not None and name.factor == found.factor and name.form.role == found.forms[0].role

    def _heal(self) -> Iterator[Suspicion]:
        limit = self.trial.runs + MOST_RUNS
        for events, forms in self._suspects():
            if self.trial.runs >= limit:
                return
            yield from self._tried(events, forms)

    def _tried(self, events: tuple[Event, ...], forms: tuple[Form, ...]) -> Iterator[Suspicion]:
        for factor in dict.fromkeys((*self._factors_beside(events, forms), "1", *self._factors_after(events, forms))):
            put = self._values(events, forms, factor)
            if not put:
                continue
            after = self.trial.again(put)
            if after is None:
                continue
            health = self.trial.healthy(after[0])
            if health > self.healthy:
                yield Suspicion(events, put, forms, factor, health - self.healthy)
                return

    def _factors_beside(self, events: tuple[Event, ...], forms: tuple[Form, ...]) -> Iterator[str]:
        """The factor that the same expression has where it is right."""
        first = events[0]
        for event in self.run.events:
            name = self.names[event.index]
            same = (event.operation, event.places[:1]) == (first.operation, first.places[:1])
            if same and name is not None and name.form.role == forms[0].role:
                yield name.factor
                return

    def _factors_after(self, events: tuple[Event, ...], forms: tuple[Form, ...]) -> Iterator[str]:
        """With the right value in place all that follows may be right but for one convention factor: which."""
        if not all(map(_is_backward, forms)):
            return
        after = self.trial.again(self._values(events, forms, "1"))
        if after is None:
            return
        for name, right in self.trial.right.items():
            given = after[0].get(name)
            if name in self.healthy or given is None or given.shape != right.shape or not np.square(right).sum():
                continue
            ratio = float((given * right).sum() / np.square(right).sum())
            if ratio and self.trial.is_right(name, given / ratio, right):
                factors = self.trial.known.factors.items()
                yield from (label for label, c in factors if label != "1" and abs(c * ratio - 1) < 1e-6)
                return

    def _values(self, events: tuple[Event, ...], forms: tuple[Form, ...], factor: str) -> dict[int, Array]:
        c = self.trial.known.factors[factor]
        pairs = [(e, c * f.array) for e, f in zip(events, forms, strict=True)]
        return {e.index: value for e, value in pairs if not _same(e.value, value)}

    def _suspects(self) -> Iterator[Meant]:
        """Expressions, and what they might have to be."""
        seen = set()
        for events in self._groups():
            for chosen, forms in self._assignments(events):
                key = (tuple(e.index for e in chosen), tuple(f.name for f in forms))
                if chosen and key not in seen:
                    seen.add(key)
                    yield chosen, forms

    def _groups(self) -> Iterator[tuple[Event, ...]]:
        """All events of one expression; those of one call chain; those of one shape among them."""
        able = [e for e in self.run.events if e.places and e.value.dtype.kind == "f" and self._may_be_wrong(e)]
        able = [e for e in able if self._meets_unknown(e)]
        groups: dict[tuple[object, ...], list[Event]] = {}
        for event in able:
            whole = (event.operation, event.places)
            number = event.value.ndim == 0
            for key in {(event.operation, event.places[:1], number), (*whole, number), (*whole, event.value.shape)}:
                groups.setdefault(key, []).append(event)
        for indices in dict.fromkeys(tuple(e.index for e in g) for g in sorted(groups.values(), key=_start)):
            yield tuple(self.run.events[i] for i in indices)
        alone = [e for g in groups.values() if len(g) > 1 for e in (g if len(g) <= 4 else g[-1:])]
        yield from ((e,) for e in dict.fromkeys(alone))

    def _may_be_wrong(self, event: Event) -> bool:
        """A part, a transpose, a write, a sum or a multiple is guilty only if what goes into it is right.

        So is what is added to a running sum: its own value so far is off with the first that was added.
        """
        operands = [o for o in event.operands if o.dtype.kind == "f" and (o.size > 1 or event.act is Act.WRITES)]
        if event.act is Act.COMPUTES and len(operands) > 1 and not event.accumulates:
            return True
        added = operands[1:] if event.accumulates else operands
        return all(self.trial.known.recognise(o) is not None or not _varies(o) for o in added)

    def _meets_unknown(self, event: Event) -> bool:
        """Whether it is near to where what is known ends: what is behind that is wrong only because this is."""
        key = _key(event.value)
        if not self._is_settled(event):
            return max((self._unknown.get(_key(o), 0) for o in event.operands), default=0) <= MOST_STEPS
        return key in self._read_by_unknown or key in self._handed_out

    @cached_property
    def _read_by_unknown(self) -> set[tuple[Shape, bytes]]:
        return {_key(o) for e in self.run.events if not self._is_settled(e) for o in e.operands}

    def _is_settled(self, event: Event) -> bool:
        """Known, and of a gradient without a factor: that may be a convention, or the mistake."""
        name = self.names[event.index]
        return name is not None and (name.exact or not _is_backward(name.form))

    @cached_property
    def _handed_out(self) -> set[tuple[Shape, bytes]]:
        """Wrong gradients as they are, in any shape."""
        wrong = [a for n, a in self.given.items() if n not in self.healthy]
        known = [e.value for e in self.run.events if self._is_settled(e)]
        flat = {np.sort(a, axis=None).tobytes() for a in wrong}
        return {_key(v) for v in known if np.sort(v, axis=None).tobytes() in flat}

    def _is_right(self, value: Array) -> bool:
        name = self.trial.known.recognise(value)
        return name is not None and name.exact

    def _assignments(self, events: tuple[Event, ...]) -> Iterator[Meant]:
        """What the events of one expression might have to be, one thing throughout."""
        for which in (0, 1):  # the samples before it, and its own
            if all(e.value.ndim == 0 for e in events):
                yield from self._numbers(events, which)
                yield from (((e,), (f,)) for e in events[:MOST_STEPS] for f in self._in_the_right_shape(e))
                events = self._last_writes(events, which)
                if not events:
                    continue
            each = [(e, self._forms(e, self.rows[e.index][which])) for e in events]
            if len(events) == 1:
                yield from (((e,), (form,)) for e, forms in each for form in forms)
                continue
            yield from self._running_sums(events, which)
            each = [(e, forms) for e, forms in each if forms]
            for look in dict.fromkeys(_look(f) for _, forms in each for f in forms):
                chosen = [(e, [f for f in forms if _look(f) == look]) for e, forms in each]
                chosen = [(e, forms) for e, forms in chosen if forms]
                for step in (1, -1):
                    yield tuple(e for e, _ in chosen), tuple(_in_turn([f for _, f in chosen], step))

    def _last_writes(self, events: tuple[Event, ...], which: int) -> tuple[Event, ...]:
        """The last write of each sample into something larger: only then that is what it is to be."""
        last = {self.rows[e.index][which]: e for e in events if e.whole is not None}
        return tuple(last.values())

    def _running_sums(self, events: tuple[Event, ...], which: int) -> Iterator[Meant]:
        """Sums over the samples so far."""
        seen: tuple[int, ...] = ()
        sums = []
        for event in events:
            rows = self.rows[event.index][which]
            if rows is None:
                return
            seen = tuple(sorted({*seen, *rows}))
            sums.append((event, seen if len(seen) < self.trial.known.batch else None))
        forms = self.trial.known.forms
        for node in (f.node for f in forms(events[0].value.shape) if is_gradient(f.node, "kernel", "bias")):
            found = [(e, f) for e, rows in sums for f in forms(e.value.shape) if (f.node, f.rows) == (node, rows)]
            if len(found) == len(sums):
                yield tuple(e for e, _ in found), tuple(f for _, f in found)

    def _numbers(self, events: tuple[Event, ...], which: int) -> Iterator[Meant]:
        """Numbers one by one: per sample as many as a layer has units, or a multiple, whose last of each is meant."""
        runs: dict[Rows, list[Event]] = {}
        for event in events:
            runs.setdefault(self.rows[event.index][which], []).append(event)
        counts = {len(run) for run in runs.values()}
        if len(counts) != 1:
            return
        for piece in self.trial.known.pieces:
            width = piece.array.size // (self.trial.known.batch if piece.per_sample else 1)
            if not piece.array.ndim or min(counts) % width or piece.per_sample != (None not in runs):
                continue
            each = min(counts) // width
            forms = [_entries(piece, rows) for rows in runs]
            chosen = [run[each - 1 :: each] for run in runs.values()]
            yield tuple(e for run in chosen for e in run), tuple(f for row in forms for f in row)
            if each > 1:
                repeated = tuple(f for row in forms for f in row for _ in range(each))
                yield tuple(e for run in runs.values() for e in run), repeated

    def _forms(self, event: Event, rows: Rows) -> list[Form]:
        """What an event might have to be: of the samples at work, and not what it is already."""
        known, own = self.trial.known, self.names[event.index]
        shapes = {event.value.shape, np.shape(event.value if event.whole is None else event.whole)}
        found = [f for shape in shapes for f in known.forms(shape) if f.rows is None or f.rows == rows]
        if rows is not None and len(rows) > 1:
            found += [f for f in _blocks(known, rows) if f.array.shape in shapes]
        found += self._in_the_right_shape(event)
        if own is not None and self._is_settled(event):
            found = [f for f in found if self._may_be(own, f) and (f.name != own.form.name or _is_backward(f))]
        return found

    def _in_the_right_shape(self, event: Event) -> list[Form]:
        """Gradients whose shape is wrong at the end, for values of any shape."""
        if event.act is Act.WRITES or (event.act is Act.COMPUTES and self._is_settled(event)):
            return []
        by_node = self.trial.known.by_node
        return [f for n in self.misshapen for f in forms_of(by_node[gradient_node(n)], 1) if f.how != "flat"]

    def _may_be(self, own: Recognised, form: Form) -> bool:
        """A value that is right as it is may lack a step, or be of another layer, sample or time."""
        return form.role == own.form.role or form.layer == own.form.layer or own.form.role == "z" == form.role

    def _scored(self, found: Suspicion) -> tuple[tuple[object, ...], Suspicion]:
        event = found.events[0]
        again = self.trial.again(found.put, light=False)
        gained, lost = self._change(again[1], set(found.put)) if again else (0, 99)
        gathers = event.act is not Act.COMPUTES
        own = self.names[event.index]
        fine = own is not None and own.exact
        cost = 0 if found.factor in self._factors_beside(found.events, found.forms) else _cost(found.factor)
        off = self._operands_off(found, again[1]) if again else 9
        between = any(f.node not in self.trial.known.named for f in found.forms)
        score = (lost > gained, off, lost > 0, fine, cost, gathers, event.index, between, -gained)
        return score, replace(found, gained=gained)

    def _change(self, run: Run, put: set[int]) -> tuple[int, int]:
        """How many values are recognised now that were not, and the other way round."""
        known, gained, lost = self.trial.known, 0, 0
        for event in run.events:
            if event.act is Act.COMPUTES and event.index not in put and event.index in self.names:
                now, before = known.recognise(event.value, _magnitude(event)), self.names[event.index]
                gained += now is not None and before is None
                lost += now is None and before is not None
        return gained, lost

    def _operands_off(self, found: Suspicion, run: Run) -> int:
        """0 where all that goes in is right, 1 up to a factor, 2 with another sign or from after a step, 3 unknown.

        What goes in is read from the run in which the right value was put in: an earlier pass of a loop has healed.
        """
        after = {e.index: e for e in run.events}
        forms = {e.index: f for e, f in zip(found.events, found.forms, strict=True)}
        return max((self._off_of(after[i], found.factor, forms[i]) for i in found.put if i in after), default=0)

    def _off_of(self, event: Event, factor: str, form: Form) -> int:
        names = [self.trial.known.recognise(o) for o in event.operands]
        rows = {n.form.rows for n in names if n is not None and n.form.piece.per_sample}
        own = max((self._off(o, factor) for o in event.operands if o.size > 1), default=0)
        strange = any(n is not None and not self.trial.known.leads_to(n, form.node) for n in names)
        return max(own, 2 * (len(rows) > 1), int(strange))  # of different samples, or of another equation

    @cached_property
    def _unknown(self) -> dict[tuple[Shape, bytes], int]:
        """Of values that nothing is known of: how many steps they are from what is known."""
        depth: dict[tuple[Shape, bytes], int] = {}
        for event in self.run.events:
            if self.names[event.index] is None and _key(event.value) not in depth:
                depth[_key(event.value)] = 1 + max((depth.get(_key(o), 0) for o in event.operands), default=0)
        return depth

    def _off(self, value: Array, factor: str) -> int:
        name = self.trial.known.recognise(value)
        if name is None:
            return (3 + self._unknown.get(_key(value), 0)) * _varies(value)
        if "after the step" in name.node:
            return 2
        return 0 if name.exact or name.factor == factor else 1 + name.factor.startswith("−")


def _magnitude(event: Event) -> float:
    return max((float(np.abs(o).max()) for o in event.operands if o.size and o.dtype.kind == "f"), default=0.0)


def _same(a: Array, b: Array) -> bool:
    scale = np.abs(b).max(initial=0.0)
    with np.errstate(all="ignore"):
        return a.shape == b.shape and bool((np.abs(a - b) <= 1e-12 * scale).all())


def _key(value: Array) -> tuple[Shape, bytes]:
    return value.shape, value.tobytes()


def _varies(value: Array) -> bool:
    """A constant array is what the user wrote: zeros, ones."""
    return bool(value.size and value.min() != value.max())


def _cost(factor: str) -> int:
    return 0 if factor == "1" else 1 + factor.startswith("−")


def _contexts(
    events: Iterable[Event], names: Mapping[int, Recognised | None]
) -> Iterator[tuple[int, tuple[Rows, Rows]]]:
    """index → the samples that are at work there: those of the value recognised last, before it and with it."""
    rows: tuple[int, ...] | None = None
    for event in events:
        name, before = names[event.index], rows
        if name is not None and name.form.piece.per_sample:
            rows = name.form.rows
        yield event.index, (before, rows)


def _blocks(known: Known, rows: tuple[int, ...]) -> Iterator[Form]:
    """Several samples at once, as a mini-batch holds them."""
    which = list(rows)
    for piece in known.pieces:
        if piece.per_sample and piece.array.ndim == 2:
            array, allowed = piece.array[which], np.broadcast_to(piece.tolerance, piece.array.shape)[which]
            yield Form(piece, "", array, allowed, rows)
            yield Form(piece, "ᵀ", array.T, allowed.T, rows)


def _is_backward(form: Form) -> bool:
    """A gradient, or the error that it begins with: linear in what came down."""
    return is_gradient(form.node) or form.role == "z − y"


def _start(events: Sequence[Event]) -> int:
    return events[0].index


def _of_samples(known: Known, rows: Rows, value: Array) -> list[Form]:
    return [f for f in known.forms(value.shape) if f.rows in (None, rows)]


def _look(form: Form) -> tuple[str, str, bool]:
    """What it is, whatever the layer and the samples."""
    return form.role, form.how, form.rows is None


def _entries(piece: Piece, rows: Rows) -> list[Form]:
    """Its numbers in order, of some samples."""
    return [f for f in entries_of(piece, 0) if not piece.per_sample or f.rows == rows]


def _in_turn(choices: list[list[Form]], step: int) -> Iterator[Form]:
    """Where shapes leave several layers, they come in turn, from the first on or from the last."""
    turn = 0
    for forms in choices:
        yield forms[::step][turn % len(forms)]
        turn += len(forms) > 1
