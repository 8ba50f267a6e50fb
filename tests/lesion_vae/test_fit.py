"""Fitting, fine-tuning and the baselines on drawn discs: what is learned, kept and refused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score

from disentangle.imaging.cohort import Cohort, Provenance
from disentangle.lesion_vae.baselines import fit_cnn, fit_pca
from disentangle.lesion_vae.classifier import fit_classifier
from disentangle.lesion_vae.config import CNN_PRESETS, FINE_TUNE_PRESETS, PRESETS, ClassifierConfig
from disentangle.lesion_vae.fine_tuning import fine_tune
from disentangle.lesion_vae.train import decode, encode, fit, kl_nats, reconstruct

CONFIG = PRESETS["smoke"].with_training(steps=40, batch_size=32, device="cpu", validate_every=20)


def discs(count: int = 96, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bright discs, their masks, and a label: whether the radius exceeds 11 pixels."""
    rng = np.random.default_rng(seed)
    radius = rng.uniform(4, 18, count)
    rows, columns = np.mgrid[:64, :64] - 31.5
    masks = np.hypot(rows, columns) < radius[:, None, None]
    images = np.clip(0.7 * masks + 0.1 + 0.02 * rng.standard_normal(masks.shape), 0, 1)
    return images[:, None].astype(np.float32), masks, (radius > 11).astype(np.float32)


def cohort(count: int = 40) -> Cohort:
    images, masks, _ = discs(count)
    subjects = [f"p{i}" for i in range(count)]
    provenance = Provenance(real=False, source="discs", licence="none", citation="none")
    return Cohort(
        "discs",
        images,
        pd.DataFrame({"subject": subjects}),
        pd.DataFrame(index=pd.Index(subjects, name="subject")),
        np.ones((count, 2)),
        provenance,
        masks,
    )


@pytest.fixture(scope="module")
def fitted():
    return fit(discs()[0], CONFIG, 0, validation=discs(32, 1)[0])


def test_training_lowers_the_validation_loss(fitted):
    images = discs(32, 1)[0]
    untrained = fit(images, CONFIG.with_training(steps=1), 0, cache=False)
    assert np.abs(reconstruct(fitted, images) - images).mean() < np.abs(reconstruct(untrained, images) - images).mean()
    assert fitted.fit_seconds > 0
    assert fitted.history.frame()["validation"].notna().sum() == 2


def test_an_equal_fit_comes_from_the_cache_with_its_own_cost(fitted):
    again = fit(discs()[0], CONFIG, 0, validation=discs(32, 1)[0])
    assert again.from_cache and again.fit_seconds == fitted.fit_seconds
    assert np.array_equal(encode(again, discs()[0]), encode(fitted, discs()[0]))


def test_the_same_seed_gives_the_same_latents_without_any_cache(fitted):
    again = fit(discs()[0], CONFIG, 0, validation=discs(32, 1)[0], cache=False)
    assert np.array_equal(encode(again, discs()[0]), encode(fitted, discs()[0]))


def test_data_seed_and_settings_each_change_what_is_found(fitted):
    images = discs()[0]
    assert not fit(images, CONFIG, 1, validation=discs(32, 1)[0]).from_cache
    assert not fit(images, replace(CONFIG, beta=2.0), 0, validation=discs(32, 1)[0]).from_cache
    assert not fit(images[::-1], CONFIG, 0, validation=discs(32, 1)[0]).from_cache


def test_latents_and_images_map_both_ways(fitted):
    images = discs(7)[0]
    latents = encode(fitted, images)
    assert latents.shape == (7, 8) and latents.dtype == np.float32
    assert np.allclose(decode(fitted, latents), reconstruct(fitted, images), atol=1e-5)
    assert (kl_nats(fitted, images) > 0).all()


def test_dirichlet_latents_are_on_the_simplex_or_log_concentrations():
    fitted = fit(discs()[0], replace(CONFIG, prior="dirichlet"), 0)
    simplex, log = (encode(fitted, discs(7)[0], kind) for kind in ("mean", "log_concentration"))
    assert np.allclose(simplex.sum(1), 1, atol=1e-5)
    assert np.allclose(np.exp(log) / np.exp(log).sum(1, keepdims=True), simplex, atol=1e-5)


def test_a_gaussian_model_has_no_concentrations(fitted):
    with pytest.raises(ValueError, match="log_concentration"):
        encode(fitted, discs(3)[0], "log_concentration")


def test_the_mask_region_needs_and_uses_masks():
    config = replace(CONFIG, region="mask").with_training(steps=3)
    assert np.isfinite(fit(cohort(), config, 0).history.rows[-1]["loss"])
    with pytest.raises(ValueError, match="needs a cohort with masks"):
        fit(discs()[0], config, 0)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((4, 64, 64)), r"\(4, 64, 64\), expected \(images, 1, 64, 64\)"),
        (np.zeros((4, 1, 32, 32)), r"\(4, 1, 32, 32\)"),
        (np.full((4, 1, 64, 64), 200.0), r"200\.\.200, expected finite values in 0\.\.1"),
        (np.full((4, 1, 64, 64), np.nan), "nan"),
    ],
)
def test_wrong_images_are_refused_with_what_was_found(images, message):
    with pytest.raises(ValueError, match=message):
        fit(images, CONFIG, 0)


