"""Cross-validated Cox models: nobody trains on themselves, the ridge is chosen inside, bad tables are refused."""

import numpy as np
import pandas as pd
import pytest
from hazard_tables import hazard_table, survival_probability
from lifelines import CoxPHFitter

from disentangle.rotation.concordance import cindex_interval
from disentangle.rotation.ridge_choice import RiskSets, choose_ridge
from disentangle.rotation.survival import SurvivalError, cox_cross_validated


def cross_validated(table: pd.DataFrame, covariates: list[str], **changes):
    return cox_cross_validated(table, covariates, "time", "event", **{"seed": 0, "folds": 3, "repeats": 1, **changes})


@pytest.fixture(scope="module")
def planted() -> pd.DataFrame:
    """Age and one profile column raise the hazard, three profile columns do not."""
    return hazard_table(240, {"age": 0.4, "profile": 0.7}, noise=3)


PROFILE = ["profile", "noise_0", "noise_1", "noise_2"]


# --- the ridge ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ridge", [[0, 0, 0], [0.01] * 3, [1.0] * 3, [0, 10.0, 10.0]])
def test_trial_coefficients_are_those_of_lifelines(ridge: list[float]):
    table = hazard_table(150, {"a": 0.8, "b": -0.3}, noise=1, seed=2)
    covariates = table[["a", "b", "noise_0"]]
    covariates = (covariates - covariates.mean()) / covariates.std()
    data = covariates.assign(time=table["time"], event=table["event"])
    model = CoxPHFitter(penalizer=np.array(ridge, float)).fit(data, "time", "event")
    ours = RiskSets(covariates.to_numpy(), data["time"], data["event"])
    found = ours.fit(np.array(ridge, float), np.zeros(3))
    assert found == pytest.approx(model.params_.to_numpy(), abs=1e-4)
    assert ours.log_likelihood(found) == pytest.approx(len(data) * model.score(data), abs=1e-4)


def test_tied_times_share_their_people_at_risk():
    # two die at time 1 among four, log-likelihood at b = 0 in Breslow's form: -2 log 4
    ours = RiskSets(np.arange(4.0)[:, None], np.array([1, 1, 2, 3]), np.array([1, 1, 0, 0]))
    assert ours.log_likelihood(np.zeros(1)) == pytest.approx(-2 * np.log(4))
    assert ours.fit(np.zeros(1), np.zeros(1))[0] < 0  # the smaller values died


def test_chosen_ridge_has_the_largest_cross_validated_likelihood_by_lifelines():
    table = hazard_table(120, {"a": 0.5}, noise=3, seed=4)
    names = ["a", "noise_0", "noise_1", "noise_2"]
    scaled = (table[names] - table[names].mean()) / table[names].std()
    fold = np.arange(120) % 2
    whole, gained = table.assign(**scaled), dict.fromkeys((0.01, 0.3, 10.0), 0.0)
    for strength in gained:
        for left_out in (0, 1):
            part = whole[fold != left_out]
            as_lifelines = strength / part[names].var().to_numpy()  # it scales the penalty by the part's deviations
            model = CoxPHFitter(penalizer=as_lifelines).fit(part, "time", "event")
            gained[strength] += len(whole) * model.score(whole) - len(part) * model.score(part)
    arrays = scaled.to_numpy(), table["time"].to_numpy(), table["event"].to_numpy()
    chosen = choose_ridge(*arrays, fold, list(gained), np.zeros(4, bool))
    assert chosen == max(gained, key=gained.get) == 0.3


def test_noise_is_shrunk_hard_and_a_strong_effect_is_not():
    arrays = {}
    for kind, effects in (("noise", {"x": 0.0}), ("strong", {"x": 1.5})):
        table = hazard_table(200, effects, noise=2, seed=1)
        covariates = table[["x", "noise_0", "noise_1"]].to_numpy()
        arrays[kind] = covariates, table["time"].to_numpy(), table["event"].to_numpy()
    fold, free, strengths = np.arange(200) % 4, np.zeros(3, bool), (0.01, 1.0, 100.0)
    assert choose_ridge(*arrays["noise"], fold, strengths, free) == 100.0
    assert choose_ridge(*arrays["strong"], fold, strengths, free) == 0.01


# --- cross-validation -----------------------------------------------------------------------------------------------


def test_risk_of_a_fold_is_that_of_a_lifelines_model_of_all_others(planted: pd.DataFrame):
    scores = cross_validated(planted, ["age", *PROFILE], penalizers=[0.1])
    others = planted[scores.fold[0] != 1]
    model = CoxPHFitter(penalizer=0.1).fit(others, "time", "event")
    expected = model.predict_log_partial_hazard(planted[scores.fold[0] == 1])
    assert scores.risk[0, scores.fold[0] == 1] == pytest.approx(expected.to_numpy(), abs=1e-5)
    assert (scores.penalizer == 0.1).all()


def test_a_persons_own_row_trains_no_model_that_judges_their_fold(planted: pd.DataFrame):
    before = cross_validated(planted, PROFILE)
    changed = planted.copy()
    changed.loc["p000", PROFILE] = 9.0
    after = cross_validated(changed, PROFILE)
    same_fold = (before.fold[0] == before.fold[0, 0]) & (before.subjects != "p000")
    other_fold = before.fold[0] != before.fold[0, 0]
    assert (before.risk[0, same_fold] == after.risk[0, same_fold]).all()
    assert (before.risk[0, other_fold] != after.risk[0, other_fold]).all()


