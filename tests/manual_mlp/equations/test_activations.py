import dataclasses
import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradient_diff.noise.network import local_distance
from manual_mlp import ACTIVATIONS, Activation, Array, Dense, Equation, linear, relu, sigmoid, softmax, step, tanh
from manual_mlp.dtypes import LOST, UNITS
from manual_mlp.equations.activations import FAMILIES, activation
from manual_mlp.equations.functions.classic import sigmoid_rounding, tanh_rounding
from manual_mlp.equations.functions.softmax import softmax_rounding
from manual_mlp.equations.local_rounding import GATE, STORED_AS_ONE, Precision, Terms
from manual_mlp.equations.operations import Activate, Pullback
from manual_mlp.network.layers.table import layer_from_dict

DIFFERENTIABLE = sorted(set(ACTIVATIONS) - {"step"})
CLASSIC = ["linear", "relu", "sigmoid", "softmax", "step", "tanh"]
SLOPED = sorted(set(CLASSIC) - {"step"})
DTYPES = ["float32", "float64"]
NEWER = [*sorted(set(FAMILIES) - {"relu", "threshold"}), "log_softmax"]
FINITE = sorted(set(DIFFERENTIABLE) - {"exponential"})  # exp(1000) is inf
H = 1e-30
GRID = np.array([[-5.0, -1.5, -0.25], [0.125, 2.0, 4.75]])  # exact in float32, away from the kink


def unit(dtype: str) -> float:
    return float(np.finfo(dtype).eps) / 2


# values


def test_the_list() -> None:
    assert sorted(ACTIVATIONS) == sorted([*CLASSIC, *NEWER])
    assert len(NEWER) == 22
    assert all(name == record.name for name, record in ACTIVATIONS.items())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (linear, [-1000, -0.0, 1000]),
        (step, [0, 0, 1]),
        (sigmoid, [0, 0.5, 1]),
        (tanh, [-1, 0, 1]),
        (relu, [0, 0, 1000]),
        (softmax, [0, 0, 1]),
    ],
)
def test_far_out_each_function_has_its_limit_and_no_warning(
    function: Callable[..., Array], expected: list[float], dtype: str
) -> None:
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        z = function(np.array([[-1000, 0, 1000]], dtype))
    assert z.tolist() == [expected]
    assert z.dtype == dtype


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FINITE)
def test_far_out_each_derivative_is_finite_and_gives_no_warning(name: str, dtype: str) -> None:
    u = np.array([[-1000, 0, 1000]], dtype)
    record = ACTIVATIONS[name]
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        delta = record.backward(np.ones_like(u), u if record.reads == "u" else record.value(u))
    assert np.isfinite(delta).all()
    assert delta.dtype == dtype


WRITTEN: dict[str, Callable[[Array], Array]] = {
    "u": lambda u: u,
    "[u > 0]": lambda u: np.where(u > 0, u / u, 0 * u),
    "1/(1 + exp(−u))": lambda u: 1 / (1 + np.exp(-u)),
    "tanh(u)": lambda u: (np.exp(u) - np.exp(-u)) / (np.exp(u) + np.exp(-u)),
    "max(u, 0)": lambda u: (u + abs(u)) / 2,
    "softmax(u)": lambda u: np.exp(u) / np.exp(u).sum(axis=-1, keepdims=True),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CLASSIC)
def test_the_value_is_the_formula_as_written(name: str, dtype: str) -> None:
    u = GRID.astype(dtype)
    record = ACTIVATIONS[name]
    exact = WRITTEN[record.formula.format(u="u")](u.astype(np.longdouble))
    # In units of u: exp and tanh of NumPy are within 4 ulp, 8; a sum and a quotient 2; softmax's own difference
    # u − m is at most 9.75 long and turns its rounding into a relative one of 9.75, the sum of 3 adds 8 + 2.
    assert (abs(record.value(u) - exact) <= 30 * unit(dtype) * abs(exact)).all()


def test_sigmoid_keeps_its_relative_accuracy_in_the_tail() -> None:
    u = np.array([-700.0, -100.0, -40.0])
    exact = np.exp(u.astype(np.longdouble))  # 1 + e^u is 1 to 4e-18
    assert (abs(sigmoid(u) - exact) <= 10 * unit("float64") * exact).all()


