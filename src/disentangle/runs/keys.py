"""The compute key of a page: one hash over everything that decides its numbers, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from disentangle.runs import cells, notebooks, source
from disentangle.runs import checksums as sums
from disentangle.runs.errors import RunError
from disentangle.runs.pages import Page, page, pages, record_of
from disentangle.runs.parameters import parameter_table, validate

_STALE_PARTS = {
    "notebook": "the code of the notebook",
    "package": "the code of the package",
    "parameters": "the parameters",
    "data": "the data",
    "cells": "the cells it reads",
}


@dataclass(frozen=True)
class Key:
    """A compute key with what it was made of.

    ``parts`` has one hash each for the notebook's code, the package, the parameters, the data and the cells;
    ``data`` and ``cells`` have the checksums themselves.
    """

    value: str
    parts: dict[str, str]
    data: dict[str, str]
    cells: dict[str, str]

    @property
    def short(self) -> str:
        """The first twelve digits, used as a folder's name."""
        return self.value[:12]


def run_key(notebook: str, parameters: Mapping[str, Any], recorded_data: Mapping[str, str] | None = None) -> Key:
    """Key of a run of a notebook with these parameters, defaults included.

    ``recorded_data`` has checksums to trust for data sets that are absent from this machine; without one, the
    FileNotFoundError that says how to get the data is passed on.
    """
    recorded = recorded_data or {}
    code = notebooks.code_of(notebooks.source_file(notebook))
    related = related_pages(notebook, parameters)
    data = sums.of_data(_data_names(parameters, related), recorded)
    read: dict[str, str] = {}
    for name in dict.fromkeys(name for one in related for name in (one.name, *one.reads)):
        read.update(cells.checksums(name, recorded))
    parts = {
        "notebook": source.code_hash(code),
        "package": source.modules_hash(source.code_closure(code, exclude=source.COSMETIC)),
        "parameters": sums.of_value(dict(parameters)),
        "data": sums.of_value(data),
        "cells": sums.of_value(read),
    }
    return Key(sums.of_value(parts), parts, data, read)


def page_key(known: Page, recorded_data: Mapping[str, str] | None = None) -> Key:
    """The key that a page has now."""
    values = validate(parameter_table(known.notebook), known.given, where=f"page {known.name}")
    return run_key(known.notebook, values, recorded_data)


def is_stale(name: str) -> str | None:
    """Why the committed record of a page no longer fits; None where it does, or where there is no record.

    Data that are absent from this machine are taken to be what they were.
    """
    known = page(name)
    record = record_of(known)
    if record is None:
        return None
    try:
        key = page_key(known, record.get("data_checksums", {}))
    except (ValueError, KeyError, OSError, ImportError, RunError) as error:
        return f"its key cannot be computed: {error}"
    if key.value == record["key"]:
        return None
    before = record.get("key_parts", {})
    changed = [what for part, what in _STALE_PARTS.items() if key.parts[part] != before.get(part)]
    return f"changed since: {', '.join(changed)}"


def related_pages(notebook: str, parameters: Mapping[str, Any]) -> list[Page]:
    """Pages that this notebook makes of the same data: a run reads their cells."""
    same = [one for one in pages().values() if one.notebook == notebook]
    default = next((p.default for p in parameter_table(notebook) if p.name == "data"), None)
    return [one for one in same if one.parameters.get("data", default) == parameters.get("data", default)]


def _data_names(parameters: Mapping[str, Any], related: list[Page]) -> set[str]:
    named = {parameters["data"]} if isinstance(parameters.get("data"), str) else set()
    return named.union(*(one.needs for one in related))
