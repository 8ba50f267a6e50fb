"""The cells of the lesion experiments, on a small cohort with short trainings; and what is made of them."""

import json

import numpy as np
import pandas as pd
import pytest

from disentangle.lesion_vae import controls, evaluate, experiment, exploration, grids, prediction, splits
from disentangle.lesion_vae.config import CNN_PRESETS, FINE_TUNE_PRESETS, PRESETS
from disentangle.runs import checksums, source


@pytest.fixture
def short(discs, monkeypatch):
    """Cells see the discs, and train for a few steps."""

    def config(data, model, **changes):
        from dataclasses import replace

        return replace(PRESETS["smoke"], prior=experiment.PRIORS[model], **changes)

    for module in (prediction, exploration, controls):
        monkeypatch.setattr(module, "labelled_cohort", lambda data: discs)
        monkeypatch.setattr(module, "vae_config", config)
    for module in (prediction, controls):
        monkeypatch.setattr(module, "FineTuneConfig", lambda: FINE_TUNE_PRESETS["smoke"])
    monkeypatch.setattr(prediction, "CNNConfig", lambda: CNN_PRESETS["smoke"])
    monkeypatch.setattr(controls, "CNNConfig", lambda: CNN_PRESETS["smoke"])
    monkeypatch.setattr(controls.datasets, "load", lambda name, render: discs)
    return discs


def _cell(name, parameters, scores):
    return {"cell": name, "parameters": parameters, "scores": json.loads(json.dumps(scores))}


def test_every_method_predicts_each_tested_lesion_once(short):
    done = []
    for fold in range(splits.FOLDS):
        parameters = {"data": "discs", "method": "pca", "fold": fold, "seed": 0, "draw": None}
        done.append(_cell(f"honest_pca_fold{fold}", parameters, prediction.honest(**parameters)))
    logits = evaluate.honest_logits(short.samples, done, "pca")
    assert np.isfinite(logits).all()
    ground = evaluate.Ground.lesions(short.samples)
    assert ground.auc(ground.of(short.samples, logits)).value > 0.8  # large discs are malignant


@pytest.mark.parametrize("method", ["gvae", "dirvae", "autoencoder", "gvae_finetuned", "cnn"])
def test_cells_are_small_and_hold_what_the_pages_read(short, method):
    scores = prediction.honest("discs", method, fold=0, seed=0)
    assert len(json.dumps(scores)) < 20_000 and 0 <= scores["validation_auc"] <= 1
    if method != "cnn":
        tested = short.samples["subject"][splits.honest_split(short.samples, 0).test].nunique()
        assert len(scores["ssim"]) == tested


def test_random_labels_change_the_prediction_and_not_the_autoencoder(short):
    first, second = (prediction.honest("discs", "gvae", fold=0, seed=0, draw=draw) for draw in (None, 1))
    assert first["logits"] != second["logits"] and first["ssim"] == second["ssim"]


def test_the_published_order_scores_everybody(short):
    scores = prediction.published_order("discs", split_seed=0, seed=0)
    cell = _cell("published_seed0", {"draw": None, "seed": 0}, scores)
    assert np.isfinite(evaluate.published_logits(short.samples, [cell])).all()


def test_a_rendering_control_scores_its_fold(short):
    scores = controls.rendering_control("geometry_only", fold=1, seed=0)
    cell = _cell("control_cnn", {"render": "geometry_only"}, scores)
    logits = evaluate.control_logits(short.samples, [cell], "control_", render="geometry_only")
    assert (np.isfinite(logits) == splits.honest_split(short.samples, 1).test).all()


def test_the_schedule_control_scores_its_fold(short):
    scores = controls.fixed_schedule("discs", fold=2, seed=0)
    cell = _cell("schedule_gvae_finetuned_fold2", {}, scores)
    logits = evaluate.control_logits(short.samples, [cell], "schedule_")
    assert (np.isfinite(logits) == splits.honest_split(short.samples, 2).test).all()


@pytest.fixture
def explored(short, monkeypatch):
    monkeypatch.setattr(exploration, "DRAWS", 3)
    monkeypatch.setattr(exploration, "PERMUTATIONS", 5)
    done = []
    for model, beta in (("gvae", 1.0), ("gvae", 10.0), ("dirvae", 1.0), ("random", 1.0)):
        parameters = {"data": "discs", "model": model, "beta": beta, "concentration": 0.95, "seed": 0}
        done.append(_cell(f"{model}_{beta}", parameters, exploration.latent_space(**parameters)))
    return evaluate.exploration(done)


