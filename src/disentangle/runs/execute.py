"""Runs a notebook through papermill and keeps what came of it: the executed notebook and its record."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disentangle.runs import notebooks, project
from disentangle.runs.errors import RunError
from disentangle.runs.files import replace_folder, write_atomically
from disentangle.runs.keys import Key, run_key
from disentangle.runs.pages import page
from disentangle.runs.parameters import parameter_table, validate
from disentangle.runs.progress import Progress, Say, say_to_terminal

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from disentangle.runs.record import RunRecord


@dataclass(frozen=True)
class Run:
    """A run on this machine: its folder and record, and whether it had been there before."""

    folder: Path
    record: RunRecord
    reused: bool

    @property
    def notebook(self) -> Path:
        return self.folder / "notebook.ipynb"

    @property
    def ok(self) -> bool:
        return self.record.status == "ok"


def run(
    notebook: str,
    given: Mapping[str, Any] | None = None,
    *,
    page_name: str | None = None,
    again: bool = False,
    say: Say | None = None,
) -> Run:
    """Run a notebook with some parameters, or return the finished run of the same key.

    The parameters are checked before a kernel starts (ParameterError). A run that fails, or is interrupted,
    is kept with its partial notebook and a record that says so; the returned record's status tells.
    A second equal run at the same time waits for the first and returns its result.
    """
    say = say or say_to_terminal
    declared = parameter_table(notebook)
    values = validate(declared, given or {}, where=f"parameters of {notebook}")
    key = run_key(notebook, values)
    folder = project.runs_folder() / notebook / key.short
    with _only_one(folder, say):
        finished = _finished(folder)
        if finished is not None and not again:
            say(f"{notebook} has run with these parameters before: {folder} (--again runs it anew)")
            return Run(folder, finished, reused=True)
        passed = {name: values[name] for name in given or {}}
        return _Execution(notebook, page_name or notebook, values, passed, key, folder, say).run()


def run_page(name: str, given: Mapping[str, Any] | None = None, **options: Any) -> Run:
    """Run the notebook of a published page with the page's parameters, over which ``given`` goes."""
    known = page(name)
    return run(known.notebook, {**known.given, **(given or {})}, page_name=name, **options)


