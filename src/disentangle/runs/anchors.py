"""Where on a page a finding was computed: the code cells that recorded findings get a name to link to."""

from __future__ import annotations

import json
from typing import Any

from disentangle.runs.record import FINDING_MIME
from disentangle.runs.report import GLUE_PREFIX


def anchors_of(page: str, notebook_json: str) -> dict[str, str]:
    """The label of the cell that recorded each finding of an executed page, by the finding's id."""
    numbered = enumerate(_code_cells(json.loads(notebook_json)), start=1)
    return {name: label_of(page, number) for number, cell in numbered for name in recorded_by(cell)}


def with_anchors(page: str, cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cells of a page with a target before each code cell that recorded findings."""
    named, number = [], 0
    for cell in cells:
        if cell["cell_type"] == "code":
            number += 1
            if recorded_by(cell):
                label = label_of(page, number)
                named.append({"cell_type": "markdown", "id": label, "metadata": {}, "source": f"({label})="})
        named.append(cell)
    return named


def recorded_by(cell: dict[str, Any]) -> list[str]:
    """Ids of the findings that a code cell recorded, from what it left for the runner."""
    kept = (output.get("data", {}).get(GLUE_PREFIX + FINDING_MIME) for output in cell.get("outputs", []))
    return [finding_id(found) for found in kept if found]


def finding_id(found: dict[str, Any]) -> str:
    """The id of a finding as its cell stored it."""
    parts = (found.get(part) for part in ("paper", "cohort", "metric", "method", "condition"))
    return found.get("id") or ".".join(part for part in parts if part)


def label_of(page: str, number: int) -> str:
    """Label of a page's code cell, counted from one."""
    return f"cell-{page.replace('_', '-')}-{number}"


def _code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
