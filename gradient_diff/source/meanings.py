"""What the operations of one expression might have to be: one thing throughout, each of its own samples."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator

import numpy as np

from gradient_diff.source.assembled import Meant, assembled, handed_out, last_of_each, over_again
from gradient_diff.source.events import Act, Event
from gradient_diff.source.forms import Form, Recognised, forms_of, is_backward, says_nothing
from gradient_diff.source.grounds import edge_of, is_lacking, is_made_of, is_mistaken
from gradient_diff.source.observed import Key, Observed, Rows, key_of
from gradient_diff.source.suspects import MOST_STEPS, alone, groups
from manual_mlp import gradient_node
from manual_mlp.extend import is_gradient

Choices = list[tuple[Event, list[Form]]]
"""Operations, and all that each of them might have to be."""
Admits = Callable[[Observed, Event, Form], bool]
"""Whether there are grounds for an operation to have to be this."""


def suspects(seen: Observed, grounded: bool) -> Iterator[Meant]:
    """Expressions, and what they might have to be; each pair once.

    On good grounds that, where what is known ends, which what goes in leads to; then what is short of a step; then
    what is another layer's or another sample's. Without, anything.
    """
    told, (each, further) = set(), groups(seen)
    edges, more = (
        [g for g in some if edge_of(seen, g if g[0].value.ndim else last_of_each(g))] for some in (each, further)
    )
    stages = (
        (([*edges, *more], is_made_of), ([*each, *further], is_lacking), (each, is_mistaken))
        if grounded
        else (([*each, *alone(each)], _any),)
    )
    for tried, admits in stages:
        for events in tried:
            for chosen, forms in _assignments(seen, events, admits):
                key = (tuple(e.index for e in chosen), tuple(f.name for f in forms))
                if chosen and key not in told:
                    told.add(key)
                    yield chosen, forms


def short_of_a_step(seen: Observed, read: Collection[Key]) -> Iterator[Meant]:
    """Of what is read, that which is right as it is and on the way to something."""
    for events in groups(seen)[0]:
        if any(key_of(e.value) in read for e in events):
            yield from _assignments(seen, events, is_lacking)


def _any(seen: Observed, event: Event, form: Form) -> bool:
    return True


def _assignments(seen: Observed, events: tuple[Event, ...], admits: Admits) -> Iterator[Meant]:
    """Of the samples before each, of its own, then of those behind it."""
    numbers = all(e.value.ndim == 0 for e in events)
    if numbers:
        yield from _numbers(seen, events, admits)
    for which in (0, 1, 2):
        if numbers:
            events = _last_writes(seen, events, which)
        if events:
            yield from _arrays(seen, events, which, admits)


def _numbers(seen: Observed, events: tuple[Event, ...], admits: Admits) -> Iterator[Meant]:
    """As arrays; of a gradient that is handed out in a wrong shape, each number by itself."""
    repeated = over_again(seen, events) if admits is _any else ()
    each = (assembled(seen, events), *_of_each_node(seen, events), handed_out(seen, events), repeated)
    for chosen, forms in itertools.chain(*each):
        if _has_grounds(seen, chosen, forms, admits):
            yield chosen, forms
    for event in events[:MOST_STEPS]:
        other = (*_in_the_right_shape(seen, event), *_along_its_axis(seen, event))
        yield from (((event,), (f,)) for f in other if admits(seen, event, f))


def _of_each_node(seen: Observed, events: tuple[Event, ...]) -> Iterator[Iterator[Meant]]:
    """Of what is known, and of several layers: one at a time."""
    each: dict[str, list[Event]] = {}
    for event in last_of_each(events):
        name = seen.names[event.index]
        if name is not None and name.exact:
            each.setdefault(name.node, []).append(event)
    return (assembled(seen, tuple(some)) for some in each.values() if len(each) > 1)


def _has_grounds(seen: Observed, events: tuple[Event, ...], forms: tuple[Form, ...], admits: Admits) -> bool:
    """Of what belongs together, the first that says something stands for all: where what is known ends, that one."""
    edge = edge_of(seen, events)
    others = (e for e, f in zip(events, forms, strict=True) if not says_nothing(e.value) and not _is(seen, e, f))
    told = edge or next(others, None)
    if told is None or (admits is is_made_of and edge is None):
        return False
    return admits(seen, told, forms[[e.index for e in events].index(told.index)])


def _is(seen: Observed, event: Event, form: Form) -> bool:
    name = seen.names[event.index]
    return name is not None and name.exact and form.node in name.nodes and name.form.which == form.which


def _arrays(seen: Observed, events: tuple[Event, ...], which: int, admits: Admits) -> Iterator[Meant]:
    if admits is is_lacking and all(seen.names[e.index] is None for e in events):
        return
    each = [(e, _forms(seen, e, seen.rows[e.index][which])) for e in events]
    each = [(e, [f for f in forms if admits(seen, e, f)]) for e, forms in each]
    if len(each) == 1:
        yield from (((e,), (form,)) for e, forms in each for form in forms)
        return
    for chosen, forms in _running_sums(seen, events, which):
        if _has_grounds(seen, chosen, forms, admits):
            yield chosen, forms
    for look in dict.fromkeys(_look(f) for _, forms in each for f in forms):
        yield from _layers_in_turn(seen, _alike(each, look), which)


def _alike(each: Choices, look: tuple[str, str, bool]) -> Choices:
    """Those operations that can be this, and what each of them is then."""
    chosen = [(e, [f for f in forms if _look(f) == look]) for e, forms in each]
    return [(e, forms) for e, forms in chosen if forms]


def _last_writes(seen: Observed, events: tuple[Event, ...], which: int) -> tuple[Event, ...]:
    """The last write of each sample into something larger: only then that is what it is to be."""
    last = {seen.rows[e.index][which]: e for e in events if e.whole is not None}
    return tuple(last.values())


def _running_sums(seen: Observed, events: tuple[Event, ...], which: int) -> Iterator[Meant]:
    """Sums over the samples so far."""
    sums = list(_so_far(seen, events, which))
    each = [(e, [f for f in seen.trial.known.forms(e.value.shape) if f.rows == rows]) for e, rows in sums]
    each = [(e, [f for f in forms if is_gradient(f.node, "kernel", "bias")]) for e, forms in each]
    if len(sums) < len(events) or not all(forms for _, forms in each):
        return
    for look in dict.fromkeys(f.how for _, forms in each for f in forms):
        chosen = [(e, [f for f in forms if f.how == look]) for e, forms in each]
        if all(forms for _, forms in chosen):
            yield from _layers_in_turn(seen, chosen, which)


def _so_far(seen: Observed, events: tuple[Event, ...], which: int) -> Iterator[tuple[Event, Rows]]:
    """Each with the samples up to it; none behind one at which all are at work."""
    done: tuple[int, ...] = ()
    for event in events:
        rows = seen.rows[event.index][which]
        if rows is None:
            return
        done = tuple(sorted({*done, *rows}))
        yield event, done if len(done) < seen.trial.known.batch else None


def _forms(seen: Observed, event: Event, rows: Rows) -> list[Form]:
    """What an event might have to be: of the samples at work, and not what it is already."""
    own = seen.names[event.index]
    found = [*_of_its_shape(seen, event, rows), *_in_the_right_shape(seen, event), *_along_its_axis(seen, event)]
    if event.value.dtype.kind == "b":  # a mask
        found = [f for f in found if f.role == "f′" and np.isin(f.array, (0, 1)).all()]
    if own is not None and seen.is_settled(event):
        found = [
            f for f in found if _may_be(seen, own, f) and (f.name != own.form.name or not own.exact or is_backward(f))
        ]
    return found


def _of_its_shape(seen: Observed, event: Event, rows: Rows) -> Iterator[Form]:
    shapes = dict.fromkeys((event.value.shape, (event.value if event.whole is None else event.whole).shape))
    yield from (f for shape in shapes for f in seen.trial.known.forms_of_samples(shape, rows))


def _in_the_right_shape(seen: Observed, event: Event) -> list[Form]:
    """Gradients whose shape is wrong at the end, for values of any shape.

    What computes a gradient, whatever its shape, is to blame only where it is handed out so: else what turns it is.
    """
    by_node = seen.trial.known.by_node
    wrong = [f for n in seen.misshapen for f in forms_of(by_node[gradient_node(n)], 1) if f.how != "flat"]
    if event.act is Act.WRITES:
        return []
    if event.act is Act.COMPUTES and seen.is_settled(event):
        return [f for f in wrong if not f.how and key_of(event.value) in seen.handed_out]
    return wrong


def _along_its_axis(seen: Observed, event: Event) -> list[Form]:
    """Sums and means of what goes in, along the axis that belongs to them: for what is along another one."""
    wide = [o for o in event.operands if o.size > event.value.size]
    if len(wide) != 1 or event.act is not Act.COMPUTES or seen.is_settled(event):
        return []
    name, known = seen.recognise(wide[0]), seen.trial.known
    if name is not None and name.form.how:
        return []
    alike = [p.node for p in known.pieces if p.array.shape == wide[0].shape] if name is None else name.nodes
    pieces = (known.by_node[n] for n in known.ladder.reductions_of(alike))
    return [f for p in pieces for f in forms_of(p, 1) if not f.how and f.array.shape != event.value.shape]


def _may_be(seen: Observed, own: Recognised, form: Form) -> bool:
    """A value that is right as it is may lack a step, or be of another layer, sample or time."""
    near = form.role == own.form.role or form.layer == own.form.layer or own.form.role == "z" == form.role
    return near or (form.node in seen.trial.known.ladder.steps and seen.trial.known.ladder.is_above(own, form.node))


def _look(form: Form) -> tuple[str, str, bool]:
    """What it is, whatever the layer and the samples; in a loop over parameters kernels and biases take turns."""
    return _PARAMETERS.get(form.role, form.role), form.how, form.rows is None


_PARAMETERS = {"dE_dkernel": "gradient", "dE_dbias": "gradient", "kernel": "parameter", "bias": "parameter"}


def _layers_in_turn(seen: Observed, choices: Choices, which: int) -> Iterator[Meant]:
    """Where shapes leave several layers, they come in turn, from the first on or from the last; or it is always one.

    The turn begins again with each mini-batch.
    """
    events = tuple(e for e, _ in choices)
    rounds = [list(group) for _, group in itertools.groupby(choices, key=lambda c: seen.rows[c[0].index][which])]
    orders = [[f for group in rounds for f in _in_turn([forms for _, forms in group], step)] for step in (1, -1)]
    most = max(len(forms) for _, forms in choices)
    if len(rounds) > 1 and most > 1:
        orders += [[forms[min(i, len(forms) - 1)] for _, forms in choices] for i in range(most)]
    yield from ((events, tuple(forms)) for forms in orders)


def _in_turn(choices: list[list[Form]], step: int) -> Iterator[Form]:
    turn = 0
    for forms in choices:
        yield forms[::step][turn % len(forms)]
        turn += len(forms) > 1
