"""A run: refused early, kept whole, found again; and what reaches the book."""

import json
import os
import re
import threading
from pathlib import Path

import pytest

from disentangle.runs import execute, keys, pages, publish
from disentangle.runs.errors import RunError
from disentangle.runs.parameters import ParameterError
from disentangle.runs.record import RunRecord


def _quietly(line: str) -> None:
    """Says nothing."""


def _page(home: Path) -> dict:
    return json.loads((home / "book" / "executed" / "toy.ipynb").read_text())


def test_wrong_parameters_are_refused_before_anything_starts(toy_project):
    with pytest.raises(ParameterError, match="did you mean 'slope'"):
        execute.run("toy", {"slpe": 3})
    assert not (toy_project / "runs").exists()


def test_a_published_record_says_everything_about_its_run(published):
    text = (published / "book" / "results" / "toy.json").read_text()
    record = RunRecord.model_validate_json(text)
    assert json.loads(text)["schema"] == 1
    assert (record.status, record.page, record.profile, record.dirty) == ("ok", "toy", "smoke", False)
    assert record.parameters == {"profile": "smoke", "seed": 0, "slope": 2.0, "steps": None}
    assert re.fullmatch("[0-9a-f]{40}", record.commit)
    assert record.fit_seconds == 1.5 and 0 < record.seconds and 20 < record.peak_memory_mib < 2000
    (finding,) = record.findings
    assert (finding["id"], finding["low"], finding["value"], finding["high"]) == (
        "toys.line.rise.given",
        1,
        2,
        3,
    )


def test_a_published_page_carries_no_trace_of_the_machine_or_the_clock(published):
    page, text = _page(published), (published / "book" / "executed" / "toy.ipynb").read_text()
    assert str(published) not in text and os.path.expanduser("~") not in text
    assert ".../bin" in text
    assert page["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert not [cell for cell in page["cells"] if {"papermill", "execution"} & set(cell["metadata"])]


def test_the_injected_cell_is_hidden_and_follows_the_declaration(published):
    tags = [cell["metadata"].get("tags") for cell in _page(published)["cells"]]
    assert tags[tags.index(["parameters"]) + 1] == ["injected-parameters", "hide-input"]


def test_running_leaves_the_source_and_the_tree_as_they_were(published):
    from disentangle.runs import project

    assert project.changed_files() == []
    assert {path.name for path in published.iterdir()} >= {"book", "notebooks", "runs"}
    left = [path.name for path in (published / "runs" / "toy").iterdir() if not path.name.endswith(".lock")]
    assert len(left) == 1 and not left[0].startswith(".")


def test_an_equal_run_is_found_again(published):
    said = []
    again = execute.run_page("toy", say=said.append)
    assert again.reused and again.ok and again.record.findings
    assert "has run with these parameters before" in said[0]


def test_an_equal_run_waits_for_the_one_under_way(published):
    from filelock import FileLock

    key = execute.run_page("toy", say=_quietly).folder.name
    held, said, results = FileLock(published / "runs" / "toy" / f".{key}.lock"), [], []
    held.acquire()
    second = threading.Thread(target=lambda: results.append(execute.run_page("toy", say=said.append)))
    second.start()
    second.join(timeout=0.5)
    assert second.is_alive() and "the same run is under way" in said[0]
    held.release()
    second.join(timeout=10)
    assert results[0].reused


def test_a_failed_run_is_kept_named_and_not_taken_for_done(toy_project):
    run = execute.run("toy", {"slope": "7"}, say=_quietly)
    assert not run.ok
    stored = json.loads((run.folder / "record.json").read_text())
    assert stored["status"] == "failed"
    assert stored["error"] == "RuntimeError: too steep: 7.0 (code cell 5 of 5, under 'A steep part')"
    outputs = [cell["outputs"] for cell in json.loads(run.notebook.read_text())["cells"] if cell.get("outputs")]
    assert outputs[-1][0]["output_type"] == "error" and len(outputs) == 2
    assert execute._finished(run.folder) is None


def test_a_page_is_stale_for_what_can_change_its_numbers_and_says_what(published_copy):
    notebook = published_copy / "notebooks" / "toy.py"
    assert keys.is_stale("toy") is None
    notebook.write_text(notebook.read_text().replace("It rises.", "It climbs.").replace("table =", "# why\ntable ="))
    assert keys.is_stale("toy") is None
    notebook.write_text(notebook.read_text().replace('n": 3', 'n": 4'))
    assert keys.is_stale("toy") == "changed since: the code of the notebook"
    declared = published_copy / "book" / "pages.yml"
    declared.write_text(declared.read_text().replace("slope: 2", "slope: 3"))
    assert keys.is_stale("toy") == "changed since: the code of the notebook, the parameters"


def test_a_new_cell_makes_the_page_that_reads_it_stale(published_copy):
    from disentangle.runs import cells

    state = cells.states("toy")[0]
    content = {
        "cell": "first",
        "parameters": {},
        "key": state.key,
        "scores": {},
        "seconds": 1,
        "device": "cpu",
    }
    stored = cells.stored_file("toy", "first")
    stored.parent.mkdir(parents=True)
    stored.write_text(json.dumps(content))
    assert keys.is_stale("toy") == "changed since: the cells it reads"


def test_a_changed_default_of_a_parameter_that_the_page_sets_makes_nothing_stale(published_copy):
    notebook = published_copy / "notebooks" / "toy.py"
    notebook.write_text(notebook.read_text().replace("slope: float = 1.0", "slope: float = 1.5"))
    assert keys.is_stale("toy") is None


def test_publishing_needs_a_clean_commit(published_copy):
    (published_copy / "book" / "executed" / "other.ipynb").write_text("{}")
    publish._clean_commit()
    (published_copy / "new.py").write_text("")
    with pytest.raises(RunError, match=r"needs a clean commit, but 1 files differ from it: new\.py"):
        publish.publish("toy")


def test_prose_is_carried_into_a_page_without_running_it(published_copy, commit_all):
    notebook, before = published_copy / "notebooks" / "toy.py", _page(published_copy)
    notebook.write_text(notebook.read_text().replace("It rises.", "It climbs."))
    commit_all(published_copy)
    assert publish.publish_text("toy") is True
    after = _page(published_copy)
    assert [cell.get("outputs") for cell in after["cells"]] == [cell.get("outputs") for cell in before["cells"]]
    differing = [i for i, (a, b) in enumerate(zip(after["cells"], before["cells"], strict=True)) if a != b]
    assert differing == [0]
    assert publish.publish_text("toy") is False


def test_prose_is_not_carried_over_changed_code(published_copy, commit_all):
    notebook = published_copy / "notebooks" / "toy.py"
    notebook.write_text(notebook.read_text().replace('n": 3', 'n": 4'))
    commit_all(published_copy)
    with pytest.raises(RunError, match="code cell 3 is not the one that was run"):
        publish.publish_text("toy")


def test_an_unknown_page_is_answered_with_the_nearest(toy_project):
    with pytest.raises(KeyError, match="did you mean 'toy'"):
        execute.run_page("tony")


def test_a_mistyped_entry_of_a_page_is_named(toy_project):
    declared = toy_project / "book" / "pages.yml"
    declared.write_text(declared.read_text().replace("profile:", "profil:"))
    with pytest.raises(ValueError, match=r"page toy: unknown \['profil'\]"):
        pages.pages()
