"""Dependence of factors, their targets, collapse and unassigned pixels, against closed forms and drawn cases."""

import json
from dataclasses import replace

import numpy as np
import pytest
from drawn_hearts import drawn_hearts

from disentangle.metrics.distance_correlation import distance_correlation
from disentangle.sdnet.disentanglement import (
    anatomy_features,
    anatomy_targets,
    dependence,
    disentanglement_scores,
    exchanged_people,
    factor_probes,
    image_mean_sd,
    isometric,
    posterior_variance,
    style_targets,
    unassigned_share,
)
from disentangle.sdnet.fitted import Fitted
from disentangle.sdnet.train import Factors, new_task
from disentangle.training import History


@pytest.fixture(scope="module")
def hearts():
    return drawn_hearts(12)


@pytest.fixture(scope="module")
def untrained(small) -> Fitted:
    config = replace(small, classes=3)
    return Fitted(new_task(config, 0).model, config, History(), 0.0, False)


def test_points_stand_for_pictures_at_the_same_distances():
    rng = np.random.default_rng(0)
    pictures = (rng.random((10, 3, 80, 80)) < 0.3).astype(np.uint8)
    flat = pictures.reshape(10, -1).astype(float)
    expected = np.linalg.norm(flat[:, None] - flat[None], axis=-1)
    points = isometric(pictures)
    assert points.shape == (10, 10)
    assert np.allclose(np.linalg.norm(points[:, None] - points[None], axis=-1), expected)
    z = rng.standard_normal((10, 2))
    assert distance_correlation(points, z) == pytest.approx(distance_correlation(flat, z))


def test_dependent_factors_stand_out_from_exchanged_pairs_and_independent_ones_do_not():
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(30), 4)
    style = rng.standard_normal((120, 2))
    leaking = np.column_stack([style[:, 0] > 0, rng.standard_normal((120, 3))])
    found = dependence(leaking, style, subjects, seed=0)
    assert found["value"] > found["permuted"] + 0.1 and found["p_people"] < 0.05
    found = dependence(rng.standard_normal((120, 4)), style, subjects, seed=0)
    assert abs(found["value"] - found["permuted_people"]) < 0.08 and found["p_people"] > 0.05
    assert abs(found["unbiased_squared"]) < 0.05


def test_what_belongs_to_people_alone_is_no_leak_when_people_are_exchanged():
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(12), 10)
    hearts, scanners = rng.standard_normal((2, 12, 3))  # drawn apart: no person's heart says anything of the scanner
    s, z = (part[subjects] + 0.1 * rng.standard_normal((120, 3)) for part in (hearts, scanners))
    found = dependence(s, z, subjects, seed=0)
    assert found["value"] > found["permuted"] + 0.2  # exchanged images would cry wolf
    assert found["p_people"] > 0.05


def test_equal_factors_correlate_fully_and_constant_ones_not_at_all():
    z = np.random.default_rng(0).standard_normal((40, 3))
    subjects = np.arange(40)
    assert dependence(z, z, subjects, seed=0)["value"] == 1
    assert dependence(z, np.ones((40, 2)), subjects, seed=0)["value"] == 0
    assert dependence(z, z, subjects, seed=0, rows=25)["rows"] == 25
    with pytest.raises(ValueError, match="40 and 39 rows of 40 images"):
        dependence(z, z[1:], subjects, seed=0)


def test_exchanged_people_give_whole_people_and_repeat_little():
    subjects = np.repeat(list("abcd"), [3, 3, 3, 3])
    rows = exchanged_people(subjects, np.random.default_rng(0))
    assert sorted(rows) == list(range(12))
    assert all(len(set(subjects[rows[subjects == person]])) == 1 for person in "abcd")


def test_features_of_s_are_areas_borders_and_fields():
    s = np.zeros((1, 2, 8, 8))
    s[0, 1, :, 4:] = 1
    found = anatomy_features(s, pooled=2)
    assert found.shape == (1, 2 * (2 + 4))
    assert found[0, :2].tolist() == [0, 0.5]
    assert found[0, 2:4].tolist() == pytest.approx([0, 1 / 7])  # one step in each row of 7
    assert found[0, 8:].tolist() == [0, 1, 0, 1]
    with pytest.raises(ValueError, match="8 x 8 pixels do not divide into 3 x 3"):
        anatomy_features(s, pooled=3)


def test_targets_are_counted_from_labels_and_unknown_where_labels_are(hearts):
    table = anatomy_targets(hearts)
    known = (hearts.samples["phase"] != "between").to_numpy()
    assert table["lv_area"].isna().to_numpy().tolist() == (~known).tolist()
    assert table["lv_area"][known].tolist() == [(labels == 3).sum() for labels in hearts.labels[known]]
    rows, columns = np.nonzero(hearts.labels[0])
    assert table.loc[0, ["heart_row", "heart_column"]].tolist() == pytest.approx([rows.mean(), columns.mean()])
    assert set(table["diagnosis"]) == {"DCM", "NOR"}
    assert set(style_targets(hearts)) == {"modality", "scanner"}


def test_mean_and_sd_are_those_of_each_image(hearts):
    assert image_mean_sd(hearts.images)[3].tolist() == pytest.approx([hearts.images[3].mean(), hearts.images[3].std()])


def test_variance_is_one_where_z_is_the_prior_and_small_where_it_speaks():
    found = Factors(np.zeros((5, 2, 4, 4)), np.zeros((5, 2)), np.log(np.tile([1.0, 0.25], (5, 1))))
    assert posterior_variance(found).tolist() == pytest.approx([1, 0.25])


def test_pixels_that_no_channel_claims_are_counted():
    s = np.zeros((2, 3, 4, 4), np.uint8)
    s[0, 1, :2] = 1
    s[1, 2] = 1
    assert unassigned_share(s).tolist() == [0.5, 0]
    assert unassigned_share(np.full((1, 2, 4, 4), 0.5)).tolist() == [1]


def test_image_statistics_tell_modalities_apart_where_they_differ(hearts, untrained):
    test = drawn_hearts(6, seed=1)
    renamed = {name: f"q{name}" for name in test.subjects.index}
    test = replace(
        test,
        samples=test.samples.assign(subject=test.samples["subject"].map(renamed)),
        subjects=test.subjects.rename(index=renamed),
    )
    scores = {
        (s.target, s.source): s.value
        for s in factor_probes(untrained, hearts, test, seed=0, probes=("linear",), shuffles=2)
    }
    assert scores["modality", "image_mean_sd"] > 0.95
    assert {source for _, source in scores} == {"z", "s", "image_mean_sd", "shuffled", "z_best_dimension"}
    assert {target for target, _ in scores} >= {"modality", "scanner", "rv_area", "heart_row", "diagnosis"}
    with pytest.raises(ValueError, match="in training and in test"):
        factor_probes(untrained, hearts, hearts, seed=0)


def test_all_scores_of_an_untrained_network_are_json(hearts, untrained):
    sides = hearts.of_people(["p0", "p1", "p2", "p3"]), hearts.of_people(["p4", "p5", "p6", "p7"])
    found = disentanglement_scores(untrained, *sides, seed=0, draws=20, probes=("linear",))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert set(found["distance_correlation"]) == {"s_z", "image_s", "image_z"}
    assert len(found["posterior_variance"]) == 3 and len(found["channel_area"]) == 4
    assert sum(found["channel_area"]) == pytest.approx(1 - found["unassigned"], abs=1e-3)
