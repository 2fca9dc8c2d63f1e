"""What each report says of the article that it grew from."""

from __future__ import annotations

SAME_BITS = "Both twins, the derivation in NumPy and the Keras model, start from the same weights, bit for bit."
ARTICLES = {
    "article_a": "Article A, “An MLP in NumPy alone” (after Okatani, Deep Learning, 2016), trains a 1-5-5-5-1 network "
    "on sin(x) by gradient descent in plain NumPy.",
    "article_b": "Article B, “Neural networks” (notes on Saito, Deep Learning from Scratch), follows a 2-3-2-2 network "
    "number by number, and classifies MNIST with one of 784-50-100-10.",
    "article_c": "Article C, “MLP basics” (a course notebook), goes from gates over a 2-3-3-2 network drawn stage by "
    "stage to 15 hidden units that learn digits and compress them.",
    "article_d": "Article D, “Backpropagation with GradientTape” (a blog post), differentiates a 10-10-1 Keras network "
    "layer by layer, with mistakes of its own.",
    "article_e": "Article E, “An MLP from scratch in Python” (a coding-test retrospective with a small library), "
    "trains a 784-28-28-10 network with dropout on MNIST.",
    "beyond": "This study goes beyond the five articles.",
}
"""Start of a study's module → what its report says of where it comes from."""


def origin_of(module: str) -> tuple[str, ...]:
    """The paragraph for a study's module; none for a benchmark, which grew from no article and has no such twins."""
    return tuple(f"{text} {SAME_BITS}" for start, text in ARTICLES.items() if module.startswith(start))
