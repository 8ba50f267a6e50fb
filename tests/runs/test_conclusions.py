"""Plain conclusions: the interval picks the ending, and what is not measured is called pending."""

import pytest

from disentangle.runs.conclusions import Part, Sentence, conclusions_markdown, load_conclusions, missing
from disentangle.runs.errors import RunError

SENTENCE = Sentence(page="chapter", finding="toy.f", above="It gains.", below="It loses.", neither="Nobody knows.")
PARTS = [Part(title="A toy", sentences=(SENTENCE,))]


def record(low: float | None, high: float | None, real: bool = True) -> dict:
    finding = {"id": "toy.f", "value": 0.1, "low": low, "high": high, "unit": "AUC", "n": 20}
    return {"chapter": {"findings": [finding], "data": [{"real": real}]}}


def said(records, cell="cell-3"):
    return conclusions_markdown(PARTS, records, lambda page: f"[{page}](x)", lambda page, finding: cell)


@pytest.mark.parametrize(
    ("low", "high", "ending"), [(0.05, 0.2, "gains"), (-0.3, -0.1, "loses"), (-0.1, 0.3, "knows"), (0.0, 0.2, "knows")]
)
def test_the_interval_picks_the_ending(low, high, ending):
    assert ending in said(record(low, high))


def test_the_reference_need_not_be_zero():
    above_half = SENTENCE.model_copy(update={"reference": 0.5})
    assert above_half.said(0.4, 0.6) == "Nobody knows." and above_half.said(0.51, 0.6) == "It gains."


def test_number_data_people_page_and_cell_stand_behind_the_sentence():
    text = said(record(0.05, 0.2, real=False))
    assert text.startswith("## A toy\n\n- It gains.")
    assert "[**0.100 [0.050, 0.200] AUC**, simulated data, 20 people, [chapter](x), [its cell](#cell-3)]" in text
    assert "its cell" not in said(record(0.05, 0.2), cell=None)


@pytest.mark.parametrize("records", [{}, {"chapter": {"findings": [], "data": []}}, record(None, None)])
def test_what_has_no_interval_is_pending(records):
    assert "*Pending*: toy.f, from [chapter](x)." in said(records)


def test_missing_findings_are_named_with_their_page():
    assert missing(PARTS, {}) == ["toy.f (chapter)"] and missing(PARTS, record(0, 1)) == []


@pytest.mark.parametrize("content", ["parts: 3", "{}", "parts: [{title: a, sentences: [{page: p}]}]"])
def test_a_file_of_another_form_is_refused_by_name(tmp_path, content):
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "conclusions.yml").write_text(content, encoding="utf8")
    with pytest.raises(RunError, match="book/conclusions.yml is not a list of parts"):
        load_conclusions(tmp_path)
