"""How a notebook records what it used and what it found.

Everything is put into the outputs of the cell, where no reader sees it: the runner collects it into the
record, and text anywhere in the book can show it by name (``{glue:text}``).
"""

from __future__ import annotations

import itertools
import math
import sys
from typing import Any, Literal, Protocol

from disentangle.runs.parameters import check_namespace
from disentangle.runs.record import DATA_MIME, FINDING_MIME, FIT_MIME, DataUsed, Finding

GLUE_PREFIX = "application/papermill.record/"
_number = itertools.count()


class Cohort(Protocol):
    """What a report has to know of a cohort."""

    name: str
    real: bool
    people: int
    sha256: str

    def __len__(self) -> int: ...


class Measured(Protocol):
    """A value with the bounds of its interval and the number of independent people."""

    value: float
    low: float
    high: float
    n: int


class Report:
    """Findings of one paper on one cohort.

    In a notebook it first checks the parameters that the kernel holds: ParameterError for one out of its domain.

    >>> report = Report("lesion_vae", "lidc")
    >>> report.finding("auc", "diameter", 0.91, low=0.89, high=0.93, n=639, what="AUC of the diameter",
    ...                unit="AUC", better="higher").id
    'lesion_vae.lidc.auc.diameter'
    """

    def __init__(self, paper: str, cohort: str) -> None:
        self.paper = paper
        self.cohort = cohort
        _check_parameters()

    def data(self, cohort: Cohort) -> DataUsed:
        """Record that a cohort was read: its name, size and checksum."""
        used = DataUsed(
            name=cohort.name, real=cohort.real, people=cohort.people, images=len(cohort), sha256=cohort.sha256
        )
        emit(DATA_MIME, used.model_dump())
        return used

    def fitted(self, seconds: float, device: str | None = None) -> None:
        """Record how long a model was fitted when it was fitted, cached or not; several times add up."""
        if not (math.isfinite(seconds) and seconds >= 0):
            raise ValueError(f"fitting took {seconds!r} s, expected a number from 0 on")
        emit(FIT_MIME, {"seconds": float(seconds), "device": device or device_name()})

    def finding(
        self,
        metric: str,
        method: str,
        value: float | Measured,
        *,
        low: float | None = None,
        high: float | None = None,
        n: int | None = None,
        what: str,
        unit: str,
        better: Literal["higher", "lower", "neither"],
        condition: str | None = None,
        cohort: str | None = None,
    ) -> Finding:
        """Record a measured value with its 95 % interval; ``n`` counts people, or the independent units.

        ``value`` may be an interval (``metrics.intervals.Interval``), which brings ``low``, ``high`` and ``n`` along.

        Text shows it as ``{glue:text}`metric.method[.condition]:.2f```, with ``.low`` and ``.high`` for the
        bounds; a finding on another cohort than the report's starts with that cohort's name.
        Raises ValueError for a value that is not finite or bounds in the wrong order.
        """
        if hasattr(value, "low"):
            value, low, high, n = value.value, value.low, value.high, n or value.n
        if n is None:
            raise ValueError(f"finding {metric}.{method}: n is missing, the number of people behind the value")
        value, low, high = (None if x is None else float(x) for x in (value, low, high))
        finding = Finding(
            paper=self.paper,
            cohort=cohort or self.cohort,
            metric=metric,
            method=method,
            condition=condition,
            what=what,
            value=value,
            low=low,
            high=high,
            n=int(n),
            unit=unit,
            better=better,
        )
        check_values(finding)
        emit(FINDING_MIME, finding.model_dump(), name=f"finding {finding.id}")
        name = finding.id.removeprefix(f"{self.paper}.").removeprefix(f"{self.cohort}.")
        for suffix, number in (("", value), (".low", low), (".high", high)):
            if number is not None:
                glue(name + suffix, number)
        return finding


def check_values(finding: Finding) -> None:
    """Refuse numbers that cannot be: ValueError that names the finding."""
    numbers = {"value": finding.value, "low": finding.low, "high": finding.high}
    for name, number in numbers.items():
        if number is not None and not math.isfinite(number):
            raise ValueError(f"finding {finding.id}: {name} is {number}, expected a finite number")
    if None not in (finding.low, finding.high) and finding.low > finding.high:
        raise ValueError(f"finding {finding.id}: low {finding.low} is above high {finding.high}")
    if finding.n < 1:
        raise ValueError(f"finding {finding.id}: n is {finding.n}, expected at least 1")


def glue(name: str, value: Any) -> None:
    """Keep a value (number, text or figure) under a name that the text of the book can show."""
    if _shell() is None:
        return
    from IPython.core.formatters import format_display_data

    value = value.item() if hasattr(value, "item") and getattr(value, "size", 1) == 1 else value
    shown, metadata = format_display_data(value)
    _publish({GLUE_PREFIX + mime: content for mime, content in shown.items()}, name, metadata)


def emit(mime: str, content: dict[str, Any], name: str | None = None) -> None:
    """Put content into the cell's outputs for the runner alone; nothing happens outside of a notebook."""
    if _shell() is not None:
        _publish({GLUE_PREFIX + mime: content}, name or f"{mime} {next(_number)}", {})


def device_name() -> str:
    """Device that torch used in this process: ``cpu``, or the name of the GPU."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return torch.cuda.get_device_name()
    return "cpu"


def _publish(data: dict[str, Any], name: str, metadata: dict[str, Any]) -> None:
    from IPython.display import display

    display(data, raw=True, metadata={**metadata, "scrapbook": {"name": name, "mime_prefix": GLUE_PREFIX}})


def _check_parameters() -> None:
    """Refuse values that plain papermill or an edited cell let in: `parameters.check_namespace` on the kernel."""
    held = getattr(_shell(), "user_ns", {})
    check_namespace(list(held.get("In", ())), held)


def _shell() -> Any:
    """The running IPython shell, or None; IPython is not loaded for the answer."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None
