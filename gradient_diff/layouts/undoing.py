"""undo_layout: arrays as the reference holds them, with one line that says what was undone, or could not be told."""

from __future__ import annotations

from dataclasses import dataclass, field

from gradient_diff.layouts.finding import Found, find_reading
from gradient_diff.layouts.reading import Reading, shapes_of
from gradient_diff.layouts.target import Target
from manual_mlp.extend import Arrays

AS_GIVEN = "as given"
MOST_SHOWN = 3


@dataclass(frozen=True)
class Undone:
    """What came of it.

    Attributes:
        arrays: by the reference's names and in its shapes, as far as that is known.
        reading: what was undone.
        notes: one line of it, or none.
        doubts: those of the notes that say what else it may be.
        listed: whether a list told the names, in the ordinary order, which values may still gainsay.
    """

    arrays: Arrays
    reading: Reading = field(default_factory=Reading)
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    listed: bool = False


def check_layout(layout: object) -> None:
    """Refuse what is neither None nor "as given"."""
    if layout is not None and layout != AS_GIVEN:
        raise ValueError(
            f"layout={layout!r}: expected None, which finds and undoes the layout, or {AS_GIVEN!r}, which does not."
        )


def undo_layout(whose: str, given: Arrays, target: Target, layout: str | None, known: bool = True) -> Undone:
    """Undo the layout of `whose` arrays; where no network or model is known, it is only told."""
    if layout is not None or not target.gradients:
        return Undone(given)
    found = find_reading(given, target)
    if not known:
        return Undone(given, notes=_told(whose, found, target))
    if not found.reading.changes:
        return Undone(given, notes=_in_doubt(whose, found), doubts=_in_doubt(whose, found))
    arrays = found.reading.undo(given, shapes_of(target))
    undone = f"It was undone before values were judged; layout={AS_GIVEN!r} undoes nothing."
    words = f"Layout of {whose}: {found.reading.words}. {undone}"
    doubts = _in_doubt(whose, found)
    return Undone(arrays, found.reading, (words, *doubts), doubts)


def _in_doubt(whose: str, found: Found) -> tuple[str, ...]:
    """Readings that shapes allow and values do not choose."""
    words = [w for r in found.others if (w := r.words)]
    if not words:
        return ()
    more = f", or {len(words) - MOST_SHOWN} more" if len(words) > MOST_SHOWN else ""
    several = len({tuple(r.names.items()) for r in found.others}) > 1
    names = next((f" If so, pass {ready_names(r)}." for r in found.others if several and not r.packing), "")
    readings = ", or ".join(words[:MOST_SHOWN]) + more
    return (
        f"Layout of {whose}: it may also be {readings}; neither shapes nor values tell, so that was not undone.{names}",
    )


def _told(whose: str, found: Found, target: Target) -> tuple[str, ...]:
    """Of plain arrays: what they look like, and the argument that says so."""
    reading = found.reading
    if not reading.changes:
        return _in_doubt(whose, found)
    names = f" If so, pass {ready_names(reading)}." if reading.names and not reading.packing else ""
    words = f"Layout of {whose}: it looks like {reading.words}. Without a network or a model nothing is undone.{names}"
    return (words,)


def ready_names(reading: Reading) -> str:
    """`names={…}`, ready to paste; of a list the dict."""
    if reading.order:
        return f"dict(zip({list(reading.names.values())!r}, arrays))"
    return f"names={dict(reading.names)!r}"
