"""The rendered book: the published pages (``make site``), or all pages run anew (``make book``).

Both stage what they render under ``_build/`` and copy changed files only, so that Sphinx reads again what has
changed and nothing else. Neither writes outside of ``_build/`` and ``runs/``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import yaml

from disentangle.runs import frame, project
from disentangle.runs.errors import RunError

if TYPE_CHECKING:
    from disentangle.runs.rerun import Outcome

STATIC_PARTS = ("_config.yml", "_toc.yml", "book", "notebooks")
LEFT_OUT = ("book/results/cells/",)
RECORDS = PurePosixPath("book/results")


class RenderError(RunError):
    """Jupyter Book reported errors or warnings; they were printed."""


def make_site(root: Path | None = None) -> Path:
    """Render the committed book; the path of its first page.

    Raises RenderError where Jupyter Book warns of anything.
    """
    root = root or project.root()
    build = root / "_build"
    files = committed_files(root)
    files |= parameter_files(files, build)
    stage({**files, "_toc.yml": _contents(files, build)}, build / "source")
    return render(build / "source", root, root)


def make_book(root: Path | None = None) -> tuple[Path, list[Outcome]]:
    """Run every page, render all with a ledger of its own; the first page, and what became of each.

    A page that needs absent data, or whose run fails, keeps its committed execution and says so.
    """
    from disentangle.runs.rerun import rerun_all

    root = root or project.root()
    outcomes = rerun_all()
    source = root / "_build" / "book" / "source"
    stage(book_files(root, outcomes, source.parent), source)
    return render(source, source.parent, root), outcomes


def committed_files(root: Path) -> dict[str, Path]:
    """What the published book is made of: path in the staged folder -> file."""
    files = (path for part in STATIC_PARTS for path in _files_in(root / part))
    named = {path.relative_to(root).as_posix(): path for path in files}
    return {name: path for name, path in named.items() if not name.startswith(LEFT_OUT)}


def book_files(root: Path, outcomes: Iterable[Outcome], scratch: Path) -> dict[str, Path]:
    """The committed book with the pages of `outcomes` in place of its own; `scratch` gets new files."""
    files = committed_files(root)
    for outcome in outcomes:
        if outcome.notebook and outcome.record:
            files[f"book/executed/{outcome.page}.ipynb"] = outcome.notebook
            files[f"book/results/{outcome.page}.json"] = outcome.record
    files |= parameter_files(files, scratch)
    toc, states = _contents(files, scratch), scratch / "page_states.json"
    states.write_text(json.dumps({outcome.page: outcome.state for outcome in outcomes}), encoding="utf8")
    return {**files, frame.STATES.as_posix(): states, "_toc.yml": toc}


def parameter_files(files: Mapping[str, Path], scratch: Path) -> dict[str, Path]:
    """The parameters of each page's run as a file that papermill reads (``-f``), written into `scratch`."""
    written = {}
    for name, path in files.items():
        if PurePosixPath(name).parent == RECORDS and path.is_file():
            record = json.loads(path.read_text(encoding="utf8"))
            copy = scratch / "parameters" / f"{PurePosixPath(name).stem}.yml"
            copy.parent.mkdir(parents=True, exist_ok=True)
            note = f"# papermill notebooks/{record['notebook']}.ipynb out.ipynb -f {copy.name}\n"
            copy.write_text(note + yaml.safe_dump(record["parameters"], sort_keys=False), encoding="utf8")
            written[f"book/parameters/{copy.name}"] = copy
    return written


def _contents(files: Mapping[str, Path], scratch: Path) -> Path:
    """A table of contents, in `scratch`, of those pages that are among `files`; the others are named."""
    contents = yaml.safe_load(files["_toc.yml"].read_text(encoding="utf8"))
    chapters = [chapter["file"] for part in contents["parts"] for chapter in part["chapters"]]
    missing = sorted(set(chapters) - _pages_among(files))
    if missing:
        print(f"left out, there is no execution of them yet: {', '.join(missing)}", file=sys.stderr)
    toc = scratch / "_toc.yml"
    toc.parent.mkdir(parents=True, exist_ok=True)
    toc.write_text(yaml.safe_dump(without_missing(contents, files), sort_keys=False), encoding="utf8")
    return toc


def _pages_among(files: Iterable[str]) -> set[str]:
    return {Path(name).with_suffix("").as_posix() for name in files}


def without_missing(toc: Mapping, files: Iterable[str]) -> dict:
    """The table of contents without pages that are not among `files`."""
    present = _pages_among(files)
    parts = [{**part, "chapters": _present(part["chapters"], present)} for part in toc["parts"]]
    return {**toc, "parts": [part for part in parts if part["chapters"]]}


def _present(entries: list[dict], present: set[str]) -> list[dict]:
    """Those entries, and those sections of theirs, whose pages are there."""
    kept = [entry for entry in entries if entry["file"] in present]
    below = [_present(entry.get("sections", []), present) for entry in kept]
    bare = [{name: value for name, value in entry.items() if name != "sections"} for entry in kept]
    return [
        {**entry, **({"sections": sections} if sections else {})} for entry, sections in zip(bare, below, strict=True)
    ]


def _files_in(path: Path) -> Iterable[Path]:
    if path.is_file():
        return [path]
    hidden = (".ipynb_checkpoints", "__pycache__")
    return (file for file in sorted(path.rglob("*")) if file.is_file() and not set(hidden) & set(file.parts))


def stage(files: Mapping[str, Path], target: Path) -> None:
    """Make `target` hold exactly `files`; a file that is there already with that content stays."""
    for name, origin in files.items():
        copy, content = target / name, origin.read_bytes()
        if not copy.is_file() or copy.read_bytes() != content:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
    for copy in list(_files_in(target)):
        if copy.relative_to(target).as_posix() not in files:
            copy.unlink()


def render(source: Path, output: Path, root: Path) -> Path:
    """Build the HTML of a staged book into ``output/_build/html`` and return its first page.

    Warnings are errors. What an earlier rendering left may no longer fit (a function has moved, a figure has gone to
    another page), so where that fails it is thrown away and the book rendered once more from nothing. Raises
    RenderError after Jupyter Book has printed what is wrong.
    """
    first, left = output / "_build" / "html" / "index.html", output / "_build" / ".doctrees"
    print("Rendering the book", flush=True)
    if left.is_dir():
        if _built(source, output, root, quiet=True):
            return first
        print("Rendering it anew, without what the last rendering left", flush=True)
        shutil.rmtree(left)
    if not _built(source, output, root, quiet=False):
        raise RenderError(f"the book in {source} could not be rendered; what is wrong stands above")
    return first


def _built(source: Path, output: Path, root: Path, *, quiet: bool) -> bool:
    """Whether Jupyter Book renders without a warning; ``quiet`` keeps to itself what is wrong."""
    start = "from jupyter_book.cli.main import main; main()"
    arguments = ["build", str(source), "--path-output", str(output), "-W", "-n", "--keep-going", "-q"]
    environment = {**os.environ, "DISENTANGLE_HOME": str(root), "PYTHONWARNINGS": "ignore"}
    # Its own closing box would stand after our last line, the path; what is wrong it prints to stderr.
    command = [sys.executable, "-c", start, *arguments]
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL if quiet else None}
    done = subprocess.run(command, env=environment, cwd=root, **streams)
    return done.returncode == 0 and (output / "_build" / "html" / "index.html").is_file()


def main() -> None:
    """``python -m disentangle.runs.site``: render the published pages and print where they begin."""
    try:
        print(make_site())
    except (RenderError, project.ProjectNotFound) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
