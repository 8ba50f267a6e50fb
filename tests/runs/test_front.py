"""The first page: questions are answered from the ledger's rows, and what is not there is called pending."""

from dataclasses import replace

from disentangle.runs.claims import Row
from disentangle.runs.front import Shown, costs_markdown, duration, ideas_markdown, paper_of, state_markdown
from disentangle.runs.pages import Page
from disentangle.runs.papers import Paper, Question

ROW = Row(
    claim="toy.1", paper="toy", statement="s", published=None, kind="direction", page="chapter", finding="f",
    what="difference of AUC", value=0.15, low=0.1, high=0.2, n=60, unit="AUC", real=False, verdict="holds", reason="r",
)  # fmt: skip
PAPER = Paper("toy", "A toy", "Somebody 2020", "https://example.org", "An idea.", "A picture.", "Drawn by hand.",
              (Question("toy.1", "Is it so?"), Question("toy.2", "And that?")))  # fmt: skip
PAGES = {name: Page(name, name, grid="disentangle.toy.grids:x", title=name.title()) for name in ("chapter", "later")}


def shown(rows, picture=None):
    return Shown(rows, PAGES, {"chapter"}, lambda page: f"[{page}](x)", lambda paper: picture)


def test_a_question_is_answered_by_value_interval_data_and_verdict():
    text = ideas_markdown([PAPER], shown([ROW], "/p.svg"))
    assert (
        "**Is it so?**\n\n- [holds]{.verdict .verdict-holds} **0.150 [0.100, 0.200] AUC**, simulated data: difference"
        in text
    )
    assert ":alt: A picture." in text and "Drawn by hand." in text


def test_what_is_not_measured_is_called_pending_with_its_reason():
    untested = replace(ROW, value=None, low=None, high=None, verdict="untested", reason="no data")
    text = ideas_markdown([PAPER], shown([untested]))
    assert "pending: no data" in text and "**And that?**\n\n- pending: its chapter is not published yet" in text
    assert "**Chapters:** [chapter](x). **Pending:** Later." in text


def test_real_data_answer_before_simulated_ones():
    real = replace(ROW, real=True, value=0.3, low=0.2, high=0.4)
    text = ideas_markdown([PAPER], shown([ROW, real]))
    assert text.index("0.300 [") < text.index("0.150 [")


def test_the_page_that_compares_all_stands_last_once_it_is_published():
    here = replace(shown([ROW]), published={"chapter", "comparison"})
    assert ideas_markdown([PAPER], here).endswith("and which code holds what?")
    assert "[comparison](x) puts all of them" in ideas_markdown([PAPER], here)
    assert "comparison" not in ideas_markdown([PAPER], shown([ROW]))


def test_the_state_of_the_book_counts_pages_claims_and_verdicts():
    text = state_markdown([ROW, replace(ROW, verdict="fails")], PAGES, {"chapter"})
    assert state_markdown([ROW], PAGES, {"chapter", "later"}).startswith("All 2 pages are published. The ledger")
    assert "So far 1 of 2 pages" in text and "1 claims" in text and "*holds* 1, *fails* 1, *undecided* 0" in text


def test_costs_come_from_records_and_cells():
    record = {
        "profile": "full", "seconds": 75.2, "fit_seconds": 4000, "peak_memory_mib": 2048,
        "environment": {"device": "cpu", "cores": 2},
    }  # fmt: skip
    text = costs_markdown(
        {"chapter": record},
        {
            "chapter": [
                {"seconds": 3600, "device": "cpu"},
                {"seconds": 9, "device": "cpu", "scores": {"fit_seconds": 7200}},
            ]
        },
        str,
    )
    assert "| chapter | `full` | 75 s | 67 min | 2.0 GiB | cpu, 2 cores | 2 in 3.0 h (cpu) |" in text


def test_times_are_said_in_the_unit_that_reads_best():
    assert [duration(s) for s in (45, 720, 12240)] == ["45 s", "12 min", "3.4 h"]


def test_a_page_belongs_to_the_paper_whose_grid_it_has():
    assert paper_of(PAGES["later"]) == "toy" and paper_of(Page("x", "x")) is None
