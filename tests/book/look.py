"""The rendered book in a headless Chromium: what a page logs and requests, and how it looks.

As a script: ``python tests/book/look.py _build/html shots`` writes a picture of every page at phone and
desktop width, in the light and the dark theme, for a human to look at.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

WIDTHS = (390, 1440)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")

LOOK = """() => ({
  width: document.documentElement.scrollWidth,
  unnamed: [...document.querySelectorAll('article img')].filter(i => !(i.getAttribute('alt') || '').trim())
    .map(i => i.getAttribute('src')),
  wide: [...document.querySelectorAll('article *')]
    .filter(e => e.getBoundingClientRect().right > window.innerWidth + 1)
    .filter(e => !e.closest('table, pre, .cell_output, mjx-container'))
    .map(e => e.tagName + '.' + e.className).slice(0, 3),
  math: document.querySelectorAll('.math').length,
  typeset: document.querySelectorAll('.math mjx-container').length,
})"""


@dataclass
class Seen:
    """What came of opening one page at one width."""

    page: str
    width: int
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    scroll_width: int = 0
    too_wide: list[str] = field(default_factory=list)
    images_without_alt: list[str] = field(default_factory=list)
    math: int = 0
    typeset: int = 0


def chromium() -> str | None:
    """An installed Chromium or Chrome, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


def pages_of(html: Path) -> list[Path]:
    """The pages of a built book, without those that the theme adds."""
    return sorted((html / "book").rglob("*.html"))


@contextmanager
def browser() -> Iterator:
    """A running headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        try:
            yield running
        finally:
            running.close()


def look_at(page: Path, width: int, running, shot: Path | None = None, theme: str = "light") -> Seen:
    """Open a page from disk at a width, and note what it does."""
    seen = Seen(page.name, width)
    context = running.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    tab = context.new_page()
    tab.on("console", lambda message: seen.errors.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: seen.errors.append(str(error)))
    tab.on("request", lambda request: _note_request(request.url, seen))
    tab.goto(page.resolve().as_uri(), wait_until="load")
    tab.wait_for_function("!window.MathJax || !MathJax.startup || MathJax.startup.promise.then(() => true)")
    found = tab.evaluate(LOOK)
    seen.scroll_width, seen.too_wide = found["width"], found["wide"]
    seen.images_without_alt, seen.math, seen.typeset = found["unnamed"], found["math"], found["typeset"]
    if shot:
        shot.parent.mkdir(parents=True, exist_ok=True)
        tab.screenshot(path=shot, full_page=True)
    context.close()
    return seen


def _note_request(url: str, seen: Seen) -> None:
    if not url.startswith(("file:", "data:", "blob:")):
        seen.requests.append(url)


def main(html: Path, shots: Path) -> None:
    """Pictures of all pages, and one line a page on what they did."""
    with browser() as running:
        for page in pages_of(html):
            for width in WIDTHS:
                for theme in ("light", "dark"):
                    shot = shots / f"{page.stem}-{width}-{theme}.png"
                    print(look_at(page, width, running, shot, theme))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
