"""A ShapeExplanation as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gradient_diff.render.sheet import GAP, to_plain, to_rich
from gradient_diff.shapes.explain import ShapeExplanation
from gradient_diff.wording import shape

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_MOST = 8  # other expressions


def to_text(explanation: ShapeExplanation, width: int | None = None) -> str:
    """The explanation as plain text."""
    return to_plain(print_explanation, explanation, width)


def print_explanation(explanation: ShapeExplanation, console: Console | None = None) -> None:
    """Print the explanation, coloured where the console can."""
    from rich.console import Console

    console = console or Console()
    for part in _parts(explanation):
        console.print(part, highlight=False)


def _parts(e: ShapeExplanation) -> Iterator[RenderableType]:
    came = "" if e.given is None else f", given {shape(e.given)}"
    named = " and ".join(f"{o.name} {shape(o.shape)}" for o in e.operands)
    yield to_rich(f"{named}, target {shape(e.target)}{came}", "bold")
    yield ""
    shapes = {o.name: o.shape for o in e.operands} | {"target": e.target}
    yield _columns([(name, shape(s), ", ".join(e.axes[name])) for name, s in shapes.items()], ("", "", "dim"))
    yield to_rich(f"\nWhat gives {shape(e.target)}", "bold")
    if not e.fitting:
        yield to_rich("  nothing that is made of these operands alone", "yellow")
    rows = []
    for x in e.fitting:
        mark = "✓ " if x is e.right else ""
        rows.append((mark + " = ".join((x.text, *x.same)), x.shapes if x.kind == "product" else "", x.code))
    yield _columns(rows, ("green" if e.right else "", "dim", ""))
    if e.values:
        yield to_rich(f"  {e.values}", "green" if e.right else "yellow")
    if e.others:
        yield to_rich("\nWhat else comes out", "bold")
        others = [(x.text, shape(x.shape) if x.shape is not None else x.shapes, why) for x, why in e.others[:_MOST]]
        yield _columns(others, ("", "", "dim"))
    if e.slips:
        yield to_rich("\nWhat is wrong", "bold")
        for slip in e.slips:
            yield _columns([(slip.message,)], ("",))


def _columns(rows: Sequence[Sequence[str]], styles: Sequence[str]) -> RenderableType:
    from rich.padding import Padding
    from rich.table import Table

    table = Table.grid(padding=(0, GAP, 0, 0))
    kept = [i for i in range(len(styles)) if any(row[i] for row in rows)]
    for _ in kept:
        table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*[to_rich(row[i], styles[i]) for i in kept])
    return Padding(table, (0, 0, 0, GAP))
