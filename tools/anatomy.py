"""The counter of the house: `python tools/anatomy.py` prints what is measured of it, beside what is asked.

`--root OTHER` counts another checkout instead, also an older one; given twice, each gets a column of its own. What
cannot be measured there is a dash. The names behind a count (circles, arrows, long files) follow below the table.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

PACKAGES = ("manual_mlp", "keras_mlp", "gradient_diff", "experiments")

KNOWS: dict[str, tuple[str, ...]] = {
    "manual_mlp": (),
    "keras_mlp": ("manual_mlp",),
    "gradient_diff": ("manual_mlp",),
    "gradient_diff.keras": ("manual_mlp", "keras_mlp"),
    "gradient_diff.cli": ("manual_mlp", "keras_mlp"),
    "experiments": ("manual_mlp", "keras_mlp", "gradient_diff"),
}
"""Room → the other packages that it may import; the longest name that fits a module is its room."""

FACES = {
    *PACKAGES,
    *(f"{package}.extend" for package in PACKAGES),
    "manual_mlp.layers",
    "gradient_diff.keras",
    "gradient_diff.cli",
}
"""What may be imported from outside of a package."""

FLOORS = {
    "manual_mlp": ("arrays dtypes errors nodes", "equations", "network", "training", "__init__ extend layers"),
    "gradient_diff": (
        "plain",
        "calling names shown",
        "noise witnesses ledger",
        "metrics shapes sides",
        "layouts result",
        "judging source wording",
        "diagnosis",
        "comparison files",
        "render",
        "backward guide running stepping testing",
        "desk keras pytest_plugin",
        "__init__ extend",
        "cli",
        "__main__",
    ),
}
"""Package → its floors from below: a room uses the floors below it, and nobody on its own."""

DOORS_TO_KERAS = ("keras_mlp", "gradient_diff.keras", "experiments")
"""Where Keras and TensorFlow are imported; `gradient_diff.cli` may do so inside functions."""


def sources(root: Path, *folders: str) -> list[Path]:
    """The Python files below these folders of root, without those of hidden ones."""
    found = (path for folder in folders for path in (root / folder).rglob("*.py"))
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(root).parts))


def modules(root: Path) -> dict[str, ast.Module]:
    """Name → syntax tree of each module of the packages."""
    dotted = {p: ".".join(p.relative_to(root).with_suffix("").parts) for p in sources(root, *PACKAGES)}
    return {n.removesuffix(".__init__"): ast.parse(p.read_text(encoding="utf-8")) for p, n in dotted.items()}


def imported(tree: ast.AST) -> Iterator[str]:
    """All that a module imports, wherever it stands: `a.b` of `import a.b`, `a.b.c` of `from a.b import c`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def graph(trees: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    """Module → the modules that it names in imports; that a package's `__init__` runs on the way does not count."""
    names = {f"{m}.{name}" for m, exports in exported(trees).items() for name in exports}
    own = trees.keys() - names  # `from gradient_diff import ledger` is the function, not the folder
    named = {name: {i if i in own else i.rpartition(".")[0] for i in imported(tree)} for name, tree in trees.items()}
    return {name: targets & trees.keys() for name, targets in named.items()}


def circles(arrows: Mapping[str, set[str]]) -> list[list[str]]:
    """The sets of modules of which each reaches each other by imports."""
    reach = {module: _reached(module, arrows) for module in arrows}
    found = {tuple(sorted(m for m in reach[module] if module in reach[m])) for module in arrows}
    return [list(circle) for circle in sorted(found) if circle]


def _reached(module: str, arrows: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    ahead = list(arrows[module])
    while ahead:
        if (name := ahead.pop()) not in seen:
            seen.add(name)
            ahead += arrows[name]
    return seen


def floor(module: str) -> int | None:
    """On which floor of its package a module stands; None if the plan does not name its room."""
    package, _, rest = module.partition(".")
    room = rest.split(".")[0] or "__init__"
    return next((i for i, rooms in enumerate(FLOORS[package]) if room in rooms.split()), None)


def homeless(arrows: Mapping[str, set[str]]) -> list[str]:
    """The modules of a package with floors that stand on none of them."""
    return sorted(m for m in arrows if m.split(".")[0] in FLOORS and floor(m) is None)


def arrows_up(arrows: Mapping[str, set[str]]) -> list[str]:
    """The imports that no room may have: of a package that it may not know, or of its own or a higher floor."""
    return sorted(f"{a} → {b}" for a, targets in arrows.items() for b in targets if _runs_up(a, b))


def _runs_up(module: str, target: str) -> bool:
    package, other = module.split(".")[0], target.split(".")[0]
    if package != other:
        room = max((r for r in KNOWS if f"{module}.".startswith(f"{r}.")), key=len)
        return other not in KNOWS[room]
    if package not in FLOORS or module.split(".")[:2] == target.split(".")[:2]:
        return False
    here, there = floor(module), floor(target)
    return here is None or there is None or there >= here


def trespasses(arrows: Mapping[str, set[str]]) -> list[str]:
    """The imports of another package's inside, past its face."""
    pairs = ((a, b) for a, targets in arrows.items() for b in targets)
    return sorted(f"{a} → {b}" for a, b in pairs if a.split(".")[0] != b.split(".")[0] and b not in FACES)


def keras_outside(trees: Mapping[str, ast.Module]) -> list[str]:
    """The modules that import Keras or TensorFlow and are no door to it."""
    others = {n: t for n, t in trees.items() if not f"{n}.".startswith(tuple(f"{door}." for door in DOORS_TO_KERAS))}
    return sorted(name for name, tree in others.items() if _loads_keras(name, tree))


def _loads_keras(name: str, tree: ast.Module) -> bool:
    excused = ast.FunctionDef if name.startswith("gradient_diff.cli.") else ()
    statements = (s for s in tree.body if not isinstance(s, excused))
    return any(i.split(".")[0] in ("keras", "tensorflow") for s in statements for i in imported(s))


def lines(root: Path) -> int:
    """Lines of Python outside the tests."""
    return sum(len(p.read_text(encoding="utf-8").splitlines()) for p in sources(root, *PACKAGES, "tools"))


def exported(trees: Mapping[str, ast.Module]) -> dict[str, list[str]]:
    """Each package or `extend` that has an `__all__` → its names."""
    assigned = ((m, s) for m, tree in trees.items() for s in tree.body if isinstance(s, ast.Assign))
    return {m: ast.literal_eval(s.value) for m, s in assigned if ast.unparse(s.targets[0]) == "__all__"}


def public_names(trees: Mapping[str, ast.Module]) -> int:
    """How many names the four packages offer to users."""
    lists = exported(trees)
    return sum(len(lists.get(p, ())) for p in ("manual_mlp", "gradient_diff", "gradient_diff.keras", "keras_mlp"))


RICH = re.compile(r"^ *(Args|Returns|Example|Examples):$", re.MULTILINE)


def rich_inside(trees: Mapping[str, ast.Module]) -> list[tuple[str, int]]:
    """Docstrings with sections on what no package exports, neither for users nor for neighbours: place, lines."""
    public = {name for names in exported(trees).values() for name in names}
    inside = ((m, s) for m, tree in trees.items() for s in tree.body if getattr(s, "name", "") not in public)
    named = ((m, n) for m, s in inside for n in ast.walk(s) if isinstance(n, ast.FunctionDef | ast.ClassDef))
    documented = ((f"{m}.{n.name}", ast.get_docstring(n) or "") for m, n in named)
    return [(place, len(text.splitlines())) for place, text in documented if RICH.search(text)]


def long_functions(trees: Mapping[str, ast.Module]) -> list[str]:
    """The functions whose body without its docstring has more than 40 lines."""
    functions = ((m, n) for m, tree in trees.items() for n in ast.walk(tree) if isinstance(n, ast.FunctionDef))
    return [f"{m}.{n.name}" for m, n in functions if _body_lines(n) > 40]


def _body_lines(function: ast.FunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def long_files(root: Path) -> list[str]:
    """The files of more than 400 lines, those of the tests, too."""
    every = sources(root, *PACKAGES, "tools", "tests")
    return [p.relative_to(root).as_posix() for p in every if len(p.read_text(encoding="utf-8").splitlines()) > 400]


def array_definitions(trees: Mapping[str, ast.Module]) -> list[str]:
    """The modules that define a name for NumPy's arrays of any dtype."""
    assigned = ((m, s) for m, tree in trees.items() for s in tree.body if isinstance(s, ast.Assign | ast.AnnAssign))
    return [m for m, s in assigned if s.value and ast.unparse(s.value).startswith("npt.NDArray[Any]")]


TAKES_APART = (
    "endswith",
    "startswith",
    "replace",
    "split",
    "rsplit",
    "partition",
    "rpartition",
    "removesuffix",
    "find",
)


def names_taken_apart(trees: Mapping[str, ast.Module]) -> list[str]:
    """Where `"/dE_d"` is looked for in a name, or cut out of it, other than in the module of names."""
    nodes = ((m, n) for m, tree in trees.items() if not m.endswith(".nodes") for n in ast.walk(tree))
    return [f"{m}:{n.lineno}" for m, n in nodes if isinstance(n, ast.Call | ast.Compare) and _takes_apart(n)]


def _takes_apart(node: ast.Call | ast.Compare) -> bool:
    if isinstance(node, ast.Call):
        asked = node.args if getattr(node.func, "attr", "") in TAKES_APART else []
    else:
        asked = [node.left] if isinstance(node.ops[0], ast.In | ast.NotIn) else []
    return any("/dE_d" in str(a.value) for a in asked if isinstance(a, ast.Constant))


def passages(root: Path) -> dict[str, list[str]]:
    """What `passage.py` finds, in an interpreter that knows this root only."""
    command = [sys.executable, str(Path(__file__).with_name("passage.py")), str(root)]
    environment = {**os.environ, "PYTHONPATH": str(root), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{root}: not passed through, {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)  # noqa: T201
        return {}
    return dict(json.loads(done.stdout))


def counts(root: Path) -> tuple[list[str], dict[str, list[str]]]:
    """The cells of one column of the table, and the names behind them."""
    trees, passed = modules(root), passages(root)
    arrows, rich = graph(trees), rich_inside(trees)
    planned = not homeless(arrows)
    names = {
        "import circles": [", ".join(circle) for circle in circles(arrows)],
        "arrows that run up": arrows_up(arrows) if planned else ["– (this house has other rooms)"],
        "functions over 40 lines": long_functions(trees),
        "files over 400 lines": long_files(root),
        "definitions of Array": array_definitions(trees),
        '"/dE_d" taken apart by hand': names_taken_apart(trees),
    }
    circle, arrow, *rest = (str(len(found)) for found in names.values())
    right, wrong, *ways = passed.values() if passed else ([], [], [], [])
    cells = [
        f"{lines(root):,}",
        f"{circle} · {arrow if planned else '–'}",
        f"{len(right) or '–'} · {len(wrong) or '–'}",
        *(f"{len(way)}, {len(way) - len(set(way))}" if passed else "–, –" for way in ways),
        str(public_names(trees)),
        str(len(list((root / "experiments").glob("*.py")))),
        f"{len(rich)}, {sum(length for _, length in rich):,} lines",
        *rest,
    ]
    return cells, {**names, "entered by a right compare": right, "stays of `hand` in compare": ways[0]}


ROWS = (
    ("lines of Python outside tests", "about 28,000"),
    ("import circles · arrows that run up", "0 · 0"),
    ("files entered by a right compare · by a wrong check_gradients", "≤ 22 · ≤ 45"),
    ("stays of `hand` in compare, returns among them", "≤ 10, ≤ 2"),
    ("the same, where a record of records carries it", "–"),
    ("public names of the four packages", "≤ 75"),
    ("files directly in experiments/", "≤ 4"),
    ("rich docstrings on inside names", "0"),
    ("functions over 40 lines", "0"),
    ("files over 400 lines", "0"),
    ("definitions of Array", "1"),
    ('"/dE_d" taken apart by hand', "0"),
)


def report(roots: list[Path]) -> Iterator[str]:
    """The table, a column per root, and below it the names."""
    columns = {root.name: counts(root) for root in roots}
    yield f"| | {' | '.join(columns)} | asked |"
    yield f"|---{'|---' * len(columns)}|---|"
    for i, (what, asked) in enumerate(ROWS):
        yield f"| {' | '.join([what, *(cells[i] for cells, _ in columns.values()), asked])} |"
    for root, (_, names) in columns.items():
        for what, found in names.items():
            yield "\n  ".join([f"\n{what}, {root}:", *(found or ["none"])])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, action="append", help="the checkout to count; this one by default")
    roots = parser.parse_args().root or [Path(__file__).parents[1]]
    print("\n".join(report([root.resolve() for root in roots])))  # noqa: T201  its output
