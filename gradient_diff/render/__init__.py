"""Renderings of what came out: terminal, tables, figures, HTML, and a folder with all of them; they compute nothing.

pandas, matplotlib, rich and Jinja2 are imported inside the functions that use them. What shows itself asks
`gradient_diff.shown`, which learns here who writes it.
"""

from gradient_diff.ledger.ledger import Ledger
from gradient_diff.metrics.record import Metrics
from gradient_diff.render import details, explanations, folder, ledgers, notebook, tables, terminal
from gradient_diff.render.figures.drawing import draw_ledger
from gradient_diff.result.diff import GradientDiff
from gradient_diff.shapes.explain import ShapeExplanation
from gradient_diff.shown import figure_of, frame_of, html_of, markdown_of, save_report, text_of

text_of.register(GradientDiff, terminal.to_text)
text_of.register(Ledger, ledgers.to_text)
text_of.register(Metrics, details.to_details)
text_of.register(ShapeExplanation, explanations.to_text)
html_of.register(GradientDiff, notebook.to_cell)
markdown_of.register(GradientDiff, tables.to_markdown)
markdown_of.register(Ledger, ledgers.to_markdown)
frame_of.register(GradientDiff, tables.to_frame)
frame_of.register(Ledger, ledgers.to_frame)
figure_of.register(Ledger, draw_ledger)
save_report.register(GradientDiff, folder.write_report)
