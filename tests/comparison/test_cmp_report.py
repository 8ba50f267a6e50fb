"""Findings and conclusions from scores made by hand."""

import pytest
from made_cells import method, scores

from disentangle.comparison import evaluate
from disentangle.comparison.report import conclusions, record_gains, record_scores, strongest_probe, wide_table
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


def test_conclusions_name_the_best_the_worst_and_who_only_copies(table, report):
    words = " ".join(conclusions(record_scores(report, table), record_gains(report, table)))
    assert "PUIR comes nearest" in words and "SDNet stays farthest" in words
    assert "or worse: SDNet." in words
    assert "Better than it: PUIR; worse: Gaussian VAE, SDNet." in words
    assert "**wrong** code at least as well as from its own in: Gaussian VAE, SDNet." in words


def test_nothing_follows_before_any_cell_has_run(report):
    table = evaluate.score_table([])
    summary = record_scores(report, table)
    assert conclusions(summary, record_gains(report, table)) == []
    assert not len(wide_table(summary)) and not len(strongest_probe(summary))


def test_the_table_of_the_page_says_what_each_is_told(table, report):
    wide = wide_table(record_scores(report, table))
    assert wide.loc["SDNet", "told in training"] == "tissue masks of all images"
    assert wide.loc["PUIR", "style from nuisance linear"] == "none"
