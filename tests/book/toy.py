"""A page that never ran, with all that a published one has: notebook, executed notebook, record."""

from __future__ import annotations

import json
from pathlib import Path

NOTEBOOK = """# %% [markdown]
# # A toy

# %% tags=["parameters"]
profile: str = "quick"  # smoke | quick; how much work
seed: int = 0  # 0..100; seed of all

# %%
print(seed)
"""

MIME = "application/papermill.record/text/plain"
FINDING = {
    "id": "toy.cohort.auc.model", "paper": "toy", "cohort": "cohort", "metric": "auc", "method": "model",
    "condition": None, "what": "AUC of test people", "value": 0.846, "low": 0.81, "high": 0.88, "n": 60,
    "unit": "AUC", "better": "higher",
}  # fmt: skip
RECORD = {
    "schema": 1, "page": "toy", "notebook": "toy", "profile": "quick",
    "parameters": {"profile": "quick", "seed": 7}, "status": "ok", "error": None,
    "key": "0" * 64, "commit": "abcdef0123456789", "dirty": False,
    "data": [{"name": "cohort", "real": False, "people": 60, "images": 600, "sha256": "0" * 64}],
    "environment": {"python": "3.11.7", "torch": "2.13.0", "device": "cpu", "cores": 2},
    "started": "2026-01-02T03:04:05Z", "seconds": 12.3, "fit_seconds": 45.6, "peak_memory_mib": 789,
    "findings": [FINDING],
}  # fmt: skip
CLAIM = f"""  toy.1:
    statement: The toy plays.
    kind: size
    decided_by: [{{page: toy, finding: {FINDING["id"]}, threshold: 0.5, no_effect: 0.5}}]
"""
QUESTION = '      - {claim: toy.1, ask: "Does it play?"}\n'
READING = "# Reading\n\n```{run-record} toy\n```\n\n```{parameter-table} toy\n```\n"


def executed() -> dict:
    """The toy's executed notebook: a glued number, a finding for the runner alone, a formula."""
    prefix = "application/papermill.record/"
    finding = {
        "output_type": "display_data",
        "metadata": {"scrapbook": {"name": f"finding {FINDING['id']}", "mime_prefix": prefix}},
        "data": {f"{prefix}application/vnd.disentangle.finding+json": FINDING},
    }
    glued = {
        "output_type": "display_data",
        "metadata": {"scrapbook": {"name": "auc.model", "mime_prefix": "application/papermill.record/"}},
        "data": {MIME: "0.846"},
    }
    text = "# A toy\n\nIts AUC is {glue:text}`auc.model:.2f`, and $x^2$.\n\n## Work"
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": text},
        {
            "cell_type": "code", "id": "b", "metadata": {}, "source": "1", "execution_count": 1,
            "outputs": [finding, glued],
        },
    ]  # fmt: skip
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def add_to(root: Path) -> None:
    """Put the toy into a staged project whose ``pages.yml`` then lists it alone."""
    (root / "notebooks").mkdir(exist_ok=True)
    (root / "notebooks" / "toy.py").write_text(NOTEBOOK)
    for folder in ("executed", "results"):
        (root / "book" / folder).mkdir(exist_ok=True)
    (root / "book" / "executed" / "toy.ipynb").write_text(json.dumps(executed()))
    (root / "book" / "results" / "toy.json").write_text(json.dumps(RECORD))
    (root / "book" / "reading.md").write_text(READING)
    (root / "book" / "pages.yml").write_text("pages: {toy: {profile: quick}}\n")
    claims = root / "book" / "claims.yml"
    claims.write_text(claims.read_text().replace("claims:\n", f"claims:\n{CLAIM}", 1))
    papers = root / "book" / "papers.yml"
    papers.write_text(papers.read_text().replace("questions:\n", f"questions:\n{QUESTION}", 1))
