"""A step of an optimizer of Keras: said, it is replayed; not said, it convicts nobody and is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import optimizers

from gradient_diff import GradientDiff, Status
from gradient_diff.keras import check_gradients
from gradient_diff.keras.gradients.steps.choice import Choice
from gradient_diff.keras.gradients.steps.optimizers import every_optimizer
from keras_mlp import named_weights
from manual_mlp import Array

pytestmark = pytest.mark.matrix

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 4)).astype(np.float32)
Y = 3 * X[:, :2]
EVERY = [*sorted(type(choice.optimizer).__name__ for choice in every_optimizer(None)), "SGD"]
FAST = ["Adam", "Muon"]
NAMES = [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in EVERY]
KINDS = ["mlp", pytest.param("gelu", marks=pytest.mark.slow)]
WARM = [pytest.param(0, marks=pytest.mark.slow), 3]
Change = Callable[[int, Array], Array]


def _model(kind: str = "mlp", constraint: Any = None) -> keras.Model:
    keras.utils.set_random_seed(1)
    if kind == "mlp":
        dense = keras.layers.Dense(5, "tanh", kernel_constraint=constraint, name="dense_1")
        return keras.Sequential([keras.Input((4,)), dense, keras.layers.Dense(2, name="dense_2")])
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(5, "gelu", kernel_constraint=constraint, name="dense_1")(inputs)
    return keras.Model(inputs, keras.layers.Dense(2, name="dense_2")(hidden))


def _step(model: keras.Model, optimizer: Any, change: Change = lambda i, g: g) -> None:
    """A step of one's own, with changed gradients."""
    with tf.GradientTape() as tape:
        value = optimizer.scale_loss(tf.reduce_mean(tf.square(model(X, training=True) - Y)))
    variables = model.trainable_variables
    gradients = tape.gradient(value, [v.value for v in variables])
    changed = [tf.constant(change(i, g.numpy()).astype(np.float32)) for i, g in enumerate(gradients)]
    optimizer.apply(changed, variables)


def _as_it_stands(optimizer: Any, model: keras.Model) -> Any:
    """What a user keeps of an optimizer before a step."""
    kept = type(optimizer).from_config(optimizer.get_config())
    if optimizer.built:
        kept.build(model.trainable_variables)
        for mine, other in zip(kept.variables, optimizer.variables, strict=True):
            mine.assign(other)
    return kept


class Around:
    """Weights around one step, the optimizer before it, and a model that it was not taken on."""

    def __init__(
        self, optimizer: Any, warm: int = 0, kind: str = "mlp", constraint: Any = None, change: Change = lambda i, g: g
    ) -> None:
        model = _model(kind, constraint)
        for _ in range(warm):
            _step(model, optimizer)
        self.before, self.optimizer = model.get_weights(), _as_it_stands(optimizer, model)
        _step(model, optimizer, change)
        self.after, self.later = model.get_weights(), optimizer
        self.model = _model(kind, constraint)

    def checked(self, **said: Any) -> GradientDiff:
        return check_gradients(self.model, X, Y, before=self.before, after=self.after, loss="mse", **said)


def _uneven(weight: int) -> Change:
    """An error that no scale of the gradient hides."""
    return lambda i, g: g * np.linspace(-1.5, 1.5, g.size).reshape(g.shape) if i == weight else g


def _bits(variables: Any) -> list[bytes]:
    return [v.numpy().tobytes() for v in variables]


# an optimizer that is said


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("warm", WARM)
@pytest.mark.parametrize("name", NAMES)
def test_the_step_of_every_optimizer_is_replayed(name: str, warm: int, kind: str) -> None:
    around = Around(getattr(optimizers, name)(0.01), warm, kind)
    held = _bits(around.model.variables), _bits(around.optimizer.variables), around.optimizer.built
    diff = around.checked(optimizer=around.optimizer)
    assert diff.verdict is Status.MATCH
    assert {row.status for row in diff.rows} == {Status.MATCH}
    assert held == (_bits(around.model.variables), _bits(around.optimizer.variables), around.optimizer.built)


