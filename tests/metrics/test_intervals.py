"""Intervals against closed forms, against drawing row by row, and for how often they cover the truth."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from disentangle.metrics.intervals import (
    Interval,
    auc_interval,
    bootstrap,
    crossed_bootstrap,
    percentile_interval,
)


def lesions(seed, people=120, signal=1.0):
    """Scores of 1 to 3 lesions a person; the person shifts all their scores."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(people), rng.integers(1, 4, people))
    labels = rng.integers(0, 2, len(groups))
    scores = signal * labels + rng.normal(size=len(groups)) + rng.normal(size=people)[groups]
    return scores, labels, groups


def test_the_interval_of_a_mean_has_the_width_of_its_standard_error():
    x = np.random.default_rng(0).normal(size=400)
    found = bootstrap(lambda rows: x[rows].mean(), np.arange(400), draws=2000, seed=0)
    half = 1.96 * x.std() / 20
    assert found.value == pytest.approx(x.mean())
    assert (found.low, found.high) == pytest.approx((x.mean() - half, x.mean() + half), abs=0.012)
    assert found.n == 400


def test_copies_of_a_persons_rows_do_not_narrow_the_interval():
    x = np.random.default_rng(0).normal(size=50)
    once = bootstrap(lambda rows: x[rows].mean(), np.arange(50), draws=500, seed=1)
    copied = np.repeat(x, 20)
    often = bootstrap(lambda rows: copied[rows].mean(), np.repeat(np.arange(50), 20), draws=500, seed=1)
    assert (often.low, often.high) == pytest.approx((once.low, once.high))
    assert often.n == 50


def test_fast_auc_interval_agrees_with_people_drawn_row_by_row():
    scores, labels, groups = lesions(0)
    fast = auc_interval(scores, labels, groups, draws=2000, seed=0)
    slow = bootstrap(lambda rows: roc_auc_score(labels[rows], scores[rows]), groups, draws=600, seed=5)
    assert fast.value == pytest.approx(slow.value, abs=1e-12)
    assert (fast.low, fast.high) == pytest.approx((slow.low, slow.high), abs=0.012)
    assert fast.n == slow.n == 120


def test_a_paired_difference_is_narrower_than_two_intervals_and_zero_with_itself():
    scores, labels, groups = lesions(1)
    near = scores + np.random.default_rng(2).normal(size=len(scores)) * 0.1
    paired = auc_interval(scores, labels, groups, draws=500, seed=0, minus=near)
    alone = auc_interval(scores, labels, groups, draws=500, seed=0)
    assert paired.high - paired.low < 0.3 * (alone.high - alone.low)
    same = auc_interval(scores, labels, groups, draws=50, seed=0, minus=scores)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    truth = auc_interval(*lesions(10**6, people=40_000), draws=1, seed=0).value
    covered = [
        found.low <= truth <= found.high
        for found in (auc_interval(*lesions(seed), draws=300, seed=seed) for seed in range(150))
    ]
    assert 0.88 <= np.mean(covered) <= 0.99


def test_runs_are_drawn_too_and_widen_the_interval():
    scores, labels, groups = lesions(3)
    quality = np.array([-0.6, -0.3, 0.0, 0.3, 0.6])
    runs = scores + quality[:, None] * labels
    averaged = auc_interval(runs, labels, groups, draws=1000, seed=0)
    same_run = auc_interval(np.tile(scores, (5, 1)), labels, groups, draws=1000, seed=0)
    each = [roc_auc_score(labels, run) for run in runs]
    assert averaged.value == pytest.approx(np.mean(each))
    assert averaged.high - averaged.low > 1.15 * (same_run.high - same_run.low)


def test_each_run_may_have_labels_of_its_own_and_rows_it_did_not_score():
    scores, _, groups = lesions(4)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (3, len(scores)))
    runs = np.tile(scores, (3, 1))
    runs[0, :50] = np.nan
    found = auc_interval(runs, labels, groups, draws=200, seed=0)
    each = [roc_auc_score(t[np.isfinite(s)], s[np.isfinite(s)]) for s, t in zip(runs, labels, strict=True)]
    assert found.value == pytest.approx(np.mean(each))


def test_folds_on_different_scales_are_compared_within_themselves_only():
    scores, labels, groups = lesions(5)
    folds = groups % 2
    shifted = scores + 100 * folds
    within = auc_interval(shifted, labels, groups, draws=50, seed=0, folds=folds)
    assert within.value == pytest.approx(auc_interval(scores, labels, groups, draws=50, seed=0, folds=folds).value)
    assert auc_interval(shifted, labels, groups, draws=50, seed=0).value < within.value


def test_crossed_interval_has_the_variance_of_its_two_factors():
    rng = np.random.default_rng(0)
    people, seeds = rng.normal(size=300), rng.normal(size=40)
    values = people[:, None] + seeds[None]
    found = crossed_bootstrap(values, draws=2000, seed=0)
    half = 1.96 * np.sqrt(people.var() / 300 + seeds.var() / 40)
    assert found.high - found.low == pytest.approx(2 * half, rel=0.08)
    assert found.n == 300


def test_a_long_table_gives_what_the_array_gives_even_with_gaps():
    values = np.random.default_rng(0).normal(size=(30, 4, 3))
    values[3, 1] = np.nan
    whole = crossed_bootstrap(values, draws=300, seed=7)
    table = np.argwhere(np.isfinite(values))
    long = crossed_bootstrap(values[np.isfinite(values)], draws=300, seed=7, factors=list(table.T))
    assert (whole.value, whole.low, whole.high) == pytest.approx((long.value, long.low, long.high))


def test_run_factors_are_drawn_level_by_level():
    scores, labels, groups = lesions(6)
    runs = np.tile(scores, (4, 1)) + np.array([0, 0, 1, 1])[:, None] * labels
    by_seed = auc_interval(runs, labels, groups, draws=800, seed=0, run_factors=[[0, 0, 1, 1], [0, 1, 0, 1]])
    by_run = auc_interval(runs, labels, groups, draws=800, seed=0)
    assert by_seed.value == by_run.value
    assert by_seed.high - by_seed.low > by_run.high - by_run.low


def test_same_seed_same_interval_and_reading_it():
    scores, labels, groups = lesions(0)
    assert auc_interval(scores, labels, groups, draws=50, seed=3) == auc_interval(
        scores, labels, groups, draws=50, seed=3
    )
    assert Interval(0.1, 0.05, 0.2, 10).excludes(0) and not Interval(0.1, -0.05, 0.2, 10).excludes(0)
    assert str(Interval(0.1, 0.05, 0.2, 10)) == "0.100 [0.050, 0.200]"


def test_too_few_values_are_refused():
    with pytest.raises(ValueError, match="only 1 of 3 bootstrap draws over 9 people"):
        percentile_interval(0.5, np.array([0.5, np.nan, np.nan]), 9)
    with pytest.raises(ValueError, match=r"must be \(runs, 3\)"):
        auc_interval([1.0, 2.0], [0, 1, 1], ["a", "b", "c"], draws=5, seed=0)
    with pytest.raises(ValueError, match="at least one person"):
        crossed_bootstrap(np.array([np.nan]), draws=5, seed=0)
