"""What tracing says as JSON, and back: for saved comparisons, and for what another process has traced.

Files are named without their folders. What is read may come from anybody's process or hand: every field is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, TypeVar

from gradient_diff.result.code import Caller, Code, Finding
from gradient_diff.wording import printable

T = TypeVar("T")


def code_to_json(code: Code) -> dict[str, Any]:
    """Everything as dicts, lists, numbers and texts that JSON can hold; line numbers of mappings are texts there."""
    return {
        "file": bare(code.file),
        "silent": code.silent,
        "findings": [finding_to_json(finding) for finding in code.findings],
        "listing": {str(line): text for line, text in code.listing.items()},
        "lines": {str(line): text for line, text in code.lines.items()},
    }


def code_from_json(data: Any) -> Code:
    """The same again; ValueError names the first field that is not what `code_to_json` writes."""
    fields = _fields(data, "code")
    return Code(
        findings=_list(fields, "findings", "code", finding_from_json),
        listing=_by_line(fields, "listing"),
        lines=_by_line(fields, "lines"),
        file=bare(_text(fields, "file", "code")),
        silent=_text(fields, "silent", "code"),
    )


def finding_to_json(finding: Finding) -> dict[str, Any]:
    """All fields of one finding."""
    callers = [asdict(caller) | {"file": bare(caller.file)} for caller in finding.callers]
    lists = {"span": [*finding.span], "healed": [*finding.healed], "operands": [[*pair] for pair in finding.operands]}
    return asdict(finding) | {"file": finding.name, "callers": callers} | lists


def finding_from_json(data: Any, where: str) -> Finding:
    """One finding; `where` is its place in the whole, for the error."""
    fields = _fields(data, where)
    texts = {name: _text(fields, name, where) for name in ("function", "text", "node", "message", "fix", "tried")}
    return Finding(
        file=bare(_text(fields, "file", where)),
        line=_number(fields.get("line"), f"{where}.line", 1),
        span=_span(fields.get("span"), f"{where}.span"),
        callers=_list(fields, "callers", where, _caller),
        operands=_list(fields, "operands", where, _pair),
        healed=_list(fields, "healed", where, _of_texts),
        **texts,
    )


def bare(file: str) -> str:
    """A file without its folders, also of another system."""
    return file.replace("\\", "/").rpartition("/")[2]


def _caller(data: Any, where: str) -> Caller:
    fields = _fields(data, where)
    line = _number(fields.get("line"), f"{where}.line", 1)
    return Caller(
        bare(_text(fields, "file", where)), line, _text(fields, "function", where), _text(fields, "text", where)
    )


def _pair(data: Any, where: str) -> tuple[str, str]:
    if isinstance(data, list) and len(data) == 2 and all(isinstance(text, str) for text in data):
        return data[0], data[1]
    raise _no(where, "[expression, what it is]", data)


def _of_texts(data: Any, where: str) -> str:
    if isinstance(data, str):
        return data
    raise _no(where, "a text", data)


def _span(data: Any, where: str) -> tuple[int, int, int, int]:
    """Lines from 1, columns from 0, the end not before the beginning."""
    if not isinstance(data, list) or len(data) != 4:
        raise _no(where, "[line, last line, first column, column behind the last]", data)
    first, last, begin, end = (_number(item, where, least) for item, least in zip(data, (1, 1, 0, 0), strict=True))
    if (first, begin) > (last, end):
        raise _no(where, "an end that is not before its beginning", data)
    return first, last, begin, end


def _by_line(fields: Mapping[str, Any], name: str) -> dict[int, str]:
    """Line → text, in the order of the lines."""
    found: dict[int, str] = {}
    for key, text in _fields(fields.get(name), f"code.{name}").items():
        if not (key.isascii() and key.isdigit() and 0 < len(key) < 10):  # a number of thousands of digits is not read
            raise _no(f"code.{name}", "line numbers as keys", key)
        found[int(key)] = _of_texts(text, f"code.{name}[{key}]")
    return dict(sorted(found.items()))


def _list(fields: Mapping[str, Any], name: str, where: str, read: Callable[[Any, str], T]) -> tuple[T, ...]:
    items = fields.get(name)
    if not isinstance(items, list):
        raise _no(f"{where}.{name}", "a list", items)
    return tuple(read(item, f"{where}.{name}[{place}]") for place, item in enumerate(items))


def _text(fields: Mapping[str, Any], name: str, where: str) -> str:
    return _of_texts(fields.get(name), f"{where}.{name}")


def _number(value: Any, where: str, least: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= least:
        return value
    raise _no(where, f"a whole number of at least {least}", value)


def _fields(data: Any, where: str) -> Mapping[str, Any]:
    if isinstance(data, dict):
        return data
    raise _no(where, "an object with fields", data)


def _no(where: str, expected: str, found: Any) -> ValueError:
    shown = printable(repr(found))
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    return ValueError(f"{where}: expected {expected}, found {shown}. Save the comparison again.")