@pytest.mark.parametrize("warm", WARM)
@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_gradient_of_one_weight_is_seen_through_every_optimizer(name: str, warm: int) -> None:
    around = Around(getattr(optimizers, name)(0.01), warm, change=_uneven(2))
    diff = around.checked(optimizer=around.optimizer)
    assert diff.verdict is Status.MISMATCH
    assert {row.name.replace("dE_d", "") for row in diff.rows if row.status.bad} == {"dense_2/kernel"}
    assert diff.unexplained or diff.causes


def test_an_error_of_one_in_a_thousand_is_seen() -> None:
    around = Around(optimizers.SGD(0.01, momentum=0.9), 2, change=lambda i, g: g * (1.001 if i == 0 else 1))
    diff = around.checked(optimizer=around.optimizer)
    assert [row.name for row in diff.rows if row.status is Status.MISMATCH] == ["dense_1/kernel"]
    assert diff.unexplained.startswith("No other state, setting or optimizer")


SETTINGS: dict[str, Callable[[], Any]] = {
    "clipnorm": lambda: optimizers.SGD(0.01, clipnorm=0.1),
    "clipvalue": lambda: optimizers.SGD(0.01, clipvalue=0.05),
    "global_clipnorm": lambda: optimizers.SGD(0.01, global_clipnorm=0.1),
    "decay": lambda: optimizers.SGD(0.01, weight_decay=0.1),
    "decay of Adam": lambda: optimizers.Adam(0.01, weight_decay=0.1),
    "momentum": lambda: optimizers.SGD(0.01, momentum=0.9),
    "nesterov": lambda: optimizers.SGD(0.01, momentum=0.9, nesterov=True),
    "averages": lambda: optimizers.SGD(0.01, use_ema=True, ema_overwrite_frequency=2),
    "accumulation": lambda: optimizers.SGD(0.01, gradient_accumulation_steps=2),
    "loss scale": lambda: optimizers.Adam(0.01, loss_scale_factor=1000.0),
    "LossScaleOptimizer": lambda: optimizers.LossScaleOptimizer(optimizers.SGD(0.01, momentum=0.9)),
    "schedule": lambda: optimizers.Adam(optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)),
    "MultiOptimizer": lambda: optimizers.MultiOptimizer(
        optimizers.OptimizerMap(optimizers.SGD(0.01), {".*bias": optimizers.Adam(0.02)})
    ),
}

OTHER_RATES = ("schedule", "MultiOptimizer")  # not 0.01: a rate that is said and is another one convicts


@pytest.mark.parametrize("warm", WARM)
@pytest.mark.parametrize("setting", [s for s in SETTINGS if s != "MultiOptimizer" or hasattr(optimizers, s)])
def test_the_step_of_every_setting_is_replayed(setting: str, warm: int) -> None:
    around = Around(SETTINGS[setting](), warm)
    diff = around.checked(optimizer=around.optimizer)
    still = setting == "accumulation" and warm == 0  # the first of several steps moves nothing, and so proves nothing
    assert diff.verdict is (Status.VACUOUS if still else Status.MATCH)


@pytest.mark.parametrize("kind", KINDS)
def test_constraints_belong_to_the_step_of_an_optimizer(kind: str) -> None:
    around = Around(optimizers.SGD(0.01), 0, kind, keras.constraints.MaxNorm(0.5))
    assert around.checked(optimizer="sgd").verdict is Status.MATCH
    free = around.checked(learning_rate=0.01)
    assert free.verdict is Status.INCONCLUSIVE
    assert "a step of keras.optimizers.SGD(0.01) with the constraints of the weights (" in free.headline()
    without = Around(optimizers.SGD(0.01), 0, kind)
    without.model = around.model
    diff = without.checked(optimizer="sgd")
    assert diff.verdict is Status.MISMATCH
    assert [c.title for c in diff.causes] == ["a step without the constraints of its weights"]
    assert without.checked(learning_rate=0.01).ok  # plain descent is tried first


