"""The cells on drawn people: nobody is trained on and tested, scores are small JSON, and grids name what exists."""

import importlib
import json
from dataclasses import replace

import numpy as np
import pytest
from drawn_cohorts import cohort, drawn_split
from heads_of_people import LEVELS

from disentangle.imaging import datasets
from disentangle.puir import cohorts, experiment, further, grids, masked, rates, tasks
from disentangle.puir.baselines import fit_polynomials
from disentangle.puir.cohorts import check_disjoint, regions_of
from disentangle.puir.config import ABLATIONS
from disentangle.puir.data import people
from disentangle.puir.real import centred, real_person, robust
from disentangle.runs.cells import load as load_cells


@pytest.fixture
def drawn(monkeypatch, small):
    found = drawn_split()
    for module in (experiment, tasks):
        monkeypatch.setattr(module, "split", lambda *a, **k: found)
        monkeypatch.setattr(module, "configuration", lambda modalities, *steps: small)
    monkeypatch.setattr(tasks, "SEGMENTING", 2)
    return found


def test_nobody_is_in_two_parts_and_rare_marks_are_in_theirs():
    found = drawn_split()
    check_disjoint(found)
    with pytest.raises(ValueError, match="train0 is among training and test, expected one of them"):
        check_disjoint(replace(found, test=found.training))
    twin = cohort(6, 0, "other")  # other names, the same volumes
    with pytest.raises(ValueError, match="is among training and test"):
        check_disjoint(replace(found, test=twin))
    with pytest.raises(ValueError, match="test: 3 of 3 people have a rare mark"):
        check_disjoint(replace(found, test=cohort(3, 9, "marked", rare=True)))


def test_test_people_come_from_another_seed_than_training_people(monkeypatch):
    asked = []

    def load(name, people, seed, anatomy, **options):
        asked.append((name, people, seed, anatomy, options["jitter"]))
        return cohort(people, 10 * seed + people, f"{anatomy}{seed}_", rare=anatomy == "rare")

    monkeypatch.setattr(cohorts.datasets, "load", load)
    found = cohorts.split("brain", 10.0, (5, 2, 4, 3))
    assert [len(part) for part in vars(found).values()] == [5, 2, 4, 3]
    assert asked == [("brain", 7, 0, "usual", 10), ("brain", 4, 1, "usual", 10), ("brain", 3, 1, "rare", 10)]
    assert found.modalities == tuple(LEVELS)
    assert all((region["enhancing"] <= region["tumour"]).all() for region in regions_of(found.test))
    cohorts.split.cache_clear()


def test_a_transfer_cell_is_small_json_and_the_same_when_repeated(drawn):
    scores = experiment.transfer_cell("puir", 0, jitter=0.0)
    assert scores["people"]["subject"] == [f"test{i}" for i in range(4)]
    assert len(json.dumps(scores)) < 20_000 and json.loads(json.dumps(scores)) == scores
    assert set(scores["retrieval"]) == {"own", "common", "inner"} and set(scores["x_h"]["zero"]) == {"brain", "tumour"}
    assert scores["x_h"]["own"]["tumour"] == scores["people"]["tumour.psnr"]
    again = experiment.transfer_cell("puir", 0, jitter=0.0)
    assert again["people"] == scores["people"] and again["equivariance"] == scores["equivariance"]


def test_networks_without_skips_lose_nothing_when_skips_are_cut(drawn):
    scores = experiment.transfer_cell("matched_no_skips", 0, jitter=0.0)["x_h"]
    assert scores["no_skip"] == scores["own"]
    with pytest.raises(ValueError, match="no method 'perfect', expected one of puir, matched"):
        experiment.transfer_cell("perfect", 0, jitter=0.0)


def test_the_short_network_has_the_steps_of_the_second_stage_alone(drawn, small, monkeypatch):
    assert further.short(small).steps == small.transfer.steps == small.steps - small.pretraining.steps
    monkeypatch.setattr(further, "split", lambda *a: drawn)
    monkeypatch.setattr(further, "configuration", lambda modalities: small)
    assert set(further.short_cell("matched_short", 0, jitter=0.0)) >= {"people", "pairs", "rare", "x_h"}


def test_baselines_need_no_training(drawn):
    scores = experiment.baselines_cell(0.0)
    assert scores["retrieval"]["inner"]["mask"] == [0.25] * 4
    assert np.mean(scores["polynomial"]["people"]["brain.psnr"]) > np.mean(scores["copy"]["people"]["brain.psnr"])
    assert scores["copy"]["rare"]["several_foci"] == [True, True]


def test_inside_the_mask_a_polynomial_is_drawn_where_the_source_is_zero():
    """As robust scaling leaves it: the darkest tissue of one contrast is exactly 0 and bright in the other."""
    rng = np.random.default_rng(0)
    dark = np.zeros((3, 8, 8, 8), np.float32)
    dark[:, 2:6, 2:6, 2:6] = rng.uniform(0.1, 1, (3, 4, 4, 4))
    dark[:, 3, 3, 3] = 0  # in the brain
    brain = np.zeros(dark.shape, bool)
    brain[:, 2:6, 2:6, 2:6] = True
    data = people(np.stack([dark, np.where(brain, 0.9 - 0.5 * dark, 0)], 1), ("a", "b"), None, foreground=brain)
    found = fit_polynomials(data, ("a", "b"))
    crippled, drawn = found.predict(data)[:, 0, 1], masked.drawn_inside(found, data)[:, 0, 1]
    assert (crippled[:, 3, 3, 3] == 0).all() and drawn[:, 3, 3, 3] == pytest.approx(0.9, abs=1e-3)
    assert np.allclose(drawn, data.images[:, 1], atol=1e-3) and (drawn[~brain] == 0).all()
    elsewhere = brain & (dark > 0)
    assert np.array_equal(drawn[elsewhere], crippled[elsewhere])


