"""Patients: composition, survival and scanner have the properties that the chapter relies on."""

import numpy as np
import pytest
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.statistics import proportional_hazard_test
from lifelines.utils import concordance_index

from disentangle.imaging.lung import patients as clinic
from disentangle.imaging.lung.settings import SHARP, TRAINING
from disentangle.imaging.lung.tissues import TISSUES


@pytest.fixture(scope="module")
def people():
    return [clinic.draw_person(number, seed=11) for number in range(2000)]


@pytest.fixture(scope="module")
def tables(people):
    return {arm: clinic.subjects_table(people, arm) for arm in clinic.ARMS}


def oracle(people, arm):
    return np.array([clinic.log_hazard_ratio(person, arm) for person in people])


@pytest.mark.parametrize("arm", clinic.ARMS)
def test_median_survival_and_events_are_near_the_digest(tables, arm):
    table = tables[arm]
    # digest 10.3: median 3.5 years (published 2-5), about 55 % events
    assert KaplanMeierFitter().fit(table["time"], table["event"]).median_survival_time_ == pytest.approx(3.5, abs=0.5)
    assert 0.48 < table["event"].mean() < 0.60
    assert table["time"].min() > 0 and table["time"].max() <= 6


def test_the_oracle_knows_more_than_the_clinic_where_tissue_counts(people, tables):
    table = tables["independent"]
    known = concordance_index(table["time"], -oracle(people, "independent"), table["event"])
    assert 0.70 < known < 0.75
    clinical = CoxPHFitter().fit(table[["time", "event", "age", "male", "fvc_pct"]], "time", "event")
    assert clinical.concordance_index_ == pytest.approx(0.60, abs=0.03)


def test_in_the_null_arm_tissue_says_nothing(people, tables):
    table = tables["null"]
    for name in ("honeycombing", "reticulation", "normal", "emphysema"):
        assert concordance_index(table["time"], table[f"p_{name}"], table["event"]) == pytest.approx(0.5, abs=0.025)
    assert 0.57 < concordance_index(table["time"], -oracle(people, "null"), table["event"]) < 0.65


def test_a_cox_model_recovers_the_hazard_ratios_that_were_put_in(tables):
    columns = ["time", "event", "age", "male", "p_honeycombing", "p_reticulation", "p_emphysema"]
    fitted = CoxPHFitter().fit(tables["independent"][columns], "time", "event")
    truth = {
        "age": clinic.AGE,
        "male": clinic.MALE,
        "p_honeycombing": clinic.HONEYCOMBING,
        "p_reticulation": clinic.RETICULATION,
        "p_emphysema": 0.0,
    }
    for name, value in truth.items():
        row = fitted.summary.loc[name]
        assert abs(row["coef"] - value) < 3 * row["se(coef)"], name
    test = proportional_hazard_test(fitted, tables["independent"][columns], time_transform="rank")
    assert (test.summary["p"] > 0.001).all()


def test_composition_is_a_simplex_that_turns_fibrotic_with_severity(tables):
    table = tables["independent"]
    shares = table[[f"p_{name}" for name in TISSUES]]
    assert np.allclose(shares.sum(axis=1), 1) and (shares.to_numpy() >= 0).all()
    related = shares.corrwith(table["severity"])
    assert related["p_honeycombing"] > 0.5 and related["p_reticulation"] > 0.4 and related["p_normal"] < -0.6
    assert abs(related["p_emphysema"]) < 0.06
    assert table["severity"].mean() == pytest.approx(0.4, abs=0.02)  # Beta(2, 3)
    assert table["fvc_pct"].corr(table["severity"]) < -0.2


def test_only_the_confounded_arm_ties_the_kernel_to_severity(tables):
    for arm, low, high in (("independent", 0.5, 0.5), ("null", 0.5, 0.5), ("confounded", 0.2, 0.8)):
        table = tables[arm]
        sharp, rank = table["setting"].isin(SHARP), table["severity"].rank(pct=True)
        assert sharp[rank < 0.1].mean() == pytest.approx(low + 0.05 * (high - low), abs=0.1)
        assert sharp[rank > 0.9].mean() == pytest.approx(high - 0.05 * (high - low), abs=0.1)
        assert set(table["setting"]) == set(TRAINING)
        assert np.allclose(table["setting"].value_counts(normalize=True), 1 / 6, atol=0.03)


def test_arms_differ_in_nothing_else(tables):
    same = ["age", "male", "fvc_pct", "severity", "pairs", *(f"p_{name}" for name in TISSUES)]
    for arm in clinic.ARMS:
        assert tables[arm][same].equals(tables["independent"][same])
    assert tables["confounded"][["time", "event"]].equals(tables["independent"][["time", "event"]])
    assert tables["null"]["setting"].equals(tables["independent"]["setting"])


def test_pairs_come_from_a_quarter_that_resembles_the_rest(tables):
    table = tables["confounded"]
    assert table["pairs"].mean() == pytest.approx(0.25, abs=0.01)
    assert table.groupby("pairs")["severity"].mean().diff().abs().max() < 0.03


def test_the_cohort_of_the_book_has_these_properties_too():
    """The 240 people that every notebook loads, within what chance allows."""
    people = [clinic.draw_person(number, seed=0) for number in range(clinic.PEOPLE)]
    table = clinic.subjects_table(people, "independent")
    known = concordance_index(table["time"], -oracle(people, "independent"), table["event"])
    clinical = CoxPHFitter().fit(table[["time", "event", "age", "male", "fvc_pct"]], "time", "event")
    assert 0.68 < known < 0.77 and known > clinical.concordance_index_ + 0.05
    assert 2.8 < KaplanMeierFitter().fit(table["time"], table["event"]).median_survival_time_ < 4.2
    assert 0.45 < table["event"].mean() < 0.62
