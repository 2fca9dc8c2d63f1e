"""Renderings of a GradientDiff: terminal, tables, figures, HTML, and a folder with all of them.

Nothing is computed in here; pandas, matplotlib, rich and Jinja2 are imported inside the functions that use them.
"""

from gradient_diff.render.canvas import save as save_figure
from gradient_diff.render.differences import difference_histogram, difference_per_layer, sigma_distances
from gradient_diff.render.drawing import draw_ledger
from gradient_diff.render.explanations import print_explanation
from gradient_diff.render.figures import save_figures
from gradient_diff.render.folder import save_tables, whole_folder, write_report
from gradient_diff.render.heatmaps import kernel_heatmaps
from gradient_diff.render.html import report_page, to_fragment, to_html
from gradient_diff.render.ledgers import print_ledger
from gradient_diff.render.scatters import scatter
from gradient_diff.render.sections import Section
from gradient_diff.render.tables import ledger_frame, to_csv, to_frame, to_json, to_markdown
from gradient_diff.render.terminal import print_diff, to_text

__all__ = [
    "Section",
    "difference_histogram",
    "difference_per_layer",
    "draw_ledger",
    "kernel_heatmaps",
    "ledger_frame",
    "print_diff",
    "print_explanation",
    "print_ledger",
    "report_page",
    "save_figure",
    "save_figures",
    "save_tables",
    "scatter",
    "sigma_distances",
    "to_csv",
    "to_fragment",
    "to_frame",
    "to_html",
    "to_json",
    "to_markdown",
    "to_text",
    "whole_folder",
    "write_report",
]
