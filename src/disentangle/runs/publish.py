"""Publishing: the only way by which an executed page and its record get into the book."""

from __future__ import annotations

from copy import deepcopy
from itertools import zip_longest
from typing import TYPE_CHECKING

from disentangle.runs import notebooks, project, source
from disentangle.runs.errors import RunError
from disentangle.runs.execute import Run, run_page
from disentangle.runs.files import write_atomically
from disentangle.runs.glued import missing, without_unused
from disentangle.runs.pages import Page, page
from disentangle.runs.progress import Say, say_to_terminal

if TYPE_CHECKING:
    from nbformat import NotebookNode

INJECTED = "injected-parameters"


def publish(name: str, say: Say = say_to_terminal) -> Page:
    """Run a page and write ``book/executed/NAME.ipynb`` and ``book/results/NAME.json``.

    A run made before from this very commit is taken as it is. Raises RunError where files differ from the
    commit, and where the run fails: the published page then stays as it was.
    """
    known = page(name)
    commit = _clean_commit()
    run = run_page(name, say=say)
    if run.reused and (run.record.dirty or run.record.commit != commit or run.record.page != name):
        say("that run was made from another commit: running anew")
        run = run_page(name, again=True, say=say)
    if not run.ok:
        raise RunError(f"{name} failed and is not published: {run.record.error}. See {run.notebook}")
    _put_in_book(known, run)
    return known


def publish_text(name: str) -> bool:
    """Carry changed prose of the source into the published page without running it; true where it changed.

    Raises RunError where files differ from the commit, the page was never published, or its code differs.
    """
    known = page(name)
    _clean_commit()
    if not known.executed.is_file():
        raise RunError(f"{name} was never published: run 'disentangle publish {name}' first")
    import nbformat

    executed = nbformat.read(known.executed, as_version=4)
    merged = with_new_text(executed, notebooks.read(known.notebook))
    absent = sorted(missing(merged))
    if absent:
        raise RunError(f"the new text of {name} shows {', '.join(absent)}, not kept so far: publish without --text")
    text = notebooks.as_text(without_unused(merged), indent=0)
    if text == known.executed.read_text(encoding="utf-8"):
        return False
    write_atomically(known.executed, text)
    return True


def with_new_text(executed: NotebookNode, fresh: NotebookNode) -> NotebookNode:
    """The cells of a source with the outputs of an execution; RunError where their code is not the same."""
    injected = [cell for cell in executed.cells if INJECTED in cell.metadata.get("tags", [])]
    run_cells = [cell for cell in executed.cells if cell.cell_type == "code" and cell not in injected]
    new_cells = [cell for cell in fresh.cells if cell.cell_type == "code"]
    for number, (old, new) in enumerate(zip_longest(run_cells, new_cells), start=1):
        if old is None or new is None or source.code_hash(old.source) != source.code_hash(new.source):
            raise RunError(f"code cell {number} is not the one that was run: publish the page without --text")
    outputs = iter(run_cells)
    merged = deepcopy(fresh)
    merged.cells = []
    for cell in map(deepcopy, fresh.cells):
        merged.cells.append(cell)
        if cell.cell_type == "code":
            old = next(outputs)
            cell.outputs, cell.execution_count = old.outputs, old.execution_count
            if "parameters" in cell.metadata.get("tags", []):
                merged.cells.extend(injected)
    notebooks.name_cells(merged)
    return merged


def _put_in_book(known: Page, run: Run) -> None:
    import nbformat

    executed = without_unused(nbformat.read(run.notebook, as_version=4))
    write_atomically(known.executed, notebooks.as_text(executed, indent=0))
    write_atomically(known.result, run.record.as_text())


def _clean_commit() -> str:
    """The commit checked out; RunError where files differ from it."""
    commit, changed = project.commit(), project.changed_files()
    if commit is None:
        raise RunError("publishing needs a git commit, and this is no git repository")
    if changed:
        shown = ", ".join(changed[:5]) + (" ..." if len(changed) > 5 else "")
        raise RunError(f"publishing needs a clean commit, but {len(changed)} files differ from it: {shown}")
    return commit
