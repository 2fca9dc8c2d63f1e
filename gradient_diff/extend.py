"""Names for the neighbouring packages, which extend what a user of `gradient_diff` sees."""

from gradient_diff.judging.kinks import kink_positions
from gradient_diff.names import plain_name
from gradient_diff.noise.network import MORE_DRAWS, local_distance, on_branch, update_bound
from gradient_diff.render.figures.canvas import write_png
from gradient_diff.render.figures.heatmaps import kernel_heatmaps
from gradient_diff.render.figures.vector import svg_of
from gradient_diff.render.folder import guide_beside, whole_folder
from gradient_diff.render.html import report_page
from gradient_diff.render.provenance import date
from gradient_diff.render.sections import Section
from gradient_diff.render.tables import to_csv
from gradient_diff.result.diff import proved_together
from gradient_diff.result.status import gravest
from gradient_diff.running.script import Script
from gradient_diff.source.raised import Raised
from gradient_diff.source.raising import raised_in

__all__ = [
    "MORE_DRAWS",
    "Raised",
    "Script",
    "Section",
    "date",
    "gravest",
    "guide_beside",
    "kernel_heatmaps",
    "kink_positions",
    "local_distance",
    "on_branch",
    "plain_name",
    "proved_together",
    "raised_in",
    "report_page",
    "svg_of",
    "to_csv",
    "update_bound",
    "whole_folder",
    "write_png",
]
