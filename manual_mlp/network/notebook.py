"""Networks and evaluations as a notebook shows them: tables that need no style, their tail folded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape

import numpy as np

from manual_mlp.arrays import Array, Shape
from manual_mlp.network.layers.layer import Layer

_MOST = 12  # rows that stand open


def network_html(outline: str, inputs: Shape, layers: Iterable[tuple[Layer, Shape]], own: Mapping[str, Shape]) -> str:
    """One row a layer: what it is, the shape of what comes out for one sample, and its parameters, name → shape."""
    rows = [
        (str(layer.name), _kind(layer), _shape(("N", *out)), _parameters(str(layer.name), own)) for layer, out in layers
    ]
    count = sum(math.prod(map(int, shape)) for shape in own.values())
    head = f"<p><strong>{escape(outline)}</strong>: x is {_shape(('N', *inputs))}; {count:,} parameters.</p>"
    return head + _tables(("layer", "kind", "output", "parameters"), rows, "layers")


def evaluation_html(loss: float, of: str, gradients: Mapping[str, Array], nodes: Mapping[str, Array]) -> str:
    """E, of what and by whom, and one row a gradient, by the parameter's name; all nodes are folded."""
    titles = ("array", "shape", "largest entry")
    rows = _sizes({f"dE/d({name})": array for name, array in gradients.items()})
    folded = f"<details><summary>All nodes</summary>{_table(titles, _sizes(nodes))}</details>"
    return f"<p><strong>E = {loss:.6g}</strong> of {escape(of)}.</p>" + _tables(titles, rows, "gradients") + folded


def _kind(layer: Layer) -> str:
    activation = getattr(layer, "activation", None)
    return type(layer).__name__ + (f", {activation}" if activation else "")


def _parameters(layer: str, shapes: Mapping[str, Shape]) -> str:
    own = {name.removeprefix(f"{layer}/"): s for name, s in shapes.items() if name.startswith(f"{layer}/")}
    return ", ".join(f"{name} {_shape(s)}" for name, s in own.items()) or "none"


def _shape(shape: Sequence[object]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _sizes(arrays: Mapping[str, Array]) -> list[tuple[str, str, str]]:
    return [(n, _shape(a.shape), f"{np.abs(a).max():.4g}" if a.size else "none") for n, a in arrays.items()]


def _tables(titles: Sequence[str], rows: Sequence[Sequence[str]], what: str) -> str:
    """At most 12 rows, and the others folded."""
    more = f"<details><summary>{len(rows) - _MOST} more {what}</summary>{_table(titles, rows[_MOST:])}</details>"
    return _table(titles, rows[:_MOST]) + more * (len(rows) > _MOST)


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{title}</th>' for title in titles)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
