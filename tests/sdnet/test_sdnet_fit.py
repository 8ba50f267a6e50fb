"""Fitting SDNet and its baselines on drawn hearts: learned, reproduced, kept, and put together again."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from discs import SIDE, discs

from disentangle.sdnet.baselines import fit_self_training, fit_unet
from disentangle.sdnet.config import SelfTrainingConfig, unet_like
from disentangle.sdnet.data import Streams, training_data
from disentangle.sdnet.train import (
    decode,
    factors,
    fit,
    masks_from_anatomy,
    new_task,
    reconstruct,
    segment,
    segment_probabilities,
    swap,
)
from disentangle.training import train

FOUR = np.arange(4)
THIRTY = {"steps": 30, "batch_size": 4, "learning_rate": 1e-2, "log_every": 5}


def weights(fitted) -> torch.Tensor:
    return torch.cat([value.flatten().float() for value in fitted.model.state_dict().values()])


def dice(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Mean over classes and images, by MONAI."""
    metrics = pytest.importorskip("monai.metrics")
    both = [torch.nn.functional.one_hot(torch.from_numpy(x).long(), 3).movedim(-1, 1) for x in (predicted, labels)]
    return float(metrics.DiceMetric(include_background=False)(*both).nanmean())


@pytest.fixture(scope="module")
def fitted(cohort, small):
    return fit(cohort, small, 0, labelled=FOUR)


@pytest.mark.parametrize("updates", ["alternating", "joint"])
def test_the_same_seed_gives_bit_identical_weights(cohort, small, updates):
    config = replace(small, updates=updates)
    torch.manual_seed(1)
    first = fit(cohort, config, 0, labelled=FOUR, cache=False)
    torch.manual_seed(2)
    assert torch.equal(weights(first), weights(fit(cohort, config, 0, labelled=FOUR, cache=False)))
    assert not torch.equal(weights(first), weights(fit(cohort, config, 1, labelled=FOUR, cache=False)))


def test_an_interrupted_training_goes_on_with_the_discriminators_memory(cohort, small, tmp_path):
    settings = replace(small.training, steps=4, checkpoint_every=2)
    config = replace(small, training=settings)
    tensors = training_data(cohort, 2, SIDE, FOUR, None, "labelled")

    def run(seed_of_start: int) -> torch.Tensor:
        task = new_task(config, seed_of_start)
        train(task, Streams(tensors, 2, 0, 20.0), settings, 0, checkpoint=tmp_path / "checkpoint")
        return torch.cat([value.flatten().float() for value in task.state_dict().values()])

    whole = run(0)  # leaves its checkpoint of step 2
    assert torch.equal(whole, run(1))  # whose weights replace those of another start


def test_bfloat16_trains_all_groups(cohort, small):
    config = small.with_training(precision="bf16", log_every=1)
    frame = fit(cohort, config, 0, labelled=FOUR, cache=False).history.frame()
    norms = frame.filter(like="gradient_norm")
    assert norms.shape == (3, 5) and (norms > 0).all(axis=None)


def test_an_equal_fit_comes_from_the_cache_and_another_selection_does_not(cohort, small, fitted):
    again = fit(cohort, small, 0, labelled=np.arange(12) < 4)
    assert again.from_cache and again.fit_seconds == fitted.fit_seconds
    assert torch.equal(weights(again), weights(fitted))
    assert not fit(cohort, small, 0, labelled=np.arange(5)).from_cache


def test_withheld_labels_change_nothing(cohort, small, fitted):
    labels = cohort.labels.copy()
    labels[4:] = 0
    other = fit(replace(cohort, labels=labels), small, 0, labelled=FOUR, cache=False)
    assert torch.equal(weights(other), weights(fitted))
    released = replace(small, adversary=replace(small.adversary, masks="all"))
    seen = [fit(c, released, 0, labelled=FOUR, cache=False) for c in (cohort, replace(cohort, labels=labels))]
    assert not torch.equal(*map(weights, seen))


def test_four_images_are_learned_in_thirty_steps(small):
    cohort = discs(4)
    # At weight 10 the adversary still holds the segmentation back after so few steps.
    adversary = replace(small.adversary, weight=1.0)
    config = replace(small, rotation=0.0, base=8, anatomy_channels=6, adversary=adversary).with_training(**THIRTY)
    fitted = fit(cohort, config, 0, labelled=FOUR, cache=False)
    assert dice(segment(fitted, cohort), cohort.labels) > 0.7
    frame = fitted.history.frame()
    for term in ("dice", "reconstruction"):
        assert frame[f"supervised_{term}"].iloc[-1] < 0.8 * frame[f"supervised_{term}"].iloc[0]


