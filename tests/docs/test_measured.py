"""The numbers and tables of docs/measured and docs/reference are those of the committed reports and of the code."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

import manual_mlp
import manual_mlp.layers
from tools.fences import cells_of, rows_below

DOCS = Path(__file__).parents[2] / "docs"
SHARP, SPEED, DETECTION, EXPERIMENTS = (
    (DOCS / "measured" / f"{name}.md").read_text("utf-8") for name in ("index", "speed", "detection", "experiments")
)
EQUATIONS = (DOCS / "reference" / "equations.md").read_text("utf-8")
RESULTS = Path(__file__).parents[2] / "results" / "reference"
FULL = "full"
MEASURED: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (f"{FULL}/given_weights/mnist_batches/tables/accuracy", (("by hand", "right"), ("Keras", "right"))),
    (f"{FULL}/mnist_batches/tables/accuracy", (("by hand", "right"), ("Keras", "right"))),
    (
        f"{FULL}/digit_network/tables/accuracy_on_the_test_images_along_the_way",
        (("10", "mini-batches of 10, η = 3"), ("10", "online, η = 3"), ("10", "online, η = 0.3")),
    ),
    (
        f"{FULL}/digit_network/tables/the_linear_autoencoder_and_the_svd",
        (("10", "C of the linear autoencoder"), ("10", "C of the SVD")),
    ),
    (
        f"{FULL}/logic_gates/tables/rows_of_xor_that_are_right_after_training",
        (("2-1", "all 4 right"), ("2-2-1", "all 4 right"), ("2-4-1", "all 4 right")),
    ),
    (
        f"{FULL}/mnist_dropout/tables/accuracy_over_the_seeds",
        (("x_test[:5000], the library's", "mean"), ("x_train[:5000]", "mean")),
    ),
    (f"{FULL}/mnist_dropout/tables/the_gradients_along_the_way", (("10", "drift of the weights"),)),
    (
        f"{FULL}/vanishing_gradients/tables/where_each_dtype_ends",
        tuple((dtype, "the lowest of them") for dtype in ("float32", "float16")),
    ),
    (f"{FULL}/saturation/tables/how_far_off_each_way_is", (("30.0", "probabilities alone"),)),
)
"""Row by row of the page's table: the table of the report, and of each number the first cell and the column."""