def test_the_polynomial_in_the_mask_has_the_scores_of_the_other(drawn, monkeypatch):
    monkeypatch.setattr(masked, "split", lambda *a: drawn)
    scores, other = masked.polynomial_inside_cell(0.0), experiment.baselines_cell(0.0)["polynomial"]
    assert list(scores) == ["polynomial_inside"] and scores["polynomial_inside"].keys() == other.keys()
    assert scores["polynomial_inside"]["people"].keys() == other["people"].keys()


def test_a_rate_is_judged_by_validation_people_alone(drawn, small, monkeypatch):
    monkeypatch.setattr(rates, "split", lambda *a: drawn)
    monkeypatch.setattr(rates, "configuration", lambda modalities: small)
    low, high = (rates.rate_cell(rate, 0)["validation"] for rate in (1e-4, 1e-2))
    assert low["subject"] == ["val0", "val1"] and set(low) == {"subject", "brain", "tumour"}
    assert low["tumour"] != high["tumour"]


def test_segmentation_cells_cover_all_subsets_for_each_start(drawn):
    for method in tasks.STARTS:
        scores = tasks.segmentation_cell(method, 0)
        assert {region: len(found) for region, found in scores["dice"].items()} == {"wt": 15, "tc": 15, "et": 15}
        assert list(scores["rare"]["dice"]["wt"]) == ["1111"] and len(json.dumps(scores)) < 20_000
    with pytest.raises(ValueError, match="no method 'unet', expected one of puir, matched, scratch"):
        tasks.segmentation_cell("unet", 0)


def test_dice_is_that_of_the_formula_and_absent_regions_have_none():
    truth = np.zeros((4, 4, 4), bool)
    assert np.isnan(tasks.dice(truth, ~truth))
    truth[:2] = True
    assert tasks.dice(truth, truth) == 1 and tasks.dice(truth, ~truth) == 0
    assert tasks.dice(truth, np.ones_like(truth)) == pytest.approx(2 / 3)


def test_grids_name_functions_that_exist_and_methods_that_are_known():
    cells = [*grids.puir_transfer(), *grids.puir_tasks()]
    assert len({cell.name for cell in cells}) == len(cells)
    for cell in cells:
        module, function = cell.function.split(":")
        assert callable(getattr(importlib.import_module(module), function))
    named = {cell.parameters["method"] for cell in grids.puir_transfer() if "method" in cell.parameters}
    every = {*experiment.NETWORKS, *experiment.WITHOUT_SKIPS, *ABLATIONS}
    assert every - named == {"inv_equ"} and named - every == {"matched_short", "puir_own_rate"}
    assert ABLATIONS["inv_equ"] == ABLATIONS["no_contr"]
    seeds = {c.parameters["seed"] for c in grids.puir_transfer() if c.parameters.get("method") == "matched"}
    assert seeds == {0, 1, 2}
    planned = grids.planned_trainings()
    assert {"puir", "matched", "puir_no_skips", "matched_no_skips"} <= set(planned[3]) and "no_equ" in planned[1]
    assert {c.data for c in grids.puir_transfer() if c.parameters.get("jitter") == 10.0} == {("brain",)}


def test_the_own_rate_of_puir_is_the_one_that_its_validation_people_like_best():
    found = {
        cell["parameters"]["learning_rate"]: np.mean(cell["scores"]["validation"]["tumour"])
        for cell in load_cells("puir_transfer").done
        if "validation" in cell["scores"]
    }
    assert set(found) == set(grids.RATES) and max(found, key=found.get) == grids.OWN_RATE


def test_robust_scaling_puts_the_median_in_the_middle_and_the_air_at_zero():
    rng = np.random.default_rng(0)
    volume, brain = 100 + 10 * rng.standard_normal((20, 20, 20)), np.zeros((20, 20, 20), bool)
    brain[5:15, 5:15, 5:15] = True
    found = robust(volume, brain)
    assert np.median(found[brain]) == pytest.approx(0.5, abs=1e-4) and (found[~brain] == 0).all()
    assert found[brain].std() == pytest.approx(1 / 6, rel=0.1)
    assert np.allclose(robust(3 * volume - 50, brain), found, atol=1e-4)


def test_volumes_are_centred_by_padding_and_by_cutting():
    volume = np.arange(2 * 3 * 6).reshape(2, 3, 6)
    found = centred(volume, 4)
    assert found.shape == (4, 4, 4) and (found[1:3, :3] == volume[:, :, 1:5]).all() and found.sum() == found[1:3].sum()


def test_the_real_person_lies_on_the_grid_of_the_simulated_ones(shared_data, monkeypatch):
    if not (shared_data / "tcga_lgg").is_dir():
        pytest.skip("tcga_lgg is not in the shared data")
    monkeypatch.setenv("DISENTANGLE_DATA", str(shared_data))
    real_person.cache_clear()
    data, tumour = real_person(("T1", "FLAIR"), 32)
    real_person.cache_clear()
    assert tuple(data.images.shape) == (1, 2, 32, 32, 32) and tumour.shape == (32, 32, 32)
    ml = int(data.foreground.sum()) * (208 / 32) ** 3 / 1000
    assert 900 < ml < 2000 and 0 < tumour.sum() < 1000
    assert data.images[0, 1].numpy()[tumour].mean() > data.images[0, 1].numpy()[data.foreground[0].numpy()].mean()
    assert datasets.entry("tcga_lgg").figures_allowed is False
