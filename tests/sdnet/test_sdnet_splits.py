"""Splits by person: stratified by diagnosis, disjoint, nested draws of labelled people."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from disentangle.sdnet.splits import FOLDS, few_labels, fold_of_people


@pytest.fixture
def samples() -> pd.DataFrame:
    people = [f"p{number:02d}" for number in range(30)]
    rows = [
        {"subject": person, "diagnosis": "ABCDE"[number % 5], "phase": phase, "slice": place}
        for number, person in enumerate(people)
        for phase in ("ED", "between", "ES")
        for place in range(3)
    ]
    table = pd.DataFrame(rows)
    return table.assign(labelled=table["phase"] != "between")


def test_folds_hold_every_person_once_and_every_diagnosis_equally(samples):
    folds = fold_of_people(samples)
    diagnosis = samples.drop_duplicates("subject").set_index("subject")["diagnosis"]
    assert pd.crosstab(diagnosis, folds).to_numpy().tolist() == [[2, 2, 2]] * 5


def test_tested_people_train_in_no_stream(samples):
    for fold in range(FOLDS):
        split = few_labels(samples, fold, None)
        tested = set(samples["subject"][split.test])
        for rows in (split.train, split.labelled, split.unlabelled):
            assert not tested & set(samples["subject"][rows])
        assert len(tested) == 10


def test_every_person_tests_in_exactly_one_fold(samples):
    tested = sum(few_labels(samples, fold, 1).test.astype(int) for fold in range(FOLDS))
    assert np.array_equal(tested, samples["labelled"].astype(int))


def test_draws_are_nested_and_differ(samples):
    def people(count, draw):
        return set(samples["subject"][few_labels(samples, 0, count, draw).labelled])

    assert people(1, 0) < people(2, 0) < people(4, 0)
    assert len({tuple(people(1, draw)) for draw in range(6)}) > 1
    assert len(people(None, 0)) == 20 and people(None, 0) == people(20, 3)


def test_unlabelled_images_are_other_phases_or_without_those_all_training_images(samples):
    split = few_labels(samples, 1, 1)
    assert set(samples["phase"][split.unlabelled]) == {"between"}
    ends = samples[samples["labelled"]].reset_index(drop=True)
    split = few_labels(ends, 1, 1)
    assert np.array_equal(split.unlabelled, split.train)


@pytest.mark.parametrize(("fold", "people"), [(3, 1), (-1, 1), (0, 0), (0, 21)])
def test_impossible_splits_are_refused(samples, fold, people):
    with pytest.raises(ValueError, match="expected"):
        few_labels(samples, fold, people)


def test_a_person_with_two_diagnoses_is_refused(samples):
    samples.loc[0, "diagnosis"] = "E"
    with pytest.raises(ValueError, match="p00 has the diagnoses"):
        fold_of_people(samples)


def test_too_few_people_for_the_folds_are_refused_in_numbers(samples):
    few = samples[samples["subject"].isin([f"p{number:02d}" for number in range(10)])]
    with pytest.raises(ValueError, match="10 people, at most 2 of one diagnosis; 3 folds"):
        fold_of_people(few)
