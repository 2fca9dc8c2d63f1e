"""read_sides: hand and reference as given, and of bare arrays beside an Evaluation the layout undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gradient_diff.layouts.listed import by_place
from gradient_diff.layouts.target import Target
from gradient_diff.layouts.undoing import Undone, undo_layout
from gradient_diff.sides import Derivation, Side
from manual_mlp import Array, Evaluation, gradient_node
from manual_mlp.extend import LOSS, Arrays, show


@dataclass(frozen=True)
class Read:
    """Both sides, and what was undone of each."""

    hand: Side
    reference: Side
    undone: Undone
    notes: tuple[str, ...]

    def in_layout(self, derivation: Derivation | None) -> Derivation | None:
        """A derivation that returns what the reference would: for calls on smaller networks."""
        if derivation is None or not self.undone.reading.changes:
            return derivation

        def read(parameters: Mapping[str, Array], x: Array, y: Array) -> Mapping[str, Array]:
            given = derivation(parameters, x, y)
            arrays = Side.of("hand", by_place(given) or given).arrays  # type: ignore[arg-type]  # as it was read before
            return self.undone.reading.undo(arrays, {n: a.shape for n, a in parameters.items()})

        return read


def read_sides(
    hand: object, reference: object, names: Mapping[str, str] | None = None, layout: str | None = None
) -> Read:
    """Read both; of a list only the order can be told that a network, the other side's, and its values tell."""
    mine = _side("hand", hand, reference, names, layout)
    right = _side("reference", reference, hand, None, layout)
    undone = [undo_layout(*both, layout, _known(mine, right)) for both in _judged(mine, right)]
    own = undone[0]
    for title, given, side in (("hand", hand, own), ("reference", reference, undone[1])):
        _check_placed(title, given, side, right if title == "hand" else mine)
    mine, right = (replace(side, arrays=u.arrays) for side, u in zip((mine, right), undone, strict=True))
    return Read(mine, right, own, (*own.notes, *undone[1].notes))


def _side(title: str, given: object, other: object, names: Mapping[str, str] | None, layout: str | None) -> Side:
    listed = by_place(given) if isinstance(other, Evaluation) and layout is None else None
    return Side.of(title, given if listed is None else listed, names)  # type: ignore[arg-type]  # it checks


def _known(hand: Side, reference: Side) -> bool:
    return hand.run is not None or reference.run is not None


def _judged(hand: Side, reference: Side) -> tuple[tuple[str, Arrays, Target], tuple[str, Arrays, Target]]:
    """Whose arrays are held against what; a whole Evaluation needs no reading, and the reference sets the names."""
    nothing = Target({})
    of_hand = nothing if hand.run else target_of(reference)
    of_reference = target_of(hand) if hand.run and not reference.run else nothing
    return ("your arrays", hand.arrays, of_hand), ("the reference", reference.arrays, of_reference)


def target_of(side: Side) -> Target:
    """What the other side's layout is read by."""
    if side.run is None:
        return Target({n: a for n, a in side.arrays.items() if n != LOSS})
    own = {gradient_node(n) for n in side.arrays}
    return Target(side.arrays, {n: a for n, a in side.run.nodes.items() if n not in own})


def _check_placed(title: str, given: object, undone: Undone, other: Side) -> None:
    """A list whose order nobody can tell is no dict."""
    places = by_place(given)
    if places is None or isinstance(given, Mapping) or not places.keys() & undone.arrays.keys() - {LOSS}:
        return
    shapes = ", ".join(show(a.shape) for n, a in undone.arrays.items() if n != LOSS)
    wanted = ", ".join(f"{n} {show(a.shape)}" for n, a in other.arrays.items())
    told = f" {undone.notes[0]}" if undone.notes else ""
    raise ValueError(
        f"{title} is a list of {shapes}, of which no order fits {wanted}.{told} "
        "Say which is which: dict(zip(names, arrays))."
    )
