"""Which operation of a TensorFlow function has no finite derivative at the point: its graph is run, and looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from gradient_diff.backward.singular import Singular
from gradient_diff.keras.functions.tracing import below, inlined
from keras_mlp import quiet_stderr
from manual_mlp import Array

Operands = list[Array]
EPSILON = "Add a small ε below it, as in tf.sqrt(x + 1e-12), or leave 0 out before it"
CLIP = "Keep its argument a little inside, as by tf.clip_by_value"
AWAY = "Keep its argument away from 0, or leave 0 out before it"
OVERFLOW = (
    "Subtract the largest argument first, as tf.reduce_logsumexp does, or use the function that does both at once"
)
SELECTS = ("Select", "SelectV2", "Where", "DivNoNan", "MulNoNan")

INFINITE: dict[str, tuple[Callable[[Operands], Array], str, str, str]] = {
    "Sqrt": (lambda a: a[0] == 0, "tf.sqrt at 0", "the derivative of √x, 1/(2√x), is infinite at 0", EPSILON),
    "EuclideanNorm": (lambda a: _norm_is_0(a[0]), "a norm at 0", "x/‖x‖ is 0/0 there", EPSILON),
    "Rsqrt": (lambda a: a[0] == 0, "tf.math.rsqrt at 0", "it and its derivative are infinite there", EPSILON),
    "Reciprocal": (lambda a: a[0] == 0, "a reciprocal of 0", "it and its derivative are infinite there", AWAY),
    "RealDiv": (lambda a: np.asarray(a[1] == 0), "a division by 0", "the derivative is divided by 0, too", AWAY),
    "Log": (lambda a: a[0] == 0, "tf.math.log at 0", "it and its derivative 1/x are infinite there", EPSILON),
    "Log1p": (lambda a: a[0] == -1, "tf.math.log1p at -1", "it and its derivative are infinite there", CLIP),
    "Pow": (
        lambda a: np.logical_and(a[0] == 0, (a[1] < 1) & (a[1] != 0)),
        "a power below 1 at 0",
        "its derivative, p x^(p − 1), is infinite at 0",
        EPSILON,
    ),
    "Acos": (lambda a: np.abs(a[0]) == 1, "tf.acos at ±1", "its derivative, 1/√(1 − x²), is infinite there", CLIP),
    "Asin": (lambda a: np.abs(a[0]) == 1, "tf.asin at ±1", "its derivative, 1/√(1 − x²), is infinite there", CLIP),
    "Acosh": (lambda a: a[0] == 1, "tf.acosh at 1", "its derivative, 1/√(x² − 1), is infinite there", CLIP),
    "Atanh": (lambda a: np.abs(a[0]) == 1, "tf.atanh at ±1", "it and its derivative are infinite there", CLIP),
    "Erfinv": (lambda a: np.abs(a[0]) == 1, "tf.math.erfinv at ±1", "it and its derivative are infinite there", CLIP),
    "Atan2": (lambda a: np.logical_and(a[0] == 0, a[1] == 0), "tf.atan2 at (0, 0)", "x/(x² + y²) is 0/0 there", AWAY),
    "Exp": (lambda a: np.isinf(np.exp(a[0])) & np.isfinite(a[0]), "tf.exp", "it overflows to Inf", OVERFLOW),
}
"""Operation → where it has no finite derivative, what it is called, why, and the cure."""
SUMMED = {"Sum": "a norm at 0", "Mean": "a standard deviation of 0"}  # what the root of it is called


def _norm_is_0(x: Array) -> Array:
    return np.asarray(not np.any(x))


def singular_operations(call: Callable[[], Any]) -> tuple[Singular, ...]:
    """Those of a call, between what it reads and its outputs; none where it is no graph, or by its own gradient."""
    try:
        with quiet_stderr(), inlined():
            wrapped = tf.compat.v1.wrap_function(tf.autograph.experimental.do_not_convert(call), [])
            reached = below(wrapped.outputs)
            asked = [op for op in reached if op.type in INFINITE]
            operands = [t for op in asked for t in op.inputs]
            values = iter(wrapped.prune([], operands)()) if operands else iter(())
    except Exception:  # noqa: BLE001  # somebody else's code may fail as a graph with anything
        return ()
    found = [(op, [np.asarray(next(values).numpy()) for _ in op.inputs]) for op in asked]
    with np.errstate(all="ignore"):
        broken = [op for op, arrays in found if np.any(INFINITE[op.type][0](arrays))]
    return tuple(dict.fromkeys(_told(op, reached) for op in broken))


def _told(op: Any, reached: list[Any]) -> Singular:
    _, what, why, cure = INFINITE[op.type]
    above = op.inputs[0].op.type if op.type == "Sqrt" else ""
    return Singular(SUMMED.get(above, what), why, cure, _is_masked(op, reached))


def _is_masked(op: Any, reached: list[Any]) -> bool:
    """Whether a `where` stands between it and the outputs."""
    used = {op.name}
    for later in reversed(_in_order(reached)):
        if any(t.op.name in used for t in later.inputs):
            used.add(later.name)
    return any(o.name in used and o.type in SELECTS for o in reached)


def _in_order(reached: list[Any]) -> list[Any]:
    order = {o.name: i for i, o in enumerate(reached[0].graph.get_operations())}
    return sorted(reached, key=lambda o: order[o.name], reverse=True)
