"""`gradient-diff shapes`."""

import csv
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from gradient_diff import ledger
from gradient_diff.cli import app
from manual_mlp import MLP, Dense

ROOT = Path(__file__).parents[3]
BOOK = ledger(MLP(7, [Dense(5, "sigmoid"), Dense(3)]), "mse", 2)


def call(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app(), ["shapes", *arguments], env={"COLUMNS": "140", "NO_COLOR": "1", "TERM": "dumb"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, " ".join(re.sub(r"[─-╿]", " ", result.stderr).split())


def test_the_line_of_the_issue_is_printed() -> None:
    code, text, _ = call("1-5-5-1", "--batch", "100")
    assert code == 0
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "dense_2 dE/dW⁽²⁾ = z⁽¹⁾ᵀ δ⁽²⁾ (n₁, N)(N, n₂) → (n₁, n₂) (5, 100)(100, 5) → (5, 5) fits" in lines
    assert lines[0] == "Matrix ledger: 1-5-5-1, mean_squared_error, batch 100"


def test_the_batch_is_a_letter_unless_it_is_given() -> None:
    assert "(7, N)(N, 5) → (7, 5)" in call("7-5-3")[1]
    assert "(7, B)(B, 5) → (7, 5)" in call("7-5-3", "--batch", "B")[1]


def test_loss_and_activation_reach_the_equations() -> None:
    text = call("7-5-3", "--loss", "categorical_crossentropy", "--activation", "relu")[1]
    assert "z⁽¹⁾ = max(u⁽¹⁾, 0)" in text
    assert "z⁽²⁾ = softmax(u⁽²⁾)" in text
    assert "dE/dz⁽²⁾" not in text  # fused


def test_markdown_and_csv_are_printed_alone() -> None:
    assert call("7-5-3", "--batch", "2", "--format", "markdown")[1] == BOOK.to_markdown()
    rows = list(csv.DictReader(io.StringIO(call("7-5-3", "--batch", "2", "--format", "csv")[1])))
    assert [row["numbers"] for row in rows] == [line.numbers for line in BOOK]


@pytest.mark.slow
def test_out_holds_a_drawing_and_tables(tmp_path: Path) -> None:
    code, _, told = call("7-5-3", "--batch", "2", "--out", str(tmp_path / "ledger"))
    assert code == 0
    assert "ledger.png" in told.replace(" ", "")
    assert (tmp_path / "ledger" / "ledger.md").read_text("utf-8") == BOOK.to_markdown()
    assert len((tmp_path / "ledger" / "ledger.csv").read_text("utf-8").splitlines()) == 1 + len(BOOK)
    with Image.open(tmp_path / "ledger" / "ledger.png") as image:
        assert image.width > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("784-",), "'784-': a width is missing. Expected widths joined by '-'"),
        (("a-b",), "'a-b': 'a' is no whole number."),
        (("3-0",), "'3-0': a layer of 0 units computes nothing."),
        (("3-2", "--batch", "0"), "--batch 0: expected a whole number above 0, or a letter such as N."),
        (("3-2", "--batch", "-5"), "--batch -5: expected a whole number above 0"),
        (("3-2", "--batch", "many"), "--batch many: expected a whole number above 0"),
        (("3-2", "--loss", "msee"), "Unknown loss 'msee'. Did you mean 'mse'?"),
        (("3-2-1", "--activation", "sigmiod"), "Unknown activation 'sigmiod'. Did you mean 'sigmoid'?"),
        (("3-2-1", "--activation", "step"), "Use 'sigmoid' in its place to train."),
        (("3-2", "--activation", "sigmiod"), "Unknown activation 'sigmiod'. Did you mean 'sigmoid'?"),
        (("3-2", "--format", "xml"), "'xml' is not one of 'text', 'markdown', 'csv', 'json'"),
    ],
)
def test_what_makes_no_sense_is_an_error_with_its_cure(arguments: tuple[str, ...], message: str) -> None:
    code, printed, told = call(*arguments)
    assert (code, printed) == (4, "")
    assert message in told


def test_as_json_each_equation_is_a_record() -> None:
    records = json.loads(call("7-5-3", "--batch", "2", "--format", "json")[1])
    assert [record["node"] for record in records] == [line.node for line in BOOK]
    assert records[0]["numbers"] == "(2, 7)(7, 5) + (5,) → (2, 5)"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, _, told = call("7-5-3", "--out", str(tmp_path / "file"))
    assert code == 4
    assert "is a file. Choose another folder" in told