@pytest.mark.usefixtures("unnamed")
def test_weights_that_are_excluded_from_decay_stay_so() -> None:
    optimizer = optimizers.AdamW(0.01, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    model = _model()
    model.set_weights([w + 1 for w in model.get_weights()])
    before = model.get_weights()
    _step(model, optimizer)
    fresh = optimizers.AdamW(0.01, weight_decay=0.5)
    around = {"before": before, "after": model.get_weights(), "loss": "mse"}
    assert not check_gradients(_model(), X, Y, optimizer=fresh, **around).ok
    fresh.exclude_from_weight_decay(var_names=["bias"])
    assert check_gradients(_model(), X, Y, optimizer=fresh, **around).ok


def test_an_average_at_the_end_of_fit_belongs_to_the_optimizer() -> None:
    model = _model()
    model.compile(optimizers.SGD(0.01, use_ema=True, ema_momentum=0.5), "mse", jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    for _ in range(2):
        model.train_on_batch(X, Y)
    before, optimizer = model.get_weights(), _as_it_stands(model.optimizer, model)
    model.fit(X, Y, batch_size=6, shuffle=False, verbose=0)
    diff = check_gradients(_model(), X, Y, before=before, after=model.get_weights(), optimizer=optimizer, loss="mse")
    assert diff.ok
    assert "with its averages put in" in diff.reference_origin


def test_what_a_step_does_not_show_is_said() -> None:
    notes = {s: Around(SETTINGS[s]()).checked(optimizer=SETTINGS[s]()).remark for s in ("clipnorm", "accumulation")}
    assert "shows all but the scale of the gradient" in notes["clipnorm"]
    assert "leaves the weights as they are, whatever the gradient" in notes["accumulation"]
    assert (
        "shows only the signs of the gradient"
        in Around(optimizers.Lion(0.01)).checked(optimizer=optimizers.Lion(0.01)).remark
    )
    assert Around(optimizers.SGD(0.01, momentum=0.9)).checked(optimizer=optimizers.SGD(0.01, momentum=0.9)).remark == ""


@pytest.mark.usefixtures("unnamed")
def test_a_rate_may_be_computed_by_a_function() -> None:
    around = Around(optimizers.Adam(0.02))
    assert around.checked(optimizer=optimizers.Adam(lambda: 0.02)).ok
    assert not around.checked(optimizer=optimizers.Adam(lambda: 0.021)).ok


def _gradients_in_numpy(weights: list[Array], x: Array, y: Array) -> list[Array]:
    kernel_1, bias_1, kernel_2, bias_2 = weights
    z = np.tanh(x @ kernel_1 + bias_1)
    delta_2 = 2 * (z @ kernel_2 + bias_2 - y) / y.size
    delta_1 = (delta_2 @ kernel_2.T) * (1 - z**2)
    return [x.T @ delta_1, delta_1.sum(0), z.T @ delta_2, delta_2.sum(0)]


def _adam_in_numpy(beta_2: float = 0.999, corrected: bool = False, rate: float = 0.001) -> Callable[..., list[Array]]:
    """Keras's Adam as one writes it down, or with the ε of the paper's algorithm 1; it keeps its own averages."""
    m: dict[int, Any] = {}
    v: dict[int, Any] = {}

    def step(t: int, weights: list[Array], gradients: list[Array]) -> list[Array]:
        after = []
        for i, (w, g) in enumerate(zip(weights, gradients, strict=True)):
            m[i] = 0.9 * m.get(i, 0) + 0.1 * g
            v[i] = beta_2 * v.get(i, 0) + (1 - beta_2) * g**2
            root = np.sqrt(1 - beta_2**t)
            after.append(w - rate * root / (1 - 0.9**t) * m[i] / (np.sqrt(v[i]) + 1e-7 * (root if corrected else 1)))
        return after

    return step


def _adam_of_a_hand(dtype: str, hand: Callable[..., list[Array]], steps: int) -> GradientDiff:
    """The last of several steps that Keras takes, and a hand beside it from the same weights."""
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(5, "tanh", dtype=dtype), keras.layers.Dense(2, dtype=dtype)]
    model = keras.Sequential([keras.Input((4,), dtype=dtype), *layers])
    model.compile(optimizers.Adam(0.001), "mse")
    x, y = X.astype(dtype), Y.astype(dtype)
    for t in range(1, steps + 1):
        before = [np.asarray(w, np.float64) for w in model.get_weights()]
        as_it_was = _as_it_stands(model.optimizer, model)
        after = hand(t, before, _gradients_in_numpy(before, x.astype(float), y.astype(float)))
        model.train_on_batch(x, y)
    start, end = ([w.astype(dtype) for w in side] for side in (before, after))
    return check_gradients(model, x, y, before=start, after=end, optimizer=as_it_was)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("steps", [1, 4])
def test_adam_in_numpy_is_that_of_keras(dtype: str, steps: int) -> None:
    """Keras holds 0.999 in float32, so that 1 − β₂ᵗ is off by 1e-5, and fits a float64 model with E in float32."""
    diff = _adam_of_a_hand(dtype, _adam_in_numpy(), steps)
    assert diff.ok, str(diff)


@pytest.mark.matrix(most=1)
@pytest.mark.usefixtures("unnamed")
@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("steps", "constant"),
    [  # the first step is the sign of the gradient, whatever β₂
        (1, {"rate": 0.0010005}),
        (4, {"beta_2": 0.998}),
        pytest.param(4, {"rate": 0.0010005}, marks=pytest.mark.slow),
    ],
)
def test_another_constant_of_adam_is_seen(steps: int, constant: dict[str, float], dtype: str) -> None:
    assert _adam_of_a_hand(dtype, _adam_in_numpy(**constant), steps).verdict is Status.MISMATCH


