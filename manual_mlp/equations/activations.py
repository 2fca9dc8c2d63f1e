"""The table of activation functions, and how one with arguments is named: `leaky_relu(negative_slope=0.3)`."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache

from manual_mlp.equations.functions import algebraic, classic, exponential, gated, rectifiers, softmax
from manual_mlp.equations.functions.record import ActivationFunction
from manual_mlp.errors import unknown_name

Argument = float | bool | None

FAMILIES: dict[str, Callable[..., ActivationFunction]] = {
    "relu": rectifiers.relu,
    "leaky_relu": rectifiers.leaky_relu,
    "relu6": rectifiers.relu6,
    "elu": exponential.elu,
    "selu": exponential.selu,
    "celu": exponential.celu,
    "exponential": exponential.exponential,
    "softplus": exponential.softplus_record,
    "log_sigmoid": exponential.log_sigmoid,
    "silu": gated.silu,
    "gelu": gated.gelu,
    "mish": gated.mish,
    "softsign": algebraic.softsign,
    "squareplus": algebraic.squareplus,
    "tanh_shrink": algebraic.tanh_shrink,
    "hard_tanh": rectifiers.hard_tanh,
    "hard_sigmoid": rectifiers.hard_sigmoid,
    "hard_silu": rectifiers.hard_silu,
    "sparse_sigmoid": rectifiers.sparse_sigmoid,
    "sparse_plus": rectifiers.sparse_plus,
    "soft_shrink": rectifiers.soft_shrink,
    "hard_shrink": rectifiers.hard_shrink,
    "threshold": rectifiers.threshold,
}
"""Name → the record with Keras's arguments, under Keras's names and with Keras's defaults."""

OTHER_NAMES = {"swish": "silu", "hard_swish": "hard_silu"}

ACTIVATIONS: dict[str, ActivationFunction] = {
    **{record.name: record for record in (*classic.RECORDS, *softmax.RECORDS)},
    **{name: family() for name, family in FAMILIES.items() if name not in ("relu", "threshold")},
}
"""Name → record, with Keras's default arguments."""


def activation(name: str) -> ActivationFunction:
    """The record of an activation.

    Args:
        name: a key of `ACTIVATIONS`, or a name with Keras's arguments, such as "leaky_relu(0.3)",
            "relu(max_value=6)", "gelu(approximate=True)", "threshold(0.5, 0)".

    Returns:
        Its record, whose name spells the arguments in one way, and leaves Keras's defaults out.

    Raises:
        ValueError: unknown name (the nearest one is suggested), or arguments that it has not.

    Example:
        >>> activation("relu").reads
        'u'
        >>> activation("leaky_relu(0.3)").name, activation("leaky_relu(0.2)").name
        ('leaky_relu(negative_slope=0.3)', 'leaky_relu')
    """
    if isinstance(name, str) and name in ACTIVATIONS:
        return ACTIVATIONS[name]
    return _read(str(name)) if isinstance(name, str) else _made(name, (), {})


def arguments_of(name: str) -> tuple[str, dict[str, Argument]]:
    """The base of a name as a record spells it, and its arguments by name.

    Example:
        >>> arguments_of("relu(max_value=6)")
        ('relu', {'max_value': 6})
    """
    base, _, options = _parsed(activation(name).name)
    return base, options


def written(base: str, arguments: Mapping[str, Argument]) -> str:
    """The one way to spell an activation with arguments by name.

    Example:
        >>> written("leaky_relu", {"negative_slope": 0.2}), written("relu", {"max_value": 6.0})
        ('leaky_relu', 'relu(max_value=6)')
    """
    return activation(f"{base}({', '.join(f'{n}={v!r}' for n, v in arguments.items())})").name


@lru_cache(maxsize=256)
def _read(text: str) -> ActivationFunction:
    return _made(*_parsed(text))


def _parsed(text: str) -> tuple[str, tuple[Argument, ...], dict[str, Argument]]:
    """Base and arguments, by position and by name."""
    if "(" not in text:
        return text, (), {}
    try:
        call = ast.parse(text.strip(), mode="eval").body
        assert isinstance(call, ast.Call)
        assert isinstance(call.func, ast.Name)
        options = {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
        return call.func.id, tuple(ast.literal_eval(a) for a in call.args), options
    except (SyntaxError, ValueError, AssertionError):
        raise ValueError(
            f"Activation {text!r} cannot be read: expected a name, or one with numbers such as 'leaky_relu(0.3)' or "
            "'relu(max_value=6)'."
        ) from None


def _made(base: str, positional: tuple[Argument, ...], options: dict[str, Argument]) -> ActivationFunction:
    base = OTHER_NAMES.get(base, base)
    if base not in FAMILIES and base not in ACTIVATIONS:
        raise unknown_name("activation", base, {*ACTIVATIONS, *FAMILIES, *OTHER_NAMES})
    family = FAMILIES.get(base)
    signature = inspect.Signature() if family is None else inspect.signature(family)
    try:
        bound = signature.bind(*positional, **options)
    except TypeError as error:
        raise ValueError(f"Activation {base!r}: {error}. Expected {base}{_expected(signature)}.") from None
    given = {n: _checked(base, n, v, signature.parameters[n]) for n, v in bound.arguments.items()}
    given = {n: v for n, v in given.items() if v != signature.parameters[n].default}
    if not given and base in ACTIVATIONS:
        return ACTIVATIONS[base]
    assert family is not None  # what takes no argument is in the table
    arguments = ", ".join(f"{n}={_spelled(v)}" for n, v in given.items())
    return replace(family(**given), name=f"{base}({arguments})")


def _expected(signature: inspect.Signature) -> str:
    names = [
        p.name if p.default is p.empty else f"{p.name}={_spelled(p.default)}" for p in signature.parameters.values()
    ]
    return f"({', '.join(names)})"


def _checked(base: str, name: str, value: Argument, parameter: inspect.Parameter) -> Argument:
    """A finite number, a flag where the default is one, None where it may be."""
    if isinstance(parameter.default, bool):
        if isinstance(value, bool):
            return value
    elif value is None and parameter.default is None:
        return None
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf"):
        return float(value)
    kind = "True or False" if isinstance(parameter.default, bool) else "a finite number"
    raise ValueError(f"Activation {base}({name}={value!r}): expected {kind}.")


def _spelled(value: Argument) -> str:
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e15
    return str(int(value)) if whole and value is not None else repr(value)
