from gradient_diff import GradientDiff
from gradient_diff.render.columns import COLUMNS


def _cells(diff: GradientDiff, name: str) -> dict[str, str]:
    return {column.title: column.cell(diff[name]) for column in COLUMNS}


def test_the_cells_of_a_row_that_is_off(different: GradientDiff) -> None:
    cells = _cells(different, "dense_2/kernel")
    metrics = different["dense_2/kernel"].metrics
    assert metrics is not None
    assert cells["scale"] == "64"
    assert cells["cosine"] == "1"
    assert cells["relative L2"] == "6.3e+01"
    assert cells["status"] == "✗ DIFFERENT"
    assert cells["at"] == f"[{metrics.worst_index[0]}, {metrics.worst_index[1]}]"
    assert float(cells["hand"]) / float(cells["reference"]) > 63


def test_the_cells_of_a_row_without_metrics_are_dashes(mixed: GradientDiff) -> None:
    cells = _cells(mixed, "dense_1/kernel")
    assert cells["shape"] == "(5, 3) ≠ (3, 5)"
    assert {cells[title] for title in ("relative L2", "max |diff|", "at", "hand", "reference", "cosine")} == {"–"}


def test_name_status_and_distance_are_never_dropped() -> None:
    assert [column.title for column in COLUMNS if column.rank == 0] == ["node", "relative L2", "status"]
