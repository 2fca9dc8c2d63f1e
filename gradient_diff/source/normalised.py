"""What stands between the nodes of a normalisation: x̂ and ĝ, their sums, and the ways back through μ and v.

With n numbers in each statistic, c = z_prev − μ, x̂ = c/√(v + ε) and ĝ = γ dE/dz people write

    dE/dz_prev = (ĝ − mean ĝ − x̂ mean ĝ x̂)/√(v + ε)  or  (n ĝ − Σ ĝ − x̂ Σ ĝ x̂)/(n √(v + ε))  or, node by node,
    dE/dv = −½ Σ ĝ c/√(v + ε)³,  dE/dμ = −Σ ĝ/√(v + ε),  dE/dz_prev = ĝ/√(v + ε) + 2 dE/dv c/n + dE/dμ/n.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from gradient_diff.source.steps import Step, Written
from manual_mlp import Array, Equation, gradient_node
from manual_mlp.extend import Normalize, NormalizePullback

_PLUS, _MINUS = Written(np.add, "{0} + {1}"), Written(np.subtract, "{0} - {1}")
_TIMES, _OVER = Written(np.multiply, "{0} * {1}"), Written(np.divide, "{0} / {1}")
_SQUARE, _ROOT = Written(np.square, "{0}**2"), Written(np.sqrt, "np.sqrt({0})")
_INVERSE, _CUBE = Written(lambda a: 1 / a, "1 / {0}"), Written(lambda a: a**3, "{0}**3")
_DOUBLE = Written(lambda a: 2 * a, "2 * {0}")
_MINUS_HALF_TIMES = Written(lambda a, b: -0.5 * a * b, "-0.5 * {0} * {1}")
_MINUS_HALF_OVER = Written(lambda a, b: -0.5 * a / b, "-0.5 * {0} / {1}")
_SUM_OVER_SAMPLES = Written(lambda a: np.asarray(a.reshape(-1, a.shape[-1]).sum(0)), "{0}.sum(axis=0)", reduces=True)

Row = tuple[str, Written, tuple[str, ...]]
"""(kind, operation, kinds of operands)."""


@dataclass(frozen=True)
class _Layer:
    """One normalisation: its equations forward and down."""

    forward: Equation
    down: Equation

    @property
    def operation(self) -> Normalize:
        assert isinstance(self.forward.operation, Normalize)
        return self.forward.operation

    @property
    def named(self) -> dict[str, str]:
        """kind → the node that it is, where it is one."""
        below, *rest = self.forward.operands
        found = {"z_prev": below, "z": self.forward.node, "dE_dz": self.down.operands[0], "dE/dz_prev": self.down.node}
        kinds = ["mean"] * self.operation.centred + ["variance"]
        kinds += ["gamma"] * self.operation.scaled + ["beta"] * self.operation.shifted
        found |= dict(zip(kinds, rest, strict=True))
        if not self.operation.scaled:
            found["ĝ"] = found["dE_dz"]
            found |= {"x̂": found["z"]} if not self.operation.shifted else {}
        return found | {f"dE_d{k}": gradient_node(found[k]) for k in ("gamma", "beta") if k in found}

    def over(self, name: str) -> Written:
        """A sum, a mean or a variance over what the statistics are of."""
        row = self.operation.over == "row"
        spelling = f"{{0}}.{name}(axis={'-1, keepdims=True' if row else '0'})"
        return Written(lambda a: _reduced(a, name, row), spelling, reduces=True)

    def rows(self) -> Iterator[Row]:
        """In an order in which each is made of what is there."""
        fixed = isinstance(self.down.operation, NormalizePullback) and self.down.operation.fixed
        yield from () if fixed else self._statistics()
        yield from self._forward()
        yield from self._weights()
        first = "dE/dz_prev" if fixed else "ĝ ⁄ √(v + ε)"
        yield first, _OVER, ("ĝ", "√(v + ε)")
        yield first, _TIMES, ("ĝ", "1 ⁄ √(v + ε)")
        if not fixed:
            yield from self._at_once()
            yield from self._in_stages()

    @property
    def _centred(self) -> str:
        return "z_prev − μ" if self.operation.centred else "z_prev"

    def _statistics(self) -> Iterator[Row]:
        c, total, mean = self._centred, self.over("sum"), self.over("mean")
        if self.operation.centred:
            yield "Σ z_prev", total, ("z_prev",)
            yield "mean", mean, ("z_prev",)
            yield "mean", _OVER, ("Σ z_prev", "n")
            yield c, _MINUS, ("z_prev", "mean")
        yield f"({c})²", _SQUARE, (c,)
        yield f"Σ ({c})²", total, (f"({c})²",)
        yield "variance", mean, (f"({c})²",)
        yield "variance", _OVER, (f"Σ ({c})²", "n")
        if self.operation.centred:
            yield "variance", self.over("var"), ("z_prev",)

    def _forward(self) -> Iterator[Row]:
        c = self._centred
        if self.operation.centred:
            yield c, _MINUS, ("z_prev", "mean")
        yield "v + ε", _PLUS, ("variance", "ε")
        yield "√(v + ε)", _ROOT, ("v + ε",)
        yield "1 ⁄ √(v + ε)", _INVERSE, ("√(v + ε)",)
        yield "x̂", _OVER, (c, "√(v + ε)")
        yield "x̂", _TIMES, (c, "1 ⁄ √(v + ε)")
        scaled, shifted = self.operation.scaled, self.operation.shifted
        if scaled:
            yield "γ x̂" if shifted else "z", _TIMES, ("gamma", "x̂")
        if shifted:
            yield "z", _PLUS, ("γ x̂" if scaled else "x̂", "beta")

    def _weights(self) -> Iterator[Row]:
        if self.operation.scaled:
            yield "dE/dz x̂", _TIMES, ("dE_dz", "x̂")
            yield "dE_dgamma", _SUM_OVER_SAMPLES, ("dE/dz x̂",)
            yield "ĝ", _TIMES, ("dE_dz", "gamma")
        if self.operation.shifted:
            yield "dE_dbeta", _SUM_OVER_SAMPLES, ("dE_dz",)

    def _at_once(self) -> Iterator[Row]:
        yield "ĝ x̂", _TIMES, ("ĝ", "x̂")
        for sign, n, name in (("mean", "", "mean"), ("Σ", "n ", "sum")):
            yield f"{sign} ĝ x̂", self.over(name), ("ĝ x̂",)
            yield f"x̂ {sign} ĝ x̂", _TIMES, ("x̂", f"{sign} ĝ x̂")
            if n:
                yield "n ĝ", _TIMES, ("n", "ĝ")
            left = f"{n}ĝ"
            yield f"{left} − x̂ {sign} ĝ x̂", _MINUS, (left, f"x̂ {sign} ĝ x̂")
            if self.operation.centred:
                yield f"{sign} ĝ", self.over(name), ("ĝ",)
                yield f"{left} − {sign} ĝ", _MINUS, (left, f"{sign} ĝ")
                yield f"{left} − {sign} ĝ − x̂ {sign} ĝ x̂", _MINUS, (f"{left} − {sign} ĝ", f"x̂ {sign} ĝ x̂")
        inner = "ĝ − mean ĝ − x̂ mean ĝ x̂" if self.operation.centred else "ĝ − x̂ mean ĝ x̂"
        yield "dE/dz_prev", _OVER, (inner, "√(v + ε)")
        yield "dE/dz_prev", _TIMES, (inner, "1 ⁄ √(v + ε)")
        whole = "n ĝ − Σ ĝ − x̂ Σ ĝ x̂" if self.operation.centred else "n ĝ − x̂ Σ ĝ x̂"
        yield "1 ⁄ (n √(v + ε))", _OVER, ("1 ⁄ √(v + ε)", "n")
        yield "dE/dz_prev", _TIMES, ("1 ⁄ (n √(v + ε))", whole)

    def _in_stages(self) -> Iterator[Row]:
        c, total = self._centred, self.over("sum")
        yield f"ĝ ({c})", _TIMES, ("ĝ", c)
        yield f"Σ ĝ ({c})", total, (f"ĝ ({c})",)
        yield "√(v + ε)³", _CUBE, ("√(v + ε)",)
        yield "1 ⁄ √(v + ε)³", _INVERSE, ("√(v + ε)³",)
        yield "1 ⁄ √(v + ε)³", _CUBE, ("1 ⁄ √(v + ε)",)
        yield "dE/dv", _MINUS_HALF_TIMES, (f"Σ ĝ ({c})", "1 ⁄ √(v + ε)³")
        yield "dE/dv", _MINUS_HALF_OVER, (f"Σ ĝ ({c})", "√(v + ε)³")
        yield f"dE/dv ({c})", _TIMES, ("dE/dv", c)
        yield f"dE/dv ({c}) ⁄ n", _OVER, (f"dE/dv ({c})", "n")
        yield f"2 dE/dv ({c}) ⁄ n", _DOUBLE, (f"dE/dv ({c}) ⁄ n",)
        yield f"dE/d({c})", _PLUS, ("ĝ ⁄ √(v + ε)", f"2 dE/dv ({c}) ⁄ n")
        yield f"dE/d({c})", _OVER, ("ĝ − x̂ mean ĝ x̂", "√(v + ε)")
        yield f"dE/d({c})", _TIMES, ("ĝ − x̂ mean ĝ x̂", "1 ⁄ √(v + ε)")
        if self.operation.centred:
            yield "dE/dμ", Written(lambda a: -total.function(a), f"-{total.spelling}"), ("ĝ ⁄ √(v + ε)",)
            if self.operation.over == "batch":
                yield "dE/dμ", Written(lambda g, r: -g / r, "-{0} / {1}"), ("Σ ĝ", "√(v + ε)")
            yield "dE/dμ ⁄ n", _OVER, ("dE/dμ", "n")
            yield "dE/dz_prev", _PLUS, (f"dE/d({c})", "dE/dμ ⁄ n")
        else:
            yield "dE/dz_prev", _PLUS, ("ĝ ⁄ √(v + ε)", f"2 dE/dv ({c}) ⁄ n")


def _reduced(a: Array, name: str, row: bool) -> Array:
    if row:
        return np.asarray(getattr(a, name)(axis=-1, keepdims=True))
    return np.asarray(getattr(a.reshape(-1, a.shape[-1]), name)(axis=0))


def normalisation_steps(equations: Mapping[str, Equation]) -> Iterator[Step]:
    """Those of every normalisation among the equations; its n and its ε are `layer/n` and `layer/ε`."""
    for layer in _layers(equations):
        named = layer.named
        for kind, written, operands in layer.rows():
            nodes = [named.get(k, f"{layer.forward.layer}/{k}") for k in (kind, *operands)]
            yield Step(nodes[0], written, tuple(nodes[1:]))


def numbers_of(equations: Mapping[str, Equation], values: Mapping[str, Array]) -> dict[str, float]:
    """`layer/n` and `layer/ε` of every normalisation: how many numbers a statistic is of, and what keeps v off 0."""
    found: dict[str, float] = {}
    for layer in _layers(equations):
        shape = values[layer.forward.operands[0]].shape
        count = shape[-1] if layer.operation.over == "row" else int(np.prod(shape[:-1]))
        found |= {f"{layer.forward.layer}/n": count, f"{layer.forward.layer}/ε": layer.operation.epsilon}
    return found


def _layers(equations: Mapping[str, Equation]) -> Iterator[_Layer]:
    downs = {e.layer: e for e in equations.values() if isinstance(e.operation, NormalizePullback)}
    for forward in equations.values():
        if isinstance(forward.operation, Normalize) and forward.layer in downs:
            yield _Layer(forward, downs[forward.layer])
