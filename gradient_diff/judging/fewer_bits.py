"""Products of fewer bits: a right derivation whose operands lost digits on their way into each matrix product.

Graphics cards multiply float32 matrices in TF32 or bfloat16 where they are allowed to, and a library may do so on
request. Who computed arrays does not say so with them: it is an assumption, so that it convicts nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from gradient_diff.judging.case import Case
from gradient_diff.noise.network import Kind, on_branch, rounding_noise
from gradient_diff.result.judged import Judged
from gradient_diff.result.status import Meaning, Status
from manual_mlp import Array, Equation, Problem
from manual_mlp.extend import UNITS, Arrays, Local, Operation, Plus, Precision, Product

CLOSER = 0.25  # of the distance from the plain derivation, root mean square in σ: less is no accident of a few entries
FARTHEST = 1e12  # σ: all that is further off counts alike, so that no square overflows
JUDGE = "products of fewer bits"


@dataclass(frozen=True)
class Operands:
    """How the operands of every product are prepared.

    Attributes:
        bits: significant bits that they keep.
        named: who computes so.
        way: "to even" or "away" for what is half-way between two neighbours; "cut" for digits that are cut off;
            "float16" for its range, too.
    """

    bits: int
    named: str
    way: str

    def prepare(self, a: Array) -> Array:
        """The operand as it enters the product: stored in float32, and in `bits` bits of that."""
        if self.way == "float16":
            return np.asarray(a, np.float16).astype(np.float64)
        mantissa, exponent = np.frexp(np.asarray(a, np.float32).astype(np.float64))
        scaled = np.ldexp(mantissa, self.bits)
        if self.way == "to even":
            kept = np.rint(scaled)
        else:
            kept = np.trunc(scaled + np.copysign(0.5, scaled) * (self.way == "away"))
        return np.asarray(np.ldexp(kept, exponent - self.bits))

    @property
    def words(self) -> str:
        """What they are, in a sentence."""
        how = "are cut off to" if self.way == "cut" else "have"
        return f"these are the gradients of products whose operands {how} {self.bits} significant bits ({self.named})"

    @property
    def meaning(self) -> Meaning:
        """What INCONCLUSIVE says then, and what settles it."""
        cure = "Compute in full float32, e.g. after tf.config.experimental.enable_tensor_float_32_execution(False)"
        return Meaning(self.words, f"{cure}; or choose how far off such products may be: compare(…, rtol=).")


WAYS = (
    Operands(11, "TF32", "away"),  # cvt.rna.tf32.f32, PTX ISA 8.5: nearest, ties away from zero
    Operands(11, "TF32 or float16", "to even"),  # IEEE 754
    Operands(8, "bfloat16", "to even"),
    Operands(11, "TF32", "cut"),  # tensor cores read the upper 19 bits of what they are given
    Operands(8, "bfloat16", "cut"),
    Operands(11, "float16", "float16"),  # small δ keep fewer bits than 11
)
FINEST = 2.0**-24  # the grid of float16's subnormals


@dataclass(frozen=True)
class FewerBits(Product):
    """A product of prepared operands."""

    operands: Operands = WAYS[0]

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        return super().evaluate(*self.prepared(operands), out=out)

    def rounding(self, result: Array, *operands: Array, at: Precision) -> Local:
        """That of the product itself, and in the bound one operand that fell on the other side of half-way.

        A last bit of an operand decides that once in 2¹³ times and then moves it by a step, 2u of its few bits; what
        that does on average is in the draws, but a single one in a short sum stands far out of them.
        """
        local = super().rounding(result, *self.prepared(operands), at=at)
        left, right = self._oriented(*(np.abs(a) for a in operands[:2]))
        left, right = left.max(axis=1, initial=0.0)[:, None], right.max(axis=0, initial=0.0)
        step, least = 2.0 ** (1 - self.operands.bits), FINEST if self.operands.way == "float16" else 0.0
        return replace(local, bound=local.bound + np.maximum(step * left * right, least * np.maximum(left, right)))

    def prepared(self, operands: tuple[Array, ...]) -> tuple[Array, ...]:
        """The operands as they enter; what is added afterwards stays as it is."""
        left, right, *extra = operands
        return self.operands.prepare(left), self.operands.prepare(right), *extra


@dataclass(frozen=True, eq=False)
class _Prepared(Problem):
    """A problem whose products are of prepared operands, so that its rounding can be computed like any other's."""

    plan: tuple[Equation, ...] = ()

    @property
    def equations(self) -> tuple[Equation, ...]:
        return self.plan


