"""Every page of the built site in a real browser, from disk: errors, network, access, width, weight, and what moves."""

import itertools
import re
from pathlib import Path

import pytest
from look import THEMES, WIDTHS, look_at, pages_of

from disentangle.runs.printing import browser, find_browser

HTML = Path(__file__).resolve().parents[2] / "_build" / "html"
LARGEST_PAGE, LARGEST_SITE = 6_000_000, 60_000_000
ASKED_OF_AXE = {(390, "light"), (1440, "dark")}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (HTML / "index.html").is_file(), reason="no site was built: run `make site` before"),
    pytest.mark.skipif(find_browser() is None, reason="no Chromium or Chrome on this machine"),
]


@pytest.fixture(scope="module")
def running():
    """A browser."""
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def seen(running):
    """What came of opening every page at every width in both themes."""
    ways = itertools.product(pages_of(HTML), WIDTHS, THEMES)
    return [look_at(page, width, running, None, theme, (width, theme) in ASKED_OF_AXE) for page, width, theme in ways]


@pytest.fixture
def tab(running):
    """A new tab on a desktop."""
    context = running.new_context(viewport={"width": 1440, "height": 900})
    yield context.new_page()
    context.close()


def address(page: str) -> str:
    return (HTML / page).resolve().as_uri()


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


def test_axe_finds_nothing_serious(seen):
    assert {(s.page, s.width, s.theme): s.violations for s in seen if s.violations} == {}


def test_a_page_with_all_that_it_loads_is_light_enough(seen):
    assert {s.page: s.bytes for s in seen if not 10_000 < s.bytes < LARGEST_PAGE} == {}


def test_the_site_is_light_enough():
    assert sum(path.stat().st_size for path in HTML.rglob("*") if path.is_file()) < LARGEST_SITE


def test_the_search_finds_a_term_in_chapters_and_in_the_reference(tab):
    tab.goto(address("search.html") + "?q=Dirichlet")
    tab.wait_for_selector("ul.search li a")
    found = tab.eval_on_selector_all("ul.search li a", "links => links.map(link => link.getAttribute('href'))")
    assert any("executed/lesion_vae" in link for link in found) and any("api/" in link for link in found)


def test_sliders_choose_among_the_computed_states(tab):
    tab.goto(address("book/explore.html"))
    figures = tab.locator("figure.moving")
    assert figures.count() >= 3
    for number in range(figures.count()):
        figure = figures.nth(number)
        slider, said = figure.locator("input[type=range]").first, figure.locator(".moving-said")
        figure.locator(".main-svg").first.wait_for(state="attached")
        pictures = set()
        slider.focus()
        for key, end in (("Home", "min"), ("End", "max")):
            tab.keyboard.press(key)
            _wait_until_drawn(tab, number, end)
            pictures.add(figure.locator(".moving-plot").inner_html())
        assert len(pictures) == 2 and said.text_content(), figure.get_attribute("id")


def _wait_until_drawn(tab, number: int, end: str) -> None:
    """Wait until a figure's first slider stands at its ``min`` or ``max`` and the pictures of that state are there."""
    tab.wait_for_function(
        """([number, end]) => {
          const figure = document.querySelectorAll("figure.moving")[number];
          const slider = figure.querySelector("input[type=range]");
          return slider.value === slider[end] && figure.ariaBusy === "false";
        }""",
        arg=[number, end],
    )


def test_without_scripts_a_moving_figure_is_a_picture_with_words(running):
    context = running.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address("book/explore.html"))
    stills = page.locator("figure.moving img")
    assert stills.count() == page.locator("figure.moving").count() >= 3
    for number in range(stills.count()):
        assert stills.nth(number).is_visible() and len(stills.nth(number).get_attribute("alt")) > 20
    context.close()


def test_the_ledger_can_be_filtered_searched_and_sorted(tab):
    tab.goto(address("book/claims.html"))
    tab.wait_for_selector(".ledger-filters select")
    rows = tab.locator(".ledger-table tbody tr")
    everything = rows.count()
    verdict = tab.locator(".ledger-filters label", has_text="Verdict").locator("select")
    search = tab.locator(".ledger-table input[type=search]")
    verdict.select_option("fails")
    _wait_for_rows(tab, f"> 0 && rows < {everything}")
    verdicts = tab.locator(".ledger-table tbody td:nth-child(2)").all_text_contents()
    assert all(text.strip().startswith("fails") for text in verdicts)
    verdict.select_option("")
    _wait_for_rows(tab, f"== {everything}")
    search.fill("Dirichlet")
    _wait_for_rows(tab, f"> 0 && rows < {everything}")
    search.fill("")
    _wait_for_rows(tab, f"== {everything}")
    tab.locator(".ledger-table th", has_text="Ours").click()
    tab.wait_for_selector(".ledger-table th[aria-sort=ascending]:has-text('Ours')")
    ours = [float(text.split()[0]) for text in _ours(tab) if re.match(r"-?[0-9]", text.strip())]
    assert ours == sorted(ours) and len(ours) > 10


def _wait_for_rows(tab, condition: str) -> None:
    """The table answers a little after a key: wait until its number of rows fulfils ``rows ...``."""
    tab.wait_for_function(
        f"() => {{ const rows = document.querySelectorAll('.ledger-table tbody tr').length; return rows {condition}; }}"
    )


def _ours(tab) -> list[str]:
    return tab.locator(".ledger-table tbody td:nth-child(4)").all_text_contents()


def test_a_claim_is_two_clicks_from_the_cell_that_computed_it(tab):
    tab.goto(address("book/claims.html"))
    tab.wait_for_selector(".ledger-filters select")
    tab.locator(".ledger-table tbody a", has_text="lesion_vae.5").first.click()
    tab.wait_for_function("location.hash.startsWith('#claim-')")
    entry = tab.locator("section", has=tab.locator("#claim-lesion-vae-5, [id='lesion-vae-5']")).last
    entry.get_by_role("link", name="the cell").first.click()
    tab.wait_for_url("**/executed/lesion_vae.html#cell-*")
    target = tab.evaluate("document.getElementById(location.hash.slice(1)) !== null")
    assert target


def test_from_every_page_one_gets_its_source():
    for page in (HTML / "book" / "executed").glob("*.html"):
        text = page.read_text(encoding="utf8")
        for name in ("py", "ipynb", "json", "yml"):
            assert re.search(rf'href="[^"]*_downloads/[^"]*[.]{name}"', text), (page.name, name)
