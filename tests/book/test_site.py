"""How the book is staged and rendered: what is copied, what is framed, and that the pages need no network."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import toy
import yaml

from disentangle.runs import frame, site
from disentangle.runs.rerun import Outcome

REPOSITORY = Path(__file__).resolve().parents[2]
REFERENCE = ("book/api/index.md", "book/api/metrics.md")
TOC = {"format": "jb-book", "root": "book/index", "parts": [{"caption": "Chapters", "chapters": []}]}


def notebook(*cells: dict) -> str:
    return json.dumps({"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def test_staging_copies_what_changed_and_removes_what_is_gone(tmp_path):
    origin, target = tmp_path / "a", tmp_path / "staged"
    origin.mkdir()
    files = {name: origin / name for name in ("same.md", "changed.md", "gone.md")}
    for path in files.values():
        path.write_text("before")
    site.stage(files, target)
    os.utime(target / "same.md", (1, 1))
    os.utime(target / "changed.md", (1, 1))
    files["changed.md"].write_text("after!")
    site.stage({name: files[name] for name in ("same.md", "changed.md")}, target)
    assert (target / "same.md").stat().st_mtime == 1
    assert (target / "changed.md").stat().st_mtime > 1 and (target / "changed.md").read_text() == "after!"
    assert sorted(path.name for path in target.iterdir()) == ["changed.md", "same.md"]


def test_the_staged_book_holds_pages_and_records_but_no_cells():
    names = site.committed_files(REPOSITORY)
    assert {"_config.yml", "_toc.yml", "book/index.md", "book/claims.yml"} <= set(names)
    assert not [name for name in names if name.startswith(("book/results/cells/", "src/", "runs/"))]


def test_sections_without_a_page_are_left_out_too():
    sections = [{"file": "book/api/one"}, {"file": "book/api/two"}]
    toc = {**TOC, "parts": [{"caption": "a", "chapters": [{"file": "book/api/index", "sections": sections}]}]}
    (part,) = site.without_missing(toc, ["book/api/index.md", "book/api/two.md"])["parts"]
    assert part["chapters"] == [{"file": "book/api/index", "sections": sections[1:]}]


def test_an_executed_page_that_is_not_there_is_left_out_of_the_contents():
    chapters = [{"file": "book/executed/there"}, {"file": "book/executed/missing"}]
    toc = {
        **TOC,
        "parts": [{"caption": "a", "chapters": chapters}, {"caption": "b", "chapters": chapters[1:]}],
    }
    (part,) = site.without_missing(toc, ["book/executed/there.ipynb"])["parts"]
    assert part == {"caption": "a", "chapters": chapters[:1]}


def test_runs_of_this_machine_take_the_place_of_the_published_ones(tmp_path):
    run = tmp_path / "notebook.ipynb", tmp_path / "record.json"
    outcomes = [Outcome("mine", notebook=run[0], record=run[1]), Outcome("kept", "Data absent (acdc).")]
    files = site.book_files(REPOSITORY, outcomes, tmp_path / "scratch")
    assert (files["book/executed/mine.ipynb"], files["book/results/mine.json"]) == run
    assert json.loads(files[frame.STATES.as_posix()].read_text()) == {
        "mine": "rerun",
        "kept": "Data absent (acdc).",
    }


def test_notices_stand_below_the_title_the_footer_last_and_messages_to_the_runner_nowhere():
    finding = {"output_type": "display_data", "data": {"application/vnd.disentangle.finding+json": {}}}
    figure = {"output_type": "display_data", "data": {"image/png": "..."}}
    text = notebook(
        {"cell_type": "markdown", "source": ["# Title\n", "\n", "Text."], "metadata": {}},
        {"cell_type": "code", "source": "", "outputs": [finding, figure], "metadata": {}},
    )
    first, code, last = json.loads(frame.framed(text, "NOTICE", "FOOTER"))["cells"]
    assert first["source"].split() == ["#", "Title", "NOTICE", "Text."]
    assert code["outputs"] == [figure]
    assert last["source"] == "FOOTER"


def test_a_second_page_of_a_notebook_has_its_own_title_and_labels(tmp_path):
    (tmp_path / "book" / "results").mkdir(parents=True)
    (tmp_path / "book" / "pages.yml").write_text("pages: {second: {notebook: first, title: Second}}\n")
    for page in ("first", "second"):
        record = json.dumps({"notebook": "first", "page": page})
        (tmp_path / "book" / "results" / f"{page}.json").write_text(record)
    text = notebook(
        {"cell_type": "markdown", "source": ["# First\n", "\n", "See {numref}`fig-one`."], "metadata": {}},
        {"cell_type": "code", "source": "", "outputs": [], "metadata": {"mystnb": {"figure": {"name": "fig-one"}}}},
    )
    assert frame.as_own_page(tmp_path, "first", text) == text
    prose, code = json.loads(frame.as_own_page(tmp_path, "second", text))["cells"]
    assert prose["source"] == "# Second\n\nSee {numref}`fig-one-second`."
    assert code["metadata"]["mystnb"]["figure"]["name"] == "fig-one-second"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the book with a toy in place of its chapters."""
    root = tmp_path_factory.mktemp("project")
    chapters = ("book/executed/", "book/results/", "notebooks/")
    files = {
        name: path
        for name, path in site.committed_files(REPOSITORY).items()
        if not name.startswith(chapters) and (not name.startswith("book/api/") or name in REFERENCE)
    }
    site.stage(files, root)
    toy.add_to(root)
    toc = site.without_missing(yaml.safe_load((root / "_toc.yml").read_text()), files)
    toc["parts"].append({"caption": "Toy", "chapters": [{"file": "book/executed/toy"}, {"file": "book/reading"}]})
    (root / "_toc.yml").write_text(yaml.safe_dump(toc))
    return root


