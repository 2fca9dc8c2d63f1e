"""The command `gradient-diff shapes`: the matrix ledger of a description, without TensorFlow."""

from __future__ import annotations

from pathlib import Path

import typer

from experiments.description import network
from gradient_diff import Ledger, ledger
from gradient_diff.render import print_ledger, save_figure, whole_folder


def printed(text: str, batch: str, loss: str, activation: str, form: str) -> Ledger:
    """Print the ledger of a description, and return it.

    Args:
        text: such as `784-50-100-10`.
        batch: a whole number or a letter.
        loss: a name.
        activation: of the hidden layers.
        form: text, markdown or csv.

    Returns:
        The ledger.

    Raises:
        ValueError: what is no description, batch, loss or activation.

    Example:
        >>> printed("3-2", "4", "mse", "tanh", "markdown").title  # doctest: +ELLIPSIS
        **Matrix ledger: 3-2, mean_squared_error, batch 4**
        ...
        '3-2, mean_squared_error, batch 4'
    """
    book = ledger(network(text, activation, loss), loss, _batch(batch))
    if form == "text":
        print_ledger(book)
    else:
        typer.echo(book.to_markdown() if form == "markdown" else _csv(book), nl=False)
    return book


def saved(book: Ledger, folder: Path) -> Path:
    """Write ledger.csv, ledger.md and ledger.png into a folder, whole or not at all.

    Args:
        book: the ledger.
        folder: where to; see `gradient_diff.render.whole_folder`.

    Returns:
        The path of the drawing.

    Raises:
        OSError: the folder cannot be written.
    """
    with whole_folder(folder) as building:
        (building / "ledger.csv").write_text(_csv(book), "utf-8", newline="\n")
        (building / "ledger.md").write_text(book.to_markdown(), "utf-8", newline="\n")
        save_figure(book.to_figure(), building / "ledger.png")
    return folder / "ledger.png"


def _csv(book: Ledger) -> str:
    return str(book.to_frame().to_csv(index=False, lineterminator="\n"))


def _batch(text: str) -> int | str:
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    if len(text) == 1 and text.isalpha():
        return text
    raise ValueError(f"--batch {text}: expected a whole number above 0, or a letter such as N.")
