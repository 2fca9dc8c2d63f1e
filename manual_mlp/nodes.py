"""All algebra of names: `dense_1/kernel` is layer and kind, `dense_1/dE_dkernel` the node of its gradient."""

from __future__ import annotations

LOSS = "loss"  # the node of E
SAMPLE_WEIGHT = "sample_weight"  # data like x and y, where samples are weighed
INPUT_GRADIENT = "inputs/dE_dx"


def gradient_node(name: str) -> str:
    """The node of dE/d of a parameter, a node, or x.

    Args:
        name: `layer/kind`, or "x".

    Returns:
        `layer/dE_dkind`; for x, whose layer is the input, `inputs/dE_dx`.

    Raises:
        ValueError: a name without a layer.

    Example:
        >>> gradient_node("dense_1/kernel"), gradient_node("dense_1/u"), gradient_node("x")
        ('dense_1/dE_dkernel', 'dense_1/dE_du', 'inputs/dE_dx')
    """
    if name == "x":
        return INPUT_GRADIENT
    layer, kind = name.rsplit("/", 1)
    return f"{layer}/dE_d{kind}"


def variable_of(node: str) -> str:
    """What a gradient's node is the derivative by, the inverse of `gradient_node`; another name is its own.

    Example:
        >>> variable_of("dense_1/dE_dkernel"), variable_of("inputs/dE_dx"), variable_of("dense_1/z")
        ('dense_1/kernel', 'x', 'dense_1/z')
    """
    if node == INPUT_GRADIENT:
        return "x"
    layer, slash, kind = node.rpartition("/dE_d")
    return f"{layer}/{kind}" if slash else node


def is_gradient(node: str, *kinds: str) -> bool:
    """Whether a node is dE/d of something, and no node of the forward pass; with `kinds`, dE/d of one of those.

    Example:
        >>> is_gradient("dense_1/dE_du"), is_gradient("dense_1/dE_du", "kernel", "bias"), is_gradient("dense_1/u")
        (True, False, False)
    """
    _, slash, kind = node.rpartition("/dE_d")
    return bool(slash) and (not kinds or kind in kinds)


def layer_of(name: str) -> str:
    """The layer in a name, "" where there is none.

    Example:
        >>> layer_of("dense_1/dE_dkernel"), layer_of("loss")
        ('dense_1', '')
    """
    return name.rpartition("/")[0]


def kind_of(name: str) -> str:
    """A name without its layer.

    Example:
        >>> kind_of("dense_1/dE_dkernel"), kind_of("loss")
        ('dE_dkernel', 'loss')
    """
    return name.rpartition("/")[2]