def test_an_exploration_cell_gives_every_comparison_of_the_page(explored):
    assert (explored["ssim"] <= 1).all() and set(explored["model"]) == {"gvae", "dirvae", "random"}
    gvae, dirvae = (explored[(explored["model"] == m) & (explored["beta"] == 1.0)] for m in ("gvae", "dirvae"))
    paired = evaluate.reconstruction_difference(gvae, dirvae, "ssim")
    assert paired.value == pytest.approx(gvae["ssim"].iloc[0] - dirvae["ssim"].iloc[0], abs=1e-6)
    agreement = evaluate.excess_agreement(gvae, "malignancy", "kmeans_given_size")
    assert agreement.low <= agreement.value <= agreement.high
    learned = explored[explored["model"] != "random"]
    interval, (low, high) = evaluate.matched_difference(learned, "mig")
    assert interval.low <= interval.value <= interval.high and low <= high <= 1


def test_models_are_compared_at_equal_reconstruction_only():
    """Two curves on one line, reached at different points: no difference, though their default points differ."""

    def row(model, ssim):
        score = {"dci_disentanglement": 0.5 * ssim, "mig": 0.5 * ssim, "sap": 0.5 * ssim}
        draws = {"plain": {name: [value] * 4 for name, value in score.items()}}
        cell = {"scores": {"disentanglement_draws": draws, "ssim": [ssim] * 3}}
        return {"model": model, "seed": 0, "ssim": ssim, "mig.plain": score["mig"], "cell": cell}

    table = pd.DataFrame([row("gvae", 0.4), row("gvae", 0.8), row("dirvae", 0.2), row("dirvae", 0.6)])
    interval, reach = evaluate.matched_difference(table, "mig")
    assert interval.value == pytest.approx(0) and reach == (0.4, 0.6)


def _point(model, seed, beta, ssim, nats, score):
    draws = {"plain": {"mig": [score] * 4}}
    cell = {"scores": {"disentanglement_draws": draws, "ssim": [ssim, ssim + 0.1]}}
    facts = {"model": model, "seed": seed, "beta": beta, "ssim": ssim, "kl_nats": nats}
    return facts | {"mig.plain": score, "cell": cell}


def test_models_are_compared_at_equal_nats_too():
    """Scores that follow the nats alone, on a logarithmic axis: no difference, and SSIM differs by what was put in."""

    def curve(model, nats, gap):
        return [_point(model, 0, n, gap + 0.1 * np.log(n), n, 0.2 * np.log(n)) for n in nats]

    table = pd.DataFrame([*curve("gvae", (4.0, 64.0), 0.3), *curve("dirvae", (1.0, 16.0), 0.1)])
    interval, reach = evaluate.matched_difference(table, "mig", by="kl_nats")
    assert interval.value == pytest.approx(0) and reach == (4.0, 16.0)
    gap, reach = evaluate.matched_reconstruction(table)
    assert (gap.value, gap.low, gap.high) == pytest.approx((0.2, 0.2, 0.2)) and reach == (4.0, 16.0)


def test_it_is_said_which_trainings_a_comparison_at_equal_ssim_rests_on():
    rows = [_point("gvae", 0, beta, ssim, 1.0, 0.1) for beta, ssim in ((1.0, 0.9), (10.0, 0.7), (30.0, 0.4))]
    rows += [_point("dirvae", 0, beta, ssim, 1.0, 0.1) for beta, ssim in ((1.0, 0.6), (10.0, 0.5))]
    assert evaluate.trainings_read(pd.DataFrame(rows)) == {"gvae": (2, (10.0, 30.0)), "dirvae": (2, (1.0, 10.0))}


def test_an_interval_of_a_score_knows_that_seeds_differ():
    apart, alike = (
        pd.DataFrame([_point("gvae", seed, 1.0, 0.5, 1.0, score) for seed, score in enumerate(scores)])
        for scores in ((0.1, 0.3), (0.2, 0.2))
    )
    wide, narrow = evaluate.score_interval(apart, "mig"), evaluate.score_interval(alike, "mig")
    assert (wide.value, wide.low, wide.high) == pytest.approx((0.2, 0.1, 0.3))
    assert (narrow.low, narrow.high) == pytest.approx((0.2, 0.2))


def test_folds_that_fine_tuning_left_alone_are_known():
    done = []
    for fold, rounds in ((1, 0), (0, 2)):
        parameters = {"method": "gvae_finetuned", "fold": fold, "seed": 0, "draw": None}
        done.append(_cell(f"honest_{fold}", parameters, {"chosen_round": rounds, "ssim": [fold + 0.5]}))
    assert evaluate.rounds_kept(done) == {0: 2, 1: 0}
    assert evaluate.per_person(done, "ssim", "gvae_finetuned").tolist() == [0.5, 1.5]
    assert evaluate.per_person(done, "ssim", "gvae_finetuned", [0]).tolist() == [0.5]


