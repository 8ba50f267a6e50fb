"""Plain conclusions: sentences of ``book/conclusions.yml`` whose ending is decided by a finding's interval."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from disentangle.runs.claims import finding_of, is_real
from disentangle.runs.errors import RunError
from disentangle.runs.ledger import kind_of_data, plain, with_interval

CONCLUSIONS_FILE = Path("book") / "conclusions.yml"

Records = Mapping[str, Mapping[str, Any]]


class Sentence(BaseModel):
    """One sentence with three endings; ``reference`` is what the finding's interval is compared with.

    ``units`` says what the finding's n counts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    page: str
    finding: str
    above: str
    below: str
    neither: str
    reference: float = 0.0
    units: str = "people"

    def said(self, low: float, high: float) -> str:
        """The ending that an interval decides."""
        return self.above if low > self.reference else self.below if high < self.reference else self.neither


class Part(BaseModel):
    """Sentences under a heading."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    sentences: tuple[Sentence, ...]


def load_conclusions(root: Path) -> list[Part]:
    """The parts of ``book/conclusions.yml`` under `root`, in its order; raises RunError for a file that is none."""
    path = root / CONCLUSIONS_FILE
    try:
        return [Part(**part) for part in yaml.safe_load(path.read_text(encoding="utf8"))["parts"]]
    except (ValidationError, KeyError, TypeError) as error:
        raise RunError(f"{CONCLUSIONS_FILE.as_posix()} is not a list of parts with sentences: {error}") from error


def conclusions_markdown(
    parts: Iterable[Part],
    records: Records,
    link: Callable[[str], str],
    cell: Callable[[str, str], str | None],
) -> str:
    """A heading a part, a bullet a sentence: the sentence, the number behind it, its page and its cell.

    ``link`` turns a page's name into a link, ``cell`` a page and a finding into the label of the cell that computed
    it, or None. A finding without a record, or without an interval, is called pending.
    """
    return "\n\n".join(
        f"## {plain(part.title)}\n\n" + "\n".join(_bullet(sentence, records, link, cell) for sentence in part.sentences)
        for part in parts
    )


def missing(parts: Iterable[Part], records: Records) -> list[str]:
    """The findings that no record holds, with their pages."""
    return [
        f"{sentence.finding} ({sentence.page})"
        for part in parts
        for sentence in part.sentences
        if finding_of(records.get(sentence.page), sentence.finding) is None
    ]


def _bullet(sentence: Sentence, records: Records, link: Callable, cell: Callable) -> str:
    finding = finding_of(records.get(sentence.page), sentence.finding)
    if finding is None or finding["low"] is None:
        return f"- *Pending*: {plain(sentence.finding)}, from {link(sentence.page)}."
    measured = f"{with_interval(finding['value'], finding['low'], finding['high'])} {plain(finding['unit'])}"
    anchor = cell(sentence.page, sentence.finding)
    behind = [
        f"**{measured}**",
        f"{kind_of_data(is_real(records[sentence.page]))} data",
        f"{finding['n']} {sentence.units}",
        link(sentence.page),
    ]
    behind += [f"[its cell](#{anchor})"] if anchor else []
    said = plain(sentence.said(finding["low"], finding["high"]))
    return f"- {said}\\\n  [{', '.join(behind)}]{{.evidence}}"
