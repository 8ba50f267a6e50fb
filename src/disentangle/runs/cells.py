"""Cells of long experiments: the grid of a page, which cells are done, and what their scores are.

A cell is one training and its evaluation. A finished one is a small JSON file with the scores, committed, so
that a grid grows over days and machines. A cell whose key no longer fits its code, parameters or data is
stale: it is counted, never read.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Literal

from disentangle.runs import checksums as sums
from disentangle.runs import project, source
from disentangle.runs.errors import RunError
from disentangle.runs.pages import page as page_named

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.=,+-]*")
State = Literal["done", "stale", "missing"]


@dataclass(frozen=True)
class Cell:
    """One training and its evaluation.

    Attributes
    ----------
    name : str
        File name of its scores.
    function : str
        ``module:function``; called with the parameters, it returns the scores, a dict that JSON can hold in
        less than 20 kB.
    parameters : dict
        Plain values.
    data : tuple of str
        Names of the data sets it reads; their checksums are part of its key.
    seconds : float or None
        Expected duration on two cores.
    """

    name: str
    function: str
    parameters: dict[str, Any]
    data: tuple[str, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True)
class CellState:
    """A cell of a grid, what is stored for it, and whether that is fresh."""

    cell: Cell
    state: State
    key: str | None
    stored: dict[str, Any] | None


@dataclass(frozen=True)
class CellTable:
    """What a notebook reads: the fresh cells of a grid, and how many there are not.

    ``done`` holds one dict a finished fresh cell: ``cell`` (name), ``parameters``, ``scores``, ``seconds``
    and ``device``.
    """

    page: str
    done: list[dict[str, Any]] = field(default_factory=list)
    stale: int = 0
    missing: int = 0

    @property
    def fresh(self) -> int:
        return len(self.done)

    @property
    def total(self) -> int:
        return self.fresh + self.stale + self.missing

    def summary(self) -> str:
        """One sentence on which part of the grid has run."""
        if self.fresh == self.total:
            return f"All {self.total} cells of this experiment have run."
        gaps = [f"{n} {what}" for n, what in ((self.stale, "stale"), (self.missing, "not run yet")) if n]
        return f"{self.fresh} of {self.total} cells of this experiment have run ({', '.join(gaps)})."


def load(page: str) -> CellTable:
    """The finished cells of a page, in the order of its grid.

    In a notebook the checksums of the cells that were read go into the run's record.
    Raises UnknownName for a page that ``book/pages.yml`` lacks and RunError for one without a grid.
    """
    all_states = states(page)
    fresh = [state for state in all_states if state.state == "done"]
    count = {name: sum(state.state == name for state in all_states) for name in ("stale", "missing")}
    from disentangle.runs.record import CELLS_MIME
    from disentangle.runs.report import emit

    emit(
        CELLS_MIME,
        {"cells": {f"{page}/{s.cell.name}": _file_hash(stored_file(page, s.cell.name)) for s in fresh}},
    )
    return CellTable(page, [_shown(state) for state in fresh], count["stale"], count["missing"])


def grid(page: str) -> list[Cell]:
    """All cells of a page, in order of worth; RunError for a page without a grid or an ill-formed one."""
    reference = page_named(page).grid
    if reference is None:
        raise RunError(f"page {page} has no cells: {project.PAGES_FILE} names no grid for it")
    cells = list(sums.load_function(reference)())
    repeated = {cell.name for cell in cells if sum(other.name == cell.name for other in cells) > 1}
    unfit = [cell.name for cell in cells if not _NAME.fullmatch(cell.name)]
    if repeated or unfit:
        raise RunError(f"grid {reference}: repeated names {sorted(repeated)}, names unfit for a file {unfit}")
    return cells


def states(page: str, recorded_data: Mapping[str, str] | None = None) -> list[CellState]:
    """Every cell of a page with what is stored for it.

    A data set that is absent from this machine is taken to be what it was when the cell ran.
    """
    cells = grid(page)
    code = {module: code_key(module) for module in {_module(cell) for cell in cells}}
    present = sums.of_present_data({name for cell in cells for name in cell.data})
    return [_state(page, cell, code[_module(cell)], recorded_data or {}, present) for cell in cells]


def fitting(grid: list[CellState], only: str | None) -> list[CellState]:
    """The cells whose name fits a pattern, all without one; RunError for a pattern that fits none."""
    found = [state for state in grid if only is None or fnmatch(state.cell.name, only)]
    if only is not None and not found:
        raise RunError(f"no cell is called like {only!r}; there are such as {grid[0].cell.name if grid else '-'}")
    return found


def checksums(page: str, recorded_data: Mapping[str, str] | None = None) -> dict[str, str]:
    """Checksum of the scores of each fresh cell of a page, by ``page/cell``; empty without a grid."""
    if page_named(page).grid is None:
        return {}
    fresh = [state.cell.name for state in states(page, recorded_data) if state.state == "done"]
    return {f"{page}/{name}": _file_hash(stored_file(page, name)) for name in fresh}


def cell_key(cell: Cell, code: str, data: Mapping[str, str]) -> str:
    """Key of a cell: hash over its function and that one's code, its parameters, and its data's checksums."""
    content = {"function": cell.function, "code": code, "parameters": cell.parameters, "data": dict(data)}
    return sums.of_value(content)


def code_key(module: str) -> str:
    """Hash over the code that the functions of a module need to compute a cell."""
    return source.closure_hash(module, exclude=source.COSMETIC)


def stored_file(page: str, name: str) -> Path:
    """Where the scores of a cell are kept."""
    return project.cells_folder(page) / f"{name}.json"


def _state(page: str, cell: Cell, code: str, recorded: Mapping[str, str], present: Mapping[str, str]) -> CellState:
    path = stored_file(page, cell.name)
    stored = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    known = {**recorded, **(stored or {}).get("data", {}), **present}
    data = {name: known[name] for name in cell.data if name in known}
    key = cell_key(cell, code, data) if len(data) == len(set(cell.data)) else None
    if stored is None:
        return CellState(cell, "missing", key, None)
    return CellState(cell, "done" if stored["key"] == key else "stale", key, stored)


def _module(cell: Cell) -> str:
    return cell.function.partition(":")[0]


def _shown(state: CellState) -> dict[str, Any]:
    kept = ("cell", "parameters", "scores", "seconds", "device")
    return {name: state.stored[name] for name in kept}


def _file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
