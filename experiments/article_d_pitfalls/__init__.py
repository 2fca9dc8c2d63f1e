"""The parts of `tape_pitfalls`: the article's network, its wrong gradients, its wrong uses of Keras, the pictures."""

__all__: list[str] = []
