"""The cells' functions, for a few steps on a few phantoms: who is tested, and what a wrong name says."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from disentangle.imaging import datasets
from disentangle.sdnet import ablation, all_masks, best, comparison, ingredients, mixtures, reasons
from disentangle.sdnet.fitted import Fitted
from disentangle.sdnet.splits import few_labels


@pytest.fixture(scope="module")
def hearts():
    return datasets.load("heart_phantom", size=64, people=15, frames=2)


@pytest.fixture
def few_steps(monkeypatch, hearts):
    """Two steps of the comparison's own configuration on few hearts."""

    def short(steps: int = 2):
        return configuration(2)

    configuration = comparison.configuration
    for module in (comparison, reasons, ingredients, best, all_masks):
        monkeypatch.setattr(module, "configuration", short)
        monkeypatch.setattr(module, "cohort_of", lambda data: hearts)


CELLS = {
    "unet": comparison.few_labels_cell,
    "gan": comparison.few_labels_cell,
    "sdnet": comparison.few_labels_cell,
    "sdnet_allmasks": comparison.few_labels_cell,
    "sdnet_no_adversary": reasons.reason_cell,
    "unet_best": best.best_cell,
    all_masks.METHOD: all_masks.gan_cell,
    **dict.fromkeys(ingredients.ARMS, ingredients.ingredient_cell),
}


@pytest.mark.parametrize("method", CELLS)
def test_a_cell_scores_the_people_of_its_fold_and_can_be_stored(few_steps, hearts, method):
    scores = CELLS[method]("heart_phantom", method, 1, 0, 1, 0)
    split = few_labels(hearts.samples, 1, 1, 0)
    tested = set(hearts.samples["subject"][split.test])
    assert {person["subject"] for person in scores["people"]} == tested
    assert all(0 <= person["mean"] <= 1 for person in scores["people"])
    assert json.loads(json.dumps(scores)) == scores


def test_masks_of_people_without_labels_change_nothing(few_steps, hearts):
    split = few_labels(hearts.samples, 0, 1, 0)
    labels = hearts.labels.copy()
    labels[~split.labelled] = np.roll(labels[~split.labelled], 20, axis=-1)
    altered = replace(hearts, labels=labels)
    config = comparison.resized(comparison.configuration(2), 64)
    for method in ("unet", "sdnet", "gan", "selftrain"):
        first, second = (
            comparison.trained(cohort, split, method, 0, config).model.state_dict() for cohort in (hearts, altered)
        )
        assert all(torch.equal(first[name], second[name]) for name in first), method


def test_a_discriminator_of_all_masks_sees_masks_that_are_withheld_elsewhere(few_steps, hearts, monkeypatch):
    seen = {}

    def spy(data, config, seed, **rows):
        seen[config.adversary.masks] = rows["labelled"].sum()
        return fit_unet(data, config, seed, **rows)

    fit_unet = all_masks.fit_unet
    monkeypatch.setattr(all_masks, "fit_unet", spy)
    all_masks.gan_cell("heart_phantom", all_masks.METHOD, 1, 0, 0, 0)
    split = few_labels(hearts.samples, 0, 1, 0)
    assert seen == {"all": split.labelled.sum()}, "the network's own labels stay those of one person"


def test_turned_copies_are_turned_back():
    class Bright(torch.nn.Module):
        """Background where it is dark, the first structure where it is bright: turning must change next to nothing."""

        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(()))

        def probabilities(self, images):
            bright = (5 * images).sigmoid()
            return torch.cat([1 - bright, bright], 1)

    config = comparison.resized(comparison.configuration(2), 64)
    fitted = Fitted(Bright(), config, None, 0.0, False)
    rows, columns = np.mgrid[:64, :64]
    blob = np.exp(-((rows - 22) ** 2 + (columns - 38) ** 2) / 60)[None, None].astype(np.float32)
    plain = best.segment(fitted, blob)
    assert 20 < plain.sum() < 400
    np.testing.assert_array_equal(best.segment_turned(fitted, blob, (0.0,)), plain)
    for angles in (best.ANGLES, (90.0,), (-30.0, 45.0)):
        assert (best.segment_turned(fitted, blob, angles) == plain).mean() > 0.995


