"""Every exported name is walked, or not walked for a reason, or another name of what is walked."""

from __future__ import annotations

import pytest

from experiments.benchmarks.keras_coverage.names import (
    EVERYDAY,
    LETS_NOTHING_THROUGH,
    NOT_WALKED,
    STYLES,
    WALKED,
    aliases,
    entries,
    exported,
    unknown,
)

# isort: split
import keras

KINDS = list(WALKED)


@pytest.mark.parametrize("kind", KINDS)
def test_every_name_that_keras_exports_is_in_one_table(kind: str) -> None:
    """What stands here when it fails came with a new Keras: give it its smallest model, or say why it needs none."""
    assert unknown(kind) == []
    assert not WALKED[kind].keys() & NOT_WALKED[kind].keys()


def test_a_name_that_a_new_keras_brings_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.layers, "Quantum", type("Quantum", (keras.layers.Dense,), {}), raising=False)
    assert unknown("layers") == ["Quantum"]


def test_a_second_name_of_a_thing_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.layers, "FullyConnected", keras.layers.Dense, raising=False)
    assert unknown("layers") == []
    assert aliases("layers")["FullyConnected"] == "Dense"
    assert aliases("layers")["Convolution2D"] == "Conv2D"


def test_a_keras_that_lacks_a_name_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(keras.optimizers, "Lamb")
    monkeypatch.delattr(keras.layers, "JaxLayer")
    assert "Lamb" not in {entry.name for entry in entries() if entry.kind == "optimizers"}
    assert unknown("optimizers") == unknown("layers") == []


def test_private_names_and_modules_are_none_of_it() -> None:
    names = exported("optimizers")
    assert "SGD" in names
    assert not {"schedules", "legacy", "__doc__"} & names.keys()


def test_an_entry_has_a_name_of_its_own() -> None:
    titles = [str(entry) for entry in entries()]
    assert len(set(titles)) == len(titles)
    assert "layers.Conv1D, causal" in titles


def test_the_other_tables_are_about_names_that_are_walked() -> None:
    for kind, styles in STYLES.items():
        assert {name for name, _ in styles} <= WALKED[kind].keys()
    for kind, names in EVERYDAY.items():
        assert names <= WALKED[kind].keys()
    assert LETS_NOTHING_THROUGH.keys() <= WALKED["layers"].keys()
