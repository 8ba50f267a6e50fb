"""Fitting on drawn people: learned, kept, carried over, guarded, and asked."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from heads_of_people import SIDE, drawn_people

from disentangle.puir.baselines import copy_source, fit_polynomials
from disentangle.puir.collapse import CollapsedFeatures
from disentangle.puir.config import SegmentationConfig, Weights, matched
from disentangle.puir.segmentation import averaged, fit_segmentation, random_subset, regions, segment, subsets
from disentangle.puir.train import (
    equivariance_error,
    fine_tune,
    fit,
    invariants,
    new_task,
    pretrain,
    transfer,
    transfer_whole,
)

NAMES = ("t1", "t1ce", "t2", "flair")


def weights(fitted) -> torch.Tensor:
    return torch.cat([value.flatten() for value in fitted.model.state_dict().values()])


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("DISENTANGLE_CACHE", str(tmp_path_factory.getbasetemp() / "puir_models"))


@pytest.fixture(scope="module")
def fitted(volumes, small):
    return fit(volumes, small, 0, cache=False)


def test_the_same_seed_gives_bit_identical_weights_and_another_does_not(volumes, small, fitted):
    torch.manual_seed(5)
    assert torch.equal(weights(fit(volumes, small, 0, cache=False)), weights(fitted))
    assert not torch.equal(weights(fit(volumes, small, 1, cache=False)), weights(fitted))


def test_equal_fits_come_from_the_cache_with_the_time_of_both_stages(volumes, small):
    first = fit(volumes, small, 0)
    again = fit(volumes, small, 0)
    assert again.from_cache and torch.equal(weights(first), weights(again))
    assert again.fit_seconds == first.fit_seconds > first.history.seconds
    longer = replace(small, transfer=replace(small.transfer, steps=5))
    assert pretrain(volumes, longer, 0).from_cache and not fine_tune(volumes, longer, 0).from_cache


def test_training_lowers_the_reconstruction_and_validation_keeps_the_best(volumes, small):
    config = matched(small).with_training(steps=25, validate_every=5)
    others = drawn_people(3, seed=9)[0]
    history = fit(volumes, config, 0, validation=others, cache=False).history
    frame = history.frame()
    assert frame["reconstruction"].iloc[-5:].mean() < 0.5 * frame["reconstruction"].iloc[0]
    assert history.best_step is not None and frame["validation"].notna().sum() == 5


def test_bfloat16_trains_in_3d(volumes, small):
    settings = {"precision": "bf16", "steps": 2}
    assert fit(volumes, small.with_training(**settings), 0, cache=False).history.frame().notna().all(axis=None)


def test_people_with_missing_modalities_train_and_their_gaps_stay_gaps(volumes, small):
    there = np.ones((6, 4), bool)
    there[0, 1:], there[1, 0], there[2, 3] = False, False, False
    found = fit(volumes, small, 0, present=there, cache=False)
    filled = np.where(there[:, :, None, None, None], volumes, 0.5).astype(np.float32)
    assert torch.equal(weights(found), weights(fit(filled, small, 0, present=there, cache=False)))
    drawn = transfer(found, volumes, present=there)
    assert drawn.shape == (6, 4, 4, SIDE, SIDE, SIDE)
    assert np.array_equal(np.isfinite(drawn).all((2, 3, 4, 5)), there)


def test_a_collapse_ends_the_training(volumes, small):
    task = new_task(small, 0, "pretraining").train()
    data = torch.from_numpy(volumes[:4])
    batch = {"images": data, "present": torch.ones(4, 4, dtype=torch.bool), "foreground": data[:, 0] > 0}
    task.losses(batch, 0, "model")
    torch.nn.init.zeros_(task.model.fusion.weight)  # one constant map for everybody
    with pytest.raises(CollapsedFeatures, match="they have collapsed"):
        for step in range(1, 61):
            with torch.no_grad():
                task.losses(batch, step, "model")


def test_the_guard_lets_a_task_without_constraints_alone(small):
    assert new_task(matched(small), 0, "transfer").guard.least == 0
    assert new_task(small, 0, "transfer").guard.least == 0.05


def test_a_single_person_is_refused_where_contrast_counts(volumes, small):
    with pytest.raises(ValueError, match="1 person, expected at least 2"):
        pretrain(volumes[:1], small, 0)
    with pytest.raises(ValueError, match="pretraining is None"):
        pretrain(volumes, matched(small), 0)


def test_what_the_invariant_carries_can_be_taken_away(volumes, fitted):
    whole = transfer(fitted, volumes)
    drops = {
        name: np.abs(whole - transfer(fitted, volumes, **changes)).max()
        for name, changes in {
            "zero": {"invariant": "zero"},
            "shuffle": {"invariant": "shuffle"},
            "no_skip": {"skips": False},
            "own": {"invariant": "own"},
        }.items()
    }
    assert drops["own"] == 0 and min(drops["zero"], drops["shuffle"], drops["no_skip"]) > 1e-4
    assert whole.min() >= 0 and whole.max() <= 1


def test_a_person_shuffled_with_its_twin_is_drawn_as_before(volumes, fitted):
    twins = np.repeat(volumes[:1], 3, axis=0)
    assert np.allclose(transfer(fitted, twins, invariant="shuffle"), transfer(fitted, twins), atol=1e-6)


def test_invariants_are_those_of_single_modalities(volumes, fitted):
    found = invariants(fitted, volumes)
    assert found.shape == (6, 4, 8, 2, 2, 2)
    with torch.no_grad():
        one = fitted.model.invariant(fitted.model.encode(torch.from_numpy(volumes[2:3, 1:2]))[1])
    assert np.allclose(found[2, 1], one[0].numpy(), atol=1e-5)


def test_the_equivariance_error_is_zero_for_no_rotation_and_for_a_symmetric_network(volumes, fitted, small):
    assert equivariance_error(fitted, volumes, rotation=0).max() == 0
    assert equivariance_error(fitted, volumes).min() > 0.01
    symmetric = fit(volumes, replace(matched(small), completion=False).with_training(steps=1), 0, cache=False)
    for module in symmetric.model.backbone.modules():
        if isinstance(module, torch.nn.Conv3d):
            module.weight.data = module.weight.data.mean((2, 3, 4), keepdim=True).expand_as(module.weight).clone()
    assert equivariance_error(symmetric, volumes, rotation=7).max() < 1e-3


def test_a_whole_volume_is_drawn_by_sliding_windows(fitted):
    volume = np.zeros((24, 40, 20), np.float32)
    volume[2:22, 3:37, 2:18] = np.random.default_rng(0).uniform(0.1, 1, (20, 34, 16))
    drawn = transfer_whole(fitted, volume)
    assert drawn.shape == (4, 24, 40, 20) and drawn[:, :2].max() == 0 and np.isfinite(drawn).all()
    cube = np.random.default_rng(1).uniform(0.1, 1, (SIDE,) * 3).astype(np.float32)
    one = transfer(fitted, np.repeat(cube[None, None], 4, axis=1))[0, 0]
    assert np.allclose(transfer_whole(fitted, cube), one, atol=1e-4)
    with pytest.raises(ValueError, match="zero everywhere"):
        transfer_whole(fitted, np.zeros((20, 20, 20)))


def test_copying_and_polynomials():
    images, _ = drawn_people(3)
    images[:, 2] = np.where(images[:, 0] > 0, np.clip(0.1 + 0.5 * images[:, 0] ** 2, 0, 1), 0)
    there = np.ones((3, 4), bool)
    there[1, 2] = False
    copies = copy_source(images, NAMES, present=there)
    assert np.array_equal(copies[0, 1, 3], images[0, 1]) and np.isnan(copies[1, 2]).all()
    found = fit_polynomials(images, NAMES, present=there)
    x = images[0, 0][images.max(1)[0] > 0]
    expected = np.polynomial.polynomial.polyval(x, found.coefficients[0, 2])
    assert np.allclose(expected[x > 0], 0.1 + 0.5 * x[x > 0] ** 2, atol=2e-2)
    drawn = found.predict(images, present=there)
    assert drawn.shape == (3, 4, 4, SIDE, SIDE, SIDE) and np.isnan(drawn[1, 2]).all()
    assert np.abs(drawn[:, 0, 2] - images[:, 2])[images[:, 0] > 0.05].max() < 2e-2
    assert np.abs(drawn[0, 0, 0] - images[0, 0]).max() < 1e-2  # itself


def test_regions_of_tumours_and_labels_of_another_year():
    labels = np.array([0, 1, 2, 3])
    expected = [[False, True, True, True], [False, True, False, True], [False, False, False, True]]
    assert regions(labels[None])[0].tolist() == expected
    with pytest.raises(ValueError, match=r"labels \[4\].*BraTS 2018 to 2020: give it as 3"):
        regions(np.array([[0, 4]]))


def test_there_are_15_subsets_of_four_modalities_the_single_ones_first():
    found = subsets(4)
    assert found.shape == (15, 4) and len({tuple(row) for row in found}) == 15
    assert np.array_equal(found[:4], np.eye(4, dtype=bool)) and found[-1].all()


def test_random_subsets_are_never_empty_and_equally_likely():
    torch.manual_seed(0)
    present = torch.tensor([[True, True, False]]).expand(3000, 3)
    drawn = random_subset(present)
    assert drawn.any(1).all() and not drawn[:, 2].any()
    shares = torch.bincount(drawn[:, 0] + 2 * drawn[:, 1].long(), minlength=4) / 3000
    assert shares[0] == 0 and (shares[1:] - 1 / 3).abs().max() < 0.04


def test_averages_are_those_of_each_persons_volumes():
    maps = torch.arange(4.0).view(4, 1, 1)
    assert averaged(maps, torch.tensor([0, 0, 2, 2]), 3).flatten().tolist() == [0.5, 0.0, 2.5]


def test_segmentation_starts_from_any_network_and_takes_any_subset(volumes, small, fitted):
    masks = regions(drawn_people()[1])
    short = SegmentationConfig(training=replace(small.transfer, steps=3))
    found = fit_segmentation(volumes, masks, small, 0, segmentation=short, start=fitted)
    assert found.fit_seconds > fitted.fit_seconds
    assert not torch.equal(weights(found), weights(fit_segmentation(volumes, masks, small, 0, segmentation=short)))
    for given in subsets(4)[[0, 7, 14]]:
        drawn = segment(found, volumes, given)
        assert drawn.shape == (6, 3, SIDE, SIDE, SIDE) and 0 <= drawn.min() <= drawn.max() <= 1
        hidden = np.where(given[None, :, None, None, None], volumes, 0.3).astype(np.float32)
        assert np.allclose(segment(found, hidden, given), drawn, atol=1e-6)
    there = np.ones((6, 4), bool)
    there[2, 0] = False
    with pytest.raises(ValueError, match="person 2 has none of the modalities given"):
        segment(found, volumes, subsets(4)[0], present=there)


def test_segmentation_learns_and_refuses_masks_on_another_grid(volumes, small):
    masks = regions(drawn_people()[1])
    training = replace(small.transfer, steps=30, log_every=1, learning_rate=2e-2)
    found = fit_segmentation(volumes, masks, small, 0, segmentation=SegmentationConfig(training=training))
    frame = found.history.frame()
    assert frame["loss"].iloc[-5:].mean() < 0.7 * frame["loss"].iloc[0]
    with pytest.raises(ValueError, match="masks have the shape"):
        fit_segmentation(volumes, masks[:, :2], small, 0)


def test_no_constraint_is_needed_where_transfer_alone_is_learned(volumes, small):
    plain = replace(small, weights=Weights(0, 0, 0, 0), pretraining=None)
    assert fit(volumes, plain, 0, cache=False).spread_left > 0
