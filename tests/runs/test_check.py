"""The check finds what does not hold together, and tells mistakes from what time brings."""

import pytest

from disentangle.runs import check, notebooks


def _found() -> list[str]:
    return [str(problem) for problem in check.problems()]


@pytest.fixture
def sound(published_copy):
    """A published project in which only cells are missing."""
    notebooks.sync("toy")
    assert _found() == []
    return published_copy


def test_a_missing_pair_is_a_problem(sound):
    (sound / "notebooks" / "toy.ipynb").unlink()
    assert _found() == ["problem  notebooks/toy: toy.ipynb is missing (disentangle pair toy writes it anew)"]


@pytest.mark.parametrize("lost", ["executed/toy.ipynb", "results/toy.json"])
def test_a_page_without_its_record_is_a_problem_and_the_other_way_round(sound, lost):
    (sound / "book" / lost).unlink()
    (message,) = _found()
    assert message.startswith("problem  page toy: has book/") and message.endswith(f"lacks book/{lost}")


def test_a_page_that_nobody_declared_is_a_problem(sound):
    (sound / "book" / "executed" / "stray.ipynb").write_text("{}")
    assert _found() == ["problem  book/executed/stray.ipynb: book/pages.yml knows no such page"]


def test_a_record_of_another_schema_is_a_problem(sound):
    record = sound / "book" / "results" / "toy.json"
    record.write_text(record.read_text().replace('"schema": 1', '"schema": 7'))
    assert any("toy.json is no run record" in message for message in _found())


def test_a_stale_page_is_a_warning(sound):
    source = sound / "notebooks" / "toy.py"
    source.write_text(source.read_text().replace('n": 3', 'n": 4'))
    notebooks.sync("toy")
    assert _found() == ["warning  page toy: stale, changed since: the code of the notebook"]


def test_a_page_with_parameters_that_its_notebook_lacks_is_a_problem(sound):
    declared = sound / "book" / "pages.yml"
    declared.write_text(declared.read_text().replace("slope: 2", "slop: 2"))
    assert any("no parameter 'slop', did you mean 'slope'" in message for message in _found())


def test_a_stored_cell_outside_of_the_grid_is_a_warning(sound):
    folder = sound / "book" / "results" / "cells" / "toy"
    folder.mkdir(parents=True)
    (folder / "old.json").write_text("{}")
    assert _found() == ["warning  cells of toy: old.json belongs to no cell of the grid"]
