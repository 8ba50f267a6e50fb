"""The book's own directives: the ledger, run records, parameter tables.

Everything is computed while the book is built, from ``book/claims.yml``, ``book/results/`` and
``notebooks/`` of the source folder; nothing of it is ever typed into a page.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from disentangle.runs import anchors, cells, claims, frame, ledger, ledger_page
from disentangle.runs.errors import RunError, UnknownName
from disentangle.runs.papers import headings, load_papers

EXECUTED = "book/executed/"


class _Generated(SphinxDirective):
    """A directive that stands for Markdown which is computed anew at each build."""

    def markdown(self) -> str:
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()
        holder = nodes.section()
        holder.document = self.state.document
        content = StringList(self.markdown().splitlines(), source=self.env.doc2path(self.env.docname))
        # A heading's section is attached to the page itself, everything before the first heading to `holder`.
        self.state.nested_parse(content, self.content_offset, holder, match_titles=True)
        return holder.children

    def link(self, target: str) -> str:
        """A link to ``page`` or ``page#label``, or the bare words where this book does not hold it."""
        page, _, label = target.partition("#")
        docname = EXECUTED + page
        if docname not in self.env.found_docs:
            return f"`{target}`"
        if not label:
            return f"[](/{docname}.ipynb)"
        text = Path(self.env.doc2path(docname)).read_text(encoding="utf8")
        return f"{{numref}}`{label}`" if f'"{label}"' in text else f"`{target}`"

    def cell(self, page: str, finding: str) -> str | None:
        """The label of the cell that computed a finding, or None where this book does not show it."""
        docname = EXECUTED + page
        if docname not in self.env.found_docs:
            return None
        return _anchors(Path(self.env.doc2path(docname)), page).get(finding)


class ClaimsLedger(_Generated):
    """``{claims-ledger}``: every claim with its verdicts."""

    def markdown(self) -> str:
        source = Path(self.env.srcdir)
        rows = claims.ledger(source, stale=partial(frame.why_stale, source))
        waiting = {page: cells_of(page) for page in {row.page for row in rows if row.verdict == "untested"} if page}
        return ledger_page.ledger_markdown(rows, self.link, self.cell, headings(load_papers(source)), waiting)


class RunRecordTable(_Generated):
    """``{run-record} PAGE``: how a page was computed, and its findings."""

    required_arguments = 1

    def markdown(self) -> str:
        record = frame.read_record(Path(self.env.srcdir), self.arguments[0])
        if record is None:
            raise self.error(f"no record of the page {self.arguments[0]} in book/results")
        return ledger.record_markdown(record) + "\n\n" + ledger.findings_markdown(record["findings"])


class ParameterTable(_Generated):
    """``{parameter-table} NOTEBOOK``: what can be set, as ``disentangle describe`` prints it."""

    required_arguments = 1

    def markdown(self) -> str:
        return ledger.parameters_markdown(frame.parameters_of(Path(self.env.srcdir), self.arguments[0]))


def cells_of(page: str) -> ledger_page.Waiting:
    """Which cells of a page's grid have no scores; none for a page without a grid, or that is not there yet."""
    try:
        grid = cells.grid(page)
    except (RunError, UnknownName, ImportError, ValueError):
        return ledger_page.Waiting((), 0)
    missing = tuple(cell.name for cell in grid if not cells.stored_file(page, cell.name).is_file())
    return ledger_page.Waiting(missing, len(grid))


def _anchors(path: Path, page: str) -> dict[str, str]:
    return anchors.anchors_of(page, path.read_text(encoding="utf8"))


DIRECTIVES = {
    "claims-ledger": ClaimsLedger,
    "run-record": RunRecordTable,
    "parameter-table": ParameterTable,
}
