"""The claims ledger: what each paper claims, and what our records decide about it.

``book/claims.yml`` states the claims and names, for each, the findings that decide it; a verdict is never
written there, always computed from the run records of a results folder.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from disentangle.runs.verdicts import Kind, Verdict, decide, expected_side


class LedgerError(ValueError):
    """``claims.yml`` cannot be understood."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Published(_Strict):
    """A value as the paper prints it, and where it stands there."""

    value: str
    where: str


class Decider(_Strict):
    """A finding that decides a claim, and what it is compared with.

    ``kind``, ``obstacle`` override the claim's own. ``threshold`` is the stated value of a size (or of a
    qualitative claim that a number accompanies), ``margin`` the half-width of an equivalence. ``expected``
    is the side of zero on which a difference supports the claim; left out, the finding's ``better``
    says it. ``no_effect`` is the value that a size is compared with where only its direction can be decided.
    """

    page: str
    finding: str
    kind: Kind | None = None
    threshold: float | None = None
    margin: float | None = Field(default=None, gt=0)
    expected: Literal["above", "below"] | None = None
    no_effect: float | None = None
    obstacle: str | None = None


class Claim(_Strict):
    """One claim of a paper: ``id`` is the method's folder and the claim's number in the digest."""

    id: str
    statement: str
    published: Published | None = None
    kind: Kind
    decided_by: tuple[Decider, ...] = ()
    figure: str | None = None
    obstacle: str | None = None
    note: str | None = None

    @property
    def paper(self) -> str:
        return self.id.partition(".")[0]

    @model_validator(mode="after")
    def _can_be_decided(self) -> Claim:
        if not self.decided_by and not self.obstacle:
            raise ValueError("names neither a deciding finding nor an obstacle")
        if self.kind == "qualitative" and not self.figure:
            raise ValueError("is qualitative but names no figure")
        for decider in self.decided_by:
            kind = decider.kind or self.kind
            needed = {"size": "threshold", "equivalence": "margin"}.get(kind)
            if needed and getattr(decider, needed) is None:
                raise ValueError(f"{decider.finding} decides a claim of kind {kind} but states no {needed}")
        return self


@dataclass(frozen=True)
class Row:
    """A line of the ledger: a claim, one finding that decides it, and the verdict.

    ``value``, ``low``, ``high``, ``unit`` and ``real`` are None where the finding is missing; ``real`` is
    False as soon as one of the run's cohorts has simulated grey values. ``stale`` says why the page's
    record no longer fits the code, or is None; ``commit`` and ``started`` are those of the run.
    """

    claim: str
    paper: str
    statement: str
    published: str | None
    kind: Kind
    page: str | None
    finding: str | None
    what: str | None
    value: float | None
    low: float | None
    high: float | None
    n: int | None
    unit: str | None
    real: bool | None
    verdict: Verdict
    reason: str
    stale: str | None = None
    figure: str | None = None
    note: str | None = None
    commit: str | None = None
    started: str | None = None

    @property
    def wording(self) -> str:
        """The verdict as a reader should see it: a size on simulated data says what was decided of it."""
        restricted = self.kind == "size" and self.real is False and self.verdict in ("holds", "fails")
        return f"{self.verdict}, direction only" if restricted else self.verdict


def load_claims(root: Path) -> list[Claim]:
    """The claims of ``book/claims.yml`` under `root`, in the order of the file.

    Raises
    ------
    LedgerError
        With the claim and the field at fault.
    """
    path = root / "book" / "claims.yml"
    entries = (yaml.safe_load(path.read_text(encoding="utf8")) or {}).get("claims") or {}
    return [_claim(path, name, entry) for name, entry in entries.items()]


def _claim(path: Path, name: str, entry: dict[str, Any]) -> Claim:
    try:
        return Claim(id=name, **entry)
    except (ValidationError, TypeError) as error:
        faults = error.errors() if isinstance(error, ValidationError) else [{"loc": (), "msg": str(error)}]
        said = "; ".join(f"{'.'.join(map(str, f['loc']))} {f['msg']}".strip() for f in faults)
        raise LedgerError(f"claim {name}: {said} ({path.name})") from None


def read_records(results: Path) -> dict[str, dict[str, Any]]:
    """The run records of a results folder, by page; failed runs decide nothing and are left out."""
    records = (json.loads(path.read_text(encoding="utf8")) for path in sorted(results.glob("*.json")))
    return {record["page"]: record for record in records if record["status"] == "ok"}


