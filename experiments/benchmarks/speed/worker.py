"""One engine in a process of its own, `python -m experiments.benchmarks.speed.worker ENGINE DTYPE`, asked by lines.

TensorFlow's and BLAS's thread pools disturb each other in one process. So each engine has its own, and while one
measures the others wait for their standard input.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from statistics import median
from typing import Any, TypeAlias

import numpy as np

from experiments.article_a_sine import article as article_a
from manual_mlp import MLP, Array, Dense, Loss, train

Call: TypeAlias = Callable[[], float]  # does the work once and returns E
Problem: TypeAlias = tuple[MLP, dict[str, Array], Array, Array, str]

BLOCKS = 5  # of calls; their median is reported
NUMPY_STEPS, KERAS_STEPS = 500, 50  # of the sine's 50,000, in one call: one step costs what the other does
WIDE_STEPS = 8
EPOCH_RATE, EPOCH_BATCH = 0.01, 100


def sine(dtype: str) -> Problem:
    """Article A's network and data."""
    mlp = MLP(1, [*(Dense(n, "sigmoid") for n in article_a.SIZES[1:-1]), Dense(1)])
    return mlp, article_a.as_parameters(*article_a.draw(0, dtype)), *article_a.data(dtype), "half_sum_squared_error"


def digits(dtype: str) -> Problem:
    """784-50-100-10 on a batch of 100 made-up pictures."""
    mlp = MLP(784, [Dense(50, "sigmoid"), Dense(100, "sigmoid"), Dense(10, "softmax")])
    return _made_up(mlp, 100, dtype)


def wide(dtype: str) -> Problem:
    """1024-2048-2048-10 on a batch of 256."""
    return _made_up(MLP(1024, [Dense(2048, "relu"), Dense(2048, "relu"), Dense(10, "softmax")]), 256, dtype)


def mnist_sized(dtype: str, samples: int = 60_000) -> Problem:
    """784-50-10 on as many made-up pictures as MNIST has."""
    return _made_up(MLP(784, [Dense(50, "sigmoid"), Dense(10, "softmax")]), samples, dtype)


def _made_up(mlp: MLP, batch: int, dtype: str) -> Problem:
    rng = np.random.default_rng(0)
    x = rng.random((batch, *mlp.input_shape)).astype(dtype)
    y = np.eye(mlp.units[-1], dtype=dtype)[rng.integers(0, mlp.units[-1], batch)]
    return mlp, mlp.initialize(0, dtype=dtype), x, y, "categorical_crossentropy"


def by_hand(problem: Problem) -> Call:
    """E and all gradients, as a user calls it, with all checks."""
    mlp, parameters, x, y, loss = problem
    return lambda: mlp.backpropagate(parameters, x, y, loss).loss


