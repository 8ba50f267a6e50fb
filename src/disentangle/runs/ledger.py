"""Values, records, findings and parameters, written as MyST Markdown for the Sphinx extension."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

COMMIT_LENGTH = 10


def plain(text: str) -> str:
    """`text` on one line, with nothing that Markdown or a table would read as markup."""
    escaped = " ".join(str(text).split())
    for mark in "\\`*_|[]<>$":
        escaped = escaped.replace(mark, "\\" + mark)
    return escaped


def number(value: float) -> str:
    """A value at three significant digits below ten, fewer above: ``0.846``, ``-0.012``, ``93.1``."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"


def with_interval(value: float, low: float | None, high: float | None) -> str:
    """``0.846 [0.812, 0.879]``, or the value alone."""
    return number(value) if low is None or high is None else f"{number(value)} [{number(low)}, {number(high)}]"


def kind_of_data(real: bool | None) -> str:
    return {True: "real", False: "simulated", None: "–"}[real]


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; the cells are Markdown already."""
    lines = [list(header), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def record_markdown(record: Mapping[str, Any]) -> str:
    """A run record as a table of two columns: what ran, where, on what, for how long."""
    environment = record["environment"]
    commit = (record["commit"] or "none")[:COMMIT_LENGTH] + (" with changes" if record["dirty"] else "")
    python = f"Python {environment['python']}"
    software = python + (f", torch {environment['torch']}" if environment.get("torch") else "")
    return table(
        ("Page", f"`{record['page']}`"),
        [
            ("Profile", f"`{record['profile']}`"),
            ("Data", "; ".join(map(_data, record["data"])) or "none"),
            ("Commit", f"`{commit}`"),
            ("Machine", f"{environment['device']}, {environment['cores']} cores; {software}"),
            ("Time", _time(record)),
            ("Peak memory", f"{record['peak_memory_mib']:.0f} MiB"),
            ("Findings", str(len(record["findings"]))),
        ],
    )


def _data(cohort: Mapping[str, Any]) -> str:
    size = f"{cohort['people']} people, {cohort['images']} images"
    return f"`{cohort['name']}` (grey values {kind_of_data(cohort['real'])}, {size})"


def _time(record: Mapping[str, Any]) -> str:
    fitting = record["fit_seconds"]
    models = f"; its models took {fitting:.0f} s to fit" if fitting else ""
    return f"{record['started']}, {record['seconds']:.0f} s{models}"


def parameters_markdown(parameters: Iterable[Any], used: Mapping[str, Any] | None = None) -> str:
    """The table of a notebook's parameters, with the values of a run in place of the types where `used` gives them.

    Each parameter has ``name``, ``type``, ``default``, ``domain`` and ``help``.
    """
    header = ["Parameter", "Type" if used is None else "This page", "Default", "Allowed", "Meaning"]
    rows = []
    for parameter in parameters:
        second = parameter.type if used is None else repr(used.get(parameter.name, parameter.default))
        row = [f"`{parameter.name}`", f"`{second}`", f"`{parameter.default!r}`"]
        rows.append([*row, plain(parameter.domain or "any"), plain(parameter.help or "")])
    return table(header, rows)


def findings_markdown(findings: Iterable[Mapping[str, Any]]) -> str:
    """The findings of a record, id and value."""
    rows = [
        (
            f"`{f['id']}`",
            plain(f["what"]),
            f"{with_interval(f['value'], f['low'], f['high'])} {plain(f['unit'])}",
        )
        for f in findings
    ]
    return table(("Finding", "What", "Value [95 % interval]"), rows)