def test_article_b_softmax() -> None:
    found = softmax(np.array([[0.3, 2.9, 4.0], [1010.0, 1000.0, 990.0]]))
    assert [f"{p:.8f}" for p in found[0]] == ["0.01821127", "0.24519181", "0.73659691"]
    assert [f"{p:.8e}" for p in found[1]] == ["9.99954600e-01", "4.53978686e-05", "2.06106005e-09"]


def test_softmax_sums_to_one_and_keeps_the_order() -> None:
    u = np.random.default_rng(0).normal(size=(50, 7))
    z = softmax(u)
    assert (abs(z.sum(axis=1) - 1) <= 14 * unit("float64")).all()  # 7 quotients and 6 sums, each below 1
    assert (z.argmax(axis=1) == u.argmax(axis=1)).all()


def test_softmax_ignores_a_shift() -> None:
    u = np.array([[1.0, 2.0, 4.0]])
    assert (softmax(u + 512) == softmax(u)).all()  # the shift and the differences are exact


# derivatives


def pullback(name: str, u: Array, g: Array) -> Array:
    record = activation(name)
    assert record.backward is not None
    return record.backward(g, u if record.reads == "u" else record.value(u))


def complex_pullback(name: str, u: Array, g: Array) -> Array:
    """Σ_j g_j ∂z_j/∂u_k, one input at a time: the chain rule without a formula for f′."""
    result = np.empty_like(u)
    for index in np.ndindex(u.shape):
        moved = u.astype(np.result_type(u, np.complex64))
        moved[index] += 1j * H
        result[index] = (g * ACTIVATIONS[name].value(moved).imag).sum() / H
    return result


def assert_derivative_holds(name: str, dtype: str = "float64") -> None:
    u = GRID.astype(dtype)
    g = np.array([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]], dtype)
    found, exact = pullback(name, u, g), complex_pullback(name, u.astype(np.longdouble), g.astype(np.longdouble))
    # z is within 10 u of exact. 1 − z and 1 − z² turn that, at |u| = 5, into 10 u e⁵ and 10 u e¹⁰/4 relative to
    # themselves: 1500 u and 5.5e4 u. softmax's g − Σ g z cancels less than that.
    amplified = 6e4 if name == "tanh" else 2e3
    assert (abs(found - exact) <= amplified * unit(dtype) * abs(exact)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(set(SLOPED) - {"tanh"}))
def test_the_derivative_is_the_complex_step(name: str, dtype: str) -> None:
    assert_derivative_holds(name, dtype)


def test_the_derivative_of_tanh_is_the_complex_step() -> None:
    assert_derivative_holds("tanh")  # in float32 1 − z² has no digit left at |u| = 5


@pytest.mark.parametrize("name", sorted(set(DIFFERENTIABLE) - {"hard_silu"}))
def test_a_derivative_off_by_a_thousandth_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    record = ACTIVATIONS[name]
    monkeypatch.setitem(
        ACTIVATIONS, name, dataclasses.replace(record, backward=lambda g, read: 1.001 * record.backward(g, read))
    )
    with pytest.raises(AssertionError):
        assert_derivative_holds(name)


def test_softmax_has_its_full_jacobian() -> None:
    u = np.array([0.5, -1.0, 2.0, 0.0])
    z = softmax(u[None, :])[0]
    jacobian = np.diag(z) - np.outer(z, z)
    rows = pullback("softmax", np.tile(u, (4, 1)), np.eye(4))  # row j: e_j sent back
    columns = np.array([softmax(u + 1j * H * e).imag / H for e in np.eye(4)]).T
    # Each entry is a product of two numbers below 1, and z is within 20 u of exact.
    np.testing.assert_allclose(rows, jacobian, rtol=0, atol=40 * unit("float64"))
    np.testing.assert_allclose(rows, columns, rtol=0, atol=40 * unit("float64"))
    assert (abs(rows[~np.eye(4, dtype=bool)]) > 1e-3).all()


def test_what_each_derivative_reads() -> None:
    reading_z = {"exponential", "log_softmax", "sigmoid", "softmax", "tanh"}
    assert {name for name in DIFFERENTIABLE if ACTIVATIONS[name].reads == "z"} == reading_z


