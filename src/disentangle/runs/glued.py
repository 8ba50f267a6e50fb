"""Glued values in an executed notebook: those that no text shows need not be kept in the book.

Every finding glues its value and its bounds, in case the text wants them. The finding itself holds the same numbers.
"""

from __future__ import annotations

import json
import re
from typing import Any

from disentangle.runs.report import GLUE_PREFIX

_SHOWN = re.compile(r"\{glue[^}`]*\}`([^`:]+)")


def without_unused(nb: dict[str, Any]) -> dict[str, Any]:
    """The same notebook, changed in place, without glued values whose names stand in no text and no code of it."""
    names = shown(nb)
    for cell in nb["cells"]:
        if "outputs" in cell:
            cell["outputs"] = [output for output in cell["outputs"] if _name(output) in names]
    return nb


def missing(nb: dict[str, Any]) -> set[str]:
    """Names that the text shows and no cell has glued."""
    glued = {_name(output) for cell in nb["cells"] for output in cell.get("outputs", [])}
    return {name for name in shown(nb) if name is not None} - glued


def shown(nb: dict[str, Any]) -> set[str | None]:
    """Names after ``{glue:...}`` in all sources and outputs; None stands for outputs that are no glued value."""
    return {None, *_SHOWN.findall(json.dumps(nb["cells"], ensure_ascii=False))}


def _name(output: dict[str, Any]) -> str | None:
    """The name of a glued value; None for all else, records of findings included."""
    kinds = list(output.get("data", {}))
    plain = [kind for kind in kinds if kind.startswith(GLUE_PREFIX) and "vnd.disentangle" not in kind]
    return output["metadata"]["scrapbook"]["name"] if kinds and len(plain) == len(kinds) else None
