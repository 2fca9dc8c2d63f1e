"""One self-contained HTML page: no network, no script; light and dark; readable on a phone and on paper."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from gradient_diff.render import answers
from gradient_diff.render.figures.panels import Drawn, drawn_rows, panels_of, side_for
from gradient_diff.render.sections import Section, Shown, shown_diffs
from gradient_diff.render.templating import PAGE_STYLES, render, styles
from gradient_diff.result.code import origin_name
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.status import Status
from gradient_diff.wording import printable

_LARGEST = 2_000_000  # bytes of a page
_DETAILS = {2: 2500, 1: 4000, 0: None}
"""Everything; no tables of all numbers; of what is as expected no ladder → rows of a page with which it is tried."""


def to_html(
    diff: GradientDiff,
    title: str | None = None,
    drawn: Drawn | None = None,
    *,
    manifest: Mapping[str, Any] | None = None,
    guide: Collection[str] = (),
) -> str:
    """A page about one diff: what is wrong, where, what to change; network, ladder, numbers, ledger, manifest.

    It links the field guide's page of each mistake in `guide`, in the folder `guide` beside it.
    """
    name = title or diff.title or f"{origin_name(diff.hand_origin)} against {origin_name(diff.reference_origin)}"
    return _page(name, [Section("", diffs={"": diff})], manifest, None if drawn is None else [drawn], guide)


def report_page(
    title: str,
    sections: Iterable[Section],
    manifest: Mapping[str, Any] | None = None,
    guide: Collection[str] = (),
) -> str:
    """A page of several sections, with a summary of the verdicts on top where there is more than one diff.

    Args:
        title: of the page.
        sections: in order.
        manifest: how the results were made, name → value; nested mappings are written as `outer.inner`.
        guide: the mistakes whose page of the field guide lies beside it, as `guide_beside` writes them.

    Returns:
        The HTML text.

    Example:
        >>> page = report_page("Sine", [Section("Method", ["One step of gradient descent."])], {"seed": 0})
        >>> page.startswith("<!DOCTYPE html>"), '<h2 id="method">Method</h2>' in page, "http:" in page
        (True, True, False)
    """
    return _page(title, list(sections), manifest, None, guide)


def _page(
    title: str,
    sections: Sequence[Section],
    manifest: Mapping[str, Any] | None,
    drawn: Sequence[Drawn] | None,
    guide: Collection[str],
) -> str:
    every = shown_diffs(sections)
    judged = any(section.expected for section in sections) or any(section.claims for section in sections)
    alone = len(every) == 1 and not judged
    values = {
        "title": f"{answers.headline(every[0].diff)} · {printable(title)}" if alone else printable(title),
        "kicker": printable(title),
        "sections": sections,
        "all": every,
        "drawn": _drawn(every) if drawn is None else drawn,
        "judged": judged,
        "failed": _failed(sections, every),
        "words": _words(sections, every),
        "first": next((one for one in every if one.expected == Status.MATCH.name), None) if judged else None,
        "manifest": _flat(manifest or {}),
        "guide": guide,
        "style": styles(*PAGE_STYLES),
    }
    rows, text = sum(len(one.diff) for one in every), ""
    for detail in (level for level, most in _DETAILS.items() if most is None or rows <= most):
        text = render("report.html.j2", detail=detail, **values)
        if len(text.encode()) <= _LARGEST:
            break
    return text


def _drawn(every: Sequence[Shown]) -> list[Drawn]:
    """What is drawn of each; all share the room of one page."""
    side = side_for(sum(len(drawn_rows(one.diff)) for one in every))
    return [panels_of(one.diff, side) for one in every]


def _failed(sections: Sequence[Section], every: Sequence[Shown]) -> list[str]:
    """What did not come out as it must."""
    verdicts = [f"{one.name}: {one.diff.verdict.name}, expected {one.expected}" for one in every if one.unexpected]
    return verdicts + [f"does not hold: {text}" for s in sections for text, holds in s.claims.items() if not holds]


def _words(sections: Sequence[Section], every: Sequence[Shown]) -> str:
    """How many came out as they must."""
    must = [one for one in every if one.expected]
    claims = [holds for section in sections for holds in section.claims.values()]
    parts = []
    if must:
        parts.append(f"{sum(not one.unexpected for one in must)} of {len(must)} as expected")
    if claims:
        parts.append(f"{sum(claims)} of {len(claims)} claims hold")
    return ", ".join(parts)


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = printable(_text(value))
    return flat


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return "–" if value is None else str(value)
