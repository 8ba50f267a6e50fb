"""Profiles of the survival chapter, tiny: counts, the arms, covariates of the models, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from disentangle.imaging import datasets
from disentangle.rotation import evaluate_survival, profiles
from disentangle.rotation.concordance import cindex_interval
from disentangle.rotation.config import PRESETS
from disentangle.rotation.latents import Part
from disentangle.rotation.plan import Plan

TINY = Plan(
    autoencoder=PRESETS["smoke"].with_training(steps=6, validate_every=6),
    ks=(3,),
    cluster_places=30,
    stability_places=30,
)


@pytest.fixture(scope="module")
def latents() -> list[tuple[Part, Part]]:
    cohort = datasets.load("lung_phantom", people=16, patches=8)
    pairs = cohort.of_people(cohort.subjects.index[cohort.subjects["pairs"]])
    sources = profiles.Sources(pairs, cohort.select(cohort.samples["own"].to_numpy(bool)))
    return profiles.spaces(sources, TINY, 2, cache=False)


@pytest.mark.parametrize("method", ["rotation", "combat_archive"])
def test_every_patch_of_every_person_is_counted_once_a_model(latents, method):
    found = profiles.profile(latents, method, TINY)
    counts = np.array(found["counts"])
    assert counts.shape == (16, 3) and (counts.sum(1) == 16).all()
    assert found["patches"] == 16 and found["models"] == 2


def test_unknown_profiles_are_refused(latents):
    with pytest.raises(ValueError, match="no profile 'magic', expected one of entangled"):
        profiles.profile(latents, "magic", TINY)


def cells(people: int) -> list[dict]:
    rng = np.random.default_rng(0)
    counts = rng.multinomial(500, [0.5, 0.3, 0.2], size=people)
    scores = {"k": 3, "counts": counts.tolist(), "patches": 500, "models": 5}
    return [
        {"cell": "independent_rotation", "parameters": {"arm": "independent", "method": "rotation"}, "scores": scores}
    ]


def test_the_null_arm_has_the_profiles_of_the_independent_one_and_the_confounded_arm_its_own():
    subjects = [f"lung{number:03}" for number in range(20)]
    own, null = (
        evaluate_survival.profile_table(cells(20), "rotation", arm, subjects) for arm in ("independent", "null")
    )
    pd.testing.assert_frame_equal(own, null)
    assert np.allclose(own.sum(axis=1), 1)
    assert evaluate_survival.profile_table(cells(20), "rotation", "confounded", subjects) is None
    assert evaluate_survival.patches_of(cells(20)) == 100
    with pytest.raises(ValueError, match="holds 20 people, the cohort has 3"):
        evaluate_survival.profile_table(cells(20), "rotation", "null", subjects[:3])


@pytest.fixture(scope="module")
def subjects() -> pd.DataFrame:
    return datasets.load("lung_phantom", settings="own", patches=1).subjects


def test_the_scans_of_the_null_arm_are_those_of_the_independent_one(subjects):
    null = datasets.load("lung_phantom", arm="null", settings="own", patches=1).subjects
    assert (null["setting"] == subjects["setting"]).all()
    assert (null["time"] != subjects["time"]).any()


def test_the_true_hazard_ranks_better_than_clinical_facts_and_less_without_tissue(subjects):
    assert evaluate_survival.ceiling(subjects, "independent") > 0.65
    one = subjects.iloc[0]
    tissue = (
        evaluate_survival.log_hazard(subjects, "independent")[0] - evaluate_survival.log_hazard(subjects, "null")[0]
    )
    assert tissue == pytest.approx(6 * one["p_honeycombing"] + 3 * one["p_reticulation"])


def test_the_clinical_model_has_clinical_covariates_alone_and_log_ratios_sum_to_zero(subjects):
    table, covariates = evaluate_survival.survival_table(subjects, None, 100)
    assert covariates == ["age", "male", "fvc_pct"]
    table, covariates = evaluate_survival.survival_table(subjects, evaluate_survival.true_profile(subjects), 100)
    assert np.allclose(table[covariates[3:]].sum(axis=1), 0) and len(covariates) == 10


def test_the_true_composition_explains_itself_and_noise_explains_nothing(subjects):
    profile = evaluate_survival.true_profile(subjects)
    share = subjects["p_honeycombing"]
    assert evaluate_survival.explained_composition(profile, 100, share) > 0.4
    rng = np.random.default_rng(0)
    noise = pd.DataFrame(rng.dirichlet(np.ones(4), len(share)), index=share.index, columns=list("abcd"))
    assert evaluate_survival.explained_composition(noise, 100, share) < 0.1


def test_two_models_have_the_same_folds_and_can_be_paired(subjects):
    options = {"seed": 0, "repeats": 1, "folds": 3}
    plain = evaluate_survival.out_of_fold(subjects, None, 100, **options)
    full = evaluate_survival.out_of_fold(subjects, evaluate_survival.true_profile(subjects), 100, **options)
    assert (plain.fold == full.fold).all()
    found = evaluate_survival.cindex_table({"clinical": plain, "truth": full}, draws=50)
    assert found["truth"].value > found["clinical"].value


def test_a_fact_that_is_known_is_judged_on_the_same_people_and_folds(subjects):
    options = {"seed": 0, "repeats": 1, "folds": 3}
    clinical = evaluate_survival.out_of_fold(subjects, None, 100, **options)
    told = evaluate_survival.log_hazard(subjects, "independent")
    oracle = evaluate_survival.out_of_fold_with(subjects, "told", pd.Series(told, index=subjects.index), **options)
    coin = pd.Series(np.arange(len(subjects)) % 2 == 0, index=subjects.index)
    nothing = evaluate_survival.out_of_fold_with(subjects, "coin", coin, **options)
    assert (oracle.fold == clinical.fold).all() and np.isnan(oracle.penalizer).all()
    assert cindex_interval(oracle, minus=clinical, seed=0, draws=50).value > 0.05
    assert abs(cindex_interval(nothing, minus=clinical, seed=0, draws=50).value) < 0.05
