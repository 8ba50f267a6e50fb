"""What an executed notebook recorded: findings, data, fitting time and cells, taken from its outputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from disentangle.runs.errors import RunError
from disentangle.runs.record import CELLS_MIME, DATA_MIME, FINDING_MIME, FIT_MIME, DataUsed, Finding
from disentangle.runs.report import GLUE_PREFIX, check_values

if TYPE_CHECKING:
    from nbformat import NotebookNode


@dataclass(frozen=True)
class Collected:
    """Everything that a notebook recorded while it ran."""

    findings: list[dict[str, Any]] = field(default_factory=list)
    data: list[DataUsed] = field(default_factory=list)
    cells: dict[str, str] = field(default_factory=dict)
    fit_seconds: float = 0.0
    device: str = "cpu"


def collect(nb: NotebookNode) -> Collected:
    """Everything that an executed notebook recorded.

    Raises RunError for a finding that is recorded twice, or whose numbers cannot be.
    """
    fits = list(_contents(nb, FIT_MIME))
    data = {used.name: used for used in (DataUsed(**content) for content in _contents(nb, DATA_MIME))}
    read: dict[str, str] = {}
    for content in _contents(nb, CELLS_MIME):
        read.update(content["cells"])
    return Collected(
        findings=_findings(nb),
        data=list(data.values()),
        cells=read,
        fit_seconds=round(sum(fit["seconds"] for fit in fits), 1),
        device=next((fit["device"] for fit in fits if fit["device"] != "cpu"), "cpu"),
    )


def _findings(nb: NotebookNode) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for content in _contents(nb, FINDING_MIME):
        finding = Finding(**{name: value for name, value in content.items() if name != "id"})
        try:
            check_values(finding)
        except ValueError as error:
            raise RunError(str(error)) from error
        if finding.id in found:
            raise RunError(
                f"finding {finding.id} is recorded twice (as {found[finding.id]['value']:.6g} and as "
                f"{finding.value:.6g}): give one of them another method or condition"
            )
        found[finding.id] = finding.model_dump()
    return list(found.values())


def _contents(nb: NotebookNode, mime: str) -> Iterator[dict[str, Any]]:
    for cell in nb.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            for name in (GLUE_PREFIX + mime, mime):
                if name in data:
                    yield dict(data[name])
