"""LIDC-IDRI in the layout of TCIA: series written here around real outlines of the embedded table."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import generate_uid

from disentangle.imaging.dicom import DicomError
from disentangle.imaging.lidc import roi, tcia
from disentangle.imaging.lidc.selection import readers3
from disentangle.imaging.lidc.table import read_lesions


@pytest.fixture(scope="module")
def scans() -> list:
    """The lesions of two scans: one with a single small lesion, one with two."""
    by_series: dict[str, list] = {}
    for chosen in readers3(read_lesions()):
        by_series.setdefault(chosen.lesion.series_uid, []).append(chosen)
    few = [lesions for lesions in by_series.values() if sum(len(chosen.slices) for chosen in lesions) < 12]
    return [next(g for g in few if len(g) == 1), next(g for g in few if len(g) == 2)]


def _picture(lesions: list, z: float) -> np.ndarray:
    """Lung of -800 HU, a wall of 30, and each lesion's consensus at this position with a value of its own."""
    picture = np.full((512, 512), -800.0)
    picture[:20] = 30
    for number, chosen in enumerate(lesions):
        lesion = chosen.lesion
        for index in np.flatnonzero(np.abs(lesion.z_mm - z) < 0.01):
            mask = lesion.consensus()[index]
            rows = slice(lesion.row_offset, lesion.row_offset + mask.shape[0])
            columns = slice(lesion.column_offset, lesion.column_offset + mask.shape[1])
            picture[rows, columns][mask] = 40 + 100 * number
    return picture


@pytest.fixture
def write_scan(write_slice):
    """Function that writes the slices of a scan that hold outlines, in the folders of TCIA."""
    return partial(_write_scan, write_slice)


def _write_scan(write_slice, folder: Path, lesions: list, skip: tuple[float, ...] = (), **changes) -> Path:
    lesion = lesions[0].lesion
    place = folder / lesion.patient / "01-01-2000-NA-NA-30178" / "3000566.000000-NA-03192"
    for number, z in enumerate(sorted({float(z) for chosen in lesions for z in chosen.lesion.z_mm} - set(skip))):
        elements = {
            "SeriesInstanceUID": lesion.series_uid,
            "PatientID": lesion.patient,
            "PixelSpacing": [f"{lesion.spacing_mm:.6f}"] * 2,
            "SliceThickness": lesion.slice_thickness_mm,
            "ImagePositionPatient": [0, 0, f"{z:.3f}"],
            "hu": _picture(lesions, z),
        }
        write_slice(place, z, f"1-{number + 1:03}.dcm", **(elements | changes))
    return place


@pytest.fixture
def collection(tmp_path: Path, scans: list, write_scan, write_slice) -> Path:
    """Two scans, a radiograph of the first person, and a scan that has no outlines."""
    for lesions in scans:
        write_scan(tmp_path, lesions)
    patient = scans[0][0].lesion.patient
    write_slice(tmp_path / patient / "01-01-2000" / "dx", 0, Modality="DX", SeriesInstanceUID=generate_uid())
    write_slice(tmp_path / "LIDC-IDRI-9999" / "a" / "b", 0, SeriesInstanceUID=generate_uid())
    return tmp_path


def test_lesions_of_the_scans_found_come_with_their_ratings(collection: Path, scans: list):
    cohort = tcia.load(collection)
    chosen = [lesion for lesions in scans for lesion in lesions]
    assert set(cohort.samples["lesion"]) == {c.lesion.id for c in chosen}
    assert set(cohort.subjects.index) == {c.lesion.patient for c in chosen}
    assert len(cohort) == sum(len(c.slices) for c in chosen)
    assert cohort.real and "2 of the " in cohort.provenance.note and "1,018" in cohort.provenance.note
    needed = {
        "malignant",
        "malignancy",
        "area_mm2",
        "diameter_mm",
        "lesion_diameter_mm",
        "volume_mm3",
        "spiculation",
    }
    assert needed <= set(cohort.samples)


def test_grey_values_lie_under_their_outlines(collection: Path, scans: list):
    cohort = tcia.load(collection)
    hu = cohort.images[:, 0] * 1400 - 1000
    assert cohort.images.shape[1:] == (1, 64, 64) and (cohort.spacing_mm == np.float32(0.7)).all()
    for number, chosen in enumerate(scans[1]):
        rows = np.flatnonzero(cohort.samples["lesion"] == chosen.lesion.id)
        inside = np.array([np.median(hu[row][cohort.masks[row]]) for row in rows])
        assert np.allclose(inside, 40 + 100 * number, atol=2)
    # Half way between lesion and lung runs the outline, so thresholding there gives the mask but for its rim.
    first = hu[: len(scans[0][0].slices)]
    thresholded, masks = first > -380, cohort.masks[: len(first)]
    dice = 2 * (thresholded & masks).sum() / (thresholded.sum() + masks.sum())
    assert dice > 0.9


def test_native_pixels_are_cut_without_interpolation(scans: list, tmp_path: Path, write_scan):
    chosen = scans[0][0]
    write_scan(tmp_path, scans[0])
    cohort = tcia.load(tmp_path, rule="published")
    rows = cohort.samples["lesion"] == chosen.lesion.id
    hu = cohort.images[rows, 0] * 1400 - 1000
    assert set(np.unique(hu.round())) <= {-800, 30, 40}
    assert ((hu > 0) == cohort.masks[rows]).all()


def test_the_regions_are_those_of_the_simulated_cohort(collection: Path, scans: list):
    cohort = tcia.load(collection)
    region = roi.regions(scans[0][0], 0.7)
    rows = np.flatnonzero(cohort.samples["lesion"] == scans[0][0].lesion.id)
    assert (cohort.masks[rows] == region.masks).all()
    assert np.allclose(cohort.samples["area_mm2"].iloc[rows], region.area_mm2)


def test_a_scan_that_lacks_an_outlined_slice_is_refused(tmp_path: Path, scans: list, write_scan):
    chosen = scans[0][0]
    gone = float(chosen.lesion.z_mm[chosen.slices[0]])
    place = write_scan(tmp_path, scans[0], skip=(gone,))
    with pytest.raises(DicomError) as caught:
        tcia.load(tmp_path)
    assert str(place) in str(caught.value) and f"no slice at {gone:.2f} mm" in str(caught.value)


def test_a_scan_of_another_pixel_size_is_refused(tmp_path: Path, scans: list, write_scan):
    write_scan(tmp_path, scans[0], PixelSpacing=[0.1, 0.1])
    with pytest.raises(tcia.SeriesMismatch, match="0.1.*was outlined on"):
        tcia.load(tmp_path)


def test_a_series_kept_twice_is_refused(tmp_path: Path, scans: list, write_scan):
    write_scan(tmp_path / "a", scans[0])
    write_scan(tmp_path / "b", scans[0])
    with pytest.raises(tcia.SeriesMismatch, match="lies in two folders"):
        tcia.load(tmp_path)


def test_a_folder_without_scans_of_the_collection_is_refused(tmp_path: Path, write_slice):
    write_slice(tmp_path / "x", 0)
    with pytest.raises(tcia.SeriesMismatch, match="none of the 1 DICOM series"):
        tcia.load(tmp_path)
    assert tcia.check(tmp_path)[1]


def test_the_check_counts_series_people_and_lesions(collection: Path):
    lines, problems = tcia.check(collection)
    assert not problems
    assert [found for _, found, _ in lines] == ["3", "2", "2", "3"]
