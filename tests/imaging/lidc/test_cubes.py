"""Cubes around nodules."""

from pathlib import Path

import numpy as np
import pytest

from disentangle.imaging.lidc import cubes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two cubes: lung at -800 HU with a bright block whose slices count upwards along the last axis."""
    for name in ("7_nod1_ann1", "12_nod2_ann3"):
        cube = np.full((51, 51, 51), -800 + 1024, np.float16)
        cube[20:31, 20:31, :] = 50 + 1024 + np.arange(51)
        np.save(tmp_path / f"{name}.npy", cube)
    return tmp_path


def test_central_slices_run_along_the_last_axis(folder: Path):
    cohort = cubes.load(folder, slices=3)
    hu = cohort.images[:3, 0, 31, 31] * 1400 - 1000
    assert np.allclose(hu, [50 + 24, 50 + 25, 50 + 26], atol=0.6)
    assert list(cohort.samples["subject"]) == ["scan-7"] * 3 + ["scan-12"] * 3


def test_the_frame_is_filled_with_edge_pixels_around_the_middle(folder: Path):
    cohort = cubes.load(folder, slices=1)
    assert cohort.images.shape == (2, 1, 64, 64)
    assert np.allclose(cohort.images[:, 0, 0, 0], 200 / 1400, atol=1e-3)
    rows = np.flatnonzero(cohort.images[0, 0].max(axis=1) > 0.5)
    assert abs(rows.mean() - 31.5) <= 0.5 and len(rows) == 11


def test_nothing_is_claimed_about_labels_and_size(folder: Path):
    cohort = cubes.load(folder)
    assert cohort.samples["malignant"].isna().all() and cohort.masks is None
    assert (cohort.spacing_mm == 1).all() and "not recorded" in cohort.provenance.note


@pytest.mark.parametrize(
    ("cube", "message"),
    [
        (np.zeros((51, 51, 50), np.float16), "shape"),
        (np.full((51, 51, 51), -800, np.float16), "HU \\+ 1024"),
        (np.full((51, 51, 51), np.nan, np.float16), "NaN"),
    ],
)
def test_a_cube_in_another_form_is_refused(folder: Path, cube: np.ndarray, message: str):
    np.save(folder / "7_nod1_ann1.npy", cube)
    with pytest.raises(cubes.CubeError, match=message):
        cubes.load(folder)
    assert cubes.check(folder)[1]


def test_a_cut_file_and_a_strange_name_are_refused(folder: Path):
    path = folder / "7_nod1_ann1.npy"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(cubes.CubeError, match="unreadable"):
        cubes.load(folder)
    path.rename(folder / "nodule.npy")
    with pytest.raises(cubes.CubeError, match="name should be"):
        cubes.load(folder)


@pytest.mark.needs_data
def test_the_six_published_cubes_show_a_nodule_in_lung(shared_data: Path):
    cohort = cubes.load(shared_data / "lidc_cubes", slices=1)
    hu = cohort.images[:, 0] * 1400 - 1000
    assert len(cohort) == 6
    assert (np.percentile(hu, 25, axis=(1, 2)) < -750).all()
    centre = hu[:, 26:38, 26:38].max(axis=(1, 2))
    assert (centre > -400).all()
