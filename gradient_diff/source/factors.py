"""Convention factors: N, K, 2, their products and inverses, both signs, the rate; of mini-batches their own mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

OF_ITS_BATCH = "N/n"
"""Behind a factor: the mean is over the n samples of the mini-batch, not over all N."""

Order = Mapping[str, tuple[int, str, bool]]
"""Factor → (how far from the commonest, what of it is no N/n, whether it has that)."""


def factors_of(n: int, k: int, rate: float | None) -> dict[str, float]:
    """By name, 1 first; of a batch of n, k outputs and perhaps a learning rate. Of one value there is one name."""
    named = {"1": 1.0, "N": n, "1/N": 1 / n, "N·K": n * k, "1/(N·K)": 1 / (n * k), "N·K/2": n * k / 2}
    named |= {"2/(N·K)": 2 / (n * k), "2": 2.0, "½": 0.5, "K": k, "1/K": 1 / k, "N/2": n / 2, "2/N": 2 / n}
    named |= {"K/2": k / 2, "2/K": 2 / k, "2N": 2 * n, "1/(2N)": 1 / (2 * n), "4": 4.0, "¼": 0.25}
    if rate is not None:
        named |= {"η": rate, "η N": rate * n, "η/N": rate / n}
    signed = {**named, **{f"−{name}": -value for name, value in named.items()}}
    found: dict[float, str] = {}
    for name, value in signed.items():
        found.setdefault(round(value, 12), name)
    return {name: signed[name] for name in found.values()}


def order_of(labels: Iterable[str]) -> Order:
    """Of factors, and of the same with the mean of a mini-batch."""
    each = [(label, label, False) for label in labels]
    each += [(of_its_batch(label), label, True) for label, _, _ in each]
    each.sort(key=lambda e: e[1] not in ("1", "−1"))  # before what may be an accident
    return {label: (i, own, batch) for i, (label, own, batch) in enumerate(each)}


def of_its_batch(label: str) -> str:
    """A factor with the mean of a mini-batch."""
    return {"1": OF_ITS_BATCH, "−1": f"−{OF_ITS_BATCH}"}.get(label, f"{label}·{OF_ITS_BATCH}")