def table_of(name: str) -> list[dict[str, str]]:
    with (RESULTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def measured(name: str, key: str, column: str) -> str:
    rows = table_of(name)
    return next(row[column] for row in rows if next(iter(row.values())) == key)


def says(text: str, number: str) -> bool:
    """Whether a number is written down rightly, with as many digits as it has there."""
    digits = len(text.partition(".")[2].partition("e")[0])
    return text == (
        f"{float(number):.{digits}e}".replace("e-0", "e-") if "e" in text else f"{float(number):.{digits}f}"
    )


@pytest.mark.parametrize("place", range(len(MEASURED)))
def test_the_results_are_those_of_the_committed_reports(place: int) -> None:
    rows = rows_below(EXPERIMENTS, "| on real data |")
    assert len(rows) == len(MEASURED)
    name, cells = MEASURED[place]
    texts = rows[place][-1].split(", ")
    assert len(texts) == len(cells)
    assert [
        t for t, cell in zip(texts, cells, strict=True) if not says(t.replace(",", ""), measured(name, *cell))
    ] == []


TIMED = (
    ("E and all gradients, 1-5-5-5-1", (("E and all gradients, 1-5-5-5-1, batch 100", "tf.function"),)),
    ("E and all gradients, 784-50-100-10", (("E and all gradients, 784-50-100-10, batch 100", "tf.function"),)),
    (
        "a step of training on the sine",
        tuple(("one step of training on the sine", other) for other in ("article A's loop", "train_on_batch")),
    ),
    (
        "a training step of 1024-2048-2048-10",
        (("one step of 1024-2048-2048-10, batch 256", "its matrix products alone"),),
    ),
    (
        "an epoch of 784-50-10",
        tuple(("one epoch of 784-50-10, 60,000 samples, batch 100", other) for other in ("model.fit", "scikit-learn")),
    ),
    ("`gradient-diff run three_layer_network`", (("gradient-diff run three_layer_network", "import tensorflow"),)),
)
"""Row by row of the page: how it begins, and the races whose ratios it has."""


def row_below(page: str, beginning: str) -> str:
    return next(cells[-1] for cells in rows_below(page, "| what | measured |") if cells[0].startswith(beginning))


@pytest.mark.parametrize("place", range(len(TIMED)))
def test_the_ratios_are_those_of_the_committed_report(place: int) -> None:
    beginning, races = TIMED[place]
    measured_now = {(row["what"], row["against"]): row["ratio"] for row in table_of("speed/tables/ratios")}
    texts = re.findall(r"\d+\.\d+", row_below(SPEED, beginning))
    assert len(texts) == len(races)
    assert all(says(text, measured_now[race]) for text, race in zip(texts, races, strict=True))


def test_the_memory_and_the_metrics_are_those_of_the_committed_report() -> None:
    peaks = [row["beside data, parameters and state, MB"] for row in table_of("speed/tables/peak_memory")]
    assert row_below(SPEED, "peak memory of an epoch") == f"{', '.join(peaks)} MB"
    (large,) = table_of("speed/tables/metrics_of_large_arrays")
    said = row_below(SPEED, "all metrics of two float32 arrays")
    assert large["entries"] == "50000000"
    assert said == f"{large['ratio']} times, {float(large['on top of the arrays, MB']):g} MB"


@pytest.mark.parametrize(
    ("beginning", "claim"),
    [
        ("mistakes of independent derivations named first", "a mistake is named first, or tied, in at least 95 %"),
        ("something else named first", "something else is named in less than 1 %"),
        ("newer mistakes (normalisations", "a newer mistake is named first, or tied, in at least 97 %"),
        ("something else than a newer", "something else than a newer mistake is named in at most 0.5 %"),
        ("two mistakes at once", "both of two mistakes are named in at least 80 %"),
        ("mistakes named on 10,000 correct pairs", "no mistake is named on 10,000 correct pairs"),
        ("a full diagnosis of 784-50-100-10", "a full diagnosis costs at most 500 hand evaluations"),
    ],
)
def test_the_rates_of_the_diagnosis_are_those_of_the_committed_report(beginning: str, claim: str) -> None:
    claims = json.loads((RESULTS / "mistake_rates" / "manifest.json").read_text("utf-8"))["claims"]
    said = row_below(SHARP, beginning)
    assert f"{claim} (measured {said})" in claims


def test_the_table_of_checkers_is_the_committed_one() -> None:
    header, committed = "| tool | mistakes that show |", table_of("detection/tables/detection")
    names = cells_of(DETECTION[DETECTION.index(header) :].splitlines()[0])
    assert rows_below(DETECTION, header) == [[row[name] for name in names] for row in committed]


def test_a_wrong_digit_would_be_seen() -> None:
    assert says("0.936", "0.9358") and says("1.4e-14", "1.388e-14") and says("9352", "9352")  # noqa: PT018  # one thought
    assert not says("0.935", "0.9358") and not says("1.5e-14", "1.388e-14") and not says("9353", "9352")  # noqa: PT018


def test_the_table_of_what_has_equations_is_that_of_the_code() -> None:
    table = {row.split("|")[1].strip(): row.split("|")[2] for row in EQUATIONS.splitlines() if row.count("|") == 3}
    layers, activations, losses = (
        set(re.findall(r"`(\w+)`", table[name])) for name in ("layers (`manual_mlp.layers`)", "activations", "losses")
    )
    assert layers == set(manual_mlp.layers.__all__)
    assert activations == set(manual_mlp.ACTIVATIONS)
    assert losses == set(manual_mlp.LOSSES)
