"""What an executed notebook holds for the runner alone need not be kept in the book.

Every finding glues its value and its bounds, in case the text wants them, and stands in the page's record as well. A
page keeps the glued values that its text shows, and of each finding the name, which says what cell computed it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from disentangle.runs.anchors import finding_id
from disentangle.runs.record import FINDING_MIME
from disentangle.runs.report import GLUE_PREFIX

_FINDING = GLUE_PREFIX + FINDING_MIME
_SHOWN = re.compile(r"\{glue[^}`]*\}`([^`:]+)")


def without_unused(nb: dict[str, Any]) -> dict[str, Any]:
    """The same notebook, changed in place, without unshown glued values and with no more of findings than their ids."""
    names = shown(nb)
    for cell in nb["cells"]:
        if "outputs" in cell:
            cell["outputs"] = [_slim(output) for output in cell["outputs"] if _name(output) in names]
    return nb


def missing(nb: dict[str, Any]) -> set[str]:
    """Names that the text shows and no cell has glued."""
    glued = {_name(output) for cell in nb["cells"] for output in cell.get("outputs", [])}
    return {name for name in shown(nb) if name is not None} - glued


def shown(nb: dict[str, Any]) -> set[str | None]:
    """Names after ``{glue:...}`` in all sources and outputs; None stands for outputs that are no glued value."""
    return {None, *_SHOWN.findall(json.dumps(nb["cells"], ensure_ascii=False))}


def _slim(output: dict[str, Any]) -> dict[str, Any]:
    """The same output; of a finding only the id, all else stands in the record."""
    found = output.get("data", {}).get(_FINDING)
    if found is not None:
        output["data"] = {_FINDING: {"id": finding_id(found)}}
    return output


def _name(output: dict[str, Any]) -> str | None:
    """The name of a glued value; None for all else, records of findings included."""
    kinds = list(output.get("data", {}))
    plain = [kind for kind in kinds if kind.startswith(GLUE_PREFIX) and "vnd.disentangle" not in kind]
    return output["metadata"]["scrapbook"]["name"] if kinds and len(plain) == len(kinds) else None
