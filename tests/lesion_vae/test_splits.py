"""Splits: nobody is on two sides, folds are balanced, shuffled labels keep nothing of the truth."""

import numpy as np
import pandas as pd
import pytest

from disentangle.lesion_vae import splits


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(0)
    rows = []
    for person in range(120):
        for _ in range(rng.integers(1, 4)):
            lesion, malignant = len({row["lesion"] for row in rows}), float(rng.random() < 0.45)
            rows += [{"subject": f"p{person:03d}", "lesion": lesion, "malignant": malignant}] * rng.integers(1, 6)
    return pd.DataFrame(rows)


def _people(samples, rows):
    return set(samples["subject"][rows])


@pytest.mark.parametrize("fold", range(splits.FOLDS))
def test_nobody_is_on_two_sides_of_a_split(samples, fold):
    split = splits.honest_split(samples, fold)
    sides = [_people(samples, rows) for rows in (split.train, split.validation, split.test)]
    assert sum(map(len, sides)) == len(set.union(*sides)) == samples["subject"].nunique()


def test_every_person_is_tested_once(samples):
    tested = np.sum([splits.honest_split(samples, fold).test for fold in range(splits.FOLDS)], axis=0)
    assert (tested == 1).all()


def test_validation_is_about_a_fifth_of_those_who_are_not_tested(samples):
    split = splits.honest_split(samples, 0)
    share = len(_people(samples, split.validation)) / len(_people(samples, ~split.test))
    assert share == pytest.approx(0.2, abs=0.07)


def test_folds_have_about_equal_shares_of_malignant_lesions(samples):
    lesions = splits.lesion_table(samples.assign(fold=splits.outer_fold(samples)))
    shares = lesions.groupby("fold")["malignant"].mean()
    assert shares.max() - shares.min() < 0.15


def test_the_order_of_rows_changes_no_split(samples):
    again = splits.outer_fold(samples.copy())
    assert (splits.outer_fold(samples) == again).all()


def test_the_published_order_trains_on_seven_tenths_of_the_people(samples):
    rows = splits.published_training_people(samples, seed=3)
    assert len(_people(samples, rows)) == 84
    assert not _people(samples, rows) & _people(samples, ~rows)
    assert (rows != splits.published_training_people(samples, seed=4)).any()


def test_random_labels_keep_their_share_and_one_label_a_lesion(samples):
    labels = splits.random_labels(samples, draw=0)
    by_lesion = samples.assign(label=labels).groupby("lesion")["label"]
    assert (by_lesion.nunique() == 1).all()
    assert by_lesion.first().sum() == splits.lesion_table(samples)["malignant"].sum()
    assert abs(np.corrcoef(labels, samples["malignant"])[0, 1]) < 0.3


def test_a_fold_that_does_not_exist_is_refused(samples):
    with pytest.raises(ValueError, match=r"fold is 5, expected 0\.\.4"):
        splits.honest_split(samples, 5)


def test_undecided_lesions_and_too_few_people_are_refused_in_words(samples):
    undecided = samples.assign(malignant=samples["malignant"].where(samples["lesion"] != 7))
    with pytest.raises(ValueError, match="lesion 7: malignant is not known"):
        splits.outer_fold(undecided)
    with pytest.raises(ValueError, match="3 people, expected at least 5"):
        splits.outer_fold(samples[samples["subject"].isin(["p000", "p001", "p002"])])
