"""Where the project lies, what its folders are called, and which commit it stands on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

PAGES_FILE = Path("book") / "pages.yml"


class ProjectNotFound(FileNotFoundError):
    """No folder with ``book/pages.yml`` was found."""


def root() -> Path:
    """The project's folder: the one that holds ``book/pages.yml``.

    Taken from ``DISENTANGLE_HOME``, else the nearest parent of the working directory, else of this file.
    Raises ProjectNotFound where there is none.
    """
    named = os.environ.get("DISENTANGLE_HOME")
    if named:
        if not (Path(named) / PAGES_FILE).is_file():
            raise ProjectNotFound(f"DISENTANGLE_HOME is {named}, but there is no {PAGES_FILE} in it")
        return Path(named).resolve()
    here, package = Path.cwd().resolve(), Path(__file__).resolve()
    for folder in (here, *here.parents, *package.parents):
        if (folder / PAGES_FILE).is_file():
            return folder
    raise ProjectNotFound(
        f"no {PAGES_FILE} in {here} or above: go into the project, or set DISENTANGLE_HOME to its folder"
    )


def notebooks_folder() -> Path:
    """Sources of the notebooks."""
    return root() / "notebooks"


def runs_folder() -> Path:
    """Runs of this machine, ignored by git."""
    return root() / "runs"


def executed_folder() -> Path:
    """Published pages as papermill ran them."""
    return root() / "book" / "executed"


def results_folder() -> Path:
    """Records of published pages."""
    return root() / "book" / "results"


def cells_folder(page: str) -> Path:
    """Scores of the finished cells of a page."""
    return results_folder() / "cells" / page


def named_folders() -> dict[str, str]:
    """The variables by which the user named folders for data, packs and models, made absolute."""
    names = ("DISENTANGLE_CACHE", "DISENTANGLE_DATA", "DISENTANGLE_PACKS")
    return {name: str(Path(os.environ[name]).expanduser().resolve()) for name in names if os.environ.get(name)}


def commit() -> str | None:
    """The commit that is checked out; None outside of git.

    ``DISENTANGLE_COMMIT`` names it for a tree that was copied to another machine without its history.
    """
    answer = _git("rev-parse", "HEAD")
    return answer.strip() if answer else os.environ.get("DISENTANGLE_COMMIT")


def changed_files() -> list[str]:
    """Files that differ from the commit, without published results: these follow from the rest."""
    answer = _git("status", "--porcelain", "--untracked-files=all", "-z")
    published = ("book/executed/", "book/results/")
    return [name for name in _porcelain_names(answer or "") if not name.startswith(published)]


def _porcelain_names(answer: str) -> list[str]:
    """File names of ``git status --porcelain -z``; a rename is followed by its old name."""
    names, entries = [], iter(answer.split("\0"))
    for entry in entries:
        if entry:
            names.append(entry[3:])
            if entry[0] in "RC":
                names.append(next(entries))
    return names


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root()), *arguments], capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None
