"""What the book adds to Sphinx: its directives, and the frame of executed pages.

An executed page gets its frame as it is read: notices below its title (stale, not rerun), and at its end
how it was made.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from disentangle.runs import assets, frame
from disentangle.runs.directives import DIRECTIVES, EXECUTED


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives and the hooks."""
    for name, directive in DIRECTIVES.items():
        app.add_directive(name, directive)
    app.connect("source-read", frame_executed_page)
    app.connect("env-get-outdated", pages_whose_frame_changed)
    app.connect("builder-inited", assets.write_itables)
    app.connect("html-page-context", assets.add_scripts)
    app.connect("html-page-context", drop_thebe, priority=900)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}


def frame_executed_page(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put notices and footer into the text of an executed notebook that Sphinx is about to parse."""
    if docname.startswith(EXECUTED):
        above, below = _frame(app, docname)
        _signatures(app.env)[docname] = _signature(above, below)
        page = docname.removeprefix(EXECUTED)
        own = frame.as_own_page(Path(app.srcdir), page, source[0])
        source[0] = frame.framed(own, above, below, page)


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