def test_a_classifier_learns_a_separable_latent_and_not_a_shuffled_one():
    rng = np.random.default_rng(0)
    latents = rng.standard_normal((600, 5)).astype(np.float32)
    labels = (latents[:, 0] + 0.3 * rng.standard_normal(600) > 0).astype(np.float32)
    train, test = slice(0, 400), slice(400, None)
    honest = fit_classifier(latents[train], labels[train], seed=0)
    assert roc_auc_score(labels[test], honest.predict_proba(latents[test])) > 0.93
    shuffled = fit_classifier(latents[train], rng.permutation(labels[train]), seed=0)
    assert abs(roc_auc_score(labels[test], shuffled.logits(latents[test])) - 0.5) < 0.15


def test_the_classifier_does_not_mind_the_scale_of_a_latent():
    rng = np.random.default_rng(0)
    latents = rng.standard_normal((200, 3)).astype(np.float32)
    labels = (latents[:, 1] > 0).astype(np.float32)
    a = fit_classifier(latents, labels, seed=0).logits(latents)
    b = fit_classifier(latents * 1000 + 5000, labels, seed=0).logits(latents * 1000 + 5000)
    assert np.corrcoef(a, b)[0, 1] > 0.99


@pytest.mark.parametrize("labels", [np.array([0, 1, 2, 1]), np.array([0, 1, np.nan, 1]), np.array([0, 1])])
def test_labels_other_than_0_and_1_are_refused(labels):
    with pytest.raises(ValueError, match="labels"):
        fit_classifier(np.zeros((4, 2), np.float32), labels, seed=0)


@pytest.mark.parametrize("scheme", ["alternating", "released"])
def test_fine_tuning_leaves_the_given_model_alone_and_predicts(fitted, scheme):
    images, _, labels = discs()
    before = encode(fitted, images)
    config = replace(FINE_TUNE_PRESETS["smoke"], scheme=scheme, rounds=2, gamma=5.0)
    tuned = fine_tune(fitted, images, labels, config, 0, validation=(discs(32, 1)[0], discs(32, 1)[2]))
    assert np.array_equal(encode(fitted, images), before)
    test, _, truth = discs(64, 2)
    assert roc_auc_score(truth, tuned.predict_proba(test)) > 0.9
    again = fine_tune(fitted, images, labels, config, 0, validation=(discs(32, 1)[0], discs(32, 1)[2]))
    assert again.from_cache and np.array_equal(again.logits(test), tuned.logits(test))
    assert 0 <= tuned.chosen_round <= 2


def test_fine_tuning_moves_the_encoder_and_never_the_frozen_classifier(fitted):
    from disentangle.lesion_vae.classifier import Classifier
    from disentangle.lesion_vae.config import FineTuneConfig
    from disentangle.lesion_vae.fine_tuning import _FineTuning
    from disentangle.lesion_vae.train import new_model

    def moved(scheme: str) -> tuple[bool, bool]:
        classifier = Classifier(8, ClassifierConfig())
        task = _FineTuning(new_model(CONFIG, 0), classifier, FineTuneConfig(scheme=scheme)).train()
        stepped = {id(p) for p in task.parameter_groups()["model"]}
        statistics = classifier.layers[2].running_mean.clone()
        task.losses({"image": torch.rand(8, 1, 64, 64), "label": torch.ones(8)}, 0, "model")
        assert not stepped & {id(p) for p in classifier.parameters()}
        return bool(stepped), not torch.equal(statistics, classifier.layers[2].running_mean)

    assert moved("alternating") == (True, False)
    assert moved("released") == (True, True)


def test_without_validation_every_method_still_fits(fitted):
    images, _, labels = discs()
    assert fine_tune(fitted, images, labels, FINE_TUNE_PRESETS["smoke"], 0).chosen_round == 1
    assert fit_cnn(images, labels, CNN_PRESETS["smoke"], 0).logits(images).shape == (96,)


def test_the_supervised_network_finds_the_radius():
    images, _, labels = discs()
    config = replace(CNN_PRESETS["smoke"], training=replace(CNN_PRESETS["smoke"].training, steps=60))
    cnn = fit_cnn(images, labels, config, 0, validation=(discs(32, 1)[0], discs(32, 1)[2]))
    test, _, truth = discs(64, 2)
    assert roc_auc_score(truth, cnn.predict_proba(test)) > 0.9
    assert fit_cnn(images, labels, config, 0, validation=(discs(32, 1)[0], discs(32, 1)[2])).from_cache


def test_principal_components_are_those_of_the_singular_value_decomposition():
    images = discs(50)[0]
    components = fit_pca(images, 4, 0)
    rows = images.reshape(50, -1) - images.reshape(50, -1).mean(0)
    u, s, _ = np.linalg.svd(rows, full_matrices=False)
    assert np.allclose(np.abs(components.encode(images)), np.abs(u[:, :4] * s[:4]), atol=0.05)
    errors = [
        np.abs(fit_pca(images, n, 0).decode(fit_pca(images, n, 0).encode(images)) - images).mean() for n in (1, 8)
    ]
    assert errors[1] < errors[0]


def test_more_components_than_images_are_refused():
    with pytest.raises(ValueError, match="9 components asked of 5 images"):
        fit_pca(discs(5)[0], 9, 0)