def test_a_kink_passes_nothing_at_zero() -> None:
    assert pullback("relu", np.array([[-1.0, 0.0, -0.0, 1e-300]]), np.full((1, 4), 7.0)).tolist() == [[0, 0, 0, 7]]
    assert {name: record.kinks for name, record in ACTIVATIONS.items() if record.kinks} == {
        **dict.fromkeys(("relu", "leaky_relu", "selu"), (0.0,)),
        **dict.fromkeys(("hard_sigmoid", "hard_silu"), (-3.0, 3.0)),
        **dict.fromkeys(("hard_tanh", "sparse_sigmoid"), (-1.0, 1.0)),
        **dict.fromkeys(("soft_shrink", "hard_shrink"), (-0.5, 0.5)),
        "relu6": (0.0, 6.0),
    }


def test_no_gradient_passes_a_step() -> None:
    assert ACTIVATIONS["step"].backward is None


# complex numbers


def test_complex_runs_take_the_branch_of_the_real_part() -> None:
    u = np.array([[-1 + 5j, 1 - 5j, 1e-300 - 1j, -1e-300 + 1j, 1j]])  # NumPy alone would call 1j positive
    assert relu(u).tolist() == [[0, 1 - 5j, 1e-300 - 1j, 0, 0]]
    assert step(u).tolist() == [[0, 1, 1, 0, 0]]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_real_part_of_a_complex_run_is_the_real_run(name: str) -> None:
    function = ACTIVATIONS[name].value
    # Two ways to write one function, each within 10 u.
    np.testing.assert_allclose(function(GRID + 1j * H).real, function(GRID), rtol=20 * unit("float64"), atol=0)


@pytest.mark.parametrize("sign", [-1, 1])
def test_complex_sigmoid_and_tanh_keep_the_derivative_far_out(sign: int) -> None:
    u = np.array([25.0, 300.0])
    moved = sign * u + 1j * H
    # σ′ = e^−u (1 − 2e^−u + …), and 2e^−25 is 2.8e-11; tanh′ = 4 e^−2u likewise.
    np.testing.assert_allclose(sigmoid(moved).imag / H, np.exp(-u), rtol=3e-11)
    np.testing.assert_allclose(tanh(moved).imag / H, 4 * np.exp(-2 * u), rtol=3e-11)


@pytest.mark.parametrize("name", [*FINITE, "step"])
def test_complex_runs_are_finite_far_out(name: str) -> None:
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        z = ACTIVATIONS[name].value(np.array([[-1000 + 1j * H, 1000 + 1j * H]]))
    assert np.isfinite(z).all()


# buffers


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_buffer_receives_the_same_value(name: str, dtype: str) -> None:
    function, u = ACTIVATIONS[name].value, GRID.astype(dtype)
    buffer = np.full_like(u, np.nan)
    assert function(u, out=buffer) is buffer
    np.testing.assert_array_equal(buffer, function(u))
    np.testing.assert_array_equal(u, GRID)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_a_buffer_receives_the_same_derivative(name: str, dtype: str) -> None:
    function = ACTIVATIONS[name].backward
    assert function is not None
    read, g = np.abs(GRID.astype(dtype)) / 8, GRID.astype(dtype)
    buffer = np.full_like(g, np.nan)
    assert function(g, read, out=buffer) is buffer
    np.testing.assert_array_equal(buffer, function(g, read))
    np.testing.assert_array_equal(g, GRID)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_value_is_never_the_argument_itself(name: str) -> None:
    u = GRID.copy()
    assert not np.shares_memory(ACTIVATIONS[name].value(u), u)


