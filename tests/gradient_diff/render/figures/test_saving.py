"""All figures as files."""

import hashlib
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image

from gradient_diff import GradientDiff, compare
from gradient_diff.render.figures import canvas
from gradient_diff.render.figures.differences import difference_histogram, difference_per_layer, sigma_distances
from gradient_diff.render.figures.saving import save_figures
from gradient_diff.render.figures.scatters import scatter
from manual_mlp import MLP, Dense, Evaluation


def test_every_figure_of_every_extreme_is_drawn_without_a_warning(extreme: GradientDiff, tmp_path: Path) -> None:
    for draw in (scatter, difference_per_layer, sigma_distances, difference_histogram):
        canvas.save_figure(draw(extreme), tmp_path / f"{draw.__name__}.png")
    for path in save_figures(extreme, tmp_path / "figures").values():
        with Image.open(path) as image:
            assert image.width > 300


def test_the_same_diff_gives_the_same_bytes_whatever_the_users_style(different: GradientDiff, tmp_path: Path) -> None:
    first = save_figures(different, tmp_path / "a")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.dpi": 20, "figure.dpi": 30}):
        second = save_figures(different, tmp_path / "b")
        assert mpl.rcParams["font.size"] == 30
    assert [_digest(p) for p in first.values()] == [_digest(p) for p in second.values()]
    assert len({_digest(p) for p in first.values()}) == 6


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_files_hold_no_date_and_no_version(different: GradientDiff, tmp_path: Path) -> None:
    for path in save_figures(different, tmp_path).values():
        with Image.open(path) as image:
            assert set(image.info) <= {"dpi"}


def test_a_typical_folder_is_small(tmp_path: Path) -> None:
    mlp = MLP(784, [Dense(50, "tanh"), Dense(100, "tanh"), Dense(10, "softmax")])
    rng = np.random.default_rng(0)
    e = mlp.backpropagate(
        mlp.initialize(0), rng.random((100, 784)), rng.integers(0, 10, 100), "sparse_categorical_crossentropy"
    )
    rounded = Evaluation({n: a.astype(np.float32) for n, a in e.nodes.items()}, e.problem, "rounded")
    paths = save_figures(compare(e, rounded), tmp_path)
    assert sum(path.stat().st_size for path in paths.values()) < 200_000


def test_file_names_are_plain_and_distinct_whatever_the_names_are(hostile: str, tmp_path: Path) -> None:
    arrays = {name: np.eye(2) for name in (hostile, "../../w", "a/b", "a_b", "A_b", "层")}
    paths = list(save_figures(compare(arrays, arrays), tmp_path).values())
    assert len({path.name.lower() for path in paths}) == len(paths) == 9
    assert all(path.parent == tmp_path and path.is_file() and path.name.isascii() for path in paths)
