"""The cohort ``lung_phantom``: rows, exact pairs, arms, cache, and refusals."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from disentangle.imaging import datasets
from disentangle.imaging.lung import cohort as phantom
from disentangle.imaging.lung import scans
from disentangle.imaging.lung.patients import draw_person, subjects_table
from disentangle.imaging.lung.settings import SETTINGS, TRAINING, UNSEEN
from disentangle.imaging.lung.tissues import TISSUES

ROUNDED = 1.5 / 1200  # sums in another order may round to the next HU
OPTIONS = {"people": 6, "patches": 12}


@pytest.fixture(scope="module")
def cohort():
    return datasets.load("lung_phantom", **OPTIONS)


def by_setting(cohort) -> dict[str, np.ndarray]:
    return {name: cohort.images[rows, 0] for name, rows in cohort.samples.groupby("setting").indices.items()}


def test_every_location_is_shown_once_in_every_setting_in_order(cohort):
    samples = cohort.samples
    assert cohort.images.shape == (6 * 12 * len(TRAINING), 1, 32, 32) and cohort.images.dtype == np.float32
    assert cohort.images.min() >= 0 and cohort.images.max() <= 1 and not cohort.real
    assert np.allclose(cohort.spacing_mm, 0.7)
    assert (samples.groupby("location")["setting"].nunique() == len(TRAINING)).all()
    assert (samples.groupby("location")[["subject", "tissue"]].nunique() == 1).all(axis=None)
    assert samples[["subject", "location", "setting"]].equals(
        samples[["subject", "location", "setting"]].sort_values(["subject", "location", "setting"])
    )
    assert samples.groupby("location")["own"].sum().eq(1).all()
    own = samples[samples["own"]]
    assert (own["setting"].to_numpy() == cohort.subjects["setting"].loc[own["subject"]].to_numpy()).all()


def test_the_tables_and_facts_are_those_that_the_chapter_reads(cohort):
    clinical = ["time", "event", "age", "male", "fvc_pct", "severity", "setting", "pairs"]
    assert list(cohort.subjects) == clinical + [f"p_{name}" for name in TISSUES]
    assert set(cohort.samples["tissue"]) <= set(TISSUES)
    assert set(cohort.extra["settings"]) == set(SETTINGS) and cohort.extra["window_hu"] == (-1000, 200)
    assert "every 4th person" in cohort.extra["pairs_from"] and cohort.subjects["pairs"].tolist() == [True] + 3 * [
        False
    ] + [True, False]


def test_patches_are_drawn_from_the_composition_of_their_person():
    people = [draw_person(number, seed=0) for number in range(8)]
    drawn = scans.patch_tissues(people, scans.patch_keys(8, 1000, seed=0)).reshape(8, 1000)
    found = np.stack([np.bincount(row, minlength=len(TISSUES)) for row in drawn]) / 1000
    assert np.abs(found - [person.shares for person in people]).max() < 0.05


def test_pairs_show_the_same_tissue(cohort):
    shown = by_setting(cohort)
    textured = (cohort.samples.drop_duplicates("location")["tissue"].isin(["honeycombing", "reticulation"])).to_numpy()
    assert textured.sum() >= 4
    for name, images in shown.items():
        for a, b in zip(images[textured], shown["a_standard_1mm"][textured], strict=True):
            same = np.corrcoef(a.ravel(), b.ravel())[0, 1]
            assert same > 0.75 and same > np.corrcoef(np.roll(a, 3, axis=1).ravel(), b.ravel())[0, 1] + 0.1, name
    assert all(
        not np.array_equal(shown["a_soft_1mm"], images) for name, images in shown.items() if name != "a_soft_1mm"
    )


def test_with_no_effect_every_setting_is_the_same_picture(cohort):
    still = by_setting(datasets.load("lung_phantom", effect=0.0, **OPTIONS))
    assert all(np.array_equal(images, still["a_standard_1mm"]) for images in still.values())
    assert np.abs(still["a_soft_1mm"] - by_setting(cohort)["a_standard_1mm"]).max() < ROUNDED


def test_own_and_unseen_settings(cohort):
    own = datasets.load("lung_phantom", settings="own", **OPTIONS)
    assert len(own) == 72 and own.samples["own"].all()
    assert np.allclose(own.images, cohort.images[cohort.samples["own"].to_numpy()], atol=ROUNDED)
    unseen = datasets.load("lung_phantom", settings="unseen", people=2, patches=3)
    assert set(unseen.samples["setting"]) == set(UNSEEN) and not unseen.samples["own"].any()
    some = datasets.load("lung_phantom", settings=("a_soft_5mm", "a_lung_1mm"), people=2, patches=3)
    assert some.samples["setting"].tolist()[:2] == ["a_lung_1mm", "a_soft_5mm"]


def test_a_person_is_the_same_in_a_larger_cohort_and_another_with_another_seed(cohort):
    few = datasets.load("lung_phantom", people=2, patches=5)
    same = cohort.select(cohort.samples["location"].isin(few.samples["location"]).to_numpy())
    assert len(same) == len(few) and same.samples.equals(few.samples)
    assert np.abs(few.images - same.images).max() <= ROUNDED
    pd.testing.assert_frame_equal(few.subjects, same.subjects)
    other = datasets.load("lung_phantom", people=2, patches=5, seed=1)
    assert not np.array_equal(other.images, few.images) and other.subjects["age"].iloc[0] != few.subjects["age"].iloc[0]


def test_arms_share_their_pixels(cohort):
    for arm in ("confounded", "null"):
        found = datasets.load("lung_phantom", arm=arm, **OPTIONS)
        assert np.array_equal(found.images, cohort.images) and found.extra["arm"] == arm


def test_the_same_options_give_the_same_cohort_from_the_cache_and_afresh(cohort, monkeypatch):
    drawn = []
    monkeypatch.setattr(scans, "show", lambda *args: drawn.append(args))
    assert datasets.load("lung_phantom", **OPTIONS).sha256 == cohort.sha256
    assert not drawn
    monkeypatch.undo()
    monkeypatch.setattr(scans, "kept", lambda options, module, make: make())
    assert datasets.load("lung_phantom", **OPTIONS).sha256 == cohort.sha256


def test_a_damaged_file_of_the_cache_is_made_again(tmp_path, monkeypatch):
    monkeypatch.setenv("DISENTANGLE_CACHE", str(tmp_path))
    first = datasets.load("lung_phantom", people=1, patches=2, settings="own").sha256
    (file,) = (tmp_path / "cohorts").glob("lung-*.npy")
    file.write_bytes(file.read_bytes()[:-9])
    assert datasets.load("lung_phantom", people=1, patches=2, settings="own").sha256 == first
    monkeypatch.setenv("DISENTANGLE_CACHE", str(file))  # a file where a folder should be
    assert datasets.load("lung_phantom", people=1, patches=2, settings="own").sha256 == first


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"arm": "none"}, "no arm 'none'; there are independent, confounded, null"),
        ({"people": 0}, "people is 0, expected at least 1"),
        ({"patches": 0}, "patches is 0, expected 1..10000"),
        ({"effect": 1.5}, "effect is 1.5, expected 0..1"),
        ({"settings": "soft"}, "settings are 'soft', expected 'all', 'own', 'unseen' or different names among a_soft"),
        ({"settings": ()}, "expected 'all', 'own', 'unseen'"),
        ({"settings": ("a_soft_1mm", "a_soft_1mm")}, "different names"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        phantom.load(**options)


def test_checksums_are_cheap_and_known():
    assert datasets.checksum("lung_phantom") == datasets.checksum("lung_phantom")
    assert datasets.available("lung_phantom")


def frozen_facts() -> pd.DataFrame:
    """Mean and SD in HU of places 0..7 in every tissue and setting, seed 0."""
    keys = scans.patch_keys(1, 8, seed=0)
    places = scans.patch_places([draw_person(0, seed=0)], keys)
    rows = {}
    for tissue in TISSUES:
        for name, hu in zip(SETTINGS, scans.show(tissue, places, list(SETTINGS.values())).swapaxes(0, 1), strict=True):
            rows[f"{tissue} {name}"] = (hu.mean(), hu.std())
    return pd.DataFrame(rows, index=["mean", "sd"]).T.rename_axis("shown")


def test_pictures_are_those_that_were_frozen_before_any_method_was_fitted():
    """A change here changes every published result on the cohort: say so where findings are compared."""
    frozen = pd.read_csv(Path(__file__).with_name("frozen_lung.csv"), index_col="shown")
    found = frozen_facts()
    assert list(found.index) == list(frozen.index)
    assert np.abs(found - frozen).max(axis=None) < 0.05


def test_people_are_those_that_were_frozen_before_any_method_was_fitted():
    frozen = pd.read_csv(Path(__file__).with_name("frozen_people.csv"), index_col="subject")
    people = [draw_person(number, seed=0) for number in range(8)]
    found = subjects_table(people, "confounded")
    pd.testing.assert_frame_equal(found, frozen, rtol=1e-5, atol=1e-9)
