"""The page of the ledger, written as MyST Markdown: the verdicts in numbers, in one table, and claim by claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import get_args

from disentangle.runs.claims import Row
from disentangle.runs.ledger import COMMIT_LENGTH, kind_of_data, plain, table, with_interval
from disentangle.runs.verdicts import Verdict

Link = Callable[[str], str]
"""Turns ``page`` or ``page#label`` into Markdown that links to it, or names it where the book lacks it."""

CellLink = Callable[[str, str], str | None]
"""Turns a page and a finding into the label of the cell that computed it, or None."""


@dataclass(frozen=True)
class Waiting:
    """The cells of a page: names of those that have not run, and how many there are in all."""

    missing: tuple[str, ...]
    total: int


MISSED_BY_CHANCE = 0.05
"""Share of 95 % intervals that miss the true value when nothing but chance is at work."""

TABLE_CLASS = "ledger-table"
"""Marks the table that the browser makes searchable and sortable (``book/static/ledger.js``)."""


def ledger_markdown(
    rows: Iterable[Row],
    link: Link,
    cell: CellLink = lambda page, finding: None,
    papers: Mapping[str, str] | None = None,
    waiting: Mapping[str, Waiting] | None = None,
) -> str:
    """The whole ledger below its introduction.

    ``papers`` has the headings of the papers by their folder, ``waiting`` the cells that pages still lack.
    """
    rows = list(rows)
    parts = ["## The verdicts in numbers", in_numbers(rows, papers), by_chance(rows)]
    parts += ["## All verdicts in one table", _how_to_use(), _all_verdicts(rows, link, cell)]
    for paper, of_paper in groupby(rows, key=lambda row: row.paper):
        parts.append(f"## {plain((papers or {}).get(paper, paper))}")
        parts += [_claim(list(group), link, cell) for _, group in groupby(of_paper, key=lambda row: row.claim)]
    return "\n\n".join([*parts, *_still_to_run(rows, waiting or {}, link)])


def _still_to_run(rows: list[Row], waiting: Mapping[str, Waiting], link: Link) -> list[str]:
    """For each page on which an untested claim waits: the cells that have not run, and how to run them."""
    pages = dict.fromkeys(row.page for row in rows if row.verdict == "untested" and row.page)
    found = [(page, waiting[page]) for page in pages if page in waiting and waiting[page].missing]
    if not found:
        return []
    parts = [
        "## What has still to run",
        "Claims that wait for these cells are untested, and nothing is said about them.",
    ]
    for page, lacking in found:
        names = ", ".join(f"`{name}`" for name in lacking.missing)
        title = f"{page}: {len(lacking.missing)} of {lacking.total} cells are missing"
        parts.append(
            f"````{{dropdown}} {title}\nPage: {link(page)}. `disentangle cells {page}` runs them.\n\n{names}\n````"
        )
    return parts


def in_numbers(rows: list[Row], papers: Mapping[str, str] | None = None) -> str:
    """How many claims and verdicts there are, for each paper and in all."""
    header = ("Paper", "Claims", *get_args(Verdict))
    lines = []
    for paper, group in groupby(rows, key=lambda row: row.paper):
        of_paper = list(group)
        lines.append((plain((papers or {}).get(paper, paper)), *_counts(of_paper)))
    return table(header, [*lines, ("**all**", *_counts(rows))])


def by_chance(rows: list[Row]) -> str:
    """How many of the intervals behind the verdicts miss the true value by chance alone, in words."""
    intervals = sum(row.low is not None and row.high is not None for row in rows)
    claims, missed = len({row.claim for row in rows}), MISSED_BY_CHANCE * intervals
    return (
        f"There are {claims} claims and {len(rows)} verdicts on them. {intervals} verdicts rest on a 95 % interval. "
        f"Were all of these exact and independent of each other, about {missed:.1f} of them would miss the true value "
        "by chance alone; many share people and models, so the misses would come together. A single verdict is to be "
        "read with that in mind."
    )


def _counts(rows: list[Row]) -> list[str]:
    counts = Counter(row.verdict for row in rows)
    return [str(len({row.claim for row in rows})), *(str(counts[verdict]) for verdict in get_args(Verdict))]


def _how_to_use() -> str:
    return (
        "One line a verdict. The claim's number leads to its entry below, the last column to the cell of the page "
        "that computed the value. Type to search, choose to filter, press a heading to sort."
    )


def _all_verdicts(rows: Iterable[Row], link: Link, cell: CellLink) -> str:
    header = ("Claim", "Verdict", "In our words", "Ours [95 % interval]", "Published", "Data", "Kind", "Page and run")
    lines = [
        (
            f"[{plain(row.claim)}](#{anchor(row)})",
            verdict_mark(row),
            plain(row.statement),
            f"{_ours(row)} [{plain(row.what)}]{{.evidence}}" if row.what else _ours(row),
            plain(row.published or "–"),
            kind_of_data(row.real),
            row.kind,
            _where(row, link, cell),
        )
        for row in rows
    ]
    return f"````{{container}} {TABLE_CLASS}\n{table(header, lines)}\n````"


def verdict_mark(row: Row) -> str:
    """The verdict as a word with a border that the style sheet knows."""
    return f"[{row.wording}]{{.verdict .verdict-{row.verdict}}}"


def anchor(row: Row) -> str:
    """Label of a claim's entry."""
    return "claim-" + row.claim.replace(".", "-").replace("_", "-").lower()


def _where(row: Row, link: Link, cell: CellLink) -> str:
    if not row.page:
        return "–"
    label = cell(row.page, row.finding) if row.finding else None
    parts = [link(row.page)]
    parts += [f"[its cell](#{label})"] if label else []
    parts += [f"run `{row.commit[:COMMIT_LENGTH]}` of {row.started[:10]}"] if row.commit and row.started else []
    return ", ".join(parts)


def _claim(rows: list[Row], link: Link, cell: CellLink) -> str:
    first = rows[0]
    published = f"**Published:** {plain(first.published)}" if first.published else ""
    lines = table(
        ("Verdict", "What was measured", "Ours [95 % interval]", "Data", "Why"),
        (_line(row, link, cell) for row in rows),
    )
    head = f"({anchor(first)})=\n### {plain(first.claim)}"
    figure = f"**Figure:** {link(first.figure)}" if first.figure else ""
    parts = [head, plain(first.statement), published, figure, lines, plain(first.note or "")]
    return "\n\n".join(part for part in parts if part)


def _line(row: Row, link: Link, cell: CellLink) -> list[str]:
    what = plain(row.what) if row.what else f"`{row.finding}`" if row.finding else "nothing"
    label = cell(row.page, row.finding) if row.page and row.finding else None
    where = [link(row.page)] if row.page else []
    where += [f"[the cell](#{label})"] if label else []
    stale = "; **stale record**, see the page" if row.stale else ""
    why = f"{row.kind}: {plain(row.reason)}{stale}"
    return [
        verdict_mark(row),
        what + (f" ({', '.join(where)})" if where else ""),
        _ours(row),
        kind_of_data(row.real),
        why,
    ]


def _ours(row: Row) -> str:
    if row.value is None:
        return "–"
    people = "" if row.n is None else f", n = {row.n}"
    return f"{with_interval(row.value, row.low, row.high)} {plain(row.unit or '')}".strip() + people
