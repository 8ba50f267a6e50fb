"""The rendered book in a headless Chromium: what a page logs and requests, and how it looks.

As a script: ``python tests/book/look.py _build/html shots`` writes a picture of every page at phone and
desktop width, in the light and the dark theme, for a human to look at.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from disentangle.runs.printing import READY, browser

WIDTHS = (390, 1440)
THEMES = ("light", "dark")
GRAVE = ("serious", "critical")

LOOK = """() => ({
  width: document.documentElement.scrollWidth,
  unnamed: [...document.querySelectorAll('img')].filter(i => !(i.getAttribute('alt') || '').trim())
    .map(i => i.getAttribute('src')),
  wide: [...document.querySelectorAll('article *')]
    .filter(e => e.getBoundingClientRect().right > window.innerWidth + 1)
    .filter(e => !e.closest('table, pre, .cell_output, mjx-container, .moving-plot'))
    .map(e => e.tagName + '.' + e.className).slice(0, 3),
  math: document.querySelectorAll('.math').length,
  typeset: document.querySelectorAll('.math mjx-container').length,
})"""


@dataclass
class Seen:
    """What came of opening one page at one width."""

    page: str
    width: int
    theme: str = "light"
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    scroll_width: int = 0
    too_wide: list[str] = field(default_factory=list)
    images_without_alt: list[str] = field(default_factory=list)
    math: int = 0
    typeset: int = 0
    files: set[Path] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """Size of all files that the page loaded, itself included."""
        return sum(path.stat().st_size for path in self.files if path.is_file())


def pages_of(html: Path) -> list[Path]:
    """The pages of a built book, without those that the theme adds."""
    return sorted((html / "book").rglob("*.html"))


def look_at(page: Path, width: int, running, shot: Path | None = None, theme: str = "light", axe: bool = False) -> Seen:
    """Open a page from disk at a width, and note what it does; with ``axe``, also what it says against the page."""
    seen = Seen(page.name, width, theme)
    context = running.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    tab = context.new_page()
    tab.on("console", lambda message: seen.errors.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: seen.errors.append(str(error)))
    tab.on("request", lambda request: _note_request(request.url, seen))
    tab.goto(page.resolve().as_uri(), wait_until="load")
    tab.wait_for_function(READY)
    found = tab.evaluate(LOOK)
    seen.scroll_width, seen.too_wide = found["width"], found["wide"]
    seen.images_without_alt, seen.math, seen.typeset = found["unnamed"], found["math"], found["typeset"]
    if axe:
        seen.violations = violations_of(tab)
    if shot:
        shot.parent.mkdir(parents=True, exist_ok=True)
        tab.screenshot(path=shot, full_page=True)
    context.close()
    return seen


def violations_of(tab) -> list[str]:
    """What axe finds serious or critical: rule, and the first places."""
    from axe_playwright_python.sync_playwright import Axe

    # Without preload: from a file axe may not read style sheets by itself, and need not.
    answer = Axe().run(tab, options={"preload": False, "resultTypes": ["violations"]}).response
    found = [rule for rule in answer["violations"] if rule["impact"] in GRAVE]
    return [f"{rule['id']}: {[node['html'][:120] for node in rule['nodes'][:3]]}" for rule in found]


def _note_request(url: str, seen: Seen) -> None:
    if url.startswith("file:"):
        seen.files.add(Path(unquote(urlsplit(url).path)))
    elif not url.startswith(("data:", "blob:")):
        seen.requests.append(url)


def main(html: Path, shots: Path) -> None:
    """Pictures of all pages, and one line a page on what they did."""
    with browser() as running:
        for page in pages_of(html):
            for width in WIDTHS:
                for theme in THEMES:
                    shot = shots / f"{page.stem}-{width}-{theme}.png"
                    print(look_at(page, width, running, shot, theme))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
