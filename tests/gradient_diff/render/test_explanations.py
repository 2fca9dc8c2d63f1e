import io

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from gradient_diff import explain_shapes
from gradient_diff.render.explanations import print_explanation, to_text

Z, D = np.random.default_rng(0).normal(size=(7, 5)), np.random.default_rng(1).normal(size=(7, 3))


def test_a_whole_explanation_by_heart() -> None:
    found = explain_shapes({"z": Z, "delta": D}, (5, 3), Z.T @ D, given=D.T @ Z)
    assert to_text(found, 100) == (
        """\
z (7, 5) and delta (7, 3), target (5, 3), given (3, 5)

  z       (7, 5)  batch, inputs
  delta   (7, 3)  batch, units
  target  (5, 3)  inputs, units

What gives (5, 3)
  ✓ zᵀ δ = (δᵀ z)ᵀ = Σ_n z_n ⊗ δ_n  (5, 7)(7, 3)  z.T @ delta
  zᵀ δ has the right values.

What else comes out
  z δ                   (7, 5)(7, 3)  does not multiply: 5 and 7 differ
  δᵀ z                  (3, 5)        the transposed convention (n_out, n_in)
  δ z                   (7, 3)(7, 5)  does not multiply: 3 and 7 differ
  z_n ⊗ δ_n for each n  (7, 5, 3)     a per-sample gradient: sum over axis 0

What is wrong
  (3, 5) is (n_out, n_in), the transposed convention. Keras's kernels are (n_in, n_out): transpose
  it. It is δᵀ z."""
    )


def test_where_nothing_fits_it_says_so() -> None:
    text = to_text(explain_shapes({"a": (2, 3), "b": (5, 4)}, (9, 9)), 80)
    assert "What gives (9, 9)\n  nothing that is made of these operands alone" in text


@pytest.mark.parametrize("width", [40, 60, 100])
def test_it_wraps_and_prints_no_control_characters(width: int) -> None:
    found = explain_shapes({"z\x1b[31m[red]": Z, "delta": D}, (5, 3), given=(3, 5))
    lines = to_text(found, width).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert "\x1b" not in "".join(lines)
    assert "[red]" in "".join("".join(lines).split())


def test_a_terminal_has_colour() -> None:
    out = io.StringIO()
    found = explain_shapes({"z": Z, "delta": D}, (5, 3), Z.T @ D)
    print_explanation(found, Console(file=out, force_terminal=True, color_system="standard", width=100))
    assert "\x1b[32m✓ zᵀ δ" in out.getvalue()
