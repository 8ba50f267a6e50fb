"""The cohort ``heart_phantom``: tables, labels, cache, exact pairs, and refusals."""

import numpy as np
import pytest

from disentangle.imaging import datasets
from disentangle.imaging.cardiac.ejection import ejection_fraction, volumes_ml
from disentangle.imaging.cardiac.labels import check_structures
from disentangle.imaging.heart import cohort as phantom
from disentangle.imaging.heart import pool
from disentangle.imaging.heart.groups import GROUPS
from disentangle.imaging.heart.pairs import Style, in_style, style_of

OPTIONS = {"people": 5, "frames": 3, "size": 64}


@pytest.fixture(scope="module")
def cohort():
    return datasets.load("heart_phantom", **OPTIONS)


@pytest.fixture(scope="module")
def both():
    return datasets.load("heart_phantom", people=10, frames=2, size=64, scanner="mr_ct")


def test_one_row_per_slice_and_one_group_after_the_other(cohort):
    assert cohort.images.shape == (len(cohort), 1, 64, 64) and cohort.images.dtype == np.float32
    assert cohort.images.min() == 0 and cohort.images.max() == 1
    assert list(cohort.subjects["diagnosis"]) == list(GROUPS)
    assert set(np.unique(cohort.labels)) == {0, 1, 2, 3} and not cohort.real
    frames = cohort.samples.groupby("subject")["frame"].nunique()
    assert (frames == 3).all()
    assert (cohort.samples["labelled"] == cohort.samples["phase"].isin(["ED", "ES"])).all()
    assert np.allclose(cohort.spacing_mm, 2.74)


def test_every_stack_passes_the_check_of_real_ones(cohort):
    for volume, rows in cohort.samples.groupby("volume").indices.items():
        check_structures(cohort.labels[rows], f"volume {volume}")


def test_volumes_from_labels_agree_with_the_table_of_people(cohort):
    counted = volumes_ml(cohort.labels, cohort.samples, cohort.spacing_mm)
    assert np.allclose(counted["ED"], cohort.subjects["lv_edv_ml"].loc[counted.index], rtol=0.15)
    share = ejection_fraction(cohort.labels, cohort.samples)
    error = 100 * share - cohort.subjects["lvef"].loc[share.index]
    # at end-systole the base has left a slice, of which a heart has about ten: counting slices is that rough
    assert error.abs().max() < 14 and abs(error.mean()) < 6


def test_the_same_options_give_the_same_cohort_from_the_cache_and_afresh(cohort, monkeypatch):
    drawn = []
    monkeypatch.setattr(pool, "draw_stacks", lambda *args: drawn.append(args))
    assert datasets.load("heart_phantom", **OPTIONS).sha256 == cohort.sha256
    assert not drawn
    monkeypatch.undo()
    monkeypatch.setattr(pool, "kept", lambda options, module, make: make())
    afresh = datasets.load("heart_phantom", **OPTIONS)
    assert (afresh.labels == cohort.labels).all() and np.array_equal(afresh.images, cohort.images)
    assert list(afresh.samples.columns) == list(cohort.samples.columns)


def test_a_person_is_the_same_in_a_larger_cohort_and_another_with_another_seed(cohort):
    few = datasets.load("heart_phantom", people=2, frames=3, size=64)
    assert np.array_equal(few.images, cohort.of_people(few.subjects.index).images)
    other = datasets.load("heart_phantom", people=2, frames=3, size=64, seed=1)
    assert other.images.shape != few.images.shape or not np.array_equal(other.images, few.images)


def test_people_in_ct_are_others_than_those_in_mr_and_both_have_all_groups(both):
    of = both.samples.groupby("modality")["subject"].unique()
    assert not set(of["mr"]) & set(of["ct"]) and len(of["mr"]) == len(of["ct"]) == 5
    assert all(both.samples.loc[both.samples["modality"] == m, "diagnosis"].nunique() == 5 for m in ("mr", "ct"))
    mr, ct = both.subjects["field_t"].notna(), both.subjects["left_blood_hu"].notna()
    assert (mr ^ ct).all()


@pytest.mark.parametrize(("scanner", "fields"), [("mr1.5", {1.5}), ("mr3", {3.0})])
def test_one_field_alone(scanner, fields):
    found = datasets.load("heart_phantom", people=3, frames=2, size=64, scanner=scanner)
    assert set(found.subjects["field_t"]) == fields


def test_both_fields_occur():
    kinds = phantom.scanner_kind(np.arange(200), 0, "mr")
    assert 0.4 < (kinds == 1).mean() < 0.6


def test_an_image_in_its_own_style_is_itself(both):
    rows = np.array([3, 25, len(both) - 6])
    same = in_style(both, rows, [style_of(both, row) for row in rows])
    assert np.allclose(same, both.images[rows], atol=2 / 4095)


def test_pairs_share_their_anatomy_exactly(both):
    rows = np.full(4, int(both.samples["level"].sub(0.4).abs().idxmin()))
    shown = in_style(both, rows, [Style("mr1.5", 7), Style("mr3", 8), Style("ct", 9), Style("ct", 10)])[:, 0]
    labels = both.labels[rows[0]]
    assert all(image[labels == 3].mean() > image[labels == 2].mean() + 0.1 for image in shown)
    different = [np.abs(a - b).mean() for i, a in enumerate(shown) for b in shown[:i]]
    assert min(different) > 0.01
    # the border of blood and muscle stands at the same pixels: gradients agree far better than with a shifted twin
    edges = [np.hypot(*np.gradient(image))[24:40, 24:40] for image in shown]
    agree = np.corrcoef(edges[0].ravel(), edges[2].ravel())[0, 1]
    shifted = np.corrcoef(edges[0].ravel(), np.roll(edges[2], 3, axis=1).ravel())[0, 1]
    assert agree > 0.4 and agree > shifted + 0.3


def test_pairs_work_on_a_part_of_the_cohort(both):
    part = both.of_people(both.subjects.index[6:8])
    shown = in_style(part, np.array([4]), [style_of(part, 4)])
    assert np.allclose(shown, part.images[[4]], atol=2 / 4095)


def test_pairs_refuse_what_they_cannot_show(both):
    with pytest.raises(ValueError, match="1 styles for 2 anatomies"):
        in_style(both, np.array([0, 1]), [Style("ct", 0)])
    with pytest.raises(ValueError, match="no scanner .*'pet'.*mr1.5, mr3, ct"):
        in_style(both, np.array([0]), [Style("pet", 0)])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scanner": "pet"}, "no scanner 'pet'; there are mr, mr1.5, mr3, ct, mr_ct"),
        ({"people": 0}, "people is 0, expected at least 1"),
        ({"size": 65}, "size is 65, expected an even number"),
        ({"frames": 1}, "frames is 1, expected 2..20"),
        ({"pixel_mm": 20.0}, "pixel_mm is 20.0, expected 0.3..6"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        phantom.load(**options)


def test_checksums_are_cheap_and_known(cohort):
    assert datasets.checksum("heart_phantom") == datasets.checksum("heart_phantom")
    assert datasets.available("heart_phantom")
