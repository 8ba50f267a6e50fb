"""Computes cells on Dask: processes of this machine, or a running cluster.

Cells start in order of worth, stale ones first. Each finished one is written at once, so that whatever stops
the computation costs only the cells under way. A cell whose worker is lost runs again.
"""

from __future__ import annotations

import json
import math
import os
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from disentangle.runs import checksums as sums
from disentangle.runs import project
from disentangle.runs.cells import Cell, CellState, fitting, states, stored_file
from disentangle.runs.files import write_atomically
from disentangle.runs.progress import Say, say_to_terminal

if TYPE_CHECKING:
    from distributed import Client

LIMIT_BYTES = 20_000
COMPACT = (",", ":")
TRIES = 3
"""How many workers may be lost over one cell before it counts as failed."""


@dataclass
class Outcome:
    """What came of a computation: names of cells."""

    finished: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    interrupted: bool = False


def compute(
    page: str,
    *,
    only: str | None = None,
    limit: int | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    say: Say = say_to_terminal,
) -> Outcome:
    """Compute cells of a page that are missing or stale.

    Parameters
    ----------
    only : glob pattern over cell names
    limit : compute at most so many
    workers : processes on this machine, by default one a core
    scheduler : address of a running Dask cluster instead
    """
    wanted = wanted_cells(states(page), only, limit)
    for state in wanted:
        if state.key is None:
            sums.of_data(state.cell.data)  # says which data set is absent, and how to get it
    outcome = Outcome()
    if not wanted:
        say(f"{page}: nothing to compute")
        return outcome
    with ExitStack() as locks, _client(min(workers or os.cpu_count() or 1, len(wanted)), scheduler) as client:
        try:
            _Computation(page, client, outcome, locks, say).run(wanted)
        except KeyboardInterrupt:
            outcome.interrupted = True
            say(f"{page}: interrupted, {len(outcome.finished)} finished cells are kept")
    return outcome


def wanted_cells(grid: list[CellState], only: str | None, limit: int | None) -> list[CellState]:
    """Cells to compute, stale ones first, else in order of worth; RunError for a pattern that fits none."""
    wanted = fitting(grid, only)
    stale = [state for state in wanted if state.state == "stale"]
    missing = [state for state in wanted if state.state == "missing"]
    return [*stale, *missing][:limit]


