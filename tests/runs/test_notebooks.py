"""The two forms of a notebook say the same, and differ in git only where something changed."""

import json

import jupytext
import pytest

from disentangle.runs import notebooks


def test_writing_the_pair_twice_changes_nothing(toy_project):
    assert notebooks.sync("toy") is True
    assert notebooks.sync("toy") is False
    assert notebooks.pair_difference("toy") is None


def test_the_pair_has_no_outputs_and_stays_where_nothing_changed(toy_project):
    notebooks.sync("toy")
    pair = toy_project / "notebooks" / "toy.ipynb"
    before = json.loads(pair.read_text())["cells"]
    source = toy_project / "notebooks" / "toy.py"
    source.write_text(
        source.read_text().replace("# %% [markdown]\n# ## Meas", "# %%\nx = 1\n\n# %% [markdown]\n# ## Meas")
    )
    notebooks.sync("toy")
    after = json.loads(pair.read_text())["cells"]
    assert [cell["id"] for cell in after if cell not in before] == [after[3]["id"]]
    assert not any(cell.get("outputs") for cell in after)


@pytest.mark.parametrize(
    "old, new, difference",
    [
        ("It rises.", "It falls.", "cell 1 differs"),
        ('n": 3', 'n": 4', "cell 5 differs"),
        ("slope: float = 1.0", "slope: float = 2.0", "cell 3 differs"),
        ("# %% [markdown]\n# ## Meas", "# %%\n# ## Meas", "cell 4 differs"),
        ("if slope > 5:", "# %%\nif slope > 5:", "toy.py has 8 cells, toy.ipynb has 7"),
    ],
)
def test_a_difference_of_the_pair_is_found_and_named(toy_project, old, new, difference):
    notebooks.sync("toy")
    source = toy_project / "notebooks" / "toy.py"
    source.write_text(source.read_text().replace(old, new))
    assert difference in notebooks.pair_difference("toy")


def test_the_light_reader_sees_the_cells_that_jupytext_sees(toy_project):
    path = toy_project / "notebooks" / "toy.py"
    path.write_text(
        "# ---\n# jupyter:\n#   kernelspec:\n#     display_name: P\n#     name: python3\n# ---\n\n" + path.read_text()
    )
    seen = [(cell.kind, cell.source, list(cell.tags)) for cell in notebooks.light_cells(path)]
    theirs = [(c.cell_type, c.source, c.metadata.get("tags", [])) for c in jupytext.read(path).cells]
    assert seen == theirs


def test_equal_cells_have_different_ids(toy_project):
    path = toy_project / "notebooks" / "toy.py"
    path.write_text("# %%\nx = 1\n\n# %%\nx = 1\n")
    ids = [cell["id"] for cell in notebooks.read("toy").cells]
    assert len(set(ids)) == 2


def test_an_unknown_notebook_is_answered_with_the_nearest(toy_project):
    with pytest.raises(KeyError, match="no notebook 'tou', did you mean 'toy'"):
        notebooks.source_file("tou")
