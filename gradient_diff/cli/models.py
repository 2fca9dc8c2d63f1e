"""Saved Keras models: read in Keras's safe mode, which runs no code that is in the file."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import typer

from gradient_diff.wording import printable

ENDING = ".keras"
CUSTOM = re.compile(r"Could not locate (?:class|function) '([^']+)'")


def load_model(path: Path, compiled: bool = False) -> Any:
    """The model, with its loss if it is to be compiled; an OSError or ValueError says why there is none."""
    shown = printable(str(path))
    if not path.is_file():
        raise FileNotFoundError(f"{shown}: no such file. Expected a model saved by Keras's model.save(path).")
    if not is_zipfile(path):
        raise ValueError(f"{shown} is not a whole .keras archive. Save the model again with model.save(path).")
    typer.echo(f"Reading {shown} (TensorFlow takes some seconds to start) …", err=True)
    import keras_mlp  # noqa: F401  # before Keras itself, since it starts TensorFlow quietly
    from keras_mlp.extend import start_devices

    start_devices()
    import keras

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")  # nothing here takes its steps
        return _loaded(keras, path, shown, compiled)


def _loaded(keras: Any, path: Path, shown: str, compiled: bool) -> Any:
    try:
        return keras.saving.load_model(path, compile=compiled)
    except Exception as error:  # noqa: BLE001  # what Keras says of damaged or unsafe models, of any kind
        raise ValueError(f"{shown} cannot be loaded by Keras: {_reason(str(error), compiled)}") from None


def _reason(text: str, compiled: bool) -> str:
    if custom := CUSTOM.search(text):
        loss = " If it is the loss, name the one that is meant by --loss." * compiled
        return (
            f"the code of {custom[1]!r} is not in the file, and only Keras's own layers can be read without it. "
            f"In Python, import it, load the model, and print model.summary().{loss}"
        )
    if "safe_mode=False" in text:
        return "it holds a Lambda layer, which is code that comes with the file; it is not run here."
    return text.partition("\n")[0]
