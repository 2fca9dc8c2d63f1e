"""Backpropagation as a student writes it: plain NumPy, one function, sample by sample. Independent of the engine."""

from __future__ import annotations

import numpy as np

from experiments.students.blocks import blocks, input_mask
from manual_mlp import Array, Dense, Problem, gradient_node


def student_nodes(problem: Problem) -> dict[str, Array]:
    """u and z sample by sample, and parameter gradients accumulated over the samples, in the problem's dtype."""
    names = [str(layer.name) for layer in _dense(problem)]
    total = {gradient_node(name): np.zeros_like(array) for name, array in problem.parameters.items()}
    traces: dict[str, list[Array]] = {f"{name}/{which}": [] for name in names for which in ("u", "z")}
    masks = [problem.draws.get(name) for name in (input_mask(problem.mlp), *(b.mask for b in blocks(problem.mlp)))]
    for n in range(problem.batch):
        kept = [mask if mask is None else mask[n] for mask in masks]  # of what each layer reads
        us, zs, reads = _forward(problem, problem.x[n], kept)
        for name, gradient in _backward(problem, us, zs, reads, kept, problem.y[n]).items():
            total[name] += gradient
        for name, u, z in zip(names, us, zs, strict=True):
            traces[f"{name}/u"].append(u)
            traces[f"{name}/z"].append(z)
    return {**{name: np.stack(rows) for name, rows in traces.items()}, **total}


def _dense(problem: Problem) -> list[Dense]:
    return [layer for layer in problem.mlp.layers if isinstance(layer, Dense)]


def _forward(problem: Problem, x: Array, kept: list[Array | None]) -> tuple[list[Array], list[Array], list[Array]]:
    us: list[Array] = []
    zs: list[Array] = []
    reads: list[Array] = []
    for layer, mask in zip(_dense(problem), kept, strict=False):  # nobody reads what the last layer drops
        reads.append(_dropped(zs[-1] if zs else x, mask))
        us.append(reads[-1] @ problem.parameters[f"{layer.name}/kernel"] + problem.parameters[f"{layer.name}/bias"])
        zs.append(_f(layer.activation, us[-1]))
    return us, zs, reads


def _dropped(z: Array, mask: Array | None) -> Array:
    return z if mask is None else z * mask


def _backward(
    problem: Problem, us: list[Array], zs: list[Array], reads: list[Array], kept: list[Array | None], y: Array
) -> dict[str, Array]:
    layers = _dense(problem)
    delta = _output_delta(problem, us[-1], zs[-1], y)
    gradients = {}
    for i in range(len(layers) - 1, -1, -1):
        gradients[f"{layers[i].name}/dE_dkernel"] = np.outer(reads[i], delta)
        gradients[f"{layers[i].name}/dE_dbias"] = delta
        if i:
            below = _dropped(problem.parameters[f"{layers[i].name}/kernel"] @ delta, kept[i])
            delta = _jacobian(layers[i - 1].activation, us[i - 1], zs[i - 1], below)
    return gradients


def _f(name: str, u: Array) -> Array:
    if name == "softmax":
        e = np.exp(u - np.max(u))
        return np.asarray(e / np.sum(e))
    with np.errstate(over="ignore"):
        plain = {"linear": u, "relu": u * (u > 0), "tanh": np.tanh(u), "sigmoid": 1 / (1 + np.exp(-u))}
    return np.asarray(plain[name])


def _jacobian(name: str, u: Array, z: Array, g: Array) -> Array:
    if name == "softmax":
        return np.asarray((np.diag(z) - np.outer(z, z)) @ g)
    slope = {"linear": np.ones_like(z), "relu": (u > 0).astype(z.dtype), "tanh": 1 - z**2, "sigmoid": z * (1 - z)}
    return np.asarray(g * slope[name])


def _output_delta(problem: Problem, u: Array, z: Array, y: Array) -> Array:
    loss, output = problem.loss, _dense(problem)[-1].activation
    target = np.eye(len(z), dtype=z.dtype)[y] if loss.function.class_indices else y
    c = z.dtype.type(loss.scale * loss.function.factor(problem.batch, len(z)))
    if problem.fused:
        return np.asarray(c * (z - target))
    if loss.from_logits:
        return _jacobian(output, u, z, c * (_f(str(loss.function.fused_activation), z) - target))
    return _jacobian(output, u, z, c * _slope_of_loss(problem, z, target))


def _slope_of_loss(problem: Problem, z: Array, target: Array) -> Array:
    name = problem.loss.name
    if name == "binary_crossentropy":
        q = np.clip(z, 1e-7, 1 - 1e-7)
        return np.asarray((-target / q + (1 - target) / (1 - q)) * (q == z))
    if name == "categorical_crossentropy":
        q = z / np.sum(z)
        c = np.clip(q, 1e-7, 1 - 1e-7)
        g = -target / c * (c == q)
        return np.asarray((g - np.sum(g * q)) / np.sum(z))
    if name == "sparse_categorical_crossentropy":
        q = np.clip(z, 1e-7, 1 - 1e-7)
        return np.asarray((1 / np.sum(q) - target / q) * (q == z))
    return np.asarray(2 * (z - target))
