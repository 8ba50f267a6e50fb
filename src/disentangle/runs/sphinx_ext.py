"""What the book adds to Sphinx: the ledger, run records, parameter tables, the frame of executed pages.

Everything is computed while the book is built, from ``book/claims.yml``, ``book/results/`` and
``notebooks/`` of the source folder; nothing of it is ever typed into a page.
An executed page gets its frame as it is read: notices below its title (stale, not rerun), and at its end
how it was made.
"""

from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from disentangle.runs import claims, frame, ledger

EXECUTED = "book/executed/"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives and the hooks."""
    app.add_directive("claims-ledger", ClaimsLedger)
    app.add_directive("run-record", RunRecordTable)
    app.add_directive("parameter-table", ParameterTable)
    app.connect("source-read", frame_executed_page)
    app.connect("env-get-outdated", pages_whose_frame_changed)
    app.connect("html-page-context", drop_thebe, priority=900)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}


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


class ClaimsLedger(_Generated):
    """``{claims-ledger}``: every claim with its verdicts."""

    def markdown(self) -> str:
        source = Path(self.env.srcdir)
        rows = claims.ledger(source, stale=partial(frame.why_stale, source))
        return ledger.ledger_markdown(rows, self.link)


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


def frame_executed_page(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put notices and footer into the text of an executed notebook that Sphinx is about to parse."""
    if docname.startswith(EXECUTED):
        above, below = _frame(app, docname)
        _signatures(app.env)[docname] = _signature(above, below)
        own = frame.as_own_page(Path(app.srcdir), docname.removeprefix(EXECUTED), source[0])
        source[0] = frame.framed(own, above, below)


def pages_whose_frame_changed(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Executed pages to read again although their own file is as before: their frame is not."""
    known = _signatures(env)
    present = (docname for docname in env.found_docs if docname.startswith(EXECUTED))
    return [docname for docname in present if known.get(docname) != _signature(*_frame(app, docname))]


def drop_thebe(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Leave out Thebe: theme and Jupyter Book both add it, an error by itself, and it needs a network."""
    context["script_files"] = [
        script
        for script in context["script_files"]
        if "thebe" not in f"{getattr(script, 'filename', script)}{getattr(script, 'attributes', '')}".lower()
    ]


def _frame(app: Sphinx, docname: str) -> tuple[str, str]:
    return frame.of_page(Path(app.srcdir), docname.removeprefix(EXECUTED))


def _signature(above: str, below: str) -> str:
    return hashlib.sha256(json.dumps([above, below]).encode()).hexdigest()


def _signatures(env: BuildEnvironment) -> dict[str, str]:
    if not hasattr(env, "disentangle_frames"):
        env.disentangle_frames = {}
    return env.disentangle_frames
