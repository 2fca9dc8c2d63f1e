"""The network with the culprit lit, and what only follows paler."""

import dataclasses
import re

from gradient_diff import GradientDiff, compare
from gradient_diff.render.figures.network import network_figure, network_figures


def test_a_box_per_layer_and_the_culprit_lit(different: GradientDiff) -> None:
    first, second = network_figures(different)
    assert 'aria-label="dense_1, 5 tanh: right"' in first
    assert 'aria-label="dense_2, 2 linear: here it is wrong"' in second
    assert re.findall(r'gd-node-on"[^>]*>(.*?)<', second) == ["✗ dE/dW"]
    assert "gd-node-lit" not in first


def test_what_only_follows_is_paler(different: GradientDiff) -> None:
    rows = [
        dataclasses.replace(r, status=different["dense_2/dE_dkernel"].status, downstream=True)
        if r.layer == "dense_1"
        else r
        for r in different.rows
    ]
    first, _ = network_figures(dataclasses.replace(different, rows=tuple(rows)))
    assert "off only because of an earlier one" in first
    assert "gd-node-bad gd-pale" in first


def test_one_drawing_of_all_for_a_file_and_none_without_a_network(different: GradientDiff) -> None:
    whole = network_figure(different)
    assert whole is not None
    assert whole.count("gd-layer") == 2
    plain = compare(dict(different.hand), dict(different.reference), rtol=1.0)
    assert network_figure(plain) is None
    assert network_figures(plain) == []
