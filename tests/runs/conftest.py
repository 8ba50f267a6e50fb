"""A small project with a notebook, a page and a grid of cells, in a temporary folder."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PAGES = """
pages:
  toy:
    notebook: toy
    profile: smoke
    parameters: {slope: 2}
    grid: toy_grid:cells
    title: A line
"""

NOTEBOOK = """
# %% [markdown]
# # A line
#
# It rises.

# %%
from typing import Optional

from disentangle.runs import cells
from disentangle.runs.report import Report

# %% tags=["parameters"]
profile: str = "quick"  # smoke | quick; how much work
seed: int = 0
slope: float = 1.0  # 0..10; rise of the line
steps: Optional[int] = None  # 1..100; training steps

# %% [markdown]
# ## Measuring

# %%
table = cells.load("toy")
print(table.summary(), __import__("sys").prefix + "/bin")
report = Report("toys", "line")
report.fitted(1.5)
common = {"n": 3, "what": "rise of the line", "unit": "1", "better": "neither"}
report.finding("rise", "given", slope, low=slope - 1, high=slope + 1, **common);

# %% [markdown]
# ## A steep part

# %%
if slope > 5:
    raise RuntimeError(f"too steep: {slope}")
"""

GRID = """
from disentangle.runs.cells import Cell


def cells():
    return [Cell(name, "toy_work:run", {"name": name}, seconds=1.0) for name in ("first", "lost", "wrong")]
"""

WORK = '''
import os
from pathlib import Path


def run(name):
    """The cell "lost" kills its worker the first time, the cell "wrong" fails."""
    flag = Path(os.environ["DISENTANGLE_HOME"]) / "runs" / "was_lost"
    if name == "lost" and not flag.exists():
        flag.touch()
        os._exit(1)
    if name == "wrong":
        raise ValueError("no good")
    return {"auc": 0.75}
'''


FILES = {
    "book/pages.yml": PAGES,
    "notebooks/toy.py": NOTEBOOK.lstrip(),
    "toy_grid.py": GRID,
    "toy_work.py": WORK,
    ".gitignore": "/runs/\n__pycache__/\n",
}


def commit(home: Path) -> None:
    """Commit everything in a project, which becomes a repository where it is none."""
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    for command in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "state", "--allow-empty"]):
        subprocess.run(["git", "-C", str(home), *command], check=True, capture_output=True)


@contextmanager
def project(home: Path) -> Iterator[Path]:
    """A committed project with the page ``toy`` in a folder, which the package then takes for its own."""
    for name, text in FILES.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    commit(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISENTANGLE_HOME", str(home))
        patch.setenv("PYTHONPATH", str(home))
        patch.syspath_prepend(home)
        yield home
    forget()


def forget() -> None:
    """Forget the modules of a toy project, so that the next one's are loaded."""
    for name in ("toy_grid", "toy_work"):
        sys.modules.pop(name, None)


@pytest.fixture
def toy_project(tmp_path: Path) -> Iterator[Path]:
    """A fresh toy project."""
    with project(tmp_path / "project") as home:
        yield home


@pytest.fixture(scope="session")
def _published_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from disentangle.runs.publish import publish

    with project(tmp_path_factory.mktemp("published")) as home:
        publish("toy", say=lambda line: None)
    return home


@pytest.fixture
def published(_published_once: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A toy project whose page is published; tests share it and must leave it as it is."""
    monkeypatch.setenv("DISENTANGLE_HOME", str(_published_once))
    monkeypatch.syspath_prepend(_published_once)
    yield _published_once
    forget()


@pytest.fixture
def published_copy(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the published toy project, committed, to be changed by one test."""
    home = Path(shutil.copytree(published, tmp_path / "copy"))
    commit(home)
    monkeypatch.setenv("DISENTANGLE_HOME", str(home))
    monkeypatch.syspath_prepend(home)
    return home


@pytest.fixture
def commit_all() -> Callable[[Path], None]:
    """Commits everything in a project."""
    return commit