@pytest.mark.slow
def test_the_epsilon_of_the_paper_is_the_cause() -> None:
    diff = _adam_of_a_hand("float64", _adam_in_numpy(corrected=True), 1)
    assert diff.verdict is Status.MISMATCH
    assert diff.causes[0].title.startswith("a step with ε beside √v̂")


@pytest.mark.parametrize("missing", ["m and v", "m", "v"])
def test_a_bias_correction_that_is_missing_is_the_cause(missing: str) -> None:
    around = Around(optimizers.Adam(0.01), 2)
    first, second = 1 - 0.9**3, np.sqrt(1 - 0.999**3)
    times = {"m and v": first / second, "m": first, "v": 1 / second}[missing]
    around.after = [b + times * (a - b) for b, a in zip(around.before, around.after, strict=True)]
    diff = around.checked(optimizer=around.optimizer)
    assert diff.verdict is Status.MISMATCH
    assert diff.causes[0].title == f"a step without the bias correction of {missing}"


def test_a_decay_in_the_gradient_is_not_one_beside_it() -> None:
    weights = _model().get_weights()
    around = Around(optimizers.RMSprop(0.01, momentum=0.5), change=lambda i, g: g + 0.1 * weights[i])
    diff = around.checked(optimizer=optimizers.RMSprop(0.01, momentum=0.5, weight_decay=0.1))
    assert diff.verdict is Status.MISMATCH
    assert [c.title for c in diff.causes] == ["a step of the gradient plus λW, and not of a decay beside it"]


@pytest.mark.parametrize("off", [1.0, 1.001])
def test_a_decay_after_the_step_is_not_one_before_it(off: float) -> None:
    around = Around(optimizers.Adam(0.01), 2)
    around.after = [off * (1 - 0.01 * 0.5) * w for w in around.after]
    kept = optimizers.AdamW(0.01, weight_decay=0.5)
    kept.build(around.model.trainable_variables)
    for mine, other in zip(kept.variables, around.optimizer.variables, strict=True):
        mine.assign(other)
    diff = around.checked(optimizer=kept)
    assert diff.verdict is Status.MISMATCH
    titles = [c.title for c in diff.causes]
    assert ("a step whose decay is taken of the weights after it, and not before" in titles) is (off == 1)


# what else explains a step


