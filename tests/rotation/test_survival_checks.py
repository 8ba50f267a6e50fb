"""Risk groups, log-rank, proportional hazards and calibration, each where the answer is known beforehand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hazard_tables import hazard_table, survival_probability
from scipy.stats import CensoredData
from scipy.stats import logrank as scipy_logrank

from disentangle.rotation.survival import OutOfFold, SurvivalError
from disentangle.rotation.survival_checks import (
    at_risk,
    calibration,
    calibration_slope,
    holm,
    likelihood_ratio,
    logrank,
    proportional_hazards,
    risk_groups,
)


def true_scores(people: int = 600, repeats: int = 2, horizons=(2.0,)) -> OutOfFold:
    """What a model that knows the simulation's truth would predict."""
    table = hazard_table(people, {"x": 0.8}, seed=5)
    risk = np.tile(0.8 * table["x"].to_numpy(), (repeats, 1))
    fold = np.stack([np.random.default_rng(r).permutation(people) % 5 for r in range(repeats)])
    survival = np.stack([survival_probability(risk, at) for at in horizons], axis=2)
    outcome = table["time"].to_numpy(), table["event"].to_numpy()
    return OutOfFold(table.index.to_numpy(), *outcome, risk, fold, np.full((repeats, 5), 1.0), horizons, survival)


def test_groups_are_equal_ordered_and_blind_to_the_scale_of_a_fold():
    scores = true_scores(100)
    groups = risk_groups(scores, ("low", "middle", "high"))
    assert groups.value_counts().to_dict() == {"low": 34, "middle": 33, "high": 33}
    risk = pd.Series(scores.risk[0], index=scores.subjects)
    assert risk.groupby(groups, observed=True).mean().is_monotonic_increasing
    moved = replace(scores, risk=scores.risk * np.where(scores.fold == 2, 7, 1) + 30 * scores.fold)
    assert (risk_groups(moved, ("low", "middle", "high")) == groups).all()


def test_logrank_is_that_of_scipy():
    table = hazard_table(120, {"x": 0.6}, seed=2)
    high = table["x"] > 0
    ours = logrank(table["time"], table["event"], np.where(high, "high", "low"))
    sides = [CensoredData.right_censored(part["time"], part["event"] == 0) for part in (table[high], table[~high])]
    other = scipy_logrank(*sides)
    assert ours.p == pytest.approx(other.pvalue) and ours.statistic == pytest.approx(other.statistic**2)
    assert ours.df == 1
    with pytest.raises(SurvivalError, match=r"two groups, found \['a'\]"):
        logrank([1, 2], [1, 1], ["a", "a"])


def test_numbers_at_risk_are_counts_by_hand():
    groups = pd.Categorical(["b", "b", "a", "a", "a"], ["b", "a"], ordered=True)
    table = at_risk([1.0, 4.0, 2.0, 3.0, 5.0], groups, [0, 2, 4])
    assert list(table.index) == ["b", "a"] and table.to_numpy().tolist() == [[2, 1, 1], [3, 3, 1]]


@pytest.mark.parametrize(("early", "late", "steady"), [(3.0, 1 / 3, False), (2.0, 2.0, True)])
def test_an_effect_that_turns_round_is_found_and_a_steady_one_is_not(early: float, late: float, steady: bool):
    """The hazard of the exposed is ``early`` times that of the others in the first year and ``late`` times after it."""
    rng = np.random.default_rng(1)
    exposed, spent = rng.integers(0, 2, 600), rng.exponential(size=600)
    first, then = 0.3 * np.where(exposed, early, 1), 0.3 * np.where(exposed, late, 1)
    time = np.where(spent < first, spent / first, 1 + (spent - first) / then)
    table = pd.DataFrame({"exposed": exposed, "other": rng.normal(size=600), "time": time, "event": 1.0})
    found = proportional_hazards(table, ["exposed", "other"], "time", "event")
    assert (found.loc["exposed", "p_holm"] > 0.05) == steady and found.loc["other", "p"] > 0.05
    if steady:
        assert found.loc["exposed", "coefficient"] == pytest.approx(np.log(2) * exposed.std(ddof=1), abs=0.1)


def test_log_ratios_that_sum_to_zero_are_refused_without_a_penalty():
    table = hazard_table(150, {"x": 0.5, "y": 0.1}).assign(z=lambda t: -t["x"] - t["y"])
    with pytest.raises(SurvivalError, match="rank 2"):
        proportional_hazards(table, ["x", "y", "z"], "time", "event")
    assert len(proportional_hazards(table, ["x", "y", "z"], "time", "event", penalizer=0.1)) == 3


def test_likelihood_ratio_finds_a_planted_covariate_and_not_noise():
    table = hazard_table(250, {"age": 0.4, "profile": 0.5}, noise=2, seed=1)
    planted = likelihood_ratio(table, ["age"], ["age", "profile"], "time", "event")
    nothing = likelihood_ratio(table, ["age"], ["age", "noise_0", "noise_1"], "time", "event")
    assert planted.p < 1e-6 and planted.df == 1 and nothing.p > 0.05 and nothing.df == 2
    with pytest.raises(SurvivalError, match="not nested"):
        likelihood_ratio(table, ["age", "profile"], ["profile"], "time", "event")
    with pytest.raises(SurvivalError, match="expected 10 each"):
        likelihood_ratio(table.head(25), ["age"], ["age", "profile", "noise_0"], "time", "event")


def test_the_truth_is_calibrated_and_an_overconfident_model_is_not():
    scores = true_scores()
    groups = calibration(scores, 2.0)
    assert groups["people"].tolist() == [120] * 5 and groups["predicted"].is_monotonic_increasing
    assert ((groups["low"] <= groups["predicted"]) & (groups["predicted"] <= groups["high"])).all()
    boastful = replace(scores, survival=survival_probability(2.5 * scores.risk, 2.0)[:, :, None])
    wrong = calibration(boastful, 2.0)
    assert ((wrong["predicted"] < wrong["low"]) | (wrong["predicted"] > wrong["high"])).any()
    with pytest.raises(SurvivalError, match="nothing was predicted for time 3"):
        calibration(scores, 3.0)
    with pytest.raises(SurvivalError, match="nobody was followed to 99"):
        calibration(true_scores(100, horizons=(99.0,)), 99.0)


def test_slope_is_one_for_the_truth_and_half_for_twice_the_truth():
    scores = true_scores(400, repeats=1)
    slope, error = calibration_slope(scores)
    assert abs(slope - 1) < 2 * error < 0.35
    assert calibration_slope(replace(scores, risk=2 * scores.risk))[0] == pytest.approx(slope / 2, rel=1e-4)


def test_holm_by_hand():
    # 3 * 0.01; 2 * 0.02 = 0.04; 1 * 0.03 raised to 0.04
    assert holm(np.array([0.03, 0.01, 0.02])) == pytest.approx([0.04, 0.03, 0.04])
    assert holm(np.array([0.9, 0.8])).tolist() == [1, 1]