def test_folds_are_even_in_events_and_the_same_for_every_model_and_order_of_rows(planted: pd.DataFrame):
    scores = cross_validated(planted, ["age"], repeats=2, unpenalized=["age"])
    events = [scores.event[fold == one].sum() for fold in scores.fold for one in range(3)]
    assert max(events) - min(events) <= 2 and (scores.fold[0] != scores.fold[1]).any()
    shuffled = cross_validated(planted.sample(frac=1, random_state=1), ["age", "profile"], repeats=2)
    back = pd.Index(shuffled.subjects).get_indexer(scores.subjects)
    assert (shuffled.fold[:, back] == scores.fold).all()
    assert np.isnan(scores.penalizer).all() and np.isfinite(shuffled.penalizer).all()
    ordered = cross_validated(planted, ["age", "profile"], repeats=2)
    assert shuffled.risk[:, back] == pytest.approx(ordered.risk, abs=1e-6)


def test_another_seed_deals_other_folds(planted: pd.DataFrame):
    one, other = (cross_validated(planted, ["age"], unpenalized=["age"], seed=seed) for seed in (0, 1))
    assert (one.fold != other.fold).mean() > 0.5


def test_predicted_survival_is_near_the_truth_of_the_simulation():
    table = hazard_table(600, {"x": 0.8}, seed=3)
    scores = cross_validated(table, ["x"], unpenalized=["x"], horizons=[1.0, 3.0])
    truth = np.stack([survival_probability(0.8 * table["x"].to_numpy(), at) for at in (1.0, 3.0)], axis=1)
    assert np.abs(scores.survival[0] - truth).mean() < 0.03


def test_a_planted_effect_is_found_beyond_age(planted: pd.DataFrame):
    clinical = cross_validated(planted, ["age"], unpenalized=["age"], repeats=2)
    full = cross_validated(planted, ["age", *PROFILE], unpenalized=["age"], repeats=2)
    gain = cindex_interval(full, minus=clinical, seed=0)
    assert gain.value > 0.05 and gain.low > 0


@pytest.mark.parametrize("seed", [10, 11, 12])
def test_a_profile_that_the_hazard_ignores_gains_nothing(seed: int):
    table = hazard_table(150, {"age": 0.4}, noise=7, seed=seed)
    profile = [f"noise_{k}" for k in range(7)]
    clinical = cross_validated(table, ["age"], unpenalized=["age"])
    full = cross_validated(table, ["age", *profile], unpenalized=["age"])
    gain = cindex_interval(full, minus=clinical, seed=0)
    assert gain.low <= 0 and gain.value < 0.02


# --- bad tables -----------------------------------------------------------------------------------------------------


def with_value(column: str, person: str, value: float):
    def change(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[person, column] = value
        return table

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.assign(event=0.0), r"all censored"),
        (with_value("time", "p003", 0.0), r"'time' is 0 for 'p003' \(1 people"),
        (with_value("time", "p003", -2.0), r"'time' is -2 for 'p003'"),
        (with_value("time", "p004", np.nan), r"'time' is missing or infinite in 1 of 60 people, such as 'p004'"),
        (with_value("x", "p005", np.nan), r"'x' is missing .* table.dropna\(subset=\['x'\]\)"),
        (with_value("event", "p005", 2.0), r"'event' holds \[0.0, 1.0, 2.0\], expected 1"),
        (lambda t: t.assign(x=3.0), r"covariate 'x' is 3 for everybody"),
        (lambda t: t.assign(event=(np.arange(60) < 3).astype(float)), r"3 events for 4 covariates"),
        (lambda t: t.assign(event=(np.arange(60) < 5).astype(float)), r"5 events for 3 folds"),
        (lambda t: t.drop(columns="x"), r"no column \['x'\], found"),
        (lambda t: t.assign(x="high"), r"hold numbers"),
        (lambda t: pd.concat([t, t.iloc[:1]]), r"'p000' has more than one row"),
    ],
)
def test_a_bad_table_is_refused_with_column_and_person(change, message: str):
    table = change(hazard_table(60, {"x": 0.5}, noise=3, seed=1))
    with pytest.raises(SurvivalError, match=message):
        cross_validated(table, ["x", "noise_0", "noise_1", "noise_2"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"penalizers": [0.0, 1.0]}, "all above 0"),
        ({"unpenalized": ["y"]}, r"unpenalized names \['y'\]"),
        ({"folds": 1}, "folds 1"),
        ({"repeats": 0}, "repeats 0"),
    ],
)
def test_a_bad_choice_is_refused(changes: dict, message: str):
    with pytest.raises(SurvivalError, match=message):
        cross_validated(hazard_table(60, {"x": 0.5}), ["x"], **changes)
    with pytest.raises(SurvivalError, match="covariates is empty"):
        cross_validated(hazard_table(60, {"x": 0.5}), [])


def test_covariates_that_say_the_same_need_a_ridge():
    table = hazard_table(90, {"x": 0.5}).assign(twin=lambda t: 2 * t["x"])
    with pytest.raises(SurvivalError, match=r"\['x', 'twin'\] did not converge"):
        cross_validated(table, ["x", "twin"], unpenalized=["x", "twin"])
    assert np.isfinite(cross_validated(table, ["x", "twin"]).risk).all()