def with_operands(problem: Problem, operands: Operands) -> Problem:
    """The same problem, its products of operands so prepared."""
    p = problem
    plan = tuple(replace(e, operation=_fewer(e.operation, operands)) for e in p.equations)
    return _Prepared(p.mlp, p.parameters, p.x, p.y, p.loss, p.fused, p.draws, p.sample_weight, plan=plan)


def _fewer(operation: Operation, operands: Operands) -> Operation:
    if isinstance(operation, Plus):
        return replace(operation, left=_fewer(operation.left, operands), right=_fewer(operation.right, operands))
    if not isinstance(operation, Product):
        return operation
    return FewerBits(operation.transpose_left, operation.transpose_right, operands)


def by_fewer_bits(case: Case, judged: Mapping[str, Judged]) -> dict[str, Judged]:
    """The nodes that are off, undecided, where products of fewer bits explain one whole side; else nothing."""
    off = [n for n, j in judged.items() if j.status.bad]
    noise = case.noise
    if not off or case.problem is None or noise is None or noise.kind is not Kind.NETWORK:
        return {}
    if UNITS[noise.dtype] > UNITS["float32"]:
        return {}
    hers = all(judged[n].status is Status.REFERENCE_OFF for n in off)
    operands = _explained(case, case.reference if hers else case.hand)
    if operands is None:
        return {}
    words = operands.words.replace("these are", "those of the reference are") if hers else operands.words
    meaning = replace(operands.meaning, message=words)
    undecided = {"status": Status.INCONCLUSIVE, "reason": words, "judge": JUDGE, "by_sigma": False, "meaning": meaning}
    return {n: replace(judged[n], **undecided) for n in off}  # type: ignore[arg-type]  # fields of Judged, all


@np.errstate(over="ignore", invalid="ignore")  # products of fewer bits overflow sooner; then they are not the way
def _explained(case: Case, side: Arrays) -> Operands | None:
    """The way that meets a whole side within its rounding, if one does."""
    assert case.noise is not None
    assert case.problem is not None
    nodes = [n for n in side if n in case.noise.sigma]
    arrays = {n: np.asarray(side[n], np.float64) for n in nodes}
    problem = case.problem.float64
    left = {w: _distance(case, arrays, _evaluated(with_operands(problem, w))) for w in WAYS}
    nearest = min(WAYS, key=left.__getitem__)
    if left[nearest] > CLOSER * _distance(case, arrays, case.noise.values):
        return None
    noise = rounding_noise(with_operands(problem, nearest), case.noise.dtype)
    fits = all((noise.distance(n, a - noise.values[n], sides=1) <= noise.gate).all() for n, a in arrays.items())
    return nearest if fits else None


def _evaluated(problem: Problem) -> dict[str, Array]:
    return on_branch(problem.equations, problem.environment, {})


def _distance(case: Case, arrays: Arrays, values: Mapping[str, Array]) -> float:
    """Root of the mean square over all entries, in σ; an array whose σ is 0 says nothing."""
    assert case.noise is not None
    total, count = 0.0, 0
    for node, array in arrays.items():
        sigma = np.broadcast_to(case.noise.sigma[node], array.shape)
        told = sigma > 0
        far = np.minimum(np.abs(array - values[node])[told] / sigma[told], FARTHEST)
        total += float(np.square(far).sum())
        count += int(told.sum())
    return float(np.sqrt(total / max(count, 1)))
