"""The book's own directives: the ledger, run records, parameter tables.

Everything is computed while the book is built, from ``book/claims.yml``, ``book/results/`` and
``notebooks/`` of the source folder; nothing of it is ever typed into a page.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from disentangle.runs import (
    anchors,
    api_page,
    cells,
    claims,
    conclusions,
    docstrings,
    frame,
    front,
    ledger,
    ledger_page,
    moving,
    project,
)
from disentangle.runs.errors import RunError, UnknownName
from disentangle.runs.pages import pages
from disentangle.runs.papers import headings, load_papers
from disentangle.runs.source_tree import modules_of

EXECUTED = "book/executed/"


class _Generated(SphinxDirective):
    """A directive that stands for Markdown which is computed anew at each build."""

    def markdown(self) -> str:
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        self.follow_changes()
        holder = nodes.section()
        holder.document = self.state.document
        content = StringList(self.markdown().splitlines(), source=self.env.doc2path(self.env.docname))
        # A heading's section is attached to the page itself, everything before the first heading to `holder`.
        self.state.nested_parse(content, self.content_offset, holder, match_titles=True)
        return holder.children

    def follow_changes(self) -> None:
        """Tell Sphinx when the page has to be read again: at every build, unless a directive knows better."""
        self.env.note_reread()

    def published(self) -> set[str]:
        """Names of the pages that this book shows."""
        return {name.removeprefix(EXECUTED) for name in self.env.found_docs if name.startswith(EXECUTED)}

    def link(self, target: str) -> str:
        """A link to ``page`` or ``page#label``, or the bare words where this book does not hold it."""
        page, _, label = target.partition("#")
        docname = EXECUTED + page
        if docname not in self.env.found_docs:
            return f"`{target}`"
        if not label:
            return f"[](/{docname}.ipynb)"
        shown = figures_of(json.loads(Path(self.env.doc2path(docname)).read_text(encoding="utf8")))
        return f"{{numref}}`{label}`" if label in shown else f"`{target}`"

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
        rows = _rows(source)
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


class Ideas(_Generated):
    """``{ideas}``: the papers' ideas as pictures, with what was found, or what is pending."""

    def markdown(self) -> str:
        source = Path(self.env.srcdir)
        papers = load_papers(source).values()
        shown = front.Shown(_rows(source), pages(), self.published(), self.link, self.picture)
        return front.ideas_markdown(papers, shown)

    def picture(self, paper: str) -> str | None:
        path = Path("book") / "static" / "ideas" / f"{paper}.svg"
        return f"/{path.as_posix()}" if (Path(self.env.srcdir) / path).is_file() else None


class StateOfTheBook(_Generated):
    """``{state-of-the-book}``: how many pages and verdicts there are."""

    def markdown(self) -> str:
        return front.state_markdown(_rows(Path(self.env.srcdir)), pages(), self.published())


class Conclusions(_Generated):
    """``{conclusions}``: sentences whose endings the findings decide."""

    def markdown(self) -> str:
        source = Path(self.env.srcdir)
        records = claims.read_records(source / "book" / "results")
        parts = conclusions.load_conclusions(source)
        return conclusions.conclusions_markdown(parts, records, self.link, self.cell)


class Costs(_Generated):
    """``{costs}``: what the runs of the pages took."""

    def markdown(self) -> str:
        records = claims.read_records(Path(self.env.srcdir) / "book" / "results")
        shown = {name: records[name] for name in pages() if name in records}
        return front.costs_markdown(shown, {name: stored_cells(name) for name in shown}, self.link)


class MovingFigure(_Generated):
    """``{moving-figure} NAME``: a figure of ``book/moving/`` with its sliders, and the pages that it was made of."""

    required_arguments = 1

    @property
    def file(self) -> Path:
        return Path(self.env.srcdir) / moving.FOLDER / f"{self.arguments[0]}.json"

    def follow_changes(self) -> None:
        self.env.note_dependency(str(self.file))

    def markdown(self) -> str:
        if not self.file.is_file():
            raise self.error(f"no {self.file.name} in {moving.FOLDER}: 'disentangle moving' writes it")
        stored = json.loads(self.file.read_text(encoding="utf8"))
        figure = moving.figure_html(self.arguments[0], stored)
        made_of = ", ".join(map(self.link, stored["made_of"]))
        parts = [f"```{{rubric}} {stored['title']}\n```", f"```{{raw}} html\n{figure}\n```"]
        parts += [f"From the chapter {made_of}."] if made_of else []
        stale = ", ".join(moving.why_stale(stored))
        said = f"Drawn from an earlier run of {stale}. `disentangle moving` draws it anew."
        return "\n\n".join([*parts, f"```{{warning}}\n{said}\n```"] if stale else parts)


class ApiReference(_Generated):
    """``{api-reference} PACKAGE``: signatures and docstrings of all that is public in it."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        self.modules = [module for package in self.arguments[0].split() for module in modules_of(package)]
        return super().run()

    def follow_changes(self) -> None:
        for path in (*(module.path for module in self.modules), *map(Path, (api_page.__file__, docstrings.__file__))):
            self.env.note_dependency(str(path))

    def markdown(self) -> str:
        return api_page.api_markdown(self.modules)


def _rows(source: Path) -> list[claims.Row]:
    return claims.ledger(source, stale=partial(frame.why_stale, source))


def stored_cells(page: str) -> list[dict]:
    """The finished cells of a page, as they are stored."""
    files = sorted(project.cells_folder(page).glob("*.json"))
    return [json.loads(path.read_text(encoding="utf8")) for path in files]


def cells_of(page: str) -> ledger_page.Waiting:
    """Which cells of a page's grid have no scores; none for a page without a grid, or that is not there yet."""
    try:
        grid = cells.grid(page)
    except (RunError, UnknownName, ImportError, ValueError):
        return ledger_page.Waiting((), 0)
    missing = tuple(cell.name for cell in grid if not cells.stored_file(page, cell.name).is_file())
    return ledger_page.Waiting(missing, len(grid))


def figures_of(notebook: dict) -> set[str]:
    """The labels of the figures that an executed notebook shows; one whose cells have not run has no picture."""
    return {
        cell["metadata"]["mystnb"]["figure"]["name"]
        for cell in notebook["cells"]
        if "figure" in cell["metadata"].get("mystnb", {})
        and any("image/png" in output.get("data", {}) for output in cell.get("outputs", ()))
    }


def _anchors(path: Path, page: str) -> dict[str, str]:
    return anchors.anchors_of(page, path.read_text(encoding="utf8"))


DIRECTIVES = {
    "claims-ledger": ClaimsLedger,
    "run-record": RunRecordTable,
    "parameter-table": ParameterTable,
    "api-reference": ApiReference,
    "ideas": Ideas,
    "state-of-the-book": StateOfTheBook,
    "conclusions": Conclusions,
    "costs": Costs,
    "moving-figure": MovingFigure,
}
