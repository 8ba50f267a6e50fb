"""Every notebook runs in the smoke profile, within its bound, through the runner that readers use."""

import json
import os

import pytest

from disentangle.runs import execute, project

NOTEBOOKS = sorted(path.stem for path in (project.root() / "notebooks").glob("*.py"))
SMOKE_BOUND_S = 30


@pytest.fixture
def runs_elsewhere(tmp_path, monkeypatch):
    """Runs of tests never land beside those of a user."""
    monkeypatch.setattr(project, "runs_folder", lambda: tmp_path / "runs")
    return tmp_path / "runs"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_runs_in_the_smoke_profile(name, runs_elsewhere):
    done = execute.run(name, {"profile": "smoke"})
    record = json.loads((done.folder / "record.json").read_text())
    assert record["status"] == "ok" and record["data"]
    assert record["profile"] == "smoke" and record["schema"] == 1
    slow_machine = os.environ.get("CI") or (os.cpu_count() or 1) < 2
    assert record["seconds"] < SMOKE_BOUND_S * (4 if slow_machine else 2)