@pytest.mark.matrix(most=3)
@pytest.mark.parametrize(
    ("made", "said", "title"),
    [
        (optimizers.Adam(0.01), {"optimizer": "sgd", "learning_rate": 0.01}, "a step of keras.optimizers.Adam(0.01)"),
        (optimizers.SGD(0.01), {"optimizer": "adam", "learning_rate": 0.01}, "a step of plain descent with lr = 0.01"),
        (optimizers.Adam(0.02), {"optimizer": optimizers.Adam(0.01)}, "a step of keras.optimizers.Adam(0.02)"),
        (optimizers.SGD(0.01), {"optimizer": optimizers.SGD(0.01, clipnorm=0.1)}, "a step without clipping"),
        (optimizers.SGD(0.01), {"optimizer": optimizers.SGD(0.01, weight_decay=0.1)}, "a step without weight decay"),
        (
            optimizers.SGD(0.01, clipvalue=0.05),
            {"optimizer": "sgd"},
            "a step of keras.optimizers.SGD(0.01, clipvalue=0.05)",
        ),
    ],
)
def test_a_step_of_another_optimizer_than_was_said_is_the_cause(made: Any, said: dict[str, Any], title: str) -> None:
    diff = Around(made).checked(**said)
    assert diff.verdict is Status.MISMATCH
    assert [c.title for c in diff.causes] == [title]
    assert diff.unexplained == ""


@pytest.mark.parametrize(
    ("change", "title"),
    [
        (lambda i, g: -g, "the opposite gradient"),
        (lambda i, g: 6 * g, "6 times the gradient"),
        (lambda i, g: 0 * g if i == 3 else g, "no gradient"),
    ],
)
def test_a_step_of_a_multiple_of_the_gradient_is_the_cause(change: Change, title: str) -> None:
    around = Around(optimizers.RMSprop(0.01), 2, change=change)
    diff = around.checked(optimizer=around.optimizer)
    assert diff.verdict is Status.MISMATCH
    assert [c.title for c in diff.causes] == [title]


@pytest.mark.parametrize("name", ["Adam", *(pytest.param(n, marks=pytest.mark.slow) for n in ("RMSprop", "Adagrad"))])
def test_another_state_than_was_given_is_said(name: str) -> None:
    around = Around(getattr(optimizers, name)(0.01), 3)
    (later,) = around.checked(optimizer=around.later).causes
    assert later.title.startswith("a step that leads to the given state")
    fresh = Around(getattr(optimizers, name)(0.01))
    (found,) = fresh.checked(optimizer=around.optimizer).causes
    assert found.title == "a step from a fresh state, and not from the given one"


def test_the_rate_beside_a_name_is_its_own() -> None:
    around = Around(optimizers.Adam(0.02))
    assert around.checked(optimizer="Adam", learning_rate=0.02).ok
    diff = around.checked(optimizer="adam")  # as in compile; but no rate was said, so it convicts nobody
    assert diff.verdict is Status.INCONCLUSIVE
    assert diff.meaning(diff.verdict).advice == "Pass learning_rate=0.02 if that is what made the step."


# an optimizer that is not said


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mlp", "gelu"])
@pytest.mark.parametrize("setting", [*EVERY, *(s for s in SETTINGS if s not in OTHER_RATES)])
def test_a_right_gradient_is_not_accused_for_its_optimizer(setting: str, kind: str) -> None:
    for warm in (0, 3):
        around = Around(SETTINGS[setting]() if setting in SETTINGS else getattr(optimizers, setting)(0.01), warm, kind)
        assert not around.checked(learning_rate=0.01).verdict.bad
        assert not around.checked().ok


@pytest.mark.matrix(most=3)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("optimizer", "words"),
    [
        (optimizers.Adam(0.01), "keras.optimizers.Adam(0.01)"),
        (optimizers.SGD(0.01, momentum=0.9, nesterov=True), "keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True)"),
        (optimizers.SGD(0.01, clipnorm=0.1), "keras.optimizers.SGD(0.01, clipnorm=0.1)"),
        (optimizers.SGD(0.01, clipvalue=0.05), "keras.optimizers.SGD(0.01, clipvalue=0.05)"),
        (optimizers.SGD(0.01, global_clipnorm=0.1), "keras.optimizers.SGD(0.01, global_clipnorm=0.1)"),
        (optimizers.SGD(0.01, weight_decay=0.1), "keras.optimizers.SGD(0.01, weight_decay=0.1)"),
    ],
    ids=["adam", "nesterov", "clipnorm", "clipvalue", "global_clipnorm", "weight_decay"],
)
def test_a_step_of_no_plain_descent_is_named(optimizer: Any, words: str, kind: str) -> None:
    diff = Around(type(optimizer).from_config(optimizer.get_config()), kind=kind).checked(learning_rate=0.01)
    assert diff.verdict is Status.INCONCLUSIVE
    assert diff.causes == ()
    assert diff.headline().startswith(f"INCONCLUSIVE: these are the weights after a step of {words}")
    assert diff.meaning(diff.verdict).advice == f"Pass optimizer={words} if that is what made the step."


