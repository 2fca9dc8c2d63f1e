"""Article D's mistakes with GradientTape, each made on purpose beside its correction, and measured."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from experiments.article_d_pitfalls.bench import Bench, bench
from experiments.article_d_pitfalls.gradients import (
    BEFORE,
    INSIDE,
    OTHER_LOSS,
    OUTPUT,
    UPDATED,
    other_loss,
    output_not_loss,
    overwritten,
    updated_weights,
)
from experiments.article_d_pitfalls.pictures import overview
from experiments.article_d_pitfalls.usage import no_optimizer, rebinding, wrong_shape
from experiments.frame.study import Comparison, Part, Picture, Result, Settings, paragraphs
from gradient_diff import compare

if TYPE_CHECKING:
    from rich.progress import Progress

CORRECT = "the derivation against the tape"
PARTS = (wrong_shape, output_not_loss, overwritten, rebinding, other_loss, no_optimizer, updated_weights)


def run(settings: Settings, progress: Progress) -> Result:
    """The study."""
    article = bench(settings)
    mistakes = [make(article) for make in progress.track(PARTS, description="tape_pitfalls: mistakes")]
    mse = article.mlp.backpropagate(article.parameters, article.x, article.y, "mean_squared_error")
    saved = {"evaluation": article.hand, "keras": article.tape, "mean_squared_error": mse}
    return Result("Article D: how a gradient from GradientTape goes wrong", (correct(article), *mistakes), saved)


def correct(article: Bench) -> Part:
    """The chain of the post, done right, and how far off everything else is."""
    shown = (OUTPUT, BEFORE, INSIDE, OTHER_LOSS, UPDATED)
    return Part(
        "The right gradient",
        paragraphs(
            """
            The network has 10 inputs, Dense(10) without an activation, Dense(1) with the sigmoid, and
            binary cross-entropy over 100 samples. x is uniform in [0, 1), y is 0 or 1 at random.

            The post goes back from E to W by dE/dW = dE/do · do/dz · dz/dW. With cross-entropy behind a
            sigmoid, the first two factors become δ = (p − y)/N. Then dE/dW = z_prevᵀ δ and dE/dz_prev =
            δ Wᵀ, layer by layer.

            Everything further down is held against this gradient of the tape. A comparison that shows a
            mistake must come to MISMATCH.
            """
        ),
        comparisons={CORRECT: Comparison(compare(article.hand, article.tape))},
        pictures={"how far off each mistake is": Picture(shown, partial(overview, captions=shown))},
    )
