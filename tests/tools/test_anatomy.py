"""The counter of the house sees what is planted in a small made-up one."""

import sys
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest

TOOLS = Path(__file__).parents[2] / "tools"
anatomy = SimpleNamespace(**run_path(str(TOOLS / "anatomy.py")))
passage = SimpleNamespace(**run_path(str(TOOLS / "passage.py")))


def house(root: Path, files: dict[str, str]) -> Path:
    """A tree of modules, name → source; a package is its `__init__`."""
    for name, source in files.items():
        path = root.joinpath(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    return root


def arrows(root: Path) -> dict[str, set[str]]:
    return anatomy.graph(anatomy.modules(root))


@pytest.mark.parametrize(
    "source",
    [
        "import keras_mlp.a",
        "from keras_mlp import a",
        "from keras_mlp.a import f",
        "def g():\n    from keras_mlp.a import f",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from keras_mlp.a import f",
    ],
)
def test_a_circle_is_seen_wherever_its_import_stands(tmp_path: Path, source: str) -> None:
    root = house(
        tmp_path,
        {"keras_mlp.a": "from keras_mlp.c import x", "keras_mlp.c": "import keras_mlp.b", "keras_mlp.b": source},
    )
    assert anatomy.circles(arrows(root)) == [["keras_mlp.a", "keras_mlp.b", "keras_mlp.c"]]


def test_two_circles_are_two_and_an_arrow_between_them_is_none(tmp_path: Path) -> None:
    root = house(
        tmp_path,
        {
            "keras_mlp.a": "import keras_mlp.b",
            "keras_mlp.b": "import keras_mlp.a, keras_mlp.c",
            "keras_mlp.c": "import keras_mlp.d",
            "keras_mlp.d": "import keras_mlp.c",
            "keras_mlp.e": "import keras_mlp.a, numpy",
        },
    )
    assert anatomy.circles(arrows(root)) == [["keras_mlp.a", "keras_mlp.b"], ["keras_mlp.c", "keras_mlp.d"]]


def test_what_a_package_runs_on_the_way_is_no_arrow_of_the_importer(tmp_path: Path) -> None:
    root = house(
        tmp_path, {"keras_mlp.__init__": "import keras_mlp.a", "keras_mlp.a": "import keras_mlp.b", "keras_mlp.b": ""}
    )
    assert anatomy.circles(arrows(root)) == []


@pytest.mark.parametrize(
    ("module", "source", "target"),
    [
        ("manual_mlp.equations.losses", "from manual_mlp.network.layers import f", "manual_mlp.network.layers"),
        ("gradient_diff.result.diff", "def f():\n    import gradient_diff.render.html", "gradient_diff.render.html"),
        ("gradient_diff.files.reading", "import gradient_diff.render.html", "gradient_diff.render.html"),
        ("gradient_diff.result.rows", "from gradient_diff import compare", "gradient_diff"),
        ("keras_mlp.tape", "from gradient_diff import compare", "gradient_diff"),
        ("gradient_diff.noise.given", "from keras_mlp.extend import f", "keras_mlp.extend"),
        ("gradient_diff.cli.problem", "from experiments import f", "experiments"),
    ],
)
def test_an_arrow_up_is_seen(tmp_path: Path, module: str, source: str, target: str) -> None:
    others = dict.fromkeys(
        ["manual_mlp.network.layers", "gradient_diff.render.html", "gradient_diff.__init__", "keras_mlp.extend"],
        "",
    )
    root = house(tmp_path, {"experiments.__init__": "", **others, module: source})
    assert anatomy.arrows_up(arrows(root)) == [f"{module} → {target}"]


def test_a_module_on_no_floor_is_named(tmp_path: Path) -> None:
    root = house(tmp_path, {"gradient_diff.attic.box": "", "gradient_diff.noise.given": "", "keras_mlp.tape": ""})
    assert anatomy.homeless(arrows(root)) == ["gradient_diff.attic.box"]


def test_a_way_past_the_face_of_a_package_is_seen(tmp_path: Path) -> None:
    root = house(
        tmp_path,
        {
            "manual_mlp.__init__": "",
            "manual_mlp.errors": "",
            "manual_mlp.extend": "",
            "keras_mlp.tape": "from manual_mlp import MLP\nfrom manual_mlp.extend import f\nimport manual_mlp.errors",
        },
    )
    assert anatomy.trespasses(arrows(root)) == ["keras_mlp.tape → manual_mlp.errors"]


def test_keras_is_seen_where_it_does_not_belong(tmp_path: Path) -> None:
    inside = "def f():\n    import keras.ops"
    root = house(
        tmp_path,
        {
            "gradient_diff.comparison": inside,
            "gradient_diff.cli.shapes": inside,
            "gradient_diff.cli.problem": "from tensorflow import math",
            "gradient_diff.keras.layer": "import keras",
            "gradient_diff.keras_like": "import keras",
        },
    )
    found = anatomy.keras_outside(anatomy.modules(root))
    assert found == ["gradient_diff.cli.problem", "gradient_diff.comparison", "gradient_diff.keras_like"]


def test_a_second_definition_of_arrays_is_seen(tmp_path: Path) -> None:
    root = house(
        tmp_path,
        {
            "manual_mlp.arrays": "Array = npt.NDArray[Any]",
            "keras_mlp.tape": "A: TypeAlias = npt.NDArray[Any]",
            "keras_mlp.twin": "Bits = npt.NDArray[np.uint64]",
        },
    )
    assert anatomy.array_definitions(anatomy.modules(root)) == ["keras_mlp.tape", "manual_mlp.arrays"]


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ('name.endswith("/dE_dbias")', 1),
        ('name.split("/dE_d", 1)', 1),
        ('"/dE_dz" in name', 1),
        ('"/dE_dz" not in name', 1),
        ('f"{layer}/dE_d{what}"', 0),
        ('f"{layer}/dE_dz" in nodes', 0),
        ('nodes["dense_1/dE_dz"]', 0),
    ],
)
def test_a_name_taken_apart_by_hand_is_seen_and_one_put_together_is_not(
    tmp_path: Path, expression: str, count: int
) -> None:
    root = house(tmp_path, {"keras_mlp.tape": f"x = {expression}", "manual_mlp.nodes": f"x = {expression}"})
    assert anatomy.names_taken_apart(anatomy.modules(root)) == ["keras_mlp.tape:1"] * count


