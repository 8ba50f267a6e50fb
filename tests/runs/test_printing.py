"""The order of the printed book, and where its links lead once the pages are bound."""

import pytest
import yaml

from disentangle.runs import printing

TOC = {"root": "book/index", "parts": [{"chapters": [
    {"file": "book/one", "sections": [{"file": "book/two"}]}, {"file": "book/api/index"}, {"file": "book/gone"},
]}]}  # fmt: skip


def test_pages_are_printed_as_the_contents_list_them_without_the_reference(tmp_path):
    (tmp_path / "_toc.yml").write_text(yaml.safe_dump(TOC))
    for name in ("index", "one", "two", "api/index"):
        page = tmp_path / "html" / "book" / f"{name}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("")
    found = printing.pages_in_order(tmp_path / "_toc.yml", tmp_path / "html")
    assert [path.stem for path in found] == ["index", "one", "two"]


@pytest.mark.skipif(printing.find_browser() is None, reason="no Chromium or Chrome on this machine")
def test_links_between_pages_stay_inside_the_bound_book(tmp_path):
    pypdf = pytest.importorskip("pypdf")
    html = tmp_path / "_build" / "html"
    (html / "book").mkdir(parents=True)
    (tmp_path / "_build" / "source").mkdir()
    toc = {"root": "book/index", "parts": [{"chapters": [{"file": "book/one"}]}]}
    (tmp_path / "_build" / "source" / "_toc.yml").write_text(yaml.safe_dump(toc))
    links = '<a href="one.html">one</a> <a href="api.html">not printed</a> <a href="https://example.org">far</a>'
    (html / "book" / "index.html").write_text(f"<h1>First</h1>{links}")
    (html / "book" / "one.html").write_text("<h1>Second</h1>")
    reader = pypdf.PdfReader(printing.print_book(html))
    assert [text.split()[0] for text in (page.extract_text() for page in reader.pages)] == ["First", "Second"]
    actions = [note.get_object()["/A"] for note in reader.pages[0]["/Annots"]]
    assert [action["/S"] for action in actions] == ["/GoTo", "/URI"]
    assert actions[0]["/D"][0].get_object() == reader.pages[1].get_object()
    assert actions[1]["/URI"].startswith("https://example.org")