class _Execution:
    """One execution: everything about it is written aside, and put in place when it is over."""

    def __init__(
        self,
        notebook: str,
        page_name: str,
        values: dict[str, Any],
        passed: dict[str, Any],
        key: Key,
        folder: Path,
        say: Say,
    ) -> None:
        self.notebook, self.page_name, self.values, self.passed = notebook, page_name, values, passed
        self.key, self.folder, self.say = key, folder, say
        self.aside = folder.with_name(f".{folder.name}.writing")
        self.commit, self.dirty = project.commit(), bool(project.changed_files())

    def run(self) -> Run:
        from disentangle.runs.kernel import Watch

        shutil.rmtree(self.aside, ignore_errors=True)
        self.aside.mkdir(parents=True)
        watch, began, started = Watch(), time.monotonic(), datetime.now(UTC)
        try:
            error = self._papermill(watch)
            nb, collected, error = self._tidied(error)
            seconds = round(time.monotonic() - began, 1)
            record = self._record(collected, error, started, seconds, watch.peak_mib)
            write_atomically(self.aside / "notebook.ipynb", notebooks.as_text(nb, indent=0))
            write_atomically(self.aside / "record.json", record.as_text())
            replace_folder(self.aside, self.folder)
        finally:
            shutil.rmtree(self.aside, ignore_errors=True)
        if watch.interrupted:
            print(f"interrupted: what has run lies in {self.folder}", file=sys.stderr)
            raise KeyboardInterrupt
        return Run(self.folder, record, reused=False)

    def _papermill(self, watch) -> str | None:
        """Run the notebook into ``aside``; what went wrong, or None."""
        os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
        import papermill

        from disentangle.runs import kernel

        nb = notebooks.read(self.notebook)
        progress = Progress(self.notebook, nb, self.say, injected=bool(self.passed))

        async def starts(cell: NotebookNode, cell_index: int) -> None:
            watch.listen()
            progress.cell_starts(cell)

        async def has_run(cell: NotebookNode, cell_index: int, execute_reply: dict) -> None:
            watch.measure()

        with tempfile.TemporaryDirectory() as scratch:
            try:
                papermill.execute_notebook(
                    nb,
                    self.aside / "notebook.ipynb",
                    parameters=self.passed,
                    language="python",
                    kernel_name="python3",
                    progress_bar=False,
                    cwd=self.aside,
                    kernel_manager_class=kernel.manager_class(watch, kernel.environment(Path(scratch))),
                    record_timing=False,
                    on_cell_start=starts,
                    on_cell_executed=has_run,
                )
            except papermill.PapermillExecutionError as error:
                return f"{error.ename}: {error.evalue} ({progress.where()})"
            except KeyboardInterrupt:
                watch.interrupted = True
            except Exception as error:
                if not watch.interrupted:
                    return f"{type(error).__name__}: {error} ({progress.where()})"
        return f"interrupted ({progress.where()})" if watch.interrupted else None

    def _tidied(self, error: str | None):
        """The executed notebook without traces of the machine, what it recorded, and what went wrong."""
        from disentangle.runs.collect import Collected, collect
        from disentangle.runs.tidy import scrub, tidy

        nb = _read_partial(self.aside / "notebook.ipynb", self.notebook)
        tidy(nb, self.aside)
        try:
            collected = collect(nb)
            if error is None:
                self._check_cells(collected.cells)
        except (RunError, ValueError) as problem:
            collected, error = Collected(), error or str(problem)
        return nb, collected, None if error is None else scrub(error, self.aside)

    def _check_cells(self, read: Mapping[str, str]) -> None:
        foreign = sorted({name.partition("/")[0] for name in read if name not in self.key.cells})
        if foreign:
            raise RunError(
                f"the notebook read cells of {', '.join(foreign)} that its key does not cover: they were "
                f"added while it ran, or {project.PAGES_FILE} must name the page under 'reads'"
            )
        changed = [name for name in read if read[name] != self.key.cells[name]]
        if changed:
            raise RunError(f"cells changed while the notebook ran: {', '.join(changed[:3])}; run it again")

    def _record(self, collected, error: str | None, started: datetime, seconds: float, peak: float):
        from disentangle.runs.record import Environment, RunRecord

        environment = Environment(
            python=platform.python_version(),
            torch=_version_of("torch"),
            device=collected.device,
            cores=os.cpu_count() or 1,
        )
        return RunRecord(
            page=self.page_name,
            notebook=self.notebook,
            profile=str(self.values.get("profile", "")),
            parameters=self.values,
            status="ok" if error is None else "failed",
            error=error,
            key=self.key.value,
            key_parts=self.key.parts,
            commit=self.commit,
            dirty=self.dirty,
            data=collected.data,
            data_checksums=self.key.data,
            cells=self.key.cells,
            environment=environment,
            started=started.strftime("%Y-%m-%dT%H:%M:%SZ"),
            seconds=seconds,
            fit_seconds=collected.fit_seconds,
            peak_memory_mib=round(peak),
            findings=collected.findings,
        )


def _read_partial(path: Path, notebook: str) -> NotebookNode:
    """The notebook as far as papermill saved it; the unexecuted one where it saved nothing."""
    import nbformat

    return nbformat.read(path, as_version=4) if path.is_file() else notebooks.read(notebook)


def _finished(folder: Path) -> RunRecord | None:
    """The record of a run that ended well; None for a failed one or none."""
    from disentangle.runs.record import RunRecord

    path = folder / "record.json"
    if not path.is_file():
        return None
    record = RunRecord.model_validate_json(path.read_text(encoding="utf-8"))
    return record if record.status == "ok" else None


@contextmanager
def _only_one(folder: Path, say: Say) -> Iterator[None]:
    """Hold the lock of this run; says so when another process holds it."""
    from filelock import FileLock, Timeout

    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"the same run is under way in another process: waiting for {folder.parent.name}/{folder.name}")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _version_of(package: str) -> str | None:
    """Version without the build's label, which names no release."""
    try:
        return metadata.version(package).partition("+")[0]
    except metadata.PackageNotFoundError:
        return None
