"""Probes read what is there, do not read what is not, and never see a test person."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from disentangle.sdnet.probes import probe_frame, probe_scores, shuffled_among_people

PEOPLE, EACH = 40, 6


@pytest.fixture(scope="module")
def ground():
    """z: dimension 1 carries a person's class, 2 (bent) a number; 0 and 3 are noise. s is noise."""
    rng = np.random.default_rng(0)
    subjects = np.repeat([f"p{i:02d}" for i in range(PEOPLE)], EACH)
    kind = np.repeat(rng.permutation(np.arange(PEOPLE) % 2), EACH)
    z = rng.standard_normal((len(subjects), 4))
    z[:, 1] += 2.5 * kind
    targets = pd.DataFrame({"modality": np.array(["mr", "ct"], object)[kind], "area": z[:, 2] ** 2, "plain": z[:, 3]})
    training = np.isin(subjects, [f"p{i:02d}" for i in range(24)])
    features = {"z": z, "s": rng.standard_normal((len(subjects), 5))}
    scores = probe_scores(features, targets, subjects, training, seed=0, shuffles=2)
    return features, targets, subjects, training, {(s.target, s.source, s.probe): s for s in scores}


def test_a_class_is_read_where_it_is_and_only_there(ground):
    scores = ground[-1]
    assert scores["modality", "z", "linear"].value > 0.8
    assert scores["modality", "z", "network"].value > 0.75
    assert abs(scores["modality", "s", "linear"].value - 0.5) < 0.15
    assert abs(scores["modality", "shuffled", "linear"].value - 0.5) < 0.2


def test_the_best_dimension_is_found_in_training_and_named(ground):
    found = ground[-1]["modality", "z_best_dimension", "linear"]
    assert found.dimension == 1 and found.value > 0.8
    assert ground[-1]["plain", "z_best_dimension", "linear"].dimension == 3


def test_a_bent_relation_needs_the_network_and_a_straight_one_does_not(ground):
    scores = ground[-1]
    assert scores["area", "z", "network"].value > 0.5 > 0.15 > scores["area", "z", "linear"].value
    assert scores["plain", "z", "linear"].value > 0.98
    assert scores["plain", "z", "linear"].measure == "r2"
    assert scores["plain", "shuffled", "linear"].value < 0.1


def test_the_linear_probe_is_logistic_regression_on_standardised_features(ground):
    features, targets, subjects, training, scores = ground
    scaler = StandardScaler().fit(features["z"][training])
    x = scaler.transform(features["z"])
    model = LogisticRegression().fit(x[training], targets["modality"][training])
    right = model.predict(x[~training]) == targets["modality"][~training]
    assert scores["modality", "z", "linear"].value == pytest.approx(right.mean())
    one = scores["modality", "z", "linear"]
    assert one.subjects.tolist() == sorted(set(subjects[~training]))
    assert one.spread.tolist() == [EACH] * 16


def test_shuffling_exchanges_people_not_images():
    subjects, target = np.repeat(list("abcd"), 3), np.repeat([1, 2, 3, 4], 3)
    shuffled = shuffled_among_people(target, subjects, np.random.default_rng(0)).reshape(4, 3)
    assert (shuffled == shuffled[:, :1]).all() and sorted(shuffled[:, 0]) == [1, 2, 3, 4]
    images = shuffled_among_people(np.arange(12), subjects, np.random.default_rng(0))
    assert sorted(images) == list(range(12)) and images.tolist() != list(range(12))


def test_targets_without_values_or_with_one_value_are_passed_over_and_gaps_left_out(ground):
    features, _, subjects, training, _ = ground
    rng = np.random.default_rng(1)
    gaps = pd.Series(features["z"][:, 0]).where(rng.random(len(subjects)) < 0.5)
    targets = pd.DataFrame({"same": "mr", "absent": np.nan, "gaps": gaps})
    scores = probe_scores(features, targets, subjects, training, seed=0, probes=("linear",))
    assert {score.target for score in scores} == {"gaps"}
    assert scores[0].value > 0.98


def test_records_are_json_and_intervals_hold_the_value(ground):
    score = ground[-1]["modality", "z", "linear"]
    record = score.record(draws=200, seed=0, people=True)
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["low"] <= record["value"] <= record["high"] and record["n"] == 16
    assert 1 - sum(record["error"]) / sum(record["spread"]) == pytest.approx(record["value"], abs=1e-4)
    assert len(probe_frame(list(ground[-1].values()), draws=20, seed=0)) == len(ground[-1])


def test_a_person_on_both_sides_is_refused(ground):
    features, targets, subjects, training, _ = ground
    wrong = training.copy()
    wrong[0] = False
    with pytest.raises(ValueError, match="1 people are in training and in test, such as 'p00'"):
        probe_scores(features, targets, subjects, wrong, seed=0)
    with pytest.raises(ValueError, match="no probe 'tree'"):
        probe_scores(features, targets, subjects, training, seed=0, probes=("tree",))
    with pytest.raises(ValueError, match="numbers of rows differ"):
        probe_scores(features, targets[1:], subjects, training, seed=0)
