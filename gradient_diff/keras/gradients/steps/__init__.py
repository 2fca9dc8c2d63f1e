"""One step of an optimizer: the gradient that it tells of, and the step replayed from the tape's gradient."""