def test_factors_have_their_shapes_and_decode_to_the_reconstruction(cohort, fitted):
    found = factors(fitted, cohort)
    assert found.anatomy.shape == (12, 4, SIDE, SIDE) and found.anatomy.dtype == np.uint8
    assert set(np.unique(found.anatomy)) <= {0, 1} and found.anatomy.sum(1).max() <= 1
    assert found.modality.shape == found.logvar.shape == (12, 3)
    images = reconstruct(fitted, cohort)
    assert images.shape == (12, 1, SIDE, SIDE) and images.min() >= 0 and images.max() <= 1
    assert np.allclose(images, decode(fitted, found.anatomy, found.modality), atol=1e-6)


def test_segmentation_follows_from_the_anatomy_alone(cohort, fitted):
    labels, probabilities = segment(fitted, cohort), segment_probabilities(fitted, cohort)
    assert labels.shape == (12, SIDE, SIDE) and labels.dtype == np.uint8
    assert probabilities.shape == (12, 3, SIDE, SIDE) and np.allclose(probabilities.sum(1), 1, atol=1e-5)
    assert np.array_equal(labels, probabilities.argmax(1))
    assert np.array_equal(labels, masks_from_anatomy(fitted, factors(fitted, cohort).anatomy))


def test_swapping_with_oneself_is_the_reconstruction_and_one_donor_serves_all(cohort, fitted):
    images = cohort.images
    assert np.allclose(swap(fitted, images, images), reconstruct(fitted, images), atol=1e-6)
    one = swap(fitted, images, images[:1])
    assert one.shape == images.shape and np.allclose(one[3], swap(fitted, images[3:4], images[:1])[0], atol=1e-6)
    with pytest.raises(ValueError, match="12 anatomies and 5 modalities"):
        swap(fitted, images, images[:5])


def test_without_rounding_the_anatomy_is_grey(cohort, small):
    fitted = fit(cohort, replace(small, rounding="none").with_training(steps=1), 0, labelled=FOUR, cache=False)
    anatomy = factors(fitted, cohort).anatomy
    assert anatomy.dtype == np.float32 and ((anatomy > 0.01) & (anatomy < 0.99)).any()


def test_supervision_alone_and_validation_work(cohort, small):
    other = discs(4, seed=3, first_person=50)
    config = small.with_training(validate_every=1)
    fitted = fit(cohort, config, 0, labelled=FOUR, unlabelled=np.array([], int), validation=other, cache=False)
    frame = fitted.history.frame()
    assert frame["validation"].notna().all() and "discriminator_loss" not in frame


def test_the_u_net_learns_four_images_too(small):
    cohort = discs(4)
    config = replace(unet_like(small), rotation=0.0, base=8).with_training(**THIRTY | {"steps": 40})
    fitted = fit_unet(cohort, config, 0, labelled=FOUR, cache=False)
    assert dice(segment(fitted, cohort), cohort.labels) > 0.7


def test_the_gan_is_the_u_net_with_two_steps_more(cohort, small):
    fitted = fit_unet(cohort, unet_like(small, adversary=True), 0, labelled=FOUR, cache=False)
    terms = {"supervised_dice", "unsupervised_adversarial", "discriminator_real_score", "discriminator_fake_score"}
    assert terms <= set(fitted.history.frame())
    alone = fit_unet(cohort, unet_like(small), 0, labelled=FOUR, cache=False)
    assert weights(alone).shape == weights(fitted).shape and not torch.equal(weights(alone), weights(fitted))


def test_the_u_net_alone_never_sees_an_unlabelled_image(cohort, small):
    images = cohort.images.copy()
    images[4:] = 0
    fits = [
        fit_unet(c, unet_like(small), 0, labelled=FOUR, cache=False) for c in (cohort, replace(cohort, images=images))
    ]
    assert torch.equal(*map(weights, fits))


def test_self_training_adopts_its_own_predictions_and_no_withheld_label(cohort, small):
    config = SelfTrainingConfig(unet_like(small).with_training(steps=8), rounds=2, confidence=0.5)
    labels = cohort.labels.copy()
    labels[4:] = 0
    first = fit_self_training(cohort, config, 0, labelled=FOUR)
    second = fit_self_training(replace(cohort, labels=labels), config, 0, labelled=FOUR, cache=False)
    assert torch.equal(weights(first), weights(second))
    assert fit_self_training(cohort, config, 0, labelled=FOUR).from_cache
    assert first.history.frame()["round"].tolist() == [0, 1, 2]
    assert first.history.frame()["step"].tolist() == [4, 6, 8]
    alone = fit_self_training(cohort, config, 0, labelled=FOUR, unlabelled=np.array([], int), cache=False)
    assert not torch.equal(weights(first), weights(alone))


def test_predictions_below_the_asked_confidence_are_no_labels(cohort, small):
    from disentangle.sdnet.baselines import _adopted

    config = SelfTrainingConfig(unet_like(small), confidence=0.9)
    probabilities = torch.tensor([[0.95, 0.5], [0.03, 0.3], [0.02, 0.2]])[None, :, :, None]
    assert _adopted(probabilities, config).flatten().tolist() == [0, -1]
