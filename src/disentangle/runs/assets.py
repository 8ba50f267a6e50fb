"""Scripts and styles that only some pages need: each is given to those pages alone, and none asks the network."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from disentangle.runs import moving
from disentangle.runs.ledger_page import TABLE_CLASS

FOLDER = "_static/itables"
SCRIPT, STYLE = f"{FOLDER}/bundle.js", f"{FOLDER}/bundle.css"


def write_itables(app: Sphinx) -> None:
    """Put the bundle of itables beside the pages: once, as a plain script, since a file may not import modules."""
    import itables

    origin = Path(itables.__file__).parent / "html"
    module = base64.b64encode((origin / "dt_bundle.js").read_bytes()).decode()
    script = f'window.itablesBundle = import("data:text/javascript;base64,{module}");\n'
    (app.outdir / FOLDER).mkdir(parents=True, exist_ok=True)
    (app.outdir / SCRIPT).write_text(script, encoding="utf8")
    (app.outdir / STYLE).write_text((origin / "dt_bundle.css").read_text(encoding="utf8"), encoding="utf8")


def add_scripts(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Give a page the scripts that its content needs."""
    body = context.get("body", "")
    if moving.MARK in body:
        for script in ("plotly/plotly-cartesian.min.js", "moving.js"):
            app.add_js_file(script, loading_method="defer")
    if TABLE_CLASS in body:
        app.add_css_file(STYLE.removeprefix("_static/"))
        for script in (SCRIPT.removeprefix("_static/"), "ledger.js"):
            app.add_js_file(script, loading_method="defer")
