"""The frame around an executed page: notices below its title, and at its end how it was made."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from disentangle.runs import anchors, ledger
from disentangle.runs.keys import is_stale
from disentangle.runs.notebooks import light_cells
from disentangle.runs.parameters import parameter_table
from disentangle.runs.source_tree import used_names

STATES = Path("book") / "page_states.json"
"""Written by ``make book`` beside what it stages: page -> RERUN, or why it shows an older execution."""

RERUN = "rerun"

_LABEL = re.compile(r"\bfig-[a-z0-9-]+")
_HEADING = re.compile(r"^# .*$", re.MULTILINE)

FOOTER_CELL = "how-this-page-was-made"
RUNNER_MIME = "application/vnd.disentangle."

DOWNLOADS = {
    "the source": "notebooks/{notebook}.py",
    "the notebook, to open or to give to papermill": "notebooks/{notebook}.ipynb",
    "this page with its outputs": "book/executed/{page}.ipynb",
    "the run record": "book/results/{page}.json",
    "the parameters, for papermill": "book/parameters/{page}.yml",
}
"""What a reader can take along from a page; paths in the staged book."""

API = Path("book") / "api" / "index.md"


def read_record(source: Path, page: str) -> dict[str, Any] | None:
    """The run record of a page of the book in the folder `source`, or None."""
    path = source / "book" / "results" / f"{page}.json"
    return json.loads(path.read_text(encoding="utf8")) if path.is_file() else None


def parameters_of(source: Path, notebook: str) -> list[Any]:
    """The declared parameters of ``notebooks/NOTEBOOK.py``."""
    return parameter_table(source / "notebooks" / f"{notebook}.py")


def of_page(source: Path, page: str) -> tuple[str, str]:
    """Markdown that belongs below the title of an executed page, and Markdown that belongs at its end."""
    record = read_record(source, page)
    if record is None:
        return _admonition("warning", "No record", "Nothing tells how this page was made."), ""
    return _notices(source, page), _footer(source, page, record)


def why_stale(source: Path, page: str) -> str | None:
    """Why the execution that the book in `source` shows no longer fits code and data; None where it does."""
    return None if _states(source).get(page) == RERUN else _why_published_is_stale(page)


@cache
def _why_published_is_stale(page: str) -> str | None:
    return is_stale(page)


def _states(source: Path) -> dict[str, str]:
    path = source / STATES
    return json.loads(path.read_text(encoding="utf8")) if path.is_file() else {}


def _notices(source: Path, page: str) -> str:
    notices = []
    state, why = _states(source).get(page, RERUN), why_stale(source, page)
    if state != RERUN:
        said = f"{ledger.plain(state)} This is the published execution."
        notices.append(_admonition("note", "Not rerun", said))
    if why:
        said = f"The numbers below may no longer be what the code gives: {ledger.plain(why)}."
        notices.append(_admonition("warning", "Stale", said))
    return "\n\n".join(notices)


def _admonition(kind: str, title: str, text: str) -> str:
    return f"```{{admonition}} {title}\n:class: {kind}\n{text}\n```"


def _footer(source: Path, page: str, record: dict[str, Any]) -> str:
    notebook, used = record["notebook"], record["parameters"]
    again = " ".join(f"-p {name}={value}" for name, value in used.items() if value is not None)
    parts = [
        "## How this page was made",
        ledger.record_markdown(record),
        f"To run it again: `disentangle run {notebook} {again}`".rstrip(),
        ledger.parameters_markdown(parameters_of(source, notebook), used),
        "### Take it along",
        "\n".join(f"- {line}" for line in _downloads(source, page, notebook)),
        *_functions(source, notebook),
    ]
    return "\n\n".join(parts)


def _functions(source: Path, notebook: str) -> list[str]:
    """What the notebook calls of the package, with links, where the book has the reference."""
    path = source / "notebooks" / f"{notebook}.py"
    if not (source / API).is_file() or not path.is_file():
        return []
    code = "\n".join(cell.source for cell in light_cells(path) if cell.kind == "code")
    links = ", ".join(f"{{py:obj}}`~{name}`" for name in sorted(used_names(code)))
    return [f"````{{dropdown}} Functions that this page calls\n{links}\n````"] if links else []


def _downloads(source: Path, page: str, notebook: str) -> list[str]:
    files = {words: path.format(page=page, notebook=notebook) for words, path in DOWNLOADS.items()}
    return [f"{{download}}`{words} </{path}>`" for words, path in files.items() if (source / path).is_file()]


def framed(notebook_json: str, above: str, below: str, page: str = "") -> str:
    """The notebook with `above` put below its title and `below` as its last cell, for readers only.

    What cells say to the runner and not to a reader (findings, data used) is taken out of the outputs; cells that
    recorded findings get a name, so that the ledger can link to them.
    """
    notebook = json.loads(notebook_json)
    cells = notebook["cells"] = anchors.with_anchors(page, notebook["cells"])
    for cell in cells:
        if cell["cell_type"] == "code":
            cell["outputs"] = [output for output in cell["outputs"] if not _is_for_the_runner(output)]
    title = next((i for i, cell in enumerate(cells) if cell["cell_type"] == "markdown"), None)
    if above and title is not None:
        cells[title]["source"] = _below_title(_text(cells[title]), above)
    if below:
        cells.append({"cell_type": "markdown", "id": FOOTER_CELL, "metadata": {}, "source": below})
    return json.dumps(notebook)


def as_own_page(source: Path, page: str, notebook_json: str) -> str:
    """The notebook with a title and figure labels of its own, where one notebook makes several pages.

    The page that is called as its notebook keeps both. References inside the page follow its labels.
    """
    record = read_record(source, page)
    if record is None or record["notebook"] == page:
        return notebook_json
    title = _title(source, page)
    content = json.loads(notebook_json)
    figures = [cell["metadata"].get("mystnb", {}).get("figure", {}) for cell in content["cells"]]
    names = {figure["name"]: f"{figure['name']}-{page.replace('_', '-')}" for figure in figures if "name" in figure}
    for figure in figures:
        if "name" in figure:
            figure["name"] = names[figure["name"]]
    titled = False
    for cell in content["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = _LABEL.sub(lambda found: names.get(found[0], found[0]), _text(cell))
            if title and not titled and cell["source"].startswith("# "):
                cell["source"], titled = _HEADING.sub(f"# {title}", cell["source"], count=1), True
    return json.dumps(content)


def _title(source: Path, page: str) -> str:
    listed = yaml.safe_load((source / "book" / "pages.yml").read_text(encoding="utf8"))["pages"]
    return (listed.get(page) or {}).get("title", "")


def _is_for_the_runner(output: dict[str, Any]) -> bool:
    mimes = output.get("data")
    return bool(mimes) and all(mime.startswith(RUNNER_MIME) for mime in mimes)


def _text(cell: dict[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _below_title(text: str, notice: str) -> str:
    lines = text.splitlines()
    heading = next((i for i, line in enumerate(lines) if line.startswith("# ")), -1)
    return "\n".join([*lines[: heading + 1], "", notice, "", *lines[heading + 1 :]])
