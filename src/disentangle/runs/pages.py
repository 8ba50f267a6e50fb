"""The published pages, as ``book/pages.yml`` names them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from disentangle.runs import project
from disentangle.runs.errors import UnknownName


@dataclass(frozen=True)
class Page:
    """One entry of ``book/pages.yml``.

    Attributes
    ----------
    name : str
        File name in ``book/executed`` and ``book/results``.
    notebook : str
        Name of the notebook that makes the page.
    profile : str
        Its value of the parameter ``profile``.
    parameters : dict
        Other parameters that differ from the notebook's defaults.
    grid : str or None
        ``module:function`` that lists the cells of the page, or of the pages it shares them with.
    needs : tuple of str
        Real data sets that must be present to run it.
    reads : tuple of str
        Other pages whose cells it reads.
    title : str
    """

    name: str
    notebook: str
    profile: str = "quick"
    parameters: dict[str, Any] = field(default_factory=dict)
    grid: str | None = None
    needs: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    title: str = ""

    @property
    def given(self) -> dict[str, Any]:
        """Parameters that are passed to the notebook."""
        return {"profile": self.profile, **self.parameters}

    @property
    def executed(self) -> Path:
        """The page as papermill ran it."""
        return project.executed_folder() / f"{self.name}.ipynb"

    @property
    def result(self) -> Path:
        """Record of the run that made the page."""
        return project.results_folder() / f"{self.name}.json"


def pages() -> dict[str, Page]:
    """All pages by name, in the order of the file."""
    import yaml

    path = project.root() / project.PAGES_FILE
    entries = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("pages") or {}
    return {name: _page(name, entry or {}) for name, entry in entries.items()}


def page(name: str) -> Page:
    """The page of that name; KeyError with the nearest right name where there is none."""
    found = pages()
    if name not in found:
        raise UnknownName("page", name, found)
    return found[name]


def record_of(page: Page) -> dict[str, Any] | None:
    """The committed record of a page; None where it was never published."""
    return json.loads(page.result.read_text(encoding="utf-8")) if page.result.is_file() else None


def _page(name: str, entry: dict[str, Any]) -> Page:
    allowed = set(Page.__dataclass_fields__) - {"name"}
    unknown = set(entry) - allowed
    if unknown:
        raise ValueError(f"{project.PAGES_FILE}: page {name}: unknown {sorted(unknown)}, there are {sorted(allowed)}")
    lists = {key: tuple(entry[key] or ()) for key in ("needs", "reads") if key in entry}
    return Page(name=name, **{"notebook": name, **entry, "parameters": entry.get("parameters") or {}, **lists})
