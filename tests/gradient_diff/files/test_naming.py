"""Names are matched exactly; nothing is guessed."""

from __future__ import annotations

import numpy as np
import pytest

from gradient_diff.files.naming import by_position, matched, read_rules, renamed, unused_rules

PARAMETERS = {"dense_1/kernel": np.ones((2, 3)), "dense_1/bias": np.ones(3)}


def test_rules_come_one_after_the_other() -> None:
    rules = read_rules([r"fc(\d)=>dense_\1", "weight$=>kernel", r"\.=>/"])
    assert list(renamed({"fc1.weight": np.ones(1), "fc2.bias": np.ones(1)}, rules)) == [
        "dense_1/kernel",
        "dense_2/bias",
    ]


def test_groups_may_have_names() -> None:
    assert list(renamed({"k9": np.ones(1)}, read_rules([r"k(?P<n>\d)=>d\g<n>"]))) == ["d9"]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("no arrow", "'no arrow' is no rule: expected 'PATTERN=>TEXT'"),
        ("=>x", "is no rule: expected"),
        ("(=>x", "unterminated subpattern"),
        (r"a=>\1", "invalid group reference 1"),
        (r"a=>\g<n>", "unknown group name 'n'"),
        (r"a=>\q", r"bad escape \\q"),
    ],
)
def test_a_rule_that_makes_no_sense_is_told_at_once(rule: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        read_rules([rule])


def test_names_that_no_pattern_is_found_in_stay() -> None:
    assert list(renamed({"a": np.ones(1), "b": np.ones(1)}, read_rules(["q=>c"]))) == ["a", "b"]


def test_a_rule_for_what_an_earlier_one_makes_is_used() -> None:
    rules = read_rules([r"fc(\d)=>dense_\1", "dense=>layer", "q=>r", "fc=>x"])
    assert unused_rules(["fc1"], rules) == rules[2:]
    assert unused_rules([], rules) == rules


@pytest.mark.parametrize(
    ("rule", "name"),
    [(".*=>k", "k"), ("^=>k/", "k/W1"), ("$=>/k", "W1/k"), (r"\d*$=>k", "Wk"), ("-*=>k", "kWk1k")],
)
def test_a_pattern_that_may_be_empty_replaces_each_place_once(rule: str, name: str) -> None:
    assert list(renamed({"W1": np.ones(1)}, read_rules([rule]))) == [name]


def test_a_pattern_for_every_name_brings_them_to_one() -> None:
    with pytest.raises(ValueError, match=r"^W1 and b1 would both be called dense_1/kernel\."):
        renamed({"W1": np.ones(1), "b1": np.ones(1)}, read_rules([".*=>dense_1/kernel"]))


def test_two_arrays_never_come_to_one_name() -> None:
    with pytest.raises(ValueError, match="a1 and a2 would both be called a"):
        renamed({"a1": np.ones(1), "a2": np.ones(1)}, read_rules([r"\d=>"]))


def test_a_parameter_and_its_gradients_node_are_one_name() -> None:
    for name in ("dense_1/bias", "dense_1/dE_dbias"):
        assert list(matched({name: np.ones(3)}, PARAMETERS)) == ["dense_1/bias"]
        nodes = {"dense_1/dE_dbias": np.ones(3)}
        assert list(matched({name: np.ones(3)}, nodes)) == ["dense_1/dE_dbias"]
    both = {"dense_1/bias": np.ones(3), "dense_1/dE_dbias": np.ones(3)}
    with pytest.raises(ValueError, match="would both be called dense_1/bias"):
        matched(both, PARAMETERS)


@pytest.mark.parametrize("name", ["Dense_1/bias", "dense_1/Bias", "dense_1.bias", "bias", "dense_1/bias "])
def test_a_name_that_is_nearly_right_is_wrong(name: str) -> None:
    assert list(matched({name: np.ones(3), "dense_1/kernel": np.ones((2, 3))}, PARAMETERS)) == [name, "dense_1/kernel"]
    with pytest.raises(ValueError, match="No name is known to both sides") as raised:
        matched({name: np.ones(3)}, PARAMETERS)
    assert f"Here: {name} (3,). The reference: dense_1/kernel (2, 3), dense_1/bias (3,)" in str(raised.value)


def test_a_list_is_taken_in_order_where_it_fits() -> None:
    for form in ("arr_{}", "{}"):
        lists = {form.format(i): array for i, array in reversed(list(enumerate(PARAMETERS.values())))}
        assert {n: a.shape for n, a in matched(lists, PARAMETERS).items()} == {
            "dense_1/kernel": (2, 3),
            "dense_1/bias": (3,),
        }


def test_more_than_ten_arrays_are_in_the_order_of_their_numbers() -> None:
    parameters = {f"p{i}": np.full(2, i) for i in range(12)}
    lists = {f"arr_{i}": np.full(2, i) for i in sorted(range(12), key=str)}
    assert all(a[0] == int(n[1:]) for n, a in matched(lists, parameters).items())


@pytest.mark.parametrize(
    "arrays",
    [
        {"arr_0": np.ones((3, 2)), "arr_1": np.ones(3)},
        {"arr_0": np.ones(3), "arr_1": np.ones((2, 3))},
        {"arr_0": np.ones((2, 3))},
        {"arr_0": np.ones((2, 3)), "arr_1": np.ones(3), "arr_2": np.ones(3)},
    ],
)
def test_a_list_that_does_not_fit_is_never_guessed_at(arrays: dict[str, np.ndarray]) -> None:
    with pytest.raises(
        ValueError, match=r"Arrays without names .* Here: arr_0 .*The reference: dense_1/kernel \(2, 3\)"
    ):
        matched(arrays, PARAMETERS)


def test_numbers_with_a_gap_are_names() -> None:
    with pytest.raises(ValueError, match="No name is known"):
        matched({"arr_0": np.ones((2, 3)), "arr_2": np.ones(3)}, PARAMETERS)


def test_a_reference_without_an_order_takes_no_list() -> None:
    with pytest.raises(ValueError, match="keeps no order"):
        matched({"arr_0": np.ones(3)}, {}, ["dense_1/bias"])
    with pytest.raises(ValueError, match="keeps no order"):
        by_position({"arr_0": np.ones(3)}, {})


def test_of_very_many_names_the_first_are_listed() -> None:
    with pytest.raises(ValueError, match=r"a39 \(1,\), … \(50 in all\)"):
        matched({f"a{i}": np.ones(1) for i in range(50)}, PARAMETERS)
