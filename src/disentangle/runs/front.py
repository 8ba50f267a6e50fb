"""What the first page shows: each paper's idea and what was found, and what a run costs, all from the records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from disentangle.runs.claims import Row
from disentangle.runs.ledger import kind_of_data, plain, table, with_interval
from disentangle.runs.ledger_page import anchor, verdict_mark
from disentangle.runs.pages import Page
from disentangle.runs.papers import Paper, Question

ANSWERS = 2
"""So many findings answer a question on the first page; the ledger has all of them."""
ORDER = ("holds", "fails", "undecided", "untested")


COMPARISON = "comparison"
"""The page that compares all methods."""


@dataclass(frozen=True)
class Shown:
    """What the first page has to know of the book.

    ``link`` turns a page's name into a link, ``picture`` a paper's name into the path of its picture or None,
    ``ledger`` is the path of the ledger's page.
    """

    rows: list[Row]
    pages: Mapping[str, Page]
    published: set[str]
    link: Callable[[str], str]
    picture: Callable[[str], str | None]
    ledger: str = "/book/claims.md"


def ideas_markdown(papers: Iterable[Paper], shown: Shown) -> str:
    """A section a paper: picture, idea, what was found, chapters; last the way to the page that compares them."""
    sections = [_paper(number, paper, shown) for number, paper in enumerate(papers, start=1)]
    if COMPARISON in shown.published:
        sections.append(
            f"### One exam for all\n\nWhich of them should one use? {shown.link(COMPARISON)} puts all of them on the "
            "same heads, beside an autoencoder and a curve of grey values: how near does an exchanged style come to "
            "the truth, and which code holds what?"
        )
    return "\n\n".join(sections)


def _paper(number: int, paper: Paper, shown: Shown) -> str:
    picture = shown.picture(paper.name)
    caption = (
        ""
        if picture is None
        else f"```{{image}} {picture}\n:alt: {plain(paper.alt)}\n:class: idea\n```\n\n{plain(paper.drawn)}"
    )
    parts = [
        f"### {number}. {plain(paper.title)}",
        f"{plain(paper.idea)} ([{plain(paper.authors)}]({paper.url}))",
        caption,
        _answers(paper.questions, shown),
        _chapters(paper, shown),
    ]
    return "\n\n".join(part for part in parts if part)


def _answers(questions: Iterable[Question], shown: Shown) -> str:
    return "\n\n".join(f"**{plain(question.ask)}**\n\n{_answer(question, shown)}" for question in questions)


def _answer(question: Question, shown: Shown) -> str:
    """What the findings say, real data first, as a list; or why there is nothing yet."""
    rows = [row for row in shown.rows if row.claim == question.claim]
    rows.sort(key=lambda row: (row.value is None, not row.real))
    if not rows:
        return "- pending: its chapter is not published yet"
    decided = [row for row in rows if row.value is not None][:ANSWERS]
    return "\n".join(f"- {_value(row)} ([{row.claim}](#{anchor(row)}))" for row in decided or rows[:1])


def _value(row: Row) -> str:
    if row.value is None:
        return f"pending: {plain(row.reason)}"
    measured = f"{with_interval(row.value, row.low, row.high)} {plain(row.unit or '')}".strip()
    return f"{verdict_mark(row)} **{measured}**, {kind_of_data(row.real)} data: {plain(row.what or '')}"


def _chapters(paper: Paper, shown: Shown) -> str:
    own = [page for page in shown.pages.values() if paper_of(page) == paper.name]
    there = [shown.link(page.name) for page in own if page.name in shown.published]
    coming = [plain(page.title or page.name) for page in own if page.name not in shown.published]
    said = [f"**Chapters:** {', '.join(there)}." if there else ""]
    said += [f"**Pending:** {', '.join(coming)}." if coming or there else "**Pending:** its chapters."]
    return " ".join(part for part in said if part and not part.endswith(":** ."))


def paper_of(page: Page) -> str | None:
    """The paper, by its folder, to which a page belongs: where its grid of cells is listed."""
    return page.grid.split(".")[1] if page.grid else None


def state_markdown(rows: list[Row], pages: Mapping[str, Page], published: set[str]) -> str:
    """One paragraph: how much of the book there is, and how the verdicts fall."""
    counts = {verdict: sum(row.verdict == verdict for row in rows) for verdict in ORDER}
    said = ", ".join(f"*{verdict}* {count}" for verdict, count in counts.items())
    claims = len({row.claim for row in rows})
    there = f"All {len(pages)}" if len(published) == len(pages) else f"So far {len(published)} of {len(pages)}"
    return (
        f"{there} pages are published. The ledger has {claims} claims and "
        f"{sum(counts.values())} verdicts on them: {said}."
    )


def costs_markdown(
    records: Mapping[str, Mapping[str, Any]], cells: Mapping[str, list[Mapping[str, Any]]], link: Callable[[str], str]
) -> str:
    """What each published page took: its own run, the fitting of its models, and its cells before."""
    header = ("Page", "Profile", "Run", "Its models, when fitted", "Memory", "Machine", "Cells before it")
    return table(header, [_cost(page, record, cells.get(page, []), link) for page, record in records.items()])


def _cost(page: str, record: Mapping[str, Any], cells: list, link: Callable[[str], str]) -> list[str]:
    environment = record["environment"]
    return [
        link(page),
        f"`{record['profile']}`",
        duration(record["seconds"]),
        duration(record["fit_seconds"]),
        f"{record['peak_memory_mib'] / 1024:.1f} GiB",
        f"{environment['device']}, {environment['cores']} cores",
        _cells(cells),
    ]


def _cells(cells: list[Mapping[str, Any]]) -> str:
    """How many there are, how long they took (models that came from a cache: when they were fitted), and on what."""
    if not cells:
        return "none"
    seconds = sum(max(cell["seconds"], cell.get("scores", {}).get("fit_seconds", 0)) for cell in cells)
    return f"{len(cells)} in {duration(seconds)} ({', '.join(sorted({cell['device'] for cell in cells}))})"


def duration(seconds: float) -> str:
    """``45 s``, ``12 min`` or ``3.4 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