# names


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("sigmoyd", " Did you mean 'sigmoid'?"),
        ("ReLU", " Did you mean 'relu'?"),
        ("swish-2", " Did you mean 'swish'?"),
        ("maxout", ""),
        (None, ""),
    ],
)
def test_an_unknown_name_gets_the_nearest_one(given: Any, hint: str) -> None:
    with pytest.raises(ValueError, match="Unknown") as error:
        activation(given)
    known = f"Known: {', '.join(sorted([*CLASSIC, *NEWER, 'threshold', 'swish', 'hard_swish']))}."
    assert str(error.value) == f"Unknown activation {given!r}.{hint} {known}"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("leaky_relu(0.3)", "leaky_relu(negative_slope=0.3)"),
        ("leaky_relu(0.2)", "leaky_relu"),
        ("leaky_relu()", "leaky_relu"),
        ("relu( max_value = 6 )", "relu(max_value=6)"),
        ("relu(threshold=0.5, negative_slope=1e-2)", "relu(negative_slope=0.01, threshold=0.5)"),
        ("relu(0, None, 0)", "relu"),
        ("gelu(True)", "gelu(approximate=True)"),
        ("gelu(approximate=False)", "gelu"),
        ("threshold(1, -0.5)", "threshold(threshold=1, default_value=-0.5)"),
        ("swish", "silu"),
        ("hard_swish", "hard_silu"),
        ("sigmoid()", "sigmoid"),
    ],
)
def test_arguments_are_keras_s_and_are_spelled_in_one_way(given: str, name: str) -> None:
    assert activation(given).name == name
    assert activation(name).name == name
    assert Dense(2, given) == Dense(2, name)
    assert Activation(given).activation == name
    assert layer_from_dict(json.loads(json.dumps(Dense(2, given, name="d").to_dict()))) == Dense(2, name, name="d")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("leaky_relu(0.3", "Activation 'leaky_relu(0.3' cannot be read: expected a name, or one with numbers such as"),
        ("leaky_relu(u)", "Activation 'leaky_relu(u)' cannot be read"),
        ("leaky_relu(1)(2)", "Activation 'leaky_relu(1)(2)' cannot be read"),
        ("leaky_relu(alpha=1)", "Expected leaky_relu(negative_slope=0.2)."),
        ("sigmoid(2)", "Expected sigmoid()."),
        ("threshold", "Expected threshold(threshold, default_value)."),
        ("gelu(1)", "Activation gelu(approximate=1): expected True or False."),
        ("elu('1')", "Activation elu(alpha='1'): expected a finite number."),
        ("elu(1e999)", "Activation elu(alpha=inf): expected a finite number."),
        ("elu(True)", "Activation elu(alpha=True): expected a finite number."),
        ("celu(0)", "celu(alpha=0): u is divided by α."),
        ("relu(max_value=-1)", "relu(max_value=-1): expected 0 or more."),
        ("relu(max_value=1, threshold=2)", "expected a threshold below max_value."),
        ("squareplus(0)", "squareplus(b=0): expected a number above 0"),
        ("soft_shrink(-1)", "soft_shrink(threshold=-1): expected a number above 0"),
        ("maxout(2)", "Unknown activation 'maxout'."),
    ],
)
def test_arguments_that_it_has_not_are_refused(given: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Dense(1, given)


# rounding: in float32, against that of the one operation

RNG = np.random.default_rng(0)
U32 = 2.0**-24
U = np.linspace(-30, 30, 3001).astype(np.float32)


def _of_the_rounding(computed: Array, exact: Array, terms: Terms) -> float:
    """The largest error over the root of the sum of squares."""
    sigma = np.sqrt(sum(np.square(amplitude) for amplitude, _ in terms) + (2.0**-126) ** 2)
    return float((np.abs(computed - exact) / sigma).max())


def test_sigmoid_and_tanh_of_numpy_stay_within_their_rounding() -> None:
    fine = U.astype(np.float64)
    z = 1 / (1 + np.exp(-fine))
    assert 0.2 < _of_the_rounding(1 / (1 + np.exp(-U)), z, sigmoid_rounding(U, z, U32)) < 6
    z = np.tanh(fine)
    assert 0.2 < _of_the_rounding(np.tanh(U), z, tanh_rounding(U, z, U32)) < 6


@pytest.mark.parametrize("scale", [0.1, 1, 20])
def test_softmax_of_numpy_stays_within_its_rounding(scale: float) -> None:
    u = (scale * RNG.normal(size=(200, 7))).astype(np.float32)
    e = np.exp(u - u.max(axis=-1, keepdims=True))
    fine = np.exp(u.astype(np.float64) - u.max(axis=-1, keepdims=True))
    p = fine / fine.sum(axis=-1, keepdims=True)
    computed = e / e.sum(axis=-1, keepdims=True)
    assert 0.2 < _of_the_rounding(computed, p, softmax_rounding(u.astype(np.float64), p, U32)) < 6


def _u(scale: float) -> Array:
    return (scale * RNG.normal(size=(200, 6))).astype(np.float32)


@pytest.mark.parametrize("scale", [1e-3, 1, 30])
@pytest.mark.parametrize("name", CLASSIC)
def test_values_stay_within_their_rounding_and_a_thousandth_does_not(name: str, scale: float) -> None:
    u, equation = _u(scale), Equation("a", "a/z", Activate(name), ("a/u",))
    z = equation.evaluate({"a/u": u})
    assert z.dtype == np.float32
    assert local_distance(equation, {"a/u": u}, z, "float32").max() < GATE / 2
    large = np.abs(z) > 1e-30
    assert (local_distance(equation, {"a/u": u}, z * np.float32(1.001), "float32")[large] > GATE).all()


@pytest.mark.parametrize("scale", [1e-3, 1, 5])
@pytest.mark.parametrize("name", SLOPED)
def test_pullbacks_stay_within_their_rounding_and_a_thousandth_does_not(name: str, scale: float) -> None:
    u, g, record = _u(scale), _u(1), ACTIVATIONS[name]
    read = u if record.reads == "u" else record.value(u)
    equation = Equation("a", "a/dE_du", Pullback(name), ("a/dE_dz", "read"))
    environment = {"a/dE_dz": g, "read": read}
    delta = equation.evaluate(environment)
    assert local_distance(equation, environment, delta, "float32").max() < GATE / 2
    seen = local_distance(equation, environment, delta * np.float32(1.001), "float32") > GATE
    # Where tanh saturates, 1 − z² is off by u however small it is; and δ of a softmax is a difference.
    clear = np.abs(delta) > 3e-2 * np.abs(g) if name in ("tanh", "softmax") else np.abs(delta) > 1e-30
    assert clear.any()
    assert seen[clear].all()


@pytest.mark.parametrize("name", ["linear", "relu", "step"])
def test_what_only_selects_does_not_round(name: str) -> None:
    assert ACTIVATIONS[name].rounding(_u(1), _u(1), U32) == ()


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64"])
@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_what_is_close_to_1_is_stored_as_1(name: str, dtype: str) -> None:
    """What `STORED_AS_ONE` says, of NumPy."""
    u = np.linspace(0, 40, 40_001).astype(dtype)
    fine = u.astype(np.float64)
    gap = np.exp(-fine) if name == "sigmoid" else 2 * np.exp(-2 * fine)
    with np.errstate(all="ignore"):
        z = ACTIVATIONS[name].value(u[None])[0]
    assert (z[gap < STORED_AS_ONE * UNITS[dtype]] == 1).all()


def test_float16s_sigmoid_loses_more_than_one_step_close_to_0() -> None:
    """1 + exp(−u) overflows: z is 0 where 2⁻¹⁶ could be stored."""
    u = np.linspace(-20, -8, 2001).astype(np.float16)[None]
    exact = 1 / (1 + np.exp(-u.astype(float)))
    equation = Equation("a", "a/z", Activate("sigmoid"), ("a/u",))
    z = equation.evaluate({"a/u": u})
    assert (np.abs(z - exact) > 16 * 2.0**-24).any()
    assert local_distance(equation, {"a/u": u}, z, "float16").max() < GATE / 2
    assert local_distance(equation, {"a/u": u}, z + np.float16(2.0**-12), "float16").min() > GATE


def _off(computed: Array, exact: Array, lost: Array) -> float:
    """The rms error in units of η, over what is said to be lost."""
    return float(np.sqrt(np.mean(np.square((computed.astype(float) - exact) / (LOST["float16"] * lost)))))


def test_float16s_softmax_loses_twice_close_to_0() -> None:
    """exp(u − m) is stored, divided by Σ = 1.22, and stored: off by √(1 + 0.82²) η. One storing: at most √3 η."""
    tail = RNG.uniform(-17, -13, size=(2000, 4))
    u = np.concatenate([np.tile([0.0, -1.5], (2000, 1)), tail], axis=-1).astype(np.float16)
    z, exact = softmax(u), softmax(u.astype(float))
    lost = np.broadcast_to(activation("softmax").lost(u, exact), z.shape)
    np.testing.assert_allclose(lost, np.sqrt(1 + 1 / (1 + np.exp(-1.5)) ** 2), rtol=1e-4)
    assert 0.9 < _off(z[:, 2:], exact[:, 2:], lost[:, 2:]) < 1.1
    assert np.abs(z - exact)[:, 2:].max() > 1.1 * np.sqrt(3) * LOST["float16"]


def test_float16s_softmax_sends_down_what_its_sum_has_lost() -> None:
    """63 products g z of a step of the grid each, stored: their sum is off by √63 η, alike for all units of a row."""
    g = RNG.uniform(0, 3e-5, size=(2000, 64)).astype(np.float16)
    z = np.full(g.shape, 0.5 / 63, np.float16)
    z[:, 0] = 0.5
    delta, fine = Pullback("softmax").evaluate(g, z), [a.astype(float) for a in (g, z)]
    exact = Pullback("softmax").evaluate(*fine)
    local = Pullback("softmax").rounding(exact, *fine, at=Precision.of("float16"))
    lost = np.sqrt(local.lost_variance)
    assert 3 < lost[:, 0].min() <= lost[:, 0].max() <= np.sqrt(1 + 64 * 0.5**2)
    assert 0.8 < _off(delta[:, 0], exact[:, 0], lost[:, 0]) < 1.1
    assert [share for _, share in local.lost] == ["entry", "row"]


def _by_jacobian(g: Array, z: Array) -> Array:
    """δ of each sample from softmax's Jacobian, stored in the dtype."""
    return np.stack([(np.diag(p) - np.outer(p, p)) @ h for h, p in zip(g, z, strict=True)])


def test_a_jacobian_of_float16_loses_each_entry_before_it_is_multiplied() -> None:
    """Entries z_j z_k of a few steps of the grid, each times g_j of hundreds: only a hand of unknown origin does so."""
    z = np.full((300, 13), 1 / 12, np.float16)
    z[:, 0] = RNG.uniform(1e-7, 2e-6, size=300)
    g = (100 * RNG.normal(size=z.shape)).astype(np.float16)
    equation = Equation("a", "a/dE_du", Pullback("softmax"), ("a/dE_dz", "a/z"))
    environment = {"a/dE_dz": g, "a/z": z}
    built, plain = _by_jacobian(g, z), equation.evaluate(environment)

    def off(delta: Array, loops: bool) -> Array:
        return local_distance(equation, environment, delta, "float16", loops)[:, 0]

    assert off(plain, loops=False).max() < GATE / 2
    assert off(built, loops=True).max() < GATE / 2
    assert off(built, loops=False).max() > GATE


@pytest.mark.parametrize(
    ("z", "entries", "products", "row"),
    [
        (0.5, [9 + 16 + 9, 9 + 16 + 16], [2, 2], 0.5 * np.sqrt(2)),  # everything is stored, each time off by η
        (2.0**-6, [25 / 256 + 9, 25 / 256 + 16], [25 / 256, 25 / 256], 2.0**-6 * np.sqrt(2)),
        (0.0, [0, 0], [0, 0], 0),
    ],
)
def test_a_softmax_loses_no_more_than_there_is(
    z: float, entries: list[float], products: list[float], row: float
) -> None:
    """η = 2⁻⁸, g = (3, 4); z_j z_k = 2⁻¹² is a sixteenth of η, each g z above η, and g_j z_j z_k below it."""
    at = Precision(1.0, 1.0, 1.0, eta=2.0**-8)
    g, p = np.array([[3.0, 4.0]]), np.full((1, 2), z)
    (entry, _), (shared, _) = activation("softmax").backward_lost(g, p, at)
    np.testing.assert_allclose(np.square(entry)[0], 2 + np.add(entries, products), rtol=1e-12)
    np.testing.assert_allclose(shared, row)


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_a_saturated_unit_passes_no_rounding_on(name: str) -> None:
    """z is stored as 1 and f′ as 0: all that δ is off by is δ itself, not u dE/dz."""
    u = np.full((1, 3), 30.0)
    z, g = ACTIVATIONS[name].value(u), np.ones((1, 3))
    delta = ACTIVATIONS[name].backward(g, z)  # type: ignore[misc]  # both have one
    at = Precision.of("float32")
    assert np.sqrt(Activate(name).rounding(z, u, at=at).variance).max() < 1e-12
    assert np.sqrt(Pullback(name).rounding(delta, g, z, at=at).variance).max() < 1e-12
    near = np.full((1, 3), 1 - 2.0**-23)
    assert np.sqrt(Activate(name).rounding(near, u, at=at).variance).min() > 2.0**-25
