"""Tables and intervals from cells made by hand, whose means and differences are known."""

import numpy as np
import pandas as pd
import pytest
from made_cells import HEADS, method, scores
from matplotlib.figure import Figure

from disentangle.comparison import evaluate, figures, grids, methods
from disentangle.comparison.evaluate import CODE_SCORES


@pytest.fixture
def done() -> list[dict]:
    simple = {"copy": scores(1.0), "style_mean": scores(0.3)}
    return [
        {"cell": "simple", "parameters": {}, "scores": simple},
        {"cell": "controls", "parameters": {}, "scores": {"perfect": scores(0.0)["codes"]}},
        *(method("gvae", seed, scores(0.5 + seed / 10)) for seed in (0, 1)),
        method("puir", 0, scores(0.2, nuisance=False)),
    ]


def test_means_are_over_heads_and_seeds(done):
    table = evaluate.score_table(done)
    found = evaluate.interval(table, "swap_error", "gvae")
    assert found.value == pytest.approx(0.57) and found.n == HEADS and found.low < 0.57 < found.high
    assert evaluate.seed_means(table, "swap_error", "gvae") == pytest.approx([0.52, 0.62])
    assert evaluate.methods_of(table) == ["copy", "style_mean", "gvae", "puir"]
    assert evaluate.interval(table, "style_from_nuisance", "puir", "linear") is None
    assert evaluate.interval(table, "style_from_biology", "puir", "linear").value == pytest.approx(0.52)


def test_differences_are_paired_by_head(done):
    table = evaluate.score_table(done)
    found = evaluate.difference(table, "swap_error", "puir", "style_mean")
    assert (found.value, found.low, found.high) == pytest.approx((-0.1, -0.1, -0.1))
    assert evaluate.difference(table, "swap_error", "gvae", "style_mean").value == pytest.approx(0.25)
    assert evaluate.difference(table, "swap_error", "sdnet", "style_mean") is None


def test_costs_pairs_and_facts_are_means_over_seeds(done):
    costs = evaluate.cost_table(done)
    assert costs.loc["gvae", "seeds"] == 2 and costs.loc["gvae", "fit_seconds"] == 60
    assert evaluate.pair_errors(done, "gvae") == pytest.approx(0.55)
    assert evaluate.pair_errors(done, "sdnet") is None
    assert set(evaluate.chosen_dimensions(done)["dimensions"]) == {4}


def test_nothing_breaks_before_any_cell_has_run():
    table = evaluate.score_table([])
    assert evaluate.interval(table, "swap_error", "sdnet") is None
    assert not len(evaluate.cost_table([])) and not len(evaluate.chosen_dimensions([]))


def test_other_pages_are_read_and_missing_ones_left_empty(monkeypatch):
    finding = {"id": "sdnet.acdc.dice.sdnet-unet.labelled_1", "value": 0.2, "low": 0.1, "high": 0.3, "n": 9}
    found = {"sdnet_few_labels_acdc": {"findings": [finding]}}
    monkeypatch.setattr(evaluate, "record_of", lambda page: found.get(page.name))
    table = evaluate.own_grounds().set_index("chapter")
    assert table.loc["SDNet", "value"] == 0.2 and np.isnan(table.loc["PUIR", "value"])


def test_of_several_baselines_the_strongest_counts(monkeypatch):
    names = evaluate.GROUNDS[2].findings
    record = {"findings": [{"id": name, "value": at, "low": 0, "high": 1, "n": 3} for at, name in enumerate(names)]}
    monkeypatch.setattr(evaluate, "record_of", lambda page: record if page.name == "rotation_clusters" else None)
    assert evaluate.own_grounds().set_index("chapter").loc["latent rotation", "value"] == 0


def test_the_grid_names_every_method_and_its_first_seed_first():
    cells = grids.comparison()
    assert grids.TRAINED == methods.TRAINED
    assert [cell.name for cell in cells[:3]] == ["simple", "controls", "sdnet_seed0"]
    assert len(cells) == 2 + 3 * len(methods.TRAINED)


def test_figures_are_drawn(done):
    table = evaluate.score_table(done)
    row = vars(evaluate.interval(table, "swap_error", "gvae")) | {"method": "gvae", "seeds": [0.5], "floor": 0.1}
    assert isinstance(figures.error_plot(pd.DataFrame([row]), reference={"copy": 1.0}), Figure)
    held = pd.DataFrame({name: {"gvae": 0.4, "puir": np.nan} for name in CODE_SCORES})
    assert isinstance(figures.who_holds_what(held), Figure)
    assert isinstance(figures.cost_plot(pd.DataFrame([{"method": "a", "fit_seconds": 60, "value": 1.0}])), Figure)
    pictures = np.zeros((2, 20, 20))
    pictures[:, 5:15, 5:12] = 0.5
    assert isinstance(figures.swap_rows({"truth": pictures}, ["A", "B"]), Figure)


def test_seeds_of_both_methods_count_in_their_difference():
    errors = {"rotation": (0.2, 0.4), "autoencoder": (0.3, 0.7)}
    cells = [method(name, seed, scores(at[seed])) for name, at in errors.items() for seed in (0, 1)]
    found = evaluate.difference(evaluate.score_table(cells), "swap_error", "rotation", "autoencoder")
    assert (found.value, found.low, found.high) == pytest.approx((-0.2, -0.3, -0.1))


def test_two_scores_of_one_method_and_a_number_of_each_head_are_paired(done):
    table = evaluate.score_table(done)
    pair = [("style_from_biology", "linear"), ("style_from_nuisance", "nonlinear")]
    assert evaluate.code_difference(table, "gvae", *pair).value == pytest.approx(0)
    assert evaluate.code_difference(table, "puir", *pair) is None
    reference = pd.Series(0.4 + 0.01 * np.arange(HEADS), index=[f"h{n}" for n in range(HEADS)])
    less = evaluate.less_reference(table, "biology_from_biology", "gvae", "linear", reference)
    assert (less.value, less.low, less.high) == pytest.approx((0.1, 0.1, 0.1))


def test_every_harmonization_of_the_chapter_is_among_the_baselines_and_absent_ones_are_named(monkeypatch):
    findings = [{"id": name, "value": 0.1, "low": 0, "high": 1, "n": 3} for name in evaluate.GROUNDS[2].findings[1:]]
    findings.append({"id": "rotation.lung_phantom.ari.rotation-nap", "value": -1.0, "low": -2, "high": -0.5, "n": 3})
    record = {"findings": findings}
    monkeypatch.setattr(evaluate, "record_of", lambda page: record if page.name == "rotation_clusters" else None)
    row = evaluate.own_grounds().set_index("chapter").loc["latent rotation"]
    assert row["value"] == -1 and row["missing"] == [evaluate.GROUNDS[2].findings[0]]
