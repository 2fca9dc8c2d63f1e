from __future__ import annotations

from experiments.article_d_pitfalls.bench import bench, by_tape, cross_entropy
from experiments.frame.study import Settings


def test_the_article_s_data_and_its_e_by_three_ways() -> None:
    found = bench(Settings())
    assert (found.x.shape, found.y.shape) == ((100, 10), (100, 1))
    plain, _ = by_tape(found.model, lambda: cross_entropy(found.y, found.model(found.x)))
    assert [round(e, 6) for e in (found.hand.loss, found.tape.loss, plain)] == [0.737697] * 3
