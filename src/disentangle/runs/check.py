"""Whether the committed book holds together: pairs, records, stale pages and cells, ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from disentangle.runs import cells, notebooks, project
from disentangle.runs.errors import RunError
from disentangle.runs.keys import is_stale
from disentangle.runs.pages import Page, pages
from disentangle.runs.parameters import parameter_table, validate


@dataclass(frozen=True)
class Problem:
    """Something that does not hold together; a warning is what time brings, not a mistake."""

    where: str
    message: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{'warning' if self.warning else 'problem'}  {self.where}: {self.message}"


def problems() -> list[Problem]:
    """All problems of the project, in the order pairs, pages, cells, ledger, conclusions."""
    return [*_pairs(), *_pages(), *_cells(), *_ledger(), *_conclusions()]


def _pairs() -> Iterator[Problem]:
    for name in notebooks.names():
        difference = notebooks.pair_difference(name)
        if difference:
            yield Problem(f"notebooks/{name}", f"{difference} (disentangle pair {name} writes it anew)")
        try:
            parameter_table(name)
        except ValueError as error:
            yield Problem(f"notebooks/{name}", str(error))


def _pages() -> Iterator[Problem]:
    known = pages()
    for page in known.values():
        yield from _page(page)
    for folder, suffix in ((project.executed_folder(), ".ipynb"), (project.results_folder(), ".json")):
        for path in sorted(folder.glob(f"*{suffix}")):
            if path.stem not in known:
                yield Problem(_shown(path), f"{project.PAGES_FILE} knows no such page")


def _page(page: Page) -> Iterator[Problem]:
    where = f"page {page.name}"
    try:
        validate(parameter_table(page.notebook), page.given, where)
    except (KeyError, ValueError) as error:
        yield Problem(where, str(error))
        return
    if page.executed.is_file() != page.result.is_file():
        present, absent = (page.executed, page.result) if page.executed.is_file() else (page.result, page.executed)
        yield Problem(where, f"has {_shown(present)} but lacks {_shown(absent)}")
    elif not page.result.is_file():
        yield Problem(where, "was never published", warning=True)
    else:
        yield from _record(page, where)


def _record(page: Page, where: str) -> Iterator[Problem]:
    from disentangle.runs.record import RunRecord

    try:
        record = RunRecord.model_validate_json(page.result.read_text(encoding="utf-8"))
    except ValueError as error:
        yield Problem(where, f"{_shown(page.result)} is no run record: {error}")
        return
    if (record.page, record.notebook) != (page.name, page.notebook):
        yield Problem(where, f"the record is of page {record.page}, notebook {record.notebook}")
    if record.status != "ok" or record.dirty:
        yield Problem(where, "the record is of a failed run" if record.status != "ok" else "was run on changed files")
    reason = is_stale(page.name)
    if reason:
        yield Problem(where, f"stale, {reason}", warning=True)


def _cells() -> Iterator[Problem]:
    for page in pages().values():
        if page.grid is None:
            continue
        where = f"cells of {page.name}"
        try:
            states = cells.states(page.name)
        except (ImportError, RunError, ValueError) as error:
            yield Problem(where, str(error))
            continue
        stale = [state.cell.name for state in states if state.state == "stale"]
        if stale:
            yield Problem(where, f"{len(stale)} stale, such as {stale[0]}", warning=True)
        known = {state.cell.name for state in states}
        for path in sorted(project.cells_folder(page.name).glob("*.json")):
            if path.stem not in known:
                yield Problem(where, f"{path.name} belongs to no cell of the grid", warning=True)
    unknown = {path.name for path in project.cells_folder("x").parent.glob("*") if path.is_dir()} - set(pages())
    for name in sorted(unknown):
        yield Problem(f"cells of {name}", f"{project.PAGES_FILE} knows no such page")


def _ledger() -> Iterator[Problem]:
    from disentangle.runs import claims

    if not (project.root() / "book" / "claims.yml").is_file():
        return
    for message in claims.problems(project.root(), pages=pages()):
        yield Problem("book/claims.yml", message)


def _conclusions() -> Iterator[Problem]:
    from disentangle.runs import claims, conclusions

    if not (project.root() / conclusions.CONCLUSIONS_FILE).is_file():
        return
    where = conclusions.CONCLUSIONS_FILE.as_posix()
    try:
        parts = conclusions.load_conclusions(project.root())
    except RunError as error:
        yield Problem(where, str(error))
        return
    for name in conclusions.missing(parts, claims.read_records(project.results_folder())):
        yield Problem(where, f"no record holds {name}", warning=True)


def _shown(path: Path) -> str:
    return path.relative_to(project.root()).as_posix()