def make_site(root: Path) -> str:
    """What `make site` runs; its last line."""
    environment = {**os.environ, "DISENTANGLE_HOME": str(root)}
    command = [sys.executable, "-m", "disentangle.runs.site"]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def built(project) -> Path:
    """The folder of the rendered HTML."""
    return Path(make_site(project)).parent


def words(page: Path) -> str:
    """The text of a page's article, without tags and sidebars."""
    article = page.read_text().partition("<article")[2].partition("</article>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", article).split())


def test_the_book_renders_without_a_warning_and_ends_with_the_path_of_its_first_page(built):
    assert (built / "index.html").is_file() and (built / "book" / "claims.html").is_file()


def test_no_page_takes_anything_from_a_network(built):
    elsewhere = r"[^>]+(?:src|href)=\"(?:https?:)?//[^\"]*"
    loads = rf"<(?:script|img|iframe|source|link(?! rel=\"canonical)){elsewhere}"
    pages = sorted((built / "book").rglob("*.html"))
    found = {page.name: re.findall(loads, page.read_text()) for page in pages}
    assert pages and not [name for name, hits in found.items() if hits]
    assert not [page.name for page in pages if "unpkg.com" in page.read_text()]
    styles = [path for path in (built / "_static").rglob("*.css")]
    assert not [path.name for path in styles if re.search(r"(@import|url\()\s*['\"]?https?:", path.read_text())]


def test_the_ledger_page_shows_every_claim_with_a_word_for_its_verdict(built):
    text = (built / "book" / "claims.html").read_text()
    for number in range(1, 8):
        assert f'id="lesion-vae-{number}"' in text or f"claim-lesion-vae-{number}" in text
    assert re.search(r'class="[^"]*verdict[^"]*">(holds|fails|undecided|untested)', text)


def test_an_executed_page_says_how_it_was_made_and_that_it_is_stale(built):
    text = words(built / "book" / "executed" / "toy.html")
    assert "Its AUC is 0.85" in text
    parts = ("abcdef0123", "grey values simulated", "60 people", "12 s", "0..100")
    assert [part for part in parts if part not in text] == []
    assert "disentangle run toy -p profile=quick -p seed=7" in text
    assert text.index("Stale") < text.index("Its AUC") < text.index("How this page was made")
    downloads = {path.name for path in (built / "_downloads").rglob("*") if path.is_file()}
    assert {"toy.py", "toy.ipynb", "toy.json", "toy.yml"} <= downloads


def test_the_ledger_leads_to_the_cell_that_computed_a_finding(built):
    assert 'id="cell-toy-1"' in (built / "book" / "executed" / "toy.html").read_text()
    assert "executed/toy.html#cell-toy-1" in (built / "book" / "claims.html").read_text()


def test_the_first_page_answers_from_the_ledger_and_shows_the_ideas(built):
    page = built / "book" / "index.html"
    assert "0.846 [0.810, 0.880] AUC , simulated data: AUC of test people" in words(page) and "pending" in words(page)
    assert len(re.findall(r'<img alt="[^"]{30,}" class="[^"]*idea', page.read_text())) == 5


def test_figures_that_move_bring_their_states_their_still_pictures_and_one_copy_of_plotly(built):
    text = (built / "book" / "explore.html").read_text()
    assert text.count('<figure class="moving"') == text.count('class="moving-still" src="data:image/png') >= 3
    assert text.count("plotly-cartesian.min.js") == 1
    assert "plotly-cartesian" not in (built / "book" / "primer.html").read_text()


def test_the_reference_has_signatures_that_can_be_linked(built):
    assert 'id="disentangle.metrics.auc.auc"' in (built / "book" / "api" / "metrics.html").read_text()


def test_records_and_parameters_can_stand_in_any_page(built):
    text = words(built / "book" / "reading.html")
    assert "0.846 [0.810, 0.880] AUC" in text and "seed of all" in text


def test_a_new_record_or_text_shows_at_the_next_build_and_nothing_else_is_read_again(project, built):
    other = project / "_build" / ".doctrees" / "book" / "own_data.doctree"
    os.utime(other, (1, 1))
    changed = {**toy.RECORD, "commit": "fedcba9876543210"}
    (project / "book" / "results" / "toy.json").write_text(json.dumps(changed))
    page = project / "book" / "how_to_read.md"
    page.write_text(page.read_text().replace("## Marks", "## Marks and signs"))
    make_site(project)
    assert "fedcba9876" in words(built / "book" / "executed" / "toy.html")
    assert "Marks and signs" in words(built / "book" / "how_to_read.html")
    assert other.stat().st_mtime == 1


@pytest.mark.parametrize("left, built, said", [(True, [True], 1), (True, [False, True], 2), (False, [True], 1)])
def test_what_an_earlier_rendering_left_is_thrown_away_where_it_fails(tmp_path, monkeypatch, capsys, left, built, said):
    doctrees = tmp_path / "_build" / ".doctrees"
    if left:
        doctrees.mkdir(parents=True)
    answers, seen = iter(built), []

    def rendered(source, output, root, *, quiet):
        seen.append((doctrees.is_dir(), quiet))
        return next(answers)

    monkeypatch.setattr(site, "_built", rendered)
    assert site.render(tmp_path, tmp_path, tmp_path).name == "index.html"
    assert seen == [(True, True), (False, False)][:said] if left else seen == [(False, False)]
    assert len(capsys.readouterr().out.splitlines()) == said


def test_a_book_that_cannot_be_rendered_from_nothing_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(site, "_built", lambda *_, quiet: False)
    with pytest.raises(site.RenderError, match="could not be rendered"):
        site.render(tmp_path, tmp_path, tmp_path)
