"""One case of each status: a right derivation, a wrong one, a reference that is off, and what proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from experiments.frame.study import Comparison, Part, Result, Settings, Table
from gradient_diff import GradientDiff, Noise, Status, compare, rounding_noise
from gradient_diff.keras import check_gradients
from keras_mlp import backpropagate, named_weights, to_keras
from manual_mlp import MLP, Array, Dense, Evaluation, Loss, gradient_node

if TYPE_CHECKING:
    from rich.progress import Progress

Comparing = Callable[[Settings], GradientDiff]

BATCH = 11
NETWORK = MLP(7, [Dense(5, "sigmoid"), Dense(3)])


def run(settings: Settings, progress: Progress) -> Result:
    """The study."""
    parts = [_part(*case, settings) for case in CASES]
    rows = [(c.diff.verdict.name, p.heading, c.diff.verdict.message) for p in parts for c in p.comparisons.values()]
    overview = Part(
        "Overview",
        ("Each status below was produced by a real comparison. Gravest first decides; exit codes follow from it.",),
        tables={"All statuses": Table(pd.DataFrame(rows, columns=["status", "case", "means"]), ("status",))},
    )
    return Result("Who is wrong?", (overview, *parts))


def _part(status: Status, title: str, text: str, case: Comparing, settings: Settings) -> Part:
    diff = case(settings)
    words = (text, *([diff.remark] if diff.remark else []))
    return Part(title, words, comparisons={_caption(case): Comparison(diff, status)})


def _caption(case: Comparing) -> str:
    return (case.__doc__ or "").strip().rstrip(".")


def _data(seed: int, mlp: MLP = NETWORK) -> tuple[dict[str, Array], Array, Array]:
    rng = np.random.default_rng(seed)
    parameters = mlp.initialize(rng, "glorot_normal", "normal(0.3)")
    return parameters, rng.normal(size=(BATCH, *mlp.input_shape)), rng.normal(size=(BATCH, mlp.units[-1]))


def _tape(settings: Settings) -> Evaluation:
    parameters, x, y = _data(settings.seed)
    return backpropagate(to_keras(NETWORK, parameters), x, y, "mse", settings.mode)


def right(settings: Settings) -> GradientDiff:
    """The house's derivation against the tape."""
    parameters, x, y = _data(settings.seed)
    return compare(NETWORK.backpropagate(parameters, x, y, "mse"), _tape(settings))


def wrong(settings: Settings) -> GradientDiff:
    """A derivation that forgets σ′ in its hidden layer."""
    parameters, x, y = _data(settings.seed)
    z = NETWORK.forward(parameters, x)["dense_1/z"]
    delta_2 = 2 * (z @ parameters["dense_2/kernel"] + parameters["dense_2/bias"] - y) / y.size
    delta_1 = delta_2 @ parameters["dense_2/kernel"].T  # ⊙ z (1 − z) is missing
    mine = [(x.T @ delta_1, delta_1.sum(0)), (z.T @ delta_2, delta_2.sum(0))]
    return check_gradients(to_keras(NETWORK, parameters), x, y, mine, loss="mse")


def coarse_loss(settings: Settings) -> GradientDiff:
    """A float64 model whose compiled loss is a float32 object."""
    import tensorflow as tf

    parameters, x, y = _data(settings.seed)
    model = to_keras(NETWORK, parameters)
    model.compile(loss="mse")
    weights = {name: weight.value for name, weight in named_weights(model).items()}
    with tf.GradientTape() as tape:
        value = model.compute_loss(y=tf.constant(y), y_pred=model(tf.constant(x)))
    theirs = {name: gradient.numpy() for name, gradient in tape.gradient(value, weights).items()}
    return compare(NETWORK.backpropagate(parameters, x, y, "mse"), theirs)


def lost_logits(settings: Settings) -> GradientDiff:
    """Cross-entropy of saturated probabilities that lost their logits in a cast."""
    mlp = MLP(7, [Dense(5, "tanh"), Dense(3, "softmax")])
    parameters, x, _ = _data(settings.seed, mlp)
    parameters["dense_2/kernel"] = 40 * parameters["dense_2/kernel"]
    y = np.eye(3)[np.arange(BATCH) % 3]
    mine = mlp.backpropagate(parameters, x, y, "categorical_crossentropy").gradients
    model = to_keras(mlp, parameters)
    model.compile(loss="categorical_crossentropy")
    return check_gradients(model, x, y, mine)


def odd_labels(settings: Settings) -> GradientDiff:
    """Soft labels that do not sum to 1, which TensorFlow's fused gradient takes for granted."""
    mlp = MLP(7, [Dense(5, "tanh"), Dense(3, "softmax")])
    parameters, x, y = _data(settings.seed, mlp)
    labels, loss = np.abs(y), Loss("categorical_crossentropy")
    hand = mlp.backpropagate(parameters, x, labels, loss)
    return compare(hand, backpropagate(to_keras(mlp, parameters), x, labels, loss, settings.mode))


def at_a_kink(settings: Settings) -> GradientDiff:
    """A ReLU unit whose pre-activation is exactly 0, with slope 1 by hand and 0 by the tape."""
    mlp = MLP(7, [Dense(5, "relu"), Dense(3)])
    parameters, x, y = _data(settings.seed, mlp)
    parameters["dense_1/bias"][:] = 0.0
    x[0] = 0.0  # a blank sample: every u of it is 0
    trace = mlp.forward(parameters, x)
    delta_2 = 2 * (trace["dense_2/z"] - y) / y.size
    delta_1 = (delta_2 @ parameters["dense_2/kernel"].T) * (trace["dense_1/u"] >= 0)  # ≥, not >
    mine = [(x.T @ delta_1, delta_1.sum(0)), (trace["dense_1/z"].T @ delta_2, delta_2.sum(0))]
    return check_gradients(to_keras(mlp, parameters), x, y, mine, loss="mse")


