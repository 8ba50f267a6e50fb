"""All pages of the book run anew on this machine, in the profile quick."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from disentangle.runs.checksums import load_function
from disentangle.runs.errors import RunError
from disentangle.runs.execute import run_page
from disentangle.runs.frame import RERUN
from disentangle.runs.pages import Page, pages

PROFILE = "quick"
DATA_AVAILABLE = "disentangle.imaging.datasets:available"
"""Tells whether a named data set can be read on this machine: ``available(name) -> bool``."""


@dataclass(frozen=True)
class Outcome:
    """What became of one page: ``state`` is ``rerun``, or says in words why the page is not of this run.

    ``notebook`` and ``record`` are None where there is nothing new to show.
    """

    page: str
    state: str = RERUN
    notebook: Path | None = None
    record: Path | None = None
    failed: bool = False


def rerun_all(say: Callable[[str], None] | None = None) -> list[Outcome]:
    """Run each page of ``book/pages.yml``, one after the other; a failure does not stop the others."""
    say = say or _say_to_terminal
    known = list(pages().values())
    outcomes = []
    for number, page in enumerate(known, start=1):
        say(f"[{number}/{len(known)}] {page.name}: {page.title or page.notebook} ({PROFILE})")
        began = time.monotonic()
        outcomes.append(rerun(page))
        said = "done" if outcomes[-1].state == RERUN else outcomes[-1].state
        say(f"[{number}/{len(known)}] {page.name}: {said} ({time.monotonic() - began:.0f} s)")
    return outcomes


def rerun(page: Page) -> Outcome:
    """Run one page, unless real data that it needs are absent."""
    absent = [name for name in page.needs if not load_function(DATA_AVAILABLE)(name)]
    if absent:
        return Outcome(page.name, f"Data absent ({', '.join(absent)}).")
    try:
        run = run_page(page.name, {"profile": PROFILE})
    except (RunError, ValueError, OSError, KeyError) as error:
        return Outcome(page.name, f"It could not be run here: {error}.", failed=True)
    if not run.ok:
        kept = f"{run.folder.parent.name}/{run.folder.name}"
        return Outcome(page.name, f"Its run here failed: {run.record.error} (kept in runs/{kept}).", failed=True)
    return Outcome(page.name, RERUN, run.notebook, run.folder / "record.json")


def _say_to_terminal(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
