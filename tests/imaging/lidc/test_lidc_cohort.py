"""The cohort ``lidc``: known counts, true geometry, honest controls, a frozen rendering, and its cache."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from disentangle.imaging.lidc import cohort as lidc
from disentangle.imaging.lidc import roi, store
from disentangle.imaging.lidc.selection import select
from disentangle.imaging.lidc.table import read_lesions

FROZEN = Path(__file__).with_name("frozen_rendering.csv")


@pytest.fixture(scope="module")
def selected():
    return select(read_lesions())


@pytest.fixture(scope="module")
def table(selected):
    return lidc.slice_table(selected, [roi.regions(lesion, 0.7) for lesion in selected], 0.7)


@pytest.fixture
def few(selected, monkeypatch):
    """``load`` takes 30 lesions only, of more than 15 people; the list says how often it rendered."""
    rendered, make = [], lidc.make
    monkeypatch.setattr(lidc, "select", lambda lesions, rule: selected[:30])
    monkeypatch.setattr(lidc, "make", lambda *arguments: rendered.append(1) or make(*arguments))
    return rendered


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DISENTANGLE_CACHE", str(tmp_path))
    return tmp_path / "cohorts"


def test_counts_are_those_of_the_annotation_database(table):
    assert len(table) == 7512 and table["lesion"].nunique() == 1194 and table["subject"].nunique() == 639
    assert set(table["malignant"]) == {0.0, 1.0}
    assert (table["readers"] >= 3).all()


def test_median_diameters_are_those_of_benign_and_malignant_lesions(table):
    lesions = table.groupby("lesion")[["lesion_diameter_mm", "malignant"]].first()
    medians = lesions.groupby("malignant")["lesion_diameter_mm"].median()
    assert medians[0.0] == pytest.approx(5.5, abs=0.3) and medians[1.0] == pytest.approx(11.4, abs=0.3)


def test_resampled_masks_keep_the_area_and_are_centred(selected):
    for lesion in selected[:60]:
        region = roi.regions(lesion, 0.7)
        if region.diameter_mm.max() > 35:
            continue
        assert np.allclose(region.masks.sum((1, 2)) * 0.49, region.area_mm2, rtol=0.2, atol=3)
        rows, columns = (np.flatnonzero(region.masks[0].any(axis)) for axis in (1, 0))
        assert abs(rows[0] + rows[-1] - 63) <= 2 and abs(columns[0] + columns[-1] - 63) <= 2


def test_native_pixels_are_neither_cut_nor_moved(selected):
    chosen = min(selected, key=lambda lesion: lesion.masks.shape[1] + lesion.masks.shape[2])
    region = roi.regions(chosen, None)
    for mask, original in zip(region.masks, chosen.masks, strict=True):
        assert mask.sum() == original.sum()
    again = roi.overlap(9, 4.5, 0.6, 0.6)
    assert set(np.unique(again.round(6))) == {0.0, 1.0} and (again.sum(0) == 1).all()


def test_overlap_keeps_the_total_length():
    share = roi.overlap(20, 9.5, 0.9, 0.7)
    assert np.allclose(share.sum(axis=0) * 0.7, 0.9, atol=1e-5)


def test_thick_slices_see_their_neighbours_and_thin_ones_less():
    z = np.arange(7) * 2.5
    thick, thin = (roi.thickness_weights(z, thickness, 2.5) for thickness in (2.5, 0.5))
    assert thick[3] == pytest.approx([0, 0, 0.125, 0.75, 0.125, 0, 0], abs=0.01)  # box over a hat, closed form
    assert thin[3, 3] == pytest.approx(0.95, abs=0.01)
    assert thick[0].sum() == pytest.approx(0.875, abs=0.01)


def test_grey_values_are_declared_as_simulated(few, own_cache):
    cohort = lidc.load()
    assert not cohort.real
    assert cohort.provenance.note == "outlines and ratings real, grey values simulated"


def test_images_are_the_window_scaled_to_one_and_hu_undoes_it(few, own_cache):
    cohort = lidc.load()
    assert cohort.images.dtype == np.float32 and cohort.images.shape[1:] == (1, 64, 64)
    assert 0 <= cohort.images.min() < 0.05 and 0.9 < cohort.images.max() <= 1
    assert (cohort.samples[["hu_low", "hu_high"]] == [-1000, 400]).all(axis=None)
    units = lidc.hu(cohort.images)
    assert np.allclose(units, units.round(), atol=1e-3)
    assert np.allclose(lidc.to_window(units), cohort.images, atol=1e-6)


def test_a_second_load_reads_what_the_first_one_kept(few, own_cache):
    first, second = lidc.load(), lidc.load()
    assert len(few) == 1
    assert first.sha256 == second.sha256
    assert not list(own_cache.glob(".*"))


def test_other_options_are_kept_apart(few, own_cache):
    pictures = {render: lidc.load(render=render).images for render in lidc.RENDERINGS}
    assert len(few) == 3 and len(list(own_cache.glob("*.npz"))) == 3
    assert (pictures["full"] != pictures["geometry_only"]).any()


def test_a_damaged_cache_is_rendered_again(few, own_cache):
    first = lidc.load()
    kept = next(own_cache.glob("*.npz"))
    kept.write_bytes(kept.read_bytes()[:5000])
    assert lidc.load().sha256 == first.sha256 and len(few) == 2


def test_a_cache_that_cannot_be_written_costs_only_time(few, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("DISENTANGLE_CACHE", str(tmp_path / "file"))
    assert len(lidc.load()) and len(lidc.load()) and len(few) == 2


def test_a_full_disk_costs_only_time(few, own_cache, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "write_atomically", full)
    assert len(lidc.load()) and not list(own_cache.glob("*.npz"))


def test_some_people_have_the_pictures_that_they_always_have(few, own_cache):
    whole, part = lidc.load(), lidc.load(people=4)
    assert part.people == 4
    same = whole.of_people(part.subjects.index)
    assert part.samples.equals(same.samples) and (part.masks == same.masks).all()
    assert np.abs(part.images - same.images).max() <= 1.01 / 1400  # a batch of another size may round one HU off


@pytest.mark.parametrize(
    "options, message",
    [
        ({"rule": "readers5"}, r"no rule 'readers5'; there are \['published', 'readers3'\]"),
        ({"render": "none"}, "no rendering 'none'; there are full, geometry_only, shuffled_ratings"),
        ({"people": 0}, "people is 0, expected at least 1"),
    ],
)
def test_unknown_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        lidc.load(**options)


def test_controls_permute_traits_and_leave_their_distribution(selected):
    full, geometry, shuffled = (lidc.looks_for(selected, render, 0) for render in lidc.RENDERINGS)
    for name in lidc.LOOKS:
        assert sorted(geometry[name]) == sorted(full[name]) == sorted(shuffled[name])
    assert abs(geometry["texture"].corr(full["texture"])) < 0.1
    assert abs(shuffled["texture"].corr(full["texture"])) < 0.1
    within = full["texture"].corr(full["margin"])
    assert shuffled["texture"].corr(shuffled["margin"]) == pytest.approx(within)
    assert abs(geometry["texture"].corr(geometry["margin"])) < 0.1 < abs(within)


def test_geometry_only_says_nothing_about_the_rated_texture(selected, table):
    lesions = table.groupby("lesion", sort=False)[["texture", "lesion_diameter_mm"]].first()
    texture, size = lesions["texture"].to_numpy(), lesions["lesion_diameter_mm"].to_numpy()
    rows = []
    for glass in np.flatnonzero(texture <= 2):  # each beside a solid lesion of its size, not taken yet
        free = np.setdiff1d(np.flatnonzero(texture >= 4), rows)
        rows += [glass, free[np.abs(size[free] - size[glass]).argmin()]]

    def separation(render):
        looks = lidc.looks_for(selected, render, 0).iloc[rows]
        made = lidc.make([selected[row] for row in rows], looks, 0.7, 0)
        inside = np.array([hu[mask].mean() for hu, mask in zip(made.hu[:, 0], made.masks, strict=True)])
        mean = pd.Series(inside).groupby(made.samples["lesion"]).mean()
        return roc_auc_score(made.samples.groupby("lesion")["texture"].first() >= 4, mean)

    assert len(rows) == 2 * 54
    assert separation("full") > 0.95
    assert separation("geometry_only") == pytest.approx(0.5, abs=0.1)


def test_the_rendering_is_frozen(selected):
    """Block means of twenty lesions as they were before any model was fitted.

    Pixels are whole Hounsfield units; processors of other kinds move one in some thousands by a unit.
    """
    looks = lidc.looks_for(selected, "full", 0)
    made = lidc.make(selected[::60], looks.iloc[::60], 0.7, 0)
    widest = made.samples.groupby("lesion")["diameter_mm"].idxmax().to_numpy()
    blocks = made.hu[widest, 0].reshape(-1, 4, 16, 4, 16).mean(axis=(2, 4), dtype=float).reshape(-1, 16)
    frozen = pd.read_csv(FROZEN, index_col="lesion")
    assert list(frozen.index) == list(made.samples.loc[widest, "lesion"])
    assert np.allclose(blocks, frozen, atol=0.2)
