"""Notebooks: where they are, what their cells hold, and how the two forms of one are kept the same.

``notebooks/NAME.py`` (py:percent) is the source; ``NAME.ipynb`` beside it is its pair, without outputs.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from disentangle.runs import project
from disentangle.runs.errors import UnknownName
from disentangle.runs.files import write_atomically

if TYPE_CHECKING:
    from nbformat import NotebookNode

KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
_MARKER = re.compile(r"^# %%(?P<rest>.*)$")
_TAGS = re.compile(r"tags=(\[[^\]]*\])")


@dataclass(frozen=True)
class LightCell:
    """A cell as the light reader sees it: enough for parameters and keys, no metadata but the tags."""

    kind: str
    source: str
    tags: tuple[str, ...] = ()


def names() -> list[str]:
    """Names of all notebooks of the project."""
    folder = project.notebooks_folder()
    return sorted({path.stem for pattern in ("*.py", "*.ipynb") for path in folder.glob(pattern)})


def source_file(notebook: str | Path) -> Path:
    """The file of a notebook, by name or path: its ``.py``, else its ``.ipynb``."""
    if Path(notebook).suffix in (".py", ".ipynb"):
        if not Path(notebook).is_file():
            raise FileNotFoundError(f"no notebook {notebook}")
        return Path(notebook)
    for suffix in (".py", ".ipynb"):
        path = project.notebooks_folder() / f"{notebook}{suffix}"
        if path.is_file():
            return path
    raise UnknownName("notebook", str(notebook), names())


def light_cells(path: Path) -> list[LightCell]:
    """Cells of a notebook file, read without jupytext and nbformat, which take half a second to load."""
    text = path.read_text(encoding="utf-8")
    return _cells_of_json(text) if path.suffix == ".ipynb" else _cells_of_percent(text)


def code_of(path: Path) -> str:
    """All code of a notebook but its parameters cell: what decides the results, given the parameters."""
    cells = light_cells(path)
    return "\n".join(cell.source for cell in cells if cell.kind == "code" and "parameters" not in cell.tags)


def title_of(path: Path) -> str:
    """The first heading of a notebook."""
    for cell in light_cells(path):
        heading = heading_of(cell.source) if cell.kind == "markdown" else None
        if heading:
            return heading
    return ""


def heading_of(markdown: str) -> str | None:
    """The last heading in a markdown cell."""
    headings = re.findall(r"^#{1,4}\s+(.+?)\s*$", markdown, re.MULTILINE)
    return headings[-1] if headings else None


def read(notebook: str | Path) -> NotebookNode:
    """A notebook from its source, without outputs, with metadata and cell ids that depend on content only."""
    import jupytext

    nb = jupytext.read(source_file(notebook))
    nb.metadata.clear()
    nb.metadata.update(kernelspec=dict(KERNELSPEC), language_info={"name": "python"})
    nb.nbformat, nb.nbformat_minor = 4, 5
    for cell in nb.cells:
        cell.metadata.pop("lines_to_next_cell", None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    name_cells(nb)
    return nb


def name_cells(nb: NotebookNode) -> None:
    """Give each cell an id from its content, so that a change shows only where it was made."""
    seen: Counter[str] = Counter()
    for cell in nb.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] += 1
        cell["id"] = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


def as_text(nb: NotebookNode, indent: int = 1) -> str:
    """The notebook as the text of its file. Executed ones go without ``indent``: a sixth of a page was spaces."""
    import nbformat

    text = nbformat.writes(nb, version=4).rstrip("\n") + "\n"
    return text if indent == 1 else json.dumps(json.loads(text), indent=indent, ensure_ascii=False) + "\n"


def sync(notebook: str) -> bool:
    """Write ``NAME.ipynb`` from ``NAME.py``; true where it changed."""
    path = project.notebooks_folder() / f"{notebook}.py"
    if not path.is_file():
        raise UnknownName("notebook with a .py source", notebook, names())
    pair, text = path.with_suffix(".ipynb"), as_text(read(path))
    if pair.is_file() and pair.read_text(encoding="utf-8") == text:
        return False
    write_atomically(pair, text)
    return True


def pair_difference(notebook: str) -> str | None:
    """What is wrong with the pair of a notebook; None where both files say the same."""
    source = project.notebooks_folder() / f"{notebook}.py"
    pair = source.with_suffix(".ipynb")
    for path in (source, pair):
        if not path.is_file():
            return f"{path.name} is missing"
    ours, theirs = (_comparable(path) for path in (source, pair))
    if len(ours) != len(theirs):
        return f"{source.name} has {len(ours)} cells, {pair.name} has {len(theirs)}"
    for number, (mine, other) in enumerate(zip(ours, theirs, strict=True), start=1):
        if mine != other:
            return f"cell {number} differs between {source.name} and {pair.name}"
    return None


def _comparable(path: Path) -> list[tuple]:
    return [(cell.kind, cell.source.strip(), sorted(cell.tags)) for cell in light_cells(path)]


def _cells_of_json(text: str) -> list[LightCell]:
    return [
        LightCell(cell["cell_type"], "".join(cell["source"]), tuple(cell["metadata"].get("tags", ())))
        for cell in json.loads(text)["cells"]
    ]


def _cells_of_percent(text: str) -> list[LightCell]:
    cells: list[LightCell] = []
    marker, lines = None, []
    for line in [*_without_header(text).splitlines(), "# %%"]:
        found = _MARKER.match(line)
        if found is None:
            lines.append(line)
            continue
        if marker is not None or any(map(str.strip, lines)):
            cells.append(_percent_cell(marker or "", lines))
        marker, lines = found["rest"], []
    return cells


def _percent_cell(marker: str, lines: list[str]) -> LightCell:
    tags = _TAGS.search(marker)
    kind = "markdown" if "[markdown]" in marker or "[md]" in marker else "raw" if "[raw]" in marker else "code"
    if kind != "code":
        lines = [re.sub(r"^# ?", "", line) for line in lines]
    return LightCell(kind, "\n".join(lines).strip("\n"), tuple(json.loads(tags[1])) if tags else ())


def _without_header(text: str) -> str:
    """The text after jupytext's YAML header, which stands in comments between two lines ``# ---``."""
    header = re.match(r"\A# ---\n(?:#.*\n)*?# ---\n", text)
    return text[header.end() :] if header else text