def work(function: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Compute one cell, in the worker: scores as JSON text, seconds, device and cores, or what ``failed``.

    An error is returned, not raised: raised ones are those of Dask, such as one worker lost after the other. Scores
    that are refused stand in the log, so that a training is not lost over its form.
    """
    from disentangle.runs.report import device_name

    began, found = time.monotonic(), None
    try:
        found = sums.load_function(function)(**parameters)
        scores = scores_as_json(found)
    except Exception as error:
        refused = "" if found is None else f"\nrefused: {json.dumps(found, default=repr)}\n"
        return {"failed": f"{type(error).__name__}: {error}", "log": traceback.format_exc() + refused}
    return {
        "scores": scores,
        "seconds": round(time.monotonic() - began, 1),
        "device": device_name(),
        "cores": int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1),
    }


def scores_as_json(scores: Any) -> str:
    """The scores of a cell as JSON; ValueError where they are no dict, too large, or not all finite."""
    if not isinstance(scores, dict):
        raise ValueError(f"a cell returns a dict of scores, found {type(scores).__name__}")
    path = _not_finite(scores)
    if path is not None:
        raise ValueError(f"score {path} is not finite; leave out what could not be measured, or use None")
    text = json.dumps(scores, default=_plain, separators=COMPACT)
    if len(text) > LIMIT_BYTES:
        raise ValueError(f"scores take {len(text) / 1000:.1f} kB, at most {LIMIT_BYTES / 1000:.0f} kB are kept")
    return text


class _Computation:
    """Hands cells to the workers, as many as there are threads, and keeps what comes back."""

    def __init__(self, page: str, client: Client, outcome: Outcome, locks: ExitStack, say: Say) -> None:
        self.page, self.client, self.outcome, self.locks, self.say = page, client, outcome, locks, say
        self.commit, self.dirty = project.commit(), bool(project.changed_files())
        self.running: dict[Any, CellState] = {}
        self.began = time.monotonic()

    def run(self, wanted: list[CellState]) -> None:
        from distributed import as_completed

        self.total, waiting = len(wanted), iter(wanted)
        arriving = as_completed()
        self._start(arriving, waiting)
        for future in arriving:
            self._keep(self.running.pop(future), future)
            self._start(arriving, waiting)

    def _start(self, arriving, waiting: Iterator[CellState]) -> None:
        """Start cells until every thread of the cluster has one."""
        threads = max(1, sum(self.client.nthreads().values()))
        while len(self.running) < threads:
            state = next((state for state in waiting if self._free(state.cell)), None)
            if state is None:
                return
            future = self.client.submit(work, state.cell.function, state.cell.parameters, pure=False)
            self.running[future] = state
            arriving.add(future)

    def _free(self, cell: Cell) -> bool:
        """Take the lock of a cell; false where another process computes it."""
        from filelock import FileLock, Timeout

        path = _scratch(self.page) / f".{cell.name}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.locks.enter_context(FileLock(path).acquire(timeout=0))
        except Timeout:
            self.outcome.elsewhere.append(cell.name)
            self.say(f"{self.page}: {cell.name} is under way in another process")
            return False
        return True

    def _keep(self, state: CellState, future) -> None:
        name = state.cell.name
        log = _scratch(self.page) / f"{name}.failed"
        try:
            done = future.result()
        except Exception as error:
            done = {"failed": f"{type(error).__name__}: {error}", "log": traceback.format_exc()}
        if "failed" in done:
            write_atomically(log, done["log"])
            self.outcome.failed.append(name)
            self.say(f"{self.page}: {name} FAILED, {done['failed'].splitlines()[0]} ({log})")
            return
        write_atomically(stored_file(self.page, name), self._as_text(state, done))
        log.unlink(missing_ok=True)
        self.outcome.finished.append(name)
        self.say(f"{self.page}: {name} done in {done['seconds']:.0f} s, {self._left()}")

    def _as_text(self, state: CellState, done: dict[str, Any]) -> str:
        content = {
            "schema": 1,
            "page": self.page,
            "cell": state.cell.name,
            "parameters": state.cell.parameters,
            "key": state.key,
            "commit": self.commit,
            "dirty": self.dirty,
            "device": done["device"],
            "cores": done["cores"],
            "seconds": done["seconds"],
            "data": sums.of_data(state.cell.data),
            "scores": json.loads(done["scores"]),
        }
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=COMPACT) + "\n"

    def _left(self) -> str:
        over = len(self.outcome.finished) + len(self.outcome.failed)
        left = self.total - over - len(self.outcome.elsewhere)
        minutes = math.ceil((time.monotonic() - self.began) / over * left / 60)
        return f"{over} of {self.total}" + (f", about {minutes} min left" if left > 0 else "")


ENVIRON = "distributed.nanny.pre-spawn-environ"
KEEPING_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(8 << 30), "MALLOC_MMAP_MAX_": "0"}
"""Workers keep freed memory. Dask's default hands it back at once, and a training then spends two fifths of its time
on getting the same pages again (measured: 43 % of the processor time of a training of SDNet, 0 % so)."""


@contextmanager
def _client(workers: int, scheduler: str | None) -> Iterator[Client]:
    """A client of the running cluster, or of worker processes on this machine, which end with it."""
    import dask
    from distributed import Client, LocalCluster

    if scheduler:
        with Client(scheduler, timeout="30s") as client:
            yield client
        return
    with (
        dask.config.set(
            {
                "distributed.scheduler.allowed-failures": TRIES,
                # Looking at the worker's stack every 10 ms costs a training of small steps a tenth of its time.
                "distributed.worker.profile.enabled": False,
                ENVIRON: KEEPING_MEMORY,
            }
        ),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            memory_limit=0,
            dashboard_address=None,
            silence_logs="ERROR",
            env=worker_environment(workers),
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def worker_environment(workers: int) -> dict[str, str]:
    """Variables of a worker: its share of the cores (or the caller's number), and this process's project and cache."""
    threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, (os.cpu_count() or 1) // workers))
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {
        **dict.fromkeys(names, threads),
        "OMP_WAIT_POLICY": "PASSIVE",
        "DISENTANGLE_HOME": str(project.root()),
        **project.named_folders(),
    }


def _scratch(page: str):
    """Folder of logs and locks, ignored by git."""
    return project.runs_folder() / "cells" / page


def _plain(value: Any) -> Any:
    """Numbers and arrays of numpy as plain ones, for JSON."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a score is {type(value).__name__}, expected numbers, text, lists or dicts")


def _not_finite(value: Any, path: str = "") -> str | None:
    """Where in nested scores a number is NaN or infinite."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, dict):
        parts = [(f"{path}.{name}" if path else str(name), item) for name, item in value.items()]
    elif isinstance(value, (list, tuple)):
        parts = [(f"{path}[{i}]", item) for i, item in enumerate(value)]
    else:
        return path if isinstance(value, float) and not math.isfinite(value) else None
    return next((found for name, item in parts if (found := _not_finite(item, name))), None)
