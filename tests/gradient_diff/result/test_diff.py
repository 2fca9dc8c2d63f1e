import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

import gradient_diff
from gradient_diff import Cause, Status, compare
from gradient_diff.render.html import to_html
from gradient_diff.render.tables import to_json, to_markdown
from gradient_diff.result.status import Meaning
from manual_mlp import Evaluation


def test_the_public_names_are_sorted_and_there() -> None:
    """Constants, classes, functions, each in alphabetical order."""
    names = gradient_diff.__all__
    assert names == sorted(names, key=lambda n: (not n.isupper(), n.islower(), n))
    assert all(hasattr(gradient_diff, name) for name in names)


def test_rows_by_node_name_and_by_parameter_name(evaluation: Evaluation) -> None:
    diff = compare(evaluation.gradients, evaluation)
    assert diff["dense_1/kernel"] is diff["dense_1/dE_dkernel"] is diff.rows[2]


def test_a_name_that_is_no_row_lists_the_rows() -> None:
    diff = compare({"w": np.ones(1)}, {"w": np.ones(1)})
    with pytest.raises(KeyError, match=r"'v' is no row of this diff\. Rows: w"):
        diff["v"]


def test_the_headline_counts_the_rows_of_the_verdict_and_names_the_first_bad_one() -> None:
    good, bad = np.ones(2), np.full(2, np.nan)
    diff = compare({"a": good, "b": bad, "c": bad}, {"a": good, "b": good, "c": good})
    assert diff.headline() == "NONFINITE: one side holds NaN or Inf (2 of 3 rows); first bad row: b"


def test_the_headline_says_of_what_status_the_first_bad_row_is() -> None:
    good, bad = np.ones(2), np.full(2, np.nan)
    diff = compare({"a": 2 * good, "b": bad}, {"a": good, "b": good}, rtol=0.1)
    assert diff.headline() == "NONFINITE: one side holds NaN or Inf (1 of 2 rows); first bad row: a, DIFFERENT"


def test_a_convention_is_called_one(evaluation: Evaluation) -> None:
    n = evaluation.problem.batch
    own = {name: n * a for name, a in evaluation.nodes.items() if name.endswith("/dE_du")}  # 1/N stands in dE/dW
    words = "the two sides follow different conventions, mean_in_kernel, which is no mistake"
    assert words in compare({**evaluation.gradients, **own}, evaluation).headline()
    wrong = {name: 2 * g for name, g in evaluation.gradients.items()}
    assert "convention" not in compare(wrong, evaluation).headline()


def test_where_nothing_is_known_of_rounding_nothing_is_called_wrong() -> None:
    diff = compare({"w": np.array([1.0, 2.0])}, {"w": np.array([1.0 + 1e-7, 2.0 - 3e-7])})
    assert (diff.verdict.name, diff.unexplained) == ("INCONCLUSIVE", "")


def test_a_row_without_values_leads_to_no_equation_above_it(evaluation: Evaluation) -> None:
    wrong = {n: 2 * g for n, g in evaluation.gradients.items()}
    assert "may be the one above" in compare(wrong, evaluation).remark
    assert compare({n: g.T[:1] for n, g in wrong.items()}, evaluation).remark == ""


def test_a_diff_is_frozen() -> None:
    diff = compare({"w": np.ones(1)}, {"w": np.ones(1)})
    with pytest.raises(dataclasses.FrozenInstanceError):
        diff.rows = ()  # type: ignore[misc]  # on purpose


def test_its_renderings_are_those_of_the_render_package(
    evaluation: Evaluation, planted: Callable[..., Evaluation]
) -> None:
    from gradient_diff.render.notebook import to_cell
    from gradient_diff.render.tables import to_frame
    from gradient_diff.render.terminal import to_text

    diff = compare(evaluation, planted({"loss": np.array(9.0)}))
    assert str(diff) == to_text(diff)
    assert diff._repr_html_() == to_cell(diff)
    assert repr(diff) == f"<GradientDiff {diff.headline()}>"
    assert diff.to_frame().equals(to_frame(diff))
    assert diff["loss"].status.bad
    assert diff["loss"].status.name in str(diff)


