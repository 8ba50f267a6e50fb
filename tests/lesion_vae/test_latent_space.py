"""What is said of latents whose content is known: perfect, rotated, driven by size, random, on a simplex."""

import json

import numpy as np
import pytest
from scipy.stats import spearmanr

from disentangle.lesion_vae.latent_space import (
    clusters,
    coordinates,
    disentanglement,
    largest_slices,
    lesion_means,
    random_rotation,
    score_draws,
    scores,
)

N = 500


@pytest.fixture
def lesions():
    """Size, two factors (the first follows size), and their people."""
    rng = np.random.default_rng(0)
    size = rng.lognormal(size=N)
    factors = np.column_stack([np.log(size) + 0.5 * rng.normal(size=N), rng.normal(size=N)])
    return size, factors, np.arange(N) // 2


def simplex_of(points):
    shares = np.exp(points)
    return shares / shares.sum(axis=1, keepdims=True)


def test_a_perfect_representation_lies_above_both_floors(lesions):
    size, factors, people = lesions
    latents = np.column_stack([np.exp(factors), np.random.default_rng(1).normal(size=(N, 6))])
    found = disentanglement(latents, factors, seed=0, size=size, groups=people)
    assert set(found) == {
        "plain", "rotated", "shuffled", "given_size", "rotated_given_size", "shuffled_given_size"
    }  # fmt: skip
    for metric in ("mig", "sap", "dci_disentanglement"):
        assert found["plain"][metric] > 0.8 > 0.5 > found["rotated"][metric]
    assert found["plain"]["dci_informativeness"] > 0.95
    assert found["shuffled"]["mig"] < 0.03 and found["shuffled"]["dci_informativeness"] < 0.03
    assert found["given_size"]["dci_informativeness"] > 0.9
    json.dumps(found)


def test_a_latent_that_knows_only_size_knows_nothing_given_size(lesions):
    size, factors, people = lesions
    noise = np.random.default_rng(1).normal(size=(N, 3))
    latents = np.column_stack([np.sqrt(size), noise])
    plain = scores(latents, factors[:, :1], seed=0, groups=people)
    given = scores(latents, factors[:, :1], seed=0, size=size, groups=people)
    assert plain["sap"] > 0.7 and plain["dci_informativeness"] > 0.7
    assert given["sap"] < 0.02 and given["dci_informativeness"] < 0.02


def test_a_rotation_is_no_better_than_its_own_floor(lesions):
    _, factors, people = lesions
    rng = np.random.default_rng(2)
    latents = np.column_stack([factors, rng.normal(size=(N, 6))]) @ random_rotation(8, rng)
    found = disentanglement(latents, factors, seed=0, groups=people, rotations=8)
    assert set(found) == {"plain", "rotated", "shuffled"}
    assert abs(found["plain"]["mig"] - found["rotated"]["mig"]) < 0.1


def test_simplex_points_score_as_their_shares_do_and_rotate_by_log_ratios(lesions):
    size, factors, people = lesions
    points = np.column_stack([factors, np.random.default_rng(1).normal(size=(N, 30))])
    found = disentanglement(simplex_of(points), factors, seed=0, simplex=True, groups=people, rotations=2)
    assert found["plain"]["mig"] > 3 * found["rotated"]["mig"]
    with pytest.raises(ValueError, match="rows >= 0 that sum to 1"):
        disentanglement(points, factors, seed=0, simplex=True)


def test_coordinates_of_a_simplex_are_centred_log_ratios():
    found = coordinates(np.array([[0.25, 0.25, 0.5]]), simplex=True)
    np.testing.assert_allclose(found, [[-np.log(2) / 3, -np.log(2) / 3, 2 * np.log(2) / 3]])
    assert np.isfinite(coordinates(np.array([[0.0, 1.0]]), simplex=True)).all()
    with pytest.raises(ValueError, match="1 of 2 latents are not finite, first row 1"):
        coordinates(np.array([[0.0], [np.nan]]), simplex=False)


def test_bootstrap_draws_pair_two_models_and_surround_the_value(lesions):
    _, factors, people = lesions
    a = factors + 0.5 * np.random.default_rng(3).normal(size=factors.shape)
    first = score_draws(a, factors, people, draws=20, seed=4)
    again = score_draws(a, factors, people, draws=20, seed=4)
    assert first == again and len(first["mig"]) == 20
    assert min(first["sap"]) < scores(a, factors, seed=0)["sap"] < max(first["sap"])


def test_clusters_by_size_agree_with_malignancy_only_through_size():
    rng = np.random.default_rng(0)
    size = rng.lognormal(size=600)
    malignant = (np.log(size) + 0.5 * rng.normal(size=600) > 0).astype(float)
    malignant[:20] = np.nan
    latents = np.column_stack([3 * np.log(size), 0.1 * rng.normal(size=600)])
    found = clusters(
        latents, malignant=malignant, size=size, shape=rng.random(600), patient=np.arange(600) // 2,
        k=6, permutations=100, seed=0,
    )  # fmt: skip
    assert set(found) == {"malignancy", "size", "shape", "patient"}
    assert set(found["size"]) == {"kmeans", "ward"}  # size given size would be nothing
    assert found["size"]["kmeans"]["value"] > 0.5 and found["size"]["kmeans"]["p"] < 0.02
    assert found["malignancy"]["ward"]["p"] < 0.02 < found["malignancy"]["kmeans_given_size"]["p"]
    assert found["shape"]["kmeans"]["excess"] < 0.03 and found["patient"]["kmeans"]["p"] > 0.02
    json.dumps(found)


def test_clusters_on_a_simplex_find_its_corners():
    rng = np.random.default_rng(0)
    corner = np.repeat([0, 1, 2], 60)
    latents = rng.dirichlet([0.3] * 3, 180) * 0.1 + 0.9 * np.eye(3)[corner]
    found = clusters(
        latents, malignant=corner == 0, size=rng.random(180), shape=corner, patient=np.arange(180),
        k=3, permutations=20, seed=0, simplex=True,
    )  # fmt: skip
    assert found["shape"]["kmeans"]["value"] > 0.9
    assert found["malignancy"]["kmeans_given_size"]["value"] > 0.6


def test_means_and_largest_slices_by_lesion():
    means, names = lesion_means([[0, 1], [1, 0], [1, 0]], [7, 3, 7])
    assert names.tolist() == [3, 7] and means.tolist() == [[1, 0], [0.5, 0.5]]
    assert largest_slices([5, 9, 9, 1], [2, 2, 2, 1]).tolist() == [3, 1]


def test_rotations_are_orthogonal_and_differ():
    rng = np.random.default_rng(0)
    a, b = random_rotation(5, rng), random_rotation(5, rng)
    np.testing.assert_allclose(a @ a.T, np.eye(5), atol=1e-12)
    assert abs(spearmanr(a.ravel(), b.ravel()).statistic) < 0.5
