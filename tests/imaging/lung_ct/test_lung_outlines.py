"""Outlines of an RTSTRUCT become the right pixels of the right slices."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.path import Path as Polygon

from disentangle.imaging.dicom import read_ct
from disentangle.imaging.lung_ct.rtstruct import StructureError, geometry, mask_of, structure_names


@pytest.fixture
def volume(tmp_path: Path, write_chest):
    return read_ct(write_chest(tmp_path / "ct", slices=4))


def test_a_circle_covers_its_area_in_its_own_slice(tmp_path, volume, write_structures, outline, round_mask):
    path = write_structures(tmp_path / "rs.dcm", {"Lung L": [outline((90, 60), 30, 10.0)]})
    mask = mask_of(path, volume, "lung")
    assert list(mask.any((1, 2))) == [False, False, True, False]
    assert mask.sum() == pytest.approx(np.pi * 30**2, rel=0.01)
    assert (mask[2] ^ round_mask((90, 60), 30)).sum() < 20  # of 2,827: the polygon's corners


def test_the_mask_is_that_of_an_independent_point_in_polygon_test(tmp_path, volume, write_structures):
    angle = np.sort(np.random.default_rng(3).uniform(0, 2 * np.pi, 23))
    radius = np.random.default_rng(4).uniform(15, 70, 23)
    x, y = 100.3 + radius * np.cos(angle), 99.6 + radius * np.sin(angle)
    points = np.stack([x - 10, y - 20, np.full(23, 5.0)], axis=1)
    mask = mask_of(write_structures(tmp_path / "rs.dcm", {"Lungs": [points]}), volume, "lung")
    row, column = np.mgrid[:200, :200]
    inside = Polygon(np.stack([x, y], 1)).contains_points(np.stack([column.ravel(), row.ravel()], 1)).reshape(200, 200)
    assert (mask[1] ^ inside).sum() <= 2


def test_an_outline_within_another_of_the_same_structure_is_a_hole(tmp_path, volume, write_structures, outline):
    outlines = [outline((100, 100), 40, 0.0), outline((100, 100), 20, 0.0)]
    mask = mask_of(write_structures(tmp_path / "rs.dcm", {"Lung R": outlines}), volume, "lung")
    assert mask.sum() == pytest.approx(np.pi * (40**2 - 20**2), rel=0.01) and not mask[0, 100, 100]


def test_several_structures_are_united_and_others_left_out(tmp_path, volume, write_structures, outline):
    structures = {
        "Lung L": [outline((100, 60), 20, 5.0)],
        "Lung R": [outline((100, 140), 20, 5.0)],
        "Heart": [outline((100, 100), 15, 5.0)],
    }
    path = write_structures(tmp_path / "rs.dcm", structures)
    mask = mask_of(path, volume, "lung")
    assert mask[1, 100, 60] and mask[1, 100, 140] and not mask[1, 100, 100]
    assert structure_names(path) == ["Lung L", "Lung R", "Heart"]
    assert mask_of(path, volume, "gtv") is None


def test_outlines_between_the_slices_are_passed_over_but_one_must_fit(tmp_path, volume, write_structures, outline):
    outlines = [outline((100, 60), 20, z) for z in (2.5, 5.0, 7.5)]
    mask = mask_of(write_structures(tmp_path / "rs.dcm", {"Lung": outlines}), volume, "lung")
    assert list(mask.any((1, 2))) == [False, True, False, False]
    away = write_structures(tmp_path / "away.dcm", {"Lung": [outline((100, 60), 20, 812.0)]})
    with pytest.raises(StructureError, match=r"away.dcm.*Lung lie at 812.0 to 812.0 mm.*0.0 to 15.0 mm"):
        mask_of(away, volume, "lung")


def test_a_ct_slice_is_no_structure_set(tmp_path, volume):
    with pytest.raises(StructureError, match="Modality is 'CT', expected RTSTRUCT"):
        structure_names(volume.files[0])


def test_pixels_follow_position_and_spacing(volume):
    place = geometry(volume)
    assert np.allclose(place.to_pixels(np.array([[-10.0, -20, 0], [40, 30, 0]])), [[0, 0], [50, 50]])


def test_a_small_tumour_between_two_slices_of_a_gappy_series_leaves_nothing(
    tmp_path, volume, write_structures, outline
):
    between = write_structures(tmp_path / "rs.dcm", {"GTV-1": [outline((100, 60), 5, z) for z in (6.5, 8.0)]})
    assert not mask_of(between, volume, "gtv").any()
    beside = write_structures(tmp_path / "beside.dcm", {"GTV-1": [outline((100, 60), 5, 16.5)]})
    with pytest.raises(StructureError, match="another scan"):
        mask_of(beside, volume, "gtv")
