"""A network as people write it, `784-50-100-10`, made into an MLP."""

from __future__ import annotations

from manual_mlp import MLP, Dense, Loss
from manual_mlp.extend import as_loss

_FORM = "Expected widths joined by '-', from the inputs to the outputs, such as 784-50-100-10"


def widths(text: str) -> list[int]:
    """The widths of a description.

    Args:
        text: such as `784-50-100-10`.

    Returns:
        n_0, n_1, …

    Raises:
        ValueError: it is none; the message says which part, and what is expected.

    Example:
        >>> widths("784-50-10")
        [784, 50, 10]
    """
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


def network(text: str, activation: str, loss: str | Loss) -> MLP:
    """The MLP of a description; its output layer has the activation that belongs to the loss.

    Args:
        text: such as `784-50-100-10`.
        activation: of the hidden layers.
        loss: a name or a `Loss`; a cross-entropy brings its softmax or sigmoid, any other loss a linear output.

    Returns:
        The network.

    Raises:
        ValueError: no such description, activation or loss.

    Example:
        >>> [layer.activation for layer in network("4-3-2", "tanh", "categorical_crossentropy").layers]
        ['tanh', 'softmax']
    """
    inputs, *hidden, outputs = widths(text)
    last = as_loss(loss).function.fused_activation or "linear"
    return MLP(inputs, [*(Dense(n, activation) for n in hidden), Dense(outputs, last)])
