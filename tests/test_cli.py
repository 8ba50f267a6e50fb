"""The command line as its user meets it: what it prints, and with which exit code it refuses."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from disentangle import cli

NOTEBOOK = """# %% [markdown]
# # A line

# %% tags=["parameters"]
profile: str = "quick"  # smoke | quick; how much work
slope: float = 1.0  # 0..10; rise of the line
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one notebook and one page that was never published."""
    (tmp_path / "book").mkdir()
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "book" / "pages.yml").write_text("pages: {line_page: {notebook: line, profile: smoke}}")
    (tmp_path / "notebooks" / "line.py").write_text(NOTEBOOK)
    monkeypatch.setenv("DISENTANGLE_HOME", str(tmp_path))
    return tmp_path


def _run(*arguments: str):
    return CliRunner().invoke(cli.app, arguments)


def _refused(monkeypatch, capsys, *arguments: str) -> str:
    """What a user reads when the command line ends with exit code 1."""
    monkeypatch.setattr("sys.argv", ["disentangle", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    return capsys.readouterr().err


def test_list_shows_notebooks_with_titles_and_pages_with_states(home):
    lines = _run("list").output.splitlines()
    assert lines[0].split(maxsplit=1) == ["line", "A line"]
    assert lines[2].split() == ["page", "line_page", "never", "published", "line", "profile=smoke"]


def test_describe_prints_the_declared_parameters(home):
    output = _run("describe", "line").output
    assert "slope      float  1.0      0..10          rise of the line" in output


def test_wrong_parameters_are_all_named_and_no_run_begins(home, monkeypatch, capsys):
    message = _refused(monkeypatch, capsys, "run", "line", "-p", "slop=3", "--profile", "quik", "--seed", "1")
    assert "no parameter 'slop', did you mean 'slope'? There are: profile, slope" in message
    assert "did you mean 'quick'?" in message and "no parameter 'seed'" in message
    assert "Traceback" not in message and not (home / "runs").exists()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("describe", "lime"), "error: no notebook 'lime', did you mean 'line'?"),
        (("publish", "line"), "error: no page 'line', did you mean 'line_page'?"),
        (("cells", "line_page"), "error: page line_page has no cells"),
        (("publish", "line_page"), "error: publishing needs a git commit"),
        (("data", "pack", "nowhere"), "error: no data set is called 'nowhere'"),
    ],
)
def test_mistakes_are_answered_in_a_sentence(home, monkeypatch, capsys, arguments, message):
    assert message in _refused(monkeypatch, capsys, *arguments)


def test_a_folder_without_a_project_is_said_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DISENTANGLE_HOME", str(tmp_path))
    assert "there is no book/pages.yml in it" in _refused(monkeypatch, capsys, "list")


def test_a_parameter_without_a_value_is_refused(home):
    result = _run("run", "line", "-p", "slope")
    assert result.exit_code == 2 and "expected NAME=VALUE, found 'slope'" in result.output


def test_check_fails_on_problems_and_on_warnings_only_when_strict(home):
    result = _run("check")
    assert result.exit_code == 1 and "line.ipynb is missing" in result.output
    assert _run("pair").output == "line.ipynb written\n"
    assert _run("check").exit_code == 0
    assert _run("check", "--strict").exit_code == 1


def test_two_values_for_one_parameter_are_refused(home):
    result = _run("run", "line", "--seed", "1", "-p", "seed=2")
    assert result.exit_code == 2 and "contradict" in result.output
