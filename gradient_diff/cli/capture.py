"""The command `capture`: what a model computes on this machine, for `compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from gradient_diff.cli.against import data_of
from gradient_diff.cli.models import load_model
from gradient_diff.cli.telling import UNUSABLE, blame, say, show
from gradient_diff.wording import printable


def capture(
    model: Annotated[Path, typer.Argument(metavar="MODEL.keras", help="A saved model.")],
    data: Annotated[Path, typer.Argument(metavar="DATA.npz", help="Arrays x and y, and perhaps sample_weight.")],
    out: Annotated[Path, typer.Option(help="The .npz to write.")],
    loss: Annotated[str | None, typer.Option(help="As it was compiled if not given.")] = None,
    inference: Annotated[bool, typer.Option("--inference", help="Layers run as in inference.")] = False,
    mode: Annotated[Literal["eager", "graph", "xla"], typer.Option(help="How TensorFlow runs it.")] = "graph",
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")] = False,
) -> None:
    """Write the gradients of a model as this device, version and precision compute them, with their rounding.

    Beside them stand those of the same model in float64, where it can be run so, and how much of each entry is
    rounding, drawn on this machine. Two captures of one model on the same data, from two machines, versions or policies
    of dtype, are held against each other by `gradient-diff compare MINE.npz REFERENCE.npz`.

    Example: gradient-diff capture model.keras data.npz --out cpu.npz

    Exit code: 0 if it was written; 4 if the command line, the model or the data is at fault.
    """
    place = out if out.suffix == ".npz" else out.with_name(f"{out.name}.npz")
    with blame("--out"):
        if place.exists() and not force:
            raise ValueError(f"{printable(str(place))} is there already. Choose another name, or add --force.")
        if not place.parent.is_dir():
            raise ValueError(f"{printable(str(place.parent))} is no folder: make it first.")
    arrays = data_of(data)
    with blame(None, (*UNUSABLE, ImportError)):
        loaded = load_model(model, compiled=loss is None)
        from gradient_diff.keras.gradients.capturing import capture as captured

        training = False if inference else None
        weights = arrays.get("sample_weight")
        found = captured(
            loaded, arrays["x"], arrays["y"], loss=loss, sample_weight=weights, training=training, mode=mode
        )
    with blame("--out", (OSError,)):
        found.save(place)
    for name in ("model", "policy", "device", "mode", "E", "tensorflow", "keras"):
        say(f"{name:10} {printable(found.facts[name])}")
    fine = "with a float64 run" if found.float64 else "without a float64 run, which this model does not allow"
    show(f"{printable(str(place))}: {len(found.gradients)} gradients, {fine}")