def ledger(root: Path, results: Path | None = None, stale: Callable[[str], str | None] | None = None) -> list[Row]:
    """Every claim with every finding that decides it, and the verdict.

    Parameters
    ----------
    root : Path
        The project's root; its ``book/claims.yml`` is read.
    results : Path, optional
        The folder of run records, ``book/results`` if left out.
    stale : callable, optional
        Tells of a page why its record no longer fits the code, or None.
    """
    records = read_records(results or root / "book" / "results")
    why_stale = {page: stale(page) for page in records} if stale else {}
    return [row for claim in load_claims(root) for row in _rows(claim, records, why_stale)]


def _rows(claim: Claim, records: dict[str, dict], why_stale: dict[str, str | None]) -> Iterable[Row]:
    if not claim.decided_by:
        yield _row(claim, None, None, None, "untested", claim.obstacle or "")
    for decider in claim.decided_by:
        record = records.get(decider.page)
        finding = finding_of(record, decider.finding)
        if finding is None:
            reason = decider.obstacle or claim.obstacle or _missing(decider, record)
            yield _row(claim, decider, None, None, "untested", reason)
            continue
        real = is_real(record)
        verdict, reason = decide(decider.kind or claim.kind, decider, finding, real)
        row = _row(claim, decider, finding, real, verdict, reason, why_stale.get(decider.page))
        yield replace(row, commit=record.get("commit"), started=record.get("started"))


def is_real(record: Mapping[str, Any]) -> bool:
    """Whether all grey values behind a record were measured in people."""
    return bool(record["data"]) and all(cohort["real"] for cohort in record["data"])


def finding_of(record: Mapping[str, Any] | None, name: str) -> dict[str, Any] | None:
    """The finding of a record by its id; None without record or without such a finding."""
    return next((f for f in record["findings"] if f["id"] == name), None) if record else None


def _missing(decider: Decider, record: dict | None) -> str:
    if record is None:
        return f"{decider.page} has no record yet"
    near = difflib.get_close_matches(decider.finding, [f["id"] for f in record["findings"]], n=1)
    return f"{decider.page} does not record {decider.finding}" + (f" (near: {near[0]})" if near else "")


def _row(
    claim: Claim,
    decider: Decider | None,
    finding: dict | None,
    real: bool | None,
    verdict: Verdict,
    reason: str,
    stale: str | None = None,
) -> Row:
    measured = {key: (finding or {}).get(key) for key in ("what", "value", "low", "high", "n", "unit")}
    return Row(
        claim=claim.id,
        paper=claim.paper,
        statement=claim.statement,
        published=f"{claim.published.value} ({claim.published.where})" if claim.published else None,
        kind=(decider and decider.kind) or claim.kind,
        page=decider and decider.page,
        finding=decider and decider.finding,
        real=real,
        verdict=verdict,
        reason=reason,
        stale=stale,
        figure=claim.figure,
        note=claim.note,
        **measured,
    )


def problems(root: Path, results: Path | None = None, pages: Iterable[str] | None = None) -> list[str]:
    """What is wrong with the ledger, one sentence each; empty where all is well.

    A claim whose finding is missing must name the obstacle, and a deciding page must be one of `pages`
    (where they are given).
    """
    try:
        claims = load_claims(root)
    except LedgerError as error:
        return [str(error)]
    found = []
    records = read_records(results or root / "book" / "results")
    known = None if pages is None else set(pages)
    for claim in claims:
        for decider in claim.decided_by:
            finding = finding_of(records.get(decider.page), decider.finding)
            if known is not None and decider.page not in known:
                found.append(f"claim {claim.id}: no page {decider.page} in pages.yml")
            if finding is None and not (decider.obstacle or claim.obstacle):
                reason = _missing(decider, records.get(decider.page))
                found.append(f"claim {claim.id}: {reason}, and no obstacle is named")
            if finding and (decider.kind or claim.kind) == "direction" and not expected_side(decider, finding):
                found.append(f"claim {claim.id}: {decider.finding} needs 'expected: above' or 'below'")
    return found


def to_json(rows: Iterable[Row]) -> str:
    """The ledger as JSON, one object a row."""
    return json.dumps([{**asdict(row), "wording": row.wording} for row in rows], indent=1, ensure_ascii=False)