def test_a_rich_docstring_is_one_of_the_inside_only_where_no_package_exports_its_name(tmp_path: Path) -> None:
    rich = 'def {}(x):\n    """One.\n\n    Args:\n        x: two.\n    """\n'
    root = house(
        tmp_path,
        {
            "keras_mlp.__init__": '__all__ = ["shown"]',
            "keras_mlp.extend": '__all__ = ["lent"]',
            "keras_mlp.tape": rich.format("shown")
            + rich.format("lent")
            + rich.format("kept")
            + 'def plain():\n    """One."""',
        },
    )
    assert anatomy.rich_inside(anatomy.modules(root)) == [("keras_mlp.tape.kept", 4)]


def test_long_functions_and_files_are_seen(tmp_path: Path) -> None:
    body = '    """{}"""\n' + "    x = 1\n" * 40
    source = "def fits():\n" + body.format("long\n" * 9) + "def long():\n" + body + "    x = 2\n"
    root = house(
        tmp_path, {"keras_mlp.tape": source, "tests.test_tape": "x = 1\n" * 401, "tests.test_twin": "x = 1\n" * 400}
    )
    assert anatomy.long_functions(anatomy.modules(root)) == ["keras_mlp.tape.long"]
    assert anatomy.long_files(root) == ["tests/test_tape.py"]


def test_public_names_are_those_of_the_four_packages(tmp_path: Path) -> None:
    faces = ("manual_mlp.__init__", "gradient_diff.__init__", "gradient_diff.keras.__init__", "keras_mlp.__init__")
    root = house(tmp_path, {**dict.fromkeys([*faces, "manual_mlp.extend"], '__all__ = ["a", "b"]')})
    assert anatomy.public_names(anatomy.modules(root)) == 8


def test_what_cannot_be_measured_is_a_dash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = house(
        tmp_path, {"gradient_diff.witness": "import gradient_diff.comparison", "gradient_diff.comparison": "x = 1"}
    )
    table = "\n".join(anatomy.report([root]))
    assert "| import circles · arrows that run up | 0 · – | 0 · 0 |" in table
    assert "| files entered by a right compare · by a wrong check_gradients | – · – | ≤ 22 · ≤ 45 |" in table
    assert "| lines of Python outside tests | 2 |" in table
    assert "ModuleNotFoundError" in capsys.readouterr().err


def test_a_passage_tells_files_and_where_the_object_is_handed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house(
        tmp_path,
        {
            "way.door": "from way.room import look, other\ndef enter(h):\n    look(h)\n    again(h)\n    other(2)\n"
            "def again(h):\n    for _ in range(3):\n        look([h])\n",
            "way.room": "from way.attic import climb\ndef look(h): climb(1)\ndef other(n): pass",
            "way.attic": "def climb(n): pass",
        },
    )
    monkeypatch.syspath_prepend(tmp_path)
    from way.door import enter  # type: ignore[import-not-found]

    hand = {"w": 1}
    entered, handed = passage.passage(tmp_path, lambda: enter(hand), [hand])
    assert passage.passage(tmp_path, lambda: enter([[hand]]), [hand])[1] == []
    assert len(passage.passage(tmp_path, lambda: enter([[hand]]), [hand], depth=3)[1]) == 4
    assert {Path(file).stem for file in entered} == {"door", "room", "attic"}
    assert [Path(file).stem for file in handed] == ["door", "room", "door", "room"]
    assert passage.stays(["a", "a", "b", "a", "c", "c"]) == ["a", "b", "a", "c"]
    assert sys.getprofile() is None
