"""What the picture of σ claims is so, and the committed one is what is drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tools.pictures import IMAGES, measured, sigma

CASES = {label: np.array(distances) for label, _, _, distances in measured()}
RIGHT = np.concatenate([distances for label, distances in CASES.items() if label.startswith("right")])
WRONG = np.concatenate([distances for label, distances in CASES.items() if label.startswith("wrong")])


def test_a_line_parts_them_in_sigma_and_none_in_relative_distance() -> None:
    _, relative, sigmas = range(3)
    assert RIGHT[:, sigmas].max() < 16 < 1000 < WRONG[:, sigmas].min()
    assert WRONG[:, relative].min() < RIGHT[:, relative].max()
    assert WRONG[:, relative].max() < 1e-5 < RIGHT[:, relative].max()  # np.allclose passes the one and not the other


def test_the_committed_picture_is_the_one_that_is_drawn(tmp_path: Path) -> None:
    """Its words; where a mark stands hangs on the last bits of the machine."""
    committed = (IMAGES / "sigma.svg").read_text("utf-8")
    assert words_of(sigma()) == words_of(committed)
    assert words_of(committed.replace("nearly trained", "trained")) != words_of(committed)


def words_of(picture: str) -> list[str]:
    return [
        part.partition("<")[0].strip() for part in picture.split(">") if any(map(str.isalpha, part.partition("<")[0]))
    ]
