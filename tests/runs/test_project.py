"""Where the project is."""

import pytest

from disentangle.runs import project


def test_the_project_is_found_from_a_folder_inside(toy_project, monkeypatch):
    monkeypatch.delenv("DISENTANGLE_HOME")
    monkeypatch.chdir(toy_project / "notebooks")
    assert project.root() == toy_project.resolve()


def test_a_home_that_is_no_project_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("DISENTANGLE_HOME", str(tmp_path))
    with pytest.raises(project.ProjectNotFound, match="there is no book/pages.yml in it"):
        project.root()


def test_renamed_new_and_changed_files_count_and_published_results_do_not(toy_project, commit_all):
    (toy_project / "toy_work.py").rename(toy_project / "with space.py")
    (toy_project / "toy_grid.py").write_text("")
    (toy_project / "book" / "results").mkdir()
    (toy_project / "book" / "results" / "toy.json").write_text("{}")
    assert set(project.changed_files()) == {"toy_work.py", "with space.py", "toy_grid.py"}
    commit_all(toy_project)
    assert project.changed_files() == []


def test_folders_that_the_user_named_are_absolute_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISENTANGLE_CACHE", "models")
    monkeypatch.setenv("DISENTANGLE_DATA", "")
    monkeypatch.delenv("DISENTANGLE_PACKS", raising=False)
    assert project.named_folders() == {"DISENTANGLE_CACHE": str(tmp_path.resolve() / "models")}
