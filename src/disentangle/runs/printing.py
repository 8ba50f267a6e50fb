"""The book as one PDF, printed by Chromium from the rendered pages in the order of the contents."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from disentangle.runs import project
from disentangle.runs.errors import RunError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
READY = "() => !window.MathJax || !MathJax.startup || MathJax.startup.promise.then(() => true)"
NOT_PRINTED = ("book/api/",)
PAPER = {"format": "A4", "margin": {"top": "15mm", "bottom": "15mm", "left": "14mm", "right": "14mm"}}


def find_browser() -> str | None:
    """An installed Chromium or Chrome, or None."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


@contextmanager
def browser() -> Iterator[Any]:
    """A running headless Chromium; RunError where there is none on this machine."""
    path = find_browser()
    if path is None:
        raise RunError(f"printing needs Chromium or Chrome, and none of {', '.join(BROWSERS)} is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield running
        finally:
            running.close()


def print_book(html: Path | None = None) -> Path:
    """Print every page of the contents and bind them; the path of the PDF.

    Raises RunError where nothing is rendered yet (``make site``) or no browser is installed.
    """
    html = html or project.root() / "_build" / "html"
    pages = pages_in_order(html.parent / "source" / "_toc.yml", html)
    if not pages:
        raise RunError(f"no pages in {html}: render the book first (make site)")
    target = html.parent / "disentangle.pdf"
    with browser() as running, TemporaryDirectory() as folder:
        parts = {page: _printed(running, page, Path(folder) / f"{n}.pdf") for n, page in enumerate(pages)}
        _bound(parts, target)
    return target


def pages_in_order(contents: Path, html: Path) -> list[Path]:
    """The rendered pages as the table of contents lists them, without the reference of the package."""
    toc = yaml.safe_load(contents.read_text(encoding="utf8")) if contents.is_file() else {}
    names = [toc.get("root"), *_names(toc.get("parts", []))]
    wanted = (name for name in names if name and not name.startswith(NOT_PRINTED))
    return [path for name in wanted if (path := html / f"{name}.html").is_file()]


def _names(entries: list[dict]) -> Iterator[str]:
    for entry in entries:
        if "file" in entry:
            yield entry["file"]
        for below in ("chapters", "sections"):
            yield from _names(entry.get(below, []))


def _printed(running: Any, page: Path, target: Path) -> Path:
    tab = running.new_page(color_scheme="light")
    tab.goto(page.resolve().as_uri(), wait_until="load")
    tab.wait_for_function(READY)
    tab.pdf(path=target, print_background=True, **PAPER)
    tab.close()
    return target


def _bound(parts: dict[Path, Path], target: Path) -> None:
    """One file of all parts; links between pages lead to the page's first sheet, or nowhere where it is not printed."""
    from pypdf import PdfWriter

    writer, begins = PdfWriter(), {}
    for page, part in parts.items():
        begins[page.resolve().as_uri()] = len(writer.pages)
        writer.append(part)
    for sheet in writer.pages:
        kept = [note for note in sheet.get("/Annots") or () if _led_inside(note.get_object(), begins, writer)]
        if "/Annots" in sheet:
            sheet["/Annots"].clear()
            sheet["/Annots"].extend(kept)
    writer.add_metadata({"/Title": "Disentangle"})
    writer.write(target)
    writer.close()


def _led_inside(note: Any, begins: dict[str, int], writer: Any) -> bool:
    """Point a link to a page of the book at its sheet; false for a link to a file that is not in the book."""
    from pypdf.generic import ArrayObject, DictionaryObject, NameObject

    address = str((note.get("/A") or {}).get("/URI", ""))
    if not address.startswith("file:"):
        return True
    page = address.partition("#")[0]
    if page in begins:
        place = ArrayObject([writer.pages[begins[page]].indirect_reference, NameObject("/Fit")])
        note[NameObject("/A")] = DictionaryObject({NameObject("/S"): NameObject("/GoTo"), NameObject("/D"): place})
    return page in begins
