"""Renderings of a GradientDiff: terminal, tables, figures, HTML, and a folder with all of them.

Nothing is computed in here; pandas, matplotlib, rich and Jinja2 are imported inside the functions that use them.
"""

from gradient_diff.render.details import to_details
from gradient_diff.render.entries import entries_to_data, entries_to_markdown, print_entries, worst_entries
from gradient_diff.render.explanations import print_explanation
from gradient_diff.render.figures.canvas import save as save_figure
from gradient_diff.render.figures.differences import difference_histogram, difference_per_layer, sigma_distances
from gradient_diff.render.figures.drawing import draw_ledger
from gradient_diff.render.figures.heatmaps import kernel_heatmaps
from gradient_diff.render.figures.saving import save_figures
from gradient_diff.render.figures.scatters import scatter
from gradient_diff.render.folder import save_tables, whole_folder, write_report
from gradient_diff.render.html import report_page, to_fragment, to_html
from gradient_diff.render.ledgers import print_ledger
from gradient_diff.render.sections import Section
from gradient_diff.render.summary import (
    SummaryLine,
    print_summary,
    summary_from_csv,
    summary_line,
    summary_to_csv,
    summary_to_markdown,
    unreadable,
)
from gradient_diff.render.tables import ledger_frame, to_csv, to_frame, to_json, to_markdown
from gradient_diff.render.terminal import print_diff, to_text
from gradient_diff.wording import printable

__all__ = [
    "Section",
    "SummaryLine",
    "difference_histogram",
    "difference_per_layer",
    "draw_ledger",
    "entries_to_data",
    "entries_to_markdown",
    "kernel_heatmaps",
    "ledger_frame",
    "print_diff",
    "print_entries",
    "print_explanation",
    "print_ledger",
    "print_summary",
    "printable",
    "report_page",
    "save_figure",
    "save_figures",
    "save_tables",
    "scatter",
    "sigma_distances",
    "summary_from_csv",
    "summary_line",
    "summary_to_csv",
    "summary_to_markdown",
    "to_csv",
    "to_details",
    "to_fragment",
    "to_frame",
    "to_html",
    "to_json",
    "to_markdown",
    "to_text",
    "unreadable",
    "whole_folder",
    "worst_entries",
    "write_report",
]
