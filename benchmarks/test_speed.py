"""How long the slow parts take: ``.venv/bin/python -m pytest benchmarks -o addopts= --benchmark-only``."""

import subprocess
import sys

import torch

from disentangle.imaging import datasets


def test_building_the_embedded_cohort(benchmark, tmp_path, monkeypatch):
    """7,512 slices on one core; 500 a second would be 15 s."""
    monkeypatch.setenv("DISENTANGLE_CACHE", str(tmp_path))
    torch.set_num_threads(1)
    cohort = benchmark.pedantic(datasets.load, args=("lidc",), rounds=1)
    benchmark.extra_info["slices a second"] = round(len(cohort) / benchmark.stats["mean"])


def test_help_of_the_command_line(benchmark):
    """Under 0.3 s: neither torch nor monai is loaded."""
    command = [sys.executable, "-c", "from disentangle.cli import main; main()", "--help"]
    benchmark.pedantic(
        subprocess.run, args=(command,), kwargs={"capture_output": True, "check": True}, rounds=5
    )