def by_tape(problem: Problem, engine: str) -> Call:
    """E and all parameter gradients by the tape: eager, in a tf.function, or compiled by XLA."""
    from keras_mlp import to_keras, to_tensorflow  # which also starts TensorFlow, quietly

    tf = import_module("tensorflow")
    mlp, parameters, x, y, loss = problem
    model, loss_of = to_keras(mlp, parameters, x.dtype.name), to_tensorflow(Loss(loss))
    weights = model.trainable_weights

    def gradients(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            value = loss_of(y, model(x))
        return value, tape.gradient(value, weights)

    compiled = gradients if engine == "eager tape" else tf.function(gradients, jit_compile=engine == "XLA")
    data = tf.constant(x), tf.constant(y)
    return lambda: float(compiled(*data)[0])


def train_by_hand(problem: Problem, steps: int) -> Call:
    """Gradient descent by `manual_mlp.train`."""
    mlp, parameters, x, y, loss = problem
    rate = article_a.LEARNING_RATE
    return lambda: train(mlp, parameters, x, y, loss, learning_rate=rate, epochs=steps, record_every=steps)[1].loss[-1]


def epoch_by_hand(problem: Problem) -> Call:
    """One epoch of `manual_mlp.train` in mini-batches."""
    mlp, parameters, x, y, loss = problem
    settings: dict[str, Any] = {"learning_rate": EPOCH_RATE, "epochs": 1, "batch_size": EPOCH_BATCH}
    return lambda: train(mlp, parameters, x, y, loss, **settings)[1].loss[-1]


def epoch_by_fit(problem: Problem) -> Call:
    """One epoch of Keras's own `model.fit`, compiled as Keras does by itself."""
    from keras_mlp import to_keras

    keras = import_module("keras")
    mlp, parameters, x, y, loss = problem
    model = to_keras(mlp, parameters, x.dtype.name)
    model.compile(keras.optimizers.SGD(EPOCH_RATE), loss)
    return lambda: float(model.fit(x, y, EPOCH_BATCH, verbose=0).history["loss"][0])


def epoch_by_scikit_learn(problem: Problem) -> Call:
    """One epoch of scikit-learn's MLPClassifier, from weights of its own."""
    warning = import_module("sklearn.exceptions").ConvergenceWarning
    classifier = import_module("sklearn.neural_network").MLPClassifier
    mlp, _, x, y, _ = problem
    labels = y.argmax(axis=1)
    plain = {"solver": "sgd", "momentum": 0.0, "nesterovs_momentum": False, "alpha": 0.0, "activation": "logistic"}
    settings = {"learning_rate_init": EPOCH_RATE, "batch_size": EPOCH_BATCH, "max_iter": 1, "random_state": 0}

    def epoch() -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", warning)  # it is told to stop after one epoch
            return float(classifier(mlp.units[:-1], **plain, **settings).fit(x, labels).loss_)

    return epoch


def train_as_published(dtype: str, steps: int) -> Call:
    """Article A's loop."""

    def loop() -> float:
        (x, d), (weights, biases) = article_a.data(dtype), article_a.draw(0, dtype)
        for _ in range(steps):
            y = article_a.iterate(x, d, weights, biases)
        return float(0.5 * np.square(y - d).sum())

    return loop


def train_on_batch(problem: Problem, steps: int) -> Call:
    """Keras's own training step, on a compiled model; it goes on from where the last call stopped."""
    from keras_mlp import to_keras, to_tensorflow

    keras = import_module("keras")
    mlp, parameters, x, y, loss = problem
    model = to_keras(mlp, parameters, x.dtype.name)
    model.compile(keras.optimizers.SGD(article_a.LEARNING_RATE), to_tensorflow(Loss(loss)))

    def loop() -> float:
        return float([model.train_on_batch(x, y) for _ in range(steps)][-1])

    return loop


def products(problem: Problem) -> Call:
    """The matrix products of one training step alone, into buffers: u, dE/dW, and dE/dz of all layers but the last."""
    mlp, parameters, x, _, _ = problem
    widths = [*mlp.input_shape, *mlp.units]
    a = [np.ones((len(x), n), x.dtype) for n in widths]
    kernels = [parameters[f"{layer.name}/kernel"] for layer in mlp.layers]
    out, dw = [np.empty_like(each) for each in a], [np.empty_like(kernel) for kernel in kernels]

    def multiply() -> float:
        for i, kernel in enumerate(kernels):
            np.dot(a[i], kernel, out=out[i + 1])
        for i in reversed(range(len(kernels))):
            np.dot(a[i].T, a[i + 1], out=dw[i])
            if i:
                np.dot(a[i + 1], kernels[i].T, out=out[i])
        return 0.0

    return multiply


Answer: TypeAlias = tuple[float, float]  # E, and the seconds of one step


def measure_steps(call: Call, steps: int = 1, seconds: float = 0.05) -> Answer:
    """E, and the median time of one step over some blocks of calls."""
    started = time.perf_counter()
    e = call()
    repeats = max(1, int(seconds / (time.perf_counter() - started)))
    return e, median(_block(call, repeats) for _ in range(BLOCKS)) / steps


def _block(call: Call, repeats: int) -> float:
    started = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - started) / repeats


def measure_once(call: Call) -> Answer:
    """E, and the time of one call: for what takes long, and is asked for in each round."""
    started = time.perf_counter()
    e = call()
    return e, time.perf_counter() - started


def measure_difference(few: Call, many: Call, steps: int) -> Answer:
    """The time of one step without preparation: `many` makes so many steps more than `few`."""
    e = many()
    times = [(_block(few, 1), _block(many, 1)) for _ in range(BLOCKS)]
    few_median, many_median = (median(column) for column in zip(*times, strict=True))
    return e, (many_median - few_median) / steps


EPOCHS = {"model.fit": epoch_by_fit, "scikit-learn": epoch_by_scikit_learn}


def cases(engine: str, dtype: str) -> dict[str, Callable[[], Callable[[], Answer]]]:
    """Case → a function that prepares it, and returns one that measures it."""
    if engine == "article A's loop":
        return {"sine": lambda: partial(measure_steps, train_as_published(dtype, NUMPY_STEPS), NUMPY_STEPS)}
    if engine in EPOCHS:
        return {"epoch": lambda: partial(measure_once, EPOCHS[engine](mnist_sized("float32")))}
    if engine == "train_on_batch":
        return {"sine": lambda: partial(measure_steps, train_on_batch(sine(dtype), KERAS_STEPS), KERAS_STEPS)}
    work = by_hand if engine == "by hand" else partial(by_tape, engine=engine)
    gradients: dict[str, Callable[[], Callable[[], Answer]]] = {
        "1-5-5-5-1": lambda: partial(measure_steps, work(sine(dtype))),
        "784-50-100-10": lambda: partial(measure_steps, work(digits(dtype))),
    }
    if engine != "by hand":
        return gradients
    return gradients | {
        "sine": lambda: partial(measure_steps, train_by_hand(sine(dtype), NUMPY_STEPS), NUMPY_STEPS),
        "wide": _wide_step,
        "epoch": lambda: partial(measure_once, epoch_by_hand(mnist_sized("float32"))),
        "wide, products alone": lambda: partial(measure_steps, products(wide("float32"))),
    }


def _wide_step() -> Callable[[], Answer]:
    problem = wide("float32")
    return partial(measure_difference, train_by_hand(problem, 1), train_by_hand(problem, 1 + WIDE_STEPS), WIDE_STEPS)


def main() -> None:
    """Read cases from the standard input, one a line; answer each with a line of JSON."""
    engine, dtype = sys.argv[1:3]
    prepare = cache(lambda case: cases(engine, dtype)[case]())
    for line in sys.stdin:
        e, seconds = prepare(line.strip())()
        sys.stdout.write(json.dumps({"E": e, "seconds": seconds}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
