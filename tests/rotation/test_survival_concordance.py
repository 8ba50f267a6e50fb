"""The c-index: against counting all pairs by hand, on perfect and constant risks, and in pairs of models."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from disentangle.rotation.concordance import cindex, cindex_by_repeat, cindex_interval
from disentangle.rotation.survival import OutOfFold, SurvivalError


def brute_force(time, event, risk, fold=None) -> float:
    """Counts every pair whose order is known."""
    fold = np.zeros(len(time)) if fold is None else fold
    right = total = 0.0
    for i in range(len(time)):
        for j in range(len(time)):
            first = event[i] and (time[i] < time[j] or (time[i] == time[j] and not event[j]))
            if first and fold[i] == fold[j]:
                total += 1
                right += 1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0.0
    return right / total


def scores(people: int = 40, repeats: int = 3, seed: int = 0, signal: float = 1.0) -> OutOfFold:
    """Risks with many ties in time and in risk."""
    rng = np.random.default_rng(seed)
    time = rng.integers(1, 12, people).astype(float)
    event = (rng.random(people) < 0.6).astype(float)
    risk = np.round(-signal * time / 6 + rng.normal(size=(repeats, people)), 1)
    fold = np.stack([rng.permutation(people) % 4 for _ in range(repeats)])
    return OutOfFold(np.arange(people), time, event, risk, fold, np.full((repeats, 4), np.nan))


@pytest.mark.parametrize("seed", range(5))
def test_cindex_is_what_counting_all_pairs_gives_with_ties_in_time_and_risk(seed: int):
    one = scores(seed=seed)
    assert cindex(one.time, one.event, one.risk[0]) == pytest.approx(brute_force(one.time, one.event, one.risk[0]))


def test_three_people_by_hand():
    # pairs of known order: (1, 2), (1, 3); 2 is censored before 3 dies
    assert cindex([1, 2, 3], [1, 0, 1], [0.5, 0.9, 0.1]) == 0.5
    assert cindex([2, 2], [1, 0], [1.0, 0.0]) == 1.0  # died when the other was last seen alive
    with pytest.raises(SurvivalError, match="without one pair"):
        cindex([2, 2], [1, 1], [1.0, 0.0])  # the order of two deaths at one time is not known


def test_perfect_inverse_and_constant_risks_give_one_zero_and_a_half():
    time = np.arange(1.0, 21)
    event = np.ones(20)
    assert [cindex(time, event, risk) for risk in (-time, time, np.zeros(20))] == [1.0, 0.0, 0.5]


def test_without_censoring_and_two_times_it_is_the_area_under_the_roc_curve():
    rng = np.random.default_rng(1)
    early, risk = rng.integers(0, 2, 60), rng.normal(size=60)
    assert cindex(np.where(early, 1.0, 2.0), np.ones(60), risk) == pytest.approx(roc_auc_score(early, risk))


def test_each_repeat_counts_pairs_of_one_fold_only():
    one = scores()
    expected = [brute_force(one.time, one.event, risk, fold) for risk, fold in zip(one.risk, one.fold, strict=True)]
    assert cindex_by_repeat(one) == pytest.approx(expected)
    moved = replace(one, risk=one.risk + 10 * one.fold)  # another scale in each fold
    assert cindex_by_repeat(moved) == pytest.approx(cindex_by_repeat(one))


def test_interval_of_people_is_that_of_people_really_drawn():
    one = scores(repeats=1)
    interval = cindex_interval(one, seed=3, draws=200)
    rng, drawn = np.random.default_rng(3), []
    for counts in rng.multinomial(40, np.full(40, 1 / 40), size=200):
        rows = np.repeat(np.arange(40), counts)
        drawn.append(brute_force(one.time[rows], one.event[rows], one.risk[0][rows], one.fold[0][rows]))
    assert interval.value == pytest.approx(cindex_by_repeat(one)[0]) and interval.n == 40
    assert [interval.low, interval.high] == pytest.approx(np.percentile(drawn, [2.5, 97.5]))


def test_difference_of_a_model_and_itself_is_exactly_nothing():
    interval = cindex_interval(scores(), minus=scores(), seed=0, draws=50)
    assert (interval.value, interval.low, interval.high) == (0, 0, 0)


def test_paired_difference_is_sharper_than_two_intervals():
    one = scores(people=120, signal=2.0)
    rng = np.random.default_rng(5)
    near = replace(one, risk=one.risk + 0.05 * rng.normal(size=one.risk.shape))
    paired = cindex_interval(one, minus=near, seed=0, draws=300)
    alone = cindex_interval(one, seed=0, draws=300)
    assert paired.value == pytest.approx(np.mean(cindex_by_repeat(one) - cindex_by_repeat(near)))
    assert paired.high - paired.low < 0.5 * (alone.high - alone.low)


def test_drawing_repeats_widens_the_interval_where_repeats_differ():
    one = scores(people=120)
    risk = one.risk.copy()
    risk[0] = -one.time  # one repeat is perfect
    mixed = replace(one, risk=risk)
    both, people = (cindex_interval(mixed, seed=0, draws=400, draw_repeats=draw) for draw in (True, False))
    assert both.value == people.value and both.high - both.low > 1.5 * (people.high - people.low)


def test_models_of_other_people_or_folds_are_not_paired():
    one = scores()
    with pytest.raises(SurvivalError, match="differ in fold"):
        cindex_interval(one, minus=replace(one, fold=one.fold[:, ::-1]), seed=0)
    with pytest.raises(SurvivalError, match="differ in subjects"):
        cindex_interval(one, minus=scores(people=30), seed=0)
