"""Findings and conclusions from scores made by hand."""

import pandas as pd
import pytest
from made_cells import HEADS, method, scores

from disentangle.comparison import evaluate
from disentangle.comparison.report import (
    conclusions,
    record_beyond,
    record_gains,
    record_scores,
    strongest_probe,
    wide_table,
)
from disentangle.runs.report import Report


@pytest.fixture
def table():
    simple = {"copy": scores(1.0, nuisance=False), "style_mean": scores(0.3)}
    cells = [
        {"cell": "simple", "parameters": {}, "scores": simple},
        *(method("gvae", seed, scores(0.5)) for seed in (0, 1)),
        method("puir", 0, scores(0.2, nuisance=False)),
        method("sdnet", 0, scores(0.99)),
    ]
    return evaluate.score_table(cells)


@pytest.fixture
def report():
    return Report("comparison", "brain_sites")


def test_every_score_is_recorded_once(table, report):
    summary = record_scores(report, table)
    assert not summary.duplicated(["method", "metric", "condition"]).any()
    gvae = summary[summary["method"] == "gvae"].set_index(["metric", "condition"])
    assert len(gvae) == 2 + 4 * 2 + 1
    assert gvae.loc[("swap_error", ""), "value"] == pytest.approx(0.52)
    assert not summary[summary["method"] == "puir"]["metric"].str.contains("nuisance").any()


def test_gains_are_over_the_curve_of_grey_values(table, report):
    gains = record_gains(report, table)
    assert list(gains) == ["gvae", "puir", "sdnet"]
    assert gains["puir"].value == pytest.approx(-0.1) and gains["sdnet"].value == pytest.approx(0.69)


def concluded(report, table, section=None):
    summary = record_scores(report, table)
    return conclusions(summary, record_gains(report, table), record_beyond(report, table, summary, section))


def test_conclusions_name_the_best_the_worst_and_who_only_copies(table, report):
    words = " ".join(concluded(report, table))
    assert "PUIR comes nearest" in words and "SDNet stays farthest" in words
    assert "The first and the next, Gaussian VAE, are told apart: -0.300" in words
    assert "or worse: SDNet." in words
    assert "Better than it: PUIR; worse: Gaussian VAE, SDNet." in words


def test_a_style_in_the_wrong_code_needs_an_interval(table, report):
    words = " ".join(concluded(report, table))
    assert "from its own in: none; not told apart in: Gaussian VAE, SDNet." in words
    better = table.assign(value=table["value"] + 0.2 * (table["metric"] == "style_from_biology"))
    assert "from its own in: Gaussian VAE, SDNet; not told apart in: none." in " ".join(concluded(report, better))


def test_biology_is_held_against_the_number_of_the_section(table, report):
    section = pd.Series([0.6] * HEADS, index=[f"h{n}" for n in range(HEADS)])
    words = concluded(report, table, section)[-1]
    assert "already has R2 0.60 [0.60, 0.60]" in words
    assert "code of: none; not told apart from it: none; less: Gaussian VAE, PUIR, SDNet." in words
    assert words.endswith("not whether it tells the person.") and concluded(report, table)[-1] == ""
    low = concluded(report, table, section - 0.5)[-1]
    assert "code of: Gaussian VAE, PUIR, SDNet;" in low and low.endswith("less: none.")


def test_nothing_follows_before_any_cell_has_run(report):
    table = evaluate.score_table([])
    summary = record_scores(report, table)
    beyond = record_beyond(report, table, summary, None)
    assert conclusions(summary, record_gains(report, table), beyond) == []
    assert not len(wide_table(summary)) and not len(strongest_probe(summary))


def test_the_table_of_the_page_says_what_each_is_told(table, report):
    wide = wide_table(record_scores(report, table))
    assert wide.loc["SDNet", "told in training"] == "tissue masks of all images"
    assert wide.loc["PUIR", "style from nuisance linear"] == "none"
