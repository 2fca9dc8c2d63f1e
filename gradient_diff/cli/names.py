"""The arrays of a file under the reference's names: as they are spelled, or as their layout tells."""

from __future__ import annotations

import shlex

from gradient_diff.cli.reference import Reference
from gradient_diff.files.naming import matched
from gradient_diff.layouts.both import target_of
from gradient_diff.layouts.finding import find_reading
from gradient_diff.layouts.reading import Reading
from gradient_diff.sides import Side
from gradient_diff.wording import printable
from manual_mlp import Evaluation
from manual_mlp.extend import Arrays


def named(arrays: Arrays, reference: Reference, layout: str | None) -> Arrays:
    """Under the reference's names, or as they came where `compare` finds what their layout is.

    Of a reference without a network the layout is only told: the refusal then holds the --rename that fits.
    """
    try:
        return matched(arrays, reference.parameters, reference.others)
    except ValueError as error:
        if layout is not None:
            raise
        side = Side.of("reference", reference.side)
        found = find_reading(arrays, target_of(side))
        if isinstance(reference.side, Evaluation) and found.reading.changes:
            return arrays
        told = [r for r in (found.reading, *found.others) if r.names and not r.packing]
        raise ValueError(f"{error}{_ready(told[0])}" if told else str(error)) from None


def _ready(reading: Reading) -> str:
    """The options, ready to paste."""
    rules = " ".join(f"--rename {shlex.quote(_rule(a, b))}" for a, b in reading.names.items())
    forms = "".join(f", {words}" for words in reading.form_words)
    return f" By shape and order{forms}: {printable(rules)}"


def _rule(name: str, wanted: str) -> str:
    special = "".join(rf"\{c}" if c in r".^$*+?{}[]\|()" else c for c in name)
    return f"^{special}$=>" + wanted.replace("\\", r"\\")
