"""The papers of the book, as ``book/papers.yml`` names them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import yaml

PAPERS_FILE = Path("book") / "papers.yml"


@dataclass(frozen=True)
class Question:
    """A question of the front page, and the claim whose findings answer it."""

    claim: str
    ask: str


@dataclass(frozen=True)
class Paper:
    """One paper: ``name`` is its folder in the package, ``alt`` tells what its picture shows, ``drawn`` from what."""

    name: str
    title: str
    authors: str
    url: str
    idea: str
    alt: str
    drawn: str = ""
    questions: tuple[Question, ...] = field(default=())


def load_papers(root: Path) -> dict[str, Paper]:
    """The papers by the name of their folder, in the order of the book; empty where there is no such file."""
    path = root / PAPERS_FILE
    entries = yaml.safe_load(path.read_text(encoding="utf8"))["papers"] if path.is_file() else {}
    return {name: _paper(name, dict(entry)) for name, entry in entries.items()}


def headings(papers: dict[str, Paper]) -> dict[str, str]:
    """What a page calls each paper."""
    return {name: f"{paper.title} ({paper.authors})" for name, paper in papers.items()}


def _paper(name: str, entry: dict) -> Paper:
    questions = tuple(Question(**question) for question in entry.pop("questions", ()))
    return Paper(name=name, questions=questions, **entry)
