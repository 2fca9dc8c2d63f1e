"""A network as a student sees it: dense layers, each with its activation, its decay, and the dropout above it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from manual_mlp import MLP, Dense, Dropout


@dataclass(frozen=True)
class Block:
    """One dense layer and what stands between it and the next."""

    name: str  # of the dense layer
    units: int  # n_out
    activation: str  # its own, or that of the Activation layer above it
    use_bias: bool  # whether b is added
    decay: float  # λ
    mask: str = ""  # name of the draw of the Dropout above it; "" where there is none


def blocks(mlp: MLP) -> list[Block]:
    """The blocks of a network, from input to output; a Dropout below all of them is `input_mask`'s."""
    found: list[Block] = []
    for i, layer in enumerate(mlp.layers):
        if layer.penalties.keys() - {layer.kernel} or any(penalty.l1 for penalty in layer.penalties.values()):
            raise ValueError(f"{layer.name}: a penalty other than L2 of a kernel is not foreseen.")
        if isinstance(layer, Dense):
            found.append(Block(str(layer.name), layer.units, layer.activation, layer.use_bias, layer.kernel_l2))
        elif i and not found[-1:]:
            raise ValueError(f"{layer.name}: more than one layer stands below the first Dense.")
        elif isinstance(layer, Dropout):
            if found and found[-1].mask:
                raise ValueError(f"{layer.name}: two dropouts in a row are not foreseen.")
            found[-1:] = [replace(found[-1], mask=layer.mask)] if found else []
        elif not found or found[-1].mask or found[-1].activation != "linear":
            raise ValueError(
                f"{layer.name}: an activation stands right above a linear Dense layer, or is not foreseen."
            )
        elif layer.head is None:
            raise ValueError(f"{layer.name}: a layer of this kind is not foreseen.")
        else:
            found[-1] = replace(found[-1], activation=layer.head)
    return found


def input_mask(mlp: MLP) -> str:
    """The draw of a Dropout on the inputs; "" where there is none."""
    first = mlp.layers[0]
    return first.mask if isinstance(first, Dropout) else ""