def test_folds_in_which_one_method_is_ahead_are_counted(discs):
    ground = evaluate.Ground.lesions(discs.samples)
    truth = ground.table["malignant"].to_numpy(float)
    chosen = ground.table["fold"].to_numpy() == 2
    assert ground.folds_ahead(truth, -truth) == (splits.FOLDS, splits.FOLDS)
    assert ground.folds_ahead(np.where(chosen, truth, -truth), np.zeros(len(truth))) == (1, splits.FOLDS)
    assert ground.folds_ahead(np.where(chosen, truth, np.nan), -truth) == (1, 1)


def test_purity_is_one_where_every_walk_changes_one_feature_and_even_where_all_change_alike():
    def table(changes):
        return pd.DataFrame({"cell": [{"scores": {"traversals": {"changes": changes.tolist()}}}]})

    assert evaluate.purity_interval(table(np.eye(4))).value == 1
    assert evaluate.purity_interval(table(np.ones((6, 4)))).value == 0.25


def test_an_interval_of_a_score_is_centred_on_the_score(explored):
    gvae = explored[(explored["model"] == "gvae") & (explored["beta"] == 1.0)]
    interval = evaluate.score_interval(gvae, "mig")
    assert interval.value == gvae["mig.plain"].iloc[0] and interval.low <= interval.value <= interval.high


def test_the_best_image_model_is_chosen_without_test_people(discs):
    done = []
    for fold in range(splits.FOLDS):
        rows = splits.honest_split(discs.samples, fold).test
        lesions = discs.samples["lesion"][rows].unique().tolist()
        for at, method in enumerate(evaluate.IMAGE_METHODS):
            logits = np.full(rows.sum(), float(at))
            scores = {
                "lesions": lesions,
                "logits": prediction.pack_logits(logits),
                "validation_auc": 0.9 if at == fold else 0.5,
            }
            parameters = {"method": method, "fold": fold, "seed": 0, "draw": None}
            done.append({"cell": f"honest_{method}_fold{fold}", "parameters": parameters, "scores": scores})
    logits, choices = evaluate.best_image_logits(discs.samples, done)
    assert choices == dict(enumerate(evaluate.IMAGE_METHODS[: splits.FOLDS]))
    expected = splits.outer_fold(discs.samples)
    assert np.allclose(logits, expected, atol=0.06)


def test_auc_compares_inside_folds_only(discs):
    """Scores that differ between folds alone know nothing; pooled, they might look like knowledge."""
    ground = evaluate.Ground.lesions(discs.samples)
    assert ground.auc(ground.table["fold"].to_numpy(float)).value == 0.5


def test_missing_cells_leave_gaps_instead_of_guesses(discs):
    assert np.isnan(evaluate.honest_logits(discs.samples, [], "gvae")).all()
    assert np.isnan(evaluate.published_logits(discs.samples, [])).all()
    assert np.isnan(evaluate.best_image_logits(discs.samples, [])[0]).all()


def test_predictions_of_another_cohort_are_refused(discs):
    scores = {"logits": prediction.pack_logits(np.zeros(3))}
    cell = {"cell": "published_seed0", "parameters": {"draw": None, "seed": 0}, "scores": scores}
    with pytest.raises(ValueError, match="published_seed0 has 3 predictions, the cohort has"):
        evaluate.published_logits(discs.samples, [cell])


@pytest.mark.parametrize("grid", [grids.lesion_vae, grids.lesion_malignancy, grids.lesion_malignancy_patches])
def test_grids_name_functions_that_exist_and_parameters_that_they_take(grid):
    import inspect

    cells = grid()
    assert len({cell.name for cell in cells}) == len(cells)
    for cell in cells:
        inspect.signature(checksums.load_function(cell.function)).bind(**cell.parameters)


def test_the_order_of_worth_puts_the_default_and_the_main_method_first():
    assert grids.lesion_malignancy()[0].parameters["method"] == "gvae"
    first = [cell.parameters for cell in grids.lesion_vae()[:3]]
    assert all(one["beta"] == 1.0 and one["concentration"] == 0.95 for one in first)


def test_models_of_real_pixels_never_see_the_embedded_cohort():
    """Its ratings are those of everybody; the cells of the patches name no other data."""
    assert all(
        cell.data == ("lidc_patches",) and cell.parameters["data"] == "lidc_patches"
        for cell in grids.lesion_malignancy_patches()
    )


def test_a_change_of_the_traversals_leaves_predictions_fresh():
    closure = source.closure("disentangle.lesion_vae.prediction", source.COSMETIC)
    assert "disentangle.lesion_vae.traversals" not in closure and "disentangle.imaging.datasets" not in closure
