"""Docstrings as Markdown, and the API reference read from source files without importing them."""

import ast

import pytest

from disentangle.runs import api_page, source_tree
from disentangle.runs.docstrings import inline, to_markdown

DOCSTRING = """Mean of a * b, as ``sum(a * b)``.

Parameters
----------
a, b : array (n,)
    Of equal length; `a` first.
weights
    None weighs all alike.

Returns
-------
float
"""
SOURCE = '''"""What lives here."""

from disentangle.imaging.cohort import Cohort

Pair = tuple[Cohort, int]


def shown(cohort: Cohort, *, count: int = 3) -> Pair:
    """Says what it does."""


def _hidden():
    """Not for others."""


class Thing:
    """A thing."""

    def __init__(self, size: int = 2) -> None:
        """Not listed."""

    @property
    def wide(self) -> int:
        """How wide."""

    def fit(self, pair: Pair) -> "Thing":
        """Fits."""
'''


@pytest.fixture
def module(tmp_path):
    return source_tree.Module("disentangle.toy", tmp_path / "toy.py", ast.parse(SOURCE))


def test_lists_of_parameters_become_definitions_and_stars_stay_stars():
    text = to_markdown(DOCSTRING)
    assert text.startswith(r"Mean of a \* b, as `sum(a * b)`.")
    assert "`a, b` – array (n,)\n: Of equal length; `a` first." in text
    assert "weights\n: None weighs all alike." in text and text.endswith("**Returns**\n\nfloat")


@pytest.mark.parametrize("text", ["p(z | x) < 1", "a_b and $5", "see [1] and {x}", "# no heading"])
def test_nothing_but_code_is_read_as_markup(text):
    marks = {mark for mark in "|<_$[]{}#" if mark in text}
    assert all(f"\\{mark}" in inline(text) for mark in marks)


def test_the_reference_has_signatures_with_full_names_and_aliases_spelt_out(module):
    text = api_page.api_markdown([module])
    cohort = "disentangle.imaging.cohort.Cohort"
    assert f"{{py:function}} shown(cohort: {cohort}, *, count: int=3) -> tuple[{cohort}, int]" in text
    assert "{py:class} Thing(size: int=2)" in text and "{py:property} wide" in text
    assert "{py:method} fit(pair: tuple[" in text and "_hidden" not in text and "Not listed" not in text


def test_what_a_notebook_calls_is_found_by_its_imports():
    code = "from disentangle.metrics import auc as a\nfrom disentangle.runs import cells\na.auc(1, 2)\ncells.load('x')"
    assert source_tree.used_names(code) == ["disentangle.metrics.auc.auc", "disentangle.runs.cells.load"]


def test_every_folder_of_the_package_stands_in_the_reference():
    pages = source_tree.PACKAGE.parents[1] / "book" / "api"
    text = "".join(path.read_text(encoding="utf8") for path in pages.glob("*.md"))
    folders = [path.name for path in source_tree.PACKAGE.iterdir() if (path / "__init__.py").is_file()]
    assert [name for name in folders if f"disentangle.{name}" not in text] == []
