"""What a run leaves behind: the schema of ``record.json``."""

from __future__ import annotations

import json
import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, computed_field, field_validator

FINDING_MIME = "application/vnd.disentangle.finding+json"
DATA_MIME = "application/vnd.disentangle.data+json"
FIT_MIME = "application/vnd.disentangle.fit+json"
CELLS_MIME = "application/vnd.disentangle.cells+json"

_WORD = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*(-[a-z0-9]+(_[a-z0-9]+)*)?")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Finding(_Strict):
    """One measured value. Its id is ``paper.cohort.metric.method[.condition]``.

    ``low`` and ``high`` bound the 95 % interval (None where there is none); ``n`` counts the
    independent units, usually people, behind the value.
    """

    paper: str
    cohort: str
    metric: str
    method: str
    condition: str | None = None
    what: str
    value: float
    low: float | None = None
    high: float | None = None
    n: int
    unit: str
    better: Literal["higher", "lower", "neither"]

    @field_validator("paper", "cohort", "metric", "method", "condition")
    @classmethod
    def _is_a_word(cls, word: str | None) -> str | None:
        if word is not None and not _WORD.fullmatch(word):
            raise ValueError(
                f"{word!r} is no part of a finding's id: lower-case words joined by '_', a difference as 'a-b'"
            )
        return word

    @computed_field
    @property
    def id(self) -> str:
        parts = (self.paper, self.cohort, self.metric, self.method, self.condition)
        return ".".join(part for part in parts if part)


class DataUsed(_Strict):
    """A cohort that a run read."""

    name: str
    real: bool
    people: int
    images: int
    sha256: str


class Environment(_Strict):
    """Where a run was computed."""

    python: str
    torch: str | None
    device: str
    cores: int


class RunRecord(BaseModel):
    """A run, as stored in ``record.json``.

    ``key_parts`` says what the key was made of, so that a stale page can name what changed;
    ``data_checksums`` and ``cells`` (``page/cell``) are the checksums that entered it.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    schema_version: Literal[1] = Field(default=1, alias="schema")
    page: str
    notebook: str
    profile: str
    parameters: dict[str, Any]
    status: Literal["ok", "failed"]
    error: str | None = None
    key: str
    key_parts: dict[str, str] = {}
    commit: str | None
    dirty: bool
    data: list[DataUsed]
    data_checksums: dict[str, str] = {}
    cells: dict[str, str] = {}
    environment: Environment
    started: str
    seconds: float
    fit_seconds: float
    peak_memory_mib: float
    findings: list[dict[str, Any]]

    def as_text(self) -> str:
        """The record as the text of its file."""
        return json.dumps(self.model_dump(by_alias=True), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