def test_the_compiled_optimizer_is_thought_of_first() -> None:
    model = _model()
    model.compile(optimizers.Adam(0.01), "mse", jit_compile=False)
    for _ in range(3):
        before = model.get_weights()
        model.train_on_batch(X, Y)
    held = _bits(model.optimizer.variables)
    diff = check_gradients(model, X, Y, before=before, after=model.get_weights(), learning_rate=0.01)
    assert diff.verdict is Status.INCONCLUSIVE
    assert "a step of the compiled Adam" in diff.headline()
    assert held == _bits(model.optimizer.variables)


def test_a_rate_that_was_said_is_not_that_of_a_compiled_optimizer() -> None:
    around = Around(optimizers.SGD(0.005))
    around.model.compile(optimizers.SGD(0.005), "mse")
    diff = around.checked(learning_rate=0.01)
    assert diff.verdict is Status.MISMATCH
    assert [c.id for c in diff.causes][-1] == "other_learning_rate"


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_rate_that_was_left_open_is_named(kind: str) -> None:
    diff = Around(optimizers.SGD(0.017), kind=kind).checked()
    assert {row.status for row in diff.rows} == {Status.INCONCLUSIVE}
    assert diff.meaning(diff.verdict).advice == "Pass learning_rate=0.017 if that is what made the step."
    adam = Around(optimizers.Adam(0.017), kind=kind).checked()
    assert adam.meaning(adam.verdict).advice.startswith("Pass optimizer=keras.optimizers.Adam(0.017) ")


@pytest.mark.usefixtures("unnamed")
def test_a_step_that_nobody_knows_is_left_open_unless_somebody_is_said() -> None:
    around = Around(optimizers.Adam(0.01), 3)
    diff = around.checked(learning_rate=0.01)
    assert diff.verdict is Status.INCONCLUSIVE
    assert diff.headline().startswith("INCONCLUSIVE: no plain descent, and no optimizer of Keras from a fresh state,")
    assert around.checked(optimizer="sgd", learning_rate=0.01).verdict is Status.MISMATCH


@pytest.mark.usefixtures("unnamed")
def test_a_wrong_gradient_of_plain_descent_is_still_convicted() -> None:
    for change in (_uneven(0), lambda i, g: -g, lambda i, g: 6 * g):
        diff = Around(optimizers.SGD(0.01), change=change).checked(learning_rate=0.01)
        assert diff.verdict is Status.MISMATCH


# how it is replayed


def test_a_model_of_an_unused_weight_and_of_drawn_units_is_replayed() -> None:
    """An optimizer leaves a weight without a gradient as it is, and does not decay it."""
    model = _model()
    optimizer = optimizers.AdamW(0.01, weight_decay=0.5)
    weights, before = named_weights(model), {n: w.numpy() for n, w in named_weights(model).items()}
    gradients = {n: np.ones(w.shape, np.float32) for n, w in weights.items() if n != "dense_2/bias"}
    moves = Choice(optimizer, "it").moves(weights, gradients)
    assert not moves["dense_2/bias"].any()
    assert all(a.any() for n, a in moves.items() if n != "dense_2/bias")
    assert all(np.array_equal(w.numpy(), before[n]) for n, w in weights.items())
    assert not optimizer.built


def test_an_optimizer_that_no_config_makes_again_is_refused_in_a_sentence() -> None:
    class Odd(optimizers.SGD):  # type: ignore[misc]  # keras is untyped
        def __init__(self, needed: int) -> None:
            super().__init__(0.01, momentum=0.9)

    with pytest.raises(ValueError, match=r"^optimizer=Odd cannot be made again from its config"):
        Around(optimizers.SGD(0.01)).checked(optimizer=Odd(1))