def heavy_after(*arguments: str) -> set[str]:
    """What a call in a fresh process has imported of the heavy modules."""
    code = f"""
import sys
from gradient_diff.cli import app
app()(["shapes", *{arguments!r}], standalone_mode=False)
print("loaded", *(name for name in ("tensorflow", "keras", "pandas", "matplotlib") if name in sys.modules))
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.mark.slow
def test_the_text_needs_nothing_heavy_and_csv_only_pandas() -> None:
    assert heavy_after("7-5-3", "--batch", "2") == set()
    assert heavy_after("7-5-3", "--format", "csv") == {"pandas"}


def saved_by_keras(path: Path, *layers: object) -> Path:
    import keras

    keras.Sequential([keras.Input((3,)), *layers]).save(path)
    return path


# Keras itself calls NumPy in a way that NumPy 2 deprecates.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
def test_a_model_that_keras_saved_has_its_own_names_and_activations(tmp_path: Path) -> None:
    import keras_mlp  # noqa: F401  (before Keras itself, since it starts TensorFlow quietly)

    # isort: split
    import keras

    layers = keras.layers.Dense(4, "tanh", name="first"), keras.layers.Dense(2, name="last")
    path = saved_by_keras(tmp_path / "m.keras", *layers)
    code, text, told = call(str(path), "--batch", "6", "--format", "markdown")
    assert code == 0
    mlp = MLP(3, [Dense(4, "tanh", name="first"), Dense(2, name="last")])
    assert text == ledger(mlp, "mean_squared_error", 6).to_markdown()
    assert "TensorFlow takes some seconds to start" in told
    code, text, told = call(str(path), "--activation", "relu")
    assert (code, text, "has its own activations. Leave it out." in told) == (4, "", True)


# a saved model for which there are no equations

COPY = "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"


@pytest.fixture
def normed(tmp_path: Path) -> str:
    import keras_mlp  # noqa: F401  (likewise)

    # isort: split
    import keras

    return str(saved_by_keras(tmp_path / "m.keras", keras.layers.GroupNormalization(3, name="norm")))


NORMED = [
    ["layer", "class", "inputs", "outputs", "weights"],
    [
        "norm",
        "GroupNormalization",
        "({N}, 3)",
        "({N}, 3)",
        "gamma (3,), beta (3,)",
    ],
]


@pytest.mark.filterwarnings(COPY)
@pytest.mark.parametrize("batch", ["N", "7"])
def test_layers_without_equations_are_listed_with_their_shapes(normed: str, batch: str) -> None:
    code, text, told = call(normed, "--batch", batch)
    assert code == 0
    assert "Layer 'norm' is a GroupNormalization; understood so far are Dense, Dropout" in told
    title = "Layers of m.keras: no equations known for these layers: shapes without judgement"
    assert text.startswith(title)
    wanted = [[cell.format(N=batch) for cell in row] for row in NORMED]
    assert " ".join(wanted[1]) in " ".join(text.split())
    assert list(csv.reader(io.StringIO(call(normed, "--batch", batch, "--format", "csv")[1]))) == wanted
    marked = call(normed, "--batch", batch, "--format", "markdown")[1]
    assert marked.splitlines()[0] == f"**{title}**"
    assert [line.strip("| ").split(" | ") for line in marked.splitlines()[2:]] == [wanted[0], ["---"] * 5, wanted[1]]


@pytest.mark.filterwarnings(COPY)
def test_the_folder_of_such_a_model_holds_tables_and_no_drawing(normed: str, tmp_path: Path) -> None:
    code, _, told = call(normed, "--out", str(tmp_path / "out"))
    assert code == 0
    assert "ledger.md" in told.replace(" ", "")
    assert sorted(path.name for path in (tmp_path / "out").glob("ledger.*")) == ["ledger.csv", "ledger.md"]
    assert (tmp_path / "out" / "ledger.csv").read_text("utf-8") == call(normed, "--format", "csv")[1]


@pytest.mark.filterwarnings(COPY)
@pytest.mark.parametrize("kind", ["lambda", "custom"])
def test_a_model_that_needs_code_is_refused_in_one_sentence(kind: str, tmp_path: Path) -> None:
    import keras_mlp  # noqa: F401  (likewise)

    # isort: split
    import keras

    class Odd(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        def call(self, x: object) -> object:
            return x

    layer, words = {
        "lambda": (keras.layers.Lambda(lambda t: t), "it holds a Lambda layer, which is code that comes with the file"),
        "custom": (Odd(), "the code of 'Odd' is not in the file"),
    }[kind]
    code, text, told = call(str(saved_by_keras(tmp_path / "m.keras", layer)))
    assert (code, text) == (4, "")
    assert words in told
    assert "safe_mode" not in told


# paths


@pytest.mark.parametrize(
    ("name", "made", "what"),
    [
        ("widths.txt", "file", "is a file"),
        ("model", "folder", "is a folder"),
        ("model", "file", "is a file"),
        ("model.h5", "", "looks like a path"),
        ("some/model", "", "looks like a path"),
    ],
)
def test_a_path_is_not_taken_for_widths(
    name: str, made: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if made:
        Path(name).mkdir() if made == "folder" else Path(name).touch()
    code, printed, told = call(name)
    assert (code, printed) == (4, "")
    expected = "Expected widths such as 784-50-100-10, or a model saved by Keras's model.save('NAME.keras')."
    assert f"{name} {what}, but is no MODEL.keras. {expected}" in told


def test_widths_are_widths_whatever_lies_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("7-5-3").mkdir()
    assert call("7-5-3", "--batch", "2", "--format", "markdown")[1] == BOOK.to_markdown()
    assert "'3.5-2': '3.5' is no whole number." in call("3.5-2")[2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "m.keras: no such file"),
        (b"", "m.keras is not a whole .keras archive"),
        (b"hello", "m.keras is not a whole .keras archive"),
        ("zip", "m.keras cannot be loaded by Keras: "),
    ],
)
def test_a_file_that_is_no_model_is_told(
    content: bytes | str | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if content == "zip":
        with zipfile.ZipFile("m.keras", "w") as archive:
            archive.writestr("a", "b")
    elif isinstance(content, bytes):
        Path("m.keras").write_bytes(content)
    code, printed, told = call("m.keras")
    assert (code, printed) == (4, "")
    assert message in told
