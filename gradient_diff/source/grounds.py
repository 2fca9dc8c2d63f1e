"""Whether there are grounds for an operation to have to be this: what goes into it, or what it is, speaks for it."""

from __future__ import annotations

from collections.abc import Sequence

from gradient_diff.source.events import Event
from gradient_diff.source.forms import Form, Recognised, is_backward, says_nothing
from gradient_diff.source.known import Known
from gradient_diff.source.observed import Observed
from manual_mlp import Array


def edge_of(seen: Observed, events: tuple[Event, ...]) -> Event | None:
    """The first at which what is known ends."""
    return next((e for e in events if is_edge(seen, e)), None)


def is_edge(seen: Observed, event: Event) -> bool:
    """Whether what is known ends here: all that goes in is right, and what comes out is not known to be."""
    if seen.is_settled(event) or not event.value.any() or says_nothing(event.value):
        return False
    return any(all(map(seen.is_known, operands)) for operands in seen.ways_into(event))


def is_made_of(seen: Observed, event: Event, form: Form) -> bool:
    """All that is known of what goes in is what the equation takes; where nothing is known, it follows the others."""
    known = seen.trial.known
    if not known.ladder.is_computed(form.node) or not _has_grown_a_factor(seen, event, form):
        return False
    if form.piece.linear and is_edge(seen, event) and not _has_come_down(seen, event):
        return False
    ways = [_names(seen, operands) for operands in seen.ways_into(event)]
    if not any(ways):
        return not is_edge(seen, event)
    return any(names and _is_turned_alike(names, form) and _lead_to(known, names, form) for names in ways)


def _names(seen: Observed, operands: Sequence[Array]) -> list[Recognised]:
    """What is known of what goes in; one number among arrays is anything by chance."""
    wide = [o for o in operands if o.size > 1] or operands
    return [n for o in wide if (n := seen.recognise(o)) is not None]


def _has_grown_a_factor(seen: Observed, event: Event, form: Form) -> bool:
    """What is known up to a factor may only lack that, and it must not have come down with what goes in."""
    known, name = seen.trial.known, seen.names[event.index]
    if name is None:
        return True
    names = [n for o in seen.ways_into(event)[0] if (n := seen.recognise(o)) is not None and is_backward(n.form)]
    own = form.node in name.nodes or known.ladder.is_above(name, form.node)
    return own and all(n.factor != name.factor or n.exact for n in names)


def _has_come_down(seen: Observed, event: Event) -> bool:
    names = (seen.recognise(o) for operands in seen.ways_into(event) for o in operands)
    return any(n is not None and is_backward(n.form) for n in names)


def _lead_to(known: Known, names: Sequence[Recognised], form: Form) -> bool:
    return all(known.ladder.is_above(n, form.node) for n in names)


def _is_turned_alike(names: Sequence[Recognised], form: Form) -> bool:
    """Samples in rows stay in rows."""
    hows = {n.form.how for n in names if n.form.piece.per_sample and n.form.how in ("", "ᵀ")}
    return not form.piece.per_sample or form.how not in ("", "ᵀ") or not hows or form.how in hows


def is_lacking(seen: Observed, event: Event, form: Form) -> bool:
    """It is right as it is, and short of a step; where it comes of what is so, it follows the others."""
    known, name = seen.trial.known, seen.names[event.index]
    if not known.ladder.is_computed(form.node):
        return False
    if name is None:
        return not is_edge(seen, event) and is_made_of(seen, event, form)
    above = known.ladder.is_above(name, form.node) or known.ladder.are_of_one(name, form.node)
    near = is_backward(name.form) == is_backward(form) and above
    return form.node not in name.nodes and (near or known.ladder.leads_to(name, form.node))


def is_mistaken(seen: Observed, event: Event, form: Form) -> bool:
    """It is what it should be, of another layer or of other samples; or what goes into it is."""
    known, name = seen.trial.known, seen.names[event.index]
    if name is not None:
        return name.form.role == form.role and (name.node != form.node or name.form.which != form.which)
    names = [n for o in seen.ways_into(event)[0] if (n := seen.recognise(o)) is not None]
    roles = known.ladder.roles_into(form.node)
    return bool(names) and bool(roles) and all(n.form.role in roles for n in names)
