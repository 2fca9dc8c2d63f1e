"""Given gradients against the model's: nobody is accused before every other reading of them was tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gradient_diff.keras.gradients.another.another import named_by_another
from gradient_diff.keras.gradients.as_computed import on_computed_numbers
from gradient_diff.keras.gradients.as_stored import at_unstored_weights, on_stored_data
from gradient_diff.keras.gradients.described import described_reference, own_derivation
from gradient_diff.keras.gradients.in_layout import WHOSE, by_values
from gradient_diff.keras.gradients.readings import as_trained, from_unknown_states, read_otherwise
from gradient_diff.keras.gradients.reference import Reference
from gradient_diff.keras.gradients.request import Request
from gradient_diff.keras.gradients.undescribed import measured_reference
from gradient_diff.keras.gradients.unheld import with_unheld_constants
from gradient_diff.layouts.target import Target
from gradient_diff.layouts.undoing import AS_GIVEN, Undone, undo_layout
from gradient_diff.metrics.measuring import measure
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.row import Row
from gradient_diff.result.status import Status
from manual_mlp import gradient_node
from manual_mlp.extend import Arrays, layer_of, variable_of


def read_either_way(
    request: Request, given: Undone, knows_weights: Callable[[], bool] = bool
) -> tuple[GradientDiff, Undone]:
    """Nobody is accused before the layout that values tell was tried, and the other of training and inference."""
    mine = given.arrays

    def judge(asked: Request) -> GradientDiff:
        def again(other: Request) -> GradientDiff:
            return compared(other, mine)

        return on_computed_numbers(asked, on_stored_data(asked, again(asked), again, mine), again, mine)

    diff = judge(request)
    if not diff.verdict.bad or not mine:
        return noted(diff, given), given
    if request.options.layout is None:
        target = _target(request, diff)
        turned = by_values(mine, target, request.nodes) if given.listed else undo_layout(WHOSE, mine, target, None)
        given = replace(turned, reading=given.reading.then(turned.reading), notes=(*given.notes, *turned.notes))
        if turned.reading.changes:
            as_given = replace(request, options=replace(request.options, layout=AS_GIVEN))
            return read_either_way(as_given, given, knows_weights)
    other = as_trained(request, read_otherwise(request, mine, diff, judge), judge, mine)
    named = named_by_another(request, mine, other)
    settled = from_unknown_states(request, at_unstored_weights(request, named, mine, knows_weights), mine)
    settled = with_unheld_constants(request, settled, mine)
    return noted(settled, given), given


def compared(request: Request, mine: Arrays | None) -> GradientDiff:
    """These gradients against the model's, or the house's own derivation where there are none."""
    idle = {
        n: a for n, a in (mine or {}).items() if n in request.parameters and n not in request.trainable and not a.any()
    }
    if mine is None or not mine.keys() - idle.keys():
        return reference_of(request, mine).compared(own_derivation(request) if mine is None else mine)
    asked = {n: a for n, a in mine.items() if n not in idle}
    return _with_frozen(reference_of(request, asked).compared(asked), idle)


def _with_frozen(diff: GradientDiff, idle: Arrays) -> GradientDiff:
    """Zeros for weights that are frozen are what fit makes of them."""
    rows = []
    for name, a in idle.items():
        node = gradient_node(name) if diff.problem else name
        shapes = a.dtype.name, a.shape, a.shape
        rows.append(
            Row(node, layer_of(name), "", *shapes, Status.MATCH, "frozen: fit does not train it", measure(a, a))
        )
    shown = {row.name: idle[name] for row, name in zip(rows, idle, strict=True)}
    hand, reference = ({**side, **shown} for side in (diff.hand, diff.reference))
    return replace(diff, rows=(*diff.rows, *rows), hand=hand, reference=reference)


def reference_of(request: Request, mine: Arrays | None, of_step: bool = False) -> Reference:
    """By the network's own noise where it is known, else by runs of the model."""
    if mine is not None and not mine and not request.trainable:
        raise ValueError(
            f"Every weight of {request.model.name} is frozen, so no gradient is asked for. Set layer.trainable = True "
            "of what is to be checked, or bring the gradients of frozen weights in a dict by name."
        )
    if request.network is not None and not request.network[0].untrained & (mine or {}).keys():
        return described_reference(request, *request.network, mine, of_step)
    if mine is None:
        raise ValueError(
            "The house has no derivation of its own for this model and loss. Pass gradients=, or a Sequential of one "
            "dtype whose layers and loss have equations (docs/reference/equations.md has the table)."
        )
    return measured_reference(request, mine, of_step)


def _target(request: Request, diff: GradientDiff) -> Target:
    """What a diff was held against, by weight and by node."""
    named = {variable_of(n): a for n, a in diff.reference.items()}
    nodes = {n: a for n, a in diff.reference.items() if variable_of(n) not in request.parameters}
    return Target({n: named[n] for n in request.parameters if n in named}, nodes)


def noted(diff: GradientDiff, *undone: Undone) -> GradientDiff:
    """With what is said of the layouts in which arrays came."""
    return replace(diff, notes=(*dict.fromkeys(note for u in undone for note in u.notes), *diff.notes))
