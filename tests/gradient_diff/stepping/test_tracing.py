"""A step is traced as it is, and put back."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.students.sine_class import SineNetwork
from gradient_diff import compare_step
from manual_mlp import MLP, Dense, Evaluation


@pytest.fixture(scope="module")
def reference() -> Evaluation:
    mlp = MLP(1, [Dense(5, "sigmoid"), Dense(5, "sigmoid"), Dense(5, "sigmoid"), Dense(1)])
    x = np.linspace(-1, 1, 9)[:, None]
    return mlp.backpropagate(mlp.initialize(0), x, np.sin(3 * x), "half_sum_squared_error")


@pytest.mark.slow
def test_the_class_of_article_a_reads_a_kernel_that_is_updated_already(reference: Evaluation) -> None:
    net = SineNetwork()
    before = [w.copy() for w in net.weights]
    diff = compare_step(net.back_propagate, reference)
    finding = diff.code.findings[0]
    assert finding.text == "np.dot(delta, self.weights[i + 1].T)"
    assert dict(finding.operands)["self.weights[i + 1].T"] == "W of dense_4 after the step, transposed"
    assert "+        old_weights = [w.copy() for w in self.weights]" in finding.fix
    assert diff.causes[0].finding in diff.code.findings
    assert all(type(w) is np.ndarray and (w == b).all() for w, b in zip(net.weights, before, strict=True))


def test_not_where_nobody_asks(reference: Evaluation) -> None:
    assert compare_step(SineNetwork().back_propagate, reference, trace=False).code is None