@pytest.mark.parametrize("call", dict.fromkeys(CELLS.values()))
def test_an_unknown_method_is_named_with_those_that_are(few_steps, call):
    with pytest.raises(ValueError, match="no (method|arm) 'vnet', expected "):
        call("heart_phantom", "vnet", 1, 0, 0, 0)


def test_a_variant_differs_from_sdnet_in_what_its_name_says():
    usual = ablation.configuration(learning_rate=0.002, steps=2)
    for variant, change in ablation.CHANGES.items():
        assert ablation.configuration(variant, learning_rate=0.002, steps=2) == replace(usual, **change)
    with pytest.raises(ValueError, match="no variant 'channels_5', expected one of sdnet"):
        ablation.configuration("channels_5", learning_rate=0.002)


@pytest.fixture
def few_hearts(monkeypatch):
    hearts = datasets.load("heart_phantom", scanner="mr_ct", size=64, frames=2, people=30)
    monkeypatch.setattr(ablation, "both_modalities", lambda: hearts)
    make = ablation.configuration
    monkeypatch.setattr(ablation, "configuration", lambda *names, **given: make(*names, **given | {"steps": 2}))
    return hearts


def test_a_cell_of_the_factors_swaps_across_modalities_and_scanners(few_hearts, monkeypatch):
    monkeypatch.setattr(ablation, "PAIRS", 8)
    monkeypatch.setattr(ablation, "SCANNER_PAIRS", 8)
    monkeypatch.setattr(ablation, "factor_scores", lambda *_: {})
    scores = ablation.ablation_cell("channels_4", 0, 0.002)
    assert json.loads(json.dumps(scores)) == scores
    tested = {person["subject"] for person in scores["people"]}
    assert {person["subject"] for person in scores["swaps"]} <= tested
    scanners = {person["subject"] for person in scores["scanner_swaps"]}
    assert scanners and scanners <= {subject for subject in tested if subject.startswith("mr")}
    assert all(person["copy"] > 0 for person in scores["scanner_swaps"])


def test_a_rate_is_judged_by_people_who_neither_train_nor_test(few_hearts, monkeypatch):
    seen = {}
    fit = ablation.trained

    def trained(training, config, seed, **kept):
        seen["training"] = set(training.samples["subject"])
        assert config.training.learning_rate == 0.001
        return fit(training, config, seed, **kept)

    monkeypatch.setattr(ablation, "trained", trained)
    judged = {person["subject"] for person in ablation.rate_cell(0.001, 0)["people"]}
    tested = set(ablation.split_of(few_hearts)[1].samples["subject"])
    assert judged and not judged & tested and not judged & seen["training"] and not tested & seen["training"]


def test_mixtures_are_nested_and_test_the_same_people(few_hearts):
    training, test = ablation.split_of(few_hearts)
    people = {name: set(mixtures.mixed(training, name).samples["subject"]) for name in mixtures.SHARES}
    in_ct = {subject for subject in training.samples["subject"] if subject.startswith("ct")}
    assert people["ct_alone"] == in_ct and people["mr_alone"] == set(training.samples["subject"]) - in_ct
    assert people["mr_alone"] < people["mr_some_ct"] and people["ct_alone"] < people["ct_some_mr"]
    assert len(people["mr_some_ct"] & in_ct) == max(1, int(0.125 * len(in_ct)))
    scores = mixtures.mixture_cell("mr_some_ct", 0, 0.002)
    assert json.loads(json.dumps(scores)) == scores
    assert {one["subject"] for one in scores["people"]} == set(test.samples["subject"])
    assert scores["training_people"] == {"mr": len(people["mr_alone"]), "ct": len(people["mr_some_ct"] & in_ct)}
    with pytest.raises(ValueError, match="no mixture 'mr', expected one of mr_alone"):
        mixtures.mixed(training, "mr")
