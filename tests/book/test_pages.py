"""The committed pages: each has its record, keeps to its size, and every figure says what it shows."""

import ast
import json
import re
from pathlib import Path

import pytest
import yaml

from disentangle.runs.directives import figures_of

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = sorted((REPOSITORY / "book" / "executed").glob("*.ipynb"))
LARGEST_PAGE = 1_000_000
LARGEST_CELL = 25_000

pages = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)


def _cells(page: Path) -> list[dict]:
    return json.loads(page.read_text(encoding="utf-8"))["cells"]


@pages
def test_a_page_keeps_to_its_size(page):
    assert page.stat().st_size < LARGEST_PAGE


@pages
def test_a_page_has_the_record_of_a_run_that_succeeded(page):
    record = json.loads((REPOSITORY / "book" / "results" / f"{page.stem}.json").read_text(encoding="utf-8"))
    assert record["status"] == "ok" and record["page"] == page.stem and not record["dirty"]
    assert record["findings"] and record["data"]


@pages
def test_no_cell_of_a_page_failed_or_warned(page):
    outputs = [output for cell in _cells(page) for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output["output_type"] == "error"]
    streams = ["".join(output["text"]) for output in outputs if output.get("name") == "stderr"]
    assert not [text for text in streams if "Warning" in text or "Traceback" in text]


@pages
def test_every_figure_has_a_caption_and_words_for_those_who_cannot_see_it(page):
    for cell in _cells(page):
        shown = [output for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
        if shown:
            settings = cell["metadata"].get("mystnb", {})
            assert settings.get("figure", {}).get("caption") and settings.get("image", {}).get("alt"), cell["source"]


def test_a_figure_that_prose_refers_to_is_drawn_whatever_has_run():
    for path in (REPOSITORY / "notebooks").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        referred = set(re.findall(r"numref\}`([^`]+)`", text))
        for cell in re.split(r"\n(?=# %%)", text):
            label = re.search(r'"name": "(fig-[\w-]+)"', cell.partition("\n")[0])
            if label and label[1] in referred:
                assert not cell.rstrip().splitlines()[-1].startswith(" "), f"{path.name}: {label[1]}"


def outputs_of(statements: list[ast.stmt]) -> int:
    """The most outputs that a path through statements can show: calls of ``display``, and a value at the end."""
    shown = 0
    for statement in statements:
        if isinstance(statement, ast.If):
            shown += max(outputs_of(statement.body), outputs_of(statement.orelse))
        elif isinstance(statement, (ast.For, ast.With)):
            shown += outputs_of(statement.body) * (2 if isinstance(statement, ast.For) else 1)
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            shown += getattr(statement.value.func, "id", None) == "display"
    return shown


def test_a_cell_with_a_figure_shows_nothing_else():
    """With two outputs the figure's label stands twice in the page, which stops the rendering."""
    for path in (REPOSITORY / "notebooks").glob("*.py"):
        for cell in re.split(r"\n(?=# %%)", path.read_text(encoding="utf-8")):
            label = re.search(r'"name": "(fig-[\w-]+)"', cell.partition("\n")[0])
            if label:
                assert outputs_of(ast.parse(cell).body) <= 1, f"{path.name}: {label[1]}"
    assert outputs_of(ast.parse("if a:\n    display(b)\n    display(c)\nelse:\n    display(d)").body) == 2


def test_a_figure_without_picture_is_not_referred_to():
    def cell(label, *outputs):
        return {"metadata": {"mystnb": {"figure": {"name": label}}}, "outputs": [{"data": data} for data in outputs]}

    cells = [cell("fig-a", {"image/png": ""}), cell("fig-b", {"text/plain": ""}), cell("fig-c"), {"metadata": {}}]
    assert figures_of({"cells": cells}) == {"fig-a"}


def test_records_and_pages_belong_together():
    records = {path.stem for path in (REPOSITORY / "book" / "results").glob("*.json")}
    assert records == {page.stem for page in PAGES}


def test_stored_cells_are_small_and_whole():
    for path in (REPOSITORY / "book" / "results" / "cells").rglob("*.json"):
        stored = json.loads(path.read_text(encoding="utf-8"))
        assert path.stat().st_size < LARGEST_CELL and stored["schema"] == 1, path.name
        assert {"page", "cell", "parameters", "key", "commit", "device", "seconds", "scores"} <= set(stored)


def test_every_paper_has_a_picture_for_the_first_page():
    names = yaml.safe_load((REPOSITORY / "book" / "papers.yml").read_text(encoding="utf-8"))["papers"]
    pictures = REPOSITORY / "book" / "static" / "ideas"
    assert {path.stem for path in pictures.glob("*.svg")} == set(names)
    assert max(path.stat().st_size for path in pictures.glob("*.svg")) < 150_000


def test_no_reference_is_listed_twice():
    files = (REPOSITORY / "book").glob("references*.bib")
    keys = [key for path in files for key in re.findall(r"^@\w+\{([^,]+),", path.read_text(encoding="utf-8"), re.M)]
    assert len(keys) > 20 and sorted(keys) == sorted(set(keys))
