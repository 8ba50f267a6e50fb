"""Composition profiles: shares by hand, log-ratios in closed form, clusters of two models matched."""

import numpy as np
import pandas as pd
import pytest

from disentangle.rotation.composition import (
    clr,
    composition,
    match_clusters,
    mean_composition,
    patches_per_person,
)


def test_shares_are_counts_by_hand_and_an_absent_cluster_is_zero():
    profile = composition(np.array([0, 0, 2, 2, 2, 0]), ["b", "b", "b", "b", "a", "a"], 4)
    assert list(profile.index) == ["a", "b"] and list(profile) == [f"cluster_{k}" for k in range(4)]
    assert profile.to_numpy().tolist() == [[0.5, 0, 0.5, 0], [0.5, 0, 0.5, 0]]
    assert patches_per_person(["b", "b", "b", "b", "a", "a"]).to_dict() == {"a": 2, "b": 4}


def test_shares_are_those_of_a_crosstab():
    rng = np.random.default_rng(0)
    labels, subjects = rng.integers(0, 5, 400), rng.integers(0, 12, 400)
    table = pd.crosstab(subjects, labels, normalize="index")
    assert composition(labels, subjects, 5).to_numpy() == pytest.approx(table.to_numpy())


def test_log_ratios_in_closed_form_sum_to_zero_and_ignore_the_scale():
    profile = pd.DataFrame([[0.5, 0.25, 0.25]], index=["a"], columns=list("xyz"))
    ratios = clr(profile, 10**9)  # e is nothing
    log_two = np.log(2)
    assert ratios.to_numpy()[0] == pytest.approx([2 * log_two / 3, -log_two / 3, -log_two / 3])
    assert list(ratios) == ["clr_x", "clr_y", "clr_z"]


def test_an_empty_cluster_counts_as_half_a_patch():
    profile = pd.DataFrame([[1.0, 0.0], [1.0, 0.0]], index=["a", "b"])
    ratios = clr(profile, pd.Series({"b": 1000, "a": 10}))
    e = np.array([1 / 20, 1 / 2000])
    assert ratios.iloc[:, 0].to_numpy() == pytest.approx(np.log((1 + e) / e) / 2)
    assert ratios.sum(axis=1).to_numpy() == pytest.approx([0, 0])


def test_renamed_clusters_are_found_again():
    rng = np.random.default_rng(1)
    reference = rng.integers(0, 6, 500)
    renamed = rng.permutation(6)[reference]
    assert (match_clusters(renamed, reference, 6) == reference).all()
    noisy = np.where(rng.random(500) < 0.2, rng.integers(0, 6, 500), renamed)
    assert (match_clusters(noisy, reference, 6) == reference).mean() > 0.8


def test_mean_over_models_needs_no_common_names():
    rng = np.random.default_rng(2)
    labels, subjects = rng.integers(0, 4, 300), rng.integers(0, 9, 300)
    renamed = [rng.permutation(4)[labels] for _ in range(3)]
    alone = composition(labels, subjects, 4)
    pd.testing.assert_frame_equal(mean_composition([labels, *renamed], subjects, 4), alone)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: composition(np.array([0, 3]), ["a", "a"], 3), "run from 0 to 3, expected 0 to 2"),
        (lambda: composition(np.array([0, -1]), ["a", "a"], 3), "run from -1"),
        (lambda: composition(np.array([0.5]), ["a"], 3), "float64, expected whole numbers"),
        (lambda: composition(np.array([0]), ["a", "b"], 3), r"labels are \(1,\), subjects \(2,\)"),
        (lambda: composition(np.array([], int), [], 3), "at least one patch"),
        (lambda: clr(pd.DataFrame([[0.7, 0.7]], index=["a"]), 9), r"profile of 'a' is \[0.7, 0.7\]"),
        (lambda: clr(pd.DataFrame([[1.5, -0.5]], index=["a"]), 9), "sum to 1"),
        (lambda: clr(pd.DataFrame([[0.5, 0.5]], index=["a"]), 0), "patches of 'a' is missing or below 1"),
        (lambda: clr(pd.DataFrame([[0.5, 0.5]], index=["a"]), pd.Series({"b": 3})), "patches of 'a' is missing"),
        (lambda: match_clusters(np.array([0]), np.array([0, 1]), 2), "expected the same patches"),
        (lambda: mean_composition([], [], 2), "no model"),
    ],
)
def test_bad_input_is_refused(call, message: str):
    with pytest.raises(ValueError, match=message):
        call()
