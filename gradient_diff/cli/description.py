"""A network as people write it, `784-50-100-10`, made into an MLP."""

from __future__ import annotations

from manual_mlp import MLP, Dense, Loss
from manual_mlp.extend import as_loss

_FORM = "Expected widths joined by '-', from the inputs to the outputs, such as 784-50-100-10"


def read_widths(text: str) -> list[int]:
    """The widths of a description."""
    parts = text.strip().split("-")
    for part in parts:
        if not part:
            raise ValueError(f"{text!r}: a width is missing. {_FORM}.")
        if not (part.isascii() and part.isdigit()):
            raise ValueError(f"{text!r}: {part!r} is no whole number. {_FORM}.")
        if int(part) < 1:
            raise ValueError(f"{text!r}: a layer of {part} units computes nothing. {_FORM}.")
    if len(parts) < 2:
        raise ValueError(f"{text!r} has one width, so no layer. {_FORM}.")
    return [int(part) for part in parts]


def read_network(text: str, activation: str, loss: str | Loss) -> MLP:
    """The MLP of a description; its output layer has the activation that belongs to the loss."""
    inputs, *hidden, outputs = read_widths(text)
    Dense(1, activation)  # a wrong name is told even where no layer is hidden
    last = as_loss(loss).function.fused_activation or "linear"
    return MLP(inputs, [*(Dense(n, activation) for n in hidden), Dense(outputs, last)])
