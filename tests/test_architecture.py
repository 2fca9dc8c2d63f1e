"""Who may know whom: no circle, no arrow that runs up, and nobody comes in but by a door."""

import ast
import re
from collections.abc import Mapping
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[1]
anatomy = SimpleNamespace(**run_path(str(ROOT / "tools" / "anatomy.py")))
TREES = anatomy.modules(ROOT)
ARROWS = anatomy.graph(TREES)


def with_import(module: str, source: str) -> dict[str, ast.Module]:
    """The house with one more import in a module."""
    return {**TREES, module: ast.parse(f"{ast.unparse(TREES[module])}\n{source}")}


def test_there_is_no_circle_of_imports() -> None:
    assert anatomy.circles(ARROWS) == []


def test_a_circle_would_be_seen() -> None:
    planted = anatomy.graph(with_import("manual_mlp.errors", "def f():\n    from manual_mlp import MLP"))
    circle = next(c for c in anatomy.circles(planted) if "manual_mlp.errors" in c)
    assert {"manual_mlp", "manual_mlp.network.network"} <= set(circle)


def test_every_module_stands_on_a_floor_of_the_plan() -> None:
    assert anatomy.homeless(ARROWS) == []


def test_no_import_runs_up() -> None:
    assert anatomy.arrows_up(ARROWS) == []


@pytest.mark.parametrize(
    ("module", "source", "target"),
    [
        ("manual_mlp.network.layers.dense", "from manual_mlp.training.plan import Plan", "manual_mlp.training.plan"),
        ("gradient_diff.judging.case", "import gradient_diff.comparison", "gradient_diff.comparison"),
        ("gradient_diff.noise.given", "import gradient_diff.witnesses.ridders", "gradient_diff.witnesses.ridders"),
        ("gradient_diff.render.html", "def f():\n    import gradient_diff.keras", "gradient_diff.keras"),
        ("gradient_diff.comparison", "import keras_mlp", "keras_mlp"),
        ("keras_mlp.tape", "from gradient_diff import compare", "gradient_diff"),
        ("gradient_diff.keras.gradients.checking", "from experiments import STUDIES", "experiments"),
        ("manual_mlp.network.network", "from keras_mlp import to_keras", "keras_mlp"),
    ],
)
def test_an_import_that_runs_up_would_be_seen(module: str, source: str, target: str) -> None:
    assert f"{module} → {target}" in anatomy.arrows_up(anatomy.graph(with_import(module, source)))


def test_packages_know_each_other_by_their_doors_only() -> None:
    assert anatomy.trespasses(ARROWS) == []


def test_a_way_past_the_door_would_be_seen() -> None:
    planted = with_import("gradient_diff.comparison", "from manual_mlp.network.checks import check_parameters")
    assert "gradient_diff.comparison → manual_mlp.network.checks" in anatomy.trespasses(anatomy.graph(planted))


def test_keras_is_imported_behind_its_doors_only() -> None:
    assert anatomy.keras_outside(TREES) == []


@pytest.mark.parametrize(
    ("module", "source", "seen"),
    [
        ("gradient_diff.comparison", "def f():\n    import keras", True),
        ("gradient_diff.cli.shapes", "from tensorflow import keras", True),
        ("gradient_diff.cli.shapes", "def f():\n    import keras", False),
        ("keras_mlp.twin", "import keras", False),
    ],
)
def test_keras_elsewhere_would_be_seen(module: str, source: str, seen: bool) -> None:
    assert (module in anatomy.keras_outside(with_import(module, source))) is seen


def roundabout(trees: Mapping[str, ast.Module]) -> list[str]:
    """The names that a package's own modules take from an `__init__` or `extend` that has them from elsewhere."""
    lent = {m: {a.name for n in names_from(trees[m]) for a in n.names} for m in anatomy.exported(trees)}
    faces = {m: {name for name in names if f"{m}.{name}" not in trees} for m, names in lent.items()}
    taken = ((m, n, faces.get(str(n.module), set())) for m, tree in trees.items() for n in names_from(tree))
    own = ((m, n, names) for m, n, names in taken if m.split(".")[0] == str(n.module).split(".")[0])
    return [f"{m} → {n.module}" for m, n, names in own if names & {a.name for a in n.names}]


def names_from(tree: ast.Module) -> list[ast.ImportFrom]:
    return [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]


def test_a_package_s_own_modules_import_from_where_a_thing_is_defined() -> None:
    shown = [arrow for arrow in roundabout(TREES) if not arrow.startswith("gradient_diff.__main__ ")]
    assert shown == []


def test_a_roundabout_import_would_be_seen() -> None:
    planted = with_import("gradient_diff.cli.shapes", "from gradient_diff import compare")
    assert roundabout(planted) == [*roundabout(TREES), "gradient_diff.cli.shapes → gradient_diff"]


CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
THINGS = (
    *("layer", "activation", "loss", "mistake", "status", "witness", "check for Keras users", "file format", "command"),
    *("report section", "study", "picture of article C", "benchmark"),
)


def places(text: str) -> dict[str, str]:
    """The table `where does a new … go?`: the thing → the cell with its folders."""
    rows = re.findall(r"^\| (.+?) \| (.+?) \| .+ \|$", text.partition("## Where does")[2], re.MULTILINE)
    return {thing: where for thing, where in rows if "`" in where}


def missing(text: str) -> list[str]:
    """What the table names, in backticks, and the checkout does not have."""
    named = [path for where in places(text).values() for path in re.findall(r"`([^`]+)`", where)]
    return [path for path in named if not (ROOT / path).exists()]


@pytest.mark.parametrize("thing", THINGS)
def test_contributing_says_where_a_new_thing_goes(thing: str) -> None:
    assert any(thing in said for said in places(CONTRIBUTING))


def test_the_folders_that_contributing_names_exist() -> None:
    assert missing(CONTRIBUTING) == []


def test_a_folder_that_is_not_there_would_be_seen() -> None:
    planted = CONTRIBUTING.replace("`manual_mlp/network/layers/`", "`manual_mlp/attic/layers/`")
    assert missing(planted) == ["manual_mlp/attic/layers/"]


def test_contributing_describes_each_room_and_no_other() -> None:
    cells = re.findall(r"^\| `([^`]+)/` \|", CONTRIBUTING.partition("## Where does")[0], re.MULTILINE)
    described = [path.relative_to(ROOT).as_posix() for cell in cells for path in ROOT.glob(cell)]
    packages = (m.replace(".", "/") for m in TREES if m.count(".") <= 1)
    assert sorted(described) == sorted(name for name in packages if (ROOT / name).is_dir())


def test_rich_docstrings_stand_where_users_and_neighbours_are() -> None:
    assert anatomy.rich_inside(anatomy.modules(ROOT)) == []


def test_a_rich_docstring_inside_would_be_seen() -> None:
    inside = ast.parse('def helper():\n    """One.\n\n    Returns:\n        Two.\n    """')
    assert anatomy.rich_inside({"gradient_diff.wording": inside}) == [("gradient_diff.wording.helper", 4)]
