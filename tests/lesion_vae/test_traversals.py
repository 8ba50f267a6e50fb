"""Walks through latent spaces whose decoder is a formula: circles and stars of known area and outline."""

import json

import numpy as np
import pytest

from disentangle.lesion_vae.traversals import (
    FEATURES,
    Frame,
    feature_changes,
    malignancy_direction,
    measure,
    random_directions,
    step_sizes,
    traversal_purity,
    traversals,
    walk,
)

ROWS, COLUMNS = np.mgrid[:64, :64] - 31.5
RADIUS, ANGLE = np.hypot(ROWS, COLUMNS), np.arctan2(ROWS, COLUMNS)


def blob(radius=10.0, grey=0.9, wave=0.0):
    """A lesion with an outline radius*(1 + wave*cos 8 angle), crossing 0.43 there whatever its grey."""
    inside = 2.0 * (radius * (1 + wave * np.cos(8 * ANGLE)) - RADIUS)
    return np.clip(inside * 0.2 + 0.43, 0, grey)


def test_a_disc_measures_as_a_disc():
    found = measure(np.array([blob(12.0)]), threshold=0.43).iloc[0]
    assert found.area_px == pytest.approx(np.pi * 144, rel=0.01)
    assert found.solidity > 0.99 and found.roughness < 0.01
    assert 0.8 < found.mean_grey <= 0.9


def test_a_wavy_outline_is_rough_and_less_solid_by_what_the_formula_says():
    found = measure(np.array([blob(12.0, wave=0.2)]), threshold=0.43).iloc[0]
    angle = np.linspace(0, 2 * np.pi, 4000)
    r = 12 * (1 + 0.2 * np.cos(8 * angle))
    length = np.hypot(np.diff(r * np.cos(angle)), np.diff(r * np.sin(angle))).sum()
    octagon = 2 * 8 * 14.4 * np.sin(np.pi / 8)  # the hull is close to the octagon of the eight tips
    assert found.area_px == pytest.approx(np.trapezoid(r**2, angle) / 2, rel=0.02)
    assert found.roughness == pytest.approx(length / octagon - 1, rel=0.1)
    assert found.solidity == pytest.approx(found.area_px / (0.5 * 8 * 14.4**2 * np.sin(np.pi / 4)), rel=0.03)


def test_only_the_central_region_counts_and_none_is_area_zero():
    image = blob(8.0)
    image[:, :6] = 1.0  # chest wall
    found = measure(np.stack([image, np.zeros((64, 64)), np.ones((64, 64))]), threshold=0.43)
    assert found.area_px[0] == pytest.approx(np.pi * 64, rel=0.02)
    assert found.area_px[1] == 0 and found.loc[1, ["solidity", "mean_grey", "roughness"]].isna().all()
    assert found.area_px[2] == pytest.approx(64 * 64, rel=0.05)


def test_a_gaussian_walk_sets_one_dimension_and_keeps_the_others():
    latents = np.random.default_rng(0).normal(size=(200, 3)) * [1, 2, 3] + [0, 5, -5]
    frame = Frame.of(latents, simplex=False)
    path = walk(frame, latents[0], np.eye(3), step_sizes())
    assert path.shape == (3, 7, 3)
    np.testing.assert_allclose(path[1, :, 1], latents[:, 1].mean() + latents[:, 1].std() * np.arange(-3, 4))
    np.testing.assert_allclose(path[1, :, [0, 2]], np.repeat(latents[0, [0, 2]], 7).reshape(2, 7))


def test_a_simplex_walk_stays_on_the_simplex_and_keeps_the_ratios_of_the_others():
    latents = np.random.default_rng(0).dirichlet([0.9] * 5, 300)
    path = walk(Frame.of(latents, simplex=True), latents[3], np.eye(5), step_sizes())
    np.testing.assert_allclose(path.sum(axis=-1), 1)
    assert (path >= 0).all() and (np.diff(path[2, :, 2]) > 0).all()
    np.testing.assert_allclose(path[2, :, 0] / path[2, :, 4], latents[3, 0] / latents[3, 4])


def test_whitening_and_back_is_the_identity_and_dead_dimensions_stay_put():
    latents = np.random.default_rng(0).dirichlet([2.0] * 4, 50)
    frame = Frame.of(latents, simplex=True)
    np.testing.assert_allclose(frame.latents(frame.whiten(latents)), latents)
    dead = np.column_stack([np.full(50, 2.5), latents[:, 0]])
    path = walk(Frame.of(dead, simplex=False), dead[0], np.eye(2), step_sizes())
    assert (path[:, :, 0] == 2.5).all()


def one_feature_each(z):
    """Dimension 0 is size, 1 grey, the rest nothing."""
    images = np.stack([blob(14 + 2 * row[0]) for row in z])
    return np.where(images > 0.43, images + 0.04 * z[:, 1, None, None] + 0.2, images)[:, None]


def test_single_features_are_purer_than_random_directions():
    latents = np.random.default_rng(0).normal(size=(100, 4))
    found = traversals(latents, one_feature_each, seed=0, threshold=0.43, starts=2)
    assert found["purity"] > found["purity_random_high"] > found["purity_random"]
    changes, trends = np.array(found["changes"]), np.array(found["trends"])
    assert changes[1].argmax() == FEATURES.index("mean_grey") and (changes[2:] == 0).all()
    assert trends[0, 0] > 1 and found["features"] == list(FEATURES)
    json.dumps(found)


def test_a_rotated_space_is_no_purer_than_random_directions():
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    latents = rng.normal(size=(100, 6))
    found = traversals(latents, lambda z: one_feature_each(z @ rotation), seed=0, threshold=0.43, starts=2)
    assert found["purity"] < found["purity_random_high"] + 0.05


def test_purity_and_changes_by_hand():
    assert traversal_purity(np.array([[2.0, 0.0], [0.0, 3.0]])) == 1
    assert traversal_purity(np.array([[1.0, 1.0], [0.0, 0.0]])) == 0.5
    assert traversal_purity(np.array([[3.0, 1.0], [1.0, 1.0]])) == pytest.approx(4 / 6)
    assert np.isnan(traversal_purity(np.zeros((2, 2))))
    measured = np.array([[[1.0, np.nan], [3.0, 5.0]]])
    np.testing.assert_allclose(feature_changes(measured, np.array([2.0, 1.0])), [[0.5, 0.0]])
    np.testing.assert_allclose(feature_changes(measured, np.array([0.0, 1.0])), [[0.0, 0.0]])


def test_the_malignancy_direction_points_at_the_dimension_that_decides():
    rng = np.random.default_rng(0)
    latents = rng.normal(size=(300, 5)) * [1, 10, 1, 1, 1]
    malignant = (latents[:, 1] > 0).astype(float)
    malignant[:10] = np.nan
    direction = malignancy_direction(Frame.of(latents, simplex=False), latents, malignant)
    assert direction.shape == (1, 5) and np.linalg.norm(direction) == pytest.approx(1)
    assert direction[0, 1] > 0.9


def test_random_directions_have_length_one():
    drawn = random_directions(8, 30, np.random.default_rng(0))
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=1), 1)
