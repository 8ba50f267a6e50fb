"""The ledger and the footer of a page, written as MyST Markdown for the Sphinx extension."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Any, get_args

from disentangle.runs.claims import Row
from disentangle.runs.verdicts import Verdict

Link = Callable[[str], str]
"""Turns ``page`` or ``page#label`` into Markdown that links to it, or names it where the book lacks it."""

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


def ledger_markdown(rows: Iterable[Row], link: Link) -> str:
    """The whole ledger: all verdicts at a glance, then every claim with what decides it.

    It begins with a heading and has one a claim, of the second level.
    """
    by_claim = [list(group) for _, group in groupby(rows, key=lambda row: row.claim)]
    return "\n\n".join([_at_a_glance(by_claim), *(_claim(rows, link) for rows in by_claim)])


def _at_a_glance(by_claim: list[list[Row]]) -> str:
    counts = Counter(row.verdict for rows in by_claim for row in rows)
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in get_args(Verdict))
    lines = [
        (f"[{plain(rows[0].claim)}](#{_anchor(rows[0])})", plain(rows[0].statement), _verdicts(rows))
        for rows in by_claim
    ]
    summary = f"{len(by_claim)} claims, {counts.total()} verdicts: {said}."
    return "\n\n".join(["## At a glance", summary, table(("Claim", "In our words", "Verdicts"), lines)])


def _verdicts(rows: list[Row]) -> str:
    counts = Counter(map(_verdict, rows))
    return " ".join(verdict + (f" ×{n}" if n > 1 else "") for verdict, n in counts.items())


def _verdict(row: Row) -> str:
    return f"[{row.wording}]{{.verdict .verdict-{row.verdict}}}"


def _anchor(row: Row) -> str:
    return "claim-" + row.claim.replace(".", "-").replace("_", "-").lower()


def _claim(rows: list[Row], link: Link) -> str:
    first = rows[0]
    published = f"**Published:** {plain(first.published)}" if first.published else ""
    lines = table(
        ("Verdict", "What was measured", "Ours [95 % interval]", "Data", "Why"),
        (_line(row, link) for row in rows),
    )
    head = f"({_anchor(first)})=\n## {plain(first.claim)}"
    figure = f"**Figure:** {link(first.figure)}" if first.figure else ""
    parts = [head, plain(first.statement), published, figure, lines, plain(first.note or "")]
    return "\n\n".join(part for part in parts if part)


def _line(row: Row, link: Link) -> list[str]:
    what = plain(row.what) if row.what else f"`{row.finding}`" if row.finding else "nothing"
    page = f" ({link(row.page)})" if row.page else ""
    stale = "; **stale record**, see the page" if row.stale else ""
    why = f"{row.kind}: {plain(row.reason)}{stale}"
    return [_verdict(row), what + page, _ours(row), kind_of_data(row.real), why]


def _ours(row: Row) -> str:
    if row.value is None:
        return "–"
    people = "" if row.n is None else f", n = {row.n}"
    return f"{with_interval(row.value, row.low, row.high)} {plain(row.unit or '')}".strip() + people


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
    """The table of a notebook's parameters, with the values of a run where `used` gives them.

    Each parameter has ``name``, ``type``, ``default``, ``domain`` and ``help``.
    """
    header = ["Parameter", "Type", "Default", "Allowed", "Meaning"]
    rows = []
    for parameter in parameters:
        row = [f"`{parameter.name}`", f"`{parameter.type}`", f"`{parameter.default!r}`"]
        row += [plain(parameter.domain or "any"), plain(parameter.help or "")]
        if used is not None:
            row.insert(3, f"`{used.get(parameter.name, parameter.default)!r}`")
        rows.append(row)
    if used is not None:
        header.insert(3, "This page")
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
