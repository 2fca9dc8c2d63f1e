"""The command `gradient-diff shapes`: the matrix ledger of a description or a saved model, or a model's layers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from gradient_diff.cli.description import read_network
from gradient_diff.cli.layers import LayerTable, layer_table
from gradient_diff.cli.models import ENDING, load_model
from gradient_diff.cli.telling import UNUSABLE, blame, say, show
from gradient_diff.ledger.building import ledger
from gradient_diff.ledger.ledger import Ledger
from gradient_diff.render.figures.canvas import save_figure
from gradient_diff.render.folder import whole_folder
from gradient_diff.render.ledgers import ledger_data, print_ledger
from gradient_diff.render.sheet import to_records
from gradient_diff.wording import printable
from manual_mlp import MLP
from manual_mlp.extend import as_loss

WIDTHS = re.compile(r"[\d-]*")


def shapes(
    network: Annotated[str, typer.Argument(help="Widths from the inputs to the outputs, or a saved MODEL.keras.")],
    batch: Annotated[str, typer.Option(help="Samples in the batch: a number, or a letter.")] = "N",
    loss: Annotated[str, typer.Option(help="Of the output.")] = "mean_squared_error",
    activation: Annotated[str | None, typer.Option(help="Of the hidden layers; sigmoid if not given.")] = None,
    form: Annotated[
        Literal["text", "markdown", "csv", "json"], typer.Option("--format", help="Of what is printed.")
    ] = "text",
    out: Annotated[Path | None, typer.Option(help="Folder for a drawing, a CSV and a Markdown file.")] = None,
) -> None:
    """Print the matrix ledger of a network: every equation, forward and backward, with all shapes.

    Of a saved model with layers whose equations are not known, its layers are printed with their shapes.

    Example: gradient-diff shapes 784-50-100-10 --batch 100
    """
    with blame(None, (*UNUSABLE, ImportError)):  # TensorFlow is not there, or Keras runs on another backend
        book = print_shapes(network, batch, loss, activation, form)
    if out is not None:
        with blame("--out", (OSError,)):
            place = save_ledger(book, out) if isinstance(book, Ledger) else book.save(out)
            typer.echo(f"Wrote {place}", err=True)


def print_shapes(text: str, batch: str, loss: str, activation: str | None, form: str) -> Ledger | LayerTable:
    """Print the ledger of a description, or the layers of a model that has none, and return it."""
    samples = _batch(batch)
    described = _described(text, loss, activation, samples)
    if isinstance(described, LayerTable):
        described.print(form)
        return described
    book = ledger(described, loss, samples)
    if form == "text":
        print_ledger(book)
    elif form == "json":
        show(json.dumps(to_records(ledger_data(book)), indent=1))
    else:
        show(book.to_markdown() if form == "markdown" else _csv(book), "")
    return book


def _described(text: str, loss: str, activation: str | None, batch: int | str) -> MLP | LayerTable:
    if not text.endswith(ENDING):
        _refuse_path(text)
        return read_network(text, activation or "sigmoid", loss)
    if activation is not None:
        raise ValueError(f"--activation {activation}: {printable(text)} has its own activations. Leave it out.")
    as_loss(loss)  # a wrong name is told before TensorFlow starts
    return _of_model(Path(text), batch)


def _refuse_path(text: str) -> None:
    """A path that is no saved model, or looks like one, is not taken for widths."""
    path = Path(text)
    if WIDTHS.fullmatch(text) or not (path.exists() or "/" in text or path.suffix[1:2].isalpha()):
        return
    what = "is a folder" if path.is_dir() else "is a file" if path.exists() else "looks like a path"
    raise ValueError(
        f"{printable(text)} {what}, but is no MODEL{ENDING}. "
        f"Expected widths such as 784-50-100-10, or a model saved by Keras's model.save('NAME{ENDING}')."
    )


def _of_model(path: Path, batch: int | str) -> MLP | LayerTable:
    """The network of a saved model, or its layers."""
    model = load_model(path)
    import keras_mlp
    from keras_mlp.extend import layer_shapes

    try:
        return keras_mlp.from_keras(model)[0]
    except (TypeError, ValueError) as error:  # a layer, or a way to join them, that is not understood
        say(str(error))
        return layer_table(path.name, layer_shapes(model), batch)


def save_ledger(book: Ledger, folder: Path) -> Path:
    """Write ledger.csv, ledger.md and ledger.png into a folder, whole or not at all."""
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
