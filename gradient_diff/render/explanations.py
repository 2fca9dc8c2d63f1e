"""A ShapeExplanation as text."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gradient_diff.shapes.explain import ShapeExplanation
from gradient_diff.wording import printable, shape

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_MOST = 8  # other expressions


def to_text(explanation: ShapeExplanation, width: int | None = None) -> str:
    """The explanation as plain text.

    Args:
        explanation: of `explain_shapes`.
        width: columns to fill; None for the terminal's, or 100 where there is none.

    Returns:
        The text, without colour and trailing spaces.

    Example: see `explain_shapes`.
    """
    from rich.console import Console

    width = shutil.get_terminal_size((100, 24)).columns if width is None else width
    console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=False, legacy_windows=False)
    print_explanation(explanation, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO above
    return "\n".join(line.rstrip() for line in text.splitlines()).rstrip()


def print_explanation(explanation: ShapeExplanation, console: Console | None = None) -> None:
    """Print the explanation, coloured where the console can.

    Args:
        explanation: of `explain_shapes`.
        console: a rich Console; None for one on the standard output.

    Example:
        >>> from gradient_diff import explain_shapes
        >>> print_explanation(explain_shapes({"z": (2, 3), "delta": (2, 5)}, (3, 5)))  # doctest: +ELLIPSIS
        z (2, 3) and delta (2, 5), target (3, 5)
        ...
    """
    from rich.console import Console

    console = console or Console()
    for part in _parts(explanation):
        console.print(part, highlight=False)


def _parts(e: ShapeExplanation) -> Iterator[RenderableType]:
    from rich.text import Text

    came = "" if e.given is None else f", given {shape(e.given)}"
    named = " and ".join(f"{o.name} {shape(o.shape)}" for o in e.operands)
    yield Text(printable(f"{named}, target {shape(e.target)}{came}"), "bold")
    yield ""
    shapes = {o.name: o.shape for o in e.operands} | {"target": e.target}
    yield _columns([(name, shape(s), ", ".join(e.axes[name])) for name, s in shapes.items()], ("", "", "dim"))
    yield Text(f"\nWhat gives {shape(e.target)}", "bold")
    if not e.fitting:
        yield Text("  nothing that is made of these operands alone", "yellow")
    rows = []
    for x in e.fitting:
        mark = "✓ " if x is e.right else ""
        rows.append((mark + " = ".join((x.text, *x.same)), x.shapes if x.kind == "product" else "", x.code))
    yield _columns(rows, ("green" if e.right else "", "dim", ""))
    if e.values:
        yield Text(f"  {e.values}", "green" if e.right else "yellow")
    if e.others:
        yield Text("\nWhat else comes out", "bold")
        others = [(x.text, shape(x.shape) if x.shape is not None else x.shapes, why) for x, why in e.others[:_MOST]]
        yield _columns(others, ("", "", "dim"))
    if e.slips:
        yield Text("\nWhat is wrong", "bold")
        for slip in e.slips:
            yield _columns([(slip.message,)], ("",))


def _columns(rows: Sequence[Sequence[str]], styles: Sequence[str]) -> RenderableType:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    kept = [i for i in range(len(styles)) if any(row[i] for row in rows)]
    for _ in kept:
        table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*[Text(printable(row[i]), styles[i]) for i in kept])
    return Padding(table, (0, 0, 0, 2))
