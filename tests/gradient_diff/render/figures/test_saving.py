"""All drawings as files: SVG with colours for light and dark, the same bytes every time."""

from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from gradient_diff import GradientDiff, compare
from gradient_diff.render.figures.panels import panels_of
from gradient_diff.render.figures.saving import save_figures


def saved(diff: GradientDiff, folder: Path) -> list[Path]:
    return save_figures(diff, panels_of(diff), folder)


def test_every_drawing_of_every_extreme_is_well_formed(extreme: GradientDiff, tmp_path: Path) -> None:
    for path in saved(extreme, tmp_path):
        assert ET.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_the_difference_per_layer_is_there_whether_right_or_wrong(
    match: GradientDiff, different: GradientDiff, tmp_path: Path
) -> None:
    names = [[path.name for path in saved(diff, tmp_path)] for diff in (match, different)]
    assert all(n[:2] == ["difference_per_layer.svg", "network.svg"] for n in names)
    assert names[1][2:] == ["array_1_dense_2_dE_dkernel.svg"]


def test_the_same_diff_gives_the_same_bytes(different: GradientDiff, tmp_path: Path) -> None:
    first, second = saved(different, tmp_path / "a"), saved(different, tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_file_names_are_plain_and_distinct_whatever_the_names_are(hostile: str, tmp_path: Path) -> None:
    arrays = {name: np.eye(2) for name in (hostile, "../../w", "a/b", "a_b", "A_b", "层")}
    paths = saved(compare(arrays, arrays), tmp_path)
    assert len({path.name.lower() for path in paths}) == len(paths) == 7
    assert all(path.parent == tmp_path and path.is_file() and path.name.isascii() for path in paths)
