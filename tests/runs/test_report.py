"""What a notebook records arrives in the record, and nothing that cannot be."""

import math

import nbformat.v4 as v4
import pytest
from pydantic import ValidationError

from disentangle.runs.collect import collect
from disentangle.runs.errors import RunError
from disentangle.runs.record import CELLS_MIME, DATA_MIME, FINDING_MIME, FIT_MIME
from disentangle.runs.report import GLUE_PREFIX, Report

COMMON = {"n": 10, "what": "area", "unit": "AUC", "better": "higher"}


def _notebook(*outputs: tuple[str, dict]):
    shown = [v4.new_output("display_data", {GLUE_PREFIX + mime: content}) for mime, content in outputs]
    return v4.new_notebook(cells=[v4.new_code_cell("", outputs=[output]) for output in shown])


@pytest.fixture
def published(monkeypatch) -> list[tuple[dict, dict]]:
    """What would reach the outputs of a notebook: data and metadata."""
    import IPython.display

    from disentangle.runs import report

    seen = []
    monkeypatch.setattr(report, "_shell", lambda: object())
    monkeypatch.setattr(IPython.display, "display", lambda data, raw, metadata: seen.append((data, metadata)))
    return seen


def test_a_finding_is_glued_by_name_with_its_bounds_and_shown_to_nobody(published):
    finding = Report("toys", "line").finding("auc", "a-b", 0.5, low=0.25, high=0.75, condition="small", **COMMON)
    assert finding.id == "toys.line.auc.a-b.small"
    names = [metadata["scrapbook"]["name"] for _, metadata in published]
    assert names == [f"finding {finding.id}", "auc.a-b.small", "auc.a-b.small.low", "auc.a-b.small.high"]
    assert all(mime.startswith(GLUE_PREFIX) for data, _ in published for mime in data)
    assert published[2][0][GLUE_PREFIX + "text/plain"] == "0.25"


def test_a_finding_on_another_cohort_is_glued_under_that_one(published):
    Report("toys", "line").finding("auc", "a", 0.5, cohort="circle", **COMMON)
    assert published[1][1]["scrapbook"]["name"] == "circle.auc.a"


@pytest.mark.parametrize(
    "numbers, message",
    [
        ({"value": math.nan}, "value is nan"),
        ({"value": 0.5, "low": -math.inf, "high": 1}, "low is -inf"),
        ({"value": 0.5, "low": 0.9, "high": 0.1}, "low 0.9 is above high 0.1"),
        ({"value": 0.5, "n": 0}, "n is 0"),
    ],
)
def test_impossible_numbers_are_refused(numbers, message):
    with pytest.raises(ValueError, match=rf"finding toys\.line\.auc\.a: {message}"):
        Report("toys", "line").finding("auc", "a", **{**COMMON, **numbers})


def test_a_word_that_is_no_part_of_an_id_is_refused():
    with pytest.raises(ValidationError, match="is no part of a finding's id"):
        Report("toys", "line").finding("AUC", "a", 0.5, **COMMON)


def test_everything_recorded_is_collected():
    finding = Report("toys", "line").finding("auc", "a", 0.5, **COMMON).model_dump()
    data = {"name": "line", "real": False, "people": 2, "images": 3, "sha256": "ab"}
    found = collect(
        _notebook(
            (DATA_MIME, data),
            (DATA_MIME, data),
            (FIT_MIME, {"seconds": 1.25, "device": "cpu"}),
            (FIT_MIME, {"seconds": 2.25, "device": "H200"}),
            (CELLS_MIME, {"cells": {"p/a": "1"}}),
            (FINDING_MIME, finding),
        )
    )
    assert [used.name for used in found.data] == ["line"]
    assert (found.fit_seconds, found.device, found.cells) == (3.5, "H200", {"p/a": "1"})
    assert found.findings == [finding]


def test_a_finding_recorded_twice_is_refused_with_both_values():
    first, second = (Report("toys", "line").finding("auc", "a", x, **COMMON).model_dump() for x in (0.5, 0.625))
    with pytest.raises(RunError, match=r"toys\.line\.auc\.a is recorded twice \(as 0\.5 and as 0\.625\)"):
        collect(_notebook((FINDING_MIME, first), (FINDING_MIME, second)))


def test_negative_fitting_times_are_refused():
    with pytest.raises(ValueError, match="fitting took -1 s"):
        Report("toys", "line").fitted(-1)


def test_an_interval_brings_its_bounds_and_people_along():
    from disentangle.metrics.intervals import Interval

    common = {"what": "rise", "unit": "1", "better": "neither"}
    finding = Report("toys", "line").finding("rise", "given", Interval(2.0, 1.0, 3.0, 7), **common)
    assert (finding.value, finding.low, finding.high, finding.n) == (2.0, 1.0, 3.0, 7)
    with pytest.raises(ValueError, match="rise.given: n is missing"):
        Report("toys", "line").finding("rise", "given", 2.0, **common)


def test_a_report_refuses_parameters_that_nobody_checked(monkeypatch):
    from types import SimpleNamespace

    from disentangle.runs import report
    from disentangle.runs.parameters import ParameterError

    cell = 'profile: str = "quick"  # smoke | quick; how much work\nheads: int = 9  # 4..200; heads'
    held = {"In": ["", cell, "heads = 1"], "profile": "quick", "heads": 1}
    monkeypatch.setattr(report, "_shell", lambda: SimpleNamespace(user_ns=held))
    with pytest.raises(ParameterError, match=r"heads is 1, but must lie in 4\.\.200"):
        Report("toys", "line")
    held["heads"] = 4
    assert Report("toys", "line").cohort == "line"
