"""Every page of the built site in a real browser, from disk, at phone and desktop width."""

from pathlib import Path

import pytest
from look import WIDTHS, browser, chromium, look_at, pages_of

HTML = Path(__file__).resolve().parents[2] / "_build" / "html"

pytestmark = [
    pytest.mark.skipif(
        not (HTML / "index.html").is_file(), reason="no site was built: run `make site` before"
    ),
    pytest.mark.skipif(chromium() is None, reason="no Chromium or Chrome on this machine"),
]


@pytest.fixture(scope="module")
def seen():
    """What came of opening every page at every width."""
    with browser() as running:
        return [look_at(page, width, running) for page in pages_of(HTML) for width in WIDTHS]


def test_no_page_logs_an_error(seen):
    assert {s.page: s.errors for s in seen if s.errors} == {}


def test_no_page_asks_the_network_for_anything(seen):
    assert {s.page: s.requests for s in seen if s.requests} == {}


def test_no_page_is_wider_than_the_screen(seen):
    assert {(s.page, s.width): s.too_wide for s in seen if s.scroll_width > s.width} == {}


def test_every_picture_has_words(seen):
    assert {s.page: s.images_without_alt for s in seen if s.images_without_alt} == {}


def test_formulas_are_typeset(seen):
    assert {s.page: (s.math, s.typeset) for s in seen if s.typeset < s.math} == {}
