"""A comparison that was saved is read again, and what does not fit is refused in one sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from gradient_diff import Code, GradientDiff, compare
from gradient_diff.files import diff_json
from gradient_diff.files.diff_json import diff_from_json, read_diff
from gradient_diff.render.tables import to_csv, to_json, to_markdown
from gradient_diff.render.terminal import to_text
from manual_mlp import MLP, Dense, Evaluation
from manual_mlp.layers import BatchNormalization, Dropout

SCHEMA = json.loads(Path(diff_json.__file__).with_name("diff.schema.json").read_text("utf-8"))


def examples() -> dict[str, GradientDiff]:
    """Right, wrong, of a shape, without a network, with normalisation, draws, weights and classes."""
    rng = np.random.default_rng(0)
    mlp = MLP(3, [Dense(5, "tanh"), BatchNormalization(), Dropout(0.5), Dense(2, "softmax")])
    x, y, w = rng.normal(size=(7, 3)), rng.integers(0, 2, 7), rng.random(7)
    e = mlp.backpropagate(
        mlp.initialize(0), x, y, "sparse_categorical_crossentropy", draws=mlp.draws(0, 7), sample_weight=w
    )
    g = dict(e.gradients)
    inference = mlp.backpropagate(
        mlp.initialize(0), x, y, "sparse_categorical_crossentropy", mlp.draws(0, 7), training=False
    )
    return {
        "right": compare(e, e),
        "inference": compare(inference.gradients, inference),
        "twice": compare({name: 2 * a for name, a in g.items()}, e),
        "shape": compare({**g, "dense_1/kernel": g["dense_1/kernel"].T}, e),
        "missing": compare({name: a for name, a in g.items() if name != "dense_2/bias"}, e),
        "not finite": compare({**g, "dense_1/bias": np.full(5, np.nan)}, e),
        "arrays": compare({"w": np.eye(2), "n": np.arange(3)}, {"w": np.eye(2), "n": np.arange(3)}),
        "float32": compare({"w": np.ones(2, np.float32)}, {"w": np.full(2, 1.5, np.float32)}, rtol=1e-3),
    }


EXAMPLES = examples()


@pytest.fixture(params=EXAMPLES)
def example(request: pytest.FixtureRequest) -> GradientDiff:
    return EXAMPLES[request.param]


def test_all_that_is_saved_is_documented(example: GradientDiff) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(to_json(example)))


def test_a_field_that_nobody_documented_would_be_seen(example: GradientDiff) -> None:
    data = json.loads(to_json(example))
    for planted in (data | {"new": 1}, data | {"rows": [data["rows"][0] | {"new": 1}]}, data | {"schema": 2}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(SCHEMA).validate(planted)


def test_every_documented_field_says_what_it_is() -> None:
    fields = {**SCHEMA["properties"], **SCHEMA["$defs"]["row"]["properties"]}
    assert [
        name for name, about in fields.items() if not about.get("description") and about.get("type") != "boolean"
    ] == []


def test_the_same_comes_back(example: GradientDiff) -> None:
    again = diff_from_json(json.loads(to_json(example)))
    for write in (to_json, to_csv, to_text, to_markdown):
        assert write(again) == write(example)
    assert again.headline() == example.headline()


def test_so_does_what_is_known_of_code(wrong_code: Callable[[Code], GradientDiff], any_code: Code) -> None:
    diff = wrong_code(any_code)
    data = json.loads(to_json(diff))
    jsonschema.Draft202012Validator(SCHEMA).validate(data)
    assert json.loads(to_json(diff_from_json(data))) == data


@pytest.fixture
def wrong_code(evaluation: Evaluation) -> Callable[[Code], GradientDiff]:
    from dataclasses import replace

    diff = compare({name: -a for name, a in evaluation.gradients.items()}, evaluation)
    return lambda code: replace(diff, code=code)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": 9}, "schema 9; this version reads 1. Update gradient-diff."),
        ({"rows": 3}, "TypeError"),
        ({"rows": [{}]}, "KeyError: 'name'"),
        ({"causes": [{"id": "sign"}]}, "KeyError"),
        ({"meanings": {"GREAT": {}}}, "KeyError: 'GREAT'"),
        ({"problem": {"inputs": 3}}, "KeyError: 'layers'"),
        ({"code": {"file": 3}}, "code.findings: expected a list"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_file_and_a_reason(
    change: dict[str, Any], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "diff.json"
    path.write_text(json.dumps(json.loads(to_json(EXAMPLES["twice"])) | change))
    with pytest.raises(ValueError, match=r"^diff\.json is no saved comparison") as caught:
        read_diff(path)
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "[" * 100_000, '{"schema": 1}'])
def test_what_is_no_comparison_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "diff.json").write_text(text)
    with pytest.raises(ValueError, match=r"^diff\.json is no saved comparison"):
        read_diff(tmp_path / "diff.json")


def test_a_huge_shape_takes_no_memory(tmp_path: Path) -> None:
    data = json.loads(to_json(EXAMPLES["arrays"]))
    data["rows"][0] |= {"shape_hand": [2**30, 2**9], "shape_reference": [2**30, 2**9]}
    assert diff_from_json(data).hand["w"].strides == (0, 0)
