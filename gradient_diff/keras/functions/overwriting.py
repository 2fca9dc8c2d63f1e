"""TensorFlow's gradients of operations that write to indices count every write; here only the last one of each index.

https://github.com/tensorflow/tensorflow/issues/7397 tells of `dynamic_stitch`; the others have it likewise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from gradient_diff.backward.overwritten import Overwriting, Overwritten
from gradient_diff.keras.functions.tracing import below, inlined
from keras_mlp import quiet_stderr
from manual_mlp import Array

Called = tuple[Mapping[str, Any], Mapping[str, Any]]

WRITING = {
    "TensorScatterUpdate": "tf.tensor_scatter_nd_update",
    "DynamicStitch": "tf.dynamic_stitch",
    "ParallelDynamicStitch": "tf.raw_ops.ParallelDynamicStitch",
    "SparseToDense": "tf.sparse.to_dense",
    "TensorListScatterIntoExistingList": "tf.TensorArray.scatter",
}
"""Operation → what it is called."""
OURS = {kind: f"GradientDiff{kind}" for kind in WRITING}


def gradients_of_the_last(call: Callable[[], Called], cotangents: Mapping[str, Array]) -> Overwriting | None:
    """A function's gradients if only the last write to an index counted; None where no index repeats, or is no graph.

    `call` returns outputs and sources, by name.
    """
    held: list[Any] = []
    origins: dict[str, str] = {}

    def run() -> dict[str, Any]:
        graph = tf.compat.v1.get_default_graph()
        with graph.gradient_override_map(OURS):
            outputs, sources = call()
        held.extend(outputs.values())
        origins.update({_origin(graph, source): n for n, source in sources.items()})
        upstream = [tf.constant(cotangents[n], t.dtype) for n, t in outputs.items()]
        found = tf.gradients(list(outputs.values()), list(sources.values()), grad_ys=upstream)
        return {n: tf.convert_to_tensor(g) for n, g in zip(sources, found, strict=True) if g is not None}

    try:
        with quiet_stderr(), inlined():
            wrapped = tf.compat.v1.wrap_function(tf.autograph.experimental.do_not_convert(run), [])
            writing = [op for op in below(held, OURS.values()) if op.type in WRITING]
            indices = wrapped.prune([], [_indices(op) for op in writing])() if writing else []
            operations = [_told(op, rows.numpy(), origins) for op, rows in zip(writing, indices, strict=True)]
            repeating = tuple(dict.fromkeys(o for o in operations if o.places))
            gradients = {n: np.array(g.numpy()) for n, g in wrapped().items()} if repeating else {}
    except Exception:  # noqa: BLE001  # somebody else's code may fail as a graph with anything
        return None
    return Overwriting(repeating, gradients) if repeating else None


def _origin(graph: Any, source: Any) -> str:
    """The operation that brings a tensor or a variable into a graph."""
    return str((graph.capture(source.handle) if hasattr(source, "handle") else source).op.name)


def _told(op: Any, rows: Array, origins: Mapping[str, str]) -> Overwritten:
    places, counts = np.unique(rows, axis=0, return_counts=True)
    repeated = [(p.tolist(), int(k)) for p, k in zip(places, counts, strict=True) if k > 1]
    named = tuple((str(p[0] if len(p) == 1 else tuple(p)), k) for p, k in repeated)
    read = frozenset(origins[o.name] for o in below(op.outputs, OURS.values()) if o.name in origins)
    return Overwritten(WRITING[op.type], named, read)


def _indices(op: Any) -> Any:
    """(writes, numbers per index), in the order of the writes; made in the graph of the operation."""
    with op.graph.as_default():
        if op.type in ("DynamicStitch", "ParallelDynamicStitch"):
            return tf.concat([tf.reshape(t, (-1, 1)) for t in op.inputs[: len(op.inputs) // 2]], 0)
        indices = op.inputs[{"TensorScatterUpdate": 1, "SparseToDense": 0}.get(op.type, 2)]
        several = op.type == "TensorScatterUpdate" or (op.type == "SparseToDense" and indices.shape.rank == 2)
        return tf.reshape(indices, (-1, indices.shape[-1] if several else 1))


def _counted(op: Any, gradient: Any) -> Any:
    """The gradient of all writes, set to zero where one is overwritten by a later one."""
    rows = _indices(op)
    n = tf.shape(rows)[0]
    _, place, _ = tf.raw_ops.UniqueWithCountsV2(x=rows, axis=[0])
    last = tf.gather(tf.math.unsorted_segment_max(tf.range(n), place, n), place)
    by_write = tf.reshape(gradient, (n, tf.size(gradient) // tf.maximum(n, 1)))
    return tf.reshape(tf.where((last == tf.range(n))[:, None], by_write, tf.zeros_like(by_write)), tf.shape(gradient))


def _of_scatter(op: Any, upstream: Any) -> list[Any]:
    _, indices, updates = op.inputs
    kept = tf.tensor_scatter_nd_update(upstream, indices, tf.zeros_like(updates))
    return [kept, None, _counted(op, tf.gather_nd(upstream, indices))]


def _of_stitch(op: Any, upstream: Any) -> list[Any]:
    indices = op.inputs[: len(op.inputs) // 2]
    sizes = [tf.size(t) for t in indices]
    flat = _counted(op, tf.gather(upstream, tf.concat([tf.reshape(t, (-1,)) for t in indices], 0)))
    data = op.inputs[len(indices) :]
    return [None] * len(indices) + [
        tf.reshape(part, tf.shape(t)) for part, t in zip(tf.split(flat, sizes), data, strict=True)
    ]


def _of_sparse(op: Any, upstream: Any) -> list[Any]:
    indices = op.inputs[0] if op.inputs[0].shape.rank == 2 else tf.reshape(op.inputs[0], (-1, 1))
    values = tf.reshape(_counted(op, tf.gather_nd(upstream, indices)), tf.shape(op.inputs[2]))
    return [None, None, values, tf.reduce_sum(upstream) - tf.reduce_sum(values)]


def _of_list(op: Any, upstream: Any) -> list[Any]:
    _, written, indices = op.inputs
    element = {"element_shape": tf.shape(written)[1:], "element_dtype": written.dtype}
    gathered = tf.raw_ops.TensorListGather(input_handle=upstream, indices=indices, **element)
    kept = tf.raw_ops.TensorListScatterIntoExistingList(
        input_handle=upstream, tensor=tf.zeros_like(written), indices=indices
    )
    return [kept, _counted(op, gathered), None]


GRADIENTS = {
    "TensorScatterUpdate": _of_scatter,
    "DynamicStitch": _of_stitch,
    "ParallelDynamicStitch": _of_stitch,
    "SparseToDense": _of_sparse,
    "TensorListScatterIntoExistingList": _of_list,
}
for kind, ours in OURS.items():
    tf.RegisterGradient(ours)(GRADIENTS[kind])
