"""Cells: which are done, which no longer fit, and how they are computed."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from disentangle.runs import cells, checksums, compute
from disentangle.runs.cells import Cell
from disentangle.runs.errors import RunError


def _store(home: Path, name: str, **changes) -> None:
    """Store scores as a computation would, with the key that the cell has now."""
    state = next(state for state in cells.states("toy") if state.cell.name == name)
    content = {"cell": name, "parameters": state.cell.parameters, "key": state.key, "scores": {"auc": 0.75}}
    path = cells.stored_file("toy", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**content, "seconds": 1.0, "device": "cpu", **changes}))


def test_a_grid_that_has_not_run_is_all_missing(toy_project):
    table = cells.load("toy")
    assert (table.done, table.fresh, table.stale, table.missing) == ([], 0, 0, 3)
    assert table.summary() == "0 of 3 cells of this experiment have run (3 not run yet)."


def test_only_fresh_cells_are_read(toy_project):
    _store(toy_project, "first")
    _store(toy_project, "lost", key="0" * 64)
    table = cells.load("toy")
    (done,) = table.done
    assert (done["cell"], done["scores"], done["device"]) == ("first", {"auc": 0.75}, "cpu")
    assert (table.fresh, table.stale, table.missing) == (1, 1, 1)
    assert table.summary() == "1 of 3 cells of this experiment have run (1 stale, 1 not run yet)."


@pytest.mark.parametrize(
    "old, new, state",
    [
        ("0.75", "0.5", "stale"),
        ("kills its worker", "stops", "done"),
        ("import os", "import os  # for exit", "done"),
    ],
)
def test_a_cell_is_stale_when_its_code_changes_in_more_than_words(toy_project, old, new, state):
    _store(toy_project, "first")
    work = toy_project / "toy_work.py"
    work.write_text(work.read_text().replace(old, new))
    assert cells.states("toy")[0].state == state


def test_a_key_covers_function_code_parameters_and_data():
    cell = Cell("a", "m:f", {"x": 1}, data=("d",))
    key = cells.cell_key(cell, "code", {"d": "1"})
    assert key == cells.cell_key(Cell("b", "m:f", {"x": 1}, data=("d",), seconds=9), "code", {"d": "1"})
    others = [
        cells.cell_key(Cell("a", "m:g", {"x": 1}), "code", {"d": "1"}),
        cells.cell_key(cell, "other", {"d": "1"}),
        cells.cell_key(Cell("a", "m:f", {"x": 2}), "code", {"d": "1"}),
        cells.cell_key(cell, "code", {"d": "2"}),
    ]
    assert len({key, *others}) == 5


def test_absent_data_are_taken_to_be_what_they_were(toy_project, monkeypatch):
    grid = toy_project / "toy_grid.py"
    grid.write_text(grid.read_text().replace("seconds=1.0", "data=('scans',)"))
    known = {"scans": "abc"}

    def checksum(name):
        if name not in known:
            raise FileNotFoundError(f"{name} is absent: get it there")
        return known[name]

    monkeypatch.setattr(checksums, "load_function", _with(checksum))
    _store(toy_project, "first", data={"scans": "abc"})
    assert [state.state for state in cells.states("toy")] == ["done", "missing", "missing"]
    known.clear()
    assert [state.state for state in cells.states("toy")] == ["done", "missing", "missing"]
    with pytest.raises(FileNotFoundError, match="get it there"):
        compute.compute("toy")
    known["scans"] = "changed"
    assert cells.states("toy")[0].state == "stale"


def _with(checksum):
    """``load_function`` with a checksum of our own."""
    original = checksums.load_function
    return lambda reference: checksum if reference == checksums.DATA_CHECKSUM else original(reference)


def test_stale_cells_come_first_and_the_rest_in_order_of_worth():
    grid = [
        cells.CellState(Cell(name, "m:f", {}), state, "k", None)
        for name, state in [("a1", "missing"), ("b1", "done"), ("a2", "stale"), ("b2", "missing")]
    ]
    assert [s.cell.name for s in compute.wanted_cells(grid, None, None)] == ["a2", "a1", "b2"]
    assert [s.cell.name for s in compute.wanted_cells(grid, None, 2)] == ["a2", "a1"]
    assert [s.cell.name for s in compute.wanted_cells(grid, "b*", None)] == ["b2"]
    for refusing in (lambda: compute.wanted_cells(grid, "c*", None), lambda: cells.fitting(grid, "c*")):
        with pytest.raises(RunError, match="no cell is called like 'c"):
            refusing()


@pytest.mark.parametrize(
    "scores, message",
    [
        ({"auc": math.nan}, "score auc is not finite"),
        ({"fold": [{"auc": 1.0}, {"auc": np.float32("inf")}]}, r"score fold\[1\]\.auc is not finite"),
        ({"people": np.array([0.1, np.nan])}, r"score people\[1\] is not finite"),
        ({"people": list(range(5000))}, "scores take 23.* kB, at most 20 kB"),
        ([0.5], "a dict of scores, found list"),
    ],
)
def test_scores_that_cannot_be_kept_are_refused(scores, message):
    with pytest.raises(ValueError, match=message):
        compute.scores_as_json(scores)


def test_refused_scores_of_a_finished_training_are_kept_in_the_log(monkeypatch):
    monkeypatch.setattr(compute.sums, "load_function", lambda name: lambda: {"auc": math.inf, "fold": 3})
    done = compute.work("any:function", {})
    assert done["failed"] == "ValueError: score auc is not finite; leave out what could not be measured, or use None"
    assert done["log"].endswith('refused: {"auc": Infinity, "fold": 3}\n')


def test_scores_of_numpy_become_plain_numbers():
    scores = {"auc": np.float32(0.5), "n": np.int64(3), "people": np.array([1.0, 2.0]), "left_out": None}
    assert json.loads(compute.scores_as_json(scores)) == {
        **{"auc": 0.5, "n": 3, "people": [1.0, 2.0], "left_out": None}
    }


@pytest.mark.slow
def test_a_lost_worker_costs_nothing_and_a_failing_cell_stops_no_other(toy_project):
    outcome = compute.compute("toy", workers=1, say=lambda line: None)
    assert (toy_project / "runs" / "was_lost").exists()
    assert (outcome.finished, outcome.failed) == (["first", "lost"], ["wrong"])
    assert [state.state for state in cells.states("toy")] == ["done", "done", "missing"]
    assert "ValueError: no good" in (toy_project / "runs" / "cells" / "toy" / "wrong.failed").read_text()
    stored = json.loads(cells.stored_file("toy", "lost").read_text())
    assert (stored["schema"], stored["page"], stored["cell"], stored["scores"]) == (
        1,
        "toy",
        "lost",
        {"auc": 0.75},
    )
    assert len(stored["commit"]) == 40 and stored["dirty"] is False and stored["cores"] >= 1


def test_a_running_cluster_computes_cells_and_outlives_them(toy_project):
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
        outcome = compute.compute("toy", only="first", scheduler=cluster.scheduler_address, say=lambda line: None)
        assert outcome.finished == ["first"] and len(cluster.workers) == 1
    assert [state.state for state in cells.states("toy")] == ["done", "missing", "missing"]


def test_the_cores_are_shared_among_the_workers(toy_project, monkeypatch):
    monkeypatch.setattr(compute.os, "cpu_count", lambda: 16)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    threads = {n: compute.worker_environment(n)["OMP_NUM_THREADS"] for n in (1, 4, 32)}
    assert threads == {1: "16", 4: "4", 32: "1"}
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert compute.worker_environment(1)["OMP_NUM_THREADS"] == "3"


def test_a_grid_with_a_name_twice_is_refused(toy_project):
    grid = toy_project / "toy_grid.py"
    grid.write_text(grid.read_text().replace('"lost"', '"first"'))
    with pytest.raises(RunError, match=r"repeated names \['first'\]"):
        cells.grid("toy")