def saturated(settings: Settings) -> GradientDiff:
    """A float32 tanh so saturated that 1 − z² is lost: its gradient would pass if it were zero."""
    mlp = MLP(7, [Dense(5, "tanh"), Dense(3)])
    parameters, x, y = _data(settings.seed, mlp)
    parameters = {n: a.astype("float32") for n, a in parameters.items()}
    parameters["dense_1/kernel"] *= np.float32(0.01)
    parameters["dense_1/bias"][:] = 12.0
    tape = backpropagate(to_keras(mlp, parameters, "float32"), x, y, "mse", settings.mode)
    hand = mlp.backpropagate(parameters, x, y, "mse").gradients
    first = ("dense_1/kernel", "dense_1/bias")
    return compare({n: hand[n] for n in first}, {n: tape.gradients[n] for n in first}, noise=noise_by_parameter(tape))


def noise_by_parameter(tape: Evaluation) -> Noise:
    """The noise of a network whose gradients are compared as bare arrays, under their own names."""
    noise = rounding_noise(tape.problem)
    by_parameter = {
        field: {n: getattr(noise, field)[gradient_node(n)] for n in tape.gradients}
        for field in ("values", "sigma", "bound")
    }
    return replace(
        noise,
        **by_parameter,  # type: ignore[arg-type]  # three of its fields
    )


def turned(settings: Settings) -> GradientDiff:
    """Kernel gradients of shape (n_out, n_in), which are not to be turned."""
    tape = _tape(settings)
    return compare({n: g.T for n, g in tape.gradients.items()}, tape, layout="as given")


def forgotten(settings: Settings) -> GradientDiff:
    """A derivation without bias gradients."""
    tape = _tape(settings)
    return compare({n: g for n, g in tape.gradients.items() if n.endswith("kernel")}, tape)


def overflowed(settings: Settings) -> GradientDiff:
    """A softmax without its cure, exp(u)/Σ exp(u), on large logits."""
    mlp = MLP(7, [Dense(3, "softmax")])
    parameters, x, _ = _data(settings.seed, mlp)
    parameters["dense_1/kernel"] = 1000 * parameters["dense_1/kernel"]
    y = np.eye(3)[np.arange(BATCH) % 3]
    u = mlp.forward(parameters, x)["dense_1/u"]
    with np.errstate(over="ignore", invalid="ignore"):
        delta = (np.exp(u) / np.exp(u).sum(1, keepdims=True) - y) / BATCH
    mine = [(x.T @ delta, delta.sum(0))]
    return check_gradients(to_keras(mlp, parameters), x, y, mine, loss="categorical_crossentropy")


def own_tolerance(settings: Settings) -> GradientDiff:
    """Two sets of arrays without a network, judged by a tolerance of the caller's own."""
    gradients = _tape(settings).gradients
    return compare({n: 1.001 * g for n, g in gradients.items()}, gradients, rtol=1e-6)


def nothing_known(settings: Settings) -> GradientDiff:
    """The same without any tolerance: nothing says how much rounding to expect."""
    gradients = _tape(settings).gradients
    return compare({n: (1 + 1e-9) * g for n, g in gradients.items()}, gradients)


CASES: tuple[tuple[Status, str, str, Comparing], ...] = (
    (Status.MATCH, "A right derivation", "Every difference is within what rounding explains.", right),
    (
        Status.MISMATCH,
        "A forgotten derivative",
        "The witness, a complex step through the forward pass, sides with the tape.",
        wrong,
    ),
    (
        Status.REFERENCE_OFF,
        "A float32 loss on a float64 model",
        'compile(loss="mse") makes a loss object of floatx(), which casts to float32. The witness sides with the hand.',
        coarse_loss,
    ),
    (
        Status.REFERENCE_OFF,
        "Saturated probabilities that lost their logits",
        "The cast in the loss object drops the logits, and Keras clips at 1e-7: a wrong certainty gets no gradient.",
        lost_logits,
    ),
    (
        Status.REFERENCE_OFF,
        "Labels that do not sum to 1",
        "TensorFlow's fused gradient is softmax(u) − y; the derivative of −Σ y log p is softmax(u) Σ y − y.",
        odd_labels,
    ),
    (
        Status.KINK,
        "Two subgradients at a kink",
        "At u = 0 any slope between 0 and 1 is right. The sides differ only there.",
        at_a_kink,
    ),
    (
        Status.VACUOUS,
        "A saturated layer",
        "z is 1 to the last bit, and 1 − z² is lost: agreement proves nothing.",
        saturated,
    ),
    (Status.SHAPE, "Transposed kernels", "Shapes are judged before values.", turned),
    (Status.MISSING, "Forgotten biases", "Names are judged before shapes.", forgotten),
    (Status.NONFINITE, "An overflow", "exp(u) without the maximum taken off overflows.", overflowed),
    (
        Status.DIFFERENT,
        "A tolerance of one's own",
        "No network is known, so no witness can say who is off.",
        own_tolerance,
    ),
    (
        Status.INCONCLUSIVE,
        "Nothing known",
        "No network and no tolerance: the metrics are all there is to say.",
        nothing_known,
    ),
)
"""(the verdict it must come to, title, why, the comparison)."""
