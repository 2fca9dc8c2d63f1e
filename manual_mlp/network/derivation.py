"""The derivation of a whole network: the equations of its layers, one after the other, with E in the middle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from manual_mlp.equations.activations import activation
from manual_mlp.equations.equations import Equation
from manual_mlp.equations.loss import Loss
from manual_mlp.equations.loss_operations import LossGradient, LossValue
from manual_mlp.equations.penalties import Penalty
from manual_mlp.equations.summing import penalty_equation, summed
from manual_mlp.network.layers.layer import Layer
from manual_mlp.nodes import INPUT_GRADIENT, LOSS, SAMPLE_WEIGHT


@lru_cache(maxsize=256)
def forward_equations(layers: tuple[Layer, ...], training: bool = True, drawn: bool = True) -> tuple[Equation, ...]:
    """The forward pass of a network; `drawn`: what layers draw is read, in inference, where it is all ones, too."""
    return tuple(e for z, below, _ in _chain(layers) for e in z.forward(below, drawn if z.draws else training))


@lru_cache(maxsize=256)
def derivation(
    layers: tuple[Layer, ...], loss: Loss, fused: bool, weighted: bool = False, training: bool = True
) -> tuple[Equation, ...]:
    """Forward, E, backward, in the order of the computation; where fused, the loss takes the last activation in."""
    _check_differentiable(layers, loss, fused)
    chain, last = list(_chain(layers)), str(layers[-1].name)
    head = fusible(layers) if fused else None
    reads, gives, logits, owner = f"{last}/z", f"{last}/dE_dz", loss.from_logits, last
    if head is not None:
        reads, gives = head.fused_ends(*next(ends for layer, *ends in chain if layer is head))
        owner, logits = str(head.name), True
    penalties = {name: penalty for layer in layers for name, penalty in layer.penalties.items()}
    value, weight = LossValue(loss, logits, tuple(penalties.values())), (SAMPLE_WEIGHT,) * weighted
    start = Equation(owner, gives, LossGradient(loss, logits), (reads, "y", *weight))
    return (
        *forward_equations(layers, training),
        Equation(owner, LOSS, value, (reads, "y", *penalties, *weight)),
        *summed((start, *_backward(chain, head, penalties, training))),
    )


def _backward(
    chain: list[tuple[Layer, str, str]], head: Layer | None, penalties: Mapping[str, Penalty], training: bool
) -> Iterator[Equation]:
    """From the output down; above a fused layer only what penalties of outputs send down has a gradient."""
    reached = head is None
    for layer, below, into in reversed(chain):
        output = f"{layer.name}/z"
        if output in penalties:
            yield penalty_equation(str(layer.name), output, penalties[output])
            reached = True
        if reached or layer is head:
            yield from layer.backward(below, into, not reached, training)
            reached = True


def fusible(layers: tuple[Layer, ...]) -> Layer | None:
    """The layer whose activation a loss may take in: the last one, but for those that hand on what comes in."""
    layer = next((layer for layer in reversed(layers) if not layer.transparent), None)
    return None if layer is None or layer.head is None else layer


def _chain(layers: tuple[Layer, ...]) -> Iterator[tuple[Layer, str, str]]:
    """(layer, the node that feeds it, the node of the gradient by that), from the input to the output."""
    below, gradient = "x", INPUT_GRADIENT
    for layer in layers:
        yield layer, below, gradient
        below, gradient = f"{layer.name}/z", f"{layer.name}/dE_dz"


def _check_differentiable(layers: tuple[Layer, ...], loss: Loss, fused: bool) -> None:
    for layer in layers:
        if layer.head is not None and activation(layer.head).backward is None:
            raise ValueError(
                f"{layer.name}: δ = dE/dz ⊙ f′ has no f′ for {layer.head!r}, which runs forward only. "
                "Use 'sigmoid' in its place to train."
            )
    head, function = fusible(layers), loss.function
    last, name = (layers[-1], layers[-1].kind) if head is None else (head, head.head)
    if loss.from_logits and name == function.fused_activation:
        raise ValueError(
            f"{last.name}: {loss.name} with from_logits=True expects logits, but the layer already applies "
            f"{name}. Give it activation='linear', or leave from_logits out."
        )
    if fused and (function.logits is None or name != function.fused_activation):
        raise ValueError(f"{last.name}: {name} cannot be fused into {loss.name}. Leave fused out.")