def test_a_status_may_mean_something_else_in_a_comparison_and_all_renderings_say_it() -> None:
    plain = compare({"w": np.ones(2)}, {"w": np.zeros(2)}, rtol=1e-6)
    diff = dataclasses.replace(
        plain, meanings={Status.DIFFERENT: Meaning("apples and pears", "Weigh again.")}, title="Fruit"
    )
    assert diff.headline().startswith("DIFFERENT: apples and pears (")
    assert plain.meaning(Status.DIFFERENT) is Status.DIFFERENT
    for text in (str(diff), to_html(diff), to_json(diff), to_markdown(diff)):
        assert "apples and pears" in text.replace("Apples", "apples")  # which begins the page's banner
        assert "Weigh again." in text
        assert Status.DIFFERENT.advice not in text
    assert " · Fruit</title>" in to_html(diff)
    assert " · Pears</title>" in to_html(diff, "Pears")


# the banner is the cause


def _loud(**options: object) -> Cause:
    known: dict[str, object] = {"title": "f′ is lost", "cure": "Multiply by f′."}
    return dataclasses.replace(Cause("missing_derivative", "dense_1", "f′ is lost.", "", "", 0.0), **(known | options))  # type: ignore[arg-type]


def test_a_cause_that_explains_everything_is_the_headline_and_its_cure_the_advice(evaluation: Evaluation) -> None:
    wrong = compare({n: -g for n, g in evaluation.gradients.items()}, evaluation)
    assert wrong.headline().startswith("MISMATCH: the sign is turned round, or a look-alike of it (4 of 4 rows)")
    assert wrong.meaning(wrong.verdict).advice.startswith("Write prediction − target")
    for text in (str(wrong), to_html(wrong), to_json(wrong), to_markdown(wrong)):
        assert "the hand derivation is wrong" not in text
        assert "Check the equation of the first row that is off" not in text


@pytest.mark.parametrize(
    ("causes", "words"),
    [
        ((_loud(),), "f′ is lost, in dense_1"),
        ((_loud(same_as=("other",)),), "f′ is lost, in dense_1, or a look-alike of it"),
        (
            (
                _loud(together=("sign",)),
                Cause("sign", "", "", "", "", 0.0, together=("missing_derivative",), title="−1", cure="Turn."),
            ),
            "f′ is lost, in dense_1, and −1",
        ),
        ((_loud(), _loud(id="another", title="another")), "f′ is lost, in dense_1"),
        ((_loud(asked=True),), "more than rounding explains"),
        ((_loud(cure=""),), "more than rounding explains"),
        ((_loud(title=""),), "more than rounding explains"),
    ],
)
def test_whose_words_the_banner_takes(causes: tuple[Cause, ...], words: str) -> None:
    plain = compare({"w": np.ones(2)}, {"w": np.zeros(2)}, rtol=1e-6)
    diff = dataclasses.replace(plain, causes=causes, unexplained="")
    assert diff.headline().startswith(f"DIFFERENT: {words} (")
    left = dataclasses.replace(diff, unexplained="b is off in another way.")
    assert left.headline().startswith("DIFFERENT: more than rounding explains (")


def test_no_cause_speaks_for_rows_that_it_cannot_explain() -> None:
    good, nan = np.ones(2), np.full(2, np.nan)
    diff = compare({"a": -good, "b": nan}, {"a": good, "b": good}, rtol=1e-6)
    assert diff.headline().startswith("NONFINITE: one side holds NaN or Inf (")
    missing = compare({"a": -good}, {"a": good, "b": good}, rtol=1e-6)
    assert missing.headline().startswith("MISSING: one side has no array of this name (")


def test_the_equation_above_is_suspected_only_where_the_bias_is_off_too(evaluation: Evaluation) -> None:
    g = evaluation.gradients
    noise = {n: a + np.arange(a.size).reshape(a.shape) ** 2 for n, a in g.items() if n.startswith("dense_1")}
    assert "may be the one above" in compare(g | noise, evaluation).remark
    for kind in ("kernel", "bias"):
        assert compare(g | {f"dense_1/{kind}": noise[f"dense_1/{kind}"]}, evaluation).remark == ""


def test_the_equation_above_is_not_suspected_where_the_cause_stands_in_another_layer(evaluation: Evaluation) -> None:
    noise = {n: a + np.arange(a.size).reshape(a.shape) ** 2 for n, a in evaluation.gradients.items()}
    diff = compare(noise, evaluation)
    assert diff.culprit == "dense_2/dE_dkernel"
    there, elsewhere, everywhere = (
        dataclasses.replace(diff, causes=(dataclasses.replace(_loud(), layer=layer),), unexplained="").remark
        for layer in ("dense_2", "dense_1", "")
    )
    assert there == everywhere != "" == elsewhere
